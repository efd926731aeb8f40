/* plan: two kinds of NAT in, the best way between them out. */
#include "natprobe/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static struct verdict behind(enum verdict_behaviour mapping, enum verdict_behaviour filtering)
{
	struct verdict v = {
		.nat.value = mapping == BEHAVIOUR_NONE ? VERDICT_NO : VERDICT_YES,
		.udp_blocked.value = VERDICT_NO,
		.mapping.value = (uint8_t)mapping,
		.filtering.value = (uint8_t)filtering,
	};

	return v;
}

static struct verdict behind_hard(enum verdict_delta delta, double chance, uint16_t low,
				  uint16_t high)
{
	struct verdict v =
		behind(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);

	v.ports.delta = (uint8_t)delta;
	v.prediction.count = chance > 0 ? 1 : 0;
	v.prediction.chance = chance;
	v.prediction.low = low;
	v.prediction.high = high;
	return v;
}

static void each_verdict_has_its_class(void **state)
{
	struct verdict blocked = { .udp_blocked.value = VERDICT_YES };
	struct verdict excluded = behind(BEHAVIOUR_UNKNOWN, BEHAVIOUR_UNKNOWN);
	struct verdict nothing = { 0 };

	excluded.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
				    BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	excluded.ports.delta = DELTA_RANDOM;

	const struct {
		struct verdict v;
		enum plan_class want;
	} cases[] = {
		{ nothing, PLAN_UNKNOWN },
		{ blocked, PLAN_BLOCKED },
		{ behind(BEHAVIOUR_NONE, BEHAVIOUR_ENDPOINT_INDEPENDENT), PLAN_OPEN },
		{ behind(BEHAVIOUR_NONE, BEHAVIOUR_ADDRESS_DEPENDENT), PLAN_FIREWALLED },
		{ behind(BEHAVIOUR_NONE, BEHAVIOUR_UNKNOWN), PLAN_UNKNOWN },
		{ behind(BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT),
		  PLAN_FULL_CONE },
		{ behind(BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT),
		  PLAN_ADDRESS_FILTERED },
		{ behind(BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_PORT_DEPENDENT),
		  PLAN_PORT_FILTERED },
		{ behind_hard(DELTA_INDEPENDENT, 0.95, 0, 0), PLAN_PREDICTABLE },
		{ behind_hard(DELTA_EQUAL, 0.3, 1024, 65535), PLAN_RANDOM },
		{ behind_hard(DELTA_RANDOM, 0, 3000, 4007), PLAN_NARROW },
		{ behind_hard(DELTA_RANDOM, 0, 1024, 65535), PLAN_RANDOM },
		{ behind_hard(DELTA_UNKNOWN, 0, 0, 0), PLAN_UNKNOWN },
		{ excluded, PLAN_RANDOM },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum plan_class got = plan_class(&cases[i].v);

		if (got != cases[i].want)
			fail_msg("case %zu: %s, not %s", i, plan_class_word(got),
				 plan_class_word(cases[i].want));
	}
}

static void every_pair_of_known_classes_has_an_entry(void **state)
{
	for (unsigned a = PLAN_OPEN; a < PLAN_CLASSES; a++) {
		for (unsigned b = PLAN_OPEN; b < PLAN_CLASSES; b++) {
			struct plan_entry e = plan_between((enum plan_class)a, (enum plan_class)b);
			struct plan_entry r = plan_between((enum plan_class)b, (enum plan_class)a);

			assert_int_not_equal(e.strategy, PLAN_STRATEGY_UNKNOWN);
			assert_int_not_equal(e.odds, PLAN_NEVER);
			assert_int_equal(e.strategy, r.strategy);
			assert_int_equal(e.odds, r.odds);
		}
		assert_int_equal(plan_between(PLAN_UNKNOWN, (enum plan_class)a).strategy,
				 PLAN_STRATEGY_UNKNOWN);
	}
}

static void a_harder_peer_never_helps(void **state)
{
	/* From one filter to a narrower one the odds do not grow. */
	static const uint8_t order[] = { PLAN_FULL_CONE, PLAN_ADDRESS_FILTERED,
					 PLAN_PORT_FILTERED };

	for (unsigned a = PLAN_OPEN; a < PLAN_BLOCKED; a++) {
		for (size_t i = 1; i < ARRAY_LEN(order); i++) {
			struct plan_entry before = plan_between((enum plan_class)a, order[i - 1]);
			struct plan_entry after = plan_between((enum plan_class)a, order[i]);

			if (after.strategy != PLAN_RELAY)
				assert_true(after.odds <= before.odds);
		}
	}
}

static void advice_names_what_the_user_can_change(void **state)
{
	struct verdict home =
		behind(BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	struct verdict hard = behind_hard(DELTA_RANDOM, 0, 1024, 65535);

	assert_null(plan_advice(&(struct verdict){ 0 }));
	assert_non_null(strstr(plan_advice(&home), "Switch on PCP"));
	home.nat_pmp.present.value = VERDICT_YES;
	assert_non_null(strstr(plan_advice(&home), "opens ports when it is asked"));
	home.cgn.value = VERDICT_YES; /* opening a port in the inner NAT alone does not help */
	assert_null(plan_advice(&home));
	assert_non_null(strstr(plan_advice(&hard), "endpoint-independent"));
	hard.cgn.value = VERDICT_YES;
	assert_non_null(strstr(plan_advice(&hard), "provider"));
}

static void words_are_there_for_all(void **state)
{
	for (unsigned c = 0; c <= PLAN_CLASSES; c++) {
		assert_non_null(plan_class_word((enum plan_class)c));
		assert_non_null(plan_class_text((enum plan_class)c));
	}
	for (unsigned s = 0; s <= PLAN_STRATEGIES; s++) {
		assert_non_null(plan_strategy_word((enum plan_strategy)s));
		assert_non_null(plan_strategy_text((enum plan_strategy)s));
	}
	assert_string_equal(plan_odds_word(PLAN_ALWAYS), "always");
	assert_string_equal(plan_odds_word((enum plan_odds)99), "never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict_has_its_class),
		cmocka_unit_test(every_pair_of_known_classes_has_an_entry),
		cmocka_unit_test(a_harder_peer_never_helps),
		cmocka_unit_test(advice_names_what_the_user_can_change),
		cmocka_unit_test(words_are_there_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
