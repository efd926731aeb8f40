/* trial_text - trials of punching for people: one as it ends, and all of a run at its end. */
#ifndef NATPROBE_TRIAL_TEXT_H
#define NATPROBE_TRIAL_TEXT_H

#include "natprobe/report/report.h"
#include "trial_record.h"

/* The path and how good it is, or why there is none; verbose: each step as well. */
void trial_text_one(const struct trial_record *r, const struct report_style *style, FILE *out);

/* A table of strategies and the reasons of failures; nothing for a single trial. */
void trial_text_summary(const struct trial_run *run, const struct report_style *style, FILE *out);

#endif
