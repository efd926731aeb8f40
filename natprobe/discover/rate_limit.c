#include "rate_limit.h"

#include <math.h>

#define RECENT     20   /* the latest probes that are looked at */
#define RECENT_MIN 18   /* fewer say nothing */
#define LOST_SHARE 0.5  /* of them, at least */
#define CHANCE_MAX 3e-4 /* that the same loss hit the fast ones so much harder */
#define CHANCE_MIN 0.2  /* above this it is taken to have done so */

#define BEYOND_MAX 1.8 /* datagrams more than a limit lets through; bursts of loss do */

#define SLOW_MIN     12 /* slow probes before anything is concluded */
#define SLOW_MAX     60 /* after as many it is not the pace */
#define SLOWINGS_MAX 3
#define PROBES_MAX   36
#define PACE_MIN     5      /* a second */
#define PACE_SHARE   0.7    /* of what got through */
#define PAUSE_US     150000 /* lets the path recover */
#define SECOND_US    1000000.0

struct tally {
	unsigned known, lost;
};

static struct tally count_fates(const struct probe_log *log, const uint8_t *fates, uint64_t from_us,
				uint64_t to_us)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < log->count; i++) {
		uint64_t at_us = log->probes[i].sent_us;

		if (at_us < from_us || at_us >= to_us || fates[i] == PROBE_FATE_OPEN)
			continue;
		t.known++;
		t.lost += fates[i] == PROBE_FATE_LOST;
	}
	return t;
}

/* When the RECENT-th last probe whose fate is known left. */
static uint64_t recent_us(const struct probe_log *log, const uint8_t *fates, uint64_t from_us)
{
	unsigned known = 0;

	for (size_t i = log->count; i-- > 0;) {
		if (fates[i] == PROBE_FATE_OPEN)
			continue;
		if (log->probes[i].sent_us < from_us)
			return from_us;
		if (++known == RECENT)
			return log->probes[i].sent_us;
	}
	return from_us;
}

/* What got through from the first loss on, in datagrams a second. */
static double passed_per_s(const struct probe_log *log, const uint8_t *fates, uint64_t from_us)
{
	uint64_t first_us = 0, last_us = 0;
	unsigned passed = 0;

	for (size_t i = 0; i < log->count; i++) {
		uint64_t at_us = log->probes[i].sent_us;

		if (at_us < from_us || fates[i] == PROBE_FATE_OPEN)
			continue;
		if (first_us == 0 && fates[i] == PROBE_FATE_LOST)
			first_us = at_us;
		if (first_us == 0)
			continue;
		passed += fates[i] == PROBE_FATE_ANSWERED;
		last_us = at_us;
	}
	if (last_us <= first_us)
		return 0;
	return passed * SECOND_US / (double)(last_us - first_us);
}

/*
 * The chance that, of `lost` losses among all, at most slow.lost hit the slow probes, if pace
 * has nothing to do with it (Fisher's exact test).
 */
static double chance_of(struct tally fast, struct tally slow)
{
	unsigned lost = fast.lost + slow.lost;
	unsigned first = lost > fast.known ? lost - fast.known : 0;
	double term = 1, all = 0, low = 0;

	/* Terms relative to the first possible one: their ratio is known. */
	for (unsigned k = first; k <= lost && k <= slow.known; k++) {
		all += term;
		if (k <= slow.lost)
			low += term;
		term *= (double)(lost - k) * (slow.known - k) /
			((k + 1.0) * (fast.known - lost + k + 1.0));
	}
	return all > 0 ? low / all : 1;
}

static bool is_heavy(struct tally t)
{
	return t.known >= RECENT_MIN && t.lost >= LOST_SHARE * t.known;
}

static void slow_down(struct rate_limit *r, struct discover_timing *t, struct pace *pace,
		      double passed, uint64_t now_us)
{
	double per_s = passed * PACE_SHARE;

	if (r->slowings == 0) {
		r->full_per_s = t->rate_per_s;
		r->full_burst = t->burst;
	}
	if (per_s > t->rate_per_s / 2.0)
		per_s = t->rate_per_s / 2.0;
	if (per_s < PACE_MIN)
		per_s = PACE_MIN;
	r->state = RATE_SLOWED;
	r->slowings++;
	r->passed_per_s = (uint16_t)(passed + 0.5);
	r->since_us = now_us;
	t->rate_per_s = (uint16_t)per_s;
	t->burst = 1;
	pace->full_at_us = now_us + PAUSE_US;
}

static void go_on(struct rate_limit *r, struct discover_timing *t, bool is_loss)
{
	r->state = is_loss ? RATE_UNLIMITED : RATE_UNCLEAR;
	t->rate_per_s = r->full_per_s;
	t->burst = r->full_burst;
}

