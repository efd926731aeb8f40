#include "sim_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const enum verdict_behaviour sim_mappings[5] = {
	BEHAVIOUR_NONE,
	BEHAVIOUR_ENDPOINT_INDEPENDENT,
	BEHAVIOUR_ADDRESS_DEPENDENT,
	BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	BEHAVIOUR_PORT_DEPENDENT,
};

const enum verdict_behaviour sim_filterings[4] = {
	BEHAVIOUR_ENDPOINT_INDEPENDENT,
	BEHAVIOUR_ADDRESS_DEPENDENT,
	BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	BEHAVIOUR_PORT_DEPENDENT,
};

const struct sim_config sim_home = {
	.seed = 1,
	.mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT,
	.filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	.preserves_port = true,
	.rtt_us = 50000,
	.server_count = 1,
};

static void causes_are_told(const struct verdict *v)
{
	assert_int_equal(v->nat.value == VERDICT_UNKNOWN, v->nat.cause != CAUSE_NONE);
	assert_int_equal(v->firewall.value == VERDICT_UNKNOWN, v->firewall.cause != CAUSE_NONE);
	assert_int_equal(v->udp_blocked.value == VERDICT_UNKNOWN,
			 v->udp_blocked.cause != CAUSE_NONE);
	assert_int_equal((v->mapping.possible & (v->mapping.possible - 1)) != 0,
			 v->mapping.cause != CAUSE_NONE);
	assert_true(v->mapping.value != BEHAVIOUR_UNKNOWN || v->mapping.cause != CAUSE_NONE);
	assert_int_equal(v->filtering.value == BEHAVIOUR_UNKNOWN, v->filtering.cause != CAUSE_NONE);
}

struct sim_result sim_judge(const struct sim_config *config)
{
	struct sim_result r = sim_run(config);

	assert_true(r.ended);
	assert_int_equal(r.open_at_end, 0);
	assert_in_range(r.datagrams, 0, SIM_BUDGET);
	assert_in_range(r.burst, 0, 31);
	assert_in_range(r.per_second, 0, 131);
	assert_true(r.elapsed_us <= 15000000);
	assert_int_equal(r.verdict.elapsed_us, r.elapsed_us);
	causes_are_told(&r.verdict);
	return r;
}

const char *sim_mapping_word(const struct sim_result *r)
{
	return verdict_behaviour_word((enum verdict_behaviour)r->verdict.mapping.value);
}

const char *sim_filtering_word(const struct sim_result *r)
{
	return verdict_behaviour_word((enum verdict_behaviour)r->verdict.filtering.value);
}

const char *sim_filtering_cause(const struct sim_result *r)
{
	return verdict_cause_word((enum verdict_cause)r->verdict.filtering.cause);
}

void sim_fail(const struct sim_config *c, const struct sim_result *r)
{
	fail_msg("mapping %s, filtering %s, seed %u, rtt %u: %s (%s), %s (%s) after %u us",
		 verdict_behaviour_word(c->mapping), verdict_behaviour_word(c->filtering),
		 (unsigned)c->seed, c->rtt_us, sim_mapping_word(r),
		 verdict_cause_word((enum verdict_cause)r->verdict.mapping.cause),
		 sim_filtering_word(r), sim_filtering_cause(r), (unsigned)r->elapsed_us);
}

bool sim_is_exact(const struct sim_config *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->mapping == BEHAVIOUR_NONE ? VERDICT_NO : VERDICT_YES;
	bool filters = c->filtering != BEHAVIOUR_ENDPOINT_INDEPENDENT;

	return v->nat.value == nat && v->mapping.value == c->mapping &&
	       v->filtering.value == c->filtering && v->udp_blocked.value == VERDICT_NO &&
	       v->firewall.value == (nat == VERDICT_NO && filters ? VERDICT_YES : VERDICT_NO);
}

bool sim_is_wrong(const struct sim_config *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->mapping == BEHAVIOUR_NONE ? VERDICT_NO : VERDICT_YES;

	return (v->nat.value != nat && v->nat.value != VERDICT_UNKNOWN) ||
	       (v->mapping.value != c->mapping && v->mapping.value != BEHAVIOUR_UNKNOWN) ||
	       (v->filtering.value != c->filtering && v->filtering.value != BEHAVIOUR_UNKNOWN) ||
	       v->udp_blocked.value == VERDICT_YES;
}
