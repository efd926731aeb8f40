/*
 * saved - what natprobe --save writes of a network in sim_net, and what --expect then says of
 * the same, or of another one.
 */
#ifndef NATKIT_SAVED_H
#define NATKIT_SAVED_H

#include "natprobe/report/expect.h"
#include "sim_net.h"

#define SAVED_MAX 8192

struct saved {
	char text[SAVED_MAX];
	size_t len;
};

/* The file that a run of `c` leaves. */
void saved_write(const struct sim_config *c, struct saved *out);

/* One comparison. */
struct saved_judgement {
	unsigned missed, open; /* lines, over all interfaces */
	char first[280];       /* the first line that is missed, or else is open */
	bool names;            /* one that is missed is about `property` */
};

/* property: that one looks for; NULL: none */
struct saved_judgement saved_judge(const struct saved *s, const struct sim_config *c,
				   const char *property);

#endif
