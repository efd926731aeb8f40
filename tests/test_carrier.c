/* What a carrier's URI says, lists of them, and what waits to be sent. */
#include "natprobe/meet/carrier_uri.h"
#include "natprobe/meet/carrier_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void uris_are_read(void **state)
{
	static const struct {
		const char *text, *name, *authority, *host;
		uint8_t kind;
		bool is_secure;
		uint16_t port;
	} cases[] = {
		{ "https://Stund.Example.org/", "https://stund.example.org/", "stund.example.org",
		  "stund.example.org", CARRIER_HTTP, true, 443 },
		{ "HTTP://192.0.2.1", "http://192.0.2.1/", "192.0.2.1", "192.0.2.1", CARRIER_HTTP,
		  false, 80 },
		{ "http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", "[2001:db8::1]:8080",
		  "2001:db8::1", CARRIER_HTTP, false, 8080 },
		{ "mqtts://example.org", "mqtts://example.org", "example.org", "example.org",
		  CARRIER_MQTT, true, 8883 },
		{ "mqtt://example.org:1884/", "mqtt://example.org:1884", "example.org:1884",
		  "example.org", CARRIER_MQTT, false, 1884 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[CARRIER_URI_NAME_MAX];
		struct carrier_uri u;
		const char *why = NULL;

		if (!carrier_uri_parse(bytes_of_str(cases[i].text), &u, &why))
			fail_msg("%s: %s", cases[i].text, why);
		assert_int_equal(u.kind, cases[i].kind);
		assert_int_equal(u.is_secure, cases[i].is_secure);
		assert_int_equal(u.at.port, cases[i].port);
		assert_string_equal(u.at.host, cases[i].host);
		assert_string_equal(carrier_uri_print(&u, name), cases[i].name);
		assert_string_equal(carrier_uri_authority(&u, name), cases[i].authority);
	}
}

static void users_are_decoded_and_not_printed(void **state)
{
	char name[CARRIER_URI_NAME_MAX];
	struct carrier_uri u;
	const char *why;

	assert_true(carrier_uri_parse(BYTES("mqtts://al%40ice:p%3ass%2fw@example.org"), &u, &why));
	assert_string_equal(u.user, "al@ice");
	assert_string_equal(u.password, "p:ss/w");
	assert_string_equal(carrier_uri_print(&u, name), "mqtts://example.org");
	assert_true(carrier_uri_parse(BYTES("mqtt://alice@example.org"), &u, &why));
	assert_string_equal(u.user, "alice");
	assert_string_equal(u.password, "");
}

static void what_is_no_uri_is_explained(void **state)
{
	static const char *const wrong[] = {
		"",
		"example.org",
		"ftp://example.org/",
		"https://",
		"https:///",
		"https://example.org/path",
		"https://example.org//",
		"https://user@example.org/",
		"https://example.org:0/",
		"https://example.org:65536/",
		"https://exa mple.org/",
		"https://stun:example.org/",
		"mqtt://%00@example.org",
		"mqtt://%4@example.org",
		"mqtt://%zz@example.org",
		"mqtt://2001:db8::1:1883:x",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct carrier_uri u = { .kind = 77 };
		const char *why = NULL;

		if (carrier_uri_parse(bytes_of_str(wrong[i]), &u, &why))
			fail_msg("%s: taken", wrong[i]);
		assert_non_null(why);
		assert_int_equal(u.kind, 77);
	}
}

static void lists_have_commas_or_blanks(void **state)
{
	struct bytes list = BYTES(" a,b ,\tc,, d\n"), uri;
	char all[16] = "";

	while (carrier_uri_next(&list, &uri)) {
		assert_int_equal(uri.len, 1);
		strncat(all, (const char *)uri.data, 1);
	}
	assert_string_equal(all, "abcd");
}

static void a_queue_keeps_the_newest(void **state)
{
	static const uint8_t data[MEET_ENVELOPE_MAX + 1];
	struct carrier_queue q;

	carrier_queue_init(&q);
	assert_null(carrier_queue_first(&q, 0));
	assert_false(carrier_queue_add(&q, "t", bytes_of(data, sizeof(data)), 0));
	assert_false(carrier_queue_add(&q, "t", bytes_of(data, 0), 0));
	for (size_t i = 0; i < CARRIER_QUEUE_MAX + 3; i++)
		assert_true(carrier_queue_add(&q, "t", bytes_of(data, i + 1), 0));
	assert_int_equal(q.count, CARRIER_QUEUE_MAX);
	assert_int_equal(carrier_queue_first(&q, 0)->len, 4);
	carrier_queue_drop_first(&q);
	assert_int_equal(carrier_queue_first(&q, 0)->len, 5);
	carrier_queue_clear(&q);
	assert_null(carrier_queue_first(&q, 0));
}

static void a_queue_forgets_what_is_old(void **state)
{
	struct carrier_queue q;

	carrier_queue_init(&q);
	assert_true(carrier_queue_add(&q, "t", BYTES("old"), 0));
	assert_true(carrier_queue_add(&q, "t", BYTES("newer"), 1));
	assert_int_equal(carrier_queue_first(&q, CARRIER_QUEUE_AGE_US - 1)->len, 3);
	assert_int_equal(carrier_queue_first(&q, CARRIER_QUEUE_AGE_US)->len, 5);
	assert_null(carrier_queue_first(&q, CARRIER_QUEUE_AGE_US + 1));
	carrier_queue_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris_are_read),
		cmocka_unit_test(users_are_decoded_and_not_printed),
		cmocka_unit_test(what_is_no_uri_is_explained),
		cmocka_unit_test(lists_have_commas_or_blanks),
		cmocka_unit_test(a_queue_keeps_the_newest),
		cmocka_unit_test(a_queue_forgets_what_is_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
