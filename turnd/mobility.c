#include "mobility.h"

#include "lifetime.h"
#include "mobility_parts.h"

#define ASK_AGAIN_MS 1000 /* should an answer of another worker never come */

#define REFRESH_REQUEST 0x0004
#define SEND_INDICATION 0x0016
#define BINDING_REQUEST 0x0001

static uint16_t type_of(const struct turnd_in *in)
{
	struct wire w = wire_read(in->data);

	return wire_get_u16(&w);
}

/* A Send indication, or ChannelData: the first two bits of all else are zero. */
static bool is_data(const struct turnd_in *in)
{
	return type_of(in) == SEND_INDICATION || type_of(in) >> 14 != 0;
}

static bool has_ticket(const struct turnd_in *in)
{
	struct stun_msg msg;

	return type_of(in) == REFRESH_REQUEST && stun_msg_parse(in->data, &msg) == STUN_OK &&
	       stun_msg_has(&msg, STUN_ATTR_MOBILITY_TICKET);
}

/* A move to a 5-tuple that has no allocation; what was expected there before is not any more. */
struct move *mobility_expect(struct turnd *t, const struct five_tuple *tuple, uint64_t number,
			     uint64_t now_ms)
{
	struct move *e;

	if (t->moves == NULL) {
		uint8_t key[16];

		t->io->random(t->io->arg, key, sizeof(key));
		t->moves = moves_new(key);
	}
	if (t->moves == NULL)
		return NULL;
	e = moves_find(t->moves, tuple);
	if (e != NULL)
		moves_remove(t->moves, e);
	if (t->moves->count >= MOBILITY_EXPECTED_MOST)
		moves_remove(t->moves, moves_oldest(t->moves));
	e = moves_add(t->moves, tuple, number);
	if (e != NULL)
		e->until_ms = now_ms + MOBILITY_EXPECTED_MS;
	return e;
}

struct move *mobility_expected(const struct turnd *t, const struct five_tuple *tuple)
{
	return mobility_count(t) == 0 ? NULL : moves_find(t->moves, tuple);
}

void mobility_keep(struct turnd *t, const struct five_tuple *tuple, uint32_t lifetime_s,
		   uint64_t now_ms)
{
	struct move *e = mobility_expected(t, tuple);
	uint64_t until_ms = now_ms + (uint64_t)lifetime_s * 1000;

	if (e != NULL && until_ms > e->until_ms)
		e->until_ms = until_ms;
}

struct move *mobility_expected_number(const struct turnd *t, uint64_t number)
{
	return mobility_count(t) == 0 ? NULL : moves_find_number(t->moves, number);
}

struct alloc *mobility_find(const struct turnd *t, const struct five_tuple *tuple)
{
	struct alloc *a = alloc_table_find(t->allocs, tuple);
	const struct move *e = a == NULL ? mobility_expected(t, tuple) : NULL;

	return e != NULL ? e->alloc : a;
}

struct alloc_token *mobility_find_token(const struct turnd *t, const struct five_tuple *tuple)
{
	struct alloc *a = mobility_find(t, tuple);
	struct move *e = a == NULL ? mobility_expected(t, tuple) : NULL;

	if (a != NULL)
		return &a->token;
	return e != NULL ? &e->token : NULL;
}

static void count_source(struct turnd *t, struct alloc *a, const struct five_tuple *tuple)
{
	quota_move(t->shared->quota, &a->flow.tuple.client, &tuple->client);
}

/* The client is at its new 5-tuple from now on. */
void mobility_settle(struct turnd *t, struct move *e)
{
	struct alloc *a = e->alloc;

	count_source(t, a, &e->tuple);
	alloc_table_move(t->allocs, a, &e->tuple);
	a->flow.link = e->client_link;
	moves_remove(t->moves, e);
}

/* The number that its tickets have here, and what its client has shown: if that was expected. */
static void name(struct turnd *t, struct alloc *a, const struct turnd_in *in)
{
	struct move *e = mobility_expected(t, &in->tuple);
	bool is_it = e != NULL && e->worker == in->gift->worker && e->there == a->number;

	a->number = is_it ? e->number : t->next_number++;
	if (is_it && e->token.is_used)
		a->token = e->token;
	if (e != NULL)
		moves_remove(t->moves, e);
}

/* Takes in what another worker gave for this message, by the configuration of now. */
static void adopt(struct turnd *t, struct alloc *a, const struct turnd_in *in)
{
	name(t, a, in);
	count_source(t, a, &in->tuple);
	a->flow.tuple = in->tuple;
	a->mobility.is_moving = false;
	counter_add(&t->stats.allocations, 1);
	if (!alloc_table_take(t->allocs, a)) {
		turnd_end(t, a, STATS_END_LINK);
	} else if (turnd_is_homeless(t, a)) {
		turnd_end(t, a, STATS_END_POLICY);
	} else {
		a->flow.link = in->link; /* not before: this message is still to be answered */
		lifetime_resume(t, a);
	}
}

