/*
 * punch_paths - profiles of peers as the rows of a matrix of NATs, for tests of plans and shots, and
 * offers to go with them. Addresses are ordinary public ones.
 */
#ifndef NATKIT_PUNCH_PATHS_H
#define NATKIT_PUNCH_PATHS_H

#include "natprobe/planning/shots.h"

enum punch_row {
	ROW_OPEN,       /* O: no NAT, no filter */
	ROW_FIREWALL,   /* F: no NAT, answers only */
	ROW_FULL_CONE,  /* C1 */
	ROW_RESTRICTED, /* C2 */
	ROW_PORT,       /* C3: endpoint-independent, answers only, known as harmless */
	ROW_LINUX,      /* C3L: the same, but an early packet moves the mapping */
	ROW_SEQUENTIAL, /* Sq */
	ROW_BLOCK,      /* Sb: random in 512 ports */
	ROW_RANDOM,     /* Sr */
	ROW_BLOCKED,    /* B: no UDP, and TCP as Sr has it */
	PUNCH_ROWS,
};

extern const char *const punch_row_names[PUNCH_ROWS];

/* One path of IPv4; who: 0 or 1, for different addresses. */
struct peer_profile punch_row_profile(enum punch_row row, unsigned who);
/* Every set of every path, host and mapped, samples where it counts. */
struct peer_offer punch_offer_of(const struct peer_profile *p);

#endif
