#include "punch_state.h"

#include "natprobe/lead.h"

#define TRIGGER_LEAST_US (20 * PU_MS) /* between two checks back to one source */
#define TRIES_MAX        7            /* since it was heard of */
#define SOURCES_MAX      3            /* of one request or answer */
#define NOMINATED_US     (100 * PU_MS)
#define EXTRA            3 /* checks after the first success */
#define EXTRA_US         (30 * PU_MS)
#define AGAIN_US         (250 * PU_MS)  /* and a round trip: proven ones that are not nominated */
#define AGAIN_MOST_US    (1500 * PU_MS) /* since it was proven */

struct pu_pair *pu_pair_find(struct punch *p, uint16_t slot, const struct addr *remote)
{
	for (size_t i = 0; i < PU_PAIRS_MAX; i++) {
		if (p->pairs[i].slot == slot && addr_equal(&p->pairs[i].remote, remote))
			return &p->pairs[i];
	}
	return NULL;
}

static bool is_replaceable(const struct punch *p, size_t i)
{
	const struct pu_pair *pair = &p->pairs[i];

	return !pair->is_valid && i != p->nominee && i != p->agreed &&
	       p->now_us >= pair->heard_us + 1000 * PU_MS;
}

/* NULL: there are enough. One that never answered makes room after a while. */
static struct pu_pair *pair_add(struct punch *p, uint16_t slot, const struct addr *remote,
				uint8_t step)
{
	size_t at = PU_PAIRS_MAX;

	for (size_t i = 0; i < PU_PAIRS_MAX; i++) {
		if (p->pairs[i].slot == PU_NO_SLOT) {
			at = i;
			break;
		}
		if (is_replaceable(p, i) &&
		    (at == PU_PAIRS_MAX || p->pairs[i].heard_us < p->pairs[at].heard_us))
			at = i;
	}
	if (at == PU_PAIRS_MAX)
		return NULL;
	p->pairs[at] = (struct pu_pair){
		.slot = slot,
		.remote = *remote,
		.step = step,
		.heard_us = p->now_us,
		.next_us = PU_NEVER,
	};
	return &p->pairs[at];
}

/* A check back at once, and again until it is answered. */
static void trigger(struct punch *p, struct pu_pair *pair)
{
	pair->heard_us = p->now_us;
	if (pair->is_valid)
		return;
	pair->tries = pair->tries > TRIES_MAX / 2 ? TRIES_MAX / 2 : pair->tries;
	pair->next_us = pair->sent_us == 0 || p->now_us >= pair->sent_us + TRIGGER_LEAST_US
				? p->now_us
				: pair->sent_us + TRIGGER_LEAST_US;
}

static struct pu_pair *learn(struct punch *p, uint16_t slot, const struct addr *from, uint8_t step)
{
	struct pu_pair *pair = pu_pair_find(p, slot, from);

	if (pair == NULL)
		pair = pair_add(p, slot, from, step);
	if (pair != NULL)
		trigger(p, pair);
	return pair;
}

static bool is_proven(struct punch *p, uint16_t slot, const struct addr *from)
{
	const struct pu_pair *pair = pu_pair_find(p, slot, from);

	return pair != NULL && pair->is_valid;
}

bool pu_slot_is_proven(const struct punch *p, uint16_t slot)
{
	for (size_t i = 0; i < PU_PAIRS_MAX; i++) {
		if (p->pairs[i].slot == slot && p->pairs[i].is_valid)
			return true;
	}
	return false;
}

/*
 * Each request has its own number: what comes twice was sent once, by whomever it was repeated. The
 * copy of a stranger may be the faster one, so a few sources of one number are taken as long as
 * none has proven itself, and the one that has is always.
 */
static bool was_seen(struct punch *p, uint16_t slot, const struct stun_tid *tid,
		     const struct addr *from)
{
	unsigned int sources = 0;

	for (size_t i = 0; i < PU_SEEN_MAX; i++) {
		if (!stun_tid_equal(&p->seen[i].tid, tid))
			continue;
		if (addr_equal(&p->seen[i].from, from))
			return true;
		sources++;
	}
	if (sources > 0 && !is_proven(p, slot, from) &&
	    (sources >= SOURCES_MAX || pu_slot_is_proven(p, slot)))
		return true;
	p->seen[p->seen_next] = (struct pu_seen){ .tid = *tid, .from = *from };
	p->seen_next = (uint16_t)((p->seen_next + 1) % PU_SEEN_MAX);
	return false;
}

