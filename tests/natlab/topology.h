/*
 * topology - a laboratory as a file describes it (natlab(1)):
 *
 *	[box cgn]
 *	profile = cgn-symmetric
 *
 *	[box home]
 *	profile = home-router
 *	behind = cgn
 *	loss = 1%
 *
 *	[host alice]
 *	behind = home
 *
 * opt.h reads it; here it becomes a plan. Pure.
 */
#ifndef NATLAB_TOPOLOGY_H
#define NATLAB_TOPOLOGY_H

#include "behaviour.h"

struct topology {
	/* Keys of the file, and options of natlab up. */
	char *log, *stund;
	int64_t seed;
	/* Options alone. */
	char *dir;
	bool help;
	/* Sections. */
	struct opt_list boxes, hosts;
};

const struct opt_program *topology_program(void);

/* False, and *err, where a box is behind itself, a name is missing, ... */
bool topology_plan(const struct topology *t, struct lab_plan *plan, struct lab_error *err);

#endif
