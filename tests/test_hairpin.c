/* hairpin: who sends to whom, what an arrival shows, and when silence counts. */
#include "natprobe/discover/hairpin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct addr local = { .family = ADDR_IPV4, .ip = { 192, 168, 1, 2 } };

struct bench {
	struct hairpin hairpin;
	struct probe_log log;
	struct discover_timing timing;
	struct probe_view view;
};

static struct bench *begin(unsigned answered, unsigned lost)
{
	static struct bench b;
	const uint8_t slots[HAIRPIN_ENDS] = { 4, 7 };
	const struct addr mapped[HAIRPIN_ENDS] = { addr_ipv4(21, 0, 0, 2, 4000),
						   addr_ipv4(21, 0, 0, 2, 5000) };

	b = (struct bench){ .timing = discover_timing_default() };
	b.log.rtt[0].min_us = 50000;
	b.view = (struct probe_view){ .timing = &b.timing,
				      .log = &b.log,
				      .loss = { { answered, lost } },
				      .error_max = 1e-4,
				      .now_us = 1000000 };
	hairpin_start(&b.hairpin, 0, slots, mapped, b.view.now_us);
	return &b;
}

/* Sends all that it wants, and waits until it is over. Returns how many. */
static unsigned send_all(struct bench *b)
{
	struct probe_want want;
	unsigned sent = 0;

	while (!hairpin_is_over(&b->hairpin, &b->view)) {
		uint64_t deadline_us;

		if (hairpin_next(&b->hairpin, &b->view, &want)) {
			hairpin_sent(&b->hairpin, &b->view);
			sent++;
		}
		deadline_us = hairpin_deadline_us(&b->hairpin, &b->view);
		if (deadline_us == UINT64_MAX)
			break;
		b->view.now_us = deadline_us;
	}
	assert_true(hairpin_is_over(&b->hairpin, &b->view));
	return sent;
}

static struct hairpin_rest open_nat(void)
{
	return (struct hairpin_rest){ .nat = VERDICT_YES,
				      .mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT,
				      .filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
				      .pooling = POOLING_PAIRED,
				      .sees_own_source = true };
}

static void ends_take_turns(void **state)
{
	struct bench *b = begin(40, 0);
	struct probe_want want;

	for (unsigned i = 0; i < 4; i++) {
		assert_true(hairpin_next(&b->hairpin, &b->view, &want));
		assert_int_equal(want.slot, i % 2 == 0 ? 4 : 7);
		assert_int_equal(want.to.port, i % 2 == 0 ? 5000 : 4000);
		hairpin_sent(&b->hairpin, &b->view);
		assert_false(hairpin_next(&b->hairpin, &b->view, &want));
		b->view.now_us = hairpin_deadline_us(&b->hairpin, &b->view);
		assert_int_equal(hairpin_has_mappings(&b->hairpin), i > 0);
	}
}

static void it_makes_no_mapping_while_others_sample(void **state)
{
	struct bench *b = begin(40, 0);
	struct probe_want want;

	b->view.holds = true;
	assert_false(hairpin_next(&b->hairpin, &b->view, &want));
}

static void loss_asks_for_more_copies(void **state)
{
	unsigned few = send_all(begin(40, 0)), more = send_all(begin(40, 8));

	assert_in_range(few, 5, 7);
	assert_in_range(more, few + 1, 12);
}

static void an_arrival_ends_it_and_shows_its_source(void **state)
{
	static const struct {
		struct addr from;
		enum verdict_hairpin value;
	} cases[] = {
		{ { .family = ADDR_IPV4, .ip = { 21, 0, 0, 2 }, .port = 4000 },
		  HAIRPIN_EXTERNAL_SOURCE },
		{ { .family = ADDR_IPV4, .ip = { 192, 168, 1, 2 }, .port = 6000 },
		  HAIRPIN_INTERNAL_SOURCE },
	};
	struct hairpin_rest rest = open_nat();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench *b = begin(40, 0);
		struct verdict v = { 0 };

		hairpin_sent(&b->hairpin, &b->view);
		hairpin_on_arrival(&b->hairpin, 0, 4, &cases[i].from); /* to itself: no */
		assert_false(hairpin_is_over(&b->hairpin, &b->view));
		hairpin_on_arrival(&b->hairpin, 0, 7, &cases[i].from);
		assert_true(hairpin_is_over(&b->hairpin, &b->view));
		hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
		assert_int_equal(v.hairpin.value, cases[i].value);
		assert_int_equal(v.hairpin.answered, 1);
		assert_true(v.hairpin.error == 0);
	}
}

