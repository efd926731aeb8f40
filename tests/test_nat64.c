/* nat64: the examples of RFC 6052, section 2.4, both ways. */
#include "nat64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static const struct {
	const char *prefix;
	uint8_t len;
	const char *ipv6;
} examples[] = {
	/* of 192.0.2.33 */
	{ "2001:db8::", 32, "2001:db8:c000:221::" },
	{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
	{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
	{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
	{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
	{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
	{ "64:ff9b::", 96, "64:ff9b::192.0.2.33" },
};

static struct addr ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse_ip(text, 3478, &a));
	return a;
}

static void examples_go_both_ways(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		struct addr prefix = ip(examples[i].prefix), want = ip(examples[i].ipv6);
		struct addr ipv4 = ip("192.0.2.33"), got, back;

		assert_true(nat64_embed(&prefix, examples[i].len, &ipv4, &got));
		if (!addr_equal(&got, &want))
			fail_msg("%s: embedded otherwise", examples[i].ipv6);
		assert_true(nat64_extract(&want, examples[i].len, &back));
		if (!addr_equal(&back, &ipv4))
			fail_msg("%s: extracted otherwise", examples[i].ipv6);
		if (nat64_find_length(&want, &ipv4) != examples[i].len)
			fail_msg("%s: length %u", examples[i].ipv6,
				 nat64_find_length(&want, &ipv4));
		prefix.port = 0;
		got = nat64_prefix(&want, examples[i].len);
		if (!addr_equal(&got, &prefix))
			fail_msg("%s: another prefix", examples[i].ipv6);
		assert_int_equal(nat64_is_well_known(&want), i == 6);
	}
}

static void what_is_no_translation_is_refused(void **state)
{
	struct addr ipv4 = ip("192.0.2.33"), ipv6 = ip("64:ff9b::192.0.2.33");
	struct addr out = { .port = 7 };

	assert_false(nat64_embed(&ipv4, 96, &ipv4, &out));
	assert_false(nat64_embed(&ipv6, 96, &ipv6, &out));
	assert_false(nat64_embed(&ipv6, 72, &ipv4, &out));
	assert_false(nat64_embed(&ipv6, 0, &ipv4, &out));
	assert_false(nat64_extract(&ipv4, 96, &out));
	assert_false(nat64_extract(&ipv6, 128, &out));
	assert_int_equal(out.port, 7); /* untouched */
	assert_int_equal(nat64_prefix(&ipv6, 95).family, ADDR_NONE);
	assert_int_equal(nat64_prefix(&ipv4, 96).family, ADDR_NONE);
}

static void other_addresses_have_no_length(void **state)
{
	static const char *const cases[] = {
		"64:ff9b::192.0.2.34",           /* another address */
		"2001:db8:c000:221::1",          /* something behind it */
		"2001:db8:122:344:1c0:2:2100::", /* bits 64 to 71 are not zero */
		"::",
	};
	struct addr ipv4 = ip("192.0.2.33"), ipv6;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ipv6 = ip(cases[i]);
		if (nat64_find_length(&ipv6, &ipv4) != 0)
			fail_msg("%s: %u", cases[i], nat64_find_length(&ipv6, &ipv4));
	}
	assert_int_equal(nat64_find_length(&ipv4, &ipv4), 0);
	assert_int_equal(nat64_find_length(&ipv6, &ipv6), 0);
}

static void dns_tells_of_a_prefix(void **state)
{
	static const struct {
		const char *answers[3];
		const char *prefix;
		uint8_t len;
	} cases[] = {
		{ { "64:ff9b::c000:aa" }, "64:ff9b::", 96 },
		{ { "64:ff9b::c000:ab", "64:ff9b::c000:aa" }, "64:ff9b::", 96 },
		/* RFC 7050, section 3.1: other addresses may stand beside it. */
		{ { "2001:db8::1", "2001:db8:122:344:c0:0:aa00::" }, "2001:db8:122:344::", 64 },
		{ { "2001:db8:c000:aa::" }, "2001:db8::", 32 },
		{ { "2001:db8:1::c000:ac" }, NULL, 0 },
		{ { NULL }, NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr answers[3], prefix = { .port = 7 };
		size_t n = 0;

		for (; n < 3 && cases[i].answers[n] != NULL; n++)
			answers[n] = ip(cases[i].answers[n]);
		assert_int_equal(nat64_discover(answers, n, &prefix), cases[i].len);
		if (cases[i].len == 0) {
			assert_int_equal(prefix.port, 7); /* untouched */
			continue;
		}
		struct addr wanted = ip(cases[i].prefix);
		assert_true(addr_equal_ip(&prefix, &wanted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_go_both_ways),
		cmocka_unit_test(what_is_no_translation_is_refused),
		cmocka_unit_test(other_addresses_have_no_length),
		cmocka_unit_test(dns_tells_of_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
