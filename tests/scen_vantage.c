/* Filtering as a TURN server shows it, in the simulated network: on every profile what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_check.h"
#include "sim_turn.h"

static struct sim_turn_server server;

/* Two servers of one address each: filtering cannot be found with them alone. */
static struct sim_config plain_servers(const struct nat_profile *p, uint64_t seed, double loss)
{
	return (struct sim_config){
		.profile = p,
		.seed = seed,
		.access = { .loss = loss },
		.servers = { { .misdeed = SIM_ONE_ADDRESS }, { .misdeed = SIM_ONE_ADDRESS } },
		.server_count = 2,
	};
}

/* The rig sees to it that nothing is left at the server. */
static size_t run(struct sim_config *c, struct sim_result results[SIM_INTERFACES_MAX])
{
	size_t n;

	sim_turn_start(&server);
	c->turn = &server.turn;
	n = sim_run(c, results);
	for (size_t i = 0; i < n; i++) {
		assert_true(results[i].ended);
		assert_int_equal(results[i].open_at_end, 0);
		assert_true(results[i].verdict.turn.tried);
		assert_in_range(results[i].per_second, 0, 150);
	}
	sim_turn_stop(&server);
	return n;
}

/* A network of one box, whose address is one of the plan's. */
static struct nat_profile profile_of(const struct nat_config *box)
{
	struct nat_profile p = { .id = "x",
				 .name = "one box",
				 .layer_count = 1,
				 .layers = { *box },
				 .family = ADDR_IPV4 };

	p.layers[0].externals[0] = addr_ipv4(21, 0, 0, 2, 0);
	p.layers[0].external_count = 1;
	p.layers[0].gateway = addr_ipv4(192, 168, 1, 1, 0);
	return p;
}

static struct verdict verdict_of(struct sim_config *c)
{
	struct sim_result results[SIM_INTERFACES_MAX];

	(void)run(c, results);
	return results[0].verdict;
}

/* What the profile says of a property. */
static const char *truth_of(const struct nat_profile *p, const char *name, char word[static 64])
{
	char format[64];
	const char *line = p->truth;

	snprintf(format, sizeof(format), "%s = ", name);
	while (strncmp(line, format, strlen(format)) != 0) {
		line = strchr(line, '\n');
		assert_non_null(line);
		line++;
	}
	line += strlen(format);
	snprintf(word, 64, "%.*s", (int)strcspn(line, "\n"), line);
	return word;
}

/* The same of TCP, which is as UDP where nothing else is said. */
static enum deep_filter tcp_truth_of(const struct nat_profile *p)
{
	static const uint8_t rules[] = {
		[NAT_EI] = DEEP_FILTER_ENDPOINT_INDEPENDENT,
		[NAT_AD] = DEEP_FILTER_ADDRESS_DEPENDENT,
		[NAT_APD] = DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT,
	};
	uint8_t rule = NAT_EI;

	for (size_t i = 0; i < p->layer_count; i++) {
		const struct nat_config *c = &p->layers[i];
		uint8_t own = c->has_tcp_rules ? c->tcp_filtering : c->filtering;

		rule = own > rule ? own : rule;
	}
	return (enum deep_filter)rules[rule];
}

struct tally {
	unsigned runs, exact, tcp_exact, mapping_exact;
};

/* True where it is exact; fails where it is wrong. */
static bool judge_one(const struct sim_config *c, const char *name,
		      const struct verdict_property *p)
{
	const char *got = verdict_behaviour_word((enum verdict_behaviour)p->value);
	char word[64];

	if (strcmp(got, truth_of(c->profile, name, word)) == 0)
		return true;
	if (p->value != BEHAVIOUR_UNKNOWN)
		fail_msg("%s, seed %u: %s is %s, not %s", c->profile->name, (unsigned)c->seed, name,
			 got, word);
	assert_int_not_equal(p->cause, CAUSE_NONE);
	return false;
}

static void judge_tcp(const struct sim_config *c, const struct verdict *v, struct tally *t)
{
	const struct deep_value *got = &v->deep.values[DEEP_FILTERING_TCP];

	if (got->state == DEEP_UNKNOWN) {
		assert_int_not_equal(got->cause, CAUSE_NONE);
		return;
	}
	t->tcp_exact++;
	if (got->word != tcp_truth_of(c->profile))
		fail_msg("%s, seed %u: filtering.tcp is %u, not %u", c->profile->name,
			 (unsigned)c->seed, got->word, (unsigned)tcp_truth_of(c->profile));
}

