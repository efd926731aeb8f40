/* classify: observations in, values out. */
#include "natprobe/discover/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define SEEN_MAX 12

#define EI  BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT)
#define AD  BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT)
#define APD BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT)
#define PD  BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT)

/*
 * A sighting in six characters at most: slot, server (A to Z), address (1 or 2), port (p or q)
 * and what was seen: - nothing, = our local endpoint, or a letter for a mapping; a capital is
 * the same port at another address.
 * A trailing ! makes it unstable.
 */
static struct verdict_sighting sighting(const char *word)
{
	struct verdict_sighting s = {
		.slot = (uint8_t)(word[0] - '0'),
		.endpoint = addr_ipv4(192, 0, (uint8_t)word[1], (uint8_t)word[2],
				      word[3] == 'p' ? 3478 : 3479),
		.local = addr_ipv4(10, 0, 0, 1, 5000),
		.unstable = word[5] == '!',
	};

	s.local.port = (uint16_t)(s.local.port + s.slot);
	if (word[4] == '=')
		s.mapped = s.local;
	else if (word[4] != '-')
		s.mapped = addr_ipv4(198, 51, 100, word[4] < 'a' ? 2 : 1,
				     (uint16_t)(1000 * (s.slot + 1) + (word[4] | 0x20)));
	return s;
}

static size_t read_sightings(const char *text, struct verdict_sighting *seen)
{
	size_t count = 0;
	char word[8];
	int used;

	while (sscanf(text, "%7s%n", word, &used) == 1) {
		assert_true(count < SEEN_MAX);
		seen[count++] = sighting(word);
		text += used;
	}
	return count;
}

