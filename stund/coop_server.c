#include "coop_server.h"

#include <stdlib.h>

#include "coop_state.h"
#include "stun_auth.h"

/* What an order may cost beside its answers: its request is answered, and reported on. */
#define COST_REPLIES 256
#define COST_ANSWER  160 /* the shortest */
#define COST_CONNECT 512 /* SYNs that nobody answers, and their headers */

/* One request on its way to an answer. */
struct asking {
	struct coop *c;
	const struct stun_query *q;
	struct stun_msg msg;
	uint64_t now_us, clock_us;
	bool has_order, has_fingerprint;
	struct bytes order; /* the value */
	uint8_t *buf;
	size_t cap;
};

struct coop *coop_new(const struct coop_limits *limits, const struct coop_token_key *key)
{
	struct coop *c = calloc(1, sizeof(*c));
	uint8_t names[2][16];

	if (c == NULL)
		return NULL;
	/* Keys of their own, that the tokens tell nothing about: they are of one time. */
	for (size_t i = 0; i < 2; i++) {
		struct addr label = { .family = ADDR_IPV6, .ip = { 0xff, (uint8_t)(i + 1) } };
		struct coop_token t;

		coop_token_make(key, &label, UINT64_MAX, &t);
		memcpy(names[i], t.bytes, sizeof(names[i]));
	}
	c->limits = *limits;
	c->key = key;
	c->budget = limits->budget;
	if (c->budget == NULL)
		c->budget = c->own_budget = coop_budget_new(limits, names[0]);
	if (coop_table_open(&c->table, limits->orders != 0 ? limits->orders : COOP_ORDERS,
			    names[1]) &&
	    c->budget != NULL)
		return c;
	coop_free(c);
	return NULL;
}

/* Others share the budget: what is pending here must not count for ever. */
static void give_all_back(struct coop *c)
{
	for (uint32_t i = 0; i < c->table.used; i++) {
		struct coop_entry *e = &c->table.entries[i];

		if (e->state != COOP_FREE && e->is_charged)
			coop_budget_give_back(c->budget, &e->from, &e->cost);
	}
}

void coop_free(struct coop *c)
{
	if (c == NULL)
		return;
	if (c->table.entries != NULL && c->budget != NULL)
		give_all_back(c);
	coop_table_close(&c->table);
	coop_budget_free(c->own_budget);
	free(c);
}

const struct coop_stats *coop_stats(const struct coop *c)
{
	return &c->stats;
}

/* With other attributes that have to be understood it is no request for us. */
static bool is_known(uint16_t type)
{
	return type == STUN_ATTR_PADDING;
}

static bool is_for_us(const struct stun_query *q, struct stun_msg *msg)
{
	uint16_t unknown;

	if (q->transport != STUN_UDP || q->from.port == 0 ||
	    stun_msg_parse(q->datagram, msg) != STUN_OK)
		return false;
	if (msg->class != STUN_REQUEST || msg->method != STUN_BINDING ||
	    stun_tid_is_classic(&msg->tid))
		return false;
	if (!stun_msg_has(msg, COOP_ATTR_TOKEN) && !stun_msg_has(msg, COOP_ATTR_ORDER))
		return false;
	return stun_msg_unknown(msg, is_known, &unknown, 1) == 0 &&
	       stun_auth_check_fingerprint(msg) != STUN_AUTH_WRONG;
}

struct coop_report coop_report_on(const struct coop_entry *e, uint8_t outcome, uint64_t now_us,
				  uint64_t clock_us)
{
	struct coop_report r = e->result;

	if (r.outcome == 0)
		r.elapsed_ms = (uint32_t)((now_us - e->came_us) / 1000);
	r.outcome = outcome;
	r.kind = e->order.kind;
	r.id = e->order.id;
	r.clock_us = clock_us;
	r.received = e->received;
	return r;
}

/* Says something; without a proof, no more than was asked. */
static void say(const struct asking *a, const struct coop_report *report, bool is_proven,
		struct stun_reply *out)
{
	struct coop_token token;
	struct coop_says says = {
		.tid = &a->msg.tid,
		.mapped = &a->q->from,
		.site = a->q->site,
		.socket = a->q->socket,
		.token = &token,
		.report = report,
		.fingerprint = a->has_fingerprint,
	};
	size_t cap = a->cap;

	if (!is_proven && a->q->datagram.len < cap)
		cap = a->q->datagram.len;
	coop_token_make(a->c->key, &a->q->from, a->now_us, &token);
	counter_add(&a->c->stats.tokens, report == NULL);
	out->msg = coop_build(&says, a->buf, cap);
}

static void refuse(const struct asking *a, const struct coop_order *o, uint8_t outcome,
		   struct stun_reply *out)
{
	struct coop_report report = {
		.outcome = outcome,
		.kind = o->kind,
		.id = o->id,
		.clock_us = a->clock_us,
		.received = (uint16_t)a->q->datagram.len,
	};

	counter_add(&a->c->stats.outcomes[outcome], 1);
	say(a, &report, outcome != COOP_BAD_TOKEN, out);
}

