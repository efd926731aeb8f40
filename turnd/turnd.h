/*
 * turnd - what one worker of the relay decides (RFC 8656, 5766, 6062, 6156, 8016, 7635, 8489).
 *
 * Bytes, addresses, randomness and time come in. What has to be sent comes out as data; the few
 * things that need an answer of the system at once (open a relay socket) are calls on turnd_io,
 * which tests fake. No socket, no clock, no thread in here. Nothing is kept, and no heap is
 * touched, for whoever has not shown credentials.
 *
 * A worker hands every message of a client to turnd_from_client, whatever the transport, every
 * datagram of a relay socket to turnd_from_peer, and does what comes back:
 *
 *	TURND_NOTHING     nothing to do
 *	TURND_TO_CLIENT   send out->data to the client of out->tuple and out->link
 *	TURND_TO_PEER     send out->data from the relay socket out->end to out->peer
 *	TURND_ASK         another worker has what this takes: post out->ask to out->ask.worker, run
 *	                  turnd_answer there, and come back with turnd_from_client and the gift
 *	TURND_CLOSE       end this connection; send out->data first, if there is any
 *	TURND_JOIN        send out->data; from then on this connection is a pipe of bytes, joined with
 *	                  the connection to a peer that is out->connection (RFC 6062)
 */
#ifndef NATKIT_TURND_H
#define NATKIT_TURND_H

#include "five_tuple.h"
#include "flow.h"
#include "ports.h"
#include "snapshot.h"
#include "wire.h"

struct turnd;
struct alloc;
struct tcp_peer;
struct reserved;

/* One moment on two clocks. */
struct turnd_now {
	uint64_t us;     /* monotonic */
	uint64_t wall_s; /* since 1970 */
};

/* What an IP header said, or shall say. Negative: not known, or the system's default. */
struct turnd_ip {
	int16_t ttl; /* or hop limit */
	int16_t tos; /* DSCP and ECN: the whole byte, or traffic class */
};
#define TURND_IP_DEFAULT ((struct turnd_ip){ -1, -1 })

/* A message of a client, and where it came from. */
struct turnd_in {
	struct bytes data; /* a datagram, or one frame of a stream */
	struct five_tuple tuple;
	void *link;     /* of the client's connection; NULL on UDP */
	uint64_t realm; /* id of the realm that listener or server name chose; 0: the default */
	struct turnd_ip ip;
	const struct stun_site *site; /* for Binding, as in struct stun_query; NULL: a plain one */
	uint8_t socket;
	const struct turnd_gift *gift; /* what TURND_ASK asked for; NULL at first */
};

enum turnd_ask_kind {
	TURND_ASK_PORT,       /* a port: that of a RESERVATION-TOKEN, or any that is left */
	TURND_ASK_ALLOC,      /* give an allocation away that its client uses here (RFC 8016) */
	TURND_ASK_CONNECTION, /* give a connection to a peer away (RFC 6062) */
	TURND_ASK_MOVE,       /* let an allocation be used from here as well (RFC 8016) */
};

/* What a Refresh changes of an allocation. */
struct turnd_refresh {
	uint32_t lifetime_s;          /* 0: deletes it */
	uint8_t family;               /* of its relayed address; ADDR_NONE: of all it has */
	uint64_t credentials_until_s; /* wall clock; USERS_NEVER */
};

/* Plain data: may be copied to another thread. */
struct turnd_ask {
	uint8_t kind;    /* enum turnd_ask_kind */
	uint16_t worker; /* who has it */
	uint16_t from;   /* who asks */
	struct ports_token token;
	uint8_t family; /* TURND_ASK_PORT: of any address; ADDR_NONE: the one of the token */
	uint8_t want;   /* TURND_ASK_PORT: enum relay_want */
	struct ticket ticket;
	uint32_t connection;
	uint64_t user, realm; /* who asks, proven; TURND_ASK_ALLOC: 0 */
	struct stun_tid tid;
	struct five_tuple tuple;
	uint64_t alloc;               /* TURND_ASK_ALLOC and _MOVE: its number there */
	struct turnd_refresh refresh; /* TURND_ASK_MOVE */
};

/* No error code, but an allocation that is with a third worker. */
#define TURND_ASK_ELSEWHERE 1
/* Nor is this: it is between two workers, and the client sends its request again. */
#define TURND_ASK_LATER 2

