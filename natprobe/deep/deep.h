/*
 * deep - the deep diagnosis of one local address: what takes minutes, a cooperating server, or
 * both. A state machine as discover is, and begun when that has its verdict.
 *
 * It opens no socket and reads no clock. The shell takes actions with deep_next, carries them out
 * in order, and tells what came of them. Inside, trials (deep_trial.h) run side by side, a file for
 * each question; deep hands out slots, sends orders to the cooperating server, keeps the budget.
 */
#ifndef NATPROBE_DEEP_H
#define NATPROBE_DEEP_H

#include "deep_action.h"
#include "natprobe/verdict.h"

/*
 * Turns. What is counted is spoiled by mappings that others make, and diagnoses side by side may
 * share a NAT. Whoever runs several begins them with DEEP_TURN_NONE, gives DEEP_TURN_COUNT to one
 * at a time while it has something to count (deep_is_to_count), and then DEEP_TURN_ALL to all.
 */
enum deep_turn {
	DEEP_TURN_ALL = 0,
	DEEP_TURN_NONE,  /* nothing is sent yet */
	DEEP_TURN_COUNT, /* what has to be alone may begin, and nothing else */
};

struct deep_config {
	struct addr local;  /* a real address of this host, port 0 */
	struct addr second; /* another one on the same interface, for port-clash; ADDR_NONE: none */
	struct addr gateway;                      /* ADDR_NONE: not known */
	struct addr servers[VERDICT_SERVERS_MAX]; /* that may cooperate, by preference */
	uint8_t server_count;
	struct addr server;     /* the one that does; set by deep itself */
	struct addr server_low; /* the same server on a port below 1024; ADDR_NONE: deep looks for
				   one */
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
	uint32_t longest_s;       /* lifetimes are followed up to here; 0: 600 */
	uint16_t mappings;        /* at a time, at most; 0: 200 */
	bool can_fragment;        /* the shell can send fragments in any order */
	bool sees_icmp;           /* the shell tells ICMP errors (deep_on_icmp) */
	struct addr nat64_prefix; /* as DNS tells (RFC 7050); ADDR_NONE: none, or not asked */
	uint8_t nat64_prefix_len;
	bool nat64_asked;
	bool nat64_awaited; /* not yet, but deep_on_nat64 may follow */
	uint8_t turn;       /* enum deep_turn, to begin with */
};

struct deep;

/*
 * verdict  of the discovery before; deep writes to verdict->deep, and to what it corrects. Must
 *          live until deep_free.
 * Returns NULL when memory runs out.
 */
struct deep *deep_new(const struct deep_config *config, struct verdict *verdict);
void deep_free(struct deep *d); /* NULL is fine */

/* What DNS told of a NAT64 (RFC 7050), at any time before the end; prefix ADDR_NONE: there is none. */
void deep_on_nat64(struct deep *d, const struct addr *prefix, uint8_t len);

/* The next action; returns its kind. Each is handed out once. */
enum deep_kind deep_next(struct deep *d, uint64_t now_us, struct deep_action *action);

/* UDP socket `slot` is bound to `local`, or could not be opened. */
void deep_on_open(struct deep *d, uint16_t slot, const struct addr *local, uint64_t now_us);
void deep_on_open_failed(struct deep *d, uint16_t slot, int err, uint64_t now_us);

/* The datagram last handed out for this slot was refused; err is -errno (EMSGSIZE tells much). */
void deep_on_send_error(struct deep *d, uint16_t slot, int err, uint64_t now_us);

void deep_on_datagram(struct deep *d, uint16_t slot, const struct addr *from, struct bytes data,
		      uint64_t now_us);

/* An ICMP error about a datagram of this slot (IP_RECVERR). */
struct deep_icmp {
	uint8_t type, code;
	struct addr router;  /* who complains */
	struct addr to;      /* where our datagram went */
	uint32_t mtu;        /* of "too big"; 0: not told */
	struct bytes inside; /* of our datagram's payload, as much as came back */
};
void deep_on_icmp(struct deep *d, uint16_t slot, const struct deep_icmp *icmp, uint64_t now_us);

/*
 * TCP. What listens gets a connection: `accepted` is a slot of the shell's choice, from
 * DEEP_ACCEPTED_FIRST on, not in use. `local` is our end of it; NULL where that is not known. What
 * listens is told by deep_on_connected as well. deep_on_closed: it is gone, and no DEEP_DISCONNECT
 * follows; also where it could not be opened (err is -errno).
 */
void deep_on_connected(struct deep *d, uint16_t slot, const struct addr *local, uint64_t now_us);
void deep_on_accepted(struct deep *d, uint16_t listener, uint16_t accepted, const struct addr *from,
		      uint64_t now_us);
void deep_on_stream(struct deep *d, uint16_t slot, struct bytes data, uint64_t now_us);
void deep_on_closed(struct deep *d, uint16_t slot, int err, uint64_t now_us); /* 0: by the peer */

/* Whether it has something to count yet. Another turn shows in what deep_next says next. */
bool deep_is_to_count(const struct deep *d);
void deep_take_turn(struct deep *d, enum deep_turn turn);

/* Ends it with what is known; what is still open becomes a bound. */
void deep_stop(struct deep *d, uint64_t now_us);

/* For a line of progress. */
struct deep_progress {
	double share;          /* of the time, 0 to 1 */
	uint64_t ends_in_us;   /* at the latest */
	const char *waits_for; /* "lifetime above 121 s" */
	double alive_s;        /* the longest that a mapping was seen alive */
};
void deep_progress(const struct deep *d, uint64_t now_us, struct deep_progress *out);

#endif
