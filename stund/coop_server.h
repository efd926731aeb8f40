/*
 * coop_server - what a server does for whoever proves to be reachable at an address: orders of
 * lib/coop.h, kept until they are due. Off unless the configuration says `cooperate = on`.
 *
 * Pure: requests and the time in; answers, and what is to be sent or connected, out. One of these
 * serves one worker; tokens are good for all that share a key. Nothing is ever sent to an address
 * other than the asker's, nor anything but a token to one that has not proven to be reachable.
 * Memory is taken once, at the start.
 */
#ifndef STUND_COOP_SERVER_H
#define STUND_COOP_SERVER_H

#include "coop_token.h"
#include "coop.h"
#include "stun_server.h"

struct coop_limits {
	uint32_t orders;             /* pending, of all; 0: 16384 */
	uint32_t orders_source;      /* pending, of one address (IPv6: of one /64); 0: 320 */
	uint32_t bytes_per_s;        /* to one address; 0: 65536 */
	bool can_fragment, can_icmp; /* the shell has raw sockets */
};

struct coop;

/* NULL when memory runs out. key: borrowed until coop_free. */
struct coop *coop_new(const struct coop_limits *limits, const struct coop_token_key *key);
void coop_free(struct coop *c); /* NULL is fine */

/*
 * Judges a datagram that may hold a cooperation attribute.
 * Returns false: it holds none, stun_server_answer is to answer. True: it is answered here; *out
 * has the answer, msg empty: nothing is said.
 */
bool coop_on_request(struct coop *c, const struct stun_query *q, uint64_t now_us, uint64_t clock_us,
		     uint8_t *buf, size_t cap, struct stun_reply *out);

enum coop_action_kind {
	COOP_ACT_NONE = 0,
	COOP_ACT_SEND,    /* msg from socket of the site to `to`, with flags COOP_DF, _FRAGMENTS,
			     _REVERSED */
	COOP_ACT_CONNECT, /* TCP from the address of `socket` (its port too where bind_port) to `to`;
			     then coop_on_outcome with `handle` */
	COOP_ACT_ICMP,    /* port unreachable from socket's address, about the datagram from `to` */
};

struct coop_action {
	uint8_t kind; /* enum coop_action_kind */
	const struct stun_site *site;
	uint8_t socket;
	bool bind_port, fresh_port;
	uint16_t flags;
	struct addr to;
	struct bytes msg; /* a view of the caller's buffer; COOP_ACT_ICMP: the order's datagram */
	uint32_t handle, wait_ms;
};

/* What is due by now; COOP_ACT_NONE: nothing. Call until then. buf: COOP_SIZE_MAX bytes. */
enum coop_action_kind coop_next(struct coop *c, uint64_t now_us, uint64_t clock_us, uint8_t *buf,
				size_t cap, struct coop_action *out);

/* When the next is due; UINT64_MAX: nothing is. */
uint64_t coop_deadline_us(const struct coop *c);

/* What became of a connection; its report leaves with the next coop_next. */
void coop_on_outcome(struct coop *c, uint32_t handle, const struct coop_report *outcome,
		     uint64_t now_us);

#endif
