#include "punch_plan_steps.h"

#define TTL_FIRST    2
#define TTL_RUNGS    2
#define TTL_MAX      16
#define RUNG_US      30000
#define MARGIN_US    30000
#define ERROR_MAX_US 1500000
#define PATIENCE_US  1200000
#define LAST_US      4000000
#define DELAY_US     300000
#define TCP_US       3500000

/* Openers have to make a mapping in the outermost NAT, and to end before the other side's. */
static void set_openers(struct punch_part *part, const struct peer_path *path)
{
	part->opens = true;
	if (path->opener_ttl != 0 && path->opener_ttl <= TTL_MAX) {
		part->opener_ttl = path->opener_ttl;
		part->opener_rungs = 0;
		return;
	}
	/* Routers that do not translate count as well: so some more are tried. Both sides climb at
	 * the same pace, so one that gets to the other NAT finds that it has opened. */
	part->opener_ttl =
		path->nats != 0 && path->nats < TTL_MAX ? (uint8_t)(path->nats + 1) : TTL_FIRST;
	part->opener_rungs = TTL_RUNGS;
}

static uint32_t start_error_us(const struct plan_pair *p)
{
	return p->start_error_us < ERROR_MAX_US ? p->start_error_us : ERROR_MAX_US;
}

static uint32_t patience_us(const struct plan_pair *p)
{
	uint32_t us = PATIENCE_US + 2 * plan_round_trip_us(p->a, p->b) + start_error_us(p);

	return us < LAST_US ? us : LAST_US;
}

static struct punch_step begin(const struct plan_pair *p, enum punch_strategy strategy)
{
	struct punch_step s = { .strategy = (uint8_t)strategy, .family = p->family };

	s.a.path = p->path_a;
	s.b.path = p->path_b;
	s.duration_us = patience_us(p);
	return s;
}

static uint32_t settle_us(const struct plan_pair *p)
{
	return (TTL_RUNGS + 1) * RUNG_US + start_error_us(p) + MARGIN_US;
}

static bool knows_ttls(const struct plan_pair *p)
{
	return p->a->opener_ttl != 0 && p->b->opener_ttl != 0;
}

/* A first, then B, where both can. */
static void set_direct(const struct plan_pair *p, struct punch_step *s)
{
	s->a.opens = plan_reaches(p->a, p->b);
	s->b.opens = !s->a.opens;
	if (!s->a.opens && !plan_reaches(p->b, p->a)) /* nobody can, and the user insists */
		s->a.opens = true;
	s->settle_us = DELAY_US + start_error_us(p);
	s->duration_us += s->settle_us;
	s->chance = plan_chance_direct(p);
}

static void set_delayed(const struct plan_pair *p, bool a_opens, struct punch_step *s)
{
	const struct peer_path *opener = a_opens ? p->a : p->b;
	const struct peer_path *other = a_opens ? p->b : p->a;

	s->a.opens = a_opens;
	s->b.opens = !a_opens;
	s->settle_us = DELAY_US + start_error_us(p);
	s->duration_us += s->settle_us;
	s->chance = plan_chance_delayed(p);
	/* What the opener sends comes early to the other one. */
	if (plan_is_spoilt_early(other) && !plan_is_spoilt_early(opener))
		s->chance *= 0.1;
}

struct punch_step plan_step(const struct plan_pair *p, enum punch_strategy strategy, bool a_opens)
{
	struct punch_step s = begin(p, strategy);

	s.a.opens = s.b.opens = true;
	switch (strategy) {
	case PUNCH_DIRECT:
		set_direct(p, &s);
		break;
	case PUNCH_PORT_MAPPING:
		s.chance = plan_chance_port_mapping(p);
		break;
	case PUNCH_SIMULTANEOUS:
		s.is_local = p->local;
		s.chance = plan_chance_simultaneous(p);
		break;
	case PUNCH_LOW_TTL:
		set_openers(&s.a, p->a);
		set_openers(&s.b, p->b);
		s.settle_us = settle_us(p);
		s.duration_us += s.settle_us;
		s.chance = plan_chance_low_ttl(p, knows_ttls(p));
		break;
	case PUNCH_DELAYED:
		set_delayed(p, a_opens, &s);
		break;
	case PUNCH_TCP_LOW_TTL:
		set_openers(&s.a, p->a);
		set_openers(&s.b, p->b);
		s.settle_us = settle_us(p);
		/* fall through */
	case PUNCH_TCP:
		s.is_tcp = true;
		s.is_local = p->local && strategy == PUNCH_TCP;
		s.duration_us = TCP_US;
		s.chance = plan_chance_tcp(p, strategy == PUNCH_TCP_LOW_TTL);
		break;
	default:
		break;
	}
	return s;
}
