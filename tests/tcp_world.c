#include "tcp_world.h"

#include <stdlib.h>

#define SYN_AGAIN_US  1000000
#define DATA_AGAIN_US 250000
/* Routers between a host and the other one's NAT, its own NAT among them. */
#define HOPS_TO_NAT 4

enum state {
	FREE = 0,
	LISTENING,
	SYN_SENT,
	SYN_RECEIVED,
	OPEN,
};

enum kind {
	SYN,
	SYN_ACK,
	ACK,
	DATA,
	RST,
	FIN,
	ICMP_ERROR,
};

/* --- underway --- */

static void put(struct tcp_world *w, const struct tcp_world_segment *s, uint64_t delay_us)
{
	struct tcp_world_segment *to = &w->segments[w->segment_count];

	if (w->loss_per_mille > 0 && rng_below(&w->rng, 1000) < w->loss_per_mille)
		return;
	if (w->segment_count == TCP_WORLD_SEGMENTS)
		abort();
	w->segment_count++;
	*to = *s;
	to->at_us = w->now_us + delay_us;
	if (w->jitter_us > 0)
		to->at_us += rng_below(&w->rng, w->jitter_us);
	to->order = w->order++;
}

static struct tcp_world_flow *find_flow(struct tcp_world_host *h, uint16_t local,
					const struct addr *remote)
{
	for (size_t i = 0; i < h->flow_count; i++) {
		if (h->flows[i].local == local && addr_equal(&h->flows[i].remote, remote))
			return &h->flows[i];
	}
	return NULL;
}

static uint16_t follow(const struct tcp_world_host *h, uint16_t local)
{
	const struct tcp_world_flow *last = h->flow_count > 1 ? &h->flows[h->flow_count - 2] : NULL;

	if (last != NULL && last->local + 1 == local)
		return (uint16_t)(last->external + 3);
	return (uint16_t)(20000 + 97 * h->flow_count);
}

static struct tcp_world_flow *open_flow(struct tcp_world_host *h, uint16_t local,
					const struct addr *remote)
{
	struct tcp_world_flow *f = find_flow(h, local, remote);
	bool is_first = true;

	if (f != NULL)
		return f;
	if (h->flow_count == TCP_WORLD_FLOWS)
		abort();
	for (size_t i = 0; i < h->flow_count; i++)
		is_first = is_first && h->flows[i].local != local;
	f = &h->flows[h->flow_count++];
	*f = (struct tcp_world_flow){ .local = local, .remote = *remote };
	f->external = (uint16_t)(local + 1000);
	if (h->nat.counts)
		f->external = (uint16_t)(30000 + h->flow_count);
	else if (h->nat.follows)
		f->external = follow(h, local);
	else if (h->nat.differs && !(is_first && h->nat.keeps_first))
		f->external = (uint16_t)(f->external + 7 * h->flow_count);
	return f;
}

struct addr tcp_world_map(struct tcp_world *w, int host, uint16_t local_port,
			  const struct addr *remote)
{
	struct tcp_world_host *h = &w->hosts[host];

	if (!h->nat.is_there)
		return addr_with_port(&h->addr, local_port);
	return addr_with_port(&h->nat.external, open_flow(h, local_port, remote)->external);
}

/* The host that has this address, seen from outside; -1: none. */
static int host_at(const struct tcp_world *w, const struct addr *a)
{
	for (int i = 0; i < 2; i++) {
		const struct tcp_world_host *h = &w->hosts[i];

		if (addr_equal_ip(a, h->nat.is_there ? &h->nat.external : &h->addr))
			return i;
	}
	return -1;
}

static void leave(struct tcp_world *w, int host, struct tcp_world_segment s)
{
	struct tcp_world_host *h = &w->hosts[host];
	struct addr local = s.from;
	int to = host_at(w, &s.to);

	if (s.kind == SYN)
		h->syns++;
	if (h->nat.is_there) {
		struct tcp_world_flow *f = open_flow(h, s.from.port, &s.to);

		f->is_syn_sent = f->is_syn_sent || s.kind == SYN;
		s.from = addr_with_port(&h->nat.external, f->external);
	}
	if (s.ttl != 0 && s.ttl <= HOPS_TO_NAT) {
		struct tcp_world_segment icmp = {
			.kind = ICMP_ERROR, .host = (uint8_t)host, .to = local, .about = s.to
		};

		if (!h->nat.hides_icmp)
			put(w, &icmp, w->delay_us);
		return;
	}
	if (to < 0 || to == host)
		return;
	s.host = (uint8_t)to;
	put(w, &s, w->delay_us);
}

