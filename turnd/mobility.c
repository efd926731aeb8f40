#include "mobility.h"

#include "lifetime.h"
#include "moves.h"

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

static void drop(struct turnd *t, struct move *e)
{
	if (e->alloc != NULL)
		e->alloc->mobility.is_moving = false;
	moves_remove(t->moves, e);
}

/* A move to a 5-tuple that has no allocation; what was expected there before is not any more. */
static struct move *expect(struct turnd *t, const struct five_tuple *tuple, uint64_t number,
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
		drop(t, e);
	if (t->moves->count >= MOBILITY_EXPECTED_MOST)
		drop(t, moves_oldest(t->moves));
	e = moves_add(t->moves, tuple, number);
	if (e != NULL)
		e->until_ms = now_ms + MOBILITY_EXPECTED_MS;
	return e;
}

static struct move *find(const struct turnd *t, const struct five_tuple *tuple)
{
	return mobility_count(t) == 0 ? NULL : moves_find(t->moves, tuple);
}

static struct move *find_number(const struct turnd *t, uint64_t number)
{
	return mobility_count(t) == 0 ? NULL : moves_find_number(t->moves, number);
}

struct alloc *mobility_find(const struct turnd *t, const struct five_tuple *tuple)
{
	struct alloc *a = alloc_table_find(t->allocs, tuple);
	const struct move *e = a == NULL ? find(t, tuple) : NULL;

	return e != NULL ? e->alloc : a;
}

struct alloc_token *mobility_find_token(const struct turnd *t, const struct five_tuple *tuple)
{
	struct alloc *a = mobility_find(t, tuple);
	struct move *e = a == NULL ? find(t, tuple) : NULL;

	if (a != NULL)
		return &a->token;
	return e != NULL ? &e->token : NULL;
}

static void count_source(struct turnd *t, struct alloc *a, const struct five_tuple *tuple)
{
	quota_move(t->shared->quota, &a->flow.tuple.client, &tuple->client);
}

/* The client is at its new 5-tuple from now on. */
static void settle(struct turnd *t, struct move *e)
{
	struct alloc *a = e->alloc;

	count_source(t, a, &e->tuple);
	alloc_table_move(t->allocs, a, &e->tuple);
	a->flow.link = e->client_link;
	drop(t, e);
}

/* Takes in what another worker gave for this message. */
static void adopt(struct turnd *t, struct alloc *a, const struct turnd_in *in)
{
	struct move *e = find(t, &in->tuple);

	a->number = e != NULL ? e->number : t->next_number++;
	if (e != NULL && e->token.is_used)
		a->token = e->token;
	if (e != NULL)
		drop(t, e);
	count_source(t, a, &in->tuple);
	a->flow.tuple = in->tuple;
	a->flow.link = in->link;
	a->flow.realm = snapshot_realm(t->snapshot, a->realm);
	a->mobility.is_moving = false;
	stats_add(&t->stats.allocations, 1);
	if (!alloc_table_take(t->allocs, a))
		turnd_end(t, a, STATS_END_LINK);
	else if (a->flow.realm == NULL)
		turnd_end(t, a, STATS_END_POLICY);
	else
		lifetime_resume(t, a);
}

/* Asks for the allocation that is used here now; once for a while, what comes meanwhile is lost. */
static enum turnd_step fetch(struct turnd *t, struct move *e, const struct turnd_in *in,
			     uint64_t now_ms, struct turnd_out *out)
{
	if (e->asked_ms != 0 && now_ms - e->asked_ms < ASK_AGAIN_MS)
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
	e = find(t, &in->tuple);
	if (e == NULL || e->client_link != in->link)
		return false;
	if (e->alloc != NULL) {
		if (is_data(in))
			settle(t, e);
		return false;
	}
	if (type_of(in) == BINDING_REQUEST || has_ticket(in))
		return false;
	if (in->gift != NULL && in->gift->kind == TURND_ASK_ALLOC) {
		drop(t, e); /* it was there no more */
		return false;
	}
	*step = fetch(t, e, in, now->us / 1000, out);
	return true;
}

