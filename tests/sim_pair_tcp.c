#include <stdlib.h>

#include "sim_pair_parts.h"
#include "stun_stream.h"

/*
 * A TCP that is good enough for a handshake of any kind and a few messages. As Linux has it: an
 * ICMP error ends a connection that does not stand yet, what nobody expects is reset.
 */
#define SYN_TIMEOUT_US 1000000
#define GIVE_UP_US     30000000 /* without anything acknowledged */

enum state {
	FREE = 0,
	REFUSED, /* by our own system */
	SYN_SENT,
	SYN_RECEIVED,
	OPEN,
};

void sim_pair_tcp_start(struct sim_pair_stack *s, struct sim_pair_world *w, uint8_t who)
{
	memset(s->used, 0, sizeof(s->used));
	memset(s->listeners, 0, sizeof(s->listeners));
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++)
		s->ends[i].state = FREE;
	s->world = w;
	s->who = who;
}

static struct sim_pair_host *host_of(const struct sim_pair_stack *s)
{
	return s->who == SIM_PAIR_SERVERS ? NULL : &s->world->hosts[s->who];
}

static void send_segment(struct sim_pair_stack *s, const struct addr *from, const struct addr *to,
			 const struct packet_tcp *header, struct bytes data, uint8_t ttl)
{
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_tcp(buf, sizeof(buf), from, to, header, data);

	if (len == 0)
		return;
	if (ttl != 0)
		packet_set_ttl(buf, ttl);
	if (s->who == SIM_PAIR_SERVERS)
		sim_pair_from_core(s->world, bytes_of(buf, len));
	else
		sim_pair_from_host(host_of(s), bytes_of(buf, len));
}

static void emit(struct sim_pair_stack *s, struct sim_pair_tcp *t, uint8_t flags, uint32_t seq,
		 struct bytes data)
{
	struct packet_tcp header = { .seq = seq, .flags = flags };
	uint8_t ttl = flags == PACKET_SYN ? t->ttl : 0;

	if ((flags & PACKET_ACK) != 0)
		header.ack = t->flow.expected;
	if (flags == PACKET_SYN)
		t->ttl = 0; /* that of the first SYN alone */
	send_segment(s, &t->local, &t->remote, &header, data, ttl);
}

/* What a segment that nobody expects is answered with. */
static void reset(struct sim_pair_stack *s, const struct packet *p)
{
	struct packet_tcp header = { .seq = p->tcp_ack, .flags = PACKET_RST };

	if ((p->tcp_flags & PACKET_RST) != 0)
		return;
	if ((p->tcp_flags & PACKET_ACK) == 0)
		header = (struct packet_tcp){ .ack = p->tcp_seq + (uint32_t)p->data.len +
						     ((p->tcp_flags & PACKET_SYN) != 0),
					      .flags = PACKET_RST | PACKET_ACK };
	send_segment(s, &p->destination, &p->source, &header, (struct bytes){ 0 }, 0);
}

static void acknowledge(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	emit(s, t, PACKET_ACK, sim_flow_next_seq(&t->flow), (struct bytes){ 0 });
}

static void send_data(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	struct sim_segment segment;

	while (t->state == OPEN && sim_flow_send(&t->flow, s->world->now_us, &segment))
		emit(s, t, PACKET_ACK | PACKET_PSH, segment.seq, segment.data);
}

/* Our SYN, and the timer that sends it again. */
static void send_syn(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	uint8_t flags = t->state == SYN_SENT ? PACKET_SYN : PACKET_SYN | PACKET_ACK;

	emit(s, t, flags, t->first, (struct bytes){ 0 });
	t->syn_us = s->world->now_us;
	t->syns = (uint8_t)(t->syns < UINT8_MAX ? t->syns + 1 : t->syns);
	t->timer_us = s->world->now_us + t->timeout_us;
	t->timeout_us *= 2;
}

static struct sim_pair_tcp *find(struct sim_pair_stack *s, const struct addr *local,
				 const struct addr *remote)
{
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		struct sim_pair_tcp *t = &s->ends[i];

		if (t->state > REFUSED && addr_equal(&t->local, local) &&
		    addr_equal(&t->remote, remote))
			return t;
	}
	return NULL;
}