/* A box refuses what it did not wait for. */
static void refuse(struct tcp_world *w, const struct tcp_world_segment *s, enum kind kind)
{
	struct tcp_world_segment answer = {
		.kind = (uint8_t)kind, .from = s->to, .to = s->from, .ack = s->seq, .about = s->to
	};
	int to = host_at(w, &s->from);

	if (to < 0 || s->kind == RST || s->kind == ICMP_ERROR)
		return;
	answer.host = (uint8_t)to;
	put(w, &answer, w->delay_us);
}

static void forget(struct tcp_world_host *h, uint16_t external)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->flow_count; i++) {
		if (h->flows[i].external != external)
			h->flows[kept++] = h->flows[i];
	}
	h->flow_count = kept;
}

/* Through the NAT of the host it goes to. False: it did not get in. */
static bool enters(struct tcp_world *w, struct tcp_world_segment *s)
{
	struct tcp_world_host *h = &w->hosts[s->host];
	const struct addr *other = s->kind == ICMP_ERROR ? &s->about : &s->from;

	if (!h->nat.is_there || addr_equal_ip(&s->to, &h->addr))
		return true;
	for (size_t i = 0; i < h->flow_count; i++) {
		struct tcp_world_flow *f = &h->flows[i];

		if (f->external != s->to.port ||
		    (!h->nat.is_open && !addr_equal(&f->remote, other)))
			continue;
		if (s->kind == SYN && f->is_syn_sent && h->nat.no_simultaneous_open)
			return false;
		/* What answers it, leaves by the port that it came to. */
		if (find_flow(h, f->local, other) == NULL && h->flow_count < TCP_WORLD_FLOWS) {
			h->flows[h->flow_count] = *f;
			h->flows[h->flow_count++].remote = *other;
		}
		s->to = addr_with_port(&h->addr, f->local);
		return true;
	}
	if (h->nat.forgets)
		forget(h, s->to.port);
	if (s->kind == SYN && h->nat.reaction != TCP_WORLD_DROP)
		refuse(w, s, h->nat.reaction == TCP_WORLD_RST ? RST : ICMP_ERROR);
	return false;
}

/* --- hosts --- */

static void reset(struct tcp_world *w, const struct tcp_world_segment *s)
{
	struct tcp_world_segment answer = {
		.kind = RST, .from = s->to, .to = s->from, .ack = s->seq
	};

	if (s->kind != RST && s->kind != ICMP_ERROR)
		leave(w, s->host, answer);
}

static void emit(struct tcp_world *w, int host, const struct tcp_world_socket *k, enum kind kind,
		 uint8_t ttl)
{
	struct tcp_world_segment s = { .kind = (uint8_t)kind,
				       .ttl = ttl,
				       .from = k->local,
				       .to = k->remote,
				       .seq = k->first,
				       .ack = kind == ACK ? k->taken : k->expected };

	leave(w, host, s);
}

static void set_timer(const struct tcp_world *w, struct tcp_world_socket *k, uint32_t timeout_us)
{
	k->timeout_us = timeout_us;
	k->timer_us = w->now_us + timeout_us;
}

/* What is not acknowledged, from that byte of it on. */
static void send_data(struct tcp_world *w, int host, struct tcp_world_socket *k, size_t from)
{
	struct tcp_world_segment s = { .kind = DATA,
				       .from = k->local,
				       .to = k->remote,
				       .seq = k->acked + (uint32_t)from,
				       .len = k->out_len - from };

	memcpy(s.data, k->out + from, s.len);
	leave(w, host, s);
}

static void tell_stream(struct tcp_world *w, int host, const struct tcp_world_socket *k,
			enum punch_stream what, struct bytes data)
{
	const struct tcp_world_events *e = &w->events[host];
	uint16_t slot = (uint16_t)(k - w->hosts[host].sockets);

	e->on_stream(e->arg, slot, what, data, w->now_us);
}

static void lose(struct tcp_world *w, int host, struct tcp_world_socket *k, enum punch_stream what)
{
	bool is_known = k->state == OPEN || !k->is_accepted;

	if (k->state == OPEN)
		what = PUNCH_STREAM_CLOSED;
	k->state = FREE;
	if (is_known)
		tell_stream(w, host, k, what, (struct bytes){ 0 });
}

static void opened(struct tcp_world *w, int host, struct tcp_world_socket *k)
{
	const struct tcp_world_events *e = &w->events[host];
	uint16_t slot = (uint16_t)(k - w->hosts[host].sockets);

	k->state = OPEN;
	k->timer_us = UINT64_MAX;
	if (k->is_accepted)
		e->on_accepted(e->arg, k->listener, slot, &k->remote, w->now_us);
	else
		e->on_connected(e->arg, slot, &k->local, w->now_us);
}

