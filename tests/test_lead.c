/* lead: a server leads nowhere that only we can go. */
#include "natprobe/lead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "natprobe/discover/discover.h"
#include "natprobe/discover/probe_log.h"
#include "wire.h"

static struct addr parse(const char *text)
{
	struct addr a = { 0 };

	if (!addr_parse(text, 3478, &a))
		fail_msg("%s: not an address", text);
	return a;
}

static void a_server_leads_to_its_like_alone(void **state)
{
	static const struct {
		const char *server, *named;
		bool allowed;
	} cases[] = {
		{ "198.51.100.1", "203.0.113.9", true },
		{ "198.51.100.1", "203.0.113.9:0", false },
		{ "198.51.100.1", "0.0.0.0", false },
		{ "198.51.100.1", "0.1.2.3", false },
		{ "198.51.100.1", "224.0.0.251:5353", false },
		{ "198.51.100.1", "240.0.0.1", false },
		{ "198.51.100.1", "255.255.255.255", false },
		{ "198.51.100.1", "127.0.0.1", false },
		{ "198.51.100.1", "169.254.1.1", false },
		{ "198.51.100.1", "192.168.1.1", false },
		{ "198.51.100.1", "100.64.0.1", false },
		{ "10.0.0.1", "10.0.0.2", true },
		{ "10.0.0.1", "198.51.100.1", true },
		{ "10.0.0.1", "127.0.0.1", false },
		{ "127.0.0.1", "127.0.0.2", true },
		{ "127.0.0.1", "198.51.100.1", false },
		{ "[2001:db8::1]", "[2001:db8::2]", true },
		{ "[2001:db8::1]", "[ff02::1]", false },
		{ "[2001:db8::1]", "[::1]", false },
		{ "[2001:db8::1]", "[::]", false },
		{ "[2001:db8::1]", "[fe80::1]", false },
		{ "[2001:db8::1]", "[fd00::1]", false },
		{ "[2001:db8::1]", "[::ffff:127.0.0.1]", false },
		{ "[2001:db8::1]", "[::ffff:192.168.1.1]", false },
		{ "[2001:db8::1]", "[64:ff9b::127.0.0.1]", false },
		{ "[2001:db8::1]", "[64:ff9b::10.0.0.1]", false },
		{ "[2001:db8::1]", "[64:ff9b::224.0.0.1]", false },
		{ "[2001:db8::1]", "[64:ff9b::203.0.113.9]", true },
		{ "[64:ff9b::198.51.100.1]", "[64:ff9b::203.0.113.9]", true },
		{ "[64:ff9b::198.51.100.1]", "203.0.113.9", true },
		{ "[64:ff9b::198.51.100.1]", "10.0.0.1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr server = parse(cases[i].server), named = parse(cases[i].named);

		if (lead_allows(&server, &named) != cases[i].allowed)
			fail_msg("%s names %s", cases[i].server, cases[i].named);
	}
}

static void no_address_is_nowhere(void **state)
{
	const struct addr none = { .port = 3478 };
	const struct addr server = addr_ipv4(198, 51, 100, 1, 3478);

	assert_false(lead_allows(&server, &none));
}

/* 64:ff9b::/96 leads to IPv4 hosts; whose OTHER-ADDRESS may not lead into the translator. */
static void an_alternate_is_not_looked_for_behind_the_translator(void **state)
{
	static const struct {
		const char *other, *seen;
	} cases[] = {
		{ "203.0.113.9", "64:ff9b::203.0.113.9" }, { "127.0.0.1", "127.0.0.1" },
		{ "169.254.169.254", "169.254.169.254" },  { "10.0.0.1", "10.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
	};
	const struct addr mapped = addr_ipv4(203, 0, 113, 77, 4000);
	const struct stun_tid tid = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct probe_answer answer = { .from = parse("[64:ff9b::198.51.100.1]") };
		struct addr other = parse(cases[i].other), seen = { 0 };
		struct stun_builder b;
		struct stun_msg msg;
		uint8_t buf[128];
		struct bytes out = { 0 };

		assert_true(addr_parse_ip(cases[i].seen, 3478, &seen));
		b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
		(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, &other);
		assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
		assert_int_equal(stun_msg_parse(out, &msg), STUN_OK);
		probe_read_answer(&msg, &answer);
		if (!addr_equal(&answer.other, &seen))
			fail_msg("%s: taken", cases[i].other);
	}
}

static void fill_counting(void *arg, void *buf, size_t len)
{
	uint8_t *counter = arg;

	++*counter;
	memset(buf, *counter, len);
}

static const struct addr liar = { .family = ADDR_IPV4, .ip = { 198, 51, 100, 1 }, .port = 3478 };

/* The server claims to see each socket of ours at `lie`, with that port or one of its own. */
static void lie_to(struct discover *d, const struct discover_action *a, struct addr lie)
{
	struct stun_builder b;
	struct stun_msg asked;
	struct bytes out = { 0 };
	uint8_t buf[128];

	if (lie.port != 0)
		lie.port = (uint16_t)(lie.port + a->slot);
	if (stun_msg_parse(a->data, &asked) != STUN_OK)
		return;
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &asked.tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &lie);
	(void)stun_build_finish(&b, &out);
	discover_on_datagram(d, a->slot, &liar, out, 1000000);
}

/* Returns how many datagrams went to others than the server. */
static unsigned diagnose(struct addr lie)
{
	struct discover_server server = { liar, "liar" };
	uint8_t counter = 0;
	struct discover_config config = { .local = addr_ipv4(192, 168, 1, 2, 0),
					  .servers = &server,
					  .server_count = 1,
					  .random = fill_counting,
					  .random_arg = &counter };
	struct discover *d = discover_new(&config);
	struct discover_action a;
	struct addr local = config.local;
	uint64_t now_us = 1000000;
	unsigned astray = 0;

	assert_non_null(d);
	while (discover_next(d, now_us, &a) != DISCOVER_DONE) {
		local.port = a.port != 0 ? a.port : 5000;
		if (a.kind == DISCOVER_OPEN)
			discover_on_open(d, a.slot, &local);
		else if (a.kind == DISCOVER_SEND && addr_equal(&a.to, &liar))
			lie_to(d, &a, lie);
		else if (a.kind == DISCOVER_SEND)
			astray++;
		else if (a.kind == DISCOVER_WAIT)
			now_us = a.deadline_us;
	}
	discover_free(d);
	return astray;
}

static void a_lie_about_our_address_leads_nowhere(void **state)
{
	static const char *const lies[] = { "127.0.0.1:53", "192.168.1.1:53", "224.0.0.251:5353",
					    "255.255.255.255:7", "203.0.113.9:0" };

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		if (diagnose(parse(lies[i])) > 0)
			fail_msg("%s is sent to", lies[i]);
	}
	/* Some stranger may be meant, who is not told from us: a few datagrams, no more. */
	assert_in_range(diagnose(parse("203.0.113.9:4000")), 1, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_leads_to_its_like_alone),
		cmocka_unit_test(no_address_is_nowhere),
		cmocka_unit_test(an_alternate_is_not_looked_for_behind_the_translator),
		cmocka_unit_test(a_lie_about_our_address_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