static struct sim_pair_tcp *of_slot(struct sim_pair_stack *s, uint16_t slot)
{
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		struct sim_pair_tcp *t = &s->ends[i];

		if (t->state != FREE && (!t->is_passive || t->is_told) && t->slot == slot)
			return t;
	}
	return NULL;
}

static struct sim_pair_tcp *begin(struct sim_pair_stack *s, const struct addr *local,
				  const struct addr *remote)
{
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		struct sim_pair_tcp *t = &s->ends[i];

		if (t->state != FREE)
			continue;
		*t = (struct sim_pair_tcp){ .local = *local,
					    .remote = *remote,
					    .first = (uint32_t)rng_next(&s->world->rng),
					    .timeout_us = SYN_TIMEOUT_US,
					    .timer_us = UINT64_MAX,
					    .gives_up_us = s->world->now_us + GIVE_UP_US };
		sim_flow_begin(&t->flow, t->first + 1);
		return t;
	}
	abort();
}

/* --- what the shell asks for --- */

void sim_pair_tcp_listen(struct sim_pair_stack *s, uint16_t slot, const struct addr *local)
{
	struct sim_pair_host *h = host_of(s);

	if (slot >= PUNCH_ACCEPTED_FIRST || s->used[slot])
		abort();
	s->used[slot] = true;
	s->listeners[slot] = *local;
	h->is_awake = true;
	h->world->driver->on_connected(h->end, slot, local, sim_pair_clock(h));
}

void sim_pair_tcp_connect(struct sim_pair_stack *s, uint16_t slot, const struct addr *local,
			  const struct addr *to, uint8_t ttl)
{
	bool is_known = find(s, local, to) != NULL || local->family != to->family;
	struct sim_pair_tcp *t;

	if (slot >= PUNCH_ACCEPTED_FIRST || s->used[slot])
		abort();
	s->used[slot] = true;
	t = begin(s, local, to);
	t->slot = slot;
	t->ttl = ttl;
	t->state = is_known ? REFUSED : SYN_SENT;
	if (is_known) /* the system does not connect the same ends twice */
		t->timer_us = s->world->now_us;
	else
		send_syn(s, t);
}

void sim_pair_tcp_write(struct sim_pair_stack *s, uint16_t slot, struct bytes data)
{
	struct sim_pair_tcp *t = of_slot(s, slot);

	if (t == NULL || t->state != OPEN)
		return;
	if (t->flow.out_len == 0)
		t->gives_up_us = s->world->now_us + GIVE_UP_US;
	if (sim_flow_write(&t->flow, data))
		send_data(s, t);
}

void sim_pair_tcp_close(struct sim_pair_stack *s, uint16_t slot, bool quiet)
{
	struct sim_pair_tcp *t = of_slot(s, slot);

	if (slot >= PUNCH_CONNECTIONS_MAX || !s->used[slot])
		abort();
	s->used[slot] = false;
	s->listeners[slot] = (struct addr){ 0 };
	if (t == NULL)
		return;
	if (t->state == OPEN && !quiet)
		emit(s, t, PACKET_FIN | PACKET_ACK, sim_flow_next_seq(&t->flow),
		     (struct bytes){ 0 });
	t->state = FREE;
}

/* --- what comes of it --- */

static void tell(struct sim_pair_stack *s, struct sim_pair_tcp *t, enum punch_stream what)
{
	struct sim_pair_host *h = host_of(s);
	bool is_told = !t->is_passive || t->is_told;

	t->state = FREE;
	if (h == NULL || !is_told)
		return;
	s->used[t->slot] = false;
	h->is_awake = true;
	h->world->driver->on_stream(h->end, t->slot, what, (struct bytes){ 0 }, sim_pair_clock(h));
}

static void accepted(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	struct sim_pair_host *h = host_of(s);

	for (uint16_t i = PUNCH_ACCEPTED_FIRST; i < PUNCH_CONNECTIONS_MAX; i++) {
		if (s->used[i])
			continue;
		s->used[i] = true;
		t->slot = i;
		t->is_told = true;
		h->is_awake = true;
		h->world->driver->on_accepted(h->end, t->listener, i, &t->remote,
					      sim_pair_clock(h));
		return;
	}
}

