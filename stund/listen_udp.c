/* The datagrams of a listener: taken, answered and sent in batches. */
#include "listen_parts.h"

#include "clock.h"
#include "limit.h"
#include "log.h"

/* Then other sockets get their turn. */
#define BATCHES_PER_WAKEUP 8

/* What happened in a batch; told to the counters once, at its end. */
struct batch_counts {
	uint32_t outcomes[STUN_OUTCOMES];
	bool has_coop; /* an order came: it may be due */
	uint32_t limited, truncated, send_errors;
	uint64_t received_bytes, sent_bytes;
};

static void tell(struct stats *s, const struct batch_counts *t)
{
	for (int i = 0; i < STUN_OUTCOMES; i++) {
		if (t->outcomes[i] != 0)
			counter_add(&s->outcomes[STUN_UDP][i], t->outcomes[i]);
	}
	if (t->limited != 0)
		counter_add(&s->limited[STUN_UDP], t->limited);
	if (t->truncated != 0)
		counter_add(&s->truncated, t->truncated);
	if (t->send_errors != 0)
		counter_add(&s->send_errors, t->send_errors);
	counter_add(&s->received_bytes, t->received_bytes);
	counter_add(&s->sent_bytes, t->sent_bytes);
}

/*
 * Room is taken only as long as an answer is. `in` may be the very place that the answer gets:
 * what leaves from the socket that was asked, takes the places of what came in.
 */
static void queue_answer(struct listen *l, const struct udp_dgram *in,
			 const struct stun_reply *reply)
{
	struct listen_queue *q = &l->out[reply->socket];
	struct udp_dgram *d = &q->dgrams[q->count++];

	d->local = in->local; /* known on wildcard sockets only: there it must be told */
	d->peer = reply->to;
	d->data = reply->msg;
	l->answers_len += reply->msg.len;
}

/* Returns false where it is no request of cooperation. */
static bool answer_coop(struct listen *l, const struct udp_dgram *in, const struct stun_query *q,
			uint64_t now_us, struct batch_counts *t)
{
	struct stun_reply reply;

	if (!listen_coop_answer(l, q, now_us, l->answers + l->answers_len, UDP_RX_MAX, &reply))
		return false;
	t->outcomes[STUN_REPLY]++;
	t->has_coop = true;
	countries_count(&l->stats.requests_by_country, l->policy->geo, &in->peer);
	if (reply.msg.len > 0)
		queue_answer(l, in, &reply);
	return true;
}

/*
 * With a partner: what is to leave from its address, it sends. Where it would not, to an address
 * that is no ordinary one or since it is too long, the client is answered as if there were none.
 * Returns false where nothing is left to be sent from here.
 */
static bool ask_partner(struct listen_socket *s, const struct udp_dgram *in, struct stun_query *q,
			enum stun_outcome *outcome, struct stun_reply *reply)
{
	struct listen *l = s->owner;

	if (*outcome == STUN_DROP_UNASKED)
		listen_partner_unasked(l, in);
	if ((*outcome != STUN_REPLY && *outcome != STUN_REPLY_ERROR) ||
	    s->site->site.has[reply->socket])
		return true;
	if (listen_partner_hand_over(l, s->site, reply))
		return false;
	q->site = &s->site->site;
	*outcome = stun_server_answer(&l->policy->server, q, l->answers + l->answers_len,
				      UDP_RX_MAX, reply);
	return true;
}

static void answer_stun(struct listen_socket *s, const struct udp_dgram *in, uint64_t now_us,
			struct batch_counts *t)
{
	struct listen *l = s->owner;
	struct addr local;
	struct stun_reply reply;
	enum stun_outcome outcome;
	bool is_ours = true;
	struct stun_query q = {
		.datagram = in->data,
		.from = in->peer,
		.transport = STUN_UDP,
		.site = &s->site->site,
		.socket = s->at->number,
		.local = &s->site->site.seen_as[s->at->number],
	};