static void mappings_are_patterns(void **state)
{
	static const struct {
		const char *why, *seen;
		enum verdict_behaviour value;
		uint32_t possible;
		enum verdict_cause cause;
	} cases[] = {
		{ "no NAT", "0A1p= 0A1q= 0A2p= 0A2q=", BEHAVIOUR_NONE,
		  BEHAVIOUR_BIT(BEHAVIOUR_NONE), 0 },
		{ "no NAT, one endpoint is enough (RFC 5780, section 4.3)", "0A1p=", BEHAVIOUR_NONE,
		  BEHAVIOUR_BIT(BEHAVIOUR_NONE), 0 },
		{ "all equal", "0A1pa 0A1qa 0A2pa 0A2qa", BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, 0 },
		{ "by address", "0A1pa 0A1qa 0A2pb 0A2qb", BEHAVIOUR_ADDRESS_DEPENDENT, AD, 0 },
		{ "by port", "0A1pa 0A1qb 0A2pa 0A2qb", BEHAVIOUR_PORT_DEPENDENT, PD, 0 },
		{ "all differ", "0A1pa 0A1qb 0A2pc 0A2qd", BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		  APD, 0 },
		{ "RFC 5780's two comparisons do not see a rule by port", "0A1pa 0A2pa",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI | PD, CAUSE_ONE_PORT },
		{ "and the fourth endpoint tells", "0A1pa 0A2pa 0A2qb 0A1qb",
		  BEHAVIOUR_PORT_DEPENDENT, PD, 0 },
		{ "no rule", "0A1pa 0A1qb 0A2pb 0A2qa", BEHAVIOUR_MIXED,
		  BEHAVIOUR_BIT(BEHAVIOUR_MIXED), 0 },
		{ "one endpoint changed its mind", "0A1pa! 0A1qa 0A2pa 0A2qa", BEHAVIOUR_MIXED,
		  BEHAVIOUR_BIT(BEHAVIOUR_MIXED), 0 },
		{ "nothing", "", BEHAVIOUR_UNKNOWN, EI | AD | APD | PD, CAUSE_NO_SERVER },
		{ "nothing answered", "0A1p- 0A2p-", BEHAVIOUR_UNKNOWN, EI | AD | APD | PD,
		  CAUSE_NO_SERVER },
		{ "one endpoint", "0A1pa", BEHAVIOUR_UNKNOWN, EI | AD | APD | PD,
		  CAUSE_FEW_SERVERS },
		{ "three of four, equal, are enough", "0A1pa 0A1q- 0A2pa 0A2qa",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, 0 },
		{ "a dead alternate leaves two", "0A1pa 0A1qa 0A2p- 0A2q-", BEHAVIOUR_UNKNOWN,
		  EI | AD, CAUSE_FEW_ENDPOINTS },
		{ "a dead alternate, ports differ", "0A1pa 0A1qb 0A2p- 0A2q-", BEHAVIOUR_UNKNOWN,
		  APD | PD, CAUSE_FEW_ENDPOINTS },
		{ "servers with one address, different ports, equal", "0A1pa 0B1qa",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, 0 },
		{ "servers with one address, one port, equal", "0A1pa 0B1pa 0C1pa",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI | PD, CAUSE_ONE_PORT },
		{ "the same by chance: a second socket shows it", "0A1pa 0B1pa 1A1pc 1B1pd",
		  BEHAVIOUR_UNKNOWN, AD | APD, CAUSE_ONE_PORT },
		{ "servers with one address, one port, differing", "0A1pa 0B1pb", BEHAVIOUR_UNKNOWN,
		  AD | APD, CAUSE_ONE_PORT },
		{ "servers with one address, different ports, differing", "0A1pa 0B1qb",
		  BEHAVIOUR_UNKNOWN, AD | APD | PD, CAUSE_FEW_ENDPOINTS },
		{ "another server sees another mapping: a balancer by destination",
		  "0A1pa 0A1qa 0A2pa 0A2qa 0B1pb", BEHAVIOUR_MIXED, BEHAVIOUR_BIT(BEHAVIOUR_MIXED),
		  0 },
		{ "sockets are not compared with each other", "0A1pa 1A2pb", BEHAVIOUR_UNKNOWN,
		  EI | AD | APD | PD, CAUSE_ONE_PORT },
		{ "a second socket agrees", "0A1pa 0A1qa 0A2pb 0A2qb 1A1pc 1A1qc 1A2pd 1A2qd",
		  BEHAVIOUR_ADDRESS_DEPENDENT, AD, 0 },
		{ "one chance of the first socket",
		  "0A1pa 0A1qa 0A2pc 0A2qd 1A1pa 1A1qb 1A2pc 1A2qd",
		  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, APD, 0 },
		{ "one chance of the second socket",
		  "0A1pa 0A1qa 0A2pb 0A2qb 1A1pa 1A1qa 1A2pa 1A2qa", BEHAVIOUR_ADDRESS_DEPENDENT,
		  AD, 0 },
		{ "twice the same disagreement is no chance: a NAT that restarted in between",
		  "0A1pa 0A1qa 0A2pb 0A2qb 1A1pa 1A1qa 1A2pa 1A2qa 2A1pa 2A1qa 2A2pa 2A2qa",
		  BEHAVIOUR_MIXED, BEHAVIOUR_BIT(BEHAVIOUR_MIXED), 0 },
		{ "two chances are none: a pool by destination",
		  "0A1pa 0A1qa 0A2pb 0A2qb 1A1pa 1A1qb 1A2pa 1A2qb", BEHAVIOUR_MIXED,
		  BEHAVIOUR_BIT(BEHAVIOUR_MIXED), 0 },
		{ "the second socket is another matter: a NAT that changed",
		  "0A1pa 0A1qa 0A2pa 0A2qa 1A1pa 1A1qb 1A2pc 1A2qd", BEHAVIOUR_MIXED,
		  BEHAVIOUR_BIT(BEHAVIOUR_MIXED), 0 },
		{ "another port was asked and did not answer", "0A1pa 0A2pa 0A1q- 0A2q-",
		  BEHAVIOUR_UNKNOWN, EI | PD, CAUSE_ONE_PORT },
		{ "ports kept, two addresses by destination", "0A1pa 0A1qa 0A2pA 0A2qA",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, 0 },
		{ "ports kept, two addresses by lot", "0A1pa 0A1qA 0A2pA 0A2qa 1A1pB 1A2qb 1A2pb",
		  BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, 0 },
		{ "two addresses and other ports", "0A1pa 0A1qB 0A2pc 0A2qD",
		  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, APD, 0 },
		{ "two addresses by lot, ports by port", "0A1pa 0A1qb 0A2pA 0A2qB",
		  BEHAVIOUR_PORT_DEPENDENT, PD, 0 },
		{ "translated for one destination only", "0A1p= 0A1q= 0A2pa 0A2qa",
		  BEHAVIOUR_ADDRESS_DEPENDENT, AD, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_sighting seen[SEEN_MAX];
		size_t count = read_sightings(cases[i].seen, seen);
		struct verdict_property p = classify_mapping(seen, count);

		if (p.value != cases[i].value || p.possible != cases[i].possible ||
		    p.cause != cases[i].cause)
			fail_msg("%s: %s (%s), possible %x", cases[i].why,
				 verdict_behaviour_word((enum verdict_behaviour)p.value),
				 verdict_cause_word((enum verdict_cause)p.cause), p.possible);
	}
}

static void a_coincidence_of_ports_is_the_error(void **state)
{
	static const struct {
		const char *seen;
		double low, high; /* 0: there is none */
	} cases[] = {
		{ "0A1p= 0A1q= 0A2p= 0A2q=", 0, 0 },
		{ "0A1pa 0A1qb 0A2pc 0A2qd", 0, 0 }, /* differences are no coincidence */
		{ "0A1pa 0B1qa", 1e-5, 1e-3 },
		{ "0A1pa 0A1qa 0A2pa 0A2qa", 1e-10, 1e-7 },
		{ "0A1pa 0A1qa 0A2pa 0A2qa 1A1pb 1A1qb 1A2pb 1A2qb", 0, 1e-11 },
		{ "0A1pa 0A1qa 0A2pb 0A2qb", 1e-8, 1e-5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_sighting seen[SEEN_MAX];
		size_t count = read_sightings(cases[i].seen, seen);
		double error = classify_mapping(seen, count).error;

		if (error < cases[i].low || error > cases[i].high)
			fail_msg("%s: %g", cases[i].seen, error);
	}
}

static void disagreement_between_sockets_is_doubtful(void **state)
{
	static const struct {
		const char *seen;
		bool doubtful;
	} cases[] = {
		{ "", false },
		{ "0A1pa 0A1qb 0A2pa 0A2qb", false },
		{ "0A1pa 0A1qa 0A2pa 0A2qa 1A1pa 1A1qa 1A2pa 1A2qa", false },
		{ "0A1pa 0A1qa 0A2pb 0A2qb 1A1pa 1A1qa 1A2pa 1A2qa", true },
		{ "0A1pa 0A1qa 0A2pa 0A2q- 1A1pa 1A1qa 1A2p- 1A2qa", false },
	};
	struct verdict_sighting seen[SEEN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t count = read_sightings(cases[i].seen, seen);

		assert_int_equal(classify_mapping_is_doubtful(seen, count), cases[i].doubtful);
	}
}

static void nat_is_a_difference_of_address_or_port(void **state)
{
	static const struct {
		const char *why, *seen;
		enum verdict_answer nat;
	} cases[] = {
		{ "nothing", "0A1p-", VERDICT_UNKNOWN },
		{ "plain", "0A1p= 0A2q=", VERDICT_NO },
		{ "translated", "0A1pa 0A2q-", VERDICT_YES },
		{ "some destinations only", "0A1p= 0A2qa", VERDICT_MIXED },
	};
	struct verdict_sighting seen[SEEN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t count = read_sightings(cases[i].seen, seen);

		if (classify_nat(seen, count) != cases[i].nat)
			fail_msg("%s", cases[i].why);
	}

	seen[0] = sighting("0A1p=");
	seen[0].mapped.port++;
	assert_int_equal(classify_nat(seen, 1), VERDICT_YES); /* ports count */
	seen[0] = sighting("0A1p=");
	seen[0].local = addr_ipv4(0, 0, 0, 0, 5000);
	assert_int_equal(classify_nat(seen, 1), VERDICT_UNKNOWN); /* the wildcard says nothing */
	seen[0] = sighting("0A1p=");
	seen[0].local.port = 0;
	assert_int_equal(classify_nat(seen, 1), VERDICT_UNKNOWN); /* nor a port nobody knows */
	seen[0].local = addr_ipv4(10, 0, 0, 9, 0);
	assert_int_equal(classify_nat(seen, 1), VERDICT_YES); /* but another address does */
	seen[0] = sighting("0A1p=");
	seen[0].local.scope = 3;
	assert_int_equal(classify_nat(seen, 1), VERDICT_NO);
}

static void filters_are_patterns(void **state)
{
	/* Gates of port, address, both: + passes, - blocks, ? unknown. */
	static const struct {
		const char *gates;
		uint32_t possible;
	} cases[] = {
		{ "+++", EI },
		{ "+--", AD },
		{ "---", APD },
		{ "-+-", PD },
		{ "++-", BEHAVIOUR_BIT(BEHAVIOUR_MIXED) },
		{ "+-+", BEHAVIOUR_BIT(BEHAVIOUR_MIXED) },
		{ "-++", BEHAVIOUR_BIT(BEHAVIOUR_MIXED) },
		{ "--+", BEHAVIOUR_BIT(BEHAVIOUR_MIXED) },
		{ "???", EI | AD | APD | PD },
		{ "??+", EI }, /* RFC 5780's test II is enough */
		{ "?\?-", AD | APD | PD },
		{ "+?-", AD },
		{ "+??", EI | AD },  /* test III alone says address or looser */
		{ "-?-", APD | PD }, /* and its silence says port-dependent or stricter */
		{ "?--", AD | APD },
		{ "-??", APD | PD },
		{ "?+?", EI | PD },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum classify_gate gates[FILTER_KINDS] = { 0 };
		struct verdict_property p;

		for (size_t k = 0; k < 3; k++)
			gates[FILTER_PORT + k] = cases[i].gates[k] == '+'   ? GATE_PASSES
						 : cases[i].gates[k] == '-' ? GATE_BLOCKS
									    : GATE_UNKNOWN;
		p = classify_filtering(gates);
		if (p.possible != cases[i].possible)
			fail_msg("%s: possible %x", cases[i].gates, p.possible);
		assert_int_equal(p.value != BEHAVIOUR_UNKNOWN,
				 (p.possible & (p.possible - 1)) == 0);
	}
}

/* Mapping and filtering are two properties; the old words cannot say all of them. */
static void old_words_follow_from_both_values(void **state)
{
	static const struct {
		enum verdict_answer blocked;
		enum verdict_behaviour mapping, filtering;
		const char *word;
		uint32_t possible; /* mappings, where the value is unknown */
	} cases[] = {
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_ENDPOINT_INDEPENDENT, "open internet", 0 },
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_ADDRESS_DEPENDENT, "symmetric udp firewall",
		  0 },
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		  "symmetric udp firewall", 0 },
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_UNKNOWN, "unknown", 0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT,
		  "full cone", 0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_DEPENDENT,
		  "restrict", 0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		  "restrict port", 0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_PORT_DEPENDENT, "unknown",
		  0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_MIXED, "unknown", 0 },
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_UNKNOWN, "unknown", 0 },
		{ VERDICT_NO, BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT,
		  "symmetric", 0 },
		{ VERDICT_NO, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT,
		  "symmetric", 0 },
		{ VERDICT_NO, BEHAVIOUR_PORT_DEPENDENT, BEHAVIOUR_UNKNOWN, "symmetric", 0 },
		{ VERDICT_NO, BEHAVIOUR_UNKNOWN, BEHAVIOUR_ENDPOINT_INDEPENDENT, "unknown",
		  EI | PD },
		{ VERDICT_NO, BEHAVIOUR_UNKNOWN, BEHAVIOUR_UNKNOWN, "symmetric", AD | APD },
		{ VERDICT_YES, BEHAVIOUR_UNKNOWN, BEHAVIOUR_UNKNOWN, "filtered", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_property m = { .value = (uint8_t)cases[i].mapping,
					      .possible = cases[i].possible };
		struct verdict_property f = { .value = (uint8_t)cases[i].filtering };

		assert_string_equal(verdict_legacy_word(classify_legacy(cases[i].blocked, &m, &f)),
				    cases[i].word);
	}
}

