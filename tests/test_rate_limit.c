/* rate_limit: loss that ends with the pace, loss that does not, and no loss worth the trouble. */
#include "natprobe/discover/rate_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/rng.h"

#define RTT_US 50000

struct bench {
	struct rate_limit rate;
	struct probe_log log;
	struct discover_timing timing;
	struct pace pace;
	struct rng rng;
	double loss;    /* of each probe; with burst: that a burst begins */
	unsigned burst; /* so many are lost in a row on average */
	bool bad;
	unsigned per_s; /* what the path takes; 0: all */
	double tokens;
	uint64_t filled_us;
	uint64_t now_us;
	unsigned slowed; /* how often the pace was lowered */
};

static bool is_dropped(struct bench *b)
{
	if (b->per_s > 0) {
		b->tokens += (double)(b->now_us - b->filled_us) * b->per_s / 1e6;
		b->tokens = b->tokens > 5 ? 5 : b->tokens;
		b->filled_us = b->now_us;
		if (b->tokens < 1)
			return true;
		b->tokens -= 1;
	}
	if (b->burst > 0 && b->bad)
		return (b->bad = rng_below(&b->rng, b->burst) > 0);
	b->bad = rng_below(&b->rng, 10000) < (uint32_t)(b->loss * 10000);
	return b->bad;
}

static void send_one(struct bench *b)
{
	struct probe *p = &b->log.probes[b->log.count++];

	*p = (struct probe){ .want = { .test = PROBE_FILTER }, .sent_us = b->now_us };
	p->answered = !is_dropped(b);
	if (p->answered)
		b->log.kinds[p->want.test][p->want.index] |= 1;
}

/* Sends at the pace that is allowed, and looks at what became of it a round trip later. */
static void run(struct bench *b, unsigned probes)
{
	b->timing = discover_timing_default();
	b->now_us = b->filled_us = 1000000;
	b->tokens = 5;
	b->log.rtt[0].min_us = b->log.rtt[0].awake_us = RTT_US;
	for (unsigned i = 0; i < probes; i++) {
		uint64_t ready_us = pace_ready_us(&b->pace, &b->timing);

		if (ready_us > b->now_us)
			b->now_us = ready_us;
		pace_take(&b->pace, &b->timing, b->now_us);
		send_one(b);
		b->slowed += rate_limit_step(&b->rate, &b->log, &b->timing, &b->pace, b->now_us);
		b->now_us += 5000;
	}
}

static enum verdict_answer judge(const struct bench *b)
{
	struct verdict v = { 0 };

	rate_limit_end(&b->rate, true, CAUSE_NONE, &v);
	assert_int_equal(v.rate_limit.value == VERDICT_UNKNOWN, v.rate_limit.cause != CAUSE_NONE);
	return (enum verdict_answer)v.rate_limit.value;
}

static void a_limit_is_found_and_kept_to(void **state)
{
	for (unsigned per_s = 10; per_s <= 40; per_s += 10) {
		static struct bench b;
		struct verdict v = { 0 };

		b = (struct bench){ .rng = rng_seed(per_s), .per_s = per_s };
		run(&b, 120);
		assert_int_equal(judge(&b), VERDICT_YES);
		assert_in_range(b.slowed, 1, 3);
		assert_true(b.timing.rate_per_s <= per_s);
		rate_limit_end(&b.rate, true, CAUSE_NONE, &v);
		assert_in_range(v.rate_limit_per_s, per_s / 2, per_s * 2);
	}
}

static void plain_loss_is_none(void **state)
{
	unsigned yes = 0, slowed = 0;

	for (uint64_t seed = 1; seed <= 500; seed++) {
		static struct bench b;

		b = (struct bench){ .rng = rng_seed(seed), .loss = 0.19 };
		run(&b, 100);
		yes += judge(&b) == VERDICT_YES;
		slowed += b.slowed > 0;
	}
	assert_int_equal(yes, 0);
	assert_in_range(slowed, 0, 50);
}

/* Datagrams that are lost in a row are gone when the pace is lower: by themselves. */
static void bursts_of_loss_are_none(void **state)
{
	unsigned yes = 0, slowed = 0;

	for (uint64_t seed = 1; seed <= 1000; seed++) {
		static struct bench b;

		b = (struct bench){ .rng = rng_seed(seed), .loss = 0.02, .burst = 6 };
		run(&b, 120);
		yes += judge(&b) == VERDICT_YES;
		slowed += b.slowed > 0;
	}
	assert_in_range(slowed, 10, 1000);
	assert_in_range(yes, 0, slowed / 5);
}

static void heavy_loss_that_stays_is_none_either(void **state)
{
	unsigned yes = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		static struct bench b;

		b = (struct bench){ .rng = rng_seed(seed), .loss = 0.6 };
		run(&b, 150);
		yes += judge(&b) == VERDICT_YES;
		assert_true(b.slowed > 0);
	}
	assert_in_range(yes, 0, 1);
}

static void no_loss_slows_nothing(void **state)
{
	static struct bench b;

	b = (struct bench){ .rng = rng_seed(1) };
	run(&b, 120);
	assert_int_equal(b.slowed, 0);
	assert_int_equal(b.timing.rate_per_s, 100);
	assert_int_equal(judge(&b), VERDICT_NO);
}

static void nobody_tells_nothing(void **state)
{
	const struct rate_limit rate = { 0 };
	struct verdict v = { 0 };

	rate_limit_end(&rate, false, CAUSE_UDP_BLOCKED, &v);
	assert_int_equal(v.rate_limit.value, VERDICT_UNKNOWN);
	assert_int_equal(v.rate_limit.cause, CAUSE_UDP_BLOCKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_is_found_and_kept_to),
		cmocka_unit_test(plain_loss_is_none),
		cmocka_unit_test(bursts_of_loss_are_none),
		cmocka_unit_test(heavy_loss_that_stays_is_none_either),
		cmocka_unit_test(no_loss_slows_nothing),
		cmocka_unit_test(nobody_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
