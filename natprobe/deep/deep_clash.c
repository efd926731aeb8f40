/*
 * Two local addresses with the same port, towards two endpoints of the server: does the second one
 * get another external port, or an external address of its own; or do both show the same endpoint
 * (RFC 4787, REQ-3)?
 */
#include "deep_kit.h"
#include "deep_trials.h"

#define PAIRS 3

struct pair {
	uint16_t sockets[2];
	uint16_t orders[2];
	struct addr mapped[2];
	bool failed;
};

struct clash {
	bool begun;
	struct pair pairs[PAIRS];
};

static bool applies(const struct deep *d)
{
	return deep_cooperates(d) && deep_config(d)->second.family != ADDR_NONE &&
	       deep_other(d)->family != ADDR_NONE;
}

static void start(struct deep *d, void *state)
{
	struct clash *s = state;

	s->begun = true;
	for (size_t i = 0; i < PAIRS; i++) {
		struct pair *p = &s->pairs[i];

		p->sockets[0] = deep_open(d, 0);
		p->sockets[1] = DEEP_NO_SOCKET;
		p->failed = p->sockets[0] == DEEP_NO_SOCKET;
	}
}

static int find(const struct clash *s, uint16_t socket, size_t *pair)
{
	for (size_t i = 0; i < PAIRS; i++) {
		for (int k = 0; k < 2; k++) {
			if (s->pairs[i].sockets[k] == socket) {
				*pair = i;
				return k;
			}
		}
	}
	return -1;
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct clash *s = state;
	struct addr other = deep_kit_endpoint(d, COOP_CHANGE_IP | COOP_CHANGE_PORT);
	size_t i;
	int k = find(s, socket, &i);

	if (k < 0)
		return;
	struct pair *p = &s->pairs[i];
	if (!opened)
		p->sockets[k] = DEEP_NO_SOCKET; /* its number may soon be another one's */
	else
		p->orders[k] = deep_kit_ask(d, socket, k == 0 ? NULL : &other);
	p->failed |= p->orders[k] == 0;
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct clash *s = state;
	size_t i;
	int k = find(s, socket, &i);

	if (k < 0)
		return;
	struct pair *p = &s->pairs[i];
	p->mapped[k] = answer->mapped;
	if (k > 0 || p->sockets[1] != DEEP_NO_SOCKET)
		return;
	p->sockets[1] = deep_open_at(d, &deep_config(d)->second, deep_local(d, socket)->port);
	p->failed |= p->sockets[1] == DEEP_NO_SOCKET;
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct clash *s = state;
	size_t i;

	if (find(s, socket, &i) >= 0)
		s->pairs[i].failed = true;
}

static void step(struct deep *d, void *state)
{
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return UINT64_MAX;
}

static bool is_complete(const struct pair *p)
{
	return p->mapped[0].family != ADDR_NONE && p->mapped[1].family != ADDR_NONE;
}

static bool is_over(const struct deep *d, const void *state)
{
	const struct clash *s = state;

	for (size_t i = 0; i < PAIRS; i++) {
		if (!s->pairs[i].failed && !is_complete(&s->pairs[i]))
			return false;
	}
	return true;
}

static enum deep_clash judge(const struct pair *p)
{
	if (addr_equal(&p->mapped[0], &p->mapped[1]))
		return DEEP_CLASH_OVERLOADED;
	return p->mapped[0].port == p->mapped[1].port ? DEEP_CLASH_KEPT : DEEP_CLASH_MOVED;
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct clash *s = state;
	unsigned seen[3] = { 0 };

	for (size_t i = 0; s->begun && i < PAIRS; i++) {
		if (is_complete(&s->pairs[i]))
			seen[judge(&s->pairs[i])]++;
	}
	if (!s->begun)
		deep_kit_unknown(v, DEEP_PORT_CLASH,
				 deep_cooperates(d) && deep_other(d)->family == ADDR_NONE
					 ? CAUSE_NO_OTHER_ADDRESS
					 : deep_kit_obstacle(d));
	else if (seen[DEEP_CLASH_OVERLOADED] > 0)
		deep_set_word(&v->deep, DEEP_PORT_CLASH, DEEP_CLASH_OVERLOADED);
	else if (seen[DEEP_CLASH_MOVED] > 0)
		deep_set_word(&v->deep, DEEP_PORT_CLASH, DEEP_CLASH_MOVED);
	else if (seen[DEEP_CLASH_KEPT] > 0)
		deep_set_word(&v->deep, DEEP_PORT_CLASH, DEEP_CLASH_KEPT);
	else
		deep_kit_unknown(v, DEEP_PORT_CLASH, early != CAUSE_NONE ? early : CAUSE_LOSS);
}

const struct deep_trial deep_clash = {
	.name = "port clash",
	.state_size = sizeof(struct clash),
	.applies = applies,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