static struct tcp_world_socket *find_socket(struct tcp_world *w, const struct tcp_world_segment *s)
{
	struct tcp_world_host *h = &w->hosts[s->host];
	const struct addr *remote = s->kind == ICMP_ERROR ? &s->about : &s->from;

	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++) {
		struct tcp_world_socket *k = &h->sockets[i];

		if (k->state > LISTENING && addr_equal(&k->local, &s->to) &&
		    addr_equal(&k->remote, remote))
			return k;
	}
	return NULL;
}

static bool accept_syn(struct tcp_world *w, const struct tcp_world_segment *s)
{
	struct tcp_world_host *h = &w->hosts[s->host];
	struct tcp_world_socket *free = NULL;
	uint16_t listener = PUNCH_CONNECTIONS_MAX;

	for (uint16_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++) {
		if (h->sockets[i].state == LISTENING && addr_equal(&h->sockets[i].local, &s->to))
			listener = i;
		if (i >= PUNCH_ACCEPTED_FIRST && h->sockets[i].state == FREE && free == NULL)
			free = &h->sockets[i];
	}
	if (listener == PUNCH_CONNECTIONS_MAX || free == NULL)
		return false;
	*free = (struct tcp_world_socket){ .state = SYN_RECEIVED,
					   .is_accepted = true,
					   .listener = listener,
					   .local = s->to,
					   .remote = s->from,
					   .first = (uint32_t)rng_next(&w->rng),
					   .expected = s->seq };
	set_timer(w, free, SYN_AGAIN_US);
	emit(w, s->host, free, SYN_ACK, 0);
	return true;
}

static void on_syn_sent(struct tcp_world *w, struct tcp_world_socket *k,
			const struct tcp_world_segment *s)
{
	if (s->kind == SYN) { /* both at once */
		k->expected = s->seq;
		k->state = SYN_RECEIVED;
		emit(w, s->host, k, SYN_ACK, 0);
	} else if (s->kind == SYN_ACK && s->ack == k->first) {
		k->expected = s->seq;
		opened(w, s->host, k);
		emit(w, s->host, k, ACK, 0);
	} else if (s->kind != FIN) {
		reset(w, s);
	}
}

static void on_data(struct tcp_world *w, struct tcp_world_socket *k,
		    const struct tcp_world_segment *s)
{
	uint32_t known = k->taken - s->seq;
	bool is_new = known < s->len;

	if (is_new)
		k->taken = s->seq + (uint32_t)s->len;
	emit(w, s->host, k, ACK, 0);
	if (is_new)
		tell_stream(w, s->host, k, PUNCH_STREAM_DATA,
			    bytes_of(s->data + known, s->len - known));
}

static void on_ack(struct tcp_world *w, struct tcp_world_socket *k,
		   const struct tcp_world_segment *s)
{
	uint32_t n = s->ack - k->acked;

	if (n == 0 || n > k->out_len)
		return;
	k->acked = s->ack;
	k->out_len -= n;
	memmove(k->out, k->out + n, k->out_len);
	set_timer(w, k, DATA_AGAIN_US + 2 * w->delay_us);
}

static void on_segment(struct tcp_world *w, struct tcp_world_socket *k,
		       const struct tcp_world_segment *s)
{
	if (s->kind == ICMP_ERROR) {
		if (k->state == SYN_SENT)
			lose(w, s->host, k, PUNCH_STREAM_ICMP);
		return;
	}
	if (s->kind == RST) {
		if (k->state != SYN_SENT || s->ack == k->first)
			lose(w, s->host, k, PUNCH_STREAM_REFUSED);
		return;
	}
	if (k->state == SYN_SENT) {
		on_syn_sent(w, k, s);
		return;
	}
	if (k->state == SYN_RECEIVED && s->kind == SYN && s->seq != k->expected) {
		reset(w, s);
		return;
	}
	if (k->state == SYN_RECEIVED && s->kind != SYN)
		opened(w, s->host, k);
	if (k->state != OPEN)
		return;
	if (s->kind == SYN && s->seq != k->expected)
		emit(w, s->host, k, ACK, 0); /* a challenge: who began anew resets this one */
	else if (s->kind == DATA)
		on_data(w, k, s);
	else if (s->kind == ACK)
		on_ack(w, k, s);
	else if (s->kind == FIN)
		lose(w, s->host, k, PUNCH_STREAM_CLOSED);
}

static void arrive(struct tcp_world *w, struct tcp_world_segment *s)
{
	struct tcp_world_socket *k;

	if (!enters(w, s))
		return;
	k = find_socket(w, s);
	if (k != NULL)
		on_segment(w, k, s);
	else if (s->kind == ICMP_ERROR || (s->kind == SYN && accept_syn(w, s)))
		return;
	else if (s->kind != RST)
		reset(w, s);
}

/* --- programs --- */

static bool has_ends(const struct tcp_world_host *h, const struct addr *local,
		     const struct addr *remote)
{
	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++) {
		if (h->sockets[i].state > LISTENING && addr_equal(&h->sockets[i].local, local) &&
		    addr_equal(&h->sockets[i].remote, remote))
			return true;
	}
	return false;
}