static void judge(const struct sim_config *c, const struct verdict *v, struct tally *t)
{
	t->runs++;
	t->exact += judge_one(c, "filtering", &v->filtering);
	t->mapping_exact += judge_one(c, "mapping", &v->mapping);
	if (v->filtering.value != BEHAVIOUR_UNKNOWN)
		assert_string_equal(v->servers[v->filtering.server].name, "turn:relay");
	judge_tcp(c, v, t);
}

/* Virtual time beyond the discovery: a satellite takes long. */
#define EACH_MAX_US   19000000
#define DATAGRAMS_MAX 300

static void every_profile(double loss, unsigned seeds)
{
	struct sim_result results[SIM_INTERFACES_MAX];
	struct tally t = { 0 };

	for (size_t i = 0; i < nat_profile_count; i++) {
		for (unsigned s = 0; s < seeds; s++) {
			struct sim_config c = plain_servers(&nat_profiles[i], 100 + s, loss);
			size_t n;

			sim_turn_init(&server, c.profile);
			n = run(&c, results);
			for (size_t k = 0; k < n; k++) {
				judge(&c, &results[k].verdict, &t);
				assert_in_range(results[k].datagrams, 0, DATAGRAMS_MAX);
				if (results[k].elapsed_us - results[k].verdict.elapsed_us >
				    EACH_MAX_US)
					fail_msg("%s takes %u ms", c.profile->name,
						 (unsigned)(results[k].elapsed_us / 1000));
			}
		}
	}
	if (t.exact * 100 < t.runs * 99 || t.tcp_exact * 100 < t.runs * 99 ||
	    t.mapping_exact * 100 < t.runs * 99)
		fail_msg("of %u only %u are exact, %u by TCP, %u of mapping", t.runs, t.exact,
			 t.tcp_exact, t.mapping_exact);
}

static void equal_on_every_profile(void **state)
{
	every_profile(0, 2);
}

static void equal_on_every_profile_with_loss(void **state)
{
	every_profile(0.02, 4);
}

/* All mappings by all filters; one by port alone looks like one by address and port. */
static void every_rule(void **state)
{
	static const uint8_t mappings[] = { NAT_EI, NAT_AD, NAT_APD, NAT_PD };

	for (size_t m = 0; m < ARRAY_LEN(mappings); m++) {
		for (size_t f = 0; f < ARRAY_LEN(sim_filterings); f++) {
			const struct nat_config box = { .mapping = mappings[m],
							.filtering = sim_filterings[f] };
			struct nat_profile p = profile_of(&box);
			struct sim_config c = plain_servers(&p, 1 + m, 0);
			uint8_t truth = (uint8_t)sim_behaviour(sim_filterings[f]);
			struct verdict v;

			sim_turn_init(&server, &p);
			v = verdict_of(&c);
			if (truth == BEHAVIOUR_PORT_DEPENDENT)
				truth = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
			assert_int_equal(v.filtering.value, truth);
			assert_true((v.filtering.possible &
				     BEHAVIOUR_BIT(sim_behaviour(sim_filterings[f]))) != 0);
		}
	}
}

static const struct nat_config home = { .mapping = NAT_EI, .filtering = NAT_APD };
static const struct nat_config half_open = { .mapping = NAT_EI, .filtering = NAT_AD };

/* Its verdict, where a server of RFC 5780 is there as well, or is not what it says. */
static void beside_a_server_of_rfc5780(void **state)
{
	static const struct nat_config symmetric_open = { .mapping = NAT_APD, .filtering = NAT_EI };
	struct nat_profile p = profile_of(&half_open);
	struct sim_config c = { .profile = &p, .seed = 1, .server_count = 1 };
	struct verdict v;

	sim_turn_init(&server, &p);
	v = verdict_of(&c);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
	assert_int_equal(v.filtering.server, 0);
	assert_int_equal(v.turn.filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);

	/* This one never sends what it is asked for, which only the relay can show. */
	p = profile_of(&symmetric_open);
	c.servers[0].misdeed = SIM_DROPS_CHANGE;
	sim_turn_init(&server, &p);
	v = verdict_of(&c);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(v.filtering.server, v.turn.server);
	assert_int_equal(v.findings[v.finding_count - 1].cause, CAUSE_DROPS_CHANGE);
	assert_int_equal(v.legacy, LEGACY_SYMMETRIC);
}

