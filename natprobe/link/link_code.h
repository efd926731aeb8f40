/* link_code - a new code, as a command that made one shows it. */
#ifndef NATPROBE_LINK_CODE_H
#define NATPROBE_LINK_CODE_H

#include <stdio.h>

#include "natprobe/pair/punch_options.h"

/*
 * In a line of its own to `out`, so that a script can take it; with --json as an event.
 * there  what to run on the other side: "receive CODE"
 */
void link_code_show(const struct punch_options *o, const char *there, const char *code, FILE *out);

#endif
