/*
 * punch - one trial: from fresh sockets to a path to the other side, or to the reasons why there is
 * none. A state machine without sockets, clock or meeting.
 *
 *	gather   opens the sockets of the offer, asks STUN servers who they are, has ports mapped
 *	offer    tells them to the other side (PUNCH_TELL), and waits for theirs
 *	start    side A names the moment; both wait for it on their own clocks
 *	run      the steps of punch_plan, shots by shots.h; every check is a Binding request with
 *	         USERNAME, MESSAGE-INTEGRITY and FINGERPRINT (doc/punch.md)
 *	agree    side A nominates; both go on for 3 checks at least, and end on one pair
 *	measure  round trips on the path; with hold_s it is left idle and asked again
 *	tell     evidence is exchanged; reason judges it
 *
 * The shell takes actions out with punch_next, carries them out in order, and tells what came of
 * them with punch_on_x. Times are microseconds of its monotonic clock.
 *
 * Nothing that is not authentic changes anything. A check from an address that nobody announced is
 * answered where it came from, and answered by a check at once.
 */
#ifndef NATPROBE_PUNCH_H
#define NATPROBE_PUNCH_H

#include "punch_result.h"

#define PUNCH_KEY_LEN     32
#define PUNCH_SERVERS_MAX 4
#define PUNCH_LIMIT_US    10000000 /* from the start to a no */

/* By hand nobody can say when it begins, nor what a NAT's counter is then. */
#define PUNCH_BY_HAND                                                                              \
	(PUNCH_BIT(PUNCH_DIRECT) | PUNCH_BIT(PUNCH_PORT_MAPPING) | PUNCH_BIT(PUNCH_SIMULTANEOUS) | \
	 PUNCH_BIT(PUNCH_LOW_TTL) | PUNCH_BIT(PUNCH_DELAYED) | PUNCH_BIT(PUNCH_RELAY))

struct punch_config {
	bool is_a;                                /* the controlling side */
	const struct peer_profile *ours, *theirs; /* copied */
	uint8_t key[PUNCH_KEY_LEN];               /* of the meeting, for this trial alone */
	uint32_t trial;
	const struct addr *servers; /* STUN servers, of any family; copied */
	size_t server_count;
	bool has_relay;                 /* PUNCH_OPEN_RELAY may be asked for */
	struct punch_plan_options plan; /* both sides': A's count, but for sockets_max */
	uint16_t local_port;            /* of the first set's sockets; 0: any */
	uint16_t pings;                 /* to measure with; 0: 10 */
	uint32_t hold_s;                /* 0: not held */
	uint64_t limit_us;              /* from the start; 0: PUNCH_LIMIT_US */
	uint64_t patience_us;           /* for the other side's offer, and for the start; 0: 20 s */
	bool keeps_port; /* no trial at all: one socket of each path, on local_port, which is kept
			    mapped until punch_free */
	bool by_hand; /* messages are carried by people, each way once: A keeps its NAT open, slowly,
			 until it hears B, which begins when it is told */
	const struct peer_offer
		*their_offer; /* NULL, or what stands for it until theirs comes: made
						 of its address; copied */
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
};

/* What the meeting knows of the other side's clock: theirs = ours + offset. */
struct punch_clock {
	int64_t offset_us;
	uint64_t error_us;
	uint64_t
		round_trip_us; /* of a message and its answer, a large one: how far ahead A starts */
};

struct punch;

/* NULL when memory runs out. */
struct punch *punch_new(const struct punch_config *config);
void punch_free(struct punch *p); /* NULL is fine */

enum punch_kind punch_next(struct punch *p, uint64_t now_us, struct punch_action *action);

void punch_on_open(struct punch *p, uint16_t slot, const struct addr *local, uint64_t now_us);
void punch_on_open_failed(struct punch *p, uint16_t slot, int err, uint64_t now_us);
/* err: 0, or errno of a send that failed. Tell failures only. */
void punch_on_send_failed(struct punch *p, uint16_t slot, int err, uint64_t now_us);
void punch_on_datagram(struct punch *p, uint16_t slot, const struct addr *from, struct bytes data,
		       uint64_t now_us);
void punch_on_icmp(struct punch *p, uint16_t slot, const struct addr *to, enum punch_icmp what,
		   uint64_t now_us);
/* external: ADDR_NONE: no gateway did. */
void punch_on_mapped(struct punch *p, uint16_t slot, const struct addr *external, uint64_t now_us);
/* relayed: ADDR_NONE: there is none; code as the server said. */
void punch_on_relay(struct punch *p, uint16_t slot, const struct addr *relayed, uint16_t code,
		    uint64_t now_us);
void punch_on_connected(struct punch *p, uint16_t slot, const struct addr *local, uint64_t now_us);
void punch_on_accepted(struct punch *p, uint16_t listener, uint16_t slot, const struct addr *remote,
		       uint64_t now_us);
void punch_on_stream(struct punch *p, uint16_t slot, enum punch_stream what, struct bytes data,
		     uint64_t now_us);

/* A message of the other side's PUNCH_TELL. Those of other trials are ignored. */
void punch_on_told(struct punch *p, struct bytes data, uint64_t now_us);
/* Until the start: who it is, which was not known when theirs stood for anybody. */
void punch_set_peer(struct punch *p, const struct peer_profile *theirs,
		    const uint8_t key[static PUNCH_KEY_LEN]);
/* May be called again when more is known, until the start is agreed on. */
void punch_set_clock(struct punch *p, const struct punch_clock *clock);
/* Before the start: for the other side's word, or for our own sockets. */
bool punch_is_waiting(const struct punch *p);
/* The other side will say no more (the meeting broke): what is known has to do. */
void punch_on_peer_gone(struct punch *p, uint64_t now_us);
/* The user has enough. PUNCH_FINISHED follows soon. */
void punch_stop(struct punch *p, uint64_t now_us);

/* Valid from PUNCH_FINISHED on, until punch_free. */
const struct punch_result *punch_result(const struct punch *p);

#endif