static void opened(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	struct sim_pair_host *h = host_of(s);

	t->state = OPEN;
	t->timer_us = UINT64_MAX;
	t->gives_up_us = s->world->now_us + GIVE_UP_US;
	if (t->syns == 1) /* else it is not known which one was answered (RFC 6298, section 3) */
		sim_flow_measured(&t->flow, (uint32_t)(s->world->now_us - t->syn_us));
	if (h == NULL)
		return;
	if (t->is_passive) {
		accepted(s, t);
		return;
	}
	h->is_awake = true;
	h->world->driver->on_connected(h->end, t->slot, &t->local, sim_pair_clock(h));
}

static void take_ack(struct sim_pair_stack *s, struct sim_pair_tcp *t, const struct packet *p)
{
	bool is_pure = p->data.len == 0 && (p->tcp_flags & (PACKET_SYN | PACKET_FIN)) == 0;

	if ((p->tcp_flags & PACKET_ACK) == 0)
		return;
	if (sim_flow_on_ack(&t->flow, p->tcp_ack, is_pure, s->world->now_us))
		t->gives_up_us = s->world->now_us + GIVE_UP_US;
	send_data(s, t);
}

static bool server_next(struct sim_pair_tcp *t)
{
	uint8_t buf[SIM_FLOW_SEGMENT];
	struct bytes frame, answer;
	struct addr source;
	size_t used;

	if (stun_stream_next(bytes_of(t->in, t->in_len), sizeof(t->in), &frame, &used) != STUN_OK)
		return false;
	answer = sim_pair_server_answer(&t->remote, &t->local, frame, true, buf, sizeof(buf),
					&source);
	(void)sim_flow_write(&t->flow, answer);
	t->in_len -= used;
	memmove(t->in, t->in + used, t->in_len);
	return true;
}

static void server_read(struct sim_pair_stack *s, struct sim_pair_tcp *t, struct bytes data)
{
	if (data.len > sizeof(t->in) - t->in_len)
		return;
	memcpy(t->in + t->in_len, data.data, data.len);
	t->in_len += data.len;
	while (server_next(t))
		continue;
	send_data(s, t);
}

static void read_data(struct sim_pair_stack *s, struct sim_pair_tcp *t, const struct packet *p)
{
	const struct sim_segment segment = { .seq = p->tcp_seq, .data = p->data };
	struct sim_pair_host *h = host_of(s);
	uint8_t buf[SIM_FLOW_BYTES];
	struct bytes data;

	if (p->data.len == 0)
		return;
	data = sim_flow_take(&t->flow, &segment, buf);
	acknowledge(s, t);
	if (data.len == 0)
		return;
	if (h == NULL) {
		server_read(s, t, data);
	} else if (!t->is_passive || t->is_told) {
		h->is_awake = true;
		h->world->driver->on_stream(h->end, t->slot, PUNCH_STREAM_DATA, data,
					    sim_pair_clock(h));
	}
}

static void on_open_segment(struct sim_pair_stack *s, struct sim_pair_tcp *t,
			    const struct packet *p)
{
	take_ack(s, t, p);
	if ((p->tcp_flags & PACKET_SYN) != 0) {
		acknowledge(s, t);
		return;
	}
	read_data(s, t, p);
	if (t->state != OPEN || (p->tcp_flags & PACKET_FIN) == 0 ||
	    p->tcp_seq + p->data.len != t->flow.expected)
		return;
	t->flow.expected++;
	emit(s, t, PACKET_FIN | PACKET_ACK, sim_flow_next_seq(&t->flow), (struct bytes){ 0 });
	tell(s, t, PUNCH_STREAM_CLOSED);
}

static void on_syn_sent_segment(struct sim_pair_stack *s, struct sim_pair_tcp *t,
				const struct packet *p)
{
	bool acks = (p->tcp_flags & PACKET_ACK) != 0;

	if (acks && p->tcp_ack != t->first + 1) {
		reset(s, p);
		return;
	}
	if ((p->tcp_flags & PACKET_SYN) == 0)
		return;
	t->flow.expected = p->tcp_seq + 1;
	if (acks) {
		acknowledge(s, t);
		opened(s, t);
		return;
	}
	t->state = SYN_RECEIVED; /* both at once (RFC 9293, section 3.5) */
	t->timeout_us = SYN_TIMEOUT_US;
	send_syn(s, t);
}

