/* What a rendezvous takes for a request, and what it says to the rest. */
#include "stund/rendezvous_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define END  " HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET  "GET /v1/rendezvous/"
#define POST "POST /v1/rendezvous/t HTTP/1.1\r\nHost: x\r\n"

static struct rendezvous_request parse(const char *text)
{
	struct rendezvous_request r;
	struct bytes frame;
	size_t used;

	if (rendezvous_cut(bytes_of_str(text), RENDEZVOUS_REQUEST_MAX, &frame, &used) != STUN_OK)
		fail_msg("no request: %s", text);
	rendezvous_parse(frame, &r);
	return r;
}

static void requests_are_read(void **state)
{
	struct rendezvous_request r = parse(GET "a/b-9?after=18446744073709551615&wait=7" END);

	assert_int_equal(r.status, 0);
	assert_false(r.is_post || r.close);
	assert_string_equal(r.topic, "a/b-9");
	assert_true(r.after == UINT64_MAX);
	assert_int_equal(r.wait_s, 7);
	r = parse("GET http://x:80/v1/rendezvous/t?wait=4294967296 HTTP/1.0\r\n\r\n");
	assert_int_equal(r.status, 0);
	assert_true(r.close);
	assert_int_equal(r.wait_s, RENDEZVOUS_WAIT_MAX_S);
	r = parse(POST "cOnTent-length:  5 \r\nConnection: Close\r\n\r\nhello");
	assert_int_equal(r.status, 0);
	assert_true(r.is_post && r.close);
	assert_int_equal(r.body.len, 5);
	assert_memory_equal(r.body.data, "hello", 5);
}