static void what_follows_from_it_follows(void **state)
{
	static const struct nat_config firewall = { .filtering = NAT_APD };
	struct nat_profile p = profile_of(&half_open);
	struct sim_config c = plain_servers(&p, 1, 0);
	struct verdict v;

	sim_turn_init(&server, &p);
	v = verdict_of(&c);
	assert_int_equal(v.legacy, LEGACY_RESTRICT);
	assert_int_equal(v.firewall.value, VERDICT_NO);
	assert_true(v.confidence >= 0.999 && v.confidence < 1);
	assert_int_equal(v.filter[FILTER_PORT].source.port, v.turn.relayed[1].port);
	assert_int_equal(v.turn.relayed[1].port, v.turn.relayed[0].port + 1);
	assert_true(addr_equal(&v.servers[v.turn.server].addr, &server.turn.addr));

	p = profile_of(&firewall);
	p.layers[0].gateway = addr_ipv4(22, 0, 0, 1, 0);
	p.layers[0].external_count = 0;
	sim_turn_init(&server, &p);
	v = verdict_of(&c);
	assert_int_equal(v.firewall.value, VERDICT_YES);
}

static struct verdict behind(const struct nat_config *box)
{
	static struct nat_profile p;
	struct sim_config c;

	p = profile_of(box);
	c = plain_servers(&p, 1, 0);
	return verdict_of(&c);
}

static void a_refusal_is_the_cause(void **state)
{
	struct nat_profile p = profile_of(&home);
	struct verdict v;

	sim_turn_init(&server, &p);
	server.turn.credentials.password = BYTES("wrong");
	v = behind(&home);
	assert_int_equal(v.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v.filtering.cause, CAUSE_TURN_FAILED);
	assert_int_equal(v.turn.code, 401);
	assert_non_null(v.turn.why);
}

static void our_address_may_be_denied(void **state)
{
	struct nat_profile p = profile_of(&home);
	const char *why;
	struct verdict v;

	sim_turn_init(&server, &p);
	assert_true(policy_rules_add(server.rig.peer_rules, POLICY_DENY, "21.0.0.0/24", &why));
	v = behind(&home);
	assert_int_equal(v.filtering.cause, CAUSE_TURN_DENIED);
}

static void one_port_tells_half(void **state)
{
	static const struct nat_config open = { .mapping = NAT_EI, .filtering = NAT_EI };
	struct nat_profile p = profile_of(&home);
	struct verdict v;

	sim_turn_init(&server, &p);
	server.rig.realms[0].limits.user_allocations = 1;
	v = behind(&home);
	assert_int_equal(v.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v.filtering.cause, CAUSE_TURN_ONE_PORT);
	assert_int_equal(v.filtering.possible & BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT), 0);

	sim_turn_init(&server, &p);
	server.rig.realms[0].limits.user_allocations = 1;
	v = behind(&open);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
}

/* Without pairs of ports, two ports by chance do as well. */
static bool is_odd(const struct addr *local)
{
	return local->port % 2 != 0 && server.rig.opened < 1;
}

static void pairs_are_not_needed(void **state)
{
	struct nat_profile p = profile_of(&half_open);
	struct verdict v;

	sim_turn_init(&server, &p);
	server.rig.is_foreign = is_odd;
	v = behind(&half_open);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
}