/* What came of it. It goes back to who asked; what was not used is returned by turnd_return. */
struct turnd_gift {
	uint8_t kind;              /* enum turnd_ask_kind */
	uint16_t code;             /* 0, or the error code to answer with */
	uint16_t worker;           /* who gave */
	uint16_t relay;            /* TURND_ASK_PORT */
	uint16_t port;             /* TURND_ASK_PORT */
	struct reserved *reserved; /* TURND_ASK_PORT of a token: its port, open already, or NULL */
	struct ports_token token;  /* TURND_ASK_PORT: of the next port, where that was wanted */
	struct alloc *alloc;    /* NULL, or what is out of the giver's table: whatever the kind */
	uint16_t next_worker;   /* TURND_ASK_MOVE: code is TURND_ASK_ELSEWHERE, ask this one */
	uint64_t number;        /* TURND_ASK_MOVE: the allocation's number there */
	uint32_t sequence;      /* TURND_ASK_MOVE: of its newest ticket */
	uint32_t lifetime_s;    /* TURND_ASK_MOVE: what it was given; 0: it is deleted */
	void *connection;       /* TURND_ASK_CONNECTION; what the shell had */
	uint32_t connection_id; /* TURND_ASK_CONNECTION */
};

enum turnd_step {
	TURND_NOTHING = 0,
	TURND_TO_CLIENT,
	TURND_TO_PEER,
	TURND_ASK,
	TURND_CLOSE,
	TURND_JOIN,
};

struct turnd_out {
	struct bytes data;       /* a view of `buf`, or of the input */
	struct five_tuple tuple; /* TURND_TO_CLIENT: whom to; as `in` but for RESPONSE-PORT */
	void *link;
	uint8_t socket;        /* which socket of the site it leaves from (RFC 5780) */
	struct relay_end *end; /* TURND_TO_PEER */
	struct addr peer;      /* TURND_TO_PEER */
	struct turnd_ip ip;    /* for the outgoing header */
	bool dont_fragment;    /* TURND_TO_PEER, IPv4: set DF */
	struct turnd_ask ask;  /* TURND_ASK */
	void *connection; /* TURND_JOIN: what the shell left in tcp_peer.h's struct, or a gift */
	uint32_t connection_id; /* TURND_JOIN: tell turnd_peer_ended of its worker when it ends */
};

/* What the shell does at once, and tells the result of. All in the worker's thread. */
struct turnd_io {
	/*
	 * Opens end->local (its port is chosen) for end->protocol and leaves its own in
	 * end->shell. Returns 0, or -errno: -EADDRINUSE makes the core try another port.
	 */
	int (*open_relay)(void *arg, struct relay_end *end);
	/* Closes it; nothing more comes from it. */
	void (*close_relay)(void *arg, struct relay_end *end);
	/* What open_relay left at one end is the other's from now on: a reserved port is used. */
	void (*pass_relay)(void *arg, struct relay_end *from, struct relay_end *to);
	/* The link of an allocation's client: it is told nothing, and its connection ends. */
	void (*end_link)(void *arg, void *link);
	/* Sends to a client later than in answer: ConnectionAttempt, the answer to a Connect. */
	void (*to_client)(void *arg, const struct five_tuple *tuple, void *link, struct bytes data);
	/* Gives a port back to another worker: has it call turnd_port_returned. */
	void (*release_port)(void *arg, uint16_t worker, uint16_t relay, uint16_t port,
			     const struct ports_token *token);
	/*
	 * Connects p->end->local with p->peer and leaves its own in p->shell; turnd_connected is
	 * told what came of it, but not from within this call. Returns 0 or -errno.
	 */
	int (*connect_peer)(void *arg, struct tcp_peer *p);
	/*
	 * Closes a connection to a peer in any state, and what it is joined with. Where p->worker
	 * is another one, that is asked to do so, by p->id.
	 */
	void (*close_peer)(void *arg, struct tcp_peer *p);
	/* Cryptographically secure random bytes. */
	void (*random)(void *arg, void *buf, size_t len);
	void *arg;
};

/* How many error answers those may get who have proven nothing; NULL: no limit. */
struct turnd_budgets {
	struct limit *sources;
	struct limit *names; /* whose password was wrong, wherever it came from */
};

/* What the workers of one turnd share; made before them, and outlives them. */
struct turnd_shared {
	struct quota *quota;
	struct ports **ports; /* relay * workers + worker: the share of each */
	struct turnd_budgets budgets;
	uint16_t workers;
	bool drains; /* no new allocations, by the operator's word */
};

