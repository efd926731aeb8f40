#include "punch_state.h"

#include "natprobe/peer/peer_wire.h"

#define PATIENCE_US     (20000 * PU_MS)
#define LEAD_LEAST_US   (100 * PU_MS)
#define LEAD_MOST_US    (10000 * PU_MS)
#define LEAD_UNKNOWN_US (1000 * PU_MS)
/* By how much a start is off that nobody has a clock for: a message's way. */
#define ERROR_UNKNOWN_US (300 * PU_MS)

const struct peer_offer *pu_their_offer(const struct punch *p)
{
	return &p->their_offers[p->their_offer];
}

static uint64_t patience_us(const struct punch *p)
{
	return p->config.patience_us != 0 ? p->config.patience_us : PATIENCE_US;
}

static bool has_relayed(const struct peer_offer *o)
{
	for (uint8_t i = 0; i < o->endpoint_count; i++) {
		if (o->endpoints[i].kind == PEER_RELAYED)
			return true;
	}
	return false;
}

/* Ours, in what a message has room for. */
static uint32_t lead_us(const struct punch *p)
{
	uint64_t lead_us = p->has_clock && p->clock.round_trip_us != 0 ? p->clock.round_trip_us
								       : LEAD_UNKNOWN_US;

	if (lead_us < LEAD_LEAST_US)
		lead_us = LEAD_LEAST_US;
	return (uint32_t)(lead_us < LEAD_MOST_US ? lead_us : LEAD_MOST_US);
}

static uint32_t start_error_us(const struct punch *p)
{
	uint64_t error_us = p->has_clock ? p->clock.error_us : ERROR_UNKNOWN_US;

	return (uint32_t)(error_us < LEAD_MOST_US ? error_us : LEAD_MOST_US);
}

/* A names the moment. */
static void choose_start(struct punch *p)
{
	p->options.has_relay = has_relayed(&p->our_offer) || has_relayed(pu_their_offer(p));
	p->options.start_error_us = start_error_us(p);
	p->start_us = p->now_us + lead_us(p);
	p->has_start = true;
	p->tells_start = true;
	if (p->config.by_hand)
		pu_hand_begin(p);
}

static void wait_for_them(struct punch *p, uint64_t *deadline_us)
{
	uint64_t until_us = p->phase_us + patience_us(p);

	if (p->is_peer_gone || p->now_us >= until_us) {
		pu_end_now(p, REASON_PEER_SILENT, pu_side(p, false));
		return;
	}
	pu_by(deadline_us, until_us);
	pu_gather_refresh(p, deadline_us);
}

static void stand_in(struct punch *p)
{
	p->their_offers[0] = (struct peer_offer){ .trial = p->config.trial };
	p->has_their_offer = true;
	p->is_stand_in = true;
}

/*
 * Perhaps they hear us, and cannot be heard. Then they know our endpoints, and may come through
 * where our side admits strangers; we answer.
 */
static void do_without(struct punch *p, uint64_t *deadline_us)
{
	uint64_t at_us = p->phase_us + patience_us(p) / 4;

	if (p->now_us >= at_us)
		stand_in(p);
	else
		pu_by(deadline_us, at_us);
}

void pu_start_tick(struct punch *p, uint64_t *deadline_us)
{
	if (!p->has_their_offer && p->config.is_a && !p->is_peer_gone)
		do_without(p, deadline_us);
	if (!p->has_start && p->config.is_a && p->has_their_offer)
		choose_start(p);
	if (pu_hand_waits(p)) {
		pu_hand_tick(p, deadline_us);
		return;
	}
	if (!p->has_start || !p->has_their_offer) {
		wait_for_them(p, deadline_us);
		return;
	}
	if (p->now_us >= p->start_us && !p->tells_start && !p->tells_offer)
		pu_run_begin(p);
	else
		pu_by(deadline_us, p->start_us);
}

void pu_start_on_check(struct punch *p, uint8_t step)
{
	if (pu_hand_waits(p))
		pu_hand_on_check(p, step);
	if (p->phase != PU_WAIT || p->has_start || p->config.is_a)
		return;
	if (!p->has_their_offer)
		stand_in(p);
	/* What told us the start is late, or lost: they are where their check is. */
	p->has_start = true;
	p->start_us = p->now_us;
	punch_plan_make(&p->theirs, &p->ours, &p->options, &p->needs);
	if (step < p->needs.count && p->needs.steps[step].start_us < p->now_us)
		p->start_us = p->now_us - p->needs.steps[step].start_us;
}

