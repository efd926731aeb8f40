/* natlab: the one name that its DNS knows. */
#include "tests/natlab/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nat64.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define KNOWN              \
	"\x08ipv4only\x04" \
	"arpa\x00"
#define A      "\x00\x01\x00\x01"
#define AAAA   "\x00\x1c\x00\x01"
#define RECORD 12 /* bytes before the address */

static const struct addr none;

static struct addr prefix(void)
{
	struct addr a;

	assert_true(addr_parse_ip("64:ff9b::", 0, &a));
	return a;
}

static uint16_t at(const uint8_t *buf, size_t i)
{
	return (uint16_t)(buf[i] << 8 | buf[i + 1]);
}

static void a_question_gets_its_answer(void **state)
{
	static const struct {
		const char *why;
		struct bytes question;
		uint8_t len;
		uint16_t flags, answers;
		size_t each; /* bytes of an address */
	} cases[] = {
		{ "behind a NAT64", BYTES(HEAD KNOWN AAAA), 96, 0x8180, 2, 16 },
		{ "no NAT64: no IPv6 address", BYTES(HEAD KNOWN AAAA), 0, 0x8180, 0, 0 },
		{ "IPv4", BYTES(HEAD KNOWN A), 0, 0x8180, 2, 4 },
		{ "in capitals",
		  BYTES(HEAD "\x08IPv4ONLY\x04"
			     "ARPA\x00" A),
		  0, 0x8180, 2, 4 },
		{ "another type", BYTES(HEAD KNOWN "\x00\x0f\x00\x01"), 96, 0x8180, 0, 0 },
		{ "another class", BYTES(HEAD KNOWN "\x00\x01\x00\x03"), 96, 0x8180, 0, 0 },
		{ "another name", BYTES(HEAD "\x04test\x00" AAAA), 96, 0x8183, 0, 0 },
		{ "a longer name", BYTES(HEAD "\x01x" KNOWN AAAA), 96, 0x8183, 0, 0 },
		{ "the root", BYTES(HEAD "\x00" AAAA), 96, 0x8183, 0, 0 },
		{ "EDNS behind it", BYTES(HEAD KNOWN A "\x00\x00\x29\x04\xd0"), 0, 0x8180, 2, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr p = cases[i].len > 0 ? prefix() : none;
		uint8_t buf[NAMES_MAX];
		size_t len = names_answer(cases[i].question, &p, cases[i].len, buf);

		if (len == 0 || at(buf, 0) != 0x1234 || at(buf, 2) != cases[i].flags ||
		    at(buf, 4) != 1 || at(buf, 6) != cases[i].answers)
			fail_msg("%s: a wrong head", cases[i].why);
		if (cases[i].answers > 0 && at(buf, len - 2 - cases[i].each) != cases[i].each)
			fail_msg("%s: a wrong record", cases[i].why);
	}
}

static void the_addresses_are_those_of_rfc_7050(void **state)
{
	static const uint8_t lengths[] = { 32, 40, 48, 56, 64, 96 };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct addr p = prefix(), found = { .family = ADDR_IPV6 };
		struct addr last = addr_ipv4(192, 0, 0, 171, 0), first = last;
		uint8_t buf[NAMES_MAX];
		size_t len = names_answer(BYTES(HEAD KNOWN AAAA), &p, lengths[i], buf);

		first.ip[3] = 170;
		memcpy(found.ip, buf + len - 16, 16);
		assert_int_equal(nat64_find_length(&found, &last), lengths[i]);
		memcpy(found.ip, buf + len - 16 - RECORD - 16, 16);
		assert_int_equal(nat64_find_length(&found, &first), lengths[i]);
	}
}

static void what_is_no_question_gets_none(void **state)
{
	static const struct {
		const char *why;
		struct bytes data;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "a head alone", BYTES(HEAD) },
		{ "no type", BYTES(HEAD KNOWN) },
		{ "a byte less", BYTES(HEAD KNOWN "\x00\x01\x00") },
		{ "an answer", BYTES("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" KNOWN A) },
		{ "two questions",
		  BYTES("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" KNOWN A KNOWN A) },
		{ "a pointer", BYTES(HEAD "\xc0\x0c" A) },
		{ "a label that goes on", BYTES(HEAD "\x3fipv4only" A) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buf[NAMES_MAX];

		if (names_answer(cases[i].data, &none, 0, buf) != 0)
			fail_msg("%s: answered", cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_gets_its_answer),
		cmocka_unit_test(the_addresses_are_those_of_rfc_7050),
		cmocka_unit_test(what_is_no_question_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
