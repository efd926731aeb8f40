/* allocation: the ports of fresh sockets in, the rule of a NAT and a prediction out. */
#include "natprobe/ports/allocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/port_cases.h"
#include "wire.h"

#define ERROR_MAX 2e-4

static void each_rule_is_found(void **state)
{
	for (size_t i = 0; i < port_case_count; i++) {
		const struct port_case *c = &port_cases[i];
		struct port_score s = { 0 };

		for (unsigned n = 0; n < 40; n++)
			port_case_run(c, 1000 * i + n, ERROR_MAX, &s);
		if (s.wrong > 0 || s.unknown > 2)
			fail_msg("%s: %u wrong, %u unknown of %u", c->why, s.wrong, s.unknown,
				 s.runs);
	}
}

/* Samples by hand: pairs of local and external port, 0 for no answer. */
static struct verdict_ports classify(const uint16_t (*pairs)[2], size_t count)
{
	struct verdict_sample samples[VERDICT_SAMPLES_MAX];
	struct verdict_prediction prediction;
	struct verdict_ports ports;

	for (size_t i = 0; i < count; i++) {
		samples[i] = (struct verdict_sample){
			.local_port = pairs[i][0],
			.sent_us = 1000000 + 10000 * i,
		};
		if (pairs[i][1] != 0)
			samples[i].mapped = addr_ipv4(21, 0, 0, 2, pairs[i][1]);
	}
	allocation_classify(samples, count, VERDICT_YES, ERROR_MAX, &ports, &prediction);
	return ports;
}

static void few_samples_tell_nothing(void **state)
{
	static const uint16_t near[][2] = { { 40000, 50001 }, { 41000, 50004 } };
	static const uint16_t lost[][2] = {
		{ 40000, 0 }, { 41000, 41000 }, { 42000, 0 }, { 43000, 43000 }, { 44000, 0 }
	};
	struct verdict_ports p = classify(near, ARRAY_LEN(near));

	/* Two ports close to each other are no rule (frp, EasyTier). */
	assert_int_equal(p.delta, DELTA_UNKNOWN);
	assert_int_equal(p.cause, CAUSE_LOSS);
	assert_int_equal(p.low, 50001);
	assert_int_equal(p.high, 50004);
	p = classify(lost, ARRAY_LEN(lost));
	assert_int_equal(p.delta, DELTA_UNKNOWN);
	assert_int_equal(p.sampled, 5);
	assert_int_equal(p.answered, 2);
	p = classify(NULL, 0);
	assert_int_equal(p.delta, DELTA_UNKNOWN);
	assert_int_equal(p.cause, CAUSE_NOT_TRIED);
	assert_false(p.preserved.known);
}

static void without_nat_nothing_applies(void **state)
{
	struct verdict_sample s = { .local_port = 40000, .mapped = addr_ipv4(22, 0, 0, 2, 40000) };
	struct verdict_prediction prediction;
	struct verdict_ports p;

	allocation_classify(&s, 1, VERDICT_NO, ERROR_MAX, &p, &prediction);
	assert_int_equal(p.delta, DELTA_NOT_APPLICABLE);
	assert_int_equal(allocation_more(NULL, 0, VERDICT_NO, ERROR_MAX, 48).locals,
			 ALLOCATION_ENOUGH);
}

static void the_plan_begins_with_both_kinds(void **state)
{
	struct verdict_sample none[VERDICT_SAMPLES_MAX] = { 0 };
	struct allocation_plan p = allocation_more(none, 0, VERDICT_YES, ERROR_MAX, 48);

	assert_int_equal(p.locals, ALLOCATION_RANDOM);
	assert_int_equal(p.count, 12);
	p = allocation_more(none, 12, VERDICT_UNKNOWN, ERROR_MAX, 48);
	assert_int_equal(p.locals, ALLOCATION_CONSECUTIVE);
	assert_int_equal(p.count, ALLOCATION_FIRST - 12);
	assert_false(p.serial);
	p = allocation_more(none, 12, VERDICT_YES, ERROR_MAX, 4);
	assert_int_equal(p.count, 4);
	p = allocation_more(none, 12, VERDICT_YES, ERROR_MAX, 0);
	assert_int_equal(p.locals, ALLOCATION_ENOUGH);
	p = allocation_more(none, VERDICT_SAMPLES_MAX, VERDICT_YES, ERROR_MAX, 48);
	assert_int_equal(p.locals, ALLOCATION_ENOUGH);
}

