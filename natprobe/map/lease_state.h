/* lease_state - what the files of lease share. Only lease*.c include this. */
#ifndef NATPROBE_LEASE_STATE_H
#define NATPROBE_LEASE_STATE_H

#include "lease.h"

#define LEASE_NEVER UINT64_MAX

enum lease_due {
	LEASE_DUE_MAP = 1,
	LEASE_DUE_ADDRESS = 2, /* NAT-PMP: of the gateway's outside */
	LEASE_DUE_CLOCK = 4,   /* is its clock still the same? */
	LEASE_DUE_UPNP = 8,
};

/* Copies of a request, from `at_us` on. */
void lease_begin_copies(struct lease *l, uint64_t at_us);

/* Asks the first, from `by` on, that it makes sense to ask; LEASE_REFUSED where there is none. */
void lease_ask(struct lease *l, enum lease_by by, uint64_t now_us);

/* Whom it asks has said that; the next one is asked. */
void lease_ask_next(struct lease *l, enum lease_answer answer, uint16_t code, uint64_t now_us);

/* That was granted, or renewed. */
void lease_hold(struct lease *l, const struct lease_grant *grant, uint64_t now_us);

/* What was held is no more. */
void lease_lose(struct lease *l, uint64_t now_us);

void lease_end(struct lease *l, bool is_removed);

/* Below `n`, from the seed. */
uint64_t lease_draw(struct lease *l, uint64_t n);

#endif
