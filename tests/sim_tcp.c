#include "sim_parts.h"

#include <stdlib.h>

#include "stun_stream.h"

#define SYN_TIMEOUT_US 1000000 /* RFC 6298, section 2; doubles */
#define LEAST_WAIT_US  200000  /* beyond a round trip, as Linux has it */
#define FIRST_PIECE    7       /* of an answer: a stream has no borders */

enum state {
	FREE = 0,
	REFUSED, /* by our own system */
	SYN_SENT,
	SYN_RECEIVED,
	OPEN,
	OVER, /* closed or reset; what still comes in is for nobody */
};

static void emit(struct sim_tcp *t, struct sim_world *w, uint8_t flags, uint32_t seq,
		 struct bytes data)
{
	struct packet_tcp header = { .seq = seq, .ack = t->expected, .flags = flags };
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_tcp(buf, sizeof(buf), &t->local, &t->remote, &header, data);

	if (t->is_server)
		sim_path_from_servers(w, bytes_of(buf, len));
	else
		sim_path_from_host(w, &w->hosts[t->nic], bytes_of(buf, len));
}

static void acknowledge(struct sim_tcp *t, struct sim_world *w)
{
	emit(t, w, PACKET_ACK, t->first + 1 + t->acked, (struct bytes){ 0 });
}

static void set_timer(struct sim_tcp *t, struct sim_world *w, uint64_t in_us)
{
	t->timer_us = w->now_us + in_us;
	sim_put(w, SIM_TCP_TIMER, (size_t)(t - w->tcp), t->timer_us, (struct bytes){ 0 });
}

/* All that is not acknowledged yet, and the timer that sends it again. */
static void transmit(struct sim_tcp *t, struct sim_world *w)
{
	struct bytes left = bytes_of(t->out + t->acked, t->out_len - t->acked);
	uint32_t seq = t->first + 1 + t->acked;
	uint8_t flags = PACKET_ACK | PACKET_PSH;

	if (t->state == SYN_SENT) {
		emit(t, w, PACKET_SYN, t->first, (struct bytes){ 0 });
	} else if (t->state == SYN_RECEIVED) {
		emit(t, w, PACKET_SYN | PACKET_ACK, t->first, (struct bytes){ 0 });
	} else if (t->in_pieces && left.len > FIRST_PIECE) {
		emit(t, w, flags, seq, bytes_of(left.data, FIRST_PIECE));
		emit(t, w, flags, seq + FIRST_PIECE,
		     bytes_of(left.data + FIRST_PIECE, left.len - FIRST_PIECE));
	} else if (left.len > 0) {
		emit(t, w, flags, seq, left);
	} else {
		return;
	}
	t->in_pieces = false;
	set_timer(t, w, t->timeout_us);
	t->timeout_us *= 2;
}

static void lose(struct sim_host *h, struct sim_tcp *t)
{
	t->state = OVER;
	sim_host_on_stream(h, t->slot, DISCOVER_STREAM_CLOSED, (struct bytes){ 0 });
}

void sim_tcp_timer(struct sim_world *w, const struct sim_event *e)
{
	struct sim_tcp *t = &w->tcp[e->who];

	if (t->timer_us != e->at_us)
		return;
	if (t->state == REFUSED)
		lose(&w->hosts[t->nic], t);
	else if (t->state != FREE && t->state != OVER)
		transmit(t, w);
}

static struct sim_tcp *find_end(struct sim_world *w, bool is_server, const struct addr *local,
				const struct addr *remote)
{
	for (size_t i = 0; i < SIM_TCP_MAX; i++) {
		struct sim_tcp *t = &w->tcp[i];

		if (t->state != FREE && t->is_server == is_server && addr_equal(&t->local, local) &&
		    addr_equal(&t->remote, remote))
			return t;
	}
	return NULL;
}

static struct sim_tcp *new_end(struct sim_world *w)
{
	struct sim_tcp *found = NULL;

	/* One that is over is remembered as long as there are others. */
	for (size_t i = 0; i < SIM_TCP_MAX && (found == NULL || found->state != FREE); i++) {
		if (w->tcp[i].state == FREE || (w->tcp[i].state == OVER && found == NULL))
			found = &w->tcp[i];
	}
	if (found == NULL)
		abort();
	*found = (struct sim_tcp){ .began_us = w->now_us, .timeout_us = SYN_TIMEOUT_US };
	return found;
}

/* Something is acknowledged; what is new of it stops the timer. */
static void take_ack(struct sim_tcp *t, const struct packet *p)
{
	uint32_t acked = p->tcp_ack - t->first - 1;

	if ((p->tcp_flags & PACKET_ACK) == 0 || acked > t->out_len || acked <= t->acked)
		return;
	t->acked = acked;
	if (acked == t->out_len)
		t->timer_us = 0;
}

/* The handshake is through: from now on waits follow the round trip. */
static void open_end(struct sim_tcp *t, const struct sim_world *w)
{
	uint64_t rtt_us = w->now_us - t->began_us;

	t->state = OPEN;
	t->timer_us = 0;
	t->timeout_us =
		(uint32_t)(rtt_us + (2 * rtt_us > LEAST_WAIT_US ? 2 * rtt_us : LEAST_WAIT_US));
}

/* True where the data is what comes next. */
static bool is_next(struct sim_tcp *t, const struct packet *p)
{
	if (p->data.len == 0 || p->tcp_seq != t->expected)
		return false;
	t->expected += (uint32_t)p->data.len;
	return true;
}

