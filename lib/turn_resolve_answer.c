/* What DNS answers: a stranger's, so it is cut, sorted and sifted before it counts. */
#include <strings.h>

#include "turn_resolve_state.h"

/* What a host or a service can be called, so that it may be asked for, and shown. */
static bool is_name(const char *text)
{
	static const char fine[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strnlen(text, TURN_RESOLVE_NAME_MAX);

	return len < TURN_RESOLVE_NAME_MAX && text[strspn(text, fine)] == '\0';
}

static struct tr_question *find_asked(struct turn_resolve *r, uint16_t id)
{
	if (id >= r->question_count || r->questions[id].state != TR_ASKED)
		return NULL;
	return &r->questions[id];
}

static void end_answer(struct turn_resolve *r, struct tr_question *q, const char *why)
{
	q->state = TR_ANSWERED;
	if (r->why == NULL)
		r->why = why;
	if (r->why_ipv4 == NULL && q->kind == TURN_ASK_A)
		r->why_ipv4 = why;
	tr_look(r);
}

void turn_resolve_on_addrs(struct turn_resolve *r, uint16_t id, const struct addr *list,
			   size_t count, const char *why)
{
	struct tr_question *q = find_asked(r, id);
	uint8_t family;

	if (q == NULL || (q->kind != TURN_ASK_A && q->kind != TURN_ASK_AAAA))
		return;
	family = q->kind == TURN_ASK_A ? ADDR_IPV4 : ADDR_IPV6;
	for (size_t i = 0; i < count && q->count < TURN_RESOLVE_ADDRS_MAX; i++) {
		if (list[i].family == family)
			q->is.addrs[q->count++] = list[i];
	}
	end_answer(r, q, why);
}

static uint32_t draw(const struct turn_resolve *r, uint32_t below)
{
	uint32_t v;

	r->config.random(r->config.random_arg, &v, sizeof(v));
	return v % below;
}

/* Of the records from `first` on, which has the next turn (RFC 2782)? */
static size_t draw_next(const struct turn_resolve *r, const struct tr_question *q, size_t first)
{
	const struct turn_srv *list = q->is.srv;
	uint16_t priority = list[first].priority;
	uint32_t sum = 0, lot;

	for (size_t i = first; i < q->count; i++)
		priority = list[i].priority < priority ? list[i].priority : priority;
	for (size_t i = first; i < q->count; i++)
		sum += list[i].priority == priority ? list[i].weight : 0;
	lot = draw(r, sum + 1);
	/* Those without weight stand first in the count, and have the small chance of a lot of 0. */
	for (size_t i = first; i < q->count; i++) {
		if (list[i].priority == priority && list[i].weight == 0 && lot == 0)
			return i;
	}
	for (size_t i = first; i < q->count; i++) {
		if (list[i].priority != priority || list[i].weight == 0)
			continue;
		if (lot <= list[i].weight)
			return i;
		lot -= list[i].weight;
	}
	return first; /* cannot be: the lot is at most the sum */
}

static void order_srv(const struct turn_resolve *r, struct tr_question *q)
{
	for (size_t i = 0; i + 1 < q->count; i++) {
		size_t next = draw_next(r, q, i);
		struct turn_srv s = q->is.srv[next];

		q->is.srv[next] = q->is.srv[i];
		q->is.srv[i] = s;
	}
}

void turn_resolve_on_srv(struct turn_resolve *r, uint16_t id, const struct turn_srv *list,
			 size_t count, const char *why)
{
	struct tr_question *q = find_asked(r, id);

	if (q == NULL || q->kind != TURN_ASK_SRV)
		return;
	for (size_t i = 0; i < count && q->count < TURN_RESOLVE_RECORDS_MAX; i++) {
		if (is_name(list[i].target))
			q->is.srv[q->count++] = list[i];
	}
	order_srv(r, q);
	end_answer(r, q, why);
}

static bool is_relay(const struct turn_naptr *n)
{
	static const char service[] = "RELAY:";

	return !n->has_regexp && strnlen(n->services, sizeof(n->services)) < sizeof(n->services) &&
	       strnlen(n->flags, sizeof(n->flags)) < sizeof(n->flags) &&
	       strncasecmp(n->services, service, sizeof(service) - 1) == 0 &&
	       is_name(n->replacement);
}

static bool ranks_before(const struct turn_naptr *a, const struct turn_naptr *b)
{
	if (a->order != b->order)
		return a->order < b->order;
	return a->preference < b->preference;
}

static void put_naptr(struct tr_question *q, const struct turn_naptr *n)
{
	size_t at = q->count;

	while (at > 0 && ranks_before(n, &q->is.naptr[at - 1]))
		at--;
	if (at == TURN_RESOLVE_RECORDS_MAX)
		return;
	if (q->count < TURN_RESOLVE_RECORDS_MAX)
		q->count++;
	memmove(&q->is.naptr[at + 1], &q->is.naptr[at], (q->count - 1 - at) * sizeof(*n));
	q->is.naptr[at] = *n;
}

void turn_resolve_on_naptr(struct turn_resolve *r, uint16_t id, const struct turn_naptr *list,
			   size_t count, const char *why)
{
	struct tr_question *q = find_asked(r, id);

	if (q == NULL || q->kind != TURN_ASK_NAPTR)
		return;
	for (size_t i = 0; i < count; i++) {
		if (is_relay(&list[i]))
			put_naptr(q, &list[i]);
	}
	end_answer(r, q, why);
}