static void on_syn_received_segment(struct sim_pair_stack *s, struct sim_pair_tcp *t,
				    const struct packet *p)
{
	if ((p->tcp_flags & PACKET_ACK) != 0 && p->tcp_ack == t->first + 1) {
		if ((p->tcp_flags & PACKET_SYN) != 0)
			acknowledge(s, t);
		opened(s, t);
		if (t->state == OPEN)
			on_open_segment(s, t, p);
	} else if ((p->tcp_flags & PACKET_SYN) != 0 && p->tcp_seq + 1 == t->flow.expected) {
		send_syn(s, t);
	}
}

static void on_reset(struct sim_pair_stack *s, struct sim_pair_tcp *t, const struct packet *p)
{
	if (t->state == SYN_SENT) {
		if ((p->tcp_flags & PACKET_ACK) != 0 && p->tcp_ack == t->first + 1)
			tell(s, t, PUNCH_STREAM_REFUSED);
	} else if (p->tcp_seq == t->flow.expected) {
		tell(s, t, t->state == OPEN ? PUNCH_STREAM_CLOSED : PUNCH_STREAM_REFUSED);
	}
}

/* Who listens there; PUNCH_CONNECTIONS_MAX: nobody. */
static uint16_t listener_at(const struct sim_pair_stack *s, const struct addr *local)
{
	uint16_t i = 0;

	if (s->who == SIM_PAIR_SERVERS)
		return 0;
	while (i < PUNCH_CONNECTIONS_MAX && !addr_equal(&s->listeners[i], local))
		i++;
	return i;
}

void sim_pair_tcp_on_segment(struct sim_pair_stack *s, const struct packet *p)
{
	struct sim_pair_tcp *t = find(s, &p->destination, &p->source);
	uint16_t listener = listener_at(s, &p->destination);
	bool is_syn = (p->tcp_flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN;

	if (t == NULL) {
		if (!is_syn || listener == PUNCH_CONNECTIONS_MAX) {
			reset(s, p);
			return;
		}
		t = begin(s, &p->destination, &p->source);
		t->is_passive = true;
		t->listener = listener;
		t->flow.expected = p->tcp_seq + 1;
		t->state = SYN_RECEIVED;
		send_syn(s, t);
		return;
	}
	if ((p->tcp_flags & PACKET_RST) != 0)
		on_reset(s, t, p);
	else if (t->state == SYN_SENT)
		on_syn_sent_segment(s, t, p);
	else if (t->state == SYN_RECEIVED)
		on_syn_received_segment(s, t, p);
	else
		on_open_segment(s, t, p);
}

void sim_pair_tcp_on_error(struct sim_pair_stack *s, const struct packet *about)
{
	struct sim_pair_tcp *t = find(s, &about->source, &about->destination);

	if (t != NULL && (t->state == SYN_SENT || t->state == SYN_RECEIVED))
		tell(s, t, PUNCH_STREAM_ICMP);
}

static uint64_t timer_us(const struct sim_pair_tcp *t)
{
	return t->state == OPEN ? t->flow.timer_us : t->timer_us;
}

static void on_timer(struct sim_pair_stack *s, struct sim_pair_tcp *t)
{
	if (t->state == REFUSED || t->gives_up_us <= s->world->now_us) {
		tell(s, t, t->state == OPEN ? PUNCH_STREAM_CLOSED : PUNCH_STREAM_FAILED);
	} else if (t->state == OPEN) {
		sim_flow_on_timer(&t->flow, s->world->now_us);
		send_data(s, t);
	} else {
		send_syn(s, t);
	}
}

void sim_pair_tcp_run(struct sim_pair_stack *s)
{
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		struct sim_pair_tcp *t = &s->ends[i];

		if (t->state != FREE && timer_us(t) <= s->world->now_us)
			on_timer(s, t);
	}
}

uint64_t sim_pair_tcp_due_us(const struct sim_pair_stack *s)
{
	uint64_t at_us = UINT64_MAX;

	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		if (s->ends[i].state != FREE && timer_us(&s->ends[i]) < at_us)
			at_us = timer_us(&s->ends[i]);
	}
	return at_us;
}
