#include "trial_stats.h"

#include <math.h>
#include <stdlib.h>

#define Z 1.959964 /* 95 % of a normal distribution lie within */

struct trial_interval trial_wilson(unsigned hits, unsigned tries)
{
	double n = tries, p = hits / n, z2n = Z * Z / n, middle, half;

	if (tries == 0)
		return (struct trial_interval){ 0, 1 };
	middle = (p + z2n / 2) / (1 + z2n);
	half = Z * sqrt(p * (1 - p) / n + z2n / (4 * n)) / (1 + z2n);
	return (struct trial_interval){ .low = hits > 0 ? fmax(middle - half, 0) : 0,
					.high = hits < tries ? fmin(middle + half, 1) : 1 };
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint32_t trial_median(uint32_t *values, size_t count)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), by_size);
	if (count % 2 == 1)
		return values[count / 2];
	return (uint32_t)(((uint64_t)values[count / 2 - 1] + values[count / 2]) / 2);
}

static bool has_path(const struct trial_record *r)
{
	return r->path.strategy != PUNCH_NONE;
}

static bool to_path(const struct trial_record *r, unsigned strategy, uint32_t *out)
{
	*out = r->to_path_us;
	return has_path(r) && (strategy == PUNCH_NONE || r->path.strategy == strategy);
}

static bool rtt(const struct trial_record *r, unsigned strategy, uint32_t *out)
{
	*out = r->quality.rtt_median_us;
	return has_path(r) && r->quality.answered > 0;
}

static bool jitter(const struct trial_record *r, unsigned strategy, uint32_t *out)
{
	*out = r->quality.jitter_us;
	return has_path(r) && r->quality.answered > 1;
}

static bool packets(const struct trial_record *r, unsigned strategy, uint32_t *out)
{
	bool any = strategy == PUNCH_NONE;

	*out = any ? r->sent : 0;
	for (uint8_t i = 0; i < r->step_count && strategy != PUNCH_NONE; i++) {
		if (r->steps[i].strategy != strategy || !trial_step_counts(r, i))
			continue;
		*out += r->steps[i].ours.sent + r->steps[i].ours.tcp_connects;
		any = true;
	}
	return any;
}

/* take: a number of a record, where it has one */
static uint32_t median_of(const struct trial_run *run,
			  bool (*take)(const struct trial_record *r, unsigned strategy,
				       uint32_t *out),
			  unsigned strategy, uint32_t *room)
{
	size_t count = 0;

	for (size_t i = 0; i < run->count; i++)
		count += take(&run->records[i], strategy, &room[count]);
	return trial_median(room, count);
}

static void count_strategy(const struct trial_record *r, unsigned strategy, struct trial_tally *t)
{
	bool tried = false, told[PUNCH_REASONS] = { false };

	for (uint8_t i = 0; i < r->step_count; i++) {
		uint8_t reason = r->steps[i].verdict.reason;

		if (r->steps[i].strategy != strategy || !trial_step_counts(r, i))
			continue;
		tried = true;
		told[reason < PUNCH_REASONS ? reason : REASON_UNSURE] = true;
	}
	t->tries += tried;
	t->paths += tried && r->path.strategy == strategy;
	/* Of a step of the same strategy that failed before one made the path, nothing is told. */
	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS && r->path.strategy != strategy; i++)
		t->reasons[i] += told[i];
}

static void count_record(const struct trial_record *r, struct trial_stats *s)
{
	s->trials++;
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++)
		count_strategy(r, i, &s->strategies[i]);
	if (!has_path(r)) {
		s->reasons[r->overall.reason < PUNCH_REASONS ? r->overall.reason : REASON_UNSURE]++;
		return;
	}
	s->paths++;
	s->relayed += r->path.is_relayed;
	s->pings += r->quality.sent;
	s->pongs += r->quality.answered;
	s->held += r->quality.held_s > 0 && r->quality.survived != VERDICT_UNKNOWN;
	s->survived += r->quality.held_s > 0 && r->quality.survived == VERDICT_YES;
}

bool trial_stats_make(const struct trial_run *run, struct trial_stats *out)
{
	uint32_t *room = calloc(run->count + 1, sizeof(*room));

	*out = (struct trial_stats){ 0 };
	if (room == NULL)
		return false;
	for (size_t i = 0; i < run->count; i++)
		count_record(&run->records[i], out);
	out->interval = trial_wilson(out->paths, out->trials);
	out->direct_interval = trial_wilson(out->paths - out->relayed, out->trials);
	out->to_path_us = median_of(run, to_path, PUNCH_NONE, room);
	out->rtt_us = median_of(run, rtt, PUNCH_NONE, room);
	out->jitter_us = median_of(run, jitter, PUNCH_NONE, room);
	out->packets = median_of(run, packets, PUNCH_NONE, room);
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		struct trial_tally *t = &out->strategies[i];

		t->interval = trial_wilson(t->paths, t->tries);
		t->to_path_us = median_of(run, to_path, i, room);
		t->packets = median_of(run, packets, i, room);
	}
	free(room);
	return true;
}
