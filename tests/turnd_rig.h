/*
 * turnd_rig - the workers of a turnd in a test: a snapshot in memory, a system that only pretends,
 * a clock moved by hand, and clients that sign what they ask. Pure; used by tests and by fuzzing,
 * so a broken promise ends the program.
 *
 *	static struct rig r;
 *	struct rig_client c;
 *
 *	rig_init(&r);                   then change what the test is about
 *	rig_start(&r);
 *	rig_client(&c, &r, 1);
 *	assert_int_equal(rig_allocate(&c), 0);
 *	...
 *	rig_stop(&r);                   nothing may be left
 */
#ifndef NATKIT_TURND_RIG_H
#define NATKIT_TURND_RIG_H

#include "rng.h"
#include "stun_auth.h"
#include "turnd/turnd.h"
#include "turnd/turnd_state.h"

#define RIG_WORKERS     4
#define RIG_RELAYS      2 /* IPv4, behind a public address; and IPv6 */
#define RIG_SOCKETS     512
#define RIG_WALL_S      UINT64_C(1800000000)
#define RIG_NOTHING     UINT16_MAX /* instead of a code: no answer */
#define RIG_REALM       BYTES("example.org")
#define RIG_OTHER       BYTES("example.net") /* the second realm */
#define RIG_KID         BYTES("key-1")       /* of access tokens */
#define RIG_OTHER_KID   BYTES("key-2")
#define RIG_SERVER_NAME BYTES("turn.example")
#define RIG_TEXT_MAX    768
#define RIG_REQUEST     66000 /* a Send with the longest datagram */
#define RIG_DATAGRAM    65536
#define RIG_SERVER_IP   91, 80, 0, 1 /* where clients send to, port 3478 */

struct rig_socket {
	struct relay_end *end; /* NULL: closed */
	struct addr local;
};

struct rig;

struct rig_worker {
	struct rig *rig;
	uint16_t number;
	struct turnd *turnd;
	struct turnd_io io;
};

struct rig {
	struct rig_worker worker[RIG_WORKERS];
	uint16_t workers; /* 1 */

	struct snapshot snapshot;
	struct realm realms[2];
	struct snapshot_relay relays[RIG_RELAYS];
	struct users *users[2]; /* alice, with "open sesame", and bob, with "swordfish"; finished */
	struct policy_rules *peer_rules, *client_rules; /* until rig_start */
	struct policy *peers, *clients;
	struct token_keys *tokens; /* NULL, until rig_use_tokens */
	struct turnd_shared shared;
	struct ports *ports[RIG_RELAYS * RIG_WORKERS];
	uint16_t low, high; /* ports to relay from: 49152 to 49251 */
	struct turnd_now now;
	struct rng rng;

	/* The system that only pretends. */
	struct rig_socket sockets[RIG_SOCKETS];
	size_t open;     /* relay sockets of allocations that are open now */
	size_t reserved; /* and those of reserved ports */
	size_t opened;   /* ever */
	int open_error;  /* the next open_errors calls of open_relay return -this */
	unsigned int open_errors;
	unsigned int open_passes;                     /* but so many calls before them work */
	bool (*is_foreign)(const struct addr *local); /* another program has that; NULL: none */
	size_t links_ended;
	void *link_ended; /* the last one */
	size_t later;     /* messages sent by to_client */
	size_t later_len;
	uint8_t later_data[TURND_ANSWER_MAX]; /* the last one */
	struct tcp_peer *connecting;          /* the last one */
	int connect_error;
	size_t peers_closed;

	/* What came of the last message. */
	enum turnd_step step;
	struct turnd_out out;
	struct stun_msg answer; /* where step is TURND_TO_CLIENT or TURND_JOIN, and it is STUN */
	uint8_t buf[TURND_ANSWER_MAX];
	uint8_t datagram[TURND_HEADROOM + RIG_DATAGRAM + TURND_TAILROOM];
};

/* A default configuration. All in it may be changed until rig_start. */
void rig_init(struct rig *r);
void rig_start(struct rig *r);

/* The first realm takes access tokens as well, with either of two keys. */
void rig_use_tokens(struct rig *r);

/* Ends all, and sees to it that no socket, no port and no quota is left. */
void rig_stop(struct rig *r);

