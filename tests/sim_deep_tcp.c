#include <errno.h>
#include <stdlib.h>

#include "sim_deep_parts.h"

/*
 * Whoever begins a connection keeps it going: it sends again what is not answered, and so the other
 * end needs no timer and hardly a state.
 */
#define TIMEOUT_US 1000000
#define GIVE_UP_US 20000000
#define ISN        77777 /* of the end that is connected to */

enum state {
	FREE = 0,
	SYN_SENT,
	OPEN,
	OVER,
};

static void emit(struct sim_deep *s, bool of_server, const struct addr *from, const struct addr *to,
		 const struct packet_tcp *header, struct bytes data)
{
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_tcp(buf, sizeof(buf), from, to, header, data);

	if (len == 0)
		return;
	if (of_server)
		sim_deep_from_server(s, bytes_of(buf, len));
	else
		sim_deep_from_host(s, bytes_of(buf, len));
}

static void transmit(struct sim_deep *s, struct sim_deep_tcp *t)
{
	struct packet_tcp header = { .seq = t->first, .flags = PACKET_SYN };
	struct bytes data = { 0 };

	if (t->state == OPEN) {
		header = (struct packet_tcp){ .seq = t->first + 1,
					      .ack = t->expected,
					      .flags = PACKET_ACK };
		data = bytes_of(t->out, t->out_len);
	}
	emit(s, t->of_server, &t->local, &t->remote, &header, data);
	t->timer_us = s->world.now_us + t->timeout_us;
	t->timeout_us *= 2;
}

static struct sim_deep_tcp *begin(struct sim_deep *s, bool of_server, const struct addr *local,
				  const struct addr *to, uint64_t patience_us)
{
	struct sim_deep_tcp *t = NULL;

	for (size_t i = 0; i < SIM_DEEP_TCP_MAX && t == NULL; i++) {
		if (s->tcp[i].state == FREE || s->tcp[i].state == OVER)
			t = &s->tcp[i];
	}
	if (t == NULL)
		abort();
	*t = (struct sim_deep_tcp){ .state = SYN_SENT,
				    .of_server = of_server,
				    .local = *local,
				    .remote = *to,
				    .first = (uint32_t)rng_next(&s->world.rng),
				    .timeout_us = TIMEOUT_US,
				    .gives_up_us = s->world.now_us + patience_us };
	return t;
}

/* --- the host's system --- */

void sim_deep_tcp_connect(struct sim_deep *s, uint16_t slot, const struct addr *local,
			  const struct addr *to)
{
	struct sim_deep_tcp *t = begin(s, false, local, to, GIVE_UP_US);

	t->slot = slot;
	s->open_tcp++;
	transmit(s, t);
}

static struct sim_deep_tcp *of_slot(struct sim_deep *s, uint16_t slot)
{
	for (size_t i = 0; i < SIM_DEEP_TCP_MAX; i++) {
		struct sim_deep_tcp *t = &s->tcp[i];

		if ((t->state == SYN_SENT || t->state == OPEN) && !t->of_server && t->slot == slot)
			return t;
	}
	return NULL;
}

void sim_deep_tcp_write(struct sim_deep *s, uint16_t slot, struct bytes data)
{
	struct sim_deep_tcp *t = of_slot(s, slot);

	if (t == NULL || t->state != OPEN || data.len > sizeof(t->out))
		return;
	memcpy(t->out, data.data, data.len);
	t->out_len = data.len;
	t->timeout_us = TIMEOUT_US;
	transmit(s, t);
}

void sim_deep_tcp_close(struct sim_deep *s, uint16_t slot)
{
	struct sim_deep_tcp *t = of_slot(s, slot);

	if (t != NULL) {
		t->state = OVER;
		s->open_tcp--;
	} else if (s->listeners[slot].listens || s->listeners[slot].is_accepted) {
		s->listeners[slot] = (struct sim_deep_listener){ 0 };
		s->open_tcp--;
	}
}

void sim_deep_tcp_listen(struct sim_deep *s, uint16_t slot, const struct addr *local)
{
	s->listeners[slot] = (struct sim_deep_listener){ .listens = true, .local = *local };
	s->open_tcp++;
	s->is_awake = true;
	deep_on_connected(s->deep, slot, local, s->world.now_us);
}

