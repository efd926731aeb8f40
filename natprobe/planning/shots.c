#include "shots.h"

#include <string.h>

#include "punch_plan_side.h"
#include "shots_ports.h"

#define RUNG_US        30000
#define OPENERS        3
#define OPEN_GAP_US    6000
#define PASSES         3
#define PASS_US        600000
#define TARGET_GAP_US  1000
#define PHASES_MAX     40
#define MANY_PORTS     64
#define LATER_ROUND_US 450000

enum phase_kind {
	PHASE_TARGETS,  /* what is announced */
	PHASE_OPEN,     /* each fresh socket to what is announced */
	PHASE_OPEN_ONE, /* ... at one of its addresses: a second destination has another port */
	PHASE_WINDOW,   /* one socket to each foretold port */
	PHASE_SPREAD,   /* each fresh socket to each foretold port */
	PHASE_PAIRED,   /* each fresh socket to a foretold port of its own, at each address */
	PHASE_SHARED,   /* ... at one of them */
	PHASE_RANDOM,   /* one socket to each searched port */
	PHASE_SINGLE,   /* each fresh socket to a searched port of its own */
};

/* Shots one after the other; phases do not overlap. */
struct phase {
	uint8_t kind, ttl;
	uint16_t socket; /* that of the one socket */
	uint32_t start_us, gap_us, count;
};

struct schedule {
	struct phase phases[PHASES_MAX];
	size_t count;
	struct shots_targets targets; /* PHASE_TARGETS; of the others: addresses */
};

static void add(struct schedule *s, struct phase p)
{
	if (s->count < PHASES_MAX && p.count > 0)
		s->phases[s->count++] = p;
}

/* Close together at first, and then a few times a second: the other side may begin late. */
static void add_rounds(const struct shots_view *v, struct schedule *s, uint32_t start_us)
{
	static const uint32_t early_us[] = { 0,      25000,  75000,  150000,
					     300000, 500000, 750000, 1050000 };
	const size_t early = sizeof(early_us) / sizeof(early_us[0]);
	bool hairpin = s->targets.local > 0 && s->targets.count > s->targets.local;

	for (size_t i = 0; i < PHASES_MAX; i++) {
		uint32_t at = i < early ? early_us[i]
					: early_us[early - 1] +
						  (uint32_t)(i - early + 1) * LATER_ROUND_US;
		/* The own network first: a hairpin is the longer way. */
		uint32_t count = hairpin && i < 2 ? s->targets.local : s->targets.count;

		if (start_us + at >= v->step->duration_us)
			break;
		add(s, (struct phase){ .kind = PHASE_TARGETS,
				       .start_us = start_us + at,
				       .gap_us = TARGET_GAP_US,
				       .count = count });
	}
}

static void plan_low_ttl(const struct shots_view *v, struct schedule *s)
{
	const struct punch_part *part = shots_our_part(v);

	for (uint8_t i = 0; i < OPENERS && part->opener_ttl != 0; i++) {
		uint8_t more = i < part->opener_rungs ? i : part->opener_rungs;

		add(s, (struct phase){ .kind = PHASE_TARGETS,
				       .ttl = (uint8_t)(part->opener_ttl + more),
				       .start_us = i * RUNG_US,
				       .gap_us = TARGET_GAP_US,
				       .count = s->targets.count });
	}
	add_rounds(v, s, v->step->settle_us);
}