/* All workers end and begin anew; their ports stay. */
void rig_restart(struct rig *r);

/* Time goes on, and what is over ends. */
void rig_pass(struct rig *r, uint64_t ms);

/* The relay socket with that relayed address; NULL: none is open. */
struct relay_end *rig_end_of(struct rig *r, const struct addr *relayed);

/* The worker whose allocation, or whose reserved port, has that socket. */
struct turnd *rig_turnd_of(struct rig *r, const struct relay_end *end);

/* A datagram of a peer. r->out has what came of it. */
enum turnd_step rig_from_peer(struct rig *r, struct relay_end *end, const struct addr *from,
			      struct bytes data);

/* An attribute of r->answer. */
bool rig_find(const struct rig *r, uint16_t type, struct bytes *value);

/* A client, and what it has learnt. Its fields may be changed at any time. */
struct rig_client {
	struct rig *rig;
	uint16_t worker; /* that gets what it sends */
	struct five_tuple tuple;
	void *link;
	uint64_t realm_id; /* of its listener; 0 */
	struct turnd_ip ip;
	const struct stun_site *site;
	uint8_t socket;              /* of the site */
	struct bytes user, password; /* alice */
	struct bytes token, mac_key; /* RFC 7635: `user` is the kid then */
	bool sha256;                 /* speaks RFC 8489: names an algorithm */
	bool userhash;               /* instead of USERNAME */
	bool fingerprint;
	const struct turnd_gift *gift; /* goes with what it sends; answers TURND_ASK by itself */

	bool challenged; /* the next requests are signed */
	uint8_t realm[RIG_TEXT_MAX], nonce[RIG_TEXT_MAX], offered[64];
	size_t realm_len, nonce_len, offered_len;
	struct stun_key key;

	struct stun_builder b; /* the request at work */
	uint8_t request[RIG_REQUEST];
	bool is_signed; /* the last answer was, and rightly */
	struct addr mapped, relayed[2];
	uint32_t lifetime_s;
};

/* A client of 91.80.1.1 with that port, over UDP, to worker 0. */
void rig_client(struct rig_client *c, struct rig *r, uint16_t port);

/* Who signs from now on; with what has been learnt so far. */
void rig_become(struct rig_client *c, struct bytes user, struct bytes password);

/* Begins a request, to which the test adds attributes. */
struct stun_builder *rig_request(struct rig_client *c, uint16_t method);

/* A peer that no policy of the rig minds: 91.80.9.9:7000. */
struct addr rig_peer(void);

/* A request with all that its method wants: a transport, rig_peer, channel 0x4001. Not signed. */
void rig_prepare(struct rig_client *c, uint16_t method);

/* Puts user, realm, nonce and integrity to the request, where the client has been challenged. */
void rig_sign(struct rig_client *c);

/* Hands any bytes to turnd, as they are. */
enum turnd_step rig_give(struct rig_client *c, struct bytes data);

/*
 * Signs and sends the request, and reads the answer. A success that is not rightly signed, and an
 * answer that is signed wrongly, break a promise.
 * Returns 0 for a success, an error code, or RIG_NOTHING.
 */
uint16_t rig_ask(struct rig_client *c);
uint16_t rig_send_request(struct rig_client *c); /* the same, as it stands: rig_sign is up to you */

/* An Allocate without credentials; what the answer says is learnt. Returns as rig_ask: 401. */
uint16_t rig_challenge(struct rig_client *c);

/* Learns from r->answer what the next requests are signed with. */
void rig_learn(struct rig_client *c);

/* These ask for a challenge first, if there was none. They return as rig_ask. */
uint16_t rig_allocate(struct rig_client *c); /* UDP, nothing else */
uint16_t rig_refresh(struct rig_client *c, uint32_t lifetime_s);
uint16_t rig_permit(struct rig_client *c, const struct addr *peer);
uint16_t rig_bind(struct rig_client *c, uint16_t number, const struct addr *peer);

/* To peers. They return what turnd_from_client does; r->out has the rest. */
enum turnd_step rig_send(struct rig_client *c, const struct addr *peer, struct bytes data);
enum turnd_step rig_channel(struct rig_client *c, uint16_t number, struct bytes data);

#endif