/* The socket of the site that it shall leave from. */
static uint8_t source_of(const struct stun_query *q, const struct coop_order *o)
{
	unsigned int change = o->flags & (COOP_CHANGE_PORT | COOP_CHANGE_IP);

	return (uint8_t)(q->socket ^ change);
}

static bool is_able(const struct coop *c, const struct stun_query *q, const struct coop_order *o)
{
	uint8_t source = source_of(q, o);

	if (q->site == NULL ? source != q->socket : !q->site->has[source])
		return false;
	if (o->kind == COOP_ICMP)
		return c->limits.can_icmp && q->datagram.len <= COOP_ICMP_MAX;
	return (o->flags & COOP_FRAGMENTS) == 0 || c->limits.can_fragment;
}

static struct coop_cost cost_of(const struct coop_order *o)
{
	uint32_t each = o->size > COST_ANSWER ? o->size : COST_ANSWER;

	switch (o->kind) {
	case COOP_ANSWER:
		return (struct coop_cost){ .bytes = COST_REPLIES + o->count * each,
					   .connects = o->wait_ms > 0 };
	case COOP_CONNECT:
		return (struct coop_cost){ .bytes = COST_REPLIES + COST_CONNECT, .connects = true };
	default:
		return (struct coop_cost){ .bytes = COST_REPLIES + COOP_ICMP_MAX };
	}
}

/* Returns NULL where that is more than may be. */
static struct coop_entry *accept_order(const struct asking *a, const struct coop_order *o)
{
	struct coop *c = a->c;
	const struct stun_query *q = a->q;
	struct coop_cost cost = cost_of(o);
	struct coop_entry *e;

	if (!coop_budget_take(c->budget, &q->from, &cost, a->now_us / 1000))
		return NULL;
	e = coop_table_add(&c->table, q, &a->msg.tid);
	if (e == NULL) {
		coop_budget_give_back(c->budget, &q->from, &cost);
		return NULL;
	}
	if (q->local != NULL)
		e->local = *q->local;
	e->is_charged = true;
	e->has_fingerprint = a->has_fingerprint;
	e->source = source_of(q, o);
	e->received = (uint16_t)q->datagram.len;
	e->order = *o;
	e->cost = cost;
	e->came_us = a->now_us;
	/* Never too early, and at once where nothing is to be waited for. */
	e->due_ms = (a->now_us + (o->delay_ms > 0 ? 999 : 0)) / 1000 + o->delay_ms;
	if (o->kind == COOP_ICMP) {
		e->datagram_len = (uint16_t)q->datagram.len;
		memcpy(e->datagram, q->datagram.data, q->datagram.len);
	}
	wheel_set(&c->table.wheel, &e->timer, e->due_ms);
	counter_add(&c->stats.orders[o->kind], 1);
	counter_add(&c->stats.pending, 1);
	return e;
}

/* An order of one who is reachable. The flags of the request at hand say whether to answer. */
static void on_order(const struct asking *a, const struct coop_order *o, struct stun_reply *out)
{
	struct coop_entry *e = coop_table_find(&a->c->table, a->q, &a->msg.tid);
	struct coop_report report;

	if (e != NULL) {
		counter_add(&a->c->stats.repeated, 1);
	} else if (!coop_order_is_sound(o)) {
		refuse(a, o, COOP_MALFORMED, out);
		return;
	} else if (!is_able(a->c, a->q, o)) {
		refuse(a, o, COOP_UNABLE, out);
		return;
	} else {
		e = accept_order(a, o);
		if (e == NULL) {
			refuse(a, o, COOP_BUSY, out);
			return;
		}
	}
	if ((o->flags & COOP_QUIET) != 0)
		return;
	report = coop_report_on(e, e->result.outcome != 0 ? e->result.outcome : COOP_ACCEPTED,
				a->now_us, a->clock_us);
	say(a, &report, true, out);
}

static void respond(const struct asking *a, struct stun_reply *out)
{
	struct coop_token token = { 0 };
	struct coop_order order = { 0 };
	struct bytes v;
	bool is_proven = stun_msg_find(&a->msg, COOP_ATTR_TOKEN, &v) &&
			 coop_get_token(v, &token) == STUN_OK &&
			 coop_token_is_good(a->c->key, &a->q->from, a->now_us, &token);
	bool is_whole = a->has_order && coop_get_order(a->order, &order) == STUN_OK;

	if (!a->has_order)
		say(a, NULL, is_proven, out);
	else if (!is_proven)
		refuse(a, &order, COOP_BAD_TOKEN, out);
	else if (!is_whole)
		refuse(a, &order, COOP_MALFORMED, out);
	else
		on_order(a, &order, out);
}

bool coop_on_request(struct coop *c, const struct stun_query *q, uint64_t now_us, uint64_t clock_us,
		     uint8_t *buf, size_t cap, struct stun_reply *out)
{
	struct asking a = { .c = c, .q = q, .buf = buf, .cap = cap };

	if (!is_for_us(q, &a.msg))
		return false;
	a.now_us = now_us;
	a.clock_us = clock_us;
	a.has_fingerprint = a.msg.fingerprint != 0;
	a.has_order = stun_msg_find(&a.msg, COOP_ATTR_ORDER, &a.order);
	*out = (struct stun_reply){ .to = q->from, .socket = q->socket };
	respond(&a, out);
	return true;
}
