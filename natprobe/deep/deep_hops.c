/*
 * How many translators are on the path. Two staircases of datagrams whose TTL ends early, since a
 * box that they do not reach makes no mapping, and lets nothing in:
 *
 *	reach     where ports are kept, a fresh socket sends with a TTL of k, and the server then
 *		  sends to its port: it gets in where all boxes that map or filter were reached.
 *		  Where ports are not kept, a socket whose mapping stands everywhere sends so to the
 *		  server's other endpoint; then that one sends, and gets in where all boxes that
 *		  filter were reached. This tells how far out the outermost one is.
 *	clash     another local address of ours has the same port, and sends with a TTL of k; then
 *		  ours sends with an ordinary one. Where a NAT that keeps ports was reached, ours
 *		  has to move: this tells how far in the innermost one is.
 *
 * A plain router before a NAT makes the outermost one as far out as two NATs do; the innermost one
 * tells them apart. So do addresses: those of routers, as ICMP tells them, and what the gateway
 * says is its own.
 */
#include "deep_kit.h"
#include "deep_trials.h"

#include "addr_special.h"
#include "nat64.h"

#define TTL_MAX    8
#define STEPS      (TTL_MAX + 2) /* TTLs from 1, one that sends nothing, and an ordinary one */
#define FULL       (STEPS - 1)
#define COPIES     3
#define CLASH_MAX  6 /* highest TTL of the second staircase */
#define CLASH_EACH 2
#define FAR        99

struct climb {
	uint16_t socket;
	uint16_t greeting, probe, answers; /* orders */
	bool is_open, reached, settled;
	struct addr router;
};

struct pair {
	uint16_t ours, others; /* sockets */
	uint16_t blocking, asking;
	uint8_t ttl;
	bool settled, moved, failed;
};

struct hops {
	bool begun, over, clashes;
	bool by_port;     /* the first staircase is that of ports */
	uint16_t speaker; /* ... and this the socket whose orders have the server send to them */
	struct climb steps[STEPS]; /* by TTL; 0: nothing is sent */
	uint64_t ends_us;
	struct pair pairs[CLASH_MAX * CLASH_EACH];
	size_t pair_count;
};

static bool applies(const struct deep *d)
{
	return deep_cooperates(d) && deep_other(d)->family != ADDR_NONE &&
	       deep_verdict(d)->nat.value == VERDICT_YES;
}

static bool keeps_ports(const struct deep *d)
{
	const struct verdict_ports *ports = &deep_verdict(d)->ports;

	return ports->delta == DELTA_EQUAL && ports->preserved.known &&
	       ports->preserved.high > 0.99;
}

/* A mapping as far as the TTL lets it be made. */
static void reach_out(struct deep *d, struct hops *s, struct climb *c)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };
	size_t ttl = (size_t)(c - s->steps);
	struct deep_shape shape = { .ttl = ttl == FULL ? 0 : (uint8_t)ttl };

	if (ttl > 0)
		c->probe = deep_order_shaped(d, c->socket, NULL, &o, COPIES, &shape);
	c->settled = ttl > 0 && c->probe == 0;
}

static void start(struct deep *d, void *state)
{
	struct hops *s = state;

	s->begun = true;
	s->by_port = keeps_ports(d);
	s->ends_us = UINT64_MAX;
	s->speaker = s->by_port ? deep_open(d, 0) : DEEP_NO_SOCKET;
	for (size_t i = 0; i < STEPS; i++) {
		struct climb *c = &s->steps[i];

		c->socket = deep_open(d, 0);
		if (c->socket == DEEP_NO_SOCKET) {
			c->settled = true;
		} else if (s->by_port) {
			reach_out(d, s, c);
		} else {
			c->greeting = deep_kit_ask(d, c->socket, NULL);
			c->settled = c->greeting == 0;
		}
	}
}

/* To the other endpoint, as far as the TTL lets it go. */
static void climb(struct deep *d, struct hops *s, struct climb *c)
{
	struct addr other = deep_kit_endpoint(d, COOP_CHANGE_IP | COOP_CHANGE_PORT);
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };
	size_t ttl = (size_t)(c - s->steps);
	struct deep_shape shape = { .ttl = ttl == FULL ? 0 : (uint8_t)ttl };

	if (c->probe != 0 || c->answers != 0)
		return;
	if (ttl == 0)
		c->answers = deep_kit_answers(d, c->socket, COOP_CHANGE_IP | COOP_CHANGE_PORT, 0);
	else
		c->probe = deep_order_shaped(d, c->socket, &other, &o, COPIES, &shape);
	c->settled = c->probe == 0 && c->answers == 0;
}

