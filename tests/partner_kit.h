/*
 * partner_kit - two partners in virtual time, and the line between them, for tests.
 *
 * Each has a clock of its own, that starts anywhere and may run faster or slower. The line loses,
 * doubles, delays and reorders what it is told to.
 */
#ifndef NATKIT_PARTNER_KIT_H
#define NATKIT_PARTNER_KIT_H

#include "stund/partner.h"
#include "rng.h"

#define PARTNER_KIT_FLYING 256
#define PARTNER_KIT_SENT   64

/* One side. Its server is seen at ip:3478 and ip:3479 for each family. */
struct partner_kit_side {
	struct partner p;
	bool is_off;
	struct partner_setup setup;
	uint64_t clock_from_ms;
	uint32_t clock_percent;
	uint64_t number;              /* of the last message that was handed over */
	uint32_t took[PARTNER_TOOKS]; /* what came of what arrived */
	struct partner_hand sent;     /* the last that was sent for the partner */
	uint8_t sent_msg[PARTNER_MSG_MAX];
	uint32_t runs;
};

struct partner_kit_flying {
	bool is_used, to_second;
	uint64_t at_ms;
	size_t len;
	uint8_t bytes[PARTNER_DATAGRAM_MAX];
};

struct partner_kit {
	struct partner_kit_side sides[2];
	struct partner_kit_flying flying[PARTNER_KIT_FLYING];
	size_t flying_count;
	struct rng rng;
	uint64_t now_ms;
	uint32_t loss_percent[2]; /* of what goes to that side */
	uint32_t double_percent;
	uint32_t delay_ms, jitter_ms;
	uint64_t datagrams;
	/* The last of each type that each side sent, for who listens and says it again. */
	struct partner_kit_flying heard[2][PARTNER_TYPES];
};

/* Both on, 20 ms apart, with one key. */
void partner_kit_open(struct partner_kit *k, uint64_t seed);

/* That side begins anew, with other randomness. */
void partner_kit_restart(struct partner_kit *k, int side);

/* Time passes; what is due happens. */
void partner_kit_run(struct partner_kit *k, uint64_t ms);

/* The clock of a side. */
uint64_t partner_kit_clock(const struct partner_kit *k, int side);

/* Sends bytes to that side as if its partner had. */
enum partner_took partner_kit_say(struct partner_kit *k, int side, struct bytes datagram);

/* That side has a partner, which has this face. */
bool partner_kit_has(struct partner_kit *k, int side, unsigned int face);
enum partner_why partner_kit_why(struct partner_kit *k, int side);

/* The same, 200 ms later, by when both have heard each other; and whether both do still. */
struct partner_kit *partner_kit_live(struct partner_kit *k, uint64_t seed);
bool partner_kit_both_live(struct partner_kit *k);

/* The last of a type that a side said. */
struct bytes partner_kit_heard(const struct partner_kit *k, int side, enum partner_type type);

/* Somebody whom they may send to. */
extern const struct addr partner_kit_client, partner_kit_client6;

/* A Binding success response that tells `to` its address, in `buf`. */
struct bytes partner_kit_answer(uint8_t *buf, size_t cap, const struct addr *to, bool classic);

/* Side `side` hands such a one over. Returns false where it cannot. */
bool partner_kit_hand(struct partner_kit *k, int side, unsigned int face, unsigned int port,
		      const struct addr *to);

#endif
