/* addr: text, kinds, comparison, hash. */
#include "addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "rng.h"
#include "wire.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	if (!addr_parse(text, 0, &a))
		fail_msg("%s: refused", text);
	return a;
}

static void text_reads_and_prints(void **state)
{
	static const struct {
		const char *text;
		const char *printed; /* with default port 7 */
		const char *ip;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1:7", "192.0.2.1" },
		{ "192.0.2.1:0", "192.0.2.1:0", "192.0.2.1" },
		{ "192.0.2.1:65535", "192.0.2.1:65535", "192.0.2.1" },
		{ "192.0.2.1:03478", "192.0.2.1:3478", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0:7", "0.0.0.0" },
		{ "::", "[::]:7", "::" },
		{ "[::]", "[::]:7", "::" },
		{ "[::]:1", "[::]:1", "::" },
		{ "2001:DB8:0:0::0:1", "[2001:db8::1]:7", "2001:db8::1" },
		{ "[2001:db8::1]:3478", "[2001:db8::1]:3478", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:7", "::ffff:192.0.2.1" },
		{ "fe80::1%3", "[fe80::1%3]:7", "fe80::1%3" },
		{ "[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1", "fe80::1%4294967295" },
		{ "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
		  "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
		  "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295" },
	};
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a;

		if (!addr_parse(cases[i].text, 7, &a))
			fail_msg("%s: refused", cases[i].text);
		assert_string_equal(addr_print(&a, text), cases[i].printed);
		assert_string_equal(addr_print_ip(&a, text), cases[i].ip);
	}
}

static void other_text_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		":",
		":3478",
		"[",
		"[]",
		"[]:1",
		"]",
		"[:]:1",
		"host",
		"host:3478",
		"192.0.2",
		"192.0.2.1.1",
		"192.0.2.256",
		"192.0.2.01x",
		" 192.0.2.1",
		"192.0.2.1 ",
		"192.0.2.1:",
		"192.0.2.1:-1",
		"192.0.2.1:+1",
		"192.0.2.1: 1",
		"192.0.2.1:1 ",
		"192.0.2.1:65536",
		"192.0.2.1:18446744073709551617",
		"192.0.2.1:0x10",
		"192.0.2.1:1:1",
		"[192.0.2.1]",
		"[192.0.2.1]:1",
		"192.0.2.1%1",
		"[2001:db8::1",
		"2001:db8::1]",
		"[2001:db8::1]:",
		"[2001:db8::1]x:1",
		"[2001:db8::1]1",
		"[[2001:db8::1]]:1",
		"2001:db8:::1",
		"1:2:3:4:5:6:7:8:9",
		"2001:db8::1%1", /* a zone, but not link-local */
		"fe80::1%",
		"fe80::1%0",
		"fe80::1%-1",
		"fe80::1%eth0",
		"fe80::1%4294967296",
		"fe80::1%1%2",
		"fe80:0000000000000000000000000000000000000000000000000000000000000000000000000::1",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = { .port = 77 };

		if (addr_parse(cases[i], 1, &a))
			fail_msg("\"%s\": accepted", cases[i]);
		if (addr_parse_ip(cases[i], 1, &a))
			fail_msg("\"%s\": accepted as an IP", cases[i]);
		assert_int_equal(a.port, 77);
	}
}

static void a_bare_address_has_no_port(void **state)
{
	struct addr a;

	assert_false(addr_parse_ip("192.0.2.1:1", 2, &a));
	assert_false(addr_parse_ip("[::1]:1", 2, &a));
	assert_true(addr_parse_ip("[::1]", 2, &a));
	assert_int_equal(a.port, 2);
}

static void no_address_prints_as_none(void **state)
{
	struct addr a = { .port = 5 };
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_print(&a, text), "none");
	assert_string_equal(addr_print_ip(&a, text), "none");
	a.family = 3;
	assert_string_equal(addr_print(&a, text), "none");
}

