/* addr_special: the first and last address of each entry and their neighbours, and disguises. */
#include "addr_special.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nat64.h"
#include "rng.h"
#include "wire.h"

static struct addr ip(const char *text)
{
	struct addr a;

	if (!addr_parse_ip(text, 7, &a))
		fail_msg("%s is no address", text);
	return a;
}

static const char *name_of(const char *text)
{
	struct addr a = ip(text);
	const struct addr_special *s = addr_special_find(&a);

	return s == NULL ? "-" : s->name;
}

/* Written from the registries a second time: below, first, last, above. */
static const struct {
	const char *below, *first, *name, *last, *above;
} edges[] = {
	{ "-", "0.0.0.1", "this-network", "0.255.255.255", "1.0.0.0" },
	{ "9.255.255.255", "10.0.0.0", "private", "10.255.255.255", "11.0.0.0" },
	{ "100.63.255.255", "100.64.0.0", "shared", "100.127.255.255", "100.128.0.0" },
	{ "126.255.255.255", "127.0.0.0", "loopback", "127.255.255.255", "128.0.0.0" },
	{ "168.63.129.15", "168.63.129.16", "cloud-metadata", "168.63.129.16", "168.63.129.17" },
	{ "169.253.255.255", "169.254.0.0", "link-local", "169.254.255.255", "169.255.0.0" },
	{ "172.15.255.255", "172.16.0.0", "private", "172.31.255.255", "172.32.0.0" },
	{ "191.255.255.255", "192.0.0.0", "ds-lite", "192.0.0.7", "-" },
	{ "-", "192.0.0.8", "dummy", "192.0.0.8", "-" },
	{ "-", "192.0.0.9", "pcp-anycast", "192.0.0.9", "-" },
	{ "-", "192.0.0.10", "turn-anycast", "192.0.0.10", "-" },
	{ "-", "192.0.0.11", "ietf-protocol", "192.0.0.255", "192.0.1.0" },
	{ "-", "192.0.0.170", "nat64-discovery", "192.0.0.171", "-" },
	{ "192.0.1.255", "192.0.2.0", "documentation", "192.0.2.255", "192.0.3.0" },
	{ "192.31.195.255", "192.31.196.0", "as112", "192.31.196.255", "192.31.197.0" },
	{ "192.52.192.255", "192.52.193.0", "amt", "192.52.193.255", "192.52.194.0" },
	{ "192.88.98.255", "192.88.99.0", "6to4-relay", "192.88.99.255", "192.88.100.0" },
	{ "-", "192.88.99.2", "6a44-relay", "192.88.99.2", "-" },
	{ "192.167.255.255", "192.168.0.0", "private", "192.168.255.255", "192.169.0.0" },
	{ "192.175.47.255", "192.175.48.0", "as112", "192.175.48.255", "192.175.49.0" },
	{ "198.17.255.255", "198.18.0.0", "benchmarking", "198.19.255.255", "198.20.0.0" },
	{ "198.51.99.255", "198.51.100.0", "documentation", "198.51.100.255", "198.51.101.0" },
	{ "203.0.112.255", "203.0.113.0", "documentation", "203.0.113.255", "203.0.114.0" },
	{ "223.255.255.255", "224.0.0.0", "multicast", "239.255.255.255", "-" },
	{ "-", "233.252.0.0", "documentation", "233.252.0.255", "-" },
	{ "-", "240.0.0.0", "reserved", "255.255.255.254", "-" },
	{ "-", "255.255.255.255", "broadcast", "255.255.255.255", "-" },
	{ "-", "169.254.169.254", "cloud-metadata", "169.254.169.254", "-" },
	{ "-", "0.0.0.0", "unspecified", "0.0.0.0", "-" },
	{ "-", "::", "unspecified", "::", "-" },
	{ "-", "::1", "loopback", "::1", "-" },
	{ "-", "::2", "ipv4-compatible", "::255.255.255.255", "-" },
	{ "-", "::ffff:0:0", "ipv4-mapped", "::ffff:255.255.255.255", "-" },
	{ "-", "::ffff:0:0:0", "ipv4-translated", "::ffff:0:255.255.255.255", "-" },
	{ "-", "64:ff9b::", "nat64", "64:ff9b::255.255.255.255", "-" },
	{ "-", "64:ff9b:1::", "nat64-local", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "-" },
	{ "-", "100::", "discard-only", "100::ffff:ffff:ffff:ffff", "-" },
	{ "-", "100:0:0:1::", "dummy", "100::1:ffff:ffff:ffff:ffff", "-" },
	{ "-", "64:ff9b::1:0:0", "reserved", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "-" },
	{ "-", "64:ff9b:2::", "reserved", "ff:ffff::", "-" },
	{ "-", "101::", "reserved", "1fff:ffff::", "2000::" },
	{ "2000:ffff::", "2001::", "teredo", "2001:0:ffff:ffff::", "-" },
	{ "-", "2001:1::", "ietf-protocol", "2001:1::", "-" },
	{ "-", "2001:1::1", "pcp-anycast", "2001:1::1", "-" },
	{ "-", "2001:1::2", "turn-anycast", "2001:1::2", "-" },
	{ "-", "2001:1::3", "srp-anycast", "2001:1::3", "-" },
	{ "-", "2001:2::", "benchmarking", "2001:2:0:ffff::", "-" },
	{ "-", "2001:2:1::", "ietf-protocol", "2001:2:ffff::", "-" },
	{ "-", "2001:3::", "amt", "2001:3:ffff::", "-" },
	{ "-", "2001:4:112::", "as112", "2001:4:112:ffff::", "-" },
	{ "-", "2001:10::", "orchid", "2001:1f:ffff::", "-" },
	{ "-", "2001:20::", "orchid-v2", "2001:2f:ffff::", "-" },
	{ "-", "2001:30::", "drone-id", "2001:3f:ffff::", "-" },
	{ "-", "2001:40::", "ietf-protocol", "2001:1ff:ffff::", "2001:200::" },
	{ "2001:db7:ffff::", "2001:db8::", "documentation", "2001:db8:ffff::", "2001:db9::" },
	{ "2001:ffff::", "2002::", "6to4", "2002:ffff:ffff::", "2003::" },
	{ "2620:4f:7fff::", "2620:4f:8000::", "as112", "2620:4f:8000:ffff::", "2620:4f:8001::" },
	{ "3ffe:ffff::", "3fff::", "documentation", "3fff:fff:ffff::", "3fff:1000::" },
	{ "3fff:ffff::", "4000::", "reserved", "5eff:ffff::", "-" },
	{ "-", "5f00::", "srv6-sid", "5f00:ffff::", "-" },
	{ "-", "5f01::", "reserved", "fbff:ffff::", "-" },
	{ "-", "fc00::", "unique-local", "fdff:ffff::", "-" },
	{ "-", "fd00:ec2::254", "cloud-metadata", "fd00:ec2::254", "-" },
	{ "-", "fd20:ce::254", "cloud-metadata", "fd20:ce::254", "-" },
	{ "-", "fe00::", "reserved", "fe7f:ffff::", "-" },
	{ "-", "fe80::", "link-local", "febf:ffff::", "-" },
	{ "-", "fec0::", "site-local", "feff:ffff::", "-" },
	{ "-", "ff00::", "multicast", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-" },
};

static void each_entry_begins_and_ends_where_its_rfc_says(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		assert_string_equal(name_of(edges[i].first), edges[i].name);
		assert_string_equal(name_of(edges[i].last), edges[i].name);
		if (edges[i].below[0] != '-')
			assert_string_equal(name_of(edges[i].below), "-");
		if (edges[i].above[0] != '-')
			assert_string_equal(name_of(edges[i].above), "-");
	}
}

