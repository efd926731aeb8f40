/* policy: countries and networks, clients, and what does not read as a rule. */
#include "turnd/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmdb_geo.h"
#include "wire.h"

static const struct mmdb_row places[] = {
	{ "84.20.0.0", 16, "DE", 64500, NULL },
	{ "91.80.0.0", 16, "CH", 64501, NULL },
	{ "95.1.0.0", 16, "NZ", 4200000000, NULL },
	{ "2a06:1300::", 32, "DE", 64502, NULL },
};

static bool add(struct policy_rules *r, const char *line, const char **why)
{
	enum policy_list list = line[0] == '+' ? POLICY_ALLOW : POLICY_DENY;

	if (strchr(line, '.') != NULL || strchr(line, ':') != NULL)
		return policy_rules_add(r, list, line + 1, why);
	if (strlen(line) == 3)
		return policy_rules_add_country(r, list, line + 1, why);
	return policy_rules_add_network(r, list, line + 1, why);
}

/* Lines such as "+DE", "-AS64500", "+10.0.0.0/8", separated by blanks. */
static struct policy *policy_of(const char *lines, bool deny_special, const struct geo *g)
{
	struct policy_rules *r = policy_rules_new(deny_special);
	char copy[200], *rest = copy, *line;
	const char *why = "";
	struct policy *p;

	(void)snprintf(copy, sizeof(copy), "%s", lines);
	while ((line = strtok_r(rest, " ", &rest)) != NULL) {
		if (!add(r, line, &why))
			fail_msg("%s %s", line, why);
	}
	p = policy_new(r, g, &why);
	if (p == NULL)
		fail_msg("%s: %s", lines, why);
	policy_rules_free(r);
	return p;
}

static void places_decide_what_lists_leave_open(void **state)
{
	static const struct {
		const char *rules, *peer;
		enum policy_verdict want;
	} cases[] = {
		/* 84.20: DE, 64500; 91.80: CH, 64501; 95.1: NZ, 4200000000; 8.8: not known */
		{ "-DE", "84.20.0.1", POLICY_COUNTRY },
		{ "-DE", "84.21.0.1", POLICY_ALLOWED },
		{ "-de", "84.20.255.255", POLICY_COUNTRY },
		{ "-DE", "91.80.0.1", POLICY_ALLOWED },
		{ "-DE", "2a06:1300::1", POLICY_COUNTRY },
		{ "-DE", "8.8.8.8", POLICY_ALLOWED },
		{ "-DE -NZ", "95.1.0.1", POLICY_COUNTRY },
		{ "-AS64500", "84.20.0.1", POLICY_NETWORK },
		{ "-64500", "84.20.0.1", POLICY_NETWORK },
		{ "-AS64500", "91.80.0.1", POLICY_ALLOWED },
		{ "-AS64502 -AS4200000000 -AS1", "95.1.0.1", POLICY_NETWORK },
		{ "+CH", "91.80.0.1", POLICY_ALLOWED },
		{ "+CH", "84.20.0.1", POLICY_COUNTRY },
		{ "+CH", "8.8.8.8", POLICY_COUNTRY },
		{ "+AS64501", "91.80.0.1", POLICY_ALLOWED },
		{ "+AS64501", "84.20.0.1", POLICY_NETWORK },
		{ "+AS64501", "8.8.8.8", POLICY_NETWORK },
		/* one allow is enough, one deny as well, and deny wins */
		{ "+CH +AS64500", "84.20.0.1", POLICY_ALLOWED },
		{ "+CH +AS64500", "91.80.0.1", POLICY_ALLOWED },
		{ "+CH +AS64500", "95.1.0.1", POLICY_COUNTRY },
		{ "+CH -CH", "91.80.0.1", POLICY_COUNTRY },
		{ "-CH +CH", "91.80.0.1", POLICY_COUNTRY },
		{ "+CH -AS64501", "91.80.0.1", POLICY_NETWORK },
		{ "-CH +AS64501", "91.80.0.1", POLICY_COUNTRY },
		/* a prefix says more than a country */
		{ "-DE +84.20.1.0/24", "84.20.1.1", POLICY_ALLOWED },
		{ "-DE +84.20.1.0/24", "84.20.2.1", POLICY_COUNTRY },
		{ "+DE -84.20.1.0/24", "84.20.1.1", POLICY_RULE },
		/* no place makes a special address ordinary */
		{ "+DE", "10.0.0.1", POLICY_SPECIAL },
		/* the place of what is hidden counts */
		{ "-DE +64:ff9b::/96", "64:ff9b::84.20.0.1", POLICY_COUNTRY },
		{ "+CH +64:ff9b::/96", "64:ff9b::91.80.0.1", POLICY_ALLOWED },
	};
	struct geo *g = mmdb_geo(places, ARRAY_LEN(places));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy *p = policy_of(cases[i].rules, true, g);
		enum policy_verdict got;
		struct addr a;

		assert_true(addr_parse_ip(cases[i].peer, 80, &a));
		got = policy_judge(p, &a, NULL, NULL);
		if (got != cases[i].want || policy_judge_address(p, &a, NULL) != got)
			fail_msg("%s with %s: %s", cases[i].peer, cases[i].rules, policy_word(got));
		policy_free(p);
	}
	geo_free(g);
}

