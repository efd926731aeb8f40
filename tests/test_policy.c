/* policy: who may be reached, in every disguise, and in both orders of the rules. */
#include "turnd/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alloc_count.h"
#include "rng.h"
#include "wire.h"

#define LINES_MAX 8

static struct addr ip(const char *text)
{
	struct addr a;

	if (!addr_parse(text, 40000, &a))
		fail_msg("%s is no address", text);
	return a;
}

/*
 * One line of rules: "+10.0.0.0/8" allows, "-10.0.0.0/8" denies, "o192.0.2.1:3478" is an own
 * endpoint, "r192.0.2.1" a relay address, "n2001:db8::/96" a translator.
 */
static void add(struct policy_rules *r, const char *line)
{
	struct addr a = { 0 };
	const char *why = "";
	bool ok;

	if (line[0] == 'o' || line[0] == 'r')
		a = ip(line + 1);
	switch (line[0]) {
	case 'o':
		ok = policy_rules_add_own(r, &a, &why);
		break;
	case 'r':
		ok = policy_rules_add_relay(r, &a, &why);
		break;
	case 'n':
		ok = policy_rules_add_nat64(r, line + 1, &why);
		break;
	default:
		ok = policy_rules_add(r, line[0] == '+' ? POLICY_ALLOW : POLICY_DENY, line + 1,
				      &why);
	}
	if (!ok)
		fail_msg("%s %s", line, why);
}

static struct policy *policy_of(const char *const *lines, bool backwards)
{
	struct policy_rules *r = policy_rules_new(true);
	struct policy *p;
	const char *why = "";
	size_t n = 0;

	while (n < LINES_MAX && lines[n] != NULL)
		n++;
	for (size_t i = 0; i < n; i++)
		add(r, lines[backwards ? n - 1 - i : i]);
	p = policy_new(r, NULL, &why);
	if (p == NULL)
		fail_msg("%s", why);
	policy_rules_free(r); /* the policy does not need it any more */
	return p;
}

#define POLICY(...) policy_of((const char *const[LINES_MAX]){ __VA_ARGS__ }, false)

/* Relay sockets live on ports 50000 to 50009. */
static bool is_live(void *arg, const struct addr *relay)
{
	return relay->port >= 50000 && relay->port <= 50009;
}

static const struct policy_live live = { is_live, NULL };

static void expect(const struct policy *p, const char *peer, enum policy_verdict want)
{
	struct addr a = ip(peer);
	enum policy_verdict got = policy_judge(p, &a, &live, NULL);

	if (got != want)
		fail_msg("%s: %s", peer, policy_word(got));
}

static void expect_address(const struct policy *p, const char *peer, enum policy_verdict want)
{
	struct addr a = ip(peer);
	enum policy_verdict got = policy_judge_address(p, &a, NULL);

	if (got != want)
		fail_msg("%s: %s", peer, policy_word(got));
}

/* What attackers have tried elsewhere, or will. */
static const char *const forbidden[] = {
	"0.0.0.0",      "0.0.0.1",         "10.0.0.1",       "100.64.0.1",      "100.127.255.255",
	"127.0.0.1",    "127.255.255.255", "168.63.129.16",  "169.254.0.1",     "169.254.169.254",
	"172.16.0.1",   "172.31.255.255",  "192.0.0.1",      "192.0.0.9",       "192.0.0.10",
	"192.0.2.1",    "192.31.196.1",    "192.52.193.1",   "192.88.99.1",     "192.168.1.1",
	"192.175.48.1", "198.18.0.1",      "198.19.255.255", "198.51.100.1",    "203.0.113.1",
	"224.0.0.1",    "239.255.255.255", "240.0.0.1",      "255.255.255.254", "255.255.255.255",
};