/* The probes from the first two on that were lost one after the other: returns how many are left. */
static size_t list_limited(const struct probe_log *log, const uint8_t *fates,
			   const struct rate_limit *r, size_t list[PROBE_LOG_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < log->count; i++) {
		uint64_t at_us = log->probes[i].sent_us;

		if (at_us < r->from_us || at_us >= r->since_us || fates[i] == PROBE_FATE_OPEN)
			continue;
		if (count == 1 && fates[i] != PROBE_FATE_LOST)
			count = 0;
		if (count > 0 || fates[i] == PROBE_FATE_LOST)
			list[count++] = i;
	}
	return count;
}

/*
 * A limit lets datagrams through evenly: between two that it drops there pass as many as the
 * time gives it. How many more did at most?
 */
static double most_beyond(const struct rate_limit *r, const struct probe_log *log,
			  const uint8_t *fates)
{
	size_t list[PROBE_LOG_MAX], count = list_limited(log, fates, r, list);
	double per_us, passed = 0, most = 0;
	uint64_t lost_us = 0;

	for (size_t i = 0; i < count; i++)
		passed += fates[list[i]] == PROBE_FATE_ANSWERED;
	if (count == 0)
		return 0;
	per_us = passed /
		 (double)(log->probes[list[count - 1]].sent_us - log->probes[list[0]].sent_us + 1);
	for (size_t i = 0; i < count; i++) {
		uint64_t at_us = log->probes[list[i]].sent_us;

		if (fates[list[i]] == PROBE_FATE_LOST) {
			lost_us = at_us;
			passed = 0;
			continue;
		}
		passed++;
		most = fmax(most, passed - per_us * (double)(at_us - lost_us));
	}
	return most;
}

static bool compare(struct rate_limit *r, const struct probe_log *log, const uint8_t *fates,
		    struct discover_timing *t, struct pace *pace, uint64_t now_us)
{
	struct tally fast = count_fates(log, fates, r->from_us, r->since_us);
	struct tally slow = count_fates(log, fates, r->since_us, UINT64_MAX);
	double chance;

	if (slow.known < SLOW_MIN)
		return false;
	chance = chance_of(fast, slow);
	if (chance <= CHANCE_MAX) {
		r->state = most_beyond(r, log, fates) <= BEYOND_MAX ? RATE_LIMITED : RATE_UNCLEAR;
		r->chance = chance;
		return false;
	}
	if (is_heavy(slow) && r->slowings < SLOWINGS_MAX && t->rate_per_s > PACE_MIN) {
		r->from_us = r->since_us;
		slow_down(r, t, pace, passed_per_s(log, fates, r->since_us), now_us);
		return true;
	}
	if (slow.known >= SLOW_MAX || is_heavy(slow) || r->probes >= PROBES_MAX)
		go_on(r, t, chance >= CHANCE_MIN);
	return false;
}

bool rate_limit_step(struct rate_limit *r, const struct probe_log *log, struct discover_timing *t,
		     struct pace *pace, uint64_t now_us)
{
	uint8_t fates[PROBE_LOG_MAX];

	if ((r->state != RATE_WATCHING && r->state != RATE_SLOWED) || log->count < RECENT_MIN)
		return false;
	probe_log_fates(log, now_us, fates);
	if (r->state == RATE_SLOWED)
		return compare(r, log, fates, t, pace, now_us);
	r->from_us = recent_us(log, fates, 0);
	if (!is_heavy(count_fates(log, fates, r->from_us, UINT64_MAX)))
		return false;
	slow_down(r, t, pace, passed_per_s(log, fates, 0), now_us);
	return true;
}

bool rate_limit_wants_probe(const struct rate_limit *r)
{
	return r->state == RATE_SLOWED && r->probes < PROBES_MAX;
}

void rate_limit_probe_sent(struct rate_limit *r)
{
	r->probes++;
}

double rate_limit_error(const struct rate_limit *r)
{
	return r->state == RATE_LIMITED ? r->chance : 0;
}

void rate_limit_end(const struct rate_limit *r, bool answered, enum verdict_cause cause,
		    struct verdict *v)
{
	if (!answered) {
		v->rate_limit.cause = (uint8_t)cause;
		return;
	}
	switch (r->state) {
	case RATE_LIMITED:
		v->rate_limit.value = VERDICT_YES;
		v->rate_limit_per_s = r->passed_per_s;
		break;
	case RATE_SLOWED:
	case RATE_UNCLEAR:
		v->rate_limit.cause = CAUSE_LOSS;
		break;
	default:
		v->rate_limit.value = VERDICT_NO;
		break;
	}
}