static void silence_counts_where_nothing_hides_it(void **state)
{
	static const struct {
		enum verdict_behaviour mapping, filtering;
		enum verdict_pooling pooling;
		bool sees_own_source;
		enum verdict_hairpin value;
		enum verdict_cause cause;
	} cases[] = {
		{ BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT, POOLING_PAIRED, true,
		  HAIRPIN_NO, CAUSE_NONE },
		{ BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT, POOLING_PAIRED, true,
		  HAIRPIN_NO, CAUSE_NONE },
		{ BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT, POOLING_PAIRED,
		  false, HAIRPIN_UNKNOWN, CAUSE_HOST_HIDES },
		{ BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT, POOLING_ARBITRARY,
		  true, HAIRPIN_UNKNOWN, CAUSE_FILTERED },
		{ BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT, POOLING_PAIRED, true,
		  HAIRPIN_UNKNOWN, CAUSE_FILTERED },
		{ BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_UNKNOWN, POOLING_PAIRED, true,
		  HAIRPIN_UNKNOWN, CAUSE_FILTERED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hairpin_rest rest = { .nat = VERDICT_YES,
					     .mapping = cases[i].mapping,
					     .filtering = cases[i].filtering,
					     .pooling = cases[i].pooling,
					     .sees_own_source = cases[i].sees_own_source };
		struct bench *b = begin(40, 0);
		struct verdict v = { 0 };

		(void)send_all(b);
		hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
		if (v.hairpin.value != cases[i].value || v.hairpin.cause != cases[i].cause)
			fail_msg("case %zu: %s", i,
				 verdict_hairpin_word((enum verdict_hairpin)v.hairpin.value));
		if (v.hairpin.value == HAIRPIN_NO)
			assert_true(v.hairpin.error > 0 && v.hairpin.error <= 1e-4);
	}
}

static void silence_of_a_lost_mapping_does_not_count(void **state)
{
	static const enum verdict_cause reasons[] = { CAUSE_CHANGED, CAUSE_LOSS, CAUSE_BUDGET };

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		struct hairpin_rest rest = open_nat();
		struct bench *b = begin(40, 0);
		struct verdict v = { 0 };

		rest.unmapped = reasons[i];
		assert_false(hairpin_is_sent(&b->hairpin, &b->view));
		(void)send_all(b);
		assert_true(hairpin_is_sent(&b->hairpin, &b->view));
		hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
		assert_int_equal(v.hairpin.value, HAIRPIN_UNKNOWN);
		assert_int_equal(v.hairpin.cause, reasons[i]);
	}
}

/* As a local filter does, or a mapped address that no socket may send to. */
static void what_the_system_refuses_is_not_tried_for_ever(void **state)
{
	struct bench *b = begin(40, 0);
	struct hairpin_rest rest = open_nat();
	struct probe_want want;
	struct verdict v = { 0 };
	unsigned tries = 0;

	for (; !hairpin_is_over(&b->hairpin, &b->view); b->view.now_us += 15000) {
		if (!hairpin_next(&b->hairpin, &b->view, &want))
			continue;
		hairpin_sent(&b->hairpin, &b->view);
		hairpin_withdrawn(&b->hairpin);
		if (++tries > 20)
			fail_msg("it does not end");
	}
	assert_true(hairpin_has_mappings(&b->hairpin));
	hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
	assert_int_equal(v.hairpin.sent, 0);
	assert_int_equal(v.hairpin.cause, CAUSE_LOCAL_ERROR);
}

/* Whoever is near the path can send a copy again and again. */
static void arrivals_are_no_more_than_what_was_sent(void **state)
{
	const struct addr first = addr_ipv4(21, 0, 0, 2, 4000), later = addr_ipv4(9, 9, 9, 9, 9);
	struct bench *b = begin(40, 0);

	hairpin_sent(&b->hairpin, &b->view);
	hairpin_on_arrival(&b->hairpin, 0, 7, &first);
	for (unsigned i = 0; i <= UINT16_MAX; i++)
		hairpin_on_arrival(&b->hairpin, 0, 7, &later);
	assert_int_equal(b->hairpin.answered, 1);
	assert_true(addr_equal(&b->hairpin.source, &first));
	assert_true(hairpin_is_over(&b->hairpin, &b->view));
	hairpin_restart(&b->hairpin, b->view.now_us);
	hairpin_withdrawn(&b->hairpin);
	assert_int_equal(b->hairpin.sent, 0);
}

static void an_early_end_says_why(void **state)
{
	struct bench *b = begin(40, 0);
	struct hairpin_rest rest = open_nat();
	struct verdict v = { 0 };

	hairpin_sent(&b->hairpin, &b->view);
	hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_TIMEOUT, &v);
	assert_int_equal(v.hairpin.value, HAIRPIN_UNKNOWN);
	assert_int_equal(v.hairpin.cause, CAUSE_TIMEOUT);

	b->view.exhausted = true;
	b->view.now_us += 1000000;
	hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
	assert_int_equal(v.hairpin.cause, CAUSE_BUDGET);

	rest.nat = VERDICT_NO;
	hairpin_end(&b->hairpin, &b->view, &rest, &local, CAUSE_NONE, &v);
	assert_int_equal(v.hairpin.value, HAIRPIN_NOT_APPLICABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_take_turns),
		cmocka_unit_test(it_makes_no_mapping_while_others_sample),
		cmocka_unit_test(loss_asks_for_more_copies),
		cmocka_unit_test(an_arrival_ends_it_and_shows_its_source),
		cmocka_unit_test(silence_counts_where_nothing_hides_it),
		cmocka_unit_test(silence_of_a_lost_mapping_does_not_count),
		cmocka_unit_test(what_the_system_refuses_is_not_tried_for_ever),
		cmocka_unit_test(arrivals_are_no_more_than_what_was_sent),
		cmocka_unit_test(an_early_end_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
