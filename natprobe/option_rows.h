/* option_rows - options that several commands have, and that mean the same in each (opt_rows.h). */
#ifndef NATPROBE_OPTION_ROWS_H
#define NATPROBE_OPTION_ROWS_H

#include "opt_rows.h"

/* verb: what is done over that family */
#define ROW_IPV4(type, verb) OPT_ROW_FLAG(type, ipv4, '4', verb " over IPv4 only")
#define ROW_IPV6(type, verb) OPT_ROW_FLAG(type, ipv6, '6', verb " over IPv6 only")

/* text: what ends then; the field is timeout_ms */
#define ROW_TIMEOUT(type_, text)                  \
	{ .name = "timeout",                      \
	  .letter = 't',                          \
	  .type = OPT_MS,                         \
	  .offset = OPT_FIELD(type_, timeout_ms), \
	  .flags = OPT_CLI_ONLY,                  \
	  .fallback = "20s",                      \
	  .min = 500,                             \
	  .max = 600000,                          \
	  .value = "TIME",                        \
	  .help = text }

#define ROW_JSON(type)   OPT_ROW_FLAG(type, json, 'j', "print one JSON document instead of text")
#define ROW_REDACT(type) OPT_ROW_FLAG(type, redact, 0, "mask public addresses, for bug reports")

#endif