static void knock(struct deep *d, struct hops *s, struct climb *c)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.count = KIT_ANSWERS,
				.gap_ms = KIT_GAP_MS,
				.port = deep_local(d, c->socket)->port };

	if (c->answers == 0 && s->by_port)
		c->answers = deep_order(d, s->speaker, NULL, &o, 0);
	else if (c->answers == 0)
		c->answers = deep_kit_answers(d, c->socket, COOP_CHANGE_IP | COOP_CHANGE_PORT, 0);
	c->settled |= c->answers == 0;
}

static struct climb *climb_of(struct hops *s, uint16_t socket)
{
	for (size_t i = 0; i < STEPS; i++) {
		if (s->steps[i].socket == socket)
			return &s->steps[i];
	}
	return NULL;
}

/* By a socket of its own, or an order of the speaker. */
static struct climb *climb_with(struct hops *s, uint16_t socket, uint16_t order_id)
{
	for (size_t i = 0; i < STEPS && s->by_port && socket == s->speaker; i++) {
		if (s->steps[i].answers == order_id)
			return &s->steps[i];
	}
	return climb_of(s, socket);
}

static void on_datagram(struct deep *d, void *state, uint16_t socket, const struct addr *from,
			struct bytes data)
{
	struct hops *s = state;
	struct climb *c = s->by_port && !s->clashes ? climb_of(s, socket) : NULL;
	struct coop_answer answer;
	struct stun_msg m;

	/* What was ordered by the speaker. */
	if (c != NULL && stun_msg_parse(data, &m) == STUN_OK && coop_read_answer(&m, &answer) &&
	    answer.has_report && c->answers != 0 && answer.report.id == c->answers)
		c->is_open = true;
}

static struct pair *pair_of(struct hops *s, uint16_t socket)
{
	for (size_t i = 0; i < s->pair_count; i++) {
		if (s->pairs[i].ours == socket || s->pairs[i].others == socket)
			return &s->pairs[i];
	}
	return NULL;
}

static void fail(struct pair *p)
{
	p->failed = p->settled = true;
}

/* What blocks has been as far as it goes; now ours. */
static void ask_ours(struct deep *d, struct pair *p)
{
	if (p->asking == 0)
		p->asking = deep_kit_ask(d, p->ours, NULL);
	if (p->asking == 0)
		fail(p);
}

static void on_pair_report(struct deep *d, struct pair *p, uint16_t order_id,
			   const struct addr *mapped)
{
	if (order_id == p->blocking) {
		ask_ours(d, p);
	} else if (order_id == p->asking && !p->settled) {
		p->settled = true;
		p->moved = mapped->port != deep_local(d, p->ours)->port;
	}
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct hops *s = state;
	struct pair *p = s->clashes ? pair_of(s, socket) : NULL;
	struct climb *c = s->clashes ? NULL : climb_with(s, socket, order_id);

	if (p != NULL)
		on_pair_report(d, p, order_id, &answer->mapped);
	if (c == NULL)
		return;
	if (order_id == c->greeting) {
		climb(d, s, c);
	} else if (order_id == c->probe) {
		c->reached = true;
		knock(d, s, c);
	} else if (order_id == c->answers) {
		c->is_open |= !s->by_port && answer->report.outcome == COOP_DONE;
		c->settled = true;
	}
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct hops *s = state;
	struct pair *p = s->clashes ? pair_of(s, socket) : NULL;
	struct climb *c = s->clashes ? NULL : climb_with(s, socket, order_id);

	if (p != NULL && order_id == p->blocking)
		ask_ours(d, p);
	else if (p != NULL)
		fail(p);
	if (c != NULL && order_id == c->probe)
		knock(d, s, c);
	else if (c != NULL)
		c->settled = true;
}