bool mobility_is_fetched(const struct move *e, uint64_t now_ms)
{
	return e->asked_ms != 0 && now_ms - e->asked_ms < ASK_AGAIN_MS;
}

/* Asks for the allocation that is used here now; once for a while, what comes meanwhile is lost. */
static enum turnd_step fetch(struct turnd *t, struct move *e, const struct turnd_in *in,
			     uint64_t now_ms, struct turnd_out *out)
{
	if (mobility_is_fetched(e, now_ms))
		return TURND_NOTHING;
	e->asked_ms = now_ms;
	out->ask = (struct turnd_ask){
		.kind = TURND_ASK_ALLOC,
		.worker = e->worker,
		.from = t->worker,
		.tuple = in->tuple,
		.alloc = e->there,
	};
	return TURND_ASK;
}

bool mobility_intercepts(struct turnd *t, const struct turnd_in *in, const struct turnd_now *now,
			 struct turnd_out *out, enum turnd_step *step)
{
	struct move *e;

	if (in->gift != NULL && in->gift->alloc != NULL)
		adopt(t, in->gift->alloc, in);
	e = mobility_expected(t, &in->tuple);
	if (e == NULL || e->client_link != in->link)
		return false;
	if (e->alloc != NULL) {
		if (is_data(in))
			mobility_settle(t, e);
		return false;
	}
	if (type_of(in) == BINDING_REQUEST || has_ticket(in))
		return false;
	if (in->gift != NULL && in->gift->kind == TURND_ASK_ALLOC) {
		moves_remove(t->moves, e); /* it was there no more */
		return false;
	}
	*step = fetch(t, e, in, now->us / 1000, out);
	return true;
}

void mobility_give(struct turnd *t, struct alloc *a, struct turnd_gift *out)
{
	moves_forget(t->moves, a);
	wheel_cancel(&t->wheel, &a->timer);
	a->flow.link = NULL; /* it may end before who asks has it, or gives it back */
	alloc_table_give(t->allocs, a);
	counter_sub(&t->stats.allocations, 1);
	out->alloc = a;
}

void mobility_answer_alloc(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out)
{
	struct alloc *a = alloc_table_find_number(t->allocs, ask->alloc);

	if (a == NULL || !a->mobility.is_moving || a->mobility.next_worker != ask->from ||
	    !five_tuple_equal(&a->mobility.next, &ask->tuple))
		out->code = 437;
	else
		mobility_give(t, a, out);
}

/*
 * It is filed again over UDP alone, where nobody else is there by now. Its client has left for
 * another 5-tuple, and that connection has ended as well: it waits for its ticket.
 */
void mobility_take_back(struct turnd *t, struct alloc *a)
{
	counter_add(&t->stats.allocations, 1);
	if (alloc_table_take(t->allocs, a) && a->flow.tuple.transport != STUN_UDP)
		alloc_table_hide(t->allocs, a);
	if (turnd_is_homeless(t, a))
		turnd_end(t, a, STATS_END_POLICY);
	else
		lifetime_resume(t, a);
}

void mobility_lose_link(struct turnd *t, struct alloc *a)
{
	struct move *e = mobility_count(t) == 0 ? NULL : moves_find_alloc(t->moves, a);

	if (e != NULL) {
		mobility_settle(t, e);
		return;
	}
	a->flow.link = NULL;
	alloc_table_hide(t->allocs, a);
}

void mobility_lose_next(struct turnd *t, const struct five_tuple *tuple, const void *link)
{
	struct move *e = mobility_expected(t, tuple);

	if (e == NULL || e->client_link != link)
		return;
	if (e->alloc != NULL)
		moves_remove(t->moves, e);
	else
		moves_hide(t->moves, e); /* the ticket that was given for it leads on from here */
}

uint64_t mobility_on_time(struct turnd *t, uint64_t now_ms)
{
	while (mobility_count(t) > 0) {
		struct move *e = moves_oldest(t->moves);

		if (e->until_ms > now_ms)
			return e->until_ms;
		moves_remove(t->moves, e);
	}
	return UINT64_MAX;
}

size_t mobility_count(const struct turnd *t)
{
	return t->moves == NULL ? 0 : t->moves->count;
}

void mobility_free(struct turnd *t)
{
	moves_free(t->moves);
	t->moves = NULL;
}