static const char *const forbidden_ipv6[] = {
	"::",         "::1",        "64:ff9b:1::1", "100::1",        "100:0:0:1::1",
	"2001::1",    "2001:2::1",  "2001:3::1",    "2001:4:112::1", "2001:10::1",
	"2001:20::1", "2001:30::1", "2001:db8::1",  "2002::1",       "2620:4f:8000::1",
	"3fff::1",    "5f00::1",    "fc00::1",      "fd00::1",       "fd00:ec2::254",
	"fe80::1",    "fec0::1",    "ff02::1",      "ff0e::1",       "4000::1",
	"8000::1",
};

/* Ways to write IPv4 into IPv6. Byte order as it is on the wire. */
static struct addr dress(const struct addr *v4, int how)
{
	static const struct {
		uint8_t at, mask;
		const char *around;
	} ways[] = {
		{ 12, 0, "::ffff:0:0" },
		{ 12, 0, "::" },
		{ 12, 0, "::ffff:0:0:0" },
		{ 12, 0, "64:ff9b::" },
		{ 2, 0, "2002::1" },
		{ 2, 0, "2002::5efe:8.8.8.8" },
		{ 12, 0xff, "2001:0:808:808::" },
		{ 4, 0, "2001::f7f7:f7f7" },
		{ 12, 0, "2a00:1::5efe:0:0" },
		{ 12, 0, "2a00:1::200:5efe:0:0" },
		{ 12, 0, "64:ff9b:1:808:8:800::" },
		{ 12, 0, "2002:808:808::5efe:0:0" },
	};
	struct addr a = ip(ways[how].around);

	for (size_t i = 0; i < 4; i++)
		a.ip[ways[how].at + i] = v4->ip[i] ^ ways[how].mask;
	return a;
}

#define DRESSES 12

static void special_addresses_are_denied_by_default(void **state)
{
	struct policy *p = POLICY(NULL);

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		expect(p, forbidden[i], POLICY_SPECIAL);
		expect_address(p, forbidden[i], POLICY_SPECIAL);
	}
	for (size_t i = 0; i < ARRAY_LEN(forbidden_ipv6); i++) {
		expect(p, forbidden_ipv6[i], POLICY_SPECIAL);
		expect_address(p, forbidden_ipv6[i], POLICY_SPECIAL);
	}
	policy_free(p);
}

/* An operator who allows whatever can be a dress does not allow what it hides. */
static void no_disguise_helps(void **state)
{
	struct policy *strict = POLICY(NULL);
	struct policy *loose = POLICY("+::/96", "+::ffff:0:0:0/96", "+64:ff9b::/96",
				      "+64:ff9b:1::/48", "+2001::/32", "+2002::/16", "+2a00::/12");

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		struct addr v4 = ip(forbidden[i]);

		for (int how = 0; how < DRESSES; how++) {
			struct addr a = dress(&v4, how);
			char text[ADDR_TEXT_MAX];

			if (policy_judge(strict, &a, &live, NULL) != POLICY_SPECIAL ||
			    policy_judge_address(strict, &a, NULL) != POLICY_SPECIAL)
				fail_msg("%s is allowed", addr_print_ip(&a, text));
			if (policy_judge(loose, &a, &live, NULL) != POLICY_SPECIAL)
				fail_msg("%s is allowed by rule", addr_print_ip(&a, text));
		}
	}
	policy_free(strict);
	policy_free(loose);
}

static void ordinary_addresses_are_allowed(void **state)
{
	static const char *const ordinary[] = {
		"1.1.1.1", "8.8.8.8:53",         "128.0.0.1",           "192.0.1.1",
		"2000::1", "[2606:4700::1]:443", "2a00:1::5efe:8.8.8.8"
	};
	struct policy *p = POLICY(NULL);

	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++) {
		expect(p, ordinary[i], POLICY_ALLOWED);
		expect_address(p, ordinary[i], POLICY_ALLOWED);
	}
	policy_free(p);
}

