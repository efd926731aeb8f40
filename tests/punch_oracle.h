/*
 * punch_oracle - whether two hosts behind given boxes can reach each other at all, with nobody
 * between them: found by trying.
 *
 * A bounded exhaustive search over schedules of few actions, run in sim_pair's network: who sends
 * first, or both at once; with a first packet that ends between the boxes, or not; from the socket
 * that a server saw, or a fresh one; to what the server saw, to the ports that should come next by
 * what was observed, to random ones of the range that was observed. Whoever hears something answers
 * where it came from. A schedule uses only what the two sides could know. Relay and ports that a
 * gateway opens are apart. Nothing of natprobe's own plans is used here: it must not share their
 * mistakes.
 */
#ifndef NATKIT_PUNCH_ORACLE_H
#define NATKIT_PUNCH_ORACLE_H

#include "nat_profile.h"

enum punch_oracle_answer {
	PUNCH_ORACLE_NEVER = 0, /* no schedule opened a path */
	PUNCH_ORACLE_SOMETIMES, /* some did, for some draws of the boxes or with luck in guessing */
	PUNCH_ORACLE_ALWAYS,    /* one did for all draws */
};

struct punch_oracle {
	uint8_t udp, tcp; /* enum punch_oracle_answer */
};

/* same_nat: b is not used. */
void punch_oracle_ask(const struct nat_profile *a, const struct nat_profile *b, bool same_nat,
		      struct punch_oracle *out);

/* The better of both. */
enum punch_oracle_answer punch_oracle_best(const struct punch_oracle *o);

/* One character: "-", "p", "R". */
char punch_oracle_sign(enum punch_oracle_answer a);

#endif