/* Those that it has not accepted yet go with it. */
static void close_listener(struct tcp_world_host *h, uint16_t listener)
{
	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++) {
		struct tcp_world_socket *k = &h->sockets[i];

		if (k->is_accepted && k->listener == listener && k->state == SYN_RECEIVED)
			k->state = FREE;
	}
}

static void connect_to(struct tcp_world *w, int host, const struct punch_action *a)
{
	struct tcp_world_socket *k = &w->hosts[host].sockets[a->slot];
	struct addr local = addr_with_port(&w->hosts[host].addr, a->port);

	if (k->state != FREE)
		abort();
	if (has_ends(&w->hosts[host], &local, &a->to)) {
		tell_stream(w, host, k, PUNCH_STREAM_FAILED, (struct bytes){ 0 });
		return;
	}
	*k = (struct tcp_world_socket){
		.state = SYN_SENT,
		.local = local,
		.remote = a->to,
		.first = (uint32_t)rng_next(&w->rng),
	};
	set_timer(w, k, SYN_AGAIN_US);
	emit(w, host, k, SYN, a->ttl);
}

void tcp_world_do(struct tcp_world *w, int host, const struct punch_action *a)
{
	struct tcp_world_socket *k = &w->hosts[host].sockets[a->slot];

	switch (a->kind) {
	case PUNCH_CONNECT:
		connect_to(w, host, a);
		break;
	case PUNCH_LISTEN:
		*k = (struct tcp_world_socket){
			.state = LISTENING,
			.local = addr_with_port(&w->hosts[host].addr, a->port),
		};
		break;
	case PUNCH_WRITE:
		if (k->state != OPEN || a->data.len > sizeof(k->out) - k->out_len)
			abort();
		memcpy(k->out + k->out_len, a->data.data, a->data.len);
		if (k->out_len == 0)
			set_timer(w, k, DATA_AGAIN_US + 2 * w->delay_us);
		k->out_len += a->data.len;
		send_data(w, host, k, k->out_len - a->data.len);
		break;
	case PUNCH_DISCONNECT:
		if (k->state == FREE)
			abort();
		if (k->state == LISTENING)
			close_listener(&w->hosts[host], a->slot);
		if (k->state >= SYN_RECEIVED && !a->quiet)
			emit(w, host, k, FIN, 0);
		k->state = FREE;
		break;
	default:
		abort();
	}
}

static const struct tcp_world_segment *first_segment(const struct tcp_world *w)
{
	const struct tcp_world_segment *first = NULL;

	for (size_t i = 0; i < w->segment_count; i++) {
		const struct tcp_world_segment *s = &w->segments[i];

		if (first == NULL || s->at_us < first->at_us ||
		    (s->at_us == first->at_us && s->order < first->order))
			first = s;
	}
	return first;
}

static uint64_t timer_us(const struct tcp_world_socket *k)
{
	bool has_timer = k->state == SYN_SENT || k->state == SYN_RECEIVED ||
			 (k->state == OPEN && k->out_len > 0);

	return has_timer ? k->timer_us : UINT64_MAX;
}

uint64_t tcp_world_due_us(const struct tcp_world *w)
{
	const struct tcp_world_segment *s = first_segment(w);
	uint64_t due_us = s != NULL ? s->at_us : UINT64_MAX;

	for (size_t i = 0; i < 2 * PUNCH_CONNECTIONS_MAX; i++) {
		uint64_t at_us = timer_us(&w->hosts[i % 2].sockets[i / 2]);

		due_us = at_us < due_us ? at_us : due_us;
	}
	return due_us;
}

static void run_timer(struct tcp_world *w, int host, struct tcp_world_socket *k)
{
	if (timer_us(k) > w->now_us)
		return;
	set_timer(w, k, 2 * k->timeout_us);
	if (k->state == OPEN)
		send_data(w, host, k, 0);
	else
		emit(w, host, k, k->state == SYN_SENT ? SYN : SYN_ACK, 0);
}

void tcp_world_run(struct tcp_world *w)
{
	const struct tcp_world_segment *first = first_segment(w);

	if (first != NULL && first->at_us <= w->now_us) {
		struct tcp_world_segment s = *first;

		w->segments[first - w->segments] = w->segments[--w->segment_count];
		arrive(w, &s);
		return;
	}
	for (size_t i = 0; i < 2 * PUNCH_CONNECTIONS_MAX; i++)
		run_timer(w, (int)(i % 2), &w->hosts[i % 2].sockets[i / 2]);
}

unsigned tcp_world_open(const struct tcp_world *w, int host)
{
	unsigned open = 0;

	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++)
		open += w->hosts[host].sockets[i].state != FREE;
	return open;
}
