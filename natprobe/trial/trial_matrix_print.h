/* trial_matrix_print - the table of networks for people, for machines, and as a page. */
#ifndef NATPROBE_TRIAL_MATRIX_PRINT_H
#define NATPROBE_TRIAL_MATRIX_PRINT_H

#include "natprobe/report/report.h"
#include "trial_matrix.h"

#define TRIAL_MATRIX_JSON_VERSION 1

void trial_matrix_text(const struct trial_matrix *m, const struct report_style *style, FILE *out);

/* doc/natprobe-matrix.schema.json. Both: false where it cannot be written. */
bool trial_matrix_json(const struct trial_matrix *m, const char *program, FILE *out);
bool trial_matrix_html(const struct trial_matrix *m, const char *program, FILE *out);

#endif
