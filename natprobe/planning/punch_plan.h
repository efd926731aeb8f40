/*
 * punch_plan - from two profiles to the strategies that may make a path between them, in the order
 * in which they are tried, each with its chance. A pure function: both sides compute the same list.
 *
 * A is the controlling side, B the other one, wherever this runs. What is not known is counted as
 * what is common, and the strategies for both cases are in the list. Both have to be given the same
 * options, or their lists differ.
 *
 * Steps may overlap: each has a set of sockets of its own on its paths. Whatever path is valid first
 * is nominated, with one exception: not before `nominate_us`. A relay is checked early on, so that it
 * is there when the others have ended.
 */
#ifndef NATPROBE_PUNCH_PLAN_H
#define NATPROBE_PUNCH_PLAN_H

#include "natprobe/peer/peer.h"
#include "strategy.h"

#define PUNCH_STEPS_MAX     16
#define PUNCH_SOCKETS_MAX   320     /* of one side and step */
#define PUNCH_PORTS_MAX     1200    /* that one side tries of the other */
#define PUNCH_PLAN_LIMIT_US 9000000 /* all steps but the relay */

/* What one side does in a step. */
struct punch_part {
	uint8_t path;         /* index into its profile */
	bool opens;           /* sends first, with openers that end underway where low-TTL */
	uint8_t opener_ttl;   /* of packets before settle_us; 0: as usual */
	uint8_t opener_rungs; /* further openers, each with one hop more: it is not known how many it
				 takes */
	uint16_t sockets;     /* fresh ones beyond the offer's; 0: the socket of the set */
	uint16_t ports;       /* that it tries of the other side; 0: the announced one */
	int32_t window_first,
		window_step; /* PREDICTION, MIXED: the ports that it tries, relative to
			the other side's last sample: first, first + step, ...; `follows_local`
			of the other side's delta: relative to its local port */
	uint16_t low, high;  /* BIRTHDAY, MIXED: the range it tries; 0: not used */
};

struct punch_step {
	uint8_t strategy; /* enum punch_strategy */
	uint8_t set;      /* whose sockets of the offers are used */
	uint8_t family;   /* ADDR_IPV4, ADDR_IPV6: of the way between the two */
	bool is_tcp;
	bool is_local; /* host endpoints are tried as well: they may be in one network */
	struct punch_part a, b;
	uint32_t start_us; /* since the start of the plan; steps may overlap */
	uint32_t duration_us;
	uint32_t settle_us; /* since start_us: from then on packets go all the way, or the side that
			       does not open sends its first */
	uint32_t nominate_us; /* since the start of the plan: not before; 0: at once */
	double chance;        /* that it makes a path, if all before it did not */
};

struct punch_plan {
	struct punch_step steps[PUNCH_STEPS_MAX];
	uint8_t count;
	double chance;       /* that any but the relay makes one */
	double chance_relay; /* ... with the relay */
	uint8_t reason;      /* enum punch_reason: why nothing but the relay can, where chance is 0;
			   REASON_NOT_TRIED: what is allowed is not for this pair */
	uint8_t side;        /* enum punch_side, of that reason */
	uint8_t forced; /* enum punch_strategy: the one that is allowed; PUNCH_NONE: several are */
};

struct punch_plan_options {
	uint32_t only;           /* PUNCH_BIT of the strategies allowed; 0: all; one alone is
				    tried whatever its chance */
	uint32_t start_error_us; /* by how much the two starts may differ */
	bool has_relay;          /* either side has one */
	bool apart;              /* they are in two networks, even if addresses are alike */
	uint16_t sockets_max;    /* 0: PUNCH_SOCKETS_MAX; a user's cap of mappings */
};

/* True where it need not even be tried: nothing is allowed that could leave, or make a path. */
bool punch_plan_is_hopeless(const struct punch_plan *plan);

void punch_plan_make(const struct peer_profile *a, const struct peer_profile *b,
		     const struct punch_plan_options *options, struct punch_plan *out);

/*
 * The chance that `ports` tries of `range` meet one of `sockets` ports: both without repetition,
 * independent of each other.
 */
double punch_birthday_chance(uint32_t range, uint32_t sockets, uint32_t ports);

#endif