	if (s->site->any) {
		local = addr_with_port(&in->local, s->at->local.port);
		q.local = &local;
	}
	if (l->coop != NULL && answer_coop(l, in, &q, now_us, t))
		return;
	if (l->partner != NULL)
		q.site = listen_partner_site(l, s->site);
	outcome = stun_server_answer(&l->policy->server, &q, l->answers + l->answers_len,
				     UDP_RX_MAX, &reply);
	if (l->partner != NULL)
		is_ours = ask_partner(s, in, &q, &outcome, &reply);
	t->outcomes[outcome]++;
	if (outcome != STUN_REPLY && outcome != STUN_REPLY_ERROR)
		return;
	countries_count(&l->stats.requests_by_country, l->policy->geo, &in->peer);
	if (is_ours)
		queue_answer(l, in, &reply);
}

/* DTLS and STUN share a port: the first byte tells (RFC 7983). */
static bool is_dtls(struct bytes datagram)
{
	return datagram.len > 0 && datagram.data[0] >= 20 && datagram.data[0] <= 63;
}

static void take_one(struct listen_socket *s, const struct udp_dgram *in, uint64_t now_us,
		     struct batch_counts *t)
{
	struct limit *limit = s->owner->policy->limit;

	t->received_bytes += in->data.len;
	if (in->truncated)
		t->truncated++;
	else if (limit != NULL && !limit_allows(limit, &in->peer, now_us / 1000))
		t->limited++;
	else if (is_dtls(in->data))
		listen_dtls_input(s, in, now_us);
	else
		answer_stun(s, in, now_us, t);
}

static void send_queue(struct listen *l, int fd, struct listen_queue *q, struct batch_counts *t)
{
	int sent = udp_send(fd, l->batch, q->dgrams, q->count);

	if (sent < q->count)
		t->send_errors += (uint32_t)(q->count - (sent > 0 ? sent : 0));
	q->count = 0;
}

static void answer_batch(struct listen_socket *s, int count, uint64_t now_us)
{
	struct listen *l = s->owner;
	struct batch_counts t = { 0 };

	l->answers_len = 0;
	for (unsigned int n = 0; n < STUN_SITE_SOCKETS; n++)
		l->out[n].dgrams = n == s->at->number ? l->in : l->elsewhere[n];
	for (int i = 0; i < count; i++)
		take_one(s, &l->in[i], now_us, &t);
	for (unsigned int n = 0; n < STUN_SITE_SOCKETS; n++) {
		if (l->out[n].count > 0)
			send_queue(l, l->sockets[s->site->first_socket + n].fd, &l->out[n], &t);
	}
	t.sent_bytes = l->answers_len;
	tell(&l->stats, &t);
	if (l->dtls != NULL)
		listen_dtls_rearm(l);
	if (t.has_coop)
		listen_coop_run(l);
}

/*
 * While a socket is in the event loop, every datagram that leaves it calls the loop's wait
 * queue: there may be room to write now. Under load that is 3 % of all that stund costs, so a
 * socket that has a whole batch waiting is taken out for a while.
 */
static void set_waiting(struct listen_socket *s, bool *waiting, bool on)
{
	if (*waiting == on)
		return;
	*waiting = on;
	if (!on)
		(void)event_del(s->readable);
	else if (event_add(s->readable, NULL) != 0)
		log_event(LOG_LEVEL_ERROR, "listen", "a socket is lost: cannot wait for it again");
}

void listen_udp_readable(evutil_socket_t fd, short events, void *arg)
{
	struct listen_socket *s = arg;
	struct listen *l = s->owner;
	uint64_t now_us = clock_us();
	bool waiting = true;
	int n = UDP_BATCH;

	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH; i++) {
		n = udp_recv(fd, l->batch, l->in);
		if (n == UDP_BATCH)
			set_waiting(s, &waiting, false);
		if (n < 0)
			counter_add(&l->stats.receive_errors, 1);
		if (n > 0)
			answer_batch(s, n, now_us);
	}
	set_waiting(s, &waiting, true); /* what is left wakes it again */
}
