/*
 * Servers that misbehave, each of them the only one there is: what it spoils is unknown, and the
 * server is named as the cause; all the rest is what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim_expect.h"

struct misdeed {
	uint8_t misdeed; /* enum sim_misdeed */
	const char *name;
	enum verdict_cause finding; /* CAUSE_NONE: nothing is wrong with what it says */
	const char *spoils;         /* properties, with a blank on both sides */
};

#define NEEDS_A_SECOND_ADDRESS " mapping mapping.tcp filtering pooling "

static const struct misdeed misdeeds[] = {
	{ SIM_ONE_ADDRESS, "one address", CAUSE_NO_OTHER_ADDRESS, NEEDS_A_SECOND_ADDRESS },
	{ SIM_SAME_ADDRESS, "lies in OTHER-ADDRESS: the same address", CAUSE_SAME_ADDRESS,
	  NEEDS_A_SECOND_ADDRESS },
	{ SIM_SAME_PORT, "lies in OTHER-ADDRESS: the same port", CAUSE_SAME_PORT,
	  NEEDS_A_SECOND_ADDRESS },
	{ SIM_PRIVATE_ALTERNATE, "lies in OTHER-ADDRESS: private", CAUSE_ALTERNATE_UNUSABLE,
	  NEEDS_A_SECOND_ADDRESS },
	{ SIM_DEAD_ALTERNATE, "a second address that is dead", CAUSE_ALTERNATE_SILENT,
	  NEEDS_A_SECOND_ADDRESS },
	{ SIM_IGNORES_CHANGE, "ignores CHANGE-REQUEST", CAUSE_IGNORES_CHANGE, " filtering " },
	{ SIM_IGNORES_ADDRESS, "changes ports only", CAUSE_WRONG_SOURCE, " filtering " },
	{ SIM_REFUSES_CHANGE, "refuses CHANGE-REQUEST", CAUSE_REFUSES_CHANGE, " filtering " },
	{ SIM_DROPS_CHANGE, "drops CHANGE-REQUEST", CAUSE_DROPS_CHANGE, " filtering " },
	{ SIM_WRONG_SOURCE, "answers from the wrong address", CAUSE_WRONG_SOURCE, " filtering " },
	{ SIM_SLOW, "slow", CAUSE_NONE, "" },
	{ SIM_LOSSY, "lossy", CAUSE_NONE,
	  " filtering hairpin delta.type delta.value parity rate-limit " },
};

static bool spoils(const struct misdeed *m, const char *property)
{
	size_t len = strlen(property);

	for (const char *at = m->spoils; (at = strstr(at, property)) != NULL; at += len) {
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	}
	return false;
}

static bool has_finding(const struct verdict *v, enum verdict_cause cause)
{
	for (size_t i = 0; i < v->finding_count; i++) {
		if (v->findings[i].cause == cause && v->findings[i].server == 0)
			return true;
	}
	return false;
}

/* What depends on the spoilt value: a firewall, or a hairpin that a filter may hide. */
static bool follows(const struct misdeed *m, const struct property_value *got)
{
	return !got->known && m->spoils[0] != '\0';
}

static void judge_line(const struct sim_config *c, const struct misdeed *m,
		       const struct expect_line *line, const struct verdict *v)
{
	const char *name = line->property->name;
	struct property_value got;
	enum expect_result result = expect_judge(line, v, &got);

	if (spoils(m, name)) {
		/* Behind some NATs one endpoint is enough. */
		if (result == EXPECT_MET)
			return;
		if (result == EXPECT_MISSED || got.cause == CAUSE_NONE)
			fail_msg("%s, %s: %s is %s", c->profile->name, m->name, name, got.text);
		return;
	}
	if (result == EXPECT_MET || (result == EXPECT_OPEN && follows(m, &got)))
		return;
	fail_msg("%s, %s: %s is %s, %s", c->profile->name, m->name, name, got.text,
		 verdict_cause_word(got.cause));
}