static void rules_beat_the_built_in_list_where_they_are_as_narrow(void **state)
{
	static const struct {
		const char *lines[LINES_MAX], *peer;
		enum policy_verdict want;
	} cases[] = {
		{ { "+10.0.0.0/8" }, "10.1.2.3", POLICY_ALLOWED },
		{ { "+10.1.0.0/16" }, "10.1.2.3", POLICY_ALLOWED },
		{ { "+10.1.0.0/16" }, "10.2.2.3", POLICY_SPECIAL },
		{ { "+10.0.0.0/7" }, "10.1.2.3", POLICY_SPECIAL },
		{ { "+0.0.0.0/0", "+::/0" }, "10.1.2.3", POLICY_SPECIAL },
		{ { "+0.0.0.0/0", "+::/0" }, "::1", POLICY_SPECIAL },
		{ { "+::1" }, "::1", POLICY_ALLOWED },
		{ { "+fd00::/8" }, "fd12::1", POLICY_ALLOWED },
		{ { "+fd00::/8" }, "fc12::1", POLICY_SPECIAL },
		{ { "+fd00::/8" }, "fd00:ec2::254", POLICY_SPECIAL },
		{ { "+169.254.0.0/16" }, "169.254.1.1", POLICY_ALLOWED },
		{ { "+169.254.0.0/16" }, "169.254.169.254", POLICY_SPECIAL },
		{ { "+169.254.169.254" }, "169.254.169.254", POLICY_ALLOWED },
		{ { "+10.0.0.0/8", "-10.1.0.0/16" }, "10.1.2.3", POLICY_RULE },
		{ { "+10.0.0.0/8", "-10.0.0.0/8" }, "10.1.2.3", POLICY_RULE },
		{ { "-10.0.0.0/8", "+10.1.0.0/16" }, "10.1.2.3", POLICY_ALLOWED },
		{ { "-8.0.0.0/8" }, "8.8.8.8", POLICY_RULE },
		{ { "-8.0.0.0/8", "+8.8.8.0/24" }, "8.8.8.8", POLICY_ALLOWED },
		{ { "-8.0.0.0/8", "+8.8.8.8", "-8.8.8.8" }, "8.8.8.8", POLICY_RULE },
		{ { "-0.0.0.0/0", "+8.8.8.0/24" }, "8.8.9.1", POLICY_RULE },
		{ { "-0.0.0.0/0" }, "2606:4700::1", POLICY_ALLOWED },
		{ { "-::/0" }, "8.8.8.8", POLICY_ALLOWED },
		/* rules see through disguises as well */
		{ { "+10.0.0.0/8" }, "::ffff:10.0.0.1", POLICY_SPECIAL },
		{ { "+10.0.0.0/8", "+64:ff9b::/96" }, "64:ff9b::10.0.0.1", POLICY_ALLOWED },
		{ { "+64:ff9b::/96" }, "64:ff9b::10.0.0.1", POLICY_SPECIAL },
		{ { "+64:ff9b::/96" }, "64:ff9b::8.8.8.8", POLICY_ALLOWED },
		{ { "+64:ff9b::/96", "-8.8.8.8" }, "64:ff9b::8.8.8.8", POLICY_RULE },
		{ { "-8.8.8.8" }, "2a00::5efe:8.8.8.8", POLICY_RULE },
		{ { "+2002::/16", "-8.8.8.0/24" }, "2002:808:808::1", POLICY_RULE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int backwards = 0; backwards < 2; backwards++) {
			struct policy *p = policy_of(cases[i].lines, backwards);

			expect(p, cases[i].peer, cases[i].want);
			expect_address(p, cases[i].peer, cases[i].want);
			policy_free(p);
		}
	}
}