void mobility_put_ticket(struct request *r, uint64_t number, uint32_t sequence)
{
	const struct turnd *t = r->t;
	struct ticket ticket = {
		.user = r->user,
		.alloc = number,
		.realm = r->realm->id,
		.sequence = sequence,
		.worker = t->worker,
	};
	uint8_t nonce[SEAL_NONCE_LEN], value[TICKET_LEN];

	t->io->random(t->io->arg, nonce, sizeof(nonce));
	if (ticket_make(&t->snapshot->tickets, &ticket, nonce, value))
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

/* Whether the ticket is good for this allocation; 0, or the code to answer with. */
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
		return 400;
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
	mobility_forget(t, a);
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
	struct move *e = expect(r->t, &r->in->tuple, a->number, r->now_ms);
	bool alive = true;
	uint16_t code = e == NULL ? 508 : begin(r->t, a, ask, r->now_ms, &alive);

	if (code != 0 || !alive) {
		if (e != NULL)
			drop(r->t, e);
		return code != 0 ? code : answer(r, 0, 0, 0);
	}
	e->alloc = a;
	e->client_link = r->in->link;
	if (!a->is_filed)
		settle(r->t, e); /* the old connection has ended */
	return answer(r, a->number, a->mobility.sequence, ask->refresh.lifetime_s);
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
		struct move *e = a == NULL ? find_number(r->t, number) : NULL;

		if (a != NULL)
			return move_here(r, a, ask);
		if (e == NULL)
			return 437;
		ask->worker = e->worker;
		ask->alloc = e->there;
	}
	return ask->worker < r->t->shared->workers ? REQUEST_ASK : 437;
}

/* The 5-tuple that the ticket was made for was ours, and has not been used: now it is another. */
static void drop_unused(struct request *r, const struct ticket *ticket)
{
	struct move *e = find_number(r->t, ticket->alloc);

	if (ticket->worker == r->t->worker && e != NULL &&
	    !five_tuple_equal(&e->tuple, &r->in->tuple))
		drop(r->t, e);
}

/* Another worker has the allocation, and agrees. */
static uint16_t expect_here(struct request *r, const struct ticket *ticket)
{
	const struct turnd_gift *gift = r->in->gift;
	const struct move *before = find(r->t, &r->in->tuple);
	bool is_known = before != NULL && stun_tid_equal(&before->tid, &r->msg.tid);
	uint64_t number = is_known ? before->number : r->t->next_number++;
	struct move *e;

	drop_unused(r, ticket);
	if (gift->lifetime_s == 0)
		return answer(r, 0, 0, 0);
	e = expect(r->t, &r->in->tuple, number, r->now_ms);
	if (e == NULL)
		return 508;
	e->client_link = r->in->link;
	e->there = gift->number;
	e->worker = gift->worker;
	e->tid = r->msg.tid;
	return answer(r, number, gift->sequence, gift->lifetime_s);
}

static uint16_t take_answer(struct request *r, const struct ticket *ticket)
{
	const struct turnd_gift *gift = r->in->gift;

	if (gift->code == TURND_ASK_ELSEWHERE)
		return look_for(r, ticket, gift->next_worker, gift->number);
	return gift->code != 0 ? gift->code : expect_here(r, ticket);
}

/* A ticket at a 5-tuple that has an allocation: the request that moved it here, or a mistake. */
static uint16_t refresh_again(struct request *r, const struct ticket *ticket)
{
	const struct alloc *a = r->alloc;

	if (is_repeated(a, &r->msg.tid, &r->in->tuple, r->now_ms))
		return answer(r, a->number, a->mobility.sequence, seconds_left(a, r->now_ms));
	return ticket->worker == r->t->worker && ticket->alloc == a->number ? 400 : 437;
}

