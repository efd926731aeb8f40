/* What boxes did to packets between the two. */
#include <stdlib.h>

#include "packet.h"
#include "punch_judge_parts.h"

const struct nat_profile *story_profile(const struct story *s, unsigned side)
{
	return s->config->profiles[s->config->same_nat ? 0 : side];
}

static bool is_between(const struct story *s, const struct sim_pair_event *e)
{
	return e->at_us >= s->from_us && e->at_us < s->until_us && e->protocol == s->protocol &&
	       !sim_pair_is_infrastructure(&e->remote);
}

unsigned story_count(const struct story *s, unsigned side, unsigned truth)
{
	const struct sim_pair_event *events;
	unsigned found = 0;
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];

		if (is_between(s, e) && (e->truth & truth) != 0 &&
		    (side == 2 || e->side == side || s->config->same_nat))
			found++;
	}
	return found;
}

struct refused story_refused(const struct story *s, unsigned side, int32_t shift)
{
	const struct addr *announced = &s->seen[1 - side]->announced;
	const struct sim_pair_event *events;
	struct refused r = { 0 };
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];

		if (!is_between(s, e) || (e->truth & REFUSED) == 0 ||
		    (e->side != side && !s->config->same_nat))
			continue;
		if (addr_equal(&e->remote, announced))
			r.announced++;
		else if (addr_equal_ip(&e->remote, announced))
			r.other_port++;
		else
			r.other_address++;
		if (e->remote.port == (uint16_t)(announced->port + shift))
			r.has_shift = true;
	}
	return r;
}

/* By how many ports it lies outside of [low, high]. */
static int32_t beside(uint16_t port, uint16_t low, uint16_t high)
{
	if (port > high)
		return (int32_t)port - high;
	return port < low ? (int32_t)port - low : 0;
}

struct given story_given(const struct story *s, unsigned side)
{
	const struct punch_evidence *other = s->seen[1 - side];
	const struct punch_part *tries = side == 0 ? &s->step->b : &s->step->a;
	int32_t stride = tries->window_step != 0 ? abs(tries->window_step) : 1;
	const struct sim_pair_event *events;
	struct given g = { .beside = INT32_MAX };
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];
		uint16_t port = e->external.port;
		int32_t by = beside(port, other->tried_low, other->tried_high);

		if (!is_between(s, e) || (e->truth & SIM_PAIR_MAPPED) == 0 || e->layer != 0 ||
		    (e->side != side && !s->config->same_nat))
			continue;
		g.count++;
		g.is_other = g.is_other || port != s->seen[side]->announced.port;
		g.was_tried = g.was_tried || (by == 0 && (port - other->tried_low) % stride == 0);
		if (abs(by) < abs(g.beside))
			g.beside = by;
	}
	return g;
}
