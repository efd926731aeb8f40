#include "shots_ports.h"

#include <math.h>

#include "punch_plan_side.h"

#define PORT_MIN  1024
#define LOCAL_GAP 16 /* further sockets of the host often have the next ports */
#define OWN_MOVES 6
#define MOVES_MAX 60000

static const struct peer_sample *last_sample(const struct peer_offer *o, uint8_t path)
{
	uint8_t count = o->sample_counts[path % PEER_PATHS_MAX];

	if (count == 0 || count > PEER_SAMPLES_MAX)
		return NULL;
	return &o->samples[path % PEER_PATHS_MAX][count - 1];
}

static uint16_t wrap(const struct peer_path *path, int64_t port)
{
	struct plan_range r = plan_range_of(path);
	int64_t width = plan_range_width(r), at = (port - r.low) % width;

	return (uint16_t)(r.low + (at < 0 ? at + width : at));
}

/* In steps of two: all of them are of one parity. */
static uint16_t local_beyond(uint16_t base, uint32_t index)
{
	uint32_t port = base + LOCAL_GAP + 2 * index;

	if (base < PORT_MIN)
		return 0;
	if (port > UINT16_MAX)
		port = port - UINT16_MAX - 1 + PORT_MIN;
	return (uint16_t)port;
}

static uint16_t local_port(const struct shots_view *v, const struct peer_path *path,
			   const struct peer_offer *o, uint8_t index_of_path, uint32_t index)
{
	const struct peer_endpoint *e = shots_endpoint(v, o, index_of_path, PEER_MAPPED);
	const struct peer_sample *s = last_sample(o, index_of_path);
	uint32_t port;

	if (!plan_is_hard(path))
		return 0;
	if (path->delta == DELTA_DEPENDENT && s != NULL) {
		port = s->local_port + 1u + index;
		return port <= UINT16_MAX && port >= PORT_MIN ? (uint16_t)port : 0;
	}
	/* That of the port from which the window is counted. */
	if (plan_ports_follow_parity(path) && s != NULL)
		return local_beyond(s->local_port, index);
	if (!plan_ports_follow_parity(path) && !plan_is_lot_of_parity(path) &&
	    plan_ports(path) != PLAN_PORTS_LOCAL)
		return 0;
	return e != NULL ? local_beyond(e->local_port, index) : 0;
}

uint16_t shots_local_port(const struct shots_view *v, uint16_t index)
{
	uint8_t strategy = v->step->strategy;
	bool is_parity_searched =
		strategy == PUNCH_BIRTHDAY && plan_is_lot_of_parity(shots_our_path(v));

	if (strategy != PUNCH_PREDICTION && strategy != PUNCH_MIXED && !is_parity_searched)
		return 0;
	return local_port(v, shots_our_path(v), v->our_offer, shots_our_part(v)->path, index);
}

/* By how many steps the window begins later, since others took ports meanwhile. */
static int64_t moved_on(const struct shots_view *v, const struct peer_path *path,
			const struct peer_sample *s)
{
	const struct punch_part *ours = shots_our_part(v), *theirs = shots_their_part(v);
	double age_s = ((double)s->ago_us + v->offer_age_us + v->step->start_us) / 1e6;
	double mean = plan_background(path) * (age_s < 60 ? age_s : 60);
	double least = mean - 3 * sqrt(mean), most = mean + 3 * sqrt(mean) + OWN_MOVES;
	int64_t stride = ours->window_step / (path->delta_value != 0 ? path->delta_value : 1);
	double span = ours->ports * (double)(stride > 0 ? stride : 1);
	double first = most + theirs->sockets - span;

	if (plan_is_exact(path))
		return 0;
	/* Where both sides count, one meeting is enough, but it lies anywhere behind the least. */
	if (ours->sockets > 1 && ours->ports > 1)
		first = least;
	if (first > mean)
		first = mean;
	if (first < 0)
		return 0;
	return first < MOVES_MAX ? (int64_t)first : MOVES_MAX;
}

uint16_t shots_foretold(const struct shots_view *v, uint32_t index)
{
	const struct punch_part *part = shots_our_part(v);
	const struct peer_path *path = shots_their_path(v);
	uint8_t at = shots_their_part(v)->path;
	const struct peer_sample *s = last_sample(v->their_offer, at);
	const struct peer_endpoint *e = shots_endpoint(v, v->their_offer, at, PEER_MAPPED);
	int64_t base = s != NULL ? s->external_port : e != NULL ? e->addr.port : 0;

	if (plan_ports(path) == PLAN_PORTS_LOCAL) {
		uint32_t step = part->window_step > 1 ? (uint32_t)part->window_step : 1;
		uint16_t local = local_port(v, path, v->their_offer, at, index * step);

		return wrap(path, (int64_t)local + part->window_first);
	}
	if (s != NULL)
		base += moved_on(v, path, s) * path->delta_value;
	return wrap(path, base + part->window_first + (int64_t)index * part->window_step);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Leaves out the ports of the parity that their sockets do not have. */
static uint32_t thin_out(const struct shots_view *v, struct plan_range *r)
{
	const struct peer_endpoint *e =
		shots_endpoint(v, v->their_offer, shots_their_part(v)->path, PEER_MAPPED);

	if (!plan_is_lot_of_parity(shots_their_path(v)) || e == NULL || r->low == r->high)
		return 1;
	r->low = (uint16_t)(r->low + ((r->low ^ e->local_port) & 1));
	return 2;
}

uint16_t shots_searched(const struct shots_view *v, uint32_t index)
{
	const struct punch_part *part = shots_our_part(v);
	struct plan_range r = { part->low, part->high };
	uint32_t width, stride, first, gap;

	if (r.low == 0 || r.high < r.low)
		r = (struct plan_range){ PORT_MIN, UINT16_MAX };
	gap = thin_out(v, &r);
	width = (plan_range_width(r) + gap - 1) / gap;
	first = (uint32_t)(v->seed & UINT32_MAX) % width;
	/* A step that has no divisor in common with the width goes through all of them. */
	stride = (uint32_t)(v->seed >> 32) % width;
	while (common_divisor(width, stride) != 1)
		stride = (stride + 1) % width;
	return (uint16_t)(r.low + gap * ((first + (uint64_t)index * stride) % width));
}
