/* sockaddr: struct addr to what the system takes, and back. */
#include "sockaddr.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 0, &a));
	return a;
}

static void there_and_back_is_the_same(void **state)
{
	static const char *const texts[] = { "192.0.2.1:3478", "[2001:db8::1]:5349",
					     "[fe80::1%3]:9", "0.0.0.0:0", "[::]:0" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr a = parsed(texts[i]), back;
		struct sockaddr_storage sa;

		memset(&sa, 0xff, sizeof(sa)); /* what is used is set, all of it */
		assert_true(sockaddr_from_addr(&a, &sa) > 0);
		assert_true(sockaddr_to_addr((struct sockaddr *)&sa, &back));
		if (!addr_equal(&a, &back))
			fail_msg("%s came back otherwise", texts[i]);
	}
}

static void lengths_are_those_of_the_family(void **state)
{
	struct addr four = parsed("192.0.2.1:1"), six = parsed("[2001:db8::1]:1"), none = { 0 };
	struct sockaddr_storage sa;

	assert_int_equal(sockaddr_from_addr(&four, &sa), sizeof(struct sockaddr_in));
	assert_int_equal(sockaddr_from_addr(&six, &sa), sizeof(struct sockaddr_in6));
	assert_int_equal(sockaddr_from_addr(&none, &sa), 0);
}

static void mapped_addresses_become_ipv4(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct addr want = parsed("192.0.2.1:7"), got;

	memcpy(&in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01", 16);
	assert_true(sockaddr_to_addr((struct sockaddr *)&in6, &got));
	assert_true(addr_equal(&got, &want));
}

static void a_scope_counts_on_the_link_only(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_scope_id = 4 };
	struct addr got;

	memcpy(&in6.sin6_addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_true(sockaddr_to_addr((struct sockaddr *)&in6, &got));
	assert_int_equal(got.scope, 4);
	memcpy(&in6.sin6_addr, "\x20\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_true(sockaddr_to_addr((struct sockaddr *)&in6, &got));
	assert_int_equal(got.scope, 0);
}

static void other_families_are_refused(void **state)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct addr got = { .port = 7 };

	assert_false(sockaddr_to_addr(&sa, &got));
	assert_int_equal(got.port, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back_is_the_same),
		cmocka_unit_test(lengths_are_those_of_the_family),
		cmocka_unit_test(mapped_addresses_become_ipv4),
		cmocka_unit_test(a_scope_counts_on_the_link_only),
		cmocka_unit_test(other_families_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
