/*
 * coop_server - what a server does for whoever proves to be reachable at an address: orders of
 * lib/coop.h, kept until they are due. Off unless the configuration says `cooperate = on`.
 *
 * Pure: requests and the time in; answers, and what is to be sent or connected, out. One of these
 * serves one worker; tokens are good for all that share a key. Nothing is ever sent to an address
 * other than the asker's, nor anything but a token to one that has not proven to be reachable, and
 * that is no longer than what asked for it. Memory is taken once, at the start.
 */
#ifndef NATKIT_COOP_SERVER_H
#define NATKIT_COOP_SERVER_H

#include "coop.h"
#include "coop_budget.h"
#include "coop_stats.h"
#include "coop_token.h"
#include "stun_server.h"

#define COOP_ICMP_MAX 96 /* longest datagram that an ICMP error is sent about */

struct coop;

/* NULL when memory runs out. key: borrowed until coop_free, as is limits->budget. */
struct coop *coop_new(const struct coop_limits *limits, const struct coop_token_key *key);

/* What is pending is forgotten. NULL is fine. */
void coop_free(struct coop *c);

/* May be read by any thread while `c` lives. */
const struct coop_stats *coop_stats(const struct coop *c);

/*
 * Judges a datagram that may hold a cooperation attribute.
 * q         q->site is borrowed until coop_free; q->local, where it is known, comes back in actions
 * now_us    of a clock that is never set
 * clock_us  since 1970, for reports
 * Returns false: it holds none, or other attributes that have to be understood, or it did not come
 * by UDP; stun_server_answer is to answer. True: it is answered here; *out has the answer, msg
 * empty: nothing is said.
 */
bool coop_on_request(struct coop *c, const struct stun_query *q, uint64_t now_us, uint64_t clock_us,
		     uint8_t *buf, size_t cap, struct stun_reply *out);

enum coop_action_kind {
	COOP_ACT_NONE = 0,
	COOP_ACT_SEND,    /* msg from socket of the site to `to`, with flags COOP_DF, _FRAGMENTS,
			     _REVERSED; coop_on_failed where that does not work. With wait_ms not 0:
			     then coop_on_outcome, COOP_SENT where nothing comes back to that port */
	COOP_ACT_CONNECT, /* TCP from the address of `socket` (its port too where bind_port) to `to`;
			     then coop_on_outcome with `handle` */
	COOP_ACT_ICMP, /* port unreachable from socket's address, about the datagram msg that came
			     from `to`; coop_on_failed where that does not work */
};

struct coop_action {
	uint8_t kind;                 /* enum coop_action_kind */
	const struct stun_site *site; /* of the request; NULL: it had none */
	uint8_t socket;
	bool bind_port, fresh_port; /* one of them, or neither for COOP_ACT_ICMP */
	uint16_t flags;
	struct addr local; /* as the request's, where it is the same address; ADDR_NONE: unknown */
	struct addr to;
	struct bytes msg; /* a view of the caller's buffer; COOP_ACT_ICMP: the order's datagram */
	uint32_t handle, wait_ms;
};

/* What is due by now; COOP_ACT_NONE: nothing. Call until then. buf: COOP_SIZE_MAX bytes. */
enum coop_action_kind coop_next(struct coop *c, uint64_t now_us, uint64_t clock_us, uint8_t *buf,
				size_t cap, struct coop_action *out);

/* When to call coop_next again; UINT64_MAX: nothing is due. May be before anything is. */
uint64_t coop_deadline_us(const struct coop *c);

/*
 * What became of a connection; its report leaves with the next coop_next.
 * outcome  outcome, icmp_type and icmp_code of it count
 */
void coop_on_outcome(struct coop *c, uint32_t handle, const struct coop_report *outcome,
		     uint64_t now_us);

/* The system would not send: the rest of the order is dropped, and COOP_UNABLE reported. */
void coop_on_failed(struct coop *c, uint32_t handle, uint64_t now_us);

#endif
