/* The half of mobility.h that knows what a ticket is good for. */
#include "lifetime.h"
#include "mobility_parts.h"

void mobility_put_ticket(struct request *r, uint64_t number, uint32_t sequence)
{
	const struct turnd *t = r->t;
	struct ticket ticket = {
		.alloc = number,
		.sequence = sequence,
		.worker = t->worker,
	};
	uint8_t value[TICKET_LEN];

	if (ticket_make(&t->snapshot->tickets, &ticket, value))
		(void)stun_attr_put_bytes(&r->answer, STUN_ATTR_MOBILITY_TICKET,
					  bytes_of(value, sizeof(value)));
}

/* lifetime_s 0: it was deleted, and no ticket leads to it any more. */
static uint16_t answer(struct request *r, uint64_t number, uint32_t sequence, uint32_t lifetime_s)
{
	(void)stun_attr_put_u32(&r->answer, STUN_ATTR_LIFETIME, lifetime_s);
	if (lifetime_s != 0)
		mobility_put_ticket(r, number, sequence);
	return 0;
}

static uint32_t seconds_left(const struct alloc *a, uint64_t now_ms)
{
	return a->until_ms > now_ms ? (uint32_t)((a->until_ms - now_ms + 999) / 1000) : 1;
}

/* Is this the request that moved it last, on its way for the second time? */
static bool is_repeated(const struct alloc *a, const struct stun_tid *tid,
			const struct five_tuple *tuple, uint64_t now_ms)
{
	return stun_tid_equal(&a->mobility.tid, tid) &&
	       five_tuple_equal(&a->mobility.next, tuple) &&
	       now_ms - a->mobility.replaced_ms <= TICKET_OLD_MS;
}

/*
 * Whether the ticket is good for this allocation; 0, or the code to answer with. One that was
 * replaced leads to no allocation any more: so it is where the worker that gave it out has
 * forgotten it, and nobody shall see which worker that was.
 */
static uint16_t judge(const struct alloc *a, const struct turnd_ask *ask, uint64_t now_ms)
{
	struct ticket held = {
		.user = a->user,
		.realm = a->realm,
		.sequence = a->mobility.sequence,
		.alloc = ask->ticket.alloc, /* by which it was found */
		.worker = ask->ticket.worker,
	};

	switch (ticket_judge(&ask->ticket, &held, a->mobility.replaced_ms, now_ms)) {
	case TICKET_MOVES:
		return a->mobility.is_mobile ? 0 : 400;
	case TICKET_OTHER_OWNER:
		return 441;
	default:
		return 437;
	}
}

/* Lets it move to where the ticket came from. Returns 0, or the code to answer with. */
static uint16_t begin(struct turnd *t, struct alloc *a, const struct turnd_ask *ask,
		      uint64_t now_ms, bool *alive)
{
	uint16_t code = judge(a, ask, now_ms);

	if (code == 0)
		code = lifetime_refresh(t, a, &ask->refresh, now_ms, alive);
	if (code != 0 || !*alive)
		return code;
	moves_forget(t->moves, a);
	a->mobility.is_moving = true;
	a->mobility.sequence++;
	a->mobility.replaced_ms = now_ms;
	a->mobility.tid = ask->tid;
	a->mobility.next = ask->tuple;
	a->mobility.next_worker = ask->from;
	return 0;
}

/* The allocation is ours, and its client comes to another 5-tuple of ours. */
static uint16_t move_here(struct request *r, struct alloc *a, const struct turnd_ask *ask)
{
	struct move *e = mobility_expect(r->t, &r->in->tuple, a->number, r->now_ms);
	bool alive = true;
	uint16_t code = e == NULL ? 508 : begin(r->t, a, ask, r->now_ms, &alive);

	if (code != 0 || !alive) {
		if (e != NULL)
			moves_remove(r->t->moves, e);
		return code != 0 ? code : answer(r, 0, 0, 0);
	}
	e->alloc = a;
	e->client_link = r->in->link;
	mobility_keep(r->t, &e->tuple, ask->refresh.lifetime_s, r->now_ms);
	if (!a->flow.is_filed)
		mobility_settle(r->t, e); /* the old connection has ended */
	return answer(r, a->number, a->mobility.sequence, ask->refresh.lifetime_s);
}

/* Over a stream no request is sent again by itself: 500 says that another one may do. */
static uint16_t not_yet(const struct request *r)
{
	return five_tuple_is_stream(&r->in->tuple) ? 500 : REQUEST_LATER;
}

static uint16_t look_for(struct request *r, const struct ticket *ticket, uint16_t worker,
			 uint64_t number)
{
	struct turnd_ask *ask = &r->out->ask;
	uint16_t code;

	*ask = (struct turnd_ask){
		.kind = TURND_ASK_MOVE,
		.worker = worker,
		.from = r->t->worker,
		.ticket = *ticket,
		.user = r->user,
		.realm = r->realm->id,
		.tid = r->msg.tid,
		.tuple = r->in->tuple,
		.alloc = number,
	};
	code = lifetime_read(r, &ask->refresh);
	if (code != 0)
		return code;
	if (worker == r->t->worker) {
		struct alloc *a = alloc_table_find_number(r->t->allocs, number);
		struct move *e = a == NULL ? mobility_expected_number(r->t, number) : NULL;

		if (a != NULL)
			return move_here(r, a, ask);
		if (e == NULL)
			return 437;
		if (e == mobility_expected(r->t, &r->in->tuple))
			return 400; /* that is where the ticket was given out */
		if (mobility_is_fetched(e, r->now_ms))
			return not_yet(r);
		ask->worker = e->worker;
		ask->alloc = e->there;
	}
	return ask->worker < r->t->shared->workers ? REQUEST_ASK : 437;
}

