/*
 * tcp_peer - connections between the relayed address of an allocation and its peers (RFC 6062).
 *
 * A connection is begun by a Connect request or by the peer; then a ConnectionBind has 30 seconds
 * to join it with a connection of the client. Its number (CONNECTION-ID) tells the worker that has
 * it. The worker of the client's connection may be another one: it is given the socket, and the
 * allocation's worker keeps the entry, as long as both live.
 */
#ifndef NATKIT_TCP_PEER_H
#define NATKIT_TCP_PEER_H

#include "alloc.h"
#include "stun_auth.h"

struct turnd;
struct turnd_ask;
struct turnd_gift;

#define TCP_PEER_CONNECT_MS UINT64_C(30000) /* RFC 6062, section 5.2: no less */
#define TCP_PEER_BIND_MS    UINT64_C(30000) /* section 5.2 and 5.3 */

enum tcp_peer_state {
	TCP_PEER_CONNECTING, /* the answer to the Connect is owed */
	TCP_PEER_WAITING,    /* for a ConnectionBind; not read from */
	TCP_PEER_JOINED,     /* with a connection of the client */
};

/* What the answer to a Connect takes when it comes later. */
struct tcp_peer_request {
	struct stun_tid tid;
	struct stun_key key;
	bool by_sha256;
	bool fingerprint;
};

struct tcp_peer {
	struct tcp_peer *next; /* of the same allocation */
	struct tcp_peer *next_in_bucket;
	struct wheel_node timer; /* while it is connecting or waiting */
	struct alloc *alloc;
	struct relay_end *end;
	struct addr peer; /* as the client knows it */
	struct addr dial; /* where to connect to: not the same for our own relay addresses */
	void *shell;      /* what the shell left here */
	uint32_t id;      /* CONNECTION-ID */
	uint64_t owed[2]; /* bytes that went, and no bandwidth was there; by enum quota_way */
	uint16_t worker;  /* who has the socket */
	uint8_t state;    /* enum tcp_peer_state */
	struct tcp_peer_request request; /* TCP_PEER_CONNECTING; wiped then */
};

/* The worker that made this CONNECTION-ID. */
static inline uint16_t tcp_peer_worker(uint32_t id)
{
	return (uint16_t)(id >> 24);
}

struct tcp_table;

/*
 * All connections of one worker. NULL when memory runs out.
 * key    16 random bytes: who has seen some of the numbers cannot tell the next
 * alive  keeps their count
 */
struct tcp_table *tcp_table_new(uint16_t worker, const uint8_t key[static 16],
				_Atomic uint64_t *alive, uint64_t now_ms);
void tcp_table_free(struct tcp_table *t); /* all have been removed; NULL is fine */
size_t tcp_table_count(const struct tcp_table *t);

/* Borrowed; NULL: there is none. */
struct tcp_peer *tcp_table_find(const struct tcp_table *t, uint32_t id);

/* A connection between `end` and `peer`, alive until it is removed. NULL: no memory. */
struct tcp_peer *tcp_table_add(struct tcp_table *t, struct alloc *a, struct relay_end *end,
			       const struct addr *peer);
void tcp_table_remove(struct tcp_table *t, struct tcp_peer *p);

/* Waits, in its state, until then; and waits no more. */
void tcp_table_set_timer(struct tcp_table *t, struct tcp_peer *p, uint64_t at_ms);
void tcp_table_cancel(struct tcp_table *t, struct tcp_peer *p);
/* The next whose time is over, its timer taken off; NULL: no more. */
struct tcp_peer *tcp_table_expire(struct tcp_table *t, uint64_t now_ms);
/* When to look again; UINT64_MAX for never. */
uint64_t tcp_table_next_ms(const struct tcp_table *t);

/* Those of one allocation. */
struct tcp_peer *tcp_peers_find(const struct alloc *a, const struct addr *peer);
size_t tcp_peers_count(const struct alloc *a);

/* Closes those of a relayed address that is given up. */
void tcp_peers_end(struct turnd *t, const struct relay_end *end);
/* Closes those that are not allowed any more, after a reload. */
void tcp_peers_review(struct turnd *t, struct alloc *a);
/* Ends what is over: 447 for a Connect, silence for the rest. Returns when to call again. */
uint64_t tcp_peers_on_time(struct turnd *t, uint64_t now_ms);

/* For gift.c: what another worker asks for, what it does not want, and what is left of a gift. */
void tcp_peers_give(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out);
void tcp_peers_take_back(struct turnd *t, const struct turnd_gift *gift);
void tcp_peers_begin_gift(struct turnd *t, const struct turnd_gift *gift);
void tcp_peers_end_gift(struct turnd *t);

#endif
