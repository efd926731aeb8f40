/* punch_oracle_script - one schedule of punch_oracle, carried out. */
#ifndef NATKIT_PUNCH_ORACLE_SCRIPT_H
#define NATKIT_PUNCH_ORACLE_SCRIPT_H

#include "nat_profile.h"

/* From where a side sends, and thereby where the other one aims. */
enum oracle_way {
	ORACLE_ANNOUNCED = 0, /* the socket that servers saw, and how they saw it */
	ORACLE_HOST,          /* ... its own address */
	ORACLE_NEXT,          /* ... the ports after the last one that a fresh socket got */
	ORACLE_FURTHER,       /* ... the ports after its own last one, by its own step */
	ORACLE_FRESH,         /* a fresh socket, and the ports after the last one */
	ORACLE_WAYS,
};

enum oracle_first {
	ORACLE_BOTH,
	ORACLE_A,
	ORACLE_B,
	ORACLE_FIRSTS,
};

struct oracle_schedule {
	bool is_tcp;
	uint8_t way[2];      /* enum oracle_way, of A and B */
	uint8_t first;       /* enum oracle_first */
	bool low[2];         /* the first packet ends between the boxes */
	bool waits[2];       /* does nothing by itself */
	uint16_t sockets[2]; /* > 0: that many fresh ones send */
	uint16_t guesses
		[2]; /* > 0: ports of the other side's range that each of its sockets tries */
};

/* Does it open a path, for this draw of the boxes? b is NULL: both are behind A's boxes. */
bool oracle_script_run(const struct oracle_schedule *s, const struct nat_profile *a,
		       const struct nat_profile *b, uint64_t seed);

#endif