static void addresses_know_their_kind(void **state)
{
	enum { ANY = 1, LOOPBACK = 2, LINK_LOCAL = 4, PRIVATE = 8 };
	static const struct {
		const char *text;
		int kind;
	} cases[] = {
		{ "0.0.0.0", ANY },
		{ "0.0.0.1", 0 },
		{ "::", ANY },
		{ "::2", 0 },
		{ "126.255.255.255", 0 },
		{ "127.0.0.0", LOOPBACK },
		{ "127.255.255.255", LOOPBACK },
		{ "128.0.0.0", 0 },
		{ "::1", LOOPBACK },
		{ "::ffff:127.0.0.1", LOOPBACK },
		{ "::ffff:0:127.0.0.1", 0 },
		{ "169.253.255.255", 0 },
		{ "169.254.0.0", LINK_LOCAL },
		{ "169.255.0.0", 0 },
		{ "fe7f::1", 0 },
		{ "fe80::1", LINK_LOCAL },
		{ "febf::1", LINK_LOCAL },
		{ "fec0::1", 0 },
		{ "9.255.255.255", 0 },
		{ "10.0.0.0", PRIVATE },
		{ "11.0.0.0", 0 },
		{ "172.15.255.255", 0 },
		{ "172.16.0.0", PRIVATE },
		{ "172.31.255.255", PRIVATE },
		{ "172.32.0.0", 0 },
		{ "192.167.255.255", 0 },
		{ "192.168.0.0", PRIVATE },
		{ "192.169.0.0", 0 },
		{ "100.63.255.255", 0 },
		{ "100.64.0.0", PRIVATE },
		{ "100.127.255.255", PRIVATE },
		{ "100.128.0.0", 0 },
		{ "::ffff:10.0.0.1", PRIVATE },
		{ "fbff::1", 0 },
		{ "fc00::1", PRIVATE },
		{ "fdff::1", PRIVATE },
		{ "fe00::1", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = parsed(cases[i].text);
		int kind = (addr_is_any(&a) ? ANY : 0) | (addr_is_loopback(&a) ? LOOPBACK : 0) |
			   (addr_is_link_local(&a) ? LINK_LOCAL : 0) |
			   (addr_is_private(&a) ? PRIVATE : 0);

		if (kind != cases[i].kind)
			fail_msg("%s: kind %d, not %d", cases[i].text, kind, cases[i].kind);
	}
	assert_true(addr_is_any(&(struct addr){ 0 }));
}

static void only_mapped_addresses_are_unmapped(void **state)
{
	struct addr mapped = parsed("[::ffff:192.0.2.1]:5");
	struct addr v4 = addr_ipv4(192, 0, 2, 1, 5);
	struct addr compatible = parsed("[::192.0.2.1]:5");
	struct addr got = addr_unmap(&mapped);

	assert_true(addr_equal(&got, &v4));
	got = addr_unmap(&v4);
	assert_true(addr_equal(&got, &v4));
	got = addr_unmap(&compatible);
	assert_true(addr_equal(&got, &compatible));
}

static void every_part_tells_addresses_apart(void **state)
{
	struct addr a = parsed("[fe80::1%1]:5");
	struct addr other_port = addr_with_port(&a, 6);
	struct addr other_zone = parsed("[fe80::1%2]:5");
	struct addr other_ip = parsed("[fe80::2%1]:5");
	struct addr v4 = addr_ipv4(0xfe, 0x80, 0, 0, 5);
	struct addr same = a;

	assert_true(addr_equal(&a, &same) && addr_equal_ip(&a, &same));
	assert_false(addr_equal(&a, &other_port));
	assert_true(addr_equal_ip(&a, &other_port));
	assert_false(addr_equal(&a, &other_zone) || addr_equal_ip(&a, &other_zone));
	assert_false(addr_equal(&a, &other_ip) || addr_equal_ip(&a, &other_ip));
	assert_false(addr_equal(&a, &v4) || addr_equal(&v4, &a));
	assert_int_equal(other_port.port, 6);
	assert_int_equal(addr_ip_len(ADDR_IPV4), 4);
	assert_int_equal(addr_ip_len(ADDR_IPV6), 16);
	assert_int_equal(addr_ip_len(ADDR_NONE), 0);
	assert_int_equal(addr_ip_len(3), 0);
}

/* SipHash-2-4 as OpenSSL has it. */
static uint64_t siphash(const uint8_t key[static 16], struct bytes in)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	unsigned size = 8;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	uint8_t out[8];
	uint64_t v = 0;
	size_t len;

	assert_non_null(ctx);
	assert_int_equal(EVP_MAC_init(ctx, key, 16, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, in.data, in.len), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &len, sizeof(out)), 1);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	for (int i = 7; i >= 0; i--)
		v = v << 8 | out[i];
	return v;
}

static void the_hash_is_siphash(void **state)
{
	struct rng rng = rng_seed(1);
	uint8_t layout[24];
	uint8_t key[16];

	for (int i = 0; i < 200; i++) {
		struct wire_out out = wire_write(layout, sizeof(layout));
		struct addr a;

		rng_fill(&rng, key, sizeof(key));
		rng_fill(&rng, &a, sizeof(a));
		wire_put_mem(&out, a.ip, 16);
		wire_put_u8(&out, a.family);
		wire_put_u8(&out, 0);
		wire_put_u16(&out, a.port);
		wire_put_u32(&out, a.scope);
		assert_true(addr_hash(&a, key) == siphash(key, wire_written(&out)));
	}
}

static void a_port_alone_is_on_the_loopback_address(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "9641", "127.0.0.1:9641" },
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "[::1]:9641", "[::1]:9641" },
		{ "192.0.2.1", NULL },
		{ "", NULL },
		{ "+80", NULL },
		{ "65536", NULL },
		{ "99999999999999999999", NULL },
	};
	char text[ADDR_TEXT_MAX];
	struct addr got;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = addr_parse_loopback(cases[i].text, &got);

		if (ok != (cases[i].want != NULL))
			fail_msg("\"%s\": %d", cases[i].text, ok);
		if (ok)
			assert_string_equal(addr_print(&got, text), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_reads_and_prints),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(a_bare_address_has_no_port),
		cmocka_unit_test(no_address_prints_as_none),
		cmocka_unit_test(addresses_know_their_kind),
		cmocka_unit_test(only_mapped_addresses_are_unmapped),
		cmocka_unit_test(every_part_tells_addresses_apart),
		cmocka_unit_test(the_hash_is_siphash),
		cmocka_unit_test(a_port_alone_is_on_the_loopback_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
