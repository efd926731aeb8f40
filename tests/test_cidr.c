/* cidr: what reads as a prefix, what does not and why, and what is in one. */
#include "cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "wire.h"

static struct cidr prefix(const char *text)
{
	const char *why = "";
	struct cidr c;

	if (!cidr_parse(text, &c, &why))
		fail_msg("%s %s", text, why);
	return c;
}

static bool contains(const char *text, const char *ip)
{
	struct cidr c = prefix(text);
	struct addr a;

	assert_true(addr_parse_ip(ip, 9, &a));
	return cidr_contains(&c, &a);
}

static void prefixes_print_as_they_read(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "128.0.0.0/1", "128.0.0.0/1" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "192.0.2.2/31", "192.0.2.2/31" },
		{ "255.255.255.255/32", "255.255.255.255/32" },
		{ "::/0", "::/0" },
		{ "::", "::/128" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "2001:DB8:0::/33", "2001:db8::/33" },
		{ "fe80::/10", "fe80::/10" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
		{ "64:ff9b::10.0.0.0/104", "64:ff9b::a00:0/104" },
		{ "::/95", "::/95" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cidr c = prefix(cases[i].text), again;
		char text[CIDR_TEXT_MAX];

		assert_string_equal(cidr_print(&c, text), cases[i].printed);
		again = prefix(text);
		assert_memory_equal(&c, &again, sizeof(c));
	}
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "is no address" },
		{ "/8", "is no address" },
		{ "10/8", "is no address" },
		{ "10.0.0/8", "is no address" },
		{ "10.0.0.0.0/8", "is no address" },
		{ "010.0.0.0/8", "is no address" },
		{ "256.0.0.0/8", "is no address" },
		{ " 10.0.0.0/8", "is no address" },
		{ "10.0.0.0 /8", "is no address" },
		{ "10.0.0.0-10.0.0.9", "is no address" },
		{ "10.0.0.0:80", "is no address" },
		{ "[2001:db8::]/32", "is no address" },
		{ "[2001:db8::1]", "is no address" },
		{ "example.org", "is no address" },
		{ "10.0.0.0/", "0 to 32" },
		{ "10.0.0.0/33", "0 to 32" },
		{ "10.0.0.0/128", "0 to 32" },
		{ "10.0.0.0/-1", "0 to 32" },
		{ "10.0.0.0/+8", "0 to 32" },
		{ "10.0.0.0/08", "0 to 32" },
		{ "10.0.0.0/ 8", "0 to 32" },
		{ "10.0.0.0/8 ", "0 to 32" },
		{ "10.0.0.0/8/8", "0 to 32" },
		{ "10.0.0.0/264", "0 to 32" },
		{ "10.0.0.0/4294967304", "0 to 32" },
		{ "10.0.0.0/255.0.0.0", "0 to 32" },
		{ "2001:db8::/129", "0 to 128" },
		{ "2001:db8::/1000", "0 to 128" },
		{ "10.0.0.1/8", "bits behind" },
		{ "10.128.0.0/8", "bits behind" },
		{ "192.0.2.1/31", "bits behind" },
		{ "0.0.0.1/0", "bits behind" },
		{ "2001:db8::1/127", "bits behind" },
		{ "2001:db8::1/32", "bits behind" },
		{ "8000::/0", "bits behind" },
		{ "fe80::1%2", "has a zone" },
		{ "fe80::%2/10", "has a zone" },
		{ "::ffff:10.0.0.0/104", "in disguise" },
		{ "::ffff:0:0/96", "in disguise" },
		{ "::ffff:10.0.0.1", "in disguise" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cidr c = { .len = 77 };
		const char *why = "";

		if (cidr_parse(cases[i].text, &c, &why))
			fail_msg("'%s': accepted", cases[i].text);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("'%s' %s", cases[i].text, why);
		assert_int_equal(c.len, 77); /* out is untouched */
	}
}

static void very_long_text_is_refused(void **state)
{
	char text[300];
	const char *why = "";
	struct cidr c;

	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(cidr_parse(text, &c, &why));
	text[ADDR_TEXT_MAX] = '/';
	assert_false(cidr_parse(text, &c, &why));
}

static void a_prefix_ends_where_it_ends(void **state)
{
	assert_false(contains("172.16.0.0/12", "172.15.255.255"));
	assert_true(contains("172.16.0.0/12", "172.16.0.0"));
	assert_true(contains("172.16.0.0/12", "172.31.255.255"));
	assert_false(contains("172.16.0.0/12", "172.32.0.0"));
	assert_true(contains("0.0.0.0/0", "255.255.255.255"));
	assert_true(contains("192.0.2.1", "192.0.2.1"));
	assert_false(contains("192.0.2.1", "192.0.2.0"));
	assert_false(contains("fe80::/10", "fe7f:ffff::"));
	assert_true(contains("fe80::/10", "febf:ffff::%3"));
	assert_false(contains("fe80::/10", "fec0::"));
	assert_true(contains("::/127", "::1"));
	assert_false(contains("::/127", "::2"));
}

static void the_families_never_meet(void **state)
{
	static const struct addr none;
	struct cidr all = prefix("0.0.0.0/0");

	assert_false(contains("::/0", "10.0.0.1"));
	assert_false(contains("0.0.0.0/0", "::10.0.0.1"));
	assert_false(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
	assert_false(cidr_contains(&all, &none));
}

/* Bit by bit, as slowly as the definition says it. */
static bool slowly(const struct cidr *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->len; i++) {
		unsigned mask = 0x80u >> i % 8;

		if ((c->ip[i / 8] & mask) != (a->ip[i / 8] & mask))
			return false;
	}
	return c->family == a->family;
}

static void any_length_means_its_bits(void **state)
{
	struct rng r = rng_seed(11);

	for (int i = 0; i < 100000; i++) {
		bool v4 = rng_below(&r, 2);
		struct addr a = { .family = v4 ? ADDR_IPV4 : ADDR_IPV6 };
		struct cidr c = { .family = a.family };
		unsigned flip;

		c.len = (uint8_t)rng_below(&r, v4 ? 33 : 129);
		rng_fill(&r, a.ip, addr_ip_len(a.family));
		for (unsigned b = 0; b < c.len; b++)
			c.ip[b / 8] |= (uint8_t)(a.ip[b / 8] & 0x80u >> b % 8);
		assert_true(cidr_contains(&c, &a));
		flip = rng_below(&r, v4 ? 32 : 128);
		a.ip[flip / 8] ^= (uint8_t)(0x80u >> flip % 8);
		assert_int_equal(cidr_contains(&c, &a), slowly(&c, &a));
		assert_int_equal(cidr_contains(&c, &a), flip >= c.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_print_as_they_read),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(very_long_text_is_refused),
		cmocka_unit_test(a_prefix_ends_where_it_ends),
		cmocka_unit_test(the_families_never_meet),
		cmocka_unit_test(any_length_means_its_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
