/* ssdp: a question for gateways, and what counts as an answer. */
#include "natprobe/map/ssdp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OK      "HTTP/1.1 200 OK\r\n"
#define ST      "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
#define PLACE   "LOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n"
#define THE_URL "http://192.168.1.1:5000/rootDesc.xml"

static void the_question_is_for_the_group_or_one_host(void **state)
{
	const struct addr group = ssdp_group();
	const struct addr one = addr_ipv4(192, 168, 255, 254, SSDP_PORT);
	char buf[SSDP_REQUEST_MAX];
	size_t len = ssdp_search(&group, buf);

	assert_int_equal(len, strlen(buf));
	assert_ptr_equal(strstr(buf, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"), buf);
	assert_non_null(strstr(buf, "\r\nMAN: \"ssdp:discover\"\r\n"));
	assert_string_equal(buf + len - 4, "\r\n\r\n");
	len = ssdp_search(&one, buf);
	assert_true(len < SSDP_REQUEST_MAX);
	assert_non_null(strstr(buf, "\r\nHOST: 192.168.255.254:1900\r\n"));
}

static void answers_are_read(void **state)
{
	static const struct bytes cases[] = {
		BYTES(OK ST PLACE "\r\n"),
		BYTES(OK PLACE "EXT:\r\n" ST "USN: uuid:x\r\n\r\n"),
		BYTES("HTTP/1.0 200 OK\n"
		      "st:urn:schemas-upnp-org:device:InternetGatewayDevice:2\n"
		      "Location:\t" THE_URL " \n\n"),
		BYTES(OK ST "LOCATION: " THE_URL),
		BYTES(OK ST PLACE "\r\nLOCATION: http://198.51.100.1/\r\n"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char url[SSDP_URL_MAX] = "";

		if (!ssdp_answer(cases[i], url))
			fail_msg("case %zu is not taken", i);
		assert_string_equal(url, THE_URL);
	}
}

static void other_datagrams_are_not(void **state)
{
	static const struct {
		const char *why;
		struct bytes datagram;
	} cases[] = {
		{ "nothing", BYTES("") },
		{ "an announcement", BYTES("NOTIFY * HTTP/1.1\r\n" ST PLACE "\r\n") },
		{ "an error", BYTES("HTTP/1.1 404 No\r\n" ST PLACE "\r\n") },
		{ "a cut status", BYTES("HTTP/1.1 20") },
		{ "no place", BYTES(OK ST "\r\n") },
		{ "a printer",
		  BYTES(OK PLACE "ST: urn:schemas-upnp-org:device:Printer:1\r\n\r\n") },
		{ "no type", BYTES(OK PLACE "\r\n") },
		{ "another scheme", BYTES(OK ST "LOCATION: file:///etc/passwd\r\n\r\n") },
		{ "a blank in the URL", BYTES(OK ST "LOCATION: http://192.168.1.1/a b\r\n\r\n") },
		{ "a control in the URL",
		  BYTES(OK ST "LOCATION: http://192.168.1.1/\x1b\r\n\r\n") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char url[SSDP_URL_MAX] = "untouched";

		if (ssdp_answer(cases[i].datagram, url))
			fail_msg("%s: taken", cases[i].why);
		assert_string_equal(url, "untouched");
	}
}

static void a_url_has_a_longest_length(void **state)
{
	char datagram[1024] = OK ST "LOCATION: http://";
	char url[SSDP_URL_MAX];
	size_t at = strlen(datagram);

	memset(datagram + at, 'u', SSDP_URL_MAX);
	assert_true(ssdp_answer(bytes_of(datagram, at + SSDP_URL_MAX - 8), url));
	assert_int_equal(strlen(url), SSDP_URL_MAX - 1);
	assert_false(ssdp_answer(bytes_of(datagram, at + SSDP_URL_MAX - 7), url));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_is_for_the_group_or_one_host),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(other_datagrams_are_not),
		cmocka_unit_test(a_url_has_a_longest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
