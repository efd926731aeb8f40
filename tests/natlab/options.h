/* options - what `natlab run` and `natlab pair` can be told on their command line. */
#ifndef NATLAB_OPTIONS_H
#define NATLAB_OPTIONS_H

#include <stdio.h>

#include "opt.h"

struct lab_options {
	char *log;    /* path, "-": stderr; NULL: none */
	char *stund;  /* path; NULL: found */
	int64_t seed; /* 0: chance */
	bool help;
};

extern const struct opt_program run_program;

/* The file of --log. False, and a message, where it cannot be written; NULL: none is wanted. */
bool options_open_log(const struct lab_options *o, FILE **log);

/* --seed, or a random one. */
uint64_t options_seed(const struct lab_options *o);

#endif
