/*
 * opt_rows - rows that stand in the tables of many programs (opt.h). `type` is the struct that the
 * table fills; its field has the name of the option.
 */
#ifndef NATKIT_OPT_ROWS_H
#define NATKIT_OPT_ROWS_H

#include "opt.h"

/* A flag of the command line alone. initial: its letter, or 0 */
#define OPT_ROW_FLAG(type_, field, initial, text) \
	{ .name = #field,                         \
	  .letter = (initial),                    \
	  .type = OPT_FLAG,                       \
	  .offset = OPT_FIELD(type_, field),      \
	  .flags = OPT_CLI_ONLY,                  \
	  .help = text }

#define OPT_ROW_HELP(type)    OPT_ROW_FLAG(type, help, 'h', "print this help")
#define OPT_ROW_VERSION(type) OPT_ROW_FLAG(type, version, 'V', "print the version")

#endif