/* --- the server's --- */

void sim_deep_tcp_order(struct sim_deep *s, const struct addr *from, const struct addr *to,
			uint32_t handle, uint32_t wait_ms)
{
	struct sim_deep_tcp *t = begin(s, true, from, to, wait_ms * 1000ull);

	t->handle = handle;
	transmit(s, t);
}

static void tell(struct sim_deep *s, struct sim_deep_tcp *t, uint8_t outcome, uint8_t type,
		 uint8_t code)
{
	struct coop_report r = { .outcome = outcome, .icmp_type = type, .icmp_code = code };

	t->state = OVER;
	sim_deep_server_on_outcome(s, t->handle, &r);
}

void sim_deep_tcp_on_error(struct sim_deep *s, const struct packet *p, const struct packet *about)
{
	for (size_t i = 0; i < SIM_DEEP_TCP_MAX; i++) {
		struct sim_deep_tcp *t = &s->tcp[i];

		if (t->state == SYN_SENT && t->of_server && addr_equal(&t->local, &about->source) &&
		    addr_equal(&t->remote, &about->destination))
			tell(s, t, COOP_UNREACHABLE, p->icmp_type, p->icmp_code);
	}
}

/* --- what comes in --- */

static struct sim_deep_tcp *find(struct sim_deep *s, bool of_server, const struct packet *p)
{
	for (size_t i = 0; i < SIM_DEEP_TCP_MAX; i++) {
		struct sim_deep_tcp *t = &s->tcp[i];

		if (t->state != FREE && t->of_server == of_server &&
		    addr_equal(&t->local, &p->destination) && addr_equal(&t->remote, &p->source))
			return t;
	}
	return NULL;
}

static void connected(struct sim_deep *s, struct sim_deep_tcp *t, const struct packet *p)
{
	struct packet_tcp ack = { .seq = t->first + 1, .ack = p->tcp_seq + 1, .flags = PACKET_ACK };

	t->expected = p->tcp_seq + 1;
	t->timer_us = t->gives_up_us = UINT64_MAX;
	t->state = OPEN;
	emit(s, t->of_server, &t->local, &t->remote, &ack, (struct bytes){ 0 });
	if (t->of_server) {
		ack.flags = PACKET_RST | PACKET_ACK;
		emit(s, true, &t->local, &t->remote, &ack, (struct bytes){ 0 });
		tell(s, t, COOP_CONNECTED, 0, 0);
		return;
	}
	s->is_awake = true;
	deep_on_connected(s->deep, t->slot, &t->local, s->world.now_us);
}

static void refused(struct sim_deep *s, struct sim_deep_tcp *t)
{
	if (t->of_server) {
		tell(s, t, COOP_RESET, 0, 0);
		return;
	}
	t->state = OVER;
	s->open_tcp--;
	s->is_awake = true;
	deep_on_closed(s->deep, t->slot, -ECONNREFUSED, s->world.now_us);
}

static void on_segment(struct sim_deep *s, struct sim_deep_tcp *t, const struct packet *p)
{
	bool is_answer = (p->tcp_flags & PACKET_SYN) != 0 && (p->tcp_flags & PACKET_ACK) != 0;

	if (t->state == OVER)
		return;
	if ((p->tcp_flags & PACKET_RST) != 0) {
		refused(s, t);
	} else if (t->state == SYN_SENT && is_answer && p->tcp_ack == t->first + 1) {
		connected(s, t, p);
	} else if (t->state == OPEN && p->data.len > 0 && p->tcp_seq == t->expected) {
		t->expected += (uint32_t)p->data.len;
		t->timer_us = UINT64_MAX;
		s->is_awake = true;
		deep_on_stream(s->deep, t->slot, p->data, s->world.now_us);
	}
}

/* To one who is not expected: the answer to a SYN, or a refusal. */
static void reply(struct sim_deep *s, bool of_server, const struct packet *p, bool listens)
{
	struct packet_tcp header = { .seq = ISN,
				     .ack = p->tcp_seq + 1,
				     .flags = PACKET_ACK | (listens ? PACKET_SYN : PACKET_RST) };

	emit(s, of_server, &p->destination, &p->source, &header, (struct bytes){ 0 });
}