static void judge(const struct sim_config *c, const struct misdeed *m)
{
	struct expect_error error;
	struct expect e;
	struct bytes text = { (const uint8_t *)c->profile->truth, strlen(c->profile->truth) };
	struct verdict v = sim_verdict(c);

	assert_true(expect_parse(text, &e, &error));
	for (size_t i = 0; i < e.count; i++)
		judge_line(c, m, &e.lines[i], &v);
	expect_free(&e);
	if (m->finding != CAUSE_NONE && !has_finding(&v, m->finding))
		fail_msg("%s, %s: not named", c->profile->name, m->name);
}

/*
 * With a mapping of its own for each endpoint, one host cannot tell a filter from a server that
 * does not answer.
 */
static bool can_tell(const struct misdeed *m, const struct nat_profile *p)
{
	return m->misdeed != SIM_DROPS_CHANGE || strstr(p->truth, "mapping = address") == NULL;
}

/* Where the filter lets everything in, all that a server does is seen. */
static void what_is_spoilt_is_unknown_and_named(void **state)
{
	static const char *const names[] = { "one-to-one", "full-cone", "symmetric-open",
					     "cgn-block-512", "open-internet" };

	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct sim_config c = { .profile = nat_profile_find(names[k]), .seed = i };

			c.servers[0].misdeed = misdeeds[i].misdeed;
			if (!can_tell(&misdeeds[i], c.profile))
				continue;
			judge(&c, &misdeeds[i]);
		}
	}
}

/* The others stay exact, and what a silent filter hides may stay unnamed. */
static void nothing_else_is_spoilt(void **state)
{
	static const char *const names[] = { "home-router",          "restricted-cone",
					     "port-overload",        "sequential-cone",
					     "symmetric-sequential", "double-nat-home",
					     "stateful-firewall" };

	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct sim_config c = { .profile = nat_profile_find(names[k]), .seed = i };
			struct misdeed quiet = misdeeds[i];

			c.servers[0].misdeed = quiet.misdeed;
			if (quiet.misdeed >= SIM_IGNORES_CHANGE)
				quiet.finding = CAUSE_NONE;
			if (!can_tell(&quiet, c.profile))
				continue;
			judge(&c, &quiet);
		}
	}
}

/*
 * An honest server beside makes good for all of it; but connections to an address that is dead
 * are not tried again with another server.
 */
static void an_honest_server_stands_in(void **state)
{
	static const struct misdeed dead = { SIM_DEAD_ALTERNATE, "a dead address", CAUSE_NONE,
					     " mapping.tcp " };
	static const char *const names[] = { "home-router", "full-cone", "symmetric-random",
					     "open-internet" };

	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct sim_config c = { .profile = nat_profile_find(names[k]),
						.seed = i + 1,
						.server_count = 2 };

			c.servers[0].misdeed = misdeeds[i].misdeed;
			if (misdeeds[i].misdeed == SIM_DEAD_ALTERNATE)
				judge(&c, &dead);
			else if (misdeeds[i].misdeed == SIM_LOSSY)
				judge(&c, &misdeeds[i]); /* it is asked all the same */
			else
				sim_expect_truth(&c);
		}
	}
}

/* Somebody off the path answers everything, faster, with ids of his own. */
static void forgeries_spoil_nothing(void **state)
{
	static const char *const names[] = { "home-router", "full-cone", "open-internet",
					     "symmetric-sequential" };

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		struct sim_config c = { .profile = nat_profile_find(names[k]), .forges = true };

		sim_expect_truth(&c);
		assert_int_equal(sim_verdict(&c).finding_count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_spoilt_is_unknown_and_named),
		cmocka_unit_test(nothing_else_is_spoilt),
		cmocka_unit_test(an_honest_server_stands_in),
		cmocka_unit_test(forgeries_spoil_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
