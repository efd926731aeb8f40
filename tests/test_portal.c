/* portal: a URL to a request, an answer to a conclusion. */
#include "natprobe/net/portal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void urls_become_requests(void **state)
{
	static const struct {
		const char *url, *line, *host;
		uint16_t port;
	} cases[] = {
		{ "http://example.org", "GET / HTTP/1.1\r\n", "\r\nHost: example.org\r\n", 80 },
		{ "http://example.org/generate_204", "GET /generate_204 HTTP/1.1\r\n",
		  "\r\nHost: example.org\r\n", 80 },
		{ "http://Example.org:8080/a?b=c/d", "GET /a?b=c/d HTTP/1.1\r\n",
		  "\r\nHost: example.org:8080\r\n", 8080 },
		{ "http://127.0.0.1:80/", "GET / HTTP/1.1\r\n", "\r\nHost: 127.0.0.1\r\n", 80 },
		{ "http://[2001:db8::1]:81/x", "GET /x HTTP/1.1\r\n",
		  "\r\nHost: [2001:db8::1]:81\r\n", 81 },
		{ "http://[2001:db8::1]/", "GET / HTTP/1.1\r\n", "\r\nHost: [2001:db8::1]\r\n",
		  80 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char request[PORTAL_REQUEST_MAX];
		struct portal_url url;
		const char *why;
		size_t len;

		if (!portal_url_parse(cases[i].url, &url, &why))
			fail_msg("%s: %s", cases[i].url, why);
		assert_int_equal(url.at.port, cases[i].port);
		len = portal_request(&url, request);
		assert_int_equal(len, strlen(request));
		assert_ptr_equal(strstr(request, cases[i].line), request);
		if (strstr(request, cases[i].host) == NULL)
			fail_msg("%s: %s", cases[i].url, request);
		assert_string_equal(request + len - 4, "\r\n\r\n");
	}
}

static void the_longest_url_fits(void **state)
{
	char text[1024] = "http://";
	char request[PORTAL_REQUEST_MAX];
	struct portal_url url;
	const char *why;
	size_t at = strlen(text);

	for (int i = 0; i < 253; i++)
		text[at++] = i % 50 == 49 ? '.' : 'a';
	at += (size_t)snprintf(text + at, 16, ":65535/");
	memset(text + at, 'p', PORTAL_PATH_MAX - 1);
	assert_true(portal_url_parse(text, &url, &why));
	assert_true(portal_request(&url, request) < PORTAL_REQUEST_MAX);
	assert_non_null(strstr(request, "Connection: close\r\n\r\n"));
	text[at + PORTAL_PATH_MAX - 1] = 'p';
	assert_false(portal_url_parse(text, &url, &why));
}

static void other_urls_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"example.org",
		"https://example.org/",
		"HTTP//example.org",
		"http://",
		"http:///path",
		"http://user@example.org/",
		"http://example.org:0/",
		"http://example.org:99999/",
		"http://stun:example.org/",
		"http://example.org/a b",
		"http://example.org/a\r\nHost: other",
		"http://example.org/#there",
		"http://example.org/\xc3\xb6",
		"http://example.org?query",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct portal_url url = { .at.port = 7 };
		const char *why = NULL;

		if (portal_url_parse(cases[i], &url, &why))
			fail_msg("%s: taken", cases[i]);
		assert_non_null(why);
		assert_int_equal(url.at.port, 7);
	}
}

static void answers_are_judged_by_their_status(void **state)
{
	static const struct {
		struct bytes answer;
		uint8_t value, cause;
	} cases[] = {
		{ BYTES("HTTP/1.1 204 No Content\r\n\r\n"), VERDICT_NO, CAUSE_NONE },
		{ BYTES("HTTP/1.0 204"), VERDICT_NO, CAUSE_NONE },
		{ BYTES("HTTP/1.1 200 OK\r\n\r\n<html>"), VERDICT_YES, CAUSE_NONE },
		{ BYTES("HTTP/1.1 302 Found\r\n"), VERDICT_YES, CAUSE_NONE },
		{ BYTES("HTTP/1.1 399 x"), VERDICT_YES, CAUSE_NONE },
		{ BYTES("HTTP/1.1 511 Network Authentication Required"), VERDICT_YES, CAUSE_NONE },
		{ BYTES("HTTP/1.1 404 Not Found\r\n"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
		{ BYTES("HTTP/1.1 503 Busy\r\n"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
		{ BYTES("HTTP/1.1 100 Continue"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
		{ BYTES("HTTP/1.1 2x4 No Content"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
		{ BYTES("HTTP/2.0 204 No Content"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
		{ BYTES("SSH-2.0-OpenSSH_9.2"), VERDICT_UNKNOWN, CAUSE_SERVER_ERROR },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict_yes_no got = { 9, 9 };

		if (!portal_judge(cases[i].answer, false, &got) || got.value != cases[i].value ||
		    got.cause != cases[i].cause)
			fail_msg("%.*s: %u, %u", (int)cases[i].answer.len,
				 (const char *)cases[i].answer.data, got.value, got.cause);
	}
}

static void half_a_line_waits_for_the_rest(void **state)
{
	const struct bytes all = BYTES("HTTP/1.1 20");
	struct verdict_yes_no got = { 9, 9 };

	for (size_t len = 0; len <= all.len; len++)
		assert_false(portal_judge(bytes_of(all.data, len), false, &got));
	assert_int_equal(got.value, 9);
	assert_true(portal_judge(all, true, &got));
	assert_int_equal(got.value, VERDICT_UNKNOWN);
	assert_int_equal(got.cause, CAUSE_SERVER_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_become_requests),
		cmocka_unit_test(the_longest_url_fits),
		cmocka_unit_test(other_urls_are_refused),
		cmocka_unit_test(answers_are_judged_by_their_status),
		cmocka_unit_test(half_a_line_waits_for_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