static struct sim_deep_listener *listener_at(struct sim_deep *s, const struct addr *local)
{
	for (size_t i = 0; i < DEEP_ACCEPTED_FIRST; i++) {
		if (s->listeners[i].listens && addr_equal(&s->listeners[i].local, local))
			return &s->listeners[i];
	}
	return NULL;
}

/* Only once for each who connects. */
static void accept(struct sim_deep *s, const struct sim_deep_listener *l, const struct packet *p)
{
	uint16_t slot = DEEP_CONNECTIONS_MAX;

	for (uint16_t i = DEEP_ACCEPTED_FIRST; i < DEEP_CONNECTIONS_MAX; i++) {
		if (s->listeners[i].is_accepted && addr_equal(&s->listeners[i].remote, &p->source))
			return;
		if (!s->listeners[i].is_accepted)
			slot = i;
	}
	if (slot == DEEP_CONNECTIONS_MAX)
		return;
	s->listeners[slot] = (struct sim_deep_listener){ .is_accepted = true,
							 .local = p->destination,
							 .remote = p->source };
	s->open_tcp++;
	s->is_awake = true;
	deep_on_accepted(s->deep, (uint16_t)(l - s->listeners), slot, &p->source, s->world.now_us);
}

void sim_deep_tcp_at_host(struct sim_deep *s, const struct packet *p)
{
	struct sim_deep_tcp *t = find(s, false, p);
	const struct sim_deep_listener *l = listener_at(s, &p->destination);

	if (t != NULL) {
		on_segment(s, t, p);
	} else if ((p->tcp_flags & PACKET_RST) != 0) {
		return;
	} else if ((p->tcp_flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN) {
		reply(s, false, p, l != NULL);
	} else if (l != NULL && p->tcp_ack == ISN + 1) {
		accept(s, l, p);
	}
}

/* The answer always has the same place in the stream. */
static void serve(struct sim_deep *s, const struct packet *p)
{
	struct packet_tcp header = { .seq = ISN + 1,
				     .ack = p->tcp_seq + (uint32_t)p->data.len,
				     .flags = PACKET_ACK | PACKET_PSH };
	uint8_t buf[SIM_DEEP_TCP_BYTES];
	struct bytes answer = sim_deep_server_answer_tcp(s, &p->source, &p->destination, p->data,
							 buf, sizeof(buf));

	if (answer.len > 0)
		emit(s, true, &p->destination, &p->source, &header, answer);
}

void sim_deep_tcp_at_server(struct sim_deep *s, const struct packet *p)
{
	struct sim_deep_tcp *t = find(s, true, p);

	if (t != NULL) {
		on_segment(s, t, p);
	} else if ((p->tcp_flags & PACKET_RST) != 0) {
		return;
	} else if ((p->tcp_flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN) {
		reply(s, true, p, true);
	} else if (p->data.len > 0) {
		serve(s, p);
	}
}

/* --- time --- */

static void on_time(struct sim_deep *s, struct sim_deep_tcp *t)
{
	if (s->world.now_us < t->gives_up_us) {
		transmit(s, t);
	} else if (t->of_server) {
		tell(s, t, COOP_TIMED_OUT, 0, 0);
	} else {
		t->state = OVER;
		s->open_tcp--;
		s->is_awake = true;
		deep_on_closed(s->deep, t->slot, -ETIMEDOUT, s->world.now_us);
	}
}

static uint64_t due_us(const struct sim_deep_tcp *t)
{
	if (t->state != SYN_SENT && t->state != OPEN)
		return UINT64_MAX;
	return t->timer_us < t->gives_up_us ? t->timer_us : t->gives_up_us;
}

void sim_deep_tcp_run(struct sim_deep *s)
{
	for (size_t i = 0; i < SIM_DEEP_TCP_MAX; i++) {
		if (due_us(&s->tcp[i]) <= s->world.now_us)
			on_time(s, &s->tcp[i]);
	}
}

uint64_t sim_deep_tcp_deadline_us(const struct sim_deep *s)
{
	uint64_t at_us = UINT64_MAX;

	for (size_t i = 0; i < SIM_DEEP_TCP_MAX; i++) {
		if (due_us(&s->tcp[i]) < at_us)
			at_us = due_us(&s->tcp[i]);
	}
	return at_us;
}
