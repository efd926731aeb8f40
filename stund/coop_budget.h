/*
 * coop_budget - how much a cooperating server does: for one source, and for all of them.
 *
 * A source is an IPv4 address or an IPv6 /64; all of an IPv6 /48 share a quarter of what all may
 * have. The table never grows: sources that meet in a place
 * share what one may have. One budget serves all workers, without a lock.
 */
#ifndef NATKIT_COOP_BUDGET_H
#define NATKIT_COOP_BUDGET_H

#include "addr.h"

#define COOP_ORDERS 16384 /* where the limits say 0 */

/* 0 stands for what the comment says. */
struct coop_limits {
	uint32_t orders;          /* pending, of all; COOP_ORDERS */
	uint32_t orders_source;   /* pending, of one source; 320 */
	uint32_t connects;        /* TCP connections under way, and answers watched, of all; 256 */
	uint32_t connects_source; /* ... of one source; 16 */
	uint32_t bytes_per_s;     /* to one source, on average; 65536. Four seconds' worth of it may
				      be pending at a time */
	uint32_t bytes_per_s_all; /* to all of them; 16 times bytes_per_s */
	bool can_fragment, can_icmp; /* the shell has raw sockets */
	struct coop_budget *budget;  /* borrowed, shared with other workers; NULL: one's own */
};

struct coop_budget;

/* key: 16 random bytes from a CSPRNG. NULL when memory runs out. */
struct coop_budget *coop_budget_new(const struct coop_limits *limits, const uint8_t key[static 16]);
void coop_budget_free(struct coop_budget *b); /* NULL is fine */

/* What an order takes until it is done. */
struct coop_cost {
	uint32_t bytes;
	bool connects;
};

/* False where it is more than is left; then nothing is taken but time. */
bool coop_budget_take(struct coop_budget *b, const struct addr *from, const struct coop_cost *cost,
		      uint64_t now_ms);

/* It is done. The rate of bytes is not given back. */
void coop_budget_give_back(struct coop_budget *b, const struct addr *from,
			   const struct coop_cost *cost);

/* How many orders are pending, of all. */
uint32_t coop_budget_pending(const struct coop_budget *b);

#endif
