/* accuracy_report - what `accuracy` prints, and what it asserts. */
#ifndef NATKIT_BENCH_ACCURACY_REPORT_H
#define NATKIT_BENCH_ACCURACY_REPORT_H

#include <stdio.h>

#include "tests/bench/accuracy_run.h"

/* For people: what is not right, profile by profile, and the sums. */
void accuracy_print_table(FILE *out, const struct accuracy_level *levels, size_t count);

void accuracy_print_json(FILE *out, const struct accuracy_level *levels, size_t count);

/* Names every bound that is missed, a line each, in `out`. Returns how many. */
unsigned accuracy_assert(FILE *out, const struct accuracy_level *levels, size_t count);

#endif
