/*
 * report_text - the inside of the report for people, for report_text*.c alone.
 *
 *	report_text.c           which blocks and lines there are
 *	report_text_values.c    the lines of a block: a property or two each
 *	report_text_explain.c   what it means: for peers, and for the user
 *	report_text_evidence.c  what the values were concluded from
 */
#ifndef NATPROBE_REPORT_TEXT_H
#define NATPROBE_REPORT_TEXT_H

#include "report.h"

#define TEXT_BOLD   "\033[1m"
#define TEXT_GREEN  "\033[32m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_RED    "\033[31m"

struct text {
	FILE *out;
	const struct report_style *style;
};

void text_coloured(const struct text *t, const char *colour, const char *what);

/* Begins a line. */
void text_label(const struct text *t, const char *name);

/* The value of a property by its name, and the cause where it is unknown. */
void text_value(const struct text *t, const struct verdict *v, const char *property);

const char *text_server_name(const struct verdict *v, uint8_t index);

/* All lines of one interface and family. */
void text_values(const struct text *t, const struct report_probe *p);

/* The evidence, of --verbose. */
void text_evidence(const struct text *t, const struct report_probe *p);

/* What to expect with which peer; and each property in a sentence, of --explain. */
void text_meaning(const struct text *t, const struct verdict *v);
void text_explain(const struct text *t, const struct verdict *v);

/* One line with all that matters and no address in it, to be pasted somewhere. */
void text_line(const struct text *t, const struct report_probe *p);

#endif