static void ordinary_addresses_are_not_special(void **state)
{
	static const char *const ordinary[] = {
		"1.1.1.1",     "8.8.8.8",         "93.184.216.34", "128.0.0.1",
		"193.0.0.1",   "223.255.255.254", "2000::1",       "2001:4860:4860::8888",
		"2606:4700::", "2a00:1450::1",    "3fff:1000::",
	};

	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++) {
		struct addr a = ip(ordinary[i]);
		struct addr_special_hit hit;

		assert_string_equal(name_of(ordinary[i]), "-");
		assert_false(addr_special_judge(&a, &hit));
	}
}

static void every_entry_is_a_proper_prefix(void **state)
{
	size_t count;
	const struct addr_special *t = addr_special_table(&count);

	for (size_t i = 0; i < count; i++) {
		char text[CIDR_TEXT_MAX];
		struct addr a = { .family = t[i].prefix.family };
		const struct addr_special *found;

		(void)cidr_print(&t[i].prefix, text);
		memcpy(a.ip, t[i].prefix.ip, sizeof(a.ip));
		assert_true(t[i].prefix.len <= addr_ip_len(a.family) * 8);
		assert_true(cidr_contains(&t[i].prefix, &a));
		found = addr_special_find(&a);
		if (found == NULL || found->prefix.len < t[i].prefix.len)
			fail_msg("%s is hidden", text);
		/* Nothing behind the length, and no prefix twice. */
		for (unsigned b = t[i].prefix.len; b < 128; b++)
			assert_int_equal(t[i].prefix.ip[b / 8] & 0x80 >> b % 8, 0);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&t[i].prefix, &t[k].prefix, sizeof(t[i].prefix));
	}
}

