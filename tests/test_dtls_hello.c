/* dtls_hello: a stranger's ClientHello, whole, cut, and with each field bent. */
#include "dtls_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RANDOM32 "0123456789abcdef0123456789ABCDEF"

/* A ClientHello with a session id of 2 bytes, a cookie of 3, one suite, one method. */
#define BODY   "\xfe\xfd" RANDOM32 "\x02id\x03\xc0\x0c\x1e\x00\x02\xc0\x2b\x01\x00"
#define HELLO  "\x01\x00\x00\x2f\x00\x01\x00\x00\x00\x00\x00\x2f" BODY
#define RECORD "\x16\xfe\xff\x00\x00\x00\x01\x02\x03\x04\x05\x00\x3b" HELLO

static void a_whole_hello_is_read(void **state)
{
	struct dtls_hello h;

	assert_int_equal(dtls_hello_parse(BYTES(RECORD), &h), DTLS_HELLO_OK);
	assert_int_equal(h.record.len, sizeof(RECORD) - 1);
	assert_int_equal(h.record_seq, 0x000102030405);
	assert_int_equal(h.message_seq, 1);
	assert_true(bytes_equal(h.random, BYTES(RANDOM32)));
	assert_true(bytes_equal(h.cookie, BYTES("\xc0\x0c\x1e")));

	/* A second record does not matter. */
	assert_int_equal(dtls_hello_parse(BYTES(RECORD "more"), &h), DTLS_HELLO_OK);
	assert_int_equal(h.record.len, sizeof(RECORD) - 1);
}

static void every_prefix_is_refused(void **state)
{
	struct dtls_hello h = { .message_seq = 77 };

	for (size_t len = 0; len < sizeof(RECORD) - 1; len++) {
		if (dtls_hello_parse(bytes_of(RECORD, len), &h) == DTLS_HELLO_OK)
			fail_msg("accepted with %zu bytes", len);
		assert_int_equal(h.message_seq, 77);
	}
}

/* Changes one byte of the good record. */
static enum dtls_hello_result parse_with(size_t at, uint8_t value)
{
	uint8_t record[sizeof(RECORD) - 1];
	struct dtls_hello h;

	memcpy(record, RECORD, sizeof(record));
	record[at] = value;
	return dtls_hello_parse(bytes_of(record, sizeof(record)), &h);
}

static void each_field_has_its_say(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t value;
		enum dtls_hello_result want;
	} cases[] = {
		{ "application data", 0, 23, DTLS_HELLO_NONE },
		{ "alert", 0, 21, DTLS_HELLO_NONE },
		{ "TLS", 1, 3, DTLS_HELLO_NONE },
		{ "any minor version", 2, 0x01, DTLS_HELLO_OK },
		{ "epoch 1", 4, 1, DTLS_HELLO_NONE },
		{ "record longer than the datagram", 12, 0x3c, DTLS_HELLO_MALFORMED },
		{ "record shorter than the message", 12, 0x3a, DTLS_HELLO_MALFORMED },
		{ "empty record", 12, 0, DTLS_HELLO_MALFORMED },
		{ "ServerHello", 13, 2, DTLS_HELLO_NONE },
		{ "ClientKeyExchange", 13, 16, DTLS_HELLO_NONE },
		{ "first fragment", 16, 0x30, DTLS_HELLO_FRAGMENT },
		{ "later fragment", 21, 1, DTLS_HELLO_FRAGMENT },
		{ "fragment longer than all", 24, 0x30, DTLS_HELLO_FRAGMENT },
		{ "session id too long for the rest", 59, 200, DTLS_HELLO_MALFORMED },
		{ "cookie too long for the rest", 62, 200, DTLS_HELLO_MALFORMED },
		{ "odd suites", 67, 1, DTLS_HELLO_MALFORMED },
		{ "no suites", 67, 0, DTLS_HELLO_MALFORMED },
		{ "no compression method", 70, 0, DTLS_HELLO_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (parse_with(cases[i].at, cases[i].value) != cases[i].want)
			fail_msg("%s: judged otherwise", cases[i].why);
	}
}

static void a_session_id_has_32_bytes_at_most(void **state)
{
	/* 33 bytes of session id, no cookie. */
	static const char record[] = "\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x59"
				     "\x01\0\0\x4d\0\0\0\0\0\0\0\x4d\xfe\xfd" RANDOM32
				     "\x21" RANDOM32 "X\x00\x00\x02\xc0\x2b\x01\x00\x00\x00";
	struct dtls_hello h;

	assert_int_equal(sizeof(record) - 1, 13 + 0x59);
	assert_int_equal(dtls_hello_parse(bytes_of(record, sizeof(record) - 1), &h),
			 DTLS_HELLO_MALFORMED);
}

static void extensions_fill_the_rest_exactly(void **state)
{
	static const struct {
		const char *why;
		uint8_t len;
		enum dtls_hello_result want;
	} cases[] = {
		{ "exact", 2, DTLS_HELLO_OK },
		{ "a byte less", 1, DTLS_HELLO_MALFORMED },
		{ "a byte more", 3, DTLS_HELLO_MALFORMED },
	};
	uint8_t record[] = "\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x3a"
			   "\x01\0\0\x2e\0\0\0\0\0\0\0\x2e\xfe\xfd" RANDOM32
			   "\x00\x00\x00\x02\xc0\x2b\x01\x00\x00\x02xx";

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dtls_hello h;

		record[sizeof(record) - 4] = cases[i].len;
		if (dtls_hello_parse(bytes_of(record, sizeof(record) - 1), &h) != cases[i].want)
			fail_msg("%s: judged otherwise", cases[i].why);
	}
}

static void the_answer_is_shorter_than_the_question(void **state)
{
	struct dtls_hello h;
	uint8_t buf[DTLS_VERIFY_MAX];
	struct bytes got;

	assert_int_equal(dtls_hello_parse(BYTES(RECORD), &h), DTLS_HELLO_OK);
	got = dtls_hello_verify_request(&h, BYTES("cookie"), buf);
	assert_true(bytes_equal(got, BYTES("\x16\xfe\xff\0\0\0\x01\x02\x03\x04\x05\0\x15"
					   "\x03\0\0\x09\0\0\0\0\0\0\0\x09\xfe\xff\x06"
					   "cookie")));
	got = dtls_hello_verify_request(&h, bytes_of(RECORD, 16), buf);
	assert_true(got.len < sizeof(RECORD) - 1 - 5); /* 5: without id and cookie */
}

static void the_longest_cookie_fits(void **state)
{
	static const uint8_t cookie[255];
	struct dtls_hello h = { 0 };
	uint8_t buf[DTLS_VERIFY_MAX];

	assert_int_equal(dtls_hello_verify_request(&h, bytes_of(cookie, 255), buf).len,
			 DTLS_VERIFY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_hello_is_read),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(each_field_has_its_say),
		cmocka_unit_test(a_session_id_has_32_bytes_at_most),
		cmocka_unit_test(extensions_fill_the_rest_exactly),
		cmocka_unit_test(the_answer_is_shorter_than_the_question),
		cmocka_unit_test(the_longest_cookie_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