static void take_offer(struct punch *p, struct bytes body)
{
	uint8_t at = p->has_their_offer ? !p->their_offer : 0;
	struct punch_told_offer told;

	/* Steps that run use the one they began with: it stays whole. */
	if (p->phase >= PU_RUN && !p->is_stand_in)
		return;
	if (!punch_read_offer(body, &told) || !peer_offer_read(told.offer, &p->their_offers[at]) ||
	    p->their_offers[at].trial != p->config.trial)
		return;
	p->their_offer = at;
	p->has_their_offer = true;
	p->is_stand_in = false;
	p->their_offer_us = p->now_us;
	if (p->has_clock && (int64_t)told.made_us - p->clock.offset_us > 0 &&
	    told.made_us - (uint64_t)p->clock.offset_us < p->now_us)
		p->their_offer_us = told.made_us - (uint64_t)p->clock.offset_us;
	if (told.sockets_max != 0 &&
	    (p->options.sockets_max == 0 || told.sockets_max < p->options.sockets_max) &&
	    p->config.is_a)
		p->options.sockets_max = told.sockets_max;
	if (told.hold_s > p->hold_s && p->config.is_a)
		p->hold_s = told.hold_s;
}

static void take_start(struct punch *p, struct bytes body)
{
	const uint16_t sockets_max = p->config.plan.sockets_max;
	struct punch_told_start told;
	int64_t start_us;

	if (p->config.is_a || p->has_start || p->phase >= PU_RUN || !punch_read_start(body, &told))
		return;
	p->options = told.options;
	/* Our own bound holds, whatever A makes of it. */
	if (sockets_max != 0 &&
	    (p->options.sockets_max == 0 || p->options.sockets_max > sockets_max))
		p->options.sockets_max = sockets_max;
	p->hold_s = told.hold_s;
	p->has_start = true;
	p->start_us = p->now_us + (told.delay_us < LEAD_MOST_US ? told.delay_us : LEAD_MOST_US);
	if (!p->has_clock)
		return;
	start_us = (int64_t)told.start_us - p->clock.offset_us;
	/* Beyond that the clocks are of no use. */
	if (start_us > (int64_t)p->now_us - (int64_t)LEAD_MOST_US &&
	    start_us < (int64_t)p->now_us + (int64_t)LEAD_MOST_US + (int64_t)LEAD_LEAST_US)
		p->start_us = start_us > 0 ? (uint64_t)start_us : 0;
}

static void take_bye(struct punch *p)
{
	p->is_peer_gone = p->result.is_cut = true;
	if (p->phase == PU_RUN)
		pu_end_tell(p);
}

/* The last word counts: theirs changes where A took another pair. */
static void take_evidence(struct punch *p, struct bytes body)
{
	struct punch_told_evidence told;

	if (p->phase < PU_RUN || !punch_read_evidence(body, &told))
		return;
	p->their_evidence = told;
	p->result.has_theirs = true;
}

void punch_on_told(struct punch *p, struct bytes data, uint64_t now_us)
{
	struct punch_told told;

	p->now_us = now_us;
	if (p->phase == PU_OVER || !punch_read_told(data, &told) || told.trial != p->config.trial)
		return;
	if (told.kind == PUNCH_TOLD_OFFER)
		take_offer(p, told.body);
	else if (told.kind == PUNCH_TOLD_START)
		take_start(p, told.body);
	else if (told.kind == PUNCH_TOLD_BYE)
		take_bye(p);
	else
		take_evidence(p, told.body);
}

static size_t tell_offer(struct punch *p)
{
	uint8_t offer[PEER_OFFER_BYTES_MAX];
	struct punch_told_offer told = {
		.made_us = p->our_offer_us,
		.sockets_max = p->config.plan.sockets_max,
		.hold_s = p->config.hold_s,
	};

	told.offer = bytes_of(offer, peer_offer_write(&p->our_offer, offer, sizeof(offer)));
	return punch_write_offer(p->config.trial, &told, p->buf, sizeof(p->buf));
}

static size_t tell_start(struct punch *p)
{
	struct punch_told_start told = {
		.start_us = p->start_us,
		.delay_us = p->start_us > p->now_us ? (uint32_t)(p->start_us - p->now_us) : 0,
		.hold_s = p->hold_s,
		.options = p->options,
	};

	return punch_write_start(p->config.trial, &told, p->buf, sizeof(p->buf));
}

static size_t tell_evidence(struct punch *p)
{
	struct punch_told_evidence told = {
		.ran_us = p->ran_us,
		.has_path = p->result.path.strategy != PUNCH_NONE,
		.strategy = p->result.path.strategy,
		.step = p->result.step,
		.outer = p->result.path.outer,
		.count = p->result.plan.count,
	};

	memcpy(told.seen, p->result.ours, sizeof(told.seen));
	return punch_write_evidence(p->config.trial, &told, p->buf, sizeof(p->buf));
}

bool pu_tell_next(struct punch *p, struct punch_action *action)
{
	size_t len;

	if (p->tells_offer)
		len = tell_offer(p);
	else if (p->tells_start)
		len = tell_start(p);
	else if (p->tells_evidence)
		len = tell_evidence(p);
	else if (p->tells_bye)
		len = punch_write_bye(p->config.trial, p->buf, sizeof(p->buf));
	else
		return false;
	if (p->tells_offer)
		p->tells_offer = false;
	else if (p->tells_start)
		p->tells_start = false;
	else if (p->tells_evidence)
		p->tells_evidence = false;
	else
		p->tells_bye = false;
	*action = (struct punch_action){ .kind = PUNCH_TELL, .data = bytes_of(p->buf, len) };
	return true;
}