static bool is_live(void *arg, const struct addr *relay)
{
	return true;
}

/* Who is behind it has been judged as a peer or a client of ours already. */
static void the_place_of_our_own_relay_does_not_matter(void **state)
{
	const struct policy_live live = { is_live, NULL };
	struct policy_rules *r = policy_rules_new(true);
	struct addr relay = addr_ipv4(84, 20, 0, 1, 50000);
	struct geo *g = mmdb_geo(places, ARRAY_LEN(places));
	const char *why = "";
	struct policy *p;

	assert_true(policy_rules_add_country(r, POLICY_DENY, "DE", &why));
	assert_true(policy_rules_add_relay(r, &relay, &why));
	p = policy_new(r, g, &why);
	assert_int_equal(policy_judge(p, &relay, &live, NULL), POLICY_ALLOWED);
	policy_free(p);
	policy_rules_free(r);
	geo_free(g);
}

/* They would deny nobody, and nobody would notice. */
static void rules_about_places_need_a_database(void **state)
{
	static const char *const lines[] = { "+DE", "-DE", "+AS1", "-AS1" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct policy_rules *r = policy_rules_new(true);
		const char *why = "";

		assert_true(add(r, lines[i], &why));
		assert_null(policy_new(r, NULL, &why));
		assert_non_null(strstr(why, "database"));
		policy_rules_free(r);
	}
}