static void turnd_itself_is_no_peer(void **state)
{
	struct policy *p = POLICY("o8.8.8.8:3478", "o[2606:4700::1]:5349", "o127.0.0.1:9100",
				  "o9.9.9.9:0", "+127.0.0.0/8", "+8.8.8.8", "+64:ff9b::/96");

	expect(p, "8.8.8.8:3478", POLICY_OWN);
	expect(p, "8.8.8.8:3477", POLICY_ALLOWED);
	expect(p, "8.8.8.8:3479", POLICY_ALLOWED);
	expect(p, "8.8.8.9:3478", POLICY_ALLOWED);
	expect(p, "[2606:4700::1]:5349", POLICY_OWN);
	expect(p, "[2606:4700::1]:5350", POLICY_ALLOWED);
	expect(p, "127.0.0.1:9100", POLICY_OWN); /* although an allow names it */
	expect(p, "127.0.0.1:9101", POLICY_ALLOWED);
	expect(p, "[64:ff9b::8.8.8.8]:3478", POLICY_OWN);
	expect(p, "[64:ff9b::8.8.8.8]:3479", POLICY_ALLOWED);
	/* A permission has no port, so that one of it cannot be meant ... */
	expect_address(p, "8.8.8.8:3478", POLICY_ALLOWED);
	/* ... unless all are. */
	expect(p, "9.9.9.9:1", POLICY_OWN);
	expect(p, "9.9.9.9:0", POLICY_OWN);
	expect_address(p, "9.9.9.9", POLICY_OWN);
	policy_free(p);
}

static void relay_addresses_have_live_ports_only(void **state)
{
	struct policy *p = POLICY("r8.8.8.8", "r10.0.0.5", "r[2606:4700::1]", "o8.8.8.8:50003",
				  "+10.0.0.0/8", "+8.8.8.8");

	expect(p, "8.8.8.8:49999", POLICY_RELAY_PORT); /* although an allow names it */
	expect(p, "8.8.8.8:50000", POLICY_ALLOWED);
	expect(p, "8.8.8.8:50009", POLICY_ALLOWED);
	expect(p, "8.8.8.8:50010", POLICY_RELAY_PORT);
	expect(p, "8.8.8.8:22", POLICY_RELAY_PORT);
	expect(p, "8.8.8.8:0", POLICY_RELAY_PORT);
	expect(p, "8.8.8.8:50003", POLICY_OWN);
	expect(p, "8.8.8.9:22", POLICY_ALLOWED);
	expect(p, "10.0.0.5:50000", POLICY_ALLOWED);
	expect(p, "10.0.0.5:22", POLICY_RELAY_PORT);
	expect(p, "[2606:4700::1]:50000", POLICY_ALLOWED);
	expect(p, "[2606:4700::1]:80", POLICY_RELAY_PORT);
	expect_address(p, "8.8.8.8", POLICY_ALLOWED); /* relay to relay works */
	expect_address(p, "2606:4700::1", POLICY_ALLOWED);
	policy_free(p);
}

/* A laboratory: the relay address is a private one. It is ours, so live ports of it do no harm. */
static void a_relay_address_may_be_special(void **state)
{
	struct policy *p = POLICY("r192.168.1.5");

	expect(p, "192.168.1.5:50000", POLICY_ALLOWED);
	expect(p, "192.168.1.5:22", POLICY_RELAY_PORT);
	expect(p, "192.168.1.6:50000", POLICY_SPECIAL);
	expect(p, "[::ffff:192.168.1.5]:50000", POLICY_SPECIAL);
	policy_free(p);
}

static void a_deny_holds_for_relay_addresses(void **state)
{
	struct policy *p = POLICY("r8.8.8.8", "-8.8.8.0/24");

	expect(p, "8.8.8.8:50000", POLICY_RULE);
	expect_address(p, "8.8.8.8", POLICY_RULE);
	policy_free(p);
}

static void without_relay_sockets_no_port_is_live(void **state)
{
	struct policy *p = POLICY("r8.8.8.8");
	struct addr a = ip("8.8.8.8:50000");

	assert_int_equal(policy_judge(p, &a, NULL, NULL), POLICY_RELAY_PORT);
	policy_free(p);
}

