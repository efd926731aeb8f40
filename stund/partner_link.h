/*
 * partner_link - the socket to the partner and the clock behind it: the shell of partner.h, in the
 * thread of one worker. State changes stand in the log.
 */
#ifndef NATKIT_PARTNER_LINK_H
#define NATKIT_PARTNER_LINK_H

#include <event2/event.h>

#include "partner_board.h"
#include "partner_stats.h"

struct partner_link;

struct partner_link_hooks {
	/* Sends for the partner, from our socket of that face and port. False: it did not leave. */
	bool (*send)(const struct partner_hand *h, void *arg);
	void *arg;
};

/*
 * setup       is copied; random and limit are filled in here
 * board       is where the others look; outlives the link
 * stats       counts; outlives the link
 * self_check  whether to have the partner send to us, once it is there
 * Returns NULL when there is no memory or randomness.
 */
struct partner_link *partner_link_open(struct event_base *base, struct partner_board *board,
				       const struct partner_setup *setup,
				       const struct partner_link_hooks *hooks,
				       struct partner_stats *stats, bool self_check);

/* Says goodbye. NULL is fine. */
void partner_link_close(struct partner_link *l);

/* What a reload may change. */
void partner_link_use(struct partner_link *l, const uint8_t key[static PARTNER_KEY_LEN],
		      bool classic);

#endif