static void on_icmp(struct deep *d, void *state, uint16_t socket, const struct deep_icmp *icmp)
{
	struct hops *s = state;
	struct climb *c = s->clashes ? NULL : climb_of(s, socket);

	if (c != NULL && icmp->type == (icmp->router.family == ADDR_IPV6 ? 3 : 11))
		c->router = addr_with_port(&icmp->router, 0);
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct hops *s = state;
	struct pair *p = s->clashes ? pair_of(s, socket) : NULL;
	struct climb *c = s->clashes ? NULL : climb_of(s, socket);
	struct deep_shape shape = { 0 };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };

	if (c != NULL && !opened) {
		c->socket = DEEP_NO_SOCKET; /* its number may soon be another one's */
		c->settled = true;
	} else if (c == &s->steps[0] && s->by_port) {
		knock(d, s, c);
	}
	if (p == NULL)
		return;
	if (!opened) {
		if (socket == p->ours)
			p->ours = DEEP_NO_SOCKET;
		else
			p->others = DEEP_NO_SOCKET;
		fail(p);
	} else if (socket == p->ours) {
		p->others = deep_open_at(d, &deep_config(d)->second, deep_local(d, socket)->port);
		if (p->others == DEEP_NO_SOCKET)
			fail(p);
	} else {
		shape.ttl = p->ttl;
		p->blocking = deep_order_shaped(d, socket, NULL, &o, COPIES, &shape);
		if (p->blocking == 0)
			fail(p);
	}
}

/* The smallest TTL that reaches all boxes that map or filter; 0: not seen. */
static unsigned opener_ttl(const struct hops *s)
{
	if (!s->steps[FULL].is_open || s->steps[0].is_open)
		return 0;
	for (unsigned ttl = 1; ttl <= TTL_MAX; ttl++) {
		if (s->steps[ttl].is_open)
			return ttl;
	}
	return 0;
}

/* How many hops out the outermost box is that maps or filters, or only filters; FAR: not seen. */
static unsigned outermost(const struct hops *s)
{
	unsigned ttl = opener_ttl(s);

	if (ttl == 0)
		return FAR;
	return ttl > 1 ? ttl - 1 : 1;
}

static void start_clashes(struct deep *d, struct hops *s)
{
	unsigned highest = outermost(s) + 1;

	s->clashes = true;
	s->ends_us = UINT64_MAX;
	if (highest > CLASH_MAX)
		highest = CLASH_MAX;
	for (size_t i = 0; i < highest * CLASH_EACH; i++) {
		struct pair *p = &s->pairs[s->pair_count++];

		*p = (struct pair){ .ttl = (uint8_t)(i / CLASH_EACH + 1),
				    .others = DEEP_NO_SOCKET };
		p->ours = deep_open(d, 0);
		if (p->ours == DEEP_NO_SOCKET)
			fail(p);
	}
}

static void close_all(struct deep *d, struct hops *s)
{
	for (size_t i = 0; i < STEPS; i++) {
		if (s->steps[i].socket != DEEP_NO_SOCKET)
			deep_close(d, s->steps[i].socket);
		s->steps[i].socket = DEEP_NO_SOCKET;
	}
	if (s->speaker != DEEP_NO_SOCKET)
		deep_close(d, s->speaker);
	s->speaker = DEEP_NO_SOCKET;
	for (size_t i = 0; s->over && i < s->pair_count; i++) {
		deep_close(d, s->pairs[i].ours);
		deep_close(d, s->pairs[i].others);
	}
}

static bool has_climbed(const struct hops *s)
{
	for (size_t i = 0; i < STEPS; i++) {
		if (!s->steps[i].settled)
			return false;
	}
	return true;
}

static bool has_clashed(const struct hops *s)
{
	for (size_t i = 0; i < s->pair_count; i++) {
		if (!s->pairs[i].settled)
			return false;
	}
	return true;
}

static void step(struct deep *d, void *state)
{
	struct hops *s = state;
	unsigned out;

	if (s->over)
		return;
	if (s->clashes) {
		s->over = has_clashed(s);
	} else if (has_climbed(s) && s->ends_us == UINT64_MAX) {
		s->ends_us = deep_kit_answers_us(d, 0);
	} else if (deep_now_us(d) >= s->ends_us) {
		out = outermost(s);
		s->over = out == 1 || out == FAR || deep_config(d)->second.family == ADDR_NONE;
		close_all(d, s);
		if (!s->over)
			start_clashes(d, s);
	}
	if (s->over)
		close_all(d, s);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct hops *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct hops *)state)->over;
}

/* How many hops out the innermost NAT is that keeps ports; FAR: not seen. */
static unsigned innermost(const struct hops *s)
{
	unsigned moved[CLASH_MAX + 1] = { 0 }, kept[CLASH_MAX + 1] = { 0 };

	for (size_t i = 0; i < s->pair_count; i++) {
		const struct pair *p = &s->pairs[i];

		moved[p->ttl] += !p->failed && p->moved;
		kept[p->ttl] += !p->failed && !p->moved;
	}
	for (unsigned ttl = 1; ttl <= CLASH_MAX; ttl++) {
		if ((moved[ttl] > 0) == (kept[ttl] > 0))
			return FAR; /* by chance, or not known */
		if (moved[ttl] > 0)
			return ttl > 1 ? ttl - 1 : FAR; /* it moved with nothing in its way */
	}
	return FAR;
}

