#include "sim_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct nat_profile sim_profile(const char *name)
{
	const struct nat_profile *p = nat_profile_find(name);

	assert_non_null(p);
	return *p;
}

static struct expect parse(const char *lines)
{
	struct expect_error error;
	struct expect e;

	if (!expect_parse((struct bytes){ (const uint8_t *)lines, strlen(lines) }, &e, &error))
		fail_msg("line %u: %s", error.line, error.text);
	return e;
}

static size_t run(const struct sim_config *c, struct sim_result results[SIM_INTERFACES_MAX])
{
	size_t n = sim_run(c, results);

	for (size_t i = 0; i < n; i++) {
		assert_true(results[i].ended);
		assert_int_equal(results[i].open_at_end, 0);
		assert_in_range(results[i].datagrams, 0, SIM_BUDGET);
		assert_in_range(results[i].connections, 0, SIM_TCP_BUDGET);
		assert_in_range(results[i].burst, 0, 31);
		assert_in_range(results[i].per_second, 0, 131);
	}
	return n;
}

/* Returns how many lines are open; fails where one is missed. */
static unsigned judge(const struct sim_config *c, const struct expect *e, const struct verdict *v,
		      bool may_be_open)
{
	unsigned open = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct expect_line *line = &e->lines[i];
		struct property_value got;
		enum expect_result result = expect_judge(line, v, &got);

		if (result == EXPECT_MISSED || (result == EXPECT_OPEN && !may_be_open))
			fail_msg("%s, seed %u: %s is %s%s%s, not %s %s", c->profile->name,
				 (unsigned)c->seed, line->property->name, got.text,
				 got.known ? "" : ", ", verdict_cause_word(got.cause),
				 expect_operator_word((enum expect_operator)line->operator),
				 line->wanted);
		open += result == EXPECT_OPEN;
	}
	return open;
}

static double judge_seeds(const struct sim_config *c, const char *lines, unsigned seeds,
			  bool may_be_open)
{
	struct sim_result results[SIM_INTERFACES_MAX];
	struct expect e = parse(lines);
	struct sim_config one = *c;
	size_t runs = 0, open = 0;

	for (unsigned s = 0; s < seeds; s++) {
		one.seed = c->seed + s;
		size_t n = run(&one, results);

		for (size_t i = 0; i < n; i++)
			open += judge(&one, &e, &results[i].verdict, may_be_open);
		runs += n;
	}
	double share = (double)open / (double)(runs * e.count);
	expect_free(&e);
	return share;
}

void sim_expect(const struct sim_config *c, const char *lines)
{
	(void)judge_seeds(c, lines, SIM_EXPECT_SEEDS, false);
}

double sim_expect_none_wrong(const struct sim_config *c, const char *lines, unsigned seeds)
{
	return judge_seeds(c, lines, seeds, true);
}

void sim_expect_truth(const struct sim_config *c)
{
	sim_expect(c, c->profile->truth);
}

struct verdict sim_verdict(const struct sim_config *c)
{
	struct sim_result results[SIM_INTERFACES_MAX];

	(void)run(c, results);
	return results[0].verdict;
}