/* Zones are ours: a peer has none, and one on either side makes no difference. */
static void a_zone_hides_nothing(void **state)
{
	struct policy *p = POLICY("o[fe80::1%2]:3478", "r[fe80::2%2]", "+fe80::/10");

	expect(p, "[fe80::1]:3478", POLICY_OWN);
	expect(p, "[fe80::1%7]:3478", POLICY_OWN);
	expect(p, "[fe80::2]:22", POLICY_RELAY_PORT);
	expect(p, "[fe80::3]:22", POLICY_ALLOWED);
	policy_free(p);
}

static void a_named_translator_is_seen_through(void **state)
{
	struct policy *p = POLICY("n2606:64::/96", "n2606:65::/32", "n64:ff9b:1:fffe::/96",
				  "+64:ff9b:1:fffe::/96");

	expect(p, "2606:64::8.8.8.8", POLICY_ALLOWED);
	expect(p, "2606:64::10.0.0.1", POLICY_SPECIAL);
	expect(p, "2606:64::1:10.0.0.1", POLICY_ALLOWED); /* not behind it */
	expect(p, "2606:65:808:808::", POLICY_ALLOWED);
	expect(p, "2606:65:a00:1::", POLICY_SPECIAL);
	expect(p, "2606:65:a00:1:ff:ffff:ffff:ffff", POLICY_SPECIAL);
	expect(p, "64:ff9b:1:fffe::8.8.8.8", POLICY_ALLOWED);
	expect(p, "64:ff9b:1:fffe::10.0.0.1", POLICY_SPECIAL);
	expect(p, "64:ff9b:1:fffd::8.8.8.8", POLICY_SPECIAL);
	policy_free(p);

	/* Not named: other readings of the address count as well. */
	p = POLICY("+64:ff9b:1:fffe::/96");
	expect(p, "64:ff9b:1:fffe::8.8.8.8", POLICY_SPECIAL);
	policy_free(p);
}

static void the_reason_names_what_was_hidden(void **state)
{
	struct policy *p = POLICY("+64:ff9b::/96", "-8.8.8.8");
	struct addr a = ip("[64:ff9b::127.0.0.1]:80"), inner = ip("127.0.0.1:80");
	static const struct addr none;
	struct policy_why why;

	assert_int_equal(policy_judge(p, &a, NULL, &why), POLICY_SPECIAL);
	assert_true(addr_equal(&why.addr, &inner));
	assert_int_equal(why.disguise, ADDR_NAT64);
	assert_string_equal(why.special->name, "loopback");

	a = ip("10.0.0.1:80");
	assert_int_equal(policy_judge_address(p, &a, &why), POLICY_SPECIAL);
	assert_true(addr_equal(&why.addr, &a));
	assert_int_equal(why.disguise, ADDR_PLAIN);
	assert_int_equal(why.special->rfc, 1918);

	a = ip("8.8.8.8:80");
	assert_int_equal(policy_judge(p, &a, NULL, &why), POLICY_RULE);
	assert_null(why.special);

	assert_int_equal(policy_judge(p, &none, NULL, &why), POLICY_NO_ADDRESS);
	assert_int_equal(policy_judge_address(p, &none, NULL), POLICY_NO_ADDRESS);
	policy_free(p);
}

/* Whatever the lists are: what is denied as IPv4 is denied in every dress of it. */
static void a_dress_never_allows_more(void **state)
{
	struct rng r = rng_seed(9);

	for (int round = 0; round < 300; round++) {
		struct policy_rules *rules = policy_rules_new(true);
		const char *why = "";
		struct policy *p;

		for (int i = 0; i < 12; i++) {
			char line[64];
			uint32_t v4 = rng_below(&r, 16) << 28, len = rng_below(&r, 5);

			v4 = len == 0 ? 0 : v4 >> (32 - len) << (32 - len);
			(void)snprintf(line, sizeof(line), "%c%u.0.0.0/%u",
				       rng_below(&r, 2) ? '+' : '-', v4 >> 24, len);
			add(rules, line);
		}
		add(rules, "+64:ff9b::/96");
		add(rules, "+2002::/16");
		p = policy_new(rules, NULL, &why);
		for (int i = 0; i < 50; i++) {
			struct addr v4 = { .family = ADDR_IPV4, .port = 40000 };
			bool denied;

			rng_fill(&r, v4.ip, 4);
			denied = policy_judge(p, &v4, NULL, NULL) != POLICY_ALLOWED;
			for (int how = 0; how < DRESSES && denied; how++) {
				struct addr a = dress(&v4, how);

				assert_int_not_equal(policy_judge(p, &a, NULL, NULL),
						     POLICY_ALLOWED);
			}
		}
		policy_free(p);
		policy_rules_free(rules);
	}
}