static void answer(struct punch *p, uint16_t slot, const struct addr *to,
		   const struct stun_tid *tid)
{
	uint8_t at = (uint8_t)((p->answer_first + p->answer_count) % PU_ANSWERS_MAX);

	if (p->answer_count == PU_ANSWERS_MAX)
		return;
	p->answers[at] = (struct pu_answer){ .slot = slot, .to = *to, .tid = *tid };
	p->answer_count++;
}

static void take_request(struct punch *p, uint16_t slot, const struct addr *from,
			 const struct check *c)
{
	struct punch_evidence *e = pu_evidence(p, c->step);
	struct pu_pair *pair;

	if (was_seen(p, slot, &c->tid, from) || !lead_allows(&p->slots[slot].local, from))
		return;
	pu_start_on_check(p, c->step);
	if (e != NULL) {
		pu_count(&e->received);
		if (e->seen.family == ADDR_NONE)
			e->seen = *from;
	}
	pu_run_on_check(p, c->step, slot);
	answer(p, slot, from, &c->tid);
	pair = learn(p, slot, from, c->step);
	if (pair == NULL)
		return;
	if (c->nomination != 0)
		pu_agree_on_nomination(p, pair, c);
	pu_measure_on_heard(p, pair);
}

static struct pu_sent *find_sent(struct punch *p, uint16_t slot, const struct stun_tid *tid)
{
	for (size_t i = 0; i < PU_SENT_MAX; i++) {
		if (p->sent[i].slot == slot && stun_tid_equal(&p->sent[i].tid, tid))
			return &p->sent[i];
	}
	return NULL;
}

static void make_valid(struct punch *p, struct pu_pair *pair)
{
	pair->is_valid = true;
	pair->valid_us = p->now_us;
	pair->extra = EXTRA;
	pair->next_us = p->now_us + EXTRA_US;
	if (!p->has_valid) {
		p->has_valid = true;
		p->valid_us = p->now_us;
	}
}

/*
 * An answer of another source than we asked shows how they are mapped towards us, or is a copy: the
 * one from where we asked still counts.
 */
static void take_stray_answer(struct punch *p, struct pu_sent *sent, const struct addr *from)
{
	struct punch_evidence *e = pu_evidence(p, sent->step);

	if (sent->strays == SOURCES_MAX || !lead_allows(&p->slots[sent->slot].local, from))
		return;
	sent->strays++;
	if (e != NULL && e->seen.family == ADDR_NONE)
		e->seen = *from;
	(void)learn(p, sent->slot, from, sent->step);
}

static void take_answer(struct punch *p, uint16_t slot, const struct addr *from,
			const struct check *c)
{
	struct pu_sent *known = find_sent(p, slot, &c->tid);
	struct punch_evidence *e;
	struct pu_sent sent;
	struct pu_pair *pair;

	if (known == NULL)
		return;
	if (!addr_equal(from, &known->to)) {
		take_stray_answer(p, known, from);
		return;
	}
	sent = *known;
	known->slot = PU_NO_SLOT;
	if (pu_hand_waits(p))
		pu_hand_on_check(p, sent.step);
	e = pu_evidence(p, sent.step);
	if (e != NULL)
		pu_count(&e->answers);
	pair = pu_pair_find(p, slot, from);
	if (pair == NULL)
		pair = pair_add(p, slot, from, sent.step);
	if (pair == NULL)
		return;
	pair->heard_us = p->now_us;
	pair->outer = c->mapped;
	pair->is_dead = false;
	if (!pair->is_valid)
		make_valid(p, pair);
	pu_agree_on_answer(p, pair, &sent);
	if (sent.is_ping)
		pu_measure_on_pong(p, (uint32_t)(p->now_us - sent.at_us));
}

void pu_checks_on_datagram(struct punch *p, uint16_t slot, const struct addr *from,
			   struct bytes data)
{
	struct punch_evidence *e = pu_evidence(p, p->slots[slot].step);
	struct check c;

