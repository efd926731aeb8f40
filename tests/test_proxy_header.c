/* PROXY headers of both versions: what they name, where they end, and what is none. */
#include "proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define V2      "\r\n\r\n\0\r\nQUIT\n"
#define IP6_ONE "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IP6_TWO "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define MAPPED  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
#define LONGEST                                                                      \
	"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535 ffff:f...f:ffff " \
	"ffff:f...f:ffff 65535 65535 ab\r\n"

struct good {
	const char *why;
	struct bytes header;
	enum proxy_result result;
	const char *from, *to;
};

static const struct good good[] = {
	{ "v1, IPv4", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), PROXY_OK,
	  "192.0.2.1:56324", "198.51.100.2:443" },
	{ "v1, IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n"), PROXY_OK,
	  "[2001:db8::1]:65535", "[2001:db8::2]:0" },
	{ "v1, unknown", BYTES("PROXY UNKNOWN\r\n"), PROXY_LOCAL, NULL, NULL },
	{ "v1, unknown with words", BYTES("PROXY UNKNOWN 1 2 \x01 3\r\n"), PROXY_LOCAL, NULL,
	  NULL },
	{ "v1, the longest", BYTES(LONGEST), PROXY_LOCAL, NULL, NULL },
	{ "v2, IPv4", BYTES(V2 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb"),
	  PROXY_OK, "192.0.2.1:4660", "198.51.100.2:443" },
	{ "v2, IPv4 and attributes",
	  BYTES(V2 "\x21\x11\x00\x10\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb\x04\x00\x01z"),
	  PROXY_OK, "192.0.2.1:4660", "198.51.100.2:443" },
	{ "v2, IPv6", BYTES(V2 "\x21\x21\x00\x24" IP6_ONE IP6_TWO "\x12\x34\x01\xbb"), PROXY_OK,
	  "[2001:db8::1]:4660", "[2001:db8::2]:443" },
	{ "v2, IPv4 as IPv6", BYTES(V2 "\x21\x21\x00\x24" MAPPED MAPPED "\x12\x34\x01\xbb"),
	  PROXY_OK, "192.0.2.1:4660", "192.0.2.1:443" },
	{ "v2, local", BYTES(V2 "\x20\x00\x00\x00"), PROXY_LOCAL, NULL, NULL },
	{ "v2, local with a rest", BYTES(V2 "\x20\x11\x00\x02\xff\xff"), PROXY_LOCAL, NULL, NULL },
	{ "v2, no family", BYTES(V2 "\x21\x00\x00\x00"), PROXY_LOCAL, NULL, NULL },
	{ "v2, a socket in the file system", BYTES(V2 "\x21\x31\x00\x03xyz"), PROXY_LOCAL, NULL,
	  NULL },
};

static void is_address(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_print(a, text), want);
}

static void headers_name_the_ends(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct proxy_header h = { 0 };

		if (proxy_header_read(good[i].header, &h) != good[i].result)
			fail_msg("%s", good[i].why);
		assert_int_equal(h.len, good[i].header.len);
		if (good[i].result != PROXY_OK)
			continue;
		is_address(&h.from, good[i].from);
		is_address(&h.to, good[i].to);
	}
}

static void every_beginning_is_short(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct proxy_header h = { .len = 7 };

		for (size_t cut = 0; cut < good[i].header.len; cut++) {
			if (proxy_header_read(bytes_of(good[i].header.data, cut), &h) !=
			    PROXY_SHORT)
				fail_msg("%s, cut at %zu", good[i].why, cut);
		}
		assert_int_equal(h.len, 7);
	}
}

static void what_follows_is_the_clients(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint8_t more[256];
		struct proxy_header h;
		size_t len = good[i].header.len;

		memcpy(more, good[i].header.data, len);
		memset(more + len, '\n', sizeof(more) - len);
		assert_int_equal(proxy_header_read(bytes_of(more, sizeof(more)), &h),
				 good[i].result);
		assert_int_equal(h.len, len);
	}
}

static void what_is_no_header_is_refused(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
	} cases[] = {
		{ "HTTP", BYTES("GET / HTTP/1.0\r\n\r\n") },
		{ "another beginning", BYTES("PROXX") },
		{ "TLS", BYTES("\x16\x03\x01") },
		{ "a STUN request", BYTES("\0\1\0\0\x21\x12\xa4\x42") },
		{ "lower case", BYTES("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ "UDP", BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n") },
		{ "the other family", BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n") },
		{ "mixed families", BYTES("PROXY TCP6 2001:db8::1 192.0.2.1 1 2\r\n") },
		{ "a zone", BYTES("PROXY TCP6 fe80::1%2 fe80::2 1 2\r\n") },
		{ "brackets", BYTES("PROXY TCP6 [2001:db8::1] 2001:db8::2 1 2\r\n") },
		{ "a port too high", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n") },
		{ "a port with a zero", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n") },
		{ "a port with a sign", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n") },
		{ "no second port", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n") },
		{ "a space at the end", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n") },
		{ "one word more", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n") },
		{ "two spaces", BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n") },
		{ "a NUL", BYTES("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n") },
		{ "a tab", BYTES("PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n") },
		{ "no word", BYTES("PROXY \r\n") },
		{ "no CR", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n") },
		{ "LF alone", BYTES("PROXY \n") },
		{ "no end in 107 bytes", BYTES("PROXY UNKNOWN 6789012345678901234567890"
					       "123456789012345678901234567890"
					       "1234567890123456789012345678901234567\r\n") },
		{ "v2, version 1", BYTES(V2 "\x11") },
		{ "v2, a command unknown", BYTES(V2 "\x22") },
		{ "v2, UDP", BYTES(V2 "\x21\x12\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\0\1\0\2") },
		{ "v2, family unknown", BYTES(V2 "\x21\x41\x00\x00") },
		{ "v2, too short for IPv4",
		  BYTES(V2 "\x21\x11\x00\x0b\xc0\0\2\1\xc0\0\2\2\0\1\0") },
		{ "v2, too short for IPv6", BYTES(V2 "\x21\x21\x00\x23" IP6_ONE IP6_TWO "\0\1\0") },
		{ "v2, too long", BYTES(V2 "\x21\x11\x07\xf1") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proxy_header h = { .len = 7 };

		if (proxy_header_read(cases[i].in, &h) != PROXY_MALFORMED || h.len != 7)
			fail_msg("%s", cases[i].why);
	}
}

static void version_2_may_have_so_many_attributes(void **state)
{
	uint8_t in[PROXY_HEADER_MAX] = V2 "\x21\x11\x07\xf0";
	struct proxy_header h;

	assert_int_equal(proxy_header_read(bytes_of(in, sizeof(in) - 1), &h), PROXY_SHORT);
	assert_int_equal(proxy_header_read(bytes_of(in, sizeof(in)), &h), PROXY_OK);
	assert_int_equal(h.len, sizeof(in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_name_the_ends),
		cmocka_unit_test(every_beginning_is_short),
		cmocka_unit_test(what_follows_is_the_clients),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(version_2_may_have_so_many_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
