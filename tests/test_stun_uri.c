/* stun:, stuns:, turn: and turns: URIs (RFC 7064, RFC 7065), and plain hosts with ports. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stun_uri.h"

static void what_is_right_is_read(void **state)
{
	static const struct {
		const char *text;
		struct stun_uri want;
	} cases[] = {
		/* The examples of RFC 7064, appendix A, and RFC 7065, appendix A. */
		{ "stun:example.org", { STUN_URI_STUN, 0, 0, "example.org", { 0 } } },
		{ "stuns:example.org", { STUN_URI_STUNS, 0, 0, "example.org", { 0 } } },
		{ "stun:example.org:8000", { STUN_URI_STUN, 0, 8000, "example.org", { 0 } } },
		{ "turn:example.org", { STUN_URI_TURN, 0, 0, "example.org", { 0 } } },
		{ "turns:example.org", { STUN_URI_TURNS, 0, 0, "example.org", { 0 } } },
		{ "turn:example.org:8000", { STUN_URI_TURN, 0, 8000, "example.org", { 0 } } },
		{ "turn:example.org?transport=udp",
		  { STUN_URI_TURN, STUN_URI_UDP, 0, "example.org", { 0 } } },
		{ "turn:example.org?transport=tcp",
		  { STUN_URI_TURN, STUN_URI_TCP, 0, "example.org", { 0 } } },
		{ "turns:example.org?transport=tcp",
		  { STUN_URI_TURNS, STUN_URI_TCP, 0, "example.org", { 0 } } },
		/* ABNF words have no case, and neither have host names. */
		{ "TURNS:Example.ORG:5?TRANSPORT=Udp",
		  { STUN_URI_TURNS, STUN_URI_UDP, 5, "example.org", { 0 } } },
		{ "stun:ex%61mple%2Eorg", { STUN_URI_STUN, 0, 0, "example.org", { 0 } } },
		{ "stun:example.org:", { STUN_URI_STUN, 0, 0, "example.org", { 0 } } },
		{ "stun:example.org:0065535", { STUN_URI_STUN, 0, 65535, "example.org", { 0 } } },
		{ "example.org", { 0, 0, 0, "example.org", { 0 } } },
		{ "example.org.", { 0, 0, 0, "example.org.", { 0 } } },
		{ "example.org:1", { 0, 0, 1, "example.org", { 0 } } },
		{ "_stun._udp.x-1", { 0, 0, 0, "_stun._udp.x-1", { 0 } } },
		{ "localhost", { 0, 0, 0, "localhost", { 0 } } },
		{ "stund:1", { 0, 0, 1, "stund", { 0 } } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct stun_uri *want = &cases[i].want;
		struct stun_uri got;
		const char *why;

		if (!stun_uri_parse(bytes_of_str(cases[i].text), &got, &why))
			fail_msg("%s: %s", cases[i].text, why);
		if (got.scheme != want->scheme || got.transport != want->transport ||
		    got.port != want->port || got.ip.family != ADDR_NONE)
			fail_msg("%s: scheme %u, transport %u, port %u", cases[i].text, got.scheme,
				 got.transport, got.port);
		assert_string_equal(got.host, want->host);
	}
}

