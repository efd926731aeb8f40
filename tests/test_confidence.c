/* confidence: what is added up, and the interval of loss. */
#include "natprobe/discover/confidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void is_about(double value, double wanted, double margin)
{
	if (value < wanted - margin || value > wanted + margin)
		fail_msg("%g is not about %g", value, wanted);
}

static void only_what_is_told_can_be_wrong(void **state)
{
	struct verdict v = { .filtering = { .error = 0.1 },
			     .ports = { .error = 0.2 },
			     .pooling = { .error = 0.1 },
			     .hairpin = { .error = 0.1 },
			     .pcp = { .error = 0.1 },
			     .nat_pmp = { .error = 0.05 } };

	v.ports.parity_error = 0.05;

	assert_true(confidence_of(&v, 0) > 0.9999);
	assert_true(confidence_of(&v, 0) < 1);
	is_about(confidence_of(&v, 0.01), 0.99, 1e-4);
	v.filtering.value = BEHAVIOUR_ADDRESS_DEPENDENT;
	is_about(confidence_of(&v, 0), 0.9, 1e-4);
	v.ports.delta = DELTA_RANDOM;
	v.pooling.value = POOLING_PAIRED;
	v.hairpin.value = HAIRPIN_NO;
	is_about(confidence_of(&v, 0), 0.5, 1e-4);
	v.ports.parity.value = VERDICT_YES;
	is_about(confidence_of(&v, 0), 0.45, 1e-4);
	v.pcp.present.value = v.nat_pmp.present.value = VERDICT_NO;
	is_about(confidence_of(&v, 0), 0.3, 1e-4);
	is_about(confidence_of(&v, 0.9), 0, 1e-9);
}

static void nonsense_asks_for_the_default(void **state)
{
	is_about(confidence_allowance(0.95), 0.05, 1e-9);
	is_about(confidence_allowance(0), 1 - CONFIDENCE_DEFAULT, 1e-9);
	is_about(confidence_allowance(1), 1 - CONFIDENCE_DEFAULT, 1e-9);
	is_about(confidence_allowance(7), 1 - CONFIDENCE_DEFAULT, 1e-9);
}

/* Ends of Clopper and Pearson's interval: (alpha/2)^(1/n) where all or none are lost. */
static void the_interval_of_loss_holds_the_share(void **state)
{
	struct verdict_interval i = confidence_loss(0, 0);

	assert_false(i.known);
	i = confidence_loss(50, 0);
	assert_true(i.known);
	is_about(i.low, 0, 0);
	is_about(i.high, 0.1410, 1e-3); /* 1 - 0.0005^(1/50) */
	i = confidence_loss(0, 50);
	is_about(i.low, 0.8590, 1e-3);
	is_about(i.high, 1, 0);
	i = confidence_loss(90, 10);
	assert_true(i.low > 0.02 && i.low < 0.1 && i.high > 0.1 && i.high < 0.25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_told_can_be_wrong),
		cmocka_unit_test(nonsense_asks_for_the_default),
		cmocka_unit_test(the_interval_of_loss_holds_the_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
