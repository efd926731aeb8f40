#include "window_gauge.h"

#define SECOND_US     1000000
#define DRAIN_US      10000000 /* between drains */
#define SURPLUS_FIRST 100
#define SURPLUS_LEAST 10
#define LOSS_QUEUED   20  /* one of so many chunks lost where a queue stands: it is full */
#define LOSS_UNQUEUED 10  /* the same where none can be seen ... */
#define LOSS_LASTING  80  /* ... or so many of a thousand, for some rounds */
#define LEAST_BASE    85U /* percent of what was delivered, with a surplus of 0 ... */
#define LEAST_SHARE   40U /* ... and so many more for a surplus of 100 */
#define LEAST_GROWING 200U
#define GROWN_PERCENT 125U /* in GROWN_ROUNDS: else the path is full */
#define GROWN_ROUNDS  3
#define CHUNK         1200
#define MARGIN        (10 * CHUNK)

void window_gauge_sent(struct window_gauge *g, uint32_t tsn, uint64_t now_us)
{
	if (g->is_timing)
		return;
	g->is_timing = true;
	g->timed_tsn = tsn;
	g->timed_us = now_us;
}

static void take_rtt(struct window_gauge *g, const struct window_view *v)
{
	uint64_t rtt_us;

	if (!g->is_timing || (int32_t)(v->tsn_seen - g->timed_tsn) < 0)
		return;
	g->is_timing = false;
	rtt_us = v->now_us - g->timed_us;
	if (rtt_us == 0)
		rtt_us = 1;
	g->rtt_last_us = rtt_us;
	if (g->rtt_us == 0 || rtt_us < g->rtt_us)
		g->rtt_us = rtt_us;
	if (g->rtt_new_us == 0 || rtt_us < g->rtt_new_us)
		g->rtt_new_us = rtt_us;
}

static uint64_t best_rate(const struct window_gauge *g)
{
	uint64_t best = 0;

	for (size_t i = 0; i < WINDOW_GAUGE_ROUNDS; i++)
		best = g->rates[i] > best ? g->rates[i] : best;
	return best;
}

/* A sender without data says little of the path: such a rate counts only where it is a better one. */
static void take_rate(struct window_gauge *g, const struct window_view *v)
{
	uint64_t took_us = v->now_us - g->round_us, rate;

	/* What comes sooner than a round trip had left before the round began. */
	if (took_us < g->rtt_us)
		took_us = g->rtt_us;
	rate = (v->delivered - g->round_delivered) * SECOND_US / (took_us + 1);
	if ((g->is_starved || g->is_draining) && rate <= best_rate(g))
		return;
	g->rates[g->next] = rate;
	g->next = (uint8_t)((g->next + 1) % WINDOW_GAUGE_ROUNDS);
}

/* Whether the path still may carry much more than was ever sent. */
static void judge_growth(struct window_gauge *g)
{
	uint64_t best = best_rate(g);

	if (best >= g->full_rate / 100 * GROWN_PERCENT) {
		g->full_rate = best;
		g->full_count = 0;
	} else if (g->full_count < GROWN_ROUNDS && !g->is_starved && !g->is_draining) {
		g->full_count++;
	}
}

/*
 * Where the queue overflows the surplus is too much for it. Where none stands that could be seen, a few
 * of a hundred are lost by the air or by chance: that counts when it is many, or lasts.
 */
static bool is_overflow(struct window_gauge *g, const struct window_view *v)
{
	uint64_t chunks = (v->sent - g->round_sent) / CHUNK + 1;
	uint64_t lost = v->again - g->round_again;
	bool is_queued = g->rtt_last_us > g->rtt_us + g->rtt_us / 8;

	g->loss = (uint16_t)((7U * g->loss + 1000 * (lost < chunks ? lost : chunks) / chunks) / 8);
	if (lost <= 2)
		return false;
	if (is_queued)
		return lost > chunks / LOSS_QUEUED;
	return lost > chunks / LOSS_UNQUEUED || g->loss > LOSS_LASTING;
}

static void judge_loss(struct window_gauge *g, const struct window_view *v)
{
	if (is_overflow(g, v))
		g->surplus = (uint8_t)(g->surplus * 3 / 4);
	else if (g->surplus < SURPLUS_FIRST)
		g->surplus++;
	if (g->surplus < SURPLUS_LEAST)
		g->surplus = SURPLUS_LEAST;
}

/* Our own surplus hides how short the way is: for a round there is none. */
static void plan_drain(struct window_gauge *g, uint64_t now_us)
{
	if (g->is_draining) {
		g->is_draining = false;
		g->rtt_us = g->rtt_new_us != 0 ? g->rtt_new_us : g->rtt_us;
		g->rtt_new_us = 0;
		g->drained_us = now_us;
	} else if (now_us - g->drained_us > DRAIN_US) {
		g->is_draining = true;
		g->rtt_new_us = 0;
		g->is_timing = false;
	}
}

static void begin_round(struct window_gauge *g, const struct window_view *v)
{
	g->is_begun = v->tsn_last != v->tsn_seen; /* something is on its way */
	g->is_starved = v->is_starved;
	g->round_tsn = v->tsn_last;
	g->round_us = v->now_us;
	g->round_delivered = v->delivered;
	g->round_sent = v->sent;
	g->round_again = v->again;
}

bool window_gauge_update(struct window_gauge *g, const struct window_view *v)
{
	take_rtt(g, v);
	if (v->is_starved)
		g->is_starved = true;
	if (g->drained_us == 0) {
		g->surplus = SURPLUS_FIRST;
		g->drained_us = v->now_us;
	}
	if (!g->is_begun) {
		begin_round(g, v);
		return false;
	}
	if ((int32_t)(v->tsn_seen - g->round_tsn) < 0)
		return false;
	take_rate(g, v);
	judge_growth(g);
	judge_loss(g, v);
	plan_drain(g, v->now_us);
	begin_round(g, v);
	return true;
}

/* What is on its way where no queue stands. */
static uint64_t span_of(const struct window_gauge *g)
{
	return best_rate(g) * g->rtt_us / SECOND_US;
}

size_t window_gauge_least(const struct window_gauge *g)
{
	uint64_t percent = LEAST_BASE + g->surplus * LEAST_SHARE / 100;

	if (g->full_count < GROWN_ROUNDS && g->surplus == SURPLUS_FIRST)
		percent = LEAST_GROWING;
	return g->is_draining ? 0 : (size_t)(span_of(g) / 100 * percent);
}

size_t window_gauge_most(const struct window_gauge *g)
{
	uint64_t span = span_of(g);

	if (span == 0)
		return 0;
	if (g->is_draining)
		return (size_t)(span / 2 + MARGIN);
	span += span / 100 * g->surplus + MARGIN;
	return span < UINT32_MAX ? (size_t)span : UINT32_MAX;
}
