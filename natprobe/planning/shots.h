/*
 * shots - when a side sends which check from which of its sockets to where, in one step of a plan:
 * a pure function of the step, both offers and a number. punch sends them and does all the rest:
 * answers, checks back to whoever sent one, nomination.
 */
#ifndef NATPROBE_SHOTS_H
#define NATPROBE_SHOTS_H

#include "punch_plan.h"

/* Sockets of a step: 0 is that of the offer's set; 1 the one for host endpoints; from 2 on fresh
 * ones; the last one is our relayed address. */
#define SHOTS_SOCKET_SET   0
#define SHOTS_SOCKET_LOCAL 1
#define SHOTS_SOCKET_FRESH 2
#define SHOTS_SOCKET_RELAY UINT16_MAX

struct shots_view {
	const struct punch_step *step;
	const struct peer_profile *ours, *theirs;
	const struct peer_offer *our_offer, *their_offer;
	bool is_a;             /* we are side A */
	uint64_t seed;         /* ours alone, at random: of the ports that are searched */
	uint32_t offer_age_us; /* of their offer, when the plan starts: counters move meanwhile */
};

struct shot {
	uint32_t at_us;  /* since the start of the step */
	uint16_t socket; /* as above */
	struct addr to;
	uint8_t ttl; /* 0: as usual */
};

/* How many fresh sockets of our path the step takes. */
uint16_t shots_sockets(const struct shots_view *v);

/*
 * The local port that fresh socket `index`, from 0, has to be opened on, since the other side
 * foretells its external port from that; 0: any. Where it cannot be opened, the others have to do.
 */
uint16_t shots_local_port(const struct shots_view *v, uint16_t index);

/*
 * Shot number `index`, in the order of at_us. False: there are no more. Only what may be sent to
 * (special-purpose addresses of theirs only where peer_may_be_ours; never port 0).
 */
bool shots_get(const struct shots_view *v, uint32_t index, struct shot *out);

#endif