/* What only leads to NATs: not seen in the midst of the Internet. */
static bool is_inner(const struct deep *d, const struct addr *a)
{
	const struct verdict *v = deep_verdict(d);

	if (v->nat64.value == VERDICT_YES)
		return memcmp(a->ip, v->nat64_prefix.ip, v->nat64_prefix_len / 8) != 0;
	return addr_special_find(a) != NULL;
}

/* The outermost NAT is at most so many hops out: the next router has a public address. */
static unsigned bound_of(const struct deep *d, const struct hops *s)
{
	if (!is_inner(d, &deep_config(d)->local))
		return FAR;
	for (unsigned ttl = 2; ttl <= TTL_MAX; ttl++) {
		const struct addr *a = &s->steps[ttl].router;

		if (a->family != ADDR_NONE && !is_inner(d, a))
			return ttl - 1;
	}
	return FAR;
}

/* Where no box shows it, one more hop than the NATs have is enough. */
static void tell_opener(const struct deep *d, const struct hops *s, struct verdict_deep *out)
{
	unsigned ttl = opener_ttl(s), bound = bound_of(d, s);

	if (ttl == 0 && bound != FAR)
		ttl = bound + 1;
	out->opener_ttl = (uint8_t)ttl;
}

static bool is_aftr(const struct addr *a)
{
	return a->family == ADDR_IPV4 && a->ip[0] == 192 && a->ip[1] == 0 && a->ip[2] == 0 &&
	       a->ip[3] < 8;
}

static void count(const struct deep *d, const struct hops *s, struct verdict *v)
{
	unsigned out = outermost(s), in = innermost(s), bound = bound_of(d, s);
	/* One that lets everybody in may be farther out than the outermost that filters. */
	unsigned low = 1, high = s->by_port && out < bound ? out : bound;
	const struct addr *at = out <= TTL_MAX ? &s->steps[out].router : NULL;
	const struct deep_value *error = &v->deep.values[DEEP_ICMP_ERROR];

	/* What routers say of ended TTLs removes mappings: nothing was in our way any more. */
	if (error->state == DEEP_WORD && error->word == DEEP_ENDS_MAPPING)
		in = FAR;
	if (v->cgn.value == VERDICT_YES &&
	    (v->cgn_hints & (CGN_GATEWAY_SHARED | CGN_GATEWAY_PRIVATE)) != 0)
		low = 2;
	else if (v->cgn.value == VERDICT_NO || (out == 2 && is_aftr(at)) ||
		 (in == out && out != FAR))
		high = 1;
	/* A box that only filters may be farther out, but not where addresses are private. */
	if (in < out && out != FAR && at->family != ADDR_NONE && is_inner(d, at)) {
		low = 2;
		high = out - in + 1;
	}
	if (low == high)
		deep_set_number(&v->deep, DEEP_NATS, low, low);
	else
		deep_kit_unknown(v, DEEP_NATS, CAUSE_AMBIGUOUS);
}

static void tell_hops(const struct hops *s, struct verdict_deep *out)
{
	for (uint8_t ttl = 1; ttl <= TTL_MAX; ttl++) {
		const struct climb *c = &s->steps[ttl];

		out->hops[out->hop_count++] =
			(struct deep_hop){ .ttl = ttl, .router = c->router, .reached = c->reached };
		if (c->reached)
			break;
	}
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct hops *s = state;

	if (s->begun)
		tell_hops(s, &v->deep);
	if (v->nat.value == VERDICT_NO)
		deep_set_number(&v->deep, DEEP_NATS, 0, 0);
	else if (!s->begun)
		deep_kit_unknown(v, DEEP_NATS,
				 !deep_cooperates(d)           ? deep_kit_obstacle(d)
				 : v->nat.value != VERDICT_YES ? CAUSE_AMBIGUOUS
							       : CAUSE_NO_OTHER_ADDRESS);
	else if (!s->over)
		deep_kit_unknown(v, DEEP_NATS, early);
	else
		count(d, s, v);
	if (s->begun && s->over)
		tell_opener(d, s, &v->deep);
}

const struct deep_trial deep_hops = {
	.name = "translators",
	.state_size = sizeof(struct hops),
	.applies = applies,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_datagram = on_datagram,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.on_icmp = on_icmp,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