static void clients_may_come_from_private_networks(void **state)
{
	struct geo *g = mmdb_geo(places, ARRAY_LEN(places));
	struct policy *p = policy_of("-DE -192.168.9.0/24", false, g);
	static const struct {
		const char *client;
		enum policy_verdict want;
	} cases[] = {
		{ "10.0.0.1", POLICY_ALLOWED },        { "127.0.0.1", POLICY_ALLOWED },
		{ "fe80::1", POLICY_ALLOWED },         { "192.168.9.1", POLICY_RULE },
		{ "84.20.0.1", POLICY_COUNTRY },       { "::ffff:84.20.0.1", POLICY_COUNTRY },
		{ "::ffff:192.168.9.1", POLICY_RULE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a;

		assert_true(addr_parse_ip(cases[i].client, 80, &a));
		assert_int_equal(policy_judge(p, &a, NULL, NULL), cases[i].want);
	}
	policy_free(p);
	geo_free(g);
}

static void what_is_no_rule_is_refused_with_a_reason(void **state)
{
	static const char *const countries[] = {
		"", "D", "DEU", "D1", "--", "\xc3\xa4", "D ", " DE"
	};
	static const char *const networks[] = {
		"",     "AS",   "0",      "AS0",        "AS064500",    "-1",
		"+1",   "AS 1", "1 ",     "4294967296", "99999999999", "18446744073709551617",
		"ASN1", "0x10", "AS1.10",
	};
	static const char *const translators[] = {
		"",           "10.0.0.0/8",     "2001:db8::/33", "2001:db8::/97",
		"2001:db8::", "2001:db8::1/96", "::/0",          "64:ff9b::/128",
	};
	struct policy_rules *r = policy_rules_new(true);
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(countries); i++) {
		why = NULL;
		if (policy_rules_add_country(r, POLICY_DENY, countries[i], &why))
			fail_msg("'%s': accepted", countries[i]);
		assert_non_null(why);
	}
	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		why = NULL;
		if (policy_rules_add_network(r, POLICY_DENY, networks[i], &why))
			fail_msg("'%s': accepted", networks[i]);
		assert_non_null(why);
	}
	for (size_t i = 0; i < ARRAY_LEN(translators); i++) {
		why = NULL;
		if (policy_rules_add_nat64(r, translators[i], &why))
			fail_msg("'%s': accepted", translators[i]);
		assert_non_null(why);
	}
	why = NULL;
	assert_false(policy_rules_add(r, POLICY_ALLOW, "10.0.0.1/8", &why));
	assert_non_null(why);
	policy_rules_free(r);
}

/* Before and after the limit. */
static void the_edges_of_numbers_are_read(void **state)
{
	struct policy_rules *r = policy_rules_new(true);
	const char *why = "";

	assert_true(policy_rules_add_network(r, POLICY_DENY, "1", &why));
	assert_true(policy_rules_add_network(r, POLICY_DENY, "as4294967295", &why));
	for (int i = 0; i < POLICY_NAT64_MAX; i++)
		assert_true(policy_rules_add_nat64(r, "64:ff9b::/96", &why));
	assert_false(policy_rules_add_nat64(r, "64:ff9b::/96", &why));
	assert_non_null(strstr(why, "too many"));
	policy_rules_free(r);
	policy_rules_free(NULL);
	policy_free(NULL);
}

static void a_wildcard_is_no_endpoint(void **state)
{
	static const char *const wildcards[] = { "0.0.0.0:3478", "[::]:3478", "[::ffff:0:0]:3478" };
	struct policy_rules *r = policy_rules_new(true);
	static const struct addr none;
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_LEN(wildcards); i++) {
		struct addr a;

		assert_true(addr_parse(wildcards[i], 0, &a));
		assert_false(policy_rules_add_own(r, &a, &why));
		assert_false(policy_rules_add_relay(r, &a, &why));
	}
	assert_false(policy_rules_add_own(r, &none, &why));
	assert_non_null(why);
	policy_rules_free(r);
}

/* A socket of both families shows IPv4 as mapped: its endpoint is the IPv4 one. */
static void a_mapped_endpoint_is_an_ipv4_one(void **state)
{
	struct policy_rules *r = policy_rules_new(true);
	struct addr mapped, peer = addr_ipv4(8, 8, 8, 8, 3478);
	const char *why = "";
	struct policy *p;

	assert_true(addr_parse("[::ffff:8.8.8.8]:3478", 0, &mapped));
	assert_true(policy_rules_add_own(r, &mapped, &why));
	p = policy_new(r, NULL, &why);
	assert_int_equal(policy_judge(p, &peer, NULL, NULL), POLICY_OWN);
	policy_free(p);
	policy_rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_decide_what_lists_leave_open),
		cmocka_unit_test(the_place_of_our_own_relay_does_not_matter),
		cmocka_unit_test(rules_about_places_need_a_database),
		cmocka_unit_test(clients_may_come_from_private_networks),
		cmocka_unit_test(what_is_no_rule_is_refused_with_a_reason),
		cmocka_unit_test(the_edges_of_numbers_are_read),
		cmocka_unit_test(a_wildcard_is_no_endpoint),
		cmocka_unit_test(a_mapped_endpoint_is_an_ipv4_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