uint16_t mobility_refresh(struct request *r)
{
	struct ticket ticket;

	if (!r->t->snapshot->mobility)
		return 405;
	if (ticket_open(&r->t->snapshot->tickets, r->attrs.ticket, &ticket) != TICKET_GOOD)
		return 400;
	if (ticket.user != r->user || ticket.realm != r->realm->id)
		return 441;
	if (r->alloc != NULL)
		return refresh_again(r, &ticket);
	if (r->in->gift != NULL)
		return take_answer(r, &ticket);
	return look_for(r, &ticket, ticket.worker, ticket.alloc);
}

static void give(struct turnd *t, struct alloc *a, struct turnd_gift *out)
{
	mobility_forget(t, a);
	wheel_cancel(&t->wheel, &a->timer);
	alloc_table_give(t->allocs, a);
	stats_add(&t->stats.allocations, UINT64_MAX); /* one less */
	out->alloc = a;
}

/* It was expected here, and is not used here: who has it is asked. */
static void refer(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out)
{
	struct move *e = find_number(t, ask->alloc);

	if (e == NULL || e->alloc != NULL) {
		out->code = 437;
		return;
	}
	out->code = TURND_ASK_ELSEWHERE;
	out->next_worker = e->worker;
	out->number = e->there;
	drop(t, e);
}

void mobility_answer_move(struct turnd *t, const struct turnd_ask *ask, uint64_t now_ms,
			  struct turnd_gift *out)
{
	struct alloc *a = alloc_table_find_number(t->allocs, ask->alloc);
	bool alive = true;

	if (a == NULL) {
		refer(t, ask, out);
		return;
	}
	out->number = ask->alloc;
	if (!is_repeated(a, &ask->tid, &ask->tuple, now_ms))
		out->code = begin(t, a, ask, now_ms, &alive);
	if (out->code != 0 || !alive)
		return;
	out->sequence = a->mobility.sequence;
	out->lifetime_s = seconds_left(a, now_ms);
	if (!a->is_filed)
		give(t, a, out); /* the old connection has ended */
}

void mobility_answer_alloc(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out)
{
	struct alloc *a = alloc_table_find_number(t->allocs, ask->alloc);

	if (a == NULL || !a->mobility.is_moving || a->mobility.next_worker != ask->from ||
	    !five_tuple_equal(&a->mobility.next, &ask->tuple))
		out->code = 437;
	else
		give(t, a, out);
}

/* Where it came from, and was not at home any more either: it waits for its ticket. */
void mobility_take_back(struct turnd *t, struct alloc *a)
{
	bool had_link = a->flow.link != NULL || a->flow.tuple.transport == STUN_UDP;

	stats_add(&t->stats.allocations, 1);
	a->flow.realm = snapshot_realm(t->snapshot, a->realm);
	if (alloc_table_take(t->allocs, a) && !had_link)
		alloc_table_hide(t->allocs, a);
	if (a->flow.realm == NULL)
		turnd_end(t, a, STATS_END_POLICY);
	else
		lifetime_resume(t, a);
}

void mobility_forget(struct turnd *t, struct alloc *a)
{
	struct move *e = mobility_count(t) == 0 ? NULL : moves_find_alloc(t->moves, a);

	if (e != NULL)
		drop(t, e);
}

void mobility_lose_link(struct turnd *t, struct alloc *a)
{
	struct move *e = mobility_count(t) == 0 ? NULL : moves_find_alloc(t->moves, a);

	if (e != NULL) {
		settle(t, e);
		return;
	}
	a->flow.link = NULL;
	alloc_table_hide(t->allocs, a);
}

void mobility_lose_next(struct turnd *t, const struct five_tuple *tuple, const void *link)
{
	struct move *e = find(t, tuple);

	if (e != NULL && e->client_link == link)
		drop(t, e);
}

uint64_t mobility_on_time(struct turnd *t, uint64_t now_ms)
{
	while (mobility_count(t) > 0) {
		struct move *e = moves_oldest(t->moves);

		if (e->until_ms > now_ms)
			return e->until_ms;
		drop(t, e);
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