static uint32_t pace_gap_us(const struct shots_view *v)
{
	return 1000000 / plan_pace_per_s(shots_our_path(v), shots_their_path(v));
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t ports_of_step(const struct shots_view *v)
{
	return larger(v->step->a.ports, v->step->b.ports);
}

/* The same again and again from `start_us` on, with time in between for the other side's. */
static void add_passes(const struct shots_view *v, struct schedule *s, struct phase p)
{
	uint32_t pass_us = ports_of_step(v) * pace_gap_us(v) + PASS_US;

	for (uint32_t i = 0; i < PASSES; i++) {
		add(s, p);
		p.start_us += larger(pass_us, p.count * p.gap_us);
	}
}

static void plan_prediction(const struct shots_view *v, struct schedule *s)
{
	const struct punch_part *ours = shots_our_part(v);
	uint32_t addresses = s->targets.count;
	struct phase p = { .kind = PHASE_OPEN,
			   .gap_us = OPEN_GAP_US,
			   .ttl = ours->opener_ttl,
			   .count = ours->sockets * addresses };

	if (ours->sockets > 0 && ours->ports > 0) {
		p.kind = PHASE_PAIRED;
		p.gap_us = pace_gap_us(v); /* counters of others do not wait */
		if (plan_is_exact(shots_our_path(v)) && plan_is_exact(shots_their_path(v))) {
			p.kind = PHASE_SHARED;
			p.count = ours->sockets;
		}
		add(s, p);
		p.start_us = v->step->settle_us;
		add_passes(v, s, p);
		return;
	}
	if (ours->sockets > 0) {
		if (plan_is_exact(shots_our_path(v))) {
			p.kind = PHASE_OPEN_ONE;
			p.count = ours->sockets;
		}
		add(s, p);
		p.ttl = 0;
		p.start_us = v->step->settle_us + ports_of_step(v) * pace_gap_us(v) + PASS_US / 3;
		add_passes(v, s, p);
		return;
	}
	add_passes(v, s,
		   (struct phase){ .kind = PHASE_WINDOW,
				   .start_us = v->step->settle_us,
				   .gap_us = pace_gap_us(v),
				   .count = ours->ports * addresses });
}

static void plan_birthday(const struct shots_view *v, struct schedule *s)
{
	const struct punch_part *ours = shots_our_part(v);
	uint32_t gap_us = pace_gap_us(v);
	struct phase p = { .kind = PHASE_OPEN,
			   .gap_us = gap_us,
			   .ttl = ours->opener_ttl,
			   .count = ours->sockets * (uint32_t)s->targets.count };

	if (ours->sockets == 0) {
		add(s, (struct phase){ .kind = PHASE_RANDOM,
				       .start_us = v->step->settle_us,
				       .gap_us = gap_us,
				       .count = ours->ports });
		return;
	}
	add(s, p);
	p.ttl = 0;
	p.start_us = v->step->settle_us + ports_of_step(v) * gap_us;
	add(s, p);
}

/* Each side opens what the other one needs; so both begin at once, and again when both are through. */
static void plan_mixed(const struct shots_view *v, struct schedule *s)
{
	const struct punch_part *ours = shots_our_part(v);
	struct phase p = { .kind = PHASE_SPREAD,
			   .socket = SHOTS_SOCKET_FRESH,
			   .gap_us = pace_gap_us(v),
			   .count = (uint32_t)ours->sockets * larger(ours->ports, 1) *
				    s->targets.count };

	if (ours->low != 0) {
		p.kind = ours->sockets == 1 ? PHASE_RANDOM : PHASE_SINGLE;
		p.count = ours->ports;
	} else if (ours->ports <= 1 && shots_their_part(v)->sockets > 1) {
		p.kind = PHASE_PAIRED;
		p.count = (uint32_t)ours->sockets * s->targets.count;
	}
	add(s, p);
	p.start_us = larger(v->step->settle_us + ports_of_step(v) * p.gap_us, p.count * p.gap_us);
	add(s, p);
}

static void make_schedule(const struct shots_view *v, struct schedule *s)
{
	const struct punch_part *ours = shots_our_part(v);

	s->count = 0;
	memset(&s->targets, 0, sizeof(s->targets));
	if (v->step->is_tcp)
		return;
	switch (v->step->strategy) {
	case PUNCH_PREDICTION:
	case PUNCH_BIRTHDAY:
	case PUNCH_MIXED:
		shots_addresses_fill(
			v, ours->sockets == 0 && ours->ports > MANY_PORTS ? 1 : PEER_EXTERNALS_MAX,
			&s->targets);
		break;
	default:
		shots_targets_fill(v, &s->targets);
		break;
	}
	if (s->targets.count == 0)
		return;
	switch (v->step->strategy) {
	case PUNCH_LOW_TTL:
		plan_low_ttl(v, s);
		break;
	case PUNCH_PREDICTION:
		plan_prediction(v, s);
		break;
	case PUNCH_BIRTHDAY:
		plan_birthday(v, s);
		break;
	case PUNCH_MIXED:
		plan_mixed(v, s);
		break;
	default:
		add_rounds(v, s, ours->opens ? 0 : v->step->settle_us);
		break;
	}
}

uint16_t shots_sockets(const struct shots_view *v)
{
	uint16_t sockets = shots_our_part(v)->sockets;

	return sockets < PUNCH_SOCKETS_MAX ? sockets : PUNCH_SOCKETS_MAX;
}

static uint16_t fresh(uint32_t index)
{
	return (uint16_t)(SHOTS_SOCKET_FRESH + index);
}

static void fill(const struct shots_view *v, const struct schedule *s, const struct phase *p,
		 uint32_t i, struct shot *out)
{
	uint32_t addresses = s->targets.count, ports = larger(shots_our_part(v)->ports, 1);
	const struct shots_target *t = &s->targets.list[i % addresses];

	out->socket = p->socket;
	out->to = t->addr;
	switch (p->kind) {
	case PHASE_TARGETS:
		out->socket = t->socket;
		break;
	case PHASE_OPEN:
		out->socket = fresh(i / addresses);
		break;
	case PHASE_OPEN_ONE:
		out->socket = fresh(i);
		break;
	case PHASE_WINDOW:
		out->to.port = shots_foretold(v, i / addresses);
		break;
	case PHASE_SPREAD:
		out->socket = fresh(i / addresses / ports);
		out->to.port = shots_foretold(v, i / addresses % ports);
		break;
	case PHASE_SHARED:
		out->socket = fresh(i);
		out->to.port = shots_foretold(v, i);
		break;
	case PHASE_PAIRED:
		out->socket = fresh(i / addresses);
		out->to.port = shots_foretold(v, i / addresses);
		break;
	case PHASE_RANDOM:
		out->to.port = shots_searched(v, i);
		break;
	default:
		out->socket = fresh(i);
		out->to.port = shots_searched(v, i);
		break;
	}
}

bool shots_get(const struct shots_view *v, uint32_t index, struct shot *out)
{
	struct schedule s;

	make_schedule(v, &s);
	for (size_t i = 0; i < s.count; i++) {
		const struct phase *p = &s.phases[i];

		if (index >= p->count) {
			index -= p->count;
			continue;
		}
		memset(out, 0, sizeof(*out));
		out->at_us = p->start_us + index * p->gap_us;
		out->ttl = p->ttl;
		fill(v, &s, p, index, out);
		return out->at_us < v->step->duration_us;
	}
	return false;
}
