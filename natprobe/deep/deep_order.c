#include "deep_state.h"

#define COPIES_MAX   8 /* of an order that is to be acknowledged */
#define QUIET_GAP_US 40000
#define WAIT_MIN_US  150000
#define WAIT_MAX_US  1600000
#define BUSY_WAIT_US 1000000
#define UNSENT_US    1000000 /* of what never leaves: its socket did not open */
#define REFUSALS_MAX 4
#define WAIT_MS      3000 /* as a server waits for a connection where nothing else is said */

static uint64_t first_wait_us(const struct deep *d)
{
	uint64_t wait = d->rtt_us * 3 / 2 + 50000;

	return wait > WAIT_MIN_US ? wait : WAIT_MIN_US;
}

static bool is_quiet(const struct deep_placed *p)
{
	return (p->order.flags & COOP_QUIET) != 0;
}

static struct deep_placed *free_place(struct deep *d)
{
	for (size_t i = 0; i < d->order_count; i++) {
		if (!d->orders[i].used)
			return &d->orders[i];
	}
	return d->order_count < DEEP_ORDERS_MAX ? &d->orders[d->order_count++] : NULL;
}

static void due(struct deep *d, struct deep_placed *p, uint64_t at_us)
{
	p->due_us = at_us;
	d->orders_due_us = deep_sooner(d->orders_due_us, at_us);
}

static struct stun_tid random_tid(struct deep *d)
{
	uint8_t random[12];

	deep_random(d, random, sizeof(random));
	return stun_tid_make(random);
}

static void send_copy(struct deep *d, struct deep_placed *p)
{
	uint8_t buf[COOP_SIZE_MAX];
	struct deep_send send = { .to = p->to, .ttl = p->shape.ttl, .flags = p->shape.flags };

	send.data = coop_request(&p->tid, deep_token_of(d, p->socket, &p->to), &p->order,
				 p->shape.size, buf, sizeof(buf));
	if (send.data.len > 0)
		(void)deep_socket_send(d, p->socket, &send, (uint16_t)(p - d->orders));
	p->sent++;
	p->is_settled = is_quiet(p) && p->sent >= p->copies;
	/* Once it has left we know better: deep_order_left. */
	due(d, p, d->now_us + p->wait_us + deep_backlog_us(d) + UNSENT_US);
}

uint16_t deep_order_shaped(struct deep *d, uint16_t socket, const struct addr *to,
			   struct coop_order *o, uint8_t copies, const struct deep_shape *shape)
{
	struct deep_placed *p;

	if (!deep_socket_is_usable(d, socket) || d->token_count == 0)
		return 0;
	o->id = (uint16_t)(d->last_id + 1 + (d->last_id == UINT16_MAX));
	p = coop_order_is_sound(o) ? free_place(d) : NULL;
	if (p == NULL)
		return 0;
	d->last_id = o->id;
	*p = (struct deep_placed){ .used = true,
				   .socket = socket,
				   .trial = d->current,
				   .copies = copies != 0 ? copies : COPIES_MAX,
				   .tid = random_tid(d),
				   .order = *o,
				   .to = to != NULL ? *to : d->config.server,
				   .wait_us = first_wait_us(d) };
	if (d->sockets[socket].first_order == 0)
		d->sockets[socket].first_order = o->id;
	if (shape != NULL)
		p->shape = *shape;
	send_copy(d, p);
	return o->id;
}

uint16_t deep_order(struct deep *d, uint16_t socket, const struct addr *to, struct coop_order *o,
		    uint8_t copies)
{
	return deep_order_shaped(d, socket, to, o, copies, NULL);
}

static void give_up(struct deep *d, struct deep_placed *p)
{
	const struct deep_trial *t = deep_trials[p->trial];

	p->is_settled = true;
	deep_poke(d, p->trial);
	d->current = p->trial;
	if (t->on_order_lost != NULL)
		t->on_order_lost(d, d->trials[p->trial].state, p->socket, p->order.id);
}

void deep_order_step(struct deep *d)
{
	if (d->now_us < d->orders_due_us)
		return;
	d->orders_due_us = UINT64_MAX;
	for (size_t i = 0; i < d->order_count; i++) {
		struct deep_placed *p = &d->orders[i];

		if (!p->used || p->is_settled || p->waits_for_token)
			continue;
		if (p->due_us > d->now_us)
			d->orders_due_us = deep_sooner(d->orders_due_us, p->due_us);
		else if (p->sent >= p->copies)
			give_up(d, p);
		else
			send_copy(d, p);
	}
}

void deep_order_left(struct deep *d, uint16_t order)
{
	struct deep_placed *p = order < d->order_count ? &d->orders[order] : NULL;

	if (p == NULL || !p->used)
		return;
	p->last_us = d->now_us;
	if (p->first_us == 0)
		p->first_us = d->now_us;
	due(d, p, d->now_us + (is_quiet(p) ? QUIET_GAP_US : p->wait_us));
	p->wait_us = p->wait_us * 2 < WAIT_MAX_US ? p->wait_us * 2 : WAIT_MAX_US;
}

void deep_order_forget(struct deep *d, uint16_t socket)
{
	for (size_t i = 0; i < d->order_count; i++) {
		if (d->orders[i].socket == socket)
			d->orders[i].used = false;
	}
}

