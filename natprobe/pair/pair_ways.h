/*
 * pair_ways - how the two of a run meet, as its options say: by a code, by an address, as the owner
 * of one, or by hand. What is the same for natprobe punch and connect.
 */
#ifndef NATPROBE_PAIR_WAYS_H
#define NATPROBE_PAIR_WAYS_H

#include "pair_run.h"
#include "punch_code.h"

struct pair_ways {
	struct pair_run
		like; /* each run begins as a copy: command, options, what it does with a path */
	/* Once, for a code that the other side does not know yet. */
	void (*show_code)(const struct punch_code *code, const struct punch_options *o);
	/* Takes a run from start to end, and clears it. Returns 0 or an exit code. */
	int (*run)(struct pair_run *run);
};

/*
 * operand  of argv: a code, an address or "-"; NULL: none
 * Returns an exit code. Of several inviters (--accept-max) that of the last one.
 */
int pair_ways_run(const struct pair_ways *w, char *operand);

#endif