static void blocked_udp_is_a_firewall_where_there_is_no_nat(void **state)
{
	static const struct {
		enum verdict_answer nat, firewall;
	} cases[] = {
		{ VERDICT_NO, VERDICT_YES },
		{ VERDICT_YES, VERDICT_UNKNOWN },
		{ VERDICT_MIXED, VERDICT_UNKNOWN },
		{ VERDICT_UNKNOWN, VERDICT_UNKNOWN },
	};
	const struct verdict_property unknown = { .cause = CAUSE_UDP_BLOCKED };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_yes_no nat = { .value = (uint8_t)cases[i].nat,
					      .cause = CAUSE_UDP_BLOCKED };
		struct verdict_yes_no got = classify_firewall(VERDICT_YES, &nat, &unknown);

		assert_int_equal(got.value, cases[i].firewall);
		assert_int_equal(got.cause,
				 got.value == VERDICT_UNKNOWN ? CAUSE_UDP_BLOCKED : CAUSE_NONE);
	}
}

static void a_firewall_filters_and_does_not_translate(void **state)
{
	static const struct {
		enum verdict_answer nat;
		enum verdict_behaviour filtering;
		uint32_t possible;
		enum verdict_answer firewall;
	} cases[] = {
		{ VERDICT_NO, BEHAVIOUR_ENDPOINT_INDEPENDENT, EI, VERDICT_NO },
		{ VERDICT_NO, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, APD, VERDICT_YES },
		{ VERDICT_NO, BEHAVIOUR_UNKNOWN, EI | AD, VERDICT_UNKNOWN },
		{ VERDICT_NO, BEHAVIOUR_UNKNOWN, AD | APD, VERDICT_YES },
		{ VERDICT_YES, BEHAVIOUR_ADDRESS_DEPENDENT, AD, VERDICT_NO },
		{ VERDICT_UNKNOWN, BEHAVIOUR_ADDRESS_DEPENDENT, AD, VERDICT_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_yes_no nat = { .value = (uint8_t)cases[i].nat };
		struct verdict_property f = { .value = (uint8_t)cases[i].filtering,
					      .possible = cases[i].possible };

		assert_int_equal(classify_firewall(VERDICT_NO, &nat, &f).value, cases[i].firewall);
	}
}

static void silence_is_judged_by_the_loss_that_was_seen(void **state)
{
	/* No sample: n copies are silenced with chance 1 / (n + 1). */
	assert_float_equal(classify_silence_by_loss(0, 0, 1), 0.5, 1e-9);
	assert_float_equal(classify_silence_by_loss(0, 0, 6), 1.0 / 7, 1e-9);
	assert_float_equal(classify_silence_by_loss(5, 2, 0), 1, 1e-9);
	/* Six of six controls and eight mapping probes: good enough. */
	assert_true(classify_silence_by_loss(14, 0, 6) < 1e-4);
	/* More loss asks for more copies, more of a sample for fewer. */
	assert_true(classify_silence_by_loss(14, 3, 6) > 1e-4);
	assert_true(classify_silence_by_loss(14, 3, 16) < 1e-4);
	assert_true(classify_silence_by_loss(140, 30, 6) > classify_silence_by_loss(1400, 0, 6));
	/* A path that is almost dead says nothing, however many copies. */
	assert_true(classify_silence_by_loss(1, 40, 40) > 0.01);
}

static void every_value_has_a_word(void **state)
{
	char buf[128];

	for (unsigned i = 1; i < BEHAVIOURS; i++)
		assert_string_not_equal(verdict_behaviour_word((enum verdict_behaviour)i),
					"unknown");
	for (unsigned i = 1; i < CAUSES; i++) {
		const char *word = verdict_cause_word((enum verdict_cause)i);

		assert_true(strlen(word) > 0);
		assert_true(strlen(verdict_cause_text((enum verdict_cause)i)) > 0);
		for (unsigned j = 1; j < i; j++)
			assert_string_not_equal(word, verdict_cause_word((enum verdict_cause)j));
	}
	for (unsigned i = 1; i < LEGACIES; i++) {
		assert_string_not_equal(verdict_legacy_word((enum verdict_legacy)i), "unknown");
		assert_string_not_equal(verdict_legacy_rfc3489((enum verdict_legacy)i), "unknown");
	}
	assert_string_equal(verdict_cause_word(CAUSES), "unknown");
	assert_string_equal(verdict_behaviour_word(BEHAVIOURS), "unknown");
	assert_string_equal(verdict_possible_print(EI | PD, buf, sizeof(buf)),
			    "endpoint-independent or port-dependent");
	assert_string_equal(verdict_possible_print(0, buf, sizeof(buf)), "");
	(void)verdict_possible_print(EI | PD, buf, 10);
	assert_string_equal(buf, "endpoint-");
}

static void prospects_follow_from_the_values(void **state)
{
	static const struct {
		enum verdict_answer nat;
		enum verdict_behaviour mapping, filtering;
		const char *prospect;
		enum verdict_outcome outcome;
		uint32_t possible; /* mappings, where the value is unknown */
	} cases[] = {
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_ENDPOINT_INDEPENDENT, "direct",
		  VERDICT_REACHED, 0 },
		{ VERDICT_NO, BEHAVIOUR_NONE, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT, "punch",
		  VERDICT_REACHED, 0 },
		{ VERDICT_YES, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_ENDPOINT_INDEPENDENT,
		  "direct", VERDICT_REACHED, 0 },
		{ VERDICT_YES, BEHAVIOUR_ENDPOINT_INDEPENDENT, BEHAVIOUR_UNKNOWN, "punch",
		  VERDICT_INCONCLUSIVE, 0 },
		{ VERDICT_YES, BEHAVIOUR_MIXED, BEHAVIOUR_ADDRESS_DEPENDENT, "punch-hard",
		  VERDICT_REACHED, 0 },
		{ VERDICT_YES, BEHAVIOUR_UNKNOWN, BEHAVIOUR_UNKNOWN, "unknown",
		  VERDICT_INCONCLUSIVE, EI | PD },
		{ VERDICT_YES, BEHAVIOUR_UNKNOWN, BEHAVIOUR_UNKNOWN, "punch-hard",
		  VERDICT_INCONCLUSIVE, AD | APD },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = { 0 };

		v.nat.value = (uint8_t)cases[i].nat;
		v.udp_blocked.value = VERDICT_NO;
		v.mapping.value = (uint8_t)cases[i].mapping;
		v.mapping.possible = cases[i].possible;
		v.filtering.value = (uint8_t)cases[i].filtering;
		assert_string_equal(verdict_prospect_word(verdict_prospect(&v)), cases[i].prospect);
		assert_int_equal(verdict_outcome(&v), cases[i].outcome);
		assert_true(strlen(verdict_headline(&v)) > 20);
	}
}

