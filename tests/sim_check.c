#include "sim_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const uint8_t sim_mappings[5] = { NAT_NONE, NAT_EI, NAT_AD, NAT_APD, NAT_PD };
const uint8_t sim_filterings[4] = { NAT_EI, NAT_AD, NAT_APD, NAT_PD };

const struct sim_case sim_home = {
	.net = { .seed = 1, .rtt_us = 50000, .server_count = 1 },
	.box = { .mapping = NAT_EI, .filtering = NAT_APD },
};

static const struct addr external_ipv4 = { .family = ADDR_IPV4, .ip = { 21, 0, 0, 2 } };
static const struct addr external_ipv6 = { .family = ADDR_IPV6,
					   .ip = { 0x2a, 0x10, 0, 0x21, [15] = 2 } };
/* Of the box: the host is next to it. */
static const struct addr inside_ipv4 = { .family = ADDR_IPV4, .ip = { 192, 168, 1, 1 } };
static const struct addr inside_ipv6 = { .family = ADDR_IPV6, .ip = { 0xfd, 0, 0, 1, [15] = 1 } };
static const struct addr public_ipv4 = { .family = ADDR_IPV4, .ip = { 22, 0, 0, 1 } };
static const struct addr public_ipv6 = { .family = ADDR_IPV6,
					 .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };

static struct nat_profile profile_of(const struct sim_case *c)
{
	struct nat_profile p = { .id = "",
				 .name = "",
				 .layer_count = 1,
				 .layers = { c->box },
				 .family = c->ipv6 ? ADDR_IPV6 : ADDR_IPV4 };
	struct nat_config *box = &p.layers[0];
	bool translates = box->mapping != NAT_NONE;

	if (box->external_count == 0 && translates)
		box->externals[box->external_count++] = c->ipv6 ? external_ipv6 : external_ipv4;
	if (box->gateway.family == ADDR_NONE && c->ipv6)
		box->gateway = translates ? inside_ipv6 : public_ipv6;
	else if (box->gateway.family == ADDR_NONE)
		box->gateway = translates ? inside_ipv4 : public_ipv4;
	return p;
}

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

struct sim_result sim_check(const struct sim_case *c)
{
	struct sim_result results[SIM_INTERFACES_MAX], r;
	struct nat_profile profile = profile_of(c);
	struct sim_config net = c->net;

	net.profile = &profile;
	assert_int_equal(sim_run(&net, results), 1);
	r = results[0];
	assert_true(r.ended);
	assert_int_equal(r.open_at_end, 0);
	assert_in_range(r.datagrams, 0, SIM_BUDGET);
	assert_in_range(r.connections, 0, SIM_TCP_BUDGET);
	assert_in_range(r.burst, 0, 31);
	assert_in_range(r.per_second, 0, 131);
	assert_true(r.elapsed_us <= 15000000);
	assert_int_equal(r.verdict.elapsed_us, r.elapsed_us);
	causes_are_told(&r.verdict);
	return r;
}

enum verdict_behaviour sim_behaviour(uint8_t rule)
{
	static const enum verdict_behaviour behaviours[] = {
		[NAT_NONE] = BEHAVIOUR_NONE,
		[NAT_EI] = BEHAVIOUR_ENDPOINT_INDEPENDENT,
		[NAT_AD] = BEHAVIOUR_ADDRESS_DEPENDENT,
		[NAT_APD] = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		[NAT_PD] = BEHAVIOUR_PORT_DEPENDENT,
	};

	return behaviours[rule];
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

void sim_fail(const struct sim_case *c, const struct sim_result *r)
{
	fail_msg("mapping %s, filtering %s, seed %u, rtt %u: %s (%s), %s (%s) after %u us, %u "
		 "samples",
		 verdict_behaviour_word(sim_behaviour(c->box.mapping)),
		 verdict_behaviour_word(sim_behaviour(c->box.filtering)), (unsigned)c->net.seed,
		 c->net.rtt_us, sim_mapping_word(r),
		 verdict_cause_word((enum verdict_cause)r->verdict.mapping.cause),
		 sim_filtering_word(r), sim_filtering_cause(r), (unsigned)r->elapsed_us,
		 (unsigned)r->verdict.sample_count);
}

bool sim_is_exact(const struct sim_case *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->box.mapping == NAT_NONE ? VERDICT_NO : VERDICT_YES;
	bool filters = c->box.filtering != NAT_EI;

	return v->nat.value == nat && v->mapping.value == sim_behaviour(c->box.mapping) &&
	       v->filtering.value == sim_behaviour(c->box.filtering) &&
	       v->udp_blocked.value == VERDICT_NO &&
	       v->firewall.value == (nat == VERDICT_NO && filters ? VERDICT_YES : VERDICT_NO);
}

bool sim_is_wrong(const struct sim_case *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->box.mapping == NAT_NONE ? VERDICT_NO : VERDICT_YES;

	return (v->nat.value != nat && v->nat.value != VERDICT_UNKNOWN) ||
	       (v->mapping.value != sim_behaviour(c->box.mapping) &&
		v->mapping.value != BEHAVIOUR_UNKNOWN) ||
	       (v->filtering.value != sim_behaviour(c->box.filtering) &&
		v->filtering.value != BEHAVIOUR_UNKNOWN) ||
	       v->udp_blocked.value == VERDICT_YES;
}

uint64_t sim_promised_us(const struct sim_case *c, const struct sim_result *r)
{
	struct discover_timing timing = discover_timing_default();
	uint64_t samples_us = (uint64_t)r->verdict.sample_count * timing.sample_gap_us;
	uint64_t tests_us = 4 * c->net.rtt_us + samples_us +
			    discover_window_us(&timing, c->net.rtt_us) +
			    6 * (uint64_t)timing.sample_gap_us;
	unsigned batches = r->verdict.sample_count > 20 ? (r->verdict.sample_count - 16u) / 5 : 0;
	uint64_t gateway_us = 500000 + 2 * (uint64_t)c->net.rtt_us;

	tests_us += 2 * (uint64_t)batches * c->net.rtt_us;
	return tests_us > gateway_us ? tests_us : gateway_us;
}