/* Which addresses, in which dress, are in there? "mapped 10.0.0.1, ..." */
static const char *embedded(const char *text)
{
	static char said[400];
	struct addr_embedded found[ADDR_EMBEDDED_MAX];
	struct addr a = ip(text);
	size_t n = addr_find_embedded(&a, found), len = 0;

	said[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char v4[ADDR_TEXT_MAX];

		assert_int_equal(found[i].ipv4.family, ADDR_IPV4);
		assert_int_equal(found[i].ipv4.port, 7);
		len += (size_t)snprintf(said + len, sizeof(said) - len, "%s%s %s",
					i > 0 ? ", " : "", addr_disguise_word(found[i].disguise),
					addr_print_ip(&found[i].ipv4, v4));
	}
	return said;
}

static void disguises_are_seen_through(void **state)
{
	static const struct {
		const char *ipv6, *found;
	} cases[] = {
		{ "::ffff:10.0.0.1", "ipv4-mapped 10.0.0.1" },
		{ "::10.0.0.1", "ipv4-compatible 10.0.0.1" },
		{ "::2", "ipv4-compatible 0.0.0.2" },
		{ "::", "" },
		{ "::1", "" },
		{ "::ffff:0:10.0.0.1", "ipv4-translated 10.0.0.1" },
		{ "2002:a00:1::5", "6to4 10.0.0.1" },
		{ "2002:7f00:1:ffff:ffff:ffff:ffff:ffff", "6to4 127.0.0.1" },
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2",
		  "teredo-server 65.54.227.120, teredo-client 192.0.2.45" },
		{ "2001:0:a00:1::f5ff:fffe", "teredo-server 10.0.0.1, teredo-client 10.0.0.1" },
		{ "64:ff9b::10.0.0.1", "nat64 10.0.0.1" },
		{ "64:ff9b::1:10.0.0.1", "" },
		{ "64:ff9b:0:1::10.0.0.1", "" },
		{ "64:ff9b:1:a00:0:100::", "nat64-local 10.0.0.1, nat64-local 0.0.1.0, "
					   "nat64-local 0.1.0.0, nat64-local 0.0.0.0" },
		{ "64:ff9b:1:0a:0:1::", "nat64-local 0.10.0.0, nat64-local 10.0.0.1, "
					"nat64-local 0.0.1.0, nat64-local 0.0.0.0" },
		{ "64:ff9b:1:0:a:0:100::", "nat64-local 0.0.10.0, nat64-local 0.10.0.0, "
					   "nat64-local 10.0.0.1, nat64-local 1.0.0.0" },
		{ "64:ff9b:1::10.0.0.1", "nat64-local 0.0.0.0, nat64-local 0.0.0.0, "
					 "nat64-local 0.0.0.10, nat64-local 10.0.0.1" },
		{ "2a00::5efe:10.0.0.1", "isatap 10.0.0.1" },
		{ "2a00::200:5efe:10.0.0.1", "isatap 10.0.0.1" },
		{ "2a00::100:5efe:10.0.0.1", "isatap 10.0.0.1" },
		{ "2a00::400:5efe:10.0.0.1", "" },
		{ "2a00::1:5efe:10.0.0.1", "" },
		{ "2a00::5eff:10.0.0.1", "" },
		{ "fe80::5efe:10.0.0.1", "isatap 10.0.0.1" },
		{ "2002:a00:1::5efe:127.0.0.1", "6to4 10.0.0.1, isatap 127.0.0.1" },
		{ "2001:db8::10.0.0.1", "" },
		{ "10.0.0.1", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(embedded(cases[i].ipv6), cases[i].found);
}

/* Whatever is behind the IPv4 address: a translator does not look at it. */
static void junk_behind_an_address_hides_nothing(void **state)
{
	static const uint8_t lengths[] = { 48, 56, 64, 96 };
	struct addr local = ip("64:ff9b:1::"), inner = ip("10.0.0.1");
	struct rng r = rng_seed(3);

	for (int i = 0; i < 2000; i++) {
		uint8_t len = lengths[rng_below(&r, 4)];
		struct addr_embedded found[ADDR_EMBEDDED_MAX];
		struct addr a = local;
		bool seen = false;
		size_t n;

		rng_fill(&r, a.ip + 6, 10);
		for (size_t b = 0; b < 4; b++) {
			size_t at = len / 8u + b;

			a.ip[len <= 64 && at >= 8 ? at + 1 : at] = inner.ip[b];
		}
		n = addr_find_embedded(&a, found);
		for (size_t k = 0; k < n; k++)
			seen |= addr_equal_ip(&found[k].ipv4, &inner);
		assert_true(seen);
	}
}

/* What is special in IPv4 stays so in every dress; that is named, not the dress. */
static void the_one_inside_is_judged_as_well(void **state)
{
	static const char *const dresses[] = { "::ffff:",       "::",          "::ffff:0:",
					       "64:ff9b::",     "2a00::5efe:", "2a00::200:5efe:",
					       "64:ff9b:1:aa::" };

	for (size_t i = 0; i < ARRAY_LEN(edges) && strchr(edges[i].first, ':') == NULL; i++) {
		for (size_t k = 0; k < ARRAY_LEN(dresses); k++) {
			char text[ADDR_TEXT_MAX];
			struct addr_special_hit hit;
			struct addr a;

			(void)snprintf(text, sizeof(text), "%s%s", dresses[k], edges[i].last);
			a = ip(text);
			if (!addr_special_judge(&a, &hit))
				fail_msg("%s is ordinary", text);
			if (k == ARRAY_LEN(dresses) - 1)
				continue; /* other readings come first there */
			assert_string_equal(hit.entry->name, edges[i].name);
			/* ::0.0.0.0 is :: and no disguise. */
			assert_true(hit.disguise != ADDR_PLAIN || addr_is_any(&a));
		}
	}
}

static void a_dress_is_special_whatever_it_hides(void **state)
{
	static const struct {
		const char *ip, *name;
	} cases[] = {
		{ "::ffff:8.8.8.8", "ipv4-mapped" },       { "::8.8.8.8", "ipv4-compatible" },
		{ "64:ff9b::8.8.8.8", "nat64" },           { "2002:808:808::1", "6to4" },
		{ "2001:0:808:808::f7f7:f7f7", "teredo" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = ip(cases[i].ip);
		struct addr_special_hit hit;

		assert_true(addr_special_judge(&a, &hit));
		assert_string_equal(hit.entry->name, cases[i].name);
		assert_int_equal(hit.disguise, ADDR_PLAIN);
		assert_true(addr_equal(&hit.addr, &a));
	}
}

static void no_address_is_not_special(void **state)
{
	static const struct addr none;
	struct addr_embedded found[ADDR_EMBEDDED_MAX];

	assert_null(addr_special_find(&none));
	assert_int_equal(addr_find_embedded(&none, found), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_begins_and_ends_where_its_rfc_says),
		cmocka_unit_test(ordinary_addresses_are_not_special),
		cmocka_unit_test(every_entry_is_a_proper_prefix),
		cmocka_unit_test(disguises_are_seen_through),
		cmocka_unit_test(junk_behind_an_address_hides_nothing),
		cmocka_unit_test(the_one_inside_is_judged_as_well),
		cmocka_unit_test(a_dress_is_special_whatever_it_hides),
		cmocka_unit_test(no_address_is_not_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
