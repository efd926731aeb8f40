/* Networks, links and servers that no table lists: nothing natprobe says of them is wrong. */
#include "tests/unseen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/score.h"

#define SEEDS        16
#define TIMEOUT_US   15000000
#define BUDGET       120
#define TCP_BUDGET   8
#define LOST         0.05
#define LOSSY_SEEDS  8
#define WRONG_IN_ALL 1 /* of some hundreds, where much is lost */

static unsigned judge(const struct unseen_class *class, const struct unseen *u, uint64_t seed)
{
	struct expect truth = score_truth(&u->net);
	struct sim_result results[SIM_INTERFACES_MAX];
	size_t count = sim_run(&u->net, results);
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct score s;

		score_judge(&truth, &results[i], &s);
		if (!s.ended || s.open_at_end > 0)
			fail_msg("%s %u: does not end", class->name, (unsigned)seed);
		if (s.elapsed_us > TIMEOUT_US || s.datagrams > BUDGET || s.connections > TCP_BUDGET)
			fail_msg("%s %u: %u us, %u datagrams, %u connections", class->name,
				 (unsigned)seed, (unsigned)s.elapsed_us, s.datagrams,
				 s.connections);
		if (s.is_wrong)
			print_message("%s %u: %s, at a confidence of %.5f\n", class->name,
				      (unsigned)seed, s.wrong, s.confidence);
		wrong += s.is_wrong;
	}
	expect_free(&truth);
	return wrong;
}

static unsigned judge_all(double loss, uint64_t first_seed, unsigned seeds)
{
	const struct unseen_class *class;
	unsigned wrong = 0;

	for (size_t i = 0; (class = unseen_class(i)) != NULL; i++) {
		for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
			struct unseen u;

			unseen_make(class, seed, loss, &u);
			wrong += judge(class, &u, seed);
		}
	}
	return wrong;
}

static void nothing_is_wrong_without_loss(void **state)
{
	assert_int_equal(judge_all(0, 1, SEEDS), 0);
}

/* A NAT that forgets a mapping which an unexpected answer meets loses nothing on the way. */
static void what_filters_do_is_no_loss(void **state)
{
	struct unseen u;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_result results[SIM_INTERFACES_MAX];

		unseen_make(unseen_class(0), seed, 0, &u);
		u.profile.layers[0].filtering = NAT_APD;
		u.profile.layers[0].dies_on_unexpected = true;
		(void)sim_run(&u.net, results);
		assert_true(results[0].verdict.loss.known && results[0].verdict.loss.low == 0);
	}
}

/* A NAT that gives one host a few mappings only has no rule to be seen, and that is no loss. */
static void mappings_that_run_out_are_named(void **state)
{
	struct unseen u;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_result results[SIM_INTERFACES_MAX];
		const struct verdict_ports *p = &results[0].verdict.ports;

		unseen_make(unseen_class(0), seed, 0, &u);
		u.profile.layers[0].mapping = NAT_EI;
		u.profile.layers[0].filtering = NAT_APD; /* the tests of which go on */
		u.profile.layers[0].subscriber_limit = 10;
		(void)sim_run(&u.net, results);
		assert_int_equal(p->delta, DELTA_UNKNOWN);
		assert_int_equal(p->cause, CAUSE_MAPPING_LIMIT);
		assert_int_equal(p->parity.cause, CAUSE_MAPPING_LIMIT);
	}
}

static void hardly_anything_is_wrong_with_loss(void **state)
{
	assert_in_range(judge_all(LOST, 1000, LOSSY_SEEDS), 0, WRONG_IN_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_wrong_without_loss),
		cmocka_unit_test(what_filters_do_is_no_loss),
		cmocka_unit_test(mappings_that_run_out_are_named),
		cmocka_unit_test(hardly_anything_is_wrong_with_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
