/* report_text_put - what report_text*.c share: beginning a line, colouring a word. */
#ifndef NATPROBE_REPORT_TEXT_PUT_H
#define NATPROBE_REPORT_TEXT_PUT_H

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

const char *text_server_name(const struct verdict *v, uint8_t index);

#endif