static void addresses_are_known_as_such(void **state)
{
	static const struct {
		const char *text, *host;
		uint8_t family;
		uint16_t port;
		uint32_t scope;
	} cases[] = {
		{ "stun:192.0.2.1", "192.0.2.1", ADDR_IPV4, 0, 0 },
		{ "stun:192.0.2.1:3478", "192.0.2.1", ADDR_IPV4, 3478, 0 },
		{ "stun:192%2e0.2.1", "192.0.2.1", ADDR_IPV4, 0, 0 },
		{ "turn:[2001:DB8::1]:9?transport=udp", "2001:db8::1", ADDR_IPV6, 9, 0 },
		{ "turns:[fe80::1%253]", "fe80::1%3", ADDR_IPV6, 0, 3 },
		{ "192.0.2.1", "192.0.2.1", ADDR_IPV4, 0, 0 },
		{ "192.0.2.1:80", "192.0.2.1", ADDR_IPV4, 80, 0 },
		{ "::1", "::1", ADDR_IPV6, 0, 0 },
		{ "2001:db8::1:3478", "2001:db8::1:3478", ADDR_IPV6, 0, 0 },
		{ "[::1]", "::1", ADDR_IPV6, 0, 0 },
		{ "[2001:db8::1]:3478", "2001:db8::1", ADDR_IPV6, 3478, 0 },
		{ "[fe80::1%3]:7", "fe80::1%3", ADDR_IPV6, 7, 3 },
		{ "fe80::1%3", "fe80::1%3", ADDR_IPV6, 0, 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_uri got;
		const char *why;

		if (!stun_uri_parse(bytes_of_str(cases[i].text), &got, &why))
			fail_msg("%s: %s", cases[i].text, why);
		if (got.ip.family != cases[i].family || got.port != cases[i].port ||
		    got.ip.port != cases[i].port || got.ip.scope != cases[i].scope)
			fail_msg("%s: family %u, port %u and %u, scope %u", cases[i].text,
				 got.ip.family, got.port, got.ip.port, got.ip.scope);
		assert_string_equal(got.host, cases[i].host);
	}
}

#define LABEL_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define NAME_253                               \
	LABEL_63 "." LABEL_63 "." LABEL_63 "." \
		 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *why;
		struct bytes text;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "scheme alone", BYTES("stun:") },
		{ "port alone", BYTES(":3478") },
		{ "scheme and port alone", BYTES("stun::3478") },
		{ "foreign scheme", BYTES("http://example.org") },
		{ "slashes", BYTES("stun://example.org") },
		{ "path", BYTES("stun:example.org/x") },
		{ "user", BYTES("turn:user@example.org") },
		{ "fragment", BYTES("stun:example.org#x") },
		{ "transport for stun", BYTES("stun:example.org?transport=udp") },
		{ "transport for a plain host", BYTES("example.org?transport=udp") },
		{ "another query", BYTES("turn:example.org?x=udp") },
		{ "empty query", BYTES("turn:example.org?") },
		{ "empty transport", BYTES("turn:example.org?transport=") },
		{ "unknown transport", BYTES("turn:example.org?transport=sctp") },
		{ "half a transport", BYTES("turn:example.org?transport=ud") },
		{ "more than a transport", BYTES("turn:example.org?transport=udpx") },
		{ "two transports", BYTES("turn:example.org?transport=udp?transport=udp") },
		{ "port 0", BYTES("stun:example.org:0") },
		{ "port 65536", BYTES("stun:example.org:65536") },
		{ "port of many digits", BYTES("example.org:429496729653478") },
		{ "port with a sign", BYTES("example.org:+1") },
		{ "port with a space", BYTES("example.org: 1") },
		{ "port in letters", BYTES("example.org:stun") },
		{ "plain, without its port", BYTES("example.org:") },
		{ "two ports", BYTES("example.org:1:2") },
		{ "space", BYTES("example .org") },
		{ "space in front", BYTES(" example.org") },
		{ "line end", BYTES("example.org\n") },
		{ "NUL inside", BYTES("example\0.org") },
		{ "NUL at the end", BYTES("192.0.2.1\0") },
		{ "NUL, percent-encoded", BYTES("stun:example%00.org") },
		{ "line end, percent-encoded", BYTES("stun:example%0a.org") },
		{ "slash, percent-encoded", BYTES("stun:example%2f.org") },
		{ "percent sign, percent-encoded", BYTES("stun:example%2541.org") },
		{ "percent sign at the end", BYTES("stun:example%") },
		{ "one digit", BYTES("stun:example%4") },
		{ "no digits", BYTES("stun:example%4x") },
		{ "percent-encoding in a plain host", BYTES("ex%61mple.org") },
		{ "not ASCII", BYTES("b\xc3\xbc"
				     "cher.example") },
		{ "not ASCII, percent-encoded", BYTES("stun:b%c3%bccher.example") },
		{ "empty label", BYTES("example..org") },
		{ "empty first label", BYTES(".example.org") },
		{ "dot alone", BYTES(".") },
		{ "two final dots", BYTES("example.org..") },
		{ "label of 64", BYTES("a" LABEL_63 ".org") },
		{ "name of 254", BYTES(NAME_253 "g") },
		{ "name of 254 and a final dot", BYTES(NAME_253 "g.") },
		{ "IPv4, too large", BYTES("stun:256.0.0.1") },
		{ "IPv4, too short", BYTES("127.1") },
		{ "IPv4, too long", BYTES("127.0.0.0.1") },
		{ "IPv4 as a number", BYTES("2130706433") },
		{ "IPv4 in hexadecimal", BYTES("0x7f000001") },
		{ "IPv4 in hexadecimal, in part", BYTES("127.0.0.0x1") },
		{ "IPv4 with a final dot", BYTES("127.0.0.1.") },
		{ "IPv4 in brackets", BYTES("[127.0.0.1]") },
		{ "name in brackets", BYTES("[example.org]") },
		{ "empty brackets", BYTES("stun:[]") },
		{ "open bracket", BYTES("stun:[::1") },
		{ "open bracket alone", BYTES("[") },
		{ "two brackets", BYTES("[[::1]]") },
		{ "text behind the bracket", BYTES("[::1]x") },
		{ "port behind the bracket, no colon", BYTES("[::1]3478") },
		{ "future address", BYTES("stun:[v1.x]") },
		{ "IPv6 without brackets in a URI", BYTES("stun:2001:db8::1") },
		{ "scope that is not encoded", BYTES("stun:[fe80::1%3]") },
		{ "empty scope", BYTES("stun:[fe80::1%25]") },
		{ "IPv6 that is too long for any",
		  BYTES("[1111111111111111111111111111111111111111111111111111111111111111111111"
			"11111111111111111111111]") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_uri got = { .port = 7 };
		const char *why = NULL;

		if (stun_uri_parse(cases[i].text, &got, &why))
			fail_msg("%s: accepted", cases[i].why);
		assert_non_null(why);
		assert_int_equal(got.port, 7); /* out is untouched */
	}
}