void sim_tcp_connect(struct sim_host *h, uint8_t slot, uint16_t port, const struct addr *to,
		     struct bytes request)
{
	struct sim_world *w = h->world;
	struct addr local = addr_with_port(&h->addr, port);
	bool is_known = find_end(w, false, &local, to) != NULL;
	struct sim_tcp *t = new_end(w);

	if (request.len > sizeof(t->out))
		abort();
	t->state = is_known ? REFUSED : SYN_SENT;
	t->nic = h->nic;
	t->slot = slot;
	t->local = local;
	t->remote = *to;
	t->first = (uint32_t)rng_next(&h->rng);
	memcpy(t->out, request.data, request.len);
	t->out_len = request.len;
	if (is_known) /* the system does not connect the same ends again so soon */
		set_timer(t, w, 0);
	else
		transmit(t, w);
}

void sim_tcp_close(struct sim_host *h, uint8_t slot)
{
	struct sim_world *w = h->world;

	for (size_t i = 0; i < SIM_TCP_MAX; i++) {
		struct sim_tcp *t = &w->tcp[i];

		if (t->state == FREE || t->state == OVER || t->is_server || t->nic != h->nic ||
		    t->slot != slot)
			continue;
		if (t->state == OPEN)
			emit(t, w, PACKET_FIN | PACKET_ACK, t->first + 1 + (uint32_t)t->out_len,
			     (struct bytes){ 0 });
		t->state = OVER;
		return;
	}
}

/* An answer to our SYN. */
static void host_connected(struct sim_host *h, struct sim_tcp *t, const struct packet *p)
{
	if ((p->tcp_flags & (PACKET_SYN | PACKET_ACK)) != (PACKET_SYN | PACKET_ACK) ||
	    p->tcp_ack != t->first + 1)
		return;
	t->expected = p->tcp_seq + 1;
	open_end(t, h->world);
	sim_host_on_connected(h, t->slot, &t->local);
	if (t->out_len > 0)
		transmit(t, h->world);
	else
		acknowledge(t, h->world);
}

void sim_tcp_at_host(struct sim_host *h, const struct packet *p)
{
	struct sim_world *w = h->world;
	struct sim_tcp *t = find_end(w, false, &p->destination, &p->source);

	if (t == NULL || t->state == OVER || t->state == REFUSED)
		return;
	if ((p->tcp_flags & PACKET_RST) != 0) {
		lose(h, t);
		return;
	}
	if (t->state == SYN_SENT) {
		host_connected(h, t, p);
		return;
	}
	take_ack(t, p);
	if (is_next(t, p))
		sim_host_on_stream(h, t->slot, DISCOVER_STREAM_DATA, p->data);
	if (p->data.len > 0 || (p->tcp_flags & PACKET_SYN) != 0)
		acknowledge(t, w);
}

/* As much of a request as there is; the answer leaves once it is whole. */
static void server_read(struct sim_world *w, struct sim_tcp *t, struct bytes data)
{
	uint32_t extra_us = sim_server_extra_us(w, t->server);
	struct bytes frame, answer;
	size_t used;

	if (data.len > sizeof(t->in) - t->in_len)
		return;
	memcpy(t->in + t->in_len, data.data, data.len);
	t->in_len += data.len;
	if (t->out_len > 0 ||
	    stun_stream_next(bytes_of(t->in, t->in_len), sizeof(t->in), &frame, &used) != STUN_OK)
		return;
	answer = sim_server_answer_tcp(w, t, frame, t->out, sizeof(t->out));
	if (answer.len == 0)
		return;
	t->out_len = answer.len;
	t->in_pieces = true;
	if (extra_us > 0)
		set_timer(t, w, extra_us);
	else
		transmit(t, w);
}

static void server_accept(struct sim_world *w, size_t server, uint8_t socket, bool refuses,
			  const struct packet *p)
{
	struct sim_tcp *t = new_end(w);

	t->is_server = true;
	t->server = server;
	t->socket = socket;
	t->local = p->destination;
	t->remote = p->source;
	t->expected = p->tcp_seq + 1;
	if (refuses) {
		emit(t, w, PACKET_RST | PACKET_ACK, 0, (struct bytes){ 0 });
		return; /* still free */
	}
	t->first = (uint32_t)rng_next(&w->rng);
	t->state = SYN_RECEIVED;
	transmit(t, w);
}

void sim_tcp_at_server(struct sim_world *w, size_t server, uint8_t socket, bool refuses,
		       const struct packet *p)
{
	struct sim_tcp *t = find_end(w, true, &p->destination, &p->source);

	if ((p->tcp_flags & PACKET_SYN) != 0) {
		if (t != NULL && t->expected == p->tcp_seq + 1) {
			if (t->state == SYN_RECEIVED)
				transmit(t, w);
			return;
		}
		if (t != NULL) /* the same ends, another connection */
			t->state = FREE;
		server_accept(w, server, socket, refuses, p);
		return;
	}
	if (t == NULL || t->state == OVER)
		return;
	if ((p->tcp_flags & PACKET_RST) != 0) {
		t->state = OVER;
		return;
	}
	if (t->state == SYN_RECEIVED && p->tcp_ack == t->first + 1)
		open_end(t, w);
	if (t->state != OPEN)
		return;
	take_ack(t, p);
	if (is_next(t, p)) {
		acknowledge(t, w);
		server_read(w, t, p->data);
	} else if (p->data.len > 0) {
		acknowledge(t, w);
	}
	if ((p->tcp_flags & PACKET_FIN) != 0 && p->tcp_seq == t->expected) {
		t->expected++;
		emit(t, w, PACKET_FIN | PACKET_ACK, t->first + 1 + (uint32_t)t->out_len,
		     (struct bytes){ 0 });
		t->state = OVER;
	}
}
