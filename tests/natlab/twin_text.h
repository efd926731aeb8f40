/*
 * twin_text - a twin (nat_twin.h) as a file that natlab up takes, with what each line comes from.
 * Pure.
 */
#ifndef NATLAB_TWIN_TEXT_H
#define NATLAB_TWIN_TEXT_H

#include <stdio.h>

#include "natprobe/report/report.h"
#include "tests/nat_twin.h"

#define TWIN_HOST "host"

/* of: what it was derived from; its verdict is there. */
void twin_print(const struct nat_twin *t, const struct report_probe *of, FILE *out);

/* The expectation file that belongs to it. False when memory or `out` fails. */
bool twin_print_expected(const struct report_probe *of, FILE *out);

#endif
