/* Whole discoveries on a virtual clock: every NAT by its name, in time, and with evidence. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_check.h"

static void every_combination_is_exact_and_in_time(void **state)
{
	static const uint32_t rtts_us[] = { 1000, 20000, 50000, 150000, 400000, 1000000, 1200000 };
	struct sim_case c = sim_home;

	for (size_t m = 0; m < ARRAY_LEN(sim_mappings); m++) {
		for (size_t f = 0; f < ARRAY_LEN(sim_filterings); f++) {
			for (size_t t = 0; t < ARRAY_LEN(rtts_us) * 4; t++) {
				struct sim_result r;

				c.box.mapping = sim_mappings[m];
				c.box.filtering = sim_filterings[f];
				c.net.rtt_us = rtts_us[t / 4];
				c.box.allocation = (t & 1) != 0 ? NAT_PRESERVING : NAT_RANDOM;
				c.ipv6 = (t & 2) != 0;
				c.net.seed++;
				r = sim_check(&c);
				if (!sim_is_exact(&c, &r) || r.verdict.finding_count > 0 ||
				    r.elapsed_us > sim_promised_us(&c, &r))
					sim_fail(&c, &r);
			}
		}
	}
}

static void positives_decide_without_the_window(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.box.filtering = NAT_EI;
	c.box.hairpin = NAT_HAIRPIN_EXTERNAL;
	r = sim_check(&c);
	assert_true(sim_is_exact(&c, &r));
	assert_int_equal(r.verdict.hairpin.value, HAIRPIN_EXTERNAL_SOURCE);
	assert_true(r.elapsed_us <= 500000); /* the gateway's silence */
	assert_int_equal(r.verdict.window_us, 0);
	assert_float_equal(r.verdict.filtering.error, 0, 0);

	c.box.mapping = NAT_NONE;
	r = sim_check(&c);
	assert_true(sim_is_exact(&c, &r));
	assert_true(r.elapsed_us <= 500000);
	assert_int_equal(r.verdict.sample_count, 0);
}

/* Random ports out of few: two destinations often have the same port, by chance. */
static void equal_ports_by_chance_are_seen_through(void **state)
{
	struct sim_case c = sim_home;
	unsigned exact = 0;

	c.box.allocation = NAT_LINUX; /* lets two destinations share a port */
	c.box.overload = 1;
	c.box.port_low = 2000;
	c.box.port_high = 2199;
	c.box.mapping = NAT_APD;
	for (c.net.seed = 1; c.net.seed <= 500; c.net.seed++) {
		struct sim_result r = sim_check(&c);

		if (sim_is_wrong(&c, &r) && r.verdict.mapping.value != BEHAVIOUR_MIXED)
			sim_fail(&c, &r);
		exact += sim_is_exact(&c, &r);
	}
	assert_in_range(exact, 495, 500);
}

/* An external address by chance for each flow, but always the same port. */
static void arbitrary_pooling_does_not_hide_the_mapping(void **state)
{
	struct sim_case c = sim_home;

	c.box.pooling = NAT_POOL_ARBITRARY;
	c.box.externals[0] = addr_ipv4(21, 0, 0, 2, 0);
	c.box.externals[1] = addr_ipv4(21, 0, 0, 3, 0);
	c.box.external_count = 2;
	for (c.net.seed = 1; c.net.seed <= 200; c.net.seed++)
		assert_int_equal(sim_check(&c).verdict.mapping.value,
				 BEHAVIOUR_ENDPOINT_INDEPENDENT);
}

/* A NAT that restarts, or runs out of ports, while it is looked at. */
static void a_nat_that_changes_is_mixed_or_unknown(void **state)
{
	struct sim_case c = sim_home;

	c.box.allocation = NAT_RANDOM;
	for (c.net.flush_at_us = SIM_START_US; c.net.flush_at_us <= SIM_START_US + 500000;
	     c.net.flush_at_us += 7000) {
		struct sim_result r = sim_check(&c);
		uint8_t mapping = r.verdict.mapping.value, filtering = r.verdict.filtering.value;

		if ((mapping != BEHAVIOUR_MIXED && mapping != sim_behaviour(c.box.mapping)) ||
		    (filtering != BEHAVIOUR_UNKNOWN && filtering != sim_behaviour(c.box.filtering)))
			sim_fail(&c, &r);
		c.net.seed++;
	}
}

static void the_evidence_is_complete(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;
	const struct verdict *v = &r.verdict;

	r = sim_check(&c);
	assert_int_equal(v->sent, r.datagrams);
	assert_int_equal(v->rtt_min_us, c.net.rtt_us);
	assert_int_equal(v->rtt_max_us, c.net.rtt_us);
	assert_int_equal(v->servers[0].rtt_us, c.net.rtt_us);
	assert_in_range(v->servers[0].sent, v->sent - 8, v->sent); /* the gateway got a few */
	assert_int_equal(v->server_count, 1);
	/* Four endpoints from two sockets, and the two ends of the hairpin once more. */
	assert_int_equal(v->sighting_count, 10);
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];

		assert_int_equal(s->mapped.port, s->local.port);
		assert_true(s->answered > 0 && s->sent >= s->answered);
	}
	assert_true(v->sightings[0].slot != v->sightings[7].slot);
	assert_in_range(v->filter[FILTER_CONTROL].sent, 3, 5);
	assert_int_equal(v->filter[FILTER_CONTROL].answered, v->filter[FILTER_CONTROL].sent);
	assert_int_equal(v->filter[FILTER_BOTH].sent, v->filter[FILTER_CONTROL].sent);
	assert_int_equal(v->filter[FILTER_BOTH].answered, 0);
	assert_int_equal(v->filter[FILTER_BOTH].verify_answered, 1);
	assert_true(v->filtering.error > 0 && v->filtering.error < 3e-4);
	assert_true(v->window_us >= 6 * c.net.rtt_us);
	assert_in_range(v->sample_count, 16, 24);
	for (size_t i = 0; i < v->sample_count; i++)
		assert_int_equal(v->samples[i].mapped.port, v->samples[i].local_port);
	assert_int_equal(v->ports.delta, DELTA_EQUAL);
	assert_int_equal(v->mapping_tcp.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(v->pooling.value, POOLING_PAIRED);
	assert_int_equal(v->rate_limit.value, VERDICT_NO);
	assert_true(v->confidence >= 0.999 && v->confidence < 1);
	assert_true(v->loss.known && v->loss.low == 0 && v->loss.high < 0.2);
	assert_int_equal(v->legacy, LEGACY_RESTRICT_PORT);
	assert_int_equal(verdict_prospect(v), PROSPECT_PUNCH);
}

/* The same seed, the same bytes, the same verdict. */
static void a_run_repeats(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result a, b;

	c.net.access.loss = 0.1;
	c.net.access.jitter_us = 20000;
	c.net.access.jitter_reorders = 1;
	a = sim_check(&c);
	b = sim_check(&c);
	assert_int_equal(a.elapsed_us, b.elapsed_us);
	assert_int_equal(a.datagrams, b.datagrams);
	assert_int_equal(a.verdict.filtering.value, b.verdict.filtering.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_exact_and_in_time),
		cmocka_unit_test(positives_decide_without_the_window),
		cmocka_unit_test(equal_ports_by_chance_are_seen_through),
		cmocka_unit_test(arbitrary_pooling_does_not_hide_the_mapping),
		cmocka_unit_test(a_nat_that_changes_is_mixed_or_unknown),
		cmocka_unit_test(the_evidence_is_complete),
		cmocka_unit_test(a_run_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