/* The 5-tuple that the ticket was made for was ours, and has not been used: now it is another. */
static void drop_unused(struct request *r, const struct ticket *ticket)
{
	struct move *e = mobility_expected_number(r->t, ticket->alloc);

	if (ticket->worker == r->t->worker && e != NULL && e->alloc == NULL &&
	    e != mobility_expected(r->t, &r->in->tuple))
		moves_remove(r->t->moves, e);
}

/* Another worker has the allocation, and agrees. */
static uint16_t expect_here(struct request *r, const struct ticket *ticket)
{
	const struct turnd_gift *gift = r->in->gift;
	const struct move *before = mobility_expected(r->t, &r->in->tuple);
	bool is_known = before != NULL && stun_tid_equal(&before->tid, &r->msg.tid);
	uint64_t number = is_known ? before->number : r->t->next_number++;
	struct move *e;

	drop_unused(r, ticket);
	if (gift->lifetime_s == 0)
		return answer(r, 0, 0, 0);
	e = mobility_expect(r->t, &r->in->tuple, number, r->now_ms);
	if (e == NULL)
		return 508;
	e->client_link = r->in->link;
	mobility_keep(r->t, &e->tuple, gift->lifetime_s, r->now_ms);
	e->there = gift->number;
	e->worker = gift->worker;
	e->user = r->user;
	e->realm = r->realm->id;
	e->tid = r->msg.tid;
	return answer(r, number, gift->sequence, gift->lifetime_s);
}

static uint16_t take_answer(struct request *r, const struct ticket *ticket)
{
	const struct turnd_gift *gift = r->in->gift;

	if (gift->code == TURND_ASK_ELSEWHERE)
		return look_for(r, ticket, gift->next_worker, gift->number);
	if (gift->code == TURND_ASK_LATER)
		return not_yet(r);
	return gift->code != 0 ? gift->code : expect_here(r, ticket);
}

/* A ticket at a 5-tuple that has an allocation: the request that moved it here, or a mistake. */
static uint16_t refresh_again(struct request *r, const struct ticket *ticket)
{
	const struct alloc *a = r->alloc;

	if (is_repeated(a, &r->msg.tid, &r->in->tuple, r->now_ms)) {
		drop_unused(r, ticket);
		return answer(r, a->number, a->mobility.sequence, seconds_left(a, r->now_ms));
	}
	return ticket->worker == r->t->worker && ticket->alloc == a->number &&
			       ticket->sequence == a->mobility.sequence
		       ? 400
		       : 437;
}

uint16_t mobility_refresh(struct request *r)
{
	struct ticket ticket;

	if (!r->t->snapshot->mobility)
		return 405;
	if (ticket_open(&r->t->snapshot->tickets, r->attrs.ticket, &ticket) != TICKET_GOOD)
		return 400;
	ticket.user = r->user;
	ticket.realm = r->realm->id;
	if (r->alloc != NULL)
		return refresh_again(r, &ticket);
	if (r->in->gift != NULL)
		return take_answer(r, &ticket);
	return look_for(r, &ticket, ticket.worker, ticket.alloc);
}

/* It was expected here, and is not used here: who has it is asked. */
static void refer(struct turnd *t, const struct turnd_ask *ask, uint64_t now_ms,
		  struct turnd_gift *out)
{
	struct move *e = mobility_expected_number(t, ask->alloc);

	if (e == NULL || e->alloc != NULL) {
		out->code = 437;
		return;
	}
	if (e->user != ask->user || e->realm != ask->realm) {
		out->code = 441;
		return;
	}
	if (mobility_is_fetched(e, now_ms)) {
		out->code = TURND_ASK_LATER;
		return;
	}
	out->code = TURND_ASK_ELSEWHERE;
	out->next_worker = e->worker;
	out->number = e->there;
	moves_remove(t->moves, e);
}

void mobility_answer_move(struct turnd *t, const struct turnd_ask *ask, uint64_t now_ms,
			  struct turnd_gift *out)
{
	struct alloc *a = alloc_table_find_number(t->allocs, ask->alloc);
	bool alive = true;

	if (a == NULL) {
		refer(t, ask, now_ms, out);
		return;
	}
	out->number = ask->alloc;
	if (a->user != ask->user || a->realm != ask->realm)
		out->code = 441;
	else if (!is_repeated(a, &ask->tid, &ask->tuple, now_ms))
		out->code = begin(t, a, ask, now_ms, &alive);
	if (out->code != 0 || !alive)
		return;
	out->sequence = a->mobility.sequence;
	out->lifetime_s = seconds_left(a, now_ms);
	if (!a->flow.is_filed)
		mobility_give(t, a, out); /* the old connection has ended */
}