/* The relayed address is that of both STUN servers' network, or of the server itself. */
static void one_address_for_all_is_noticed(void **state)
{
	static const struct {
		const struct nat_config *box;
		uint8_t value, cause;
	} cases[] = {
		{ &home, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, CAUSE_FEW_ENDPOINTS },
		{ &half_open, BEHAVIOUR_UNKNOWN, CAUSE_TURN_ALIKE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_profile p = profile_of(cases[i].box);
		struct sim_config c = plain_servers(&p, 1, 0);
		struct verdict v;

		c.server_count = 1;
		sim_turn_init(&server, &p);
		server.turn.addr = sim_endpoint(&c, 0, 0);
		server.turn.addr.port = 3490;
		server.rig.relays[0].seen_as = addr_with_port(&server.turn.addr, 0);
		v = verdict_of(&c);
		assert_int_equal(v.filtering.value, cases[i].value);
		assert_int_equal(v.filtering.cause, cases[i].cause);
	}
}

/* The relay announces one address and sends from another one: no filter was asked for that. */
static void a_wrong_source_spoils_it(void **state)
{
	static const struct nat_config open = { .mapping = NAT_EI, .filtering = NAT_EI };
	struct nat_profile p = profile_of(&open);
	struct verdict v;

	sim_turn_init(&server, &p);
	server.leaves_as = addr_ipv4(20, 50, 3, 99, 0);
	v = behind(&open);
	assert_int_equal(v.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v.filtering.cause, CAUSE_WRONG_SOURCE);
	assert_int_equal(v.findings[v.finding_count - 1].cause, CAUSE_WRONG_SOURCE);
}

/* Only a filter of ours may be called one. */
static void a_relay_that_only_answers_is_noticed(void **state)
{
	static const struct nat_config open = { .mapping = NAT_EI, .filtering = NAT_EI };
	struct nat_profile p = profile_of(&open);
	struct verdict v;

	sim_turn_init(&server, &p);
	server.only_answers = true;
	v = behind(&open);
	assert_int_equal(v.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v.filtering.cause, CAUSE_CONTROL_LOST);
}

/* It may not be allowed to ask the STUN server: then it is believed. */
static void a_stun_server_may_be_denied(void **state)
{
	struct nat_profile p = profile_of(&home);
	const char *why;
	struct verdict v;

	sim_turn_init(&server, &p);
	assert_true(policy_rules_add(server.rig.peer_rules, POLICY_DENY, "20.0.0.0/16", &why));
	v = behind(&home);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
}

/* Many external addresses, of which the discovery saw some. */
static void a_pool_is_permitted(void **state)
{
	struct nat_profile p = profile_of(&half_open);
	struct sim_config c = plain_servers(&p, 1, 0);

	for (uint8_t i = 0; i < NAT_EXTERNALS_MAX; i++)
		p.layers[0].externals[i] = addr_ipv4(21, 0, 0, (uint8_t)(2 + i), 0);
	p.layers[0].external_count = NAT_EXTERNALS_MAX;
	p.layers[0].pooling = NAT_POOL_ARBITRARY;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		c.seed = seed;
		sim_turn_init(&server, &p);
		assert_int_equal(verdict_of(&c).filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
	}
}

static void much_loss_makes_nothing_wrong(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const struct nat_config *box = seed % 2 != 0 ? &home : &half_open;
		struct nat_profile p = profile_of(box);
		struct sim_config c = plain_servers(&p, seed, 0.25);
		struct verdict v;

		sim_turn_init(&server, &p);
		v = verdict_of(&c);
		if (v.filtering.value != BEHAVIOUR_UNKNOWN)
			assert_int_equal(v.filtering.value, sim_behaviour(box->filtering));
	}
}

/* One STUN server of one address is enough, but for rules by port. */
static void one_server_is_enough_for_mapping(void **state)
{
	static const struct {
		uint8_t mapping, value;
		bool is_easy;
	} cases[] = {
		{ NAT_EI, BEHAVIOUR_ENDPOINT_INDEPENDENT, true },
		{ NAT_AD, BEHAVIOUR_ADDRESS_DEPENDENT, false },
		{ NAT_APD, BEHAVIOUR_UNKNOWN, false },
		{ NAT_PD, BEHAVIOUR_UNKNOWN, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct nat_config box = { .mapping = cases[i].mapping, .filtering = NAT_APD };
		struct nat_profile p = profile_of(&box);
		struct sim_config c = plain_servers(&p, 1, 0);
		struct verdict v;

		c.server_count = 1;
		sim_turn_init(&server, &p);
		v = verdict_of(&c);
		assert_int_equal(v.mapping.value, cases[i].value);
		assert_int_equal(v.mapping.server, v.turn.server);
		assert_int_equal(v.legacy,
				 cases[i].is_easy ? LEGACY_RESTRICT_PORT : LEGACY_SYMMETRIC);
		assert_int_equal(v.sightings[v.sighting_count - 1].local.port != 0, true);
	}
}

static const struct deep_value *tcp_of(const struct verdict *v)
{
	return &v->turn.filtering_tcp;
}

static void tcp_needs_a_relay_that_connects(void **state)
{
	struct nat_profile p = profile_of(&home);
	const char *why;
	struct verdict v;

	sim_turn_init(&server, &p);
	server.rig.snapshot.tcp_relay = false;
	v = behind(&home);
	assert_int_equal(tcp_of(&v)->cause, CAUSE_TURN_NO_TCP);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);

	sim_turn_init(&server, &p);
	server.turn.has_lines = false;
	v = behind(&home);
	assert_int_equal(tcp_of(&v)->cause, CAUSE_TURN_NO_TCP);

	sim_turn_init(&server, &p);
	server.makes_no_connections = true;
	v = behind(&home);
	assert_int_equal(tcp_of(&v)->state, DEEP_UNKNOWN);
	assert_int_equal(tcp_of(&v)->cause, CAUSE_CONTROL_LOST);

	sim_turn_init(&server, &p);
	assert_true(policy_rules_add(server.rig.peer_rules, POLICY_DENY, "21.0.0.0/24", &why));
	v = behind(&home);
	assert_int_equal(tcp_of(&v)->cause, CAUSE_TURN_DENIED);
}

