/* coop_state - the inside of a cooperating server. Only coop_*.c include this. */
#ifndef NATKIT_COOP_STATE_H
#define NATKIT_COOP_STATE_H

#include "coop_build.h"
#include "coop_table.h"

/* How long an order that is done is remembered: longer than anybody repeats a request. */
#define COOP_REMEMBER_MS 40000

struct coop {
	struct coop_limits limits;
	const struct coop_token_key *key;
	struct coop_budget *budget, *own_budget;
	struct coop_table table;
	struct coop_stats stats;
};

/* A report about an order, as of now. */
struct coop_report coop_report_on(const struct coop_entry *e, uint8_t outcome, uint64_t now_us,
				  uint64_t clock_us);

#endif
