/* transport_ends - what tests have at both ends of a channel: writers of a pattern, readers that know it. */
#ifndef TEST_TRANSPORT_ENDS_H
#define TEST_TRANSPORT_ENDS_H

#include "transport_pair.h"

#define SECOND 1000000U

struct end {
	struct channel *c;
	uint64_t to_write, written, read;
	uint64_t unread; /* held back by a slow reader */
	bool is_slow, ends;
	bool is_open, has_end, is_closed, has_why;
	bool has_other; /* a byte that does not fit the pattern */
	char why[128];
};

/* Opens a stream, and writes what is to be written. */
void end_open(struct pair_side *side, struct end *e, const char *label);
void end_write(struct end *e);
/* For side->on_channel: into the ends at side->user, in turn. */
bool end_accept(struct pair_side *side, struct channel *c);

/* For pair_run_until: of two ends. */
bool ends_are_closed(void *two);
/* Of two sides. */
bool sides_are_ready(void *pair);
bool sides_have_failed(void *pair);

#endif
