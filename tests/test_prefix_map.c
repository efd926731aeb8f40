/* prefix_map: who wins, in both orders; and against a look at every prefix each time. */
#include "turnd/prefix_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "wire.h"

#define RULES_MAX 8

/* "+10.0.0.0/8" allows, "-10.0.0.0/8" denies, "!10.0.0.0/8" is special. */
static struct prefix_entry entry(const char *text)
{
	struct prefix_entry e = { .kind = text[0] == '+'   ? PREFIX_ALLOW
					  : text[0] == '-' ? PREFIX_DENY
							   : PREFIX_SPECIAL };
	const char *why = "";

	if (!cidr_parse(text + 1, &e.prefix, &why))
		fail_msg("%s %s", text, why);
	return e;
}

static enum prefix_verdict find(const struct prefix_map *m, const char *ip)
{
	struct addr a;

	assert_true(addr_parse_ip(ip, 80, &a));
	return prefix_map_find(m, &a);
}

static const struct {
	const char *rules[RULES_MAX];
	const char *ip;
	enum prefix_verdict want;
} cases[] = {
	{ { NULL }, "10.0.0.1", PREFIX_UNLISTED },
	{ { "+10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_ALLOWED },
	{ { "+10.0.0.0/8" }, "11.0.0.0", PREFIX_UNLISTED },
	{ { "-10.0.0.0/8" }, "10.255.255.255", PREFIX_IS_DENIED },
	{ { "-10.0.0.0/8" }, "9.255.255.255", PREFIX_UNLISTED },
	/* the longest wins */
	{ { "-10.0.0.0/8", "+10.1.0.0/16" }, "10.1.0.0", PREFIX_IS_ALLOWED },
	{ { "-10.0.0.0/8", "+10.1.0.0/16" }, "10.2.0.0", PREFIX_IS_DENIED },
	{ { "+10.0.0.0/8", "-10.1.0.0/16" }, "10.1.255.255", PREFIX_IS_DENIED },
	{ { "+10.0.0.0/8", "-10.1.0.0/16" }, "10.0.255.255", PREFIX_IS_ALLOWED },
	{ { "+10.0.0.0/8", "-10.1.0.0/16", "+10.1.2.3/32" }, "10.1.2.3", PREFIX_IS_ALLOWED },
	{ { "+10.0.0.0/8", "-10.1.0.0/16", "+10.1.2.3/32" }, "10.1.2.4", PREFIX_IS_DENIED },
	/* deny on a tie */
	{ { "+10.0.0.0/8", "-10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_DENIED },
	{ { "+10.0.0.1/32", "-10.0.0.1/32" }, "10.0.0.1", PREFIX_IS_DENIED },
	/* what is special needs an allow of its own size or narrower */
	{ { "!10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_SPECIAL },
	{ { "!10.0.0.0/8", "+10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_ALLOWED },
	{ { "!10.0.0.0/8", "+10.0.0.0/9" }, "10.0.0.1", PREFIX_IS_ALLOWED },
	{ { "!10.0.0.0/8", "+10.0.0.0/9" }, "10.128.0.0", PREFIX_IS_SPECIAL },
	{ { "!10.0.0.0/8", "+10.0.0.0/7" }, "10.0.0.1", PREFIX_IS_SPECIAL },
	{ { "!10.0.0.0/8", "+10.0.0.0/7" }, "11.0.0.1", PREFIX_IS_ALLOWED },
	{ { "!10.0.0.0/8", "+0.0.0.0/0" }, "10.0.0.1", PREFIX_IS_SPECIAL },
	{ { "!10.0.0.0/8", "+0.0.0.0/0" }, "12.0.0.1", PREFIX_IS_ALLOWED },
	{ { "!10.0.0.0/8", "+10.0.0.0/8", "-10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_DENIED },
	{ { "!10.0.0.0/8", "+10.0.0.0/9", "-10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_ALLOWED },
	{ { "!10.0.0.0/8", "!10.0.0.1/32", "+10.0.0.0/8" }, "10.0.0.1", PREFIX_IS_SPECIAL },
	{ { "!10.0.0.0/8", "!10.0.0.1/32", "+10.0.0.0/8" }, "10.0.0.2", PREFIX_IS_ALLOWED },
	/* a deny is one also where what is special would do */
	{ { "!10.0.0.0/8", "-0.0.0.0/0" }, "10.0.0.1", PREFIX_IS_DENIED },
	/* the ends of all addresses */
	{ { "-255.255.255.255" }, "255.255.255.255", PREFIX_IS_DENIED },
	{ { "-255.255.255.255" }, "255.255.255.254", PREFIX_UNLISTED },
	{ { "-0.0.0.0/32" }, "0.0.0.0", PREFIX_IS_DENIED },
	{ { "-0.0.0.0/32" }, "0.0.0.1", PREFIX_UNLISTED },
	{ { "-ffff::/16" }, "ffff:ffff::1", PREFIX_IS_DENIED },
	{ { "-2001:db8::1" }, "2001:db8::1", PREFIX_IS_DENIED },
	{ { "-2001:db8::1" }, "2001:db8::2", PREFIX_UNLISTED },
	{ { "-2001:db8::/64", "+2001:db8::/65" }, "2001:db8::1", PREFIX_IS_ALLOWED },
	{ { "-2001:db8::/64", "+2001:db8::/65" }, "2001:db8::8000:0:0:0", PREFIX_IS_DENIED },
	{ { "-2001:db8::/64", "+2001:db8::/63" }, "2001:db8:0:1::", PREFIX_IS_ALLOWED },
	/* the families never meet */
	{ { "-::/0" }, "10.0.0.1", PREFIX_UNLISTED },
	{ { "-0.0.0.0/0" }, "::a00:1", PREFIX_UNLISTED },
	{ { "+a00::/8" }, "10.0.0.1", PREFIX_UNLISTED },
};

static void try_order(size_t c, size_t count, bool backwards)
{
	struct prefix_entry entries[RULES_MAX];
	struct prefix_map *m;
	enum prefix_verdict got;

	for (size_t i = 0; i < count; i++)
		entries[i] = entry(cases[c].rules[backwards ? count - 1 - i : i]);
	m = prefix_map_new(entries, count);
	got = find(m, cases[c].ip);
	if (got != cases[c].want)
		fail_msg("%s: %d, case %zu", cases[c].ip, got, c);
	prefix_map_free(m);
}

static void the_right_rule_wins_in_either_order(void **state)
{
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		size_t count = 0;

		while (count < RULES_MAX && cases[c].rules[count] != NULL)
			count++;
		try_order(c, count, false);
		try_order(c, count, true);
	}
}

static void no_address_is_unlisted(void **state)
{
	struct prefix_entry all[] = { entry("-0.0.0.0/0"), entry("-::/0") };
	struct prefix_map *m = prefix_map_new(all, 2);
	static const struct addr none;

	assert_int_equal(prefix_map_find(m, &none), PREFIX_UNLISTED);
	prefix_map_free(m);
	prefix_map_free(NULL);
}

/* The rules as they are written down, without any order or range. */
static enum prefix_verdict slowly(const struct prefix_entry *entries, size_t n,
				  const struct addr *a)
{
	int longest[3] = { -1, -1, -1 };

	for (size_t i = 0; i < n; i++) {
		const struct prefix_entry *e = &entries[i];

		if (cidr_contains(&e->prefix, a) && e->prefix.len > longest[e->kind])
			longest[e->kind] = e->prefix.len;
	}
	if (longest[PREFIX_DENY] >= 0 && longest[PREFIX_DENY] >= longest[PREFIX_ALLOW])
		return PREFIX_IS_DENIED;
	if (longest[PREFIX_ALLOW] >= 0 && longest[PREFIX_ALLOW] >= longest[PREFIX_SPECIAL])
		return PREFIX_IS_ALLOWED;
	return longest[PREFIX_SPECIAL] >= 0 ? PREFIX_IS_SPECIAL : PREFIX_UNLISTED;
}

/* Few different bytes, so that prefixes lie in each other and addresses on their borders. */
static struct addr some_address(struct rng *r)
{
	static const uint8_t bytes[] = { 0, 0, 1, 0x7f, 0x80, 0xfe, 0xff, 0xff };
	struct addr a = { .family = rng_below(r, 2) ? ADDR_IPV4 : ADDR_IPV6 };
	uint8_t rest = bytes[rng_below(r, sizeof(bytes))];

	for (size_t i = 0; i < addr_ip_len(a.family); i++)
		a.ip[i] = rng_below(r, 3) == 0 ? bytes[rng_below(r, sizeof(bytes))] : rest;
	return a;
}

static struct prefix_entry some_entry(struct rng *r)
{
	struct addr a = some_address(r);
	struct prefix_entry e = { .kind = (enum prefix_kind)rng_below(r, 3) };

	e.prefix.family = a.family;
	e.prefix.len = (uint8_t)rng_below(r, a.family == ADDR_IPV4 ? 33 : 129);
	for (unsigned b = 0; b < e.prefix.len; b++)
		e.prefix.ip[b / 8] |= (uint8_t)(a.ip[b / 8] & 0x80u >> b % 8);
	return e;
}

/* The first and the last address of a prefix, and the ones beside it. */
static struct addr edge_of(const struct prefix_entry *e, struct rng *r)
{
	struct addr a = { .family = e->prefix.family };
	int bits = (int)addr_ip_len(a.family) * 8;
	bool last = rng_below(r, 2);

	memcpy(a.ip, e->prefix.ip, sizeof(a.ip));
	for (int b = e->prefix.len; b < bits && last; b++)
		a.ip[b / 8] |= (uint8_t)(0x80 >> b % 8);
	if (rng_below(r, 2) == 0)
		return a;
	/* One more or one less: flip from the end up to the first that does not carry. */
	for (int b = bits - 1; b >= 0; b--) {
		uint8_t mask = (uint8_t)(0x80 >> b % 8);
		bool was = (a.ip[b / 8] & mask) != 0;

		a.ip[b / 8] ^= mask;
		if (was != last)
			break;
	}
	return a;
}

static void it_finds_what_a_look_at_all_finds(void **state)
{
	struct rng r = rng_seed(6);

	for (int round = 0; round < 2000; round++) {
		struct prefix_entry entries[40];
		size_t n = rng_below(&r, 41);
		struct prefix_map *m;

		for (size_t i = 0; i < n; i++)
			entries[i] = some_entry(&r);
		m = prefix_map_new(entries, n);
		for (int i = 0; i < 60; i++) {
			struct addr a = n > 0 && i % 2
						? edge_of(&entries[rng_below(&r, (uint32_t)n)], &r)
						: some_address(&r);
			char text[ADDR_TEXT_MAX];

			if (prefix_map_find(m, &a) != slowly(entries, n, &a))
				fail_msg("round %d: %s", round, addr_print_ip(&a, text));
		}
		prefix_map_free(m);
	}
}

/* All lengths of one address, around each other. */
static void prefixes_may_lie_in_each_other_to_any_depth(void **state)
{
	struct prefix_entry entries[129 * 3];
	size_t n = 0;
	struct prefix_map *m;

	for (uint8_t len = 0; len <= 128; len++) {
		for (unsigned kind = 0; kind < 3; kind++)
			entries[n++] = (struct prefix_entry){ { ADDR_IPV6, len, { 0 } }, kind };
	}
	entries[n - 1].kind = PREFIX_ALLOW; /* no deny for the last one */
	m = prefix_map_new(entries, n);
	assert_int_equal(find(m, "::"), PREFIX_IS_ALLOWED);
	assert_int_equal(find(m, "::1"), PREFIX_IS_DENIED);
	assert_int_equal(find(m, "8000::"), PREFIX_IS_DENIED);
	prefix_map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_rule_wins_in_either_order),
		cmocka_unit_test(no_address_is_unlisted),
		cmocka_unit_test(it_finds_what_a_look_at_all_finds),
		cmocka_unit_test(prefixes_may_lie_in_each_other_to_any_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