static void findings_are_kept_once(void **state)
{
	struct verdict v = { 0 };
	struct addr where = addr_ipv4(192, 0, 2, 1, 1);

	verdict_add_finding(&v, CAUSE_WRONG_SOURCE, 0, &where);
	verdict_add_finding(&v, CAUSE_WRONG_SOURCE, 0, &where);
	assert_int_equal(v.finding_count, 1);
	verdict_add_finding(&v, CAUSE_WRONG_SOURCE, 1, &where);
	verdict_add_finding(&v, CAUSE_IGNORES_CHANGE, 1, &where);
	assert_int_equal(v.finding_count, 3);
	for (uint16_t port = 2; port < 100; port++) {
		where.port = port;
		verdict_add_finding(&v, CAUSE_WRONG_SOURCE, 0, &where);
	}
	assert_int_equal(v.finding_count, 2 + VERDICT_FINDINGS_ALIKE);
	for (uint16_t port = 2; port < 100; port++) {
		where.port = port;
		verdict_add_finding(&v, CAUSE_WRONG_SOURCE, (uint8_t)(port % 100), &where);
	}
	assert_int_equal(v.finding_count, VERDICT_FINDINGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappings_are_patterns),
		cmocka_unit_test(a_coincidence_of_ports_is_the_error),
		cmocka_unit_test(disagreement_between_sockets_is_doubtful),
		cmocka_unit_test(nat_is_a_difference_of_address_or_port),
		cmocka_unit_test(filters_are_patterns),
		cmocka_unit_test(old_words_follow_from_both_values),
		cmocka_unit_test(blocked_udp_is_a_firewall_where_there_is_no_nat),
		cmocka_unit_test(a_firewall_filters_and_does_not_translate),
		cmocka_unit_test(silence_is_judged_by_the_loss_that_was_seen),
		cmocka_unit_test(every_value_has_a_word),
		cmocka_unit_test(prospects_follow_from_the_values),
		cmocka_unit_test(findings_are_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