/* What keeps 12 of 20 ports keeps 60 %, and neither all nor none. */
static void a_share_is_an_interval(void **state)
{
	uint16_t pairs[20][2];
	struct verdict_ports p;

	for (uint16_t i = 0; i < 20; i++) {
		pairs[i][0] = (uint16_t)(40000 + 97 * i);
		pairs[i][1] = (uint16_t)(i % 5 < 3 ? pairs[i][0] : 9001 + 31337 * i % 20011);
	}
	p = classify(pairs, 20);
	assert_int_equal(p.delta, DELTA_EQUAL);
	assert_int_equal(p.parity.value, VERDICT_NO);
	assert_int_equal(p.contiguity.value, VERDICT_YES);
	assert_true(p.preserved.low > 0.2 && p.preserved.low < 0.3);
	assert_true(p.preserved.high > 0.85 && p.preserved.high < 0.95);

	for (uint16_t i = 0; i < 20; i++)
		pairs[i][1] = pairs[i][0];
	p = classify(pairs, 20);
	assert_true(p.preserved.low > 0.6 && p.preserved.low < 0.8);
	assert_true(p.preserved.high >= 1);
}

static void one_taken_port_breaks_no_parity(void **state)
{
	uint16_t pairs[48][2];

	for (uint16_t i = 0; i < 48; i++)
		pairs[i][0] = pairs[i][1] = (uint16_t)(40000 + 97 * i);
	assert_int_equal(classify(pairs, 20).parity.value, VERDICT_YES);
	pairs[7][1] = 18908; /* 40679 was taken */
	assert_int_equal(classify(pairs, 48).parity.value, VERDICT_YES);
	for (size_t i = 0; i < 48; i += 4)
		pairs[i][1] = (uint16_t)(9001 + i);
	assert_int_equal(classify(pairs, 48).parity.value, VERDICT_NO);
}

static void pool_sample(struct verdict *v, unsigned external)
{
	v->samples[v->sample_count] = (struct verdict_sample){
		.local_port = (uint16_t)(40000 + v->sample_count),
		.mapped = addr_ipv4(21, 0, 0, (uint8_t)external, 5000),
	};
	v->sample_count++;
}

static void pool_sighting(struct verdict *v, unsigned slot, unsigned server, unsigned external)
{
	v->sightings[v->sighting_count++] = (struct verdict_sighting){
		.endpoint = addr_ipv4(30, 0, 0, (uint8_t)server, 3478),
		.mapped = addr_ipv4(21, 0, 0, (uint8_t)external, 5000),
		.slot = (uint8_t)slot,
	};
}

static void pooling_is_told_by_whom_it_depends_on(void **state)
{
	static const struct {
		const char *why, *samples; /* the external address of each, - for no answer */
		const char *sightings;     /* slot, server, external address */
		enum verdict_pooling value;
	} cases[] = {
		{ "one for all", "11111111111111111111", "011 021 111 121", POOLING_PAIRED },
		{ "one for all that were answered", "1-1111-1111-11111-11", "011 021",
		  POOLING_PAIRED },
		{ "too few", "1111", "011 021 111 121", POOLING_UNKNOWN },
		{ "by lot", "12211121212221121112", "011 021 112 122", POOLING_ARBITRARY },
		{ "by lot, the flow decides", "12211121212221121112", "011 022 112 121",
		  POOLING_ARBITRARY },
		{ "by destination", "11111111111111111111", "011 022 111 122",
		  POOLING_PER_DESTINATION },
		{ "one destination", "", "011 111", POOLING_UNKNOWN },
		{ "a new address before the samples", "22222222222222222222", "011 021 111",
		  POOLING_UNKNOWN },
		{ "a new address meanwhile", "11111111122222222222", "011 021", POOLING_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = { .nat.value = VERDICT_YES };

		for (const char *s = cases[i].samples; *s != '\0'; s++) {
			pool_sample(&v, (unsigned)(*s - '0'));
			if (*s == '-')
				v.samples[v.sample_count - 1].mapped = (struct addr){ 0 };
		}
		for (const char *s = cases[i].sightings; *s != '\0'; s += s[3] != '\0' ? 4 : 3)
			pool_sighting(&v, (unsigned)(s[0] - '0'), (unsigned)(s[1] - '0'),
				      (unsigned)(s[2] - '0'));
		allocation_pooling(&v, &(struct addr){ .family = ADDR_IPV4, .ip = { 30, 0, 0, 1 } },
				   1e-4);
		if (v.pooling.value != cases[i].value)
			fail_msg("%s: %s", cases[i].why, verdict_pooling_word(v.pooling.value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_found),
		cmocka_unit_test(few_samples_tell_nothing),
		cmocka_unit_test(without_nat_nothing_applies),
		cmocka_unit_test(the_plan_begins_with_both_kinds),
		cmocka_unit_test(a_share_is_an_interval),
		cmocka_unit_test(one_taken_port_breaks_no_parity),
		cmocka_unit_test(pooling_is_told_by_whom_it_depends_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