static void the_longest_name_is_taken(void **state)
{
	struct stun_uri got;
	const char *why;

	assert_true(stun_uri_parse(BYTES(NAME_253), &got, &why));
	assert_int_equal(strlen(got.host), 253);
	assert_true(stun_uri_parse(BYTES("turns:" NAME_253 ".:65535?transport=udp"), &got, &why));
	assert_int_equal(strlen(got.host), STUN_URI_HOST_MAX);
}

static void what_was_read_prints_and_reads_back(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ "STUN:Example.org", "stun:example.org" },
		{ "stuns:example.org:05349", "stuns:example.org:5349" },
		{ "turn:[2001:DB8:0:0::1]:1?transport=TCP", "turn:[2001:db8::1]:1?transport=tcp" },
		{ "turns:[fe80::1%253]", "turns:[fe80::1%253]" },
		{ "[fe80::1%3]:7", "[fe80::1%3]:7" },
		{ "::1", "[::1]" },
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "example.org", "example.org" },
		{ "turns:" NAME_253 ".:65535?transport=udp",
		  "turns:" NAME_253 ".:65535?transport=udp" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[STUN_URI_TEXT_MAX];
		struct stun_uri first, second;
		const char *why;

		assert_true(stun_uri_parse(bytes_of_str(cases[i].text), &first, &why));
		assert_string_equal(stun_uri_print(&first, text), cases[i].printed);
		assert_true(stun_uri_parse(bytes_of_str(text), &second, &why));
		assert_int_equal(first.scheme, second.scheme);
		assert_int_equal(first.transport, second.transport);
		assert_int_equal(first.port, second.port);
		assert_string_equal(first.host, second.host);
		assert_true(addr_equal(&first.ip, &second.ip));
	}
}

static void ports_have_defaults(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
		bool secure;
	} cases[] = {
		{ "example.org", 3478, false },         { "example.org:1", 1, false },
		{ "stun:example.org", 3478, false },    { "stun:example.org:5349", 5349, false },
		{ "stuns:example.org", 5349, true },    { "stuns:example.org:3478", 3478, true },
		{ "turn:example.org", 3478, false },    { "turns:example.org", 5349, true },
		{ "turns:example.org:443", 443, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_uri got;
		const char *why;

		assert_true(stun_uri_parse(bytes_of_str(cases[i].text), &got, &why));
		if (stun_uri_port(&got) != cases[i].port ||
		    stun_uri_is_secure(&got) != cases[i].secure)
			fail_msg("%s: port %u", cases[i].text, stun_uri_port(&got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_read),
		cmocka_unit_test(addresses_are_known_as_such),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(the_longest_name_is_taken),
		cmocka_unit_test(what_was_read_prints_and_reads_back),
		cmocka_unit_test(ports_have_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