void deep_order_abandon(struct deep *d, uint16_t socket)
{
	for (size_t i = 0; i < d->order_count; i++) {
		struct deep_placed p = d->orders[i];

		if (!p.used || p.socket != socket)
			continue;
		d->orders[i].used = false;
		if (!p.is_settled)
			give_up(d, &p);
	}
}

void deep_order_resume(struct deep *d, uint16_t socket)
{
	for (size_t i = 0; i < d->order_count; i++) {
		struct deep_placed *p = &d->orders[i];

		if (!p->used || p->socket != socket || !p->waits_for_token)
			continue;
		p->waits_for_token = false;
		p->sent = 0;
		p->wait_us = first_wait_us(d);
		due(d, p, d->now_us);
	}
}

/* Whether a mapping of ours has the port that a socket might have kept; from now on this one has. */
static bool is_taken(struct deep *d, uint16_t local_port, uint16_t mapped_port)
{
	bool taken = (d->taken_ports[local_port / 8] >> local_port % 8 & 1) != 0;

	d->taken_ports[mapped_port / 8] |= (uint8_t)(1u << mapped_port % 8);
	return taken && local_port != mapped_port;
}

static void note_sample(struct deep *d, const struct deep_placed *p, const struct addr *mapped)
{
	struct deep_socket *s = &d->sockets[p->socket];

	if (is_taken(d, s->local.port, mapped->port) || s->is_seen ||
	    p->order.id != s->first_order || mapped->family == ADDR_NONE ||
	    s->source.family != ADDR_NONE || d->seen_count == DEEP_SEEN_MAX)
		return;
	s->is_seen = true;
	d->seen[d->seen_count++] =
		(struct deep_sample){ .local_port = s->local.port, .mapped = *mapped };
}

static void note_rtt(struct deep *d, const struct deep_placed *p)
{
	uint64_t rtt = d->now_us - p->first_us;

	if (p->sent == 1 && p->first_us != 0 && (d->rtt_us == 0 || rtt < d->rtt_us))
		d->rtt_us = rtt;
}

/* True where the refusal is met, and the trial need not know. */
static bool meet_refusal(struct deep *d, struct deep_placed *p, const struct coop_answer *a)
{
	/* A quiet one was to go unanswered: what it was for is spoilt. */
	if (is_quiet(p) || p->refusals++ >= REFUSALS_MAX)
		return false;
	if (a->report.outcome == COOP_BUSY) {
		p->sent = 0;
		due(d, p, d->now_us + BUSY_WAIT_US);
		return true;
	}
	p->waits_for_token = true;
	if (!deep_token_for(d, p->socket, &p->to, &a->mapped)) {
		p->waits_for_token = false;
		p->sent = 0;
		due(d, p, d->now_us + BUSY_WAIT_US);
	}
	return true;
}

/* What has no outcome yet will be asked for it, lest its report gets lost. */
static void settle(struct deep *d, struct deep_placed *p, uint8_t outcome)
{
	uint32_t wait_ms = p->order.wait_ms != 0 ? p->order.wait_ms : WAIT_MS;

	if (p->order.kind != COOP_CONNECT || outcome != COOP_ACCEPTED) {
		p->is_settled = true;
		return;
	}
	p->sent = 0;
	p->wait_us = first_wait_us(d);
	due(d, p, d->now_us + ((uint64_t)p->order.delay_ms + wait_ms) * 1000 + p->wait_us);
}

static struct deep_placed *find(struct deep *d, uint16_t socket, const struct stun_tid *tid)
{
	for (size_t i = 0; i < d->order_count; i++) {
		struct deep_placed *p = &d->orders[i];

		if (p->used && p->socket == socket && stun_tid_equal(&p->tid, tid))
			return p;
	}
	return NULL;
}

bool deep_order_answered(struct deep *d, uint16_t socket, const struct addr *from,
			 const struct stun_msg *m, const struct coop_answer *a)
{
	struct deep_placed *p = find(d, socket, &m->tid);
	const struct deep_trial *t;

	if (p == NULL || !a->has_report)
		return p != NULL;
	d->verdict->deep.answered++;
	note_sample(d, p, &a->mapped);
	if ((a->report.outcome == COOP_BAD_TOKEN || a->report.outcome == COOP_BUSY) &&
	    meet_refusal(d, p, a))
		return true;
	if (!is_quiet(p) && !p->is_settled) {
		if (a->report.outcome == COOP_ACCEPTED)
			note_rtt(d, p);
		settle(d, p, a->report.outcome);
	}
	t = deep_trials[p->trial];
	deep_poke(d, p->trial);
	d->current = p->trial;
	if (t->on_report != NULL)
		t->on_report(d, d->trials[p->trial].state, socket, p->order.id, from, a);
	return true;
}

bool deep_order_times(const struct deep *d, uint16_t socket, uint16_t order_id,
		      struct deep_order_times *out)
{
	for (size_t i = 0; i < d->order_count; i++) {
		const struct deep_placed *p = &d->orders[i];

		if (!p->used || p->socket != socket || p->order.id != order_id)
			continue;
		*out = (struct deep_order_times){ p->first_us, p->last_us, p->is_settled };
		return true;
	}
	return false;
}
