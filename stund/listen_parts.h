/* listen_parts - the inside of a listener, shared by listen*.c only. */
#ifndef NATKIT_LISTEN_PARTS_H
#define NATKIT_LISTEN_PARTS_H

#include "dtls.h"
#include "listen.h"
#include "stream.h"
#include "udp.h"

/* Over a connection: requests are short, and without PADDING so are answers. */
#define LISTEN_FRAME_MAX  2048
#define LISTEN_ANSWER_MAX 548

/* One UDP socket of the layout. */
struct listen_socket {
	int fd; /* -1: not open */
	struct event *readable;
	struct listen *owner;
	const struct layout_socket *at;
	const struct layout_site *site;
};

/* Answers that wait for the end of a batch, by the socket of the site they leave from. */
struct listen_queue {
	struct udp_dgram *dgrams; /* UDP_BATCH places */
	int count;
};

struct listen {
	const struct listen_common *common;
	struct policy *policy;
	struct event_base *base;
	bool tells; /* logs what it opens: one of the workers does */
	struct stats stats;
	struct listen_socket sockets[LAYOUT_SOCKETS_MAX];
	struct stream_set *streams;     /* NULL: no TCP */
	struct dtls *dtls;              /* NULL: no certificate */
	struct listen_coop *coop;       /* NULL: it does not cooperate */
	struct listen_partner *partner; /* NULL: there is none */
	struct event *dtls_timer;
	uint64_t dtls_due_us; /* what the timer is set to */

	/* Of the batch at hand. */
	struct udp_batch *batch;
	struct udp_dgram in[UDP_BATCH];
	struct udp_dgram elsewhere[STUN_SITE_SOCKETS][UDP_BATCH]; /* leave from another socket */
	struct listen_queue out[STUN_SITE_SOCKETS];
	uint8_t answers[UDP_BATCH * UDP_RX_MAX];
	size_t answers_len;
};

/* Event callback of a listen_socket: answers what is there, up to a bound. */
void listen_udp_readable(evutil_socket_t fd, short events, void *arg);

/*
 * One message of a client with a connection, that reached the address `local`. The limit, the
 * site and the counters are those of datagrams.
 * q       datagram, from and transport are set; the rest is filled in here
 * answer  a view of buf, empty where there is nothing to say
 * Returns false to end with this client.
 */
bool listen_judge(struct listen *l, const struct addr *local, struct stun_query *q,
		  uint8_t buf[static LISTEN_ANSWER_MAX], struct bytes *answer);

/* TCP and TLS. Return 0 or -errno. */
int listen_stream_open(struct listen *l);
int listen_stream_add(struct listen *l, const struct addr *local);

/* DTLS over the UDP sockets. Returns 0 or -errno. */
int listen_dtls_open(struct listen *l);
void listen_dtls_close(struct listen *l);

/* A datagram whose first byte is DTLS's. */
void listen_dtls_input(struct listen_socket *s, const struct udp_dgram *in, uint64_t now_us);

/* Sets the timer to what dtls waits for; after input, and after time has passed. */
void listen_dtls_rearm(struct listen *l);

/* Cooperation: what the workers share, and one worker's part. Return 0 or -errno. */
int listen_coop_common_open(struct listen_common *c);
void listen_coop_common_close(struct listen_common *c);
int listen_coop_open(struct listen *l);
void listen_coop_close(struct listen *l);

/* As coop_on_request; then listen_coop_run once for the batch. */
bool listen_coop_answer(struct listen *l, const struct stun_query *q, uint64_t now_us, uint8_t *buf,
			size_t cap, struct stun_reply *out);

/* Does what is due by now, up to a bound, and sets the timer to the rest. */
void listen_coop_run(struct listen *l);

/* A partner: what the workers share, and one worker's part; one of them has the link to it. Return
 * 0 or -errno. */
int listen_partner_common_open(struct listen_common *c);
int listen_partner_open(struct listen *l, bool has_link);
void listen_partner_close(struct listen *l);

/* Behind a new l->policy. */
void listen_partner_use_policy(struct listen *l);

/* The site as it is now: with the partner's addresses, while it lives. */
const struct stun_site *listen_partner_site(struct listen *l, const struct layout_site *s);

/* Has the partner send an answer that is to leave from a socket of its. False: it would not. */
bool listen_partner_hand_over(struct listen *l, const struct layout_site *s,
			      const struct stun_reply *reply);

/* A response came: it may be the partner's, sent to show that it can. */
void listen_partner_unasked(struct listen *l, const struct udp_dgram *in);

#endif
