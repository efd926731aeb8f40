/*
 * report_text - the report for people.
 *
 *	report_text.c           which blocks and lines there are
 *	report_text_values.c    the lines of a block: a property or two each
 *	report_text_explain.c   what it means: for peers, and for the user
 *	report_text_evidence.c  what the values were concluded from
 *	report_text_plot.c      small pictures
 *	report_text_put.c       what these share
 */
#ifndef NATPROBE_REPORT_TEXT_H
#define NATPROBE_REPORT_TEXT_H

#include "report.h"

void report_text(const struct report *r, const struct report_style *style, FILE *out);

#endif