	check_read(&p->keys, data, &c);
	if (c.kind == CHECK_REQUEST)
		take_request(p, slot, from, &c);
	else if (c.kind == CHECK_ANSWER)
		take_answer(p, slot, from, &c);
	else if (e != NULL)
		pu_count(&e->stray);
}

void pu_check_send(struct punch *p, const struct pu_sent *what, uint8_t ttl,
		   struct punch_action *action)
{
	struct pu_sent *sent = &p->sent[p->sent_next];
	struct pu_pair *pair = pu_pair_find(p, what->slot, &what->to);
	struct punch_evidence *e = pu_evidence(p, what->step);
	size_t len;

	p->sent_next = (uint16_t)((p->sent_next + 1) % PU_SENT_MAX);
	*sent = *what;
	sent->tid = pu_tid(p);
	sent->at_us = p->now_us;
	p->slots[what->slot].step = what->step;
	if (pair != NULL)
		pair->sent_us = p->now_us;
	if (e != NULL)
		pu_count(&e->sent);
	len = check_write_request(&p->keys, &sent->tid, what->step, what->nomination, p->buf);
	pu_send(p, what->slot, &what->to, len, action);
	action->ttl = ttl;
}

static bool answer_next(struct punch *p, struct punch_action *action)
{
	while (p->answer_count > 0) {
		struct pu_answer a = p->answers[p->answer_first];
		size_t len;

		p->answer_first = (uint8_t)((p->answer_first + 1) % PU_ANSWERS_MAX);
		p->answer_count--;
		if (!pu_slot_is_open(p, a.slot))
			continue;
		len = check_write_answer(&p->keys, &a.tid, &a.to, p->buf);
		pu_send(p, a.slot, &a.to, len, action);
		return true;
	}
	return false;
}

/* When the next check to a pair is due; what is nominated has to be proven, however often. */
static uint64_t again_us(const struct punch *p, const struct pu_pair *pair)
{
	unsigned int shift = pair->tries < 4 ? pair->tries : 4;

	if (pair->tries < TRIES_MAX)
		return p->now_us + (25 * PU_MS << shift);
	if (pair->nomination != 0 && pair->nomination == p->nomination && p->phase <= PU_RUN)
		return p->now_us + NOMINATED_US;
	return PU_NEVER;
}

/*
 * B: a NAT may have ended the mapping meanwhile, and then no nomination comes in before something
 * leaves again. Further apart than a round trip, so that answers find it as it was when they were
 * asked for.
 */
static uint64_t awaiting_us(const struct punch *p, const struct pu_pair *pair)
{
	uint64_t again_us = p->now_us + pu_measure_round_trip_us(p) + AGAIN_US;

	if (p->config.is_a || p->phase != PU_RUN || p->nomination != 0 ||
	    p->agreed != PU_PAIRS_MAX || p->now_us < pu_run_nominate_us(p, pair->step) ||
	    again_us > pair->valid_us + AGAIN_MOST_US)
		return PU_NEVER;
	return again_us;
}

static bool pair_next(struct punch *p, struct pu_pair *pair, struct punch_action *action)
{
	struct pu_sent what = { .slot = pair->slot, .to = pair->remote, .step = pair->step };

	if (!pu_slot_is_open(p, pair->slot)) {
		pair->next_us = PU_NEVER;
		return false;
	}
	if (pair->is_valid) {
		pair->extra = (uint8_t)(pair->extra - (pair->extra > 0));
		pair->next_us = pair->extra > 0 ? p->now_us + EXTRA_US : awaiting_us(p, pair);
	} else {
		pair->tries++;
		pair->next_us = again_us(p, pair);
	}
	pu_check_send(p, &what, 0, action);
	return true;
}

bool pu_checks_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	if (!pu_may_burst(p, deadline_us))
		return false;
	if (answer_next(p, action))
		return true;
	for (size_t i = 0; i < PU_PAIRS_MAX; i++) {
		struct pu_pair *pair = &p->pairs[i];

		if (pair->slot == PU_NO_SLOT)
			continue;
		if (pair->next_us <= p->now_us && pair_next(p, pair, action))
			return true;
		pu_by(deadline_us, pair->next_us);
	}
	return false;
}
