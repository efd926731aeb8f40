#include "timing.h"

#define SECOND_US    1000000u
#define OVERDUE_US   20000u  /* least: schedulers and clocks are coarse */
#define PATIENT_US   500000u /* most, until a probe is sent again */
#define SLACK_US     20000u  /* of the window as promised, for coarse timers */
#define ROUND_US     10000u  /* that a round trip may vary by */
#define ROUND_MAX_US 200000u

struct discover_timing discover_timing_default(void)
{
	return (struct discover_timing){
		.first_gap_us = 80000,
		.tcp_after_us = 250000,
		.tcp_gap_us = 350000,
		.give_up_us = 3000000,
		.deadline_us = 15000000,
		.round_gap_us = 40000,
		.tail_us = 120000,
		.sample_gap_us = 10000,
		.rounds = 3,
		.rounds_max = 18,
		.copies = 3,
		.copies_max = 10,
		.blocked_copies = 9,
		.budget = 120,
		.rate_per_s = 100,
		.burst = 30,
	};
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t timing_round_gap_us(const struct discover_timing *t, uint64_t rtt_us)
{
	return at_least(t->round_gap_us, at_most(rtt_us + ROUND_US, ROUND_MAX_US));
}

/* Between copies of a probe whose answer is overdue. */
static uint64_t copy_gap_us(const struct discover_timing *t, uint64_t rtt_us)
{
	return at_least(t->round_gap_us, at_most(rtt_us, TIMING_RTT_MAX_US) / 10);
}

uint64_t timing_tail_us(const struct discover_timing *t, uint64_t rtt_us)
{
	uint64_t rtt = at_most(rtt_us, TIMING_RTT_MAX_US);

	return rtt + at_least(t->tail_us, rtt / 2);
}

uint64_t timing_overdue_us(uint64_t rtt_us)
{
	uint64_t rtt = at_most(rtt_us, TIMING_RTT_MAX_US);

	return at_least(rtt + rtt / 2, OVERDUE_US);
}

uint64_t discover_window_us(const struct discover_timing *t, uint64_t rtt_us)
{
	uint64_t gaps = t->rounds > 0 ? t->rounds - 1u : 0;

	return gaps * timing_round_gap_us(t, rtt_us) + timing_tail_us(t, rtt_us) + SLACK_US;
}

void timing_sooner(uint64_t *deadline_us, uint64_t at_us, uint64_t now_us)
{
	if (at_us > now_us && at_us < *deadline_us)
		*deadline_us = at_us;
}

static void note_copy(struct retry *r, uint64_t now_us)
{
	if (r->copies == 0)
		r->first_us = now_us;
	if (r->copies < UINT8_MAX)
		r->copies++;
	r->last_us = now_us;
}

void retry_sent(struct retry *r, const struct discover_timing *t, uint64_t rtt_us, uint64_t now_us)
{
	uint64_t overdue = timing_overdue_us(rtt_us);
	uint64_t age;

	note_copy(r, now_us);
	age = now_us - r->first_us;
	if (age >= overdue)
		r->next_us = now_us + copy_gap_us(t, rtt_us);
	else
		r->next_us = now_us + at_most(overdue - age, PATIENT_US);
}

void retry_sent_blind(struct retry *r, const struct discover_timing *t, uint8_t index,
		      uint8_t count, uint64_t now_us)
{
	uint64_t gap = t->first_gap_us;
	uint64_t age;

	note_copy(r, now_us);
	age = now_us - r->first_us;
	if (age >= 2 * SECOND_US)
		gap *= 4;
	else if (age >= SECOND_US)
		gap *= 2;
	if (r->copies == 2)
		gap *= index + 1u;
	else if (r->copies > 2)
		gap *= count;
	r->next_us = now_us + gap;
}

bool retry_is_silent(const struct retry *r, const struct discover_timing *t, uint8_t copies,
		     uint64_t rtt_us, uint64_t now_us)
{
	return r->copies >= copies && now_us >= r->last_us + timing_tail_us(t, rtt_us);
}

bool retry_is_overdue(const struct retry *r, uint64_t rtt_us, uint64_t now_us)
{
	return r->copies > 0 && now_us >= r->first_us + timing_overdue_us(rtt_us);
}

static uint64_t token_us(const struct discover_timing *t)
{
	return SECOND_US / at_least(t->rate_per_s, 1);
}

uint64_t pace_ready_us(const struct pace *p, const struct discover_timing *t)
{
	uint64_t saved = token_us(t) * (at_least(t->burst, 1) - 1);

	return p->full_at_us > saved ? p->full_at_us - saved : 0;
}

void pace_take(struct pace *p, const struct discover_timing *t, uint64_t now_us)
{
	p->full_at_us = at_least(p->full_at_us, now_us) + token_us(t);
}
