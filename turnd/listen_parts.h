/* listen_parts - the inside of a worker's listener, shared by listen*.c, relay.c and handover.c. */
#ifndef NATKIT_TURND_LISTEN_PARTS_H
#define NATKIT_TURND_LISTEN_PARTS_H

#include "list.h"
#include "listen.h"
#include "stats.h"
#include "udp.h"

/* Of a client without an allocation, over a connection. */
#define LISTEN_FRAME_MAX 2048

/* Where data and answers for UDP clients wait for the end of the loop's round. */
#define LISTEN_ROOM  (TURND_HEADROOM + 65536 + TURND_TAILROOM)
#define LISTEN_ARENA (4 * LISTEN_ROOM)

/* IPv6 can carry a few bytes more than IPv4. */
#define LISTEN_DGRAM_MAX (UDP_MAX + 20)

#define LISTEN_RANDOM 512

/* Lists of joined connections to peers, by number. */
#define LISTEN_WIRES 256

/* One listening address: its UDP socket, and what waits to leave from it. */
struct listen_socket {
	struct listen *owner;
	const struct turnd_listener *at;
	uint64_t realm;               /* id; 0: the default */
	const struct stun_site *site; /* RFC 5780; NULL: it has no alternate */
	bool any;                     /* the wildcard address: where was it sent to? */
	int fd;                       /* -1: no UDP here */
	struct event *readable;
	struct udp_dgram *out; /* UDP_BATCH places */
	int out_count;
};

/* A client's connection, as turnd has it. */
struct listen_link {
	struct list kept;           /* in listen.kept while an allocation rests on it */
	struct stream_conn *stream; /* one of the two is not NULL */
	struct dtls_session *dtls;
	struct tcp_wire *wire; /* RFC 6062: what it is joined with; then it is a pipe of bytes */
	const struct listen_socket *socket;
	struct five_tuple tuple;
	uint64_t realm;
};

/* A relay socket; see relay.c. */
struct relay;

/* A request that another worker has a part in. */
struct handover;

/*
 * What a batch of datagrams brings for peers: each relay socket sends its own at once. The data
 * lies in the batch, so no more than that may be gathered.
 */
struct listen_gathered {
	bool is_on; /* while a datagram of the batch is judged */
	int count, relay_count;
	struct relay *relays[UDP_BATCH];          /* NULL: has sent them already */
	int8_t first[UDP_BATCH], last[UDP_BATCH]; /* of each relay: places of dgrams */
	int8_t next[UDP_BATCH];                   /* of the same relay; -1: none */
	struct udp_dgram dgrams[UDP_BATCH];
};

struct listen {
	struct listen_common *common;
	struct worker *worker;
	struct event_base *base;
	uint16_t index;
	bool quiet; /* listen_quiesce */
	struct settings *settings;
	struct turnd_shared shared; /* as the common one, but for what a reload changes */
	struct turnd_io io;
	struct turnd *turnd;
	struct listen_stats stats;
	struct listen_socket sockets[TURND_LISTENERS_MAX];
	struct stun_site sites[TURND_LISTENERS_MAX / STUN_SITE_SOCKETS];

	struct stream_set *streams; /* NULL: no TCP */
	struct dtls *dtls;          /* NULL: no certificate */
	struct event *dtls_timer;
	uint64_t dtls_due_us;             /* what the timer is set to */
	const struct listen_link *ending; /* whose end is being told */
	struct list wires[LISTEN_WIRES];  /* connections to peers, joined; see tcp_wire.h */
	struct list kept;                 /* links that stay though they are silent */
	struct handover *waiting;         /* for another worker */
	size_t waiting_count;

	/* A round: from the first callback of the loop to the last one of those that are due. */
	struct event *round_end;
	bool in_round;
	uint32_t round; /* its number */
	struct turnd_now now;
	const struct relay *reading; /* whose datagrams are gone through */
	struct event *tick;
	bool ticking;

	struct udp_batch *batch; /* with room as turnd_from_peer wants it */
	struct udp_dgram in[UDP_BATCH];
	struct listen_gathered gathered;
	uint8_t *arena; /* LISTEN_ARENA bytes */
	size_t arena_len;
	uint8_t random[LISTEN_RANDOM];
	size_t random_left;
};

/* Begins a round, unless one is on: what is sent to UDP clients leaves at its end. */
const struct turnd_now *listen_begin(struct listen *l);

/*
 * Room to build a message in, LISTEN_ROOM bytes; what is sent of it stays until it has left.
 * For one message: until the next listen_room or listen_send.
 */
uint8_t *listen_room(struct listen *l);

/* A message of a client: has it judged, and does what turnd says. */
void listen_judge(struct listen *l, const struct turnd_in *in);

/* Does what turnd says. in: what it says it about; NULL: a datagram of a peer. */
void listen_carry_out(struct listen *l, enum turnd_step step, const struct turnd_in *in,
		      struct turnd_out *out);

/* Sends to a client, over whatever it has. data may lie in listen_room. */
void listen_send(struct listen *l, const struct turnd_out *out);

/* Sends what waits for UDP clients. */
void listen_flush(struct listen *l);

/* The listener that has that address, the wildcard included; NULL: none. */
struct listen_socket *listen_find(struct listen *l, const struct addr *local);

/* What clients see of the sites, by the settings of now. */
void listen_site_see(struct listen *l);

/* The address that an answer to `in` leaves from; socket: as stun_server chose it. */
struct addr listen_site_source(struct listen *l, const struct turnd_in *in, uint8_t socket);

/* UDP: event callback of a listen_socket. Return 0 or -errno. */
int listen_udp_open(struct listen_socket *s);
void listen_udp_close(struct listen_socket *s);

/* TCP and TLS. Return 0 or -errno. */
int listen_stream_open(struct listen *l);
int listen_stream_add(struct listen_socket *s);

/* DTLS over the UDP sockets. */
int listen_dtls_open(struct listen *l);
void listen_dtls_close(struct listen *l);
void listen_dtls_input(struct listen_socket *s, const struct udp_dgram *in);
void listen_dtls_rearm(struct listen *l);

/* Makes one, to be freed by listen_link_ended. NULL when memory runs out. */
struct listen_link *listen_link_new(const struct listen_socket *s, const struct five_tuple *tuple,
				    uint64_t realm);

/* A message over a connection. */
void listen_link_judge(struct listen *l, struct listen_link *link, struct bytes data);

/* Nobody waits for a client that does not read: what is too much for it is lost, as with UDP. */
void listen_link_send(struct listen *l, struct listen_link *link, struct bytes data);

/* Takes no more messages until an answer to the last one is there; and takes them again. */
void listen_link_pause(struct listen_link *link);
void listen_link_resume(struct listen_link *link);

/* Ends the connection; listen_link_ended follows, at once or later. */
void listen_link_close(struct listen *l, struct listen_link *link);

/*
 * A connection is over: turnd hears of it, and requests of it that wait lead nowhere.
 * link  is freed; NULL is fine
 */
void listen_link_ended(struct listen *l, struct listen_link *link);

/* Looks whether an allocation rests on it: then it stays, and may send long data. */
void listen_link_settle(struct listen *l, struct listen_link *link);

/* Lets some of those whose allocation is gone be ended when they stay silent. */
void listen_link_review(struct listen *l);

#endif
