/*
 * option_rows - options of natlab's commands that run a network, and that mean the same in each
 * (opt_rows.h): log, dir, seed and stund.
 */
#ifndef NATLAB_OPTION_ROWS_H
#define NATLAB_OPTION_ROWS_H

#include "opt_rows.h"

#define ROW_LOG(type_)                     \
	{ .name = "log",                   \
	  .letter = 'l',                   \
	  .type = OPT_STR,                 \
	  .offset = OPT_FIELD(type_, log), \
	  .flags = OPT_CLI_ONLY,           \
	  .value = "FILE",                 \
	  .help = "write each decision of a box to FILE as a line of JSON; -: to stderr" }

#define ROW_DIR(type_)                     \
	{ .name = "dir",                   \
	  .letter = 'd',                   \
	  .type = OPT_STR,                 \
	  .offset = OPT_FIELD(type_, dir), \
	  .flags = OPT_CLI_ONLY,           \
	  .value = "DIR",                  \
	  .help = "take orders of natlab exec and natlab event through a socket in DIR" }

#define ROW_SEED(type_)                     \
	{ .name = "seed",                   \
	  .type = OPT_INT,                  \
	  .offset = OPT_FIELD(type_, seed), \
	  .flags = OPT_CLI_ONLY,            \
	  .fallback = "0",                  \
	  .min = 1,                         \
	  .max = INT64_MAX,                 \
	  .value = "N",                     \
	  .help = "all chance follows from N; default: another one each time" }

#define ROW_STUND(type_)                     \
	{ .name = "stund",                   \
	  .type = OPT_STR,                   \
	  .offset = OPT_FIELD(type_, stund), \
	  .flags = OPT_CLI_ONLY,             \
	  .value = "PATH",                   \
	  .help = "the server's program; default: the one that came with natlab" }

#endif
