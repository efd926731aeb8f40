/* A slice of tests/bench/regress: what was saved of a network, on the same and on another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "network_change.h"
#include "saved.h"

#define LOSS 0.05

static struct sim_config config_of(const struct nat_profile *p, uint64_t seed)
{
	return (struct sim_config){ .profile = p, .seed = seed, .access.loss = LOSS };
}

static void what_did_not_change_raises_no_alarm(void **state)
{
	unsigned open = 0;

	for (size_t i = 0; i < nat_profile_count; i++) {
		struct sim_config before = config_of(&nat_profiles[i], 3 * i);
		struct sim_config after = config_of(&nat_profiles[i], 3 * i + 1);
		struct saved_judgement j;
		struct saved saved;

		saved_write(&before, &saved);
		j = saved_judge(&saved, &after, NULL);
		if (j.missed > 0)
			fail_msg("%s: %s", nat_profiles[i].name, j.first);
		open += j.open > 0;
	}
	assert_in_range(open, 0, nat_profile_count / 10);
}

/* Every change once in every network; one of a hundred may go unnoticed. */
static void what_changed_is_named(void **state)
{
	unsigned tried = 0, missed = 0;
	char first[160] = "";

	for (size_t i = 0; i < nat_profile_count * network_change_count; i++) {
		const struct nat_profile *p = &nat_profiles[i / network_change_count];
		const struct network_change *change = &network_changes[i % network_change_count];
		struct nat_profile other = *p;
		struct sim_config before = config_of(p, 2 * i),
				  after = config_of(&other, 2 * i + 1);
		struct saved_judgement j;
		struct saved saved;

		if (!change->apply(&other))
			continue;
		tried++;
		saved_write(&before, &saved);
		j = saved_judge(&saved, &after, change->property);
		if (!j.names && missed++ == 0)
			(void)snprintf(first, sizeof(first), "%s, other %s", p->name,
				       change->property);
	}
	if (missed * 100 > tried)
		fail_msg("%u of %u, such as %s", missed, tried, first);
}

/* What is not known is not expected. */
static void an_unknown_value_is_not_saved(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		struct sim_config c = config_of(&nat_profiles[i], i);
		struct saved saved;

		saved_write(&c, &saved);
		assert_true(saved.len < sizeof(saved.text));
		assert_null(strstr(saved.text, "unknown"));
		assert_null(strstr(saved.text, "21.0.0."));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_did_not_change_raises_no_alarm),
		cmocka_unit_test(what_changed_is_named),
		cmocka_unit_test(an_unknown_value_is_not_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