/* Each rule by TCP, where UDP has another one. */
static void every_rule_of_tcp(void **state)
{
	static const struct {
		uint8_t rule, word;
	} cases[] = {
		{ NAT_EI, DEEP_FILTER_ENDPOINT_INDEPENDENT },
		{ NAT_AD, DEEP_FILTER_ADDRESS_DEPENDENT },
		{ NAT_APD, DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config box = { .mapping = NAT_EI,
					  .filtering = i == 1 ? NAT_EI : NAT_AD,
					  .has_tcp_rules = true,
					  .tcp_mapping = NAT_APD,
					  .tcp_filtering = cases[i].rule };
		struct nat_profile p = profile_of(&box);
		struct verdict v;

		sim_turn_init(&server, &p);
		v = behind(&box);
		assert_int_equal(tcp_of(&v)->state, DEEP_WORD);
		assert_int_equal(tcp_of(&v)->word, cases[i].word);
		assert_int_equal(v.deep.values[DEEP_FILTERING_TCP].word, cases[i].word);
		assert_false(v.deep.tried);
	}
}

/* TCP does not get out at all. */
static void tcp_may_be_blocked(void **state)
{
	static const struct nat_config box = { .mapping = NAT_EI,
					       .filtering = NAT_AD,
					       .tcp_blocked = true };
	struct nat_profile p = profile_of(&box);
	struct verdict v;

	sim_turn_init(&server, &p);
	v = behind(&box);
	assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
	assert_int_equal(tcp_of(&v)->state, DEEP_UNKNOWN);
	assert_int_equal(tcp_of(&v)->cause, CAUSE_TCP_SILENT);
}

static void it_can_be_stopped_at_any_time(void **state)
{
	struct sim_result results[SIM_INTERFACES_MAX];

	for (uint32_t at_us = 1; at_us < 1500000; at_us += 7919) {
		struct nat_profile p = profile_of(&half_open);
		struct sim_config c = plain_servers(&p, 1, 0);
		const struct verdict *v = &results[0].verdict;

		c.turn_stops_after_us = at_us;
		sim_turn_init(&server, &p);
		(void)run(&c, results);
		assert_true(results[0].elapsed_us <= v->elapsed_us + at_us + 510000);
		if (v->filtering.value != BEHAVIOUR_UNKNOWN)
			assert_int_equal(v->filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
		else
			assert_int_equal(v->filtering.cause, CAUSE_TIMEOUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_on_every_profile),
		cmocka_unit_test(equal_on_every_profile_with_loss),
		cmocka_unit_test(every_rule),
		cmocka_unit_test(beside_a_server_of_rfc5780),
		cmocka_unit_test(what_follows_from_it_follows),
		cmocka_unit_test(a_refusal_is_the_cause),
		cmocka_unit_test(our_address_may_be_denied),
		cmocka_unit_test(one_port_tells_half),
		cmocka_unit_test(pairs_are_not_needed),
		cmocka_unit_test(one_address_for_all_is_noticed),
		cmocka_unit_test(a_wrong_source_spoils_it),
		cmocka_unit_test(a_relay_that_only_answers_is_noticed),
		cmocka_unit_test(a_stun_server_may_be_denied),
		cmocka_unit_test(a_pool_is_permitted),
		cmocka_unit_test(much_loss_makes_nothing_wrong),
		cmocka_unit_test(one_server_is_enough_for_mapping),
		cmocka_unit_test(tcp_needs_a_relay_that_connects),
		cmocka_unit_test(every_rule_of_tcp),
		cmocka_unit_test(tcp_may_be_blocked),
		cmocka_unit_test(it_can_be_stopped_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