static void asking_allocates_nothing(void **state)
{
	struct policy *p = POLICY("r8.8.8.8", "o8.8.8.8:3478", "-9.0.0.0/8", "n2606:64::/96");
	struct addr peers[] = { ip("8.8.8.8:50000"), ip("9.9.9.9"), ip("2606:64::1"), ip("::1") };
	size_t before = alloc_count();

	if (!alloc_count_works()) {
		policy_free(p);
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		struct policy_why why;

		(void)policy_judge(p, &peers[i], &live, &why);
		(void)policy_judge_address(p, &peers[i], &why);
	}
	assert_int_equal(alloc_count(), before);
	policy_free(p);
}

static void ports_matter_where_turnd_is(void **state)
{
	struct policy *p = POLICY("o192.0.32.10:3478", "o192.0.32.12:0", "r192.0.32.14",
				  "o[2a00:1::10]:443", "n2a00:64::/96");
	static const struct {
		const char *peer;
		bool wants;
	} cases[] = {
		{ "192.0.32.9", false },        { "192.0.32.10", true },
		{ "192.0.32.11", false },       { "192.0.32.12", true },
		{ "192.0.32.13", false },       { "192.0.32.14", true },
		{ "192.0.32.15", false },       { "8.8.8.8", false },
		{ "2a00:1::10", true },         { "2a00:1::11", false },
		{ "2a00:1::f", false },         { "::ffff:192.0.32.10", true },
		{ "2a00:64::c000:200e", true }, { "2a00:64::c000:200f", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = ip(cases[i].peer);

		if (policy_wants_port(p, &a) != cases[i].wants)
			fail_msg("%s", cases[i].peer);
	}
	assert_false(policy_wants_port(p, &(struct addr){ 0 }));
	policy_free(p);
	p = POLICY("-8.8.8.8");
	assert_false(policy_wants_port(p, &(struct addr){ .family = ADDR_IPV4 }));
	policy_free(p);
}

static void every_verdict_has_a_word_of_its_own(void **state)
{
	for (int i = 0; i < POLICY_VERDICTS; i++) {
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(policy_word((enum policy_verdict)i),
						policy_word((enum policy_verdict)k));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_addresses_are_denied_by_default),
		cmocka_unit_test(no_disguise_helps),
		cmocka_unit_test(ordinary_addresses_are_allowed),
		cmocka_unit_test(rules_beat_the_built_in_list_where_they_are_as_narrow),
		cmocka_unit_test(turnd_itself_is_no_peer),
		cmocka_unit_test(relay_addresses_have_live_ports_only),
		cmocka_unit_test(a_relay_address_may_be_special),
		cmocka_unit_test(a_deny_holds_for_relay_addresses),
		cmocka_unit_test(without_relay_sockets_no_port_is_live),
		cmocka_unit_test(a_zone_hides_nothing),
		cmocka_unit_test(a_named_translator_is_seen_through),
		cmocka_unit_test(the_reason_names_what_was_hidden),
		cmocka_unit_test(a_dress_never_allows_more),
		cmocka_unit_test(asking_allocates_nothing),
		cmocka_unit_test(ports_matter_where_turnd_is),
		cmocka_unit_test(every_verdict_has_a_word_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