struct turnd_config {
	const struct snapshot *snapshot; /* until turnd_use_snapshot has returned */
	const struct turnd_shared *shared;
	const struct turnd_io *io;
	uint16_t worker; /* from 0 */
	uint64_t now_us;
};

struct turnd *turnd_new(const struct turnd_config *config); /* NULL when memory runs out */
void turnd_free(struct turnd *t);                           /* ends all allocations; NULL is fine */

/* Takes a new configuration. Allocations stay, but where realm or peers are not allowed any more. */
void turnd_use_snapshot(struct turnd *t, const struct snapshot *s, uint64_t now_us);

/* Longest message of ours; longest header before the data of a peer; padding behind it. */
#define TURND_ANSWER_MAX 2048
#define TURND_HEADROOM   64
#define TURND_TAILROOM   4

/*
 * A message of a client.
 * buf  TURND_ANSWER_MAX bytes, where answers are built
 * out  set unless TURND_NOTHING is returned
 */
enum turnd_step turnd_from_client(struct turnd *t, const struct turnd_in *in,
				  const struct turnd_now *now, uint8_t *buf, struct turnd_out *out);

/*
 * A datagram that came to a relay socket.
 * data, len  with TURND_HEADROOM bytes before and TURND_TAILROOM behind it that may be written
 */
enum turnd_step turnd_from_peer(struct turnd *t, struct relay_end *end, const struct addr *from,
				uint8_t *data, size_t len, struct turnd_ip ip,
				const struct turnd_now *now, struct turnd_out *out);

/* An ICMP error about what a relay socket sent (RFC 8656, section 11.5 and 11.6). */
struct turnd_icmp {
	struct addr peer; /* whom the datagram was for, with its port */
	uint8_t type, code;
	uint32_t data; /* rest of its header: the MTU, where there is one */
};
enum turnd_step turnd_from_icmp(struct turnd *t, struct relay_end *end,
				const struct turnd_icmp *icmp, const struct turnd_now *now,
				uint8_t *buf, struct turnd_out *out);

/* The client's connection has ended: its allocation too, unless it is mobile. */
void turnd_link_ended(struct turnd *t, const struct five_tuple *tuple, void *link,
		      const struct turnd_now *now);

/*
 * RFC 6062. What came of connect_peer: 0, or the errno; then nothing is left of it, and `p` is
 * gone on return.
 */
void turnd_connected(struct turnd *t, struct tcp_peer *p, int error, const struct turnd_now *now);

/*
 * A peer has connected to a relay socket; `shell` is what the shell has of it. It is not read from
 * until it is joined. Returns false: to be closed at once.
 */
bool turnd_accepted(struct turnd *t, struct relay_end *end, const struct addr *peer, void *shell,
		    const struct turnd_now *now);

/*
 * So many bytes have gone over a connection that is joined, here or by another worker. Returns for
 * how many ms it has to rest that way, to stay within the bandwidth that there is; 0: go on.
 */
uint32_t turnd_carried(struct turnd *t, uint32_t connection_id, enum quota_way way, size_t bytes,
		       const struct turnd_now *now);

/* A connection that was joined, here or by another worker, has ended by itself. */
void turnd_peer_ended(struct turnd *t, uint32_t connection_id);

/* For the worker that is asked, and for gifts that came too late to be used. */
void turnd_answer(struct turnd *t, const struct turnd_ask *ask, const struct turnd_now *now,
		  struct turnd_gift *out);
void turnd_return(struct turnd *t, const struct turnd_gift *gift, const struct turnd_now *now);

/*
 * A port that another worker had, of this one's share.
 * token  of the next port, which is not wanted either; NULL: it is none of a pair, or was used
 */
void turnd_port_returned(struct turnd *t, uint16_t relay, uint16_t port,
			 const struct ports_token *token);

/* Ends what is over at now; returns when to call again, in us; UINT64_MAX for never. */
uint64_t turnd_on_time(struct turnd *t, const struct turnd_now *now);

/* Whether a client has an allocation. */
bool turnd_has(const struct turnd *t, const struct five_tuple *tuple);

/* For lists of sessions. */
size_t turnd_count(const struct turnd *t);
const struct alloc *turnd_next(const struct turnd *t, const struct alloc *after);
const struct alloc *turnd_find(const struct turnd *t, uint64_t number);

/* Ends an allocation by the operator's word; false: there is none. */
bool turnd_kick(struct turnd *t, uint64_t number);

const struct turnd_stats *turnd_stats(const struct turnd *t);

#endif