static void what_is_wrong_has_a_code(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
		{ "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
		{ GET END, 400 },
		{ GET "UPPER" END, 400 },
		{ GET "%61" END, 400 },
		{ GET "t?after=" END, 400 },
		{ GET "t?after=-1" END, 400 },
		{ GET "t?after=18446744073709551616" END, 400 },
		{ GET "t?other=1" END, 400 },
		{ GET "t HTTP/1.1\r\n\r\n", 400 },
		{ GET "t HTTP/2.0\r\nHost: x\r\n\r\n", 505 },
		{ GET "t\r\nHost: x\r\n\r\n", 400 },
		{ GET "t HTTP/1.1 \r\nHost: x\r\n\r\n", 505 },
		{ "PUT /v1/rendezvous/t" END, 405 },
		{ "HEAD /v1/rendezvous/t" END, 405 },
		{ "OPTIONS /v1/rendezvous/t HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n", 403 },
		{ POST "\r\n", 411 },
		{ POST "Content-Length: 0\r\n\r\n", 400 },
		{ POST "Content-Length: 8193\r\n\r\n", 413 },
		{ POST "Content-Length: 1x\r\n\r\n", 400 },
		{ POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400 },
		{ POST "Transfer-Encoding: chunked\r\n\r\n", 501 },
		{ POST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", 417 },
		{ POST "Content-Length: 1\r\nOrigin: null\r\n\r\na", 403 },
		{ POST "Content-Length : 1\r\n\r\na", 400 },
		{ POST " folded: 1\r\n\r\n", 400 },
		{ POST "nocolon\r\n\r\n", 400 },
		{ POST "a: b\rc\r\n\r\n", 400 },
		{ GET "t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", 400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rendezvous_request r = parse(cases[i].text);

		if (r.status != cases[i].status)
			fail_msg("%s: %d", cases[i].text, r.status);
	}
}

/* Where the length is in doubt nothing behind it is read as a request. */
static void what_is_refused_for_its_frame_ends_the_connection(void **state)
{
	assert_true(parse(POST "Transfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\n\r\n").close);
	assert_true(parse(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab").close);
	assert_true(parse(POST "Content-Length: 9999\r\n\r\n").close);
}

static void requests_are_cut_from_a_stream(void **state)
{
	const char *text = POST "Content-Length: 3\r\n\r\nabc" GET "t" END;
	size_t first = strlen(POST "Content-Length: 3\r\n\r\nabc"), used;
	struct bytes frame;

	for (size_t len = 0; len < first; len++)
		assert_int_equal(
			rendezvous_cut(bytes_of(text, len), RENDEZVOUS_REQUEST_MAX, &frame, &used),
			STUN_SHORT);
	assert_int_equal(rendezvous_cut(bytes_of_str(text), RENDEZVOUS_REQUEST_MAX, &frame, &used),
			 STUN_OK);
	assert_int_equal(used, first);
	assert_int_equal(frame.len, first);
}

static void long_heads_are_not_waited_for(void **state)
{
	static char text[RENDEZVOUS_HEAD_MAX + 1];
	struct bytes frame;
	size_t used;

	memset(text, 'A', RENDEZVOUS_HEAD_MAX);
	assert_int_equal(rendezvous_cut(bytes_of(text, RENDEZVOUS_HEAD_MAX - 1),
					RENDEZVOUS_REQUEST_MAX, &frame, &used),
			 STUN_SHORT);
	assert_int_equal(rendezvous_cut(bytes_of(text, RENDEZVOUS_HEAD_MAX), RENDEZVOUS_REQUEST_MAX,
					&frame, &used),
			 STUN_MALFORMED);
	assert_int_equal(rendezvous_cut(BYTES("\x16\x03"), 99, &frame, &used), STUN_FOREIGN);
}

static void answers_have_a_clock_and_a_length(void **state)
{
	static const struct rendezvous_clock clock = { 0xabc, 17, 42 };
	char buf[RENDEZVOUS_REPLY_MAX];
	size_t len = rendezvous_reply(200, 99, false, &clock, buf);

	assert_int_equal(len, strlen(buf));
	assert_non_null(strstr(buf, "\r\nNatkit-Clock: server=0000000000000abc; received=17; "
				    "sent=42\r\n"));
	assert_non_null(strstr(buf, "\r\nContent-Length: 99\r\n"));
	assert_null(strstr(buf, "Connection"));
	assert_null(strstr(buf, "Access-Control"));
	rendezvous_reply(204, 0, true, &clock, buf);
	assert_null(strstr(buf, "Content-Length"));
	assert_non_null(strstr(buf, "Connection: close\r\n"));
	for (int code = 400; code < 506; code++)
		assert_true(rendezvous_reply(code, 0, true, &clock, buf) > 0);
}

static void the_clock_is_read_back(void **state)
{
	static const char *const wrong[] = {
		"",
		"server=; received=1; sent=2",
		"server=1; received=2; sent=1",
		"server=1; received=1; sent=2 ",
		"server=g; received=1; sent=2",
		"server=1;received=1; sent=2",
		"server=10000000000000000; received=1; sent=2",
		"server=1; received=1; sent=9223372036854775808",
	};
	struct rendezvous_clock c = { UINT64_MAX, 0, INT64_MAX }, got;
	char text[RENDEZVOUS_CLOCK_MAX];

	rendezvous_print_clock(&c, text);
	assert_true(rendezvous_parse_clock(text, &got));
	assert_true(got.server == c.server && got.sent_us == c.sent_us && got.received_us == 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (rendezvous_parse_clock(wrong[i], &got))
			fail_msg("%s: taken", wrong[i]);
	}
}

static void lists_of_others_are_checked(void **state)
{
	struct rendezvous_message m = { .number = 7 };
	struct wire in = wire_read(BYTES("nkr2"));

	assert_false(rendezvous_get_list(&in));
	in = wire_read(BYTES("nkr1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\3ab"));
	assert_true(rendezvous_get_list(&in));
	assert_false(rendezvous_get_message(&in, &m));
	in = wire_read(BYTES("nkr1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0"));
	assert_true(rendezvous_get_list(&in));
	assert_false(rendezvous_get_message(&in, &m));
	assert_int_equal(m.number, 7);
	assert_true(rendezvous_is_topic(BYTES("a")) && rendezvous_is_topic(BYTES("0/-z")));
	assert_false(rendezvous_is_topic(BYTES("")) || rendezvous_is_topic(BYTES("a.b")));
	assert_false(rendezvous_is_topic(
		BYTES("0123456789012345678901234567890123456789012345678901234567890123")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(what_is_wrong_has_a_code),
		cmocka_unit_test(what_is_refused_for_its_frame_ends_the_connection),
		cmocka_unit_test(requests_are_cut_from_a_stream),
		cmocka_unit_test(long_heads_are_not_waited_for),
		cmocka_unit_test(answers_have_a_clock_and_a_length),
		cmocka_unit_test(the_clock_is_read_back),
		cmocka_unit_test(lists_of_others_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
