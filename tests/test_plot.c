/* plot: round axes, and what was seen in the right place. */
#include "natprobe/report/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

static void axes_are_round(void **state)
{
	static const struct {
		const char *why;
		double low, high, step_min;
		struct plot_axis want;
	} cases[] = {
		{ "a port range", 33012, 59871, 1, { 30000, 60000, 5000 } },
		{ "few ports", 61593, 61613, 1, { 61590, 61615, 5 } },
		{ "one port", 5000, 5000, 1, { 5000, 5001, 1 } },
		{ "a step beyond two", 0, 12.5, 0.001, { 0, 15, 5 } },
		{ "small times", 0, 0.31, 0.001, { 0, 0.4, 0.1 } },
		{ "below zero", -7, 3, 1, { -8, 4, 2 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plot_axis a = plot_axis(cases[i].low, cases[i].high, 6, cases[i].step_min);

		if (a.low != cases[i].want.low || a.step != cases[i].want.step ||
		    a.high < cases[i].want.high - 1e-9 || a.high > cases[i].want.high + 1e-9)
			fail_msg("%s: %g to %g by %g", cases[i].why, a.low, a.high, a.step);
	}
}

static void shares_are_cut_off(void **state)
{
	const struct plot_axis a = { 10, 20, 5 };
	const struct plot_axis none = { 5, 5, 1 };

	assert_true(plot_share(&a, 15) == 0.5);
	assert_true(plot_share(&a, 9) == 0);
	assert_true(plot_share(&a, 1e300) == 1);
	assert_true(plot_share(&none, 5) == 0);
}

static struct verdict verdict_of(uint8_t delta, const uint16_t (*ports)[2], size_t count)
{
	struct verdict v = { .ports.delta = delta, .sample_count = (uint8_t)count };

	for (size_t i = 0; i < count; i++) {
		v.samples[i].local_port = ports[i][0];
		if (ports[i][1] != 0)
			v.samples[i].mapped = addr_ipv4(203, 0, 113, 9, ports[i][1]);
	}
	return v;
}

static void ports_need_two_answers(void **state)
{
	static const uint16_t ports[][2] = { { 40000, 0 }, { 40010, 1024 }, { 40020, 1030 } };
	struct verdict v = verdict_of(DELTA_RANDOM, ports, 2);
	struct plot_ports p;

	assert_false(plot_ports(&v, 6, &p));
	v = verdict_of(DELTA_RANDOM, ports, 3);
	assert_true(plot_ports(&v, 6, &p));
	assert_int_equal(p.answered, 2);
	assert_int_equal(p.lost, 1);
	assert_true(p.local.low < 40000 && p.local.high > 40020);
	assert_true(p.mapped.low < 1024 && p.mapped.high > 1030);
}

static void ports_end_where_ports_end(void **state)
{
	static const uint16_t ports[][2] = { { 1, 1 }, { 65535, 65535 } };
	struct verdict v = verdict_of(DELTA_EQUAL, ports, 2);
	struct plot_ports p;

	assert_true(plot_ports(&v, 7, &p));
	assert_true(p.local.low == 0 && p.mapped.low == 0);
	assert_true(p.local.high >= 65535 && p.local.high <= 70000);
}

static void steps_are_counted(void **state)
{
	/* The third is lost: no step leads to it, nor from it. */
	static const uint16_t ports[][2] = { { 50000, 2000 }, { 40000, 1998 }, { 45000, 0 },
					     { 41000, 1994 }, { 42000, 1992 }, { 43000, 1990 },
					     { 44000, 9000 } };
	struct verdict v = verdict_of(DELTA_INDEPENDENT, ports, ARRAY_LEN(ports));
	struct plot_deltas d;

	assert_true(plot_deltas(&v, &d));
	assert_true(d.is_step);
	assert_int_equal(d.total, 4);
	assert_int_equal(d.width, 1);
	assert_int_equal(d.counts[-2 - d.first], 3);
	assert_int_equal(d.most, 3);
	assert_int_equal(d.above, 1);
	assert_int_equal(d.below, 0);
}

static void offsets_are_counted_where_the_rule_is_one(void **state)
{
	static const uint16_t ports[][2] = { { 40000, 40100 }, { 41000, 41100 }, { 42000, 42100 } };
	struct verdict v = verdict_of(DELTA_PRESERVING, ports, ARRAY_LEN(ports));
	struct plot_deltas d;

	assert_true(plot_deltas(&v, &d));
	assert_false(d.is_step);
	assert_int_equal(d.counts[100 - d.first], 3);
	assert_int_equal(d.total, 3);
}

static void far_ones_share_bins(void **state)
{
	struct verdict v = { .ports.delta = DELTA_RANDOM, .sample_count = VERDICT_SAMPLES_MAX };
	struct plot_deltas d;
	unsigned sum = 0;

	for (unsigned i = 0; i < VERDICT_SAMPLES_MAX; i++)
		v.samples[i].mapped =
			addr_ipv4(203, 0, 113, 9, (uint16_t)(1 + i * 40503u % 65535u));
	assert_true(plot_deltas(&v, &d));
	assert_true(d.bins <= PLOT_BINS_MAX);
	for (unsigned i = 0; i < d.bins; i++)
		sum += d.counts[i];
	assert_int_equal(sum, d.total);
	assert_int_equal(d.total, VERDICT_SAMPLES_MAX - 1);
	assert_int_equal(d.below + d.above, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(axes_are_round),
		cmocka_unit_test(shares_are_cut_off),
		cmocka_unit_test(ports_need_two_answers),
		cmocka_unit_test(ports_end_where_ports_end),
		cmocka_unit_test(steps_are_counted),
		cmocka_unit_test(offsets_are_counted_where_the_rule_is_one),
		cmocka_unit_test(far_ones_share_bins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
