/* punch_wire: what the sides of a trial tell each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/punch/punch_wire.h"

static uint8_t buf[PUNCH_TELL_MAX];
static struct punch_told told;

static void read_told(size_t len, enum punch_told_kind kind)
{
	assert_true(len > 0);
	assert_true(punch_read_told(bytes_of(buf, len), &told));
	assert_int_equal(told.kind, kind);
	assert_int_equal(told.trial, 70000);
}

static void an_offer_comes_back_as_it_was(void **state)
{
	struct punch_told_offer o = {
		.made_us = 1ull << 40, .sockets_max = 64, .hold_s = 90, .offer = BYTES("endpoints")
	};
	struct punch_told_offer got;

	read_told(punch_write_offer(70000, &o, buf, sizeof(buf)), PUNCH_TOLD_OFFER);
	assert_true(punch_read_offer(told.body, &got));
	assert_true(got.made_us == o.made_us && got.sockets_max == 64 && got.hold_s == 90);
	assert_true(bytes_equal(got.offer, o.offer));
}

static void a_start_comes_back_as_it_was(void **state)
{
	struct punch_told_start s = {
		.start_us = 1ull << 41,
		.delay_us = 123456,
		.hold_s = 7,
		.options = { .only = 6, .start_error_us = 9, .has_relay = true, .sockets_max = 32 },
	};
	struct punch_told_start got;

	read_told(punch_write_start(70000, &s, buf, sizeof(buf)), PUNCH_TOLD_START);
	assert_true(punch_read_start(told.body, &got));
	assert_true(got.start_us == s.start_us && got.delay_us == s.delay_us && got.hold_s == 7);
	assert_true(got.options.only == 6 && got.options.start_error_us == 9);
	assert_true(got.options.has_relay && got.options.sockets_max == 32);
}

static struct punch_told_evidence sample(void)
{
	struct punch_told_evidence e = {
		.ran_us = 99,
		.has_path = true,
		.strategy = PUNCH_RELAY,
		.step = 2,
		.outer = addr_ipv4(30, 0, 0, 1, 9),
		.count = 3,
	};

	e.seen[0] = (struct punch_evidence){
		.strategy = PUNCH_BIRTHDAY,
		.began_us = -5,
		.sockets = 257,
		.open_failed = 1,
		.sent = 2,
		.send_errors = 3,
		.received = 4,
		.answers = 5,
		.stray = 6,
		.icmp = { 7, 8, 9 },
		.local = addr_ipv4(10, 0, 0, 1, 1),
		.announced = addr_ipv4(20, 0, 0, 1, 2),
		.seen = { .family = ADDR_IPV6, .port = 3, .ip = { 0x20, 1, [15] = 9 } },
		.alive_asked = 10,
		.alive_answered = 11,
		.tried_low = 12,
		.tried_high = 13,
		.tcp_connects = 14,
		.tcp_refused = 15,
		.tcp_icmp = 16,
		.tcp_timeouts = 17,
		.tcp_accepted = 18,
		.tcp_connected = 19,
		.has_portmap = true,
		.is_unseen = true,
		.has_relay = true,
		.relay_code = 401,
	};
	return e;
}

static void evidence_comes_back_as_it_was(void **state)
{
	struct punch_told_evidence e = sample(), got;

	read_told(punch_write_evidence(70000, &e, buf, sizeof(buf)), PUNCH_TOLD_EVIDENCE);
	assert_true(punch_read_evidence(told.body, &got));
	assert_true(addr_equal(&got.outer, &e.outer));
	assert_int_equal(got.seen[0].began_us, -5);
	assert_true(addr_equal(&got.seen[0].seen, &e.seen[0].seen));
	assert_true(got.seen[0].has_portmap && got.seen[0].has_relay && got.seen[0].is_unseen);
	assert_int_equal(got.seen[0].icmp[2], 9);
	assert_int_equal(got.seen[0].tcp_connected, 19);
	assert_int_equal(got.seen[0].relay_code, 401);
	assert_int_equal(got.seen[1].strategy, PUNCH_NONE);
	assert_true(got.has_path && got.strategy == PUNCH_RELAY && got.step == 2 && got.count == 3);
}

static void the_longest_fits(void **state)
{
	struct punch_told_evidence e = sample();

	e.count = PUNCH_STEPS_MAX;
	for (int i = 0; i < PUNCH_STEPS_MAX; i++) {
		e.seen[i] = e.seen[0];
		e.seen[i].local = e.seen[i].announced = e.seen[i].mapped_after = e.seen[i].seen;
	}
	assert_in_range(punch_write_evidence(1, &e, buf, sizeof(buf)), 1, PUNCH_TELL_MAX);
	assert_int_equal(punch_write_evidence(1, &e, buf, 500), 0);
}

static void what_is_cut_short_is_refused(void **state)
{
	struct punch_told_evidence e = sample(), got;
	struct punch_told_start s = { 0 }, start;
	struct punch_told_offer o = { .offer = BYTES("x") }, offer;
	size_t len = punch_write_evidence(1, &e, buf, sizeof(buf));

	for (size_t cut = 0; cut < len; cut++)
		assert_false(punch_read_told(bytes_of(buf, cut), &told) &&
			     punch_read_evidence(told.body, &got));
	len = punch_write_start(1, &s, buf, sizeof(buf));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(punch_read_told(bytes_of(buf, cut), &told) &&
			     punch_read_start(told.body, &start));
	len = punch_write_offer(1, &o, buf, sizeof(buf));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(punch_read_told(bytes_of(buf, cut), &told) &&
			     punch_read_offer(told.body, &offer));
}

static void numbers_out_of_range_are_refused(void **state)
{
	struct punch_told_evidence e = sample(), got;
	size_t len;

	e.strategy = PUNCH_STRATEGIES;
	len = punch_write_evidence(1, &e, buf, sizeof(buf));
	assert_true(punch_read_told(bytes_of(buf, len), &told));
	assert_false(punch_read_evidence(told.body, &got));
	e = sample();
	e.step = PUNCH_STEPS_MAX;
	len = punch_write_evidence(1, &e, buf, sizeof(buf));
	assert_true(punch_read_told(bytes_of(buf, len), &told));
	assert_false(punch_read_evidence(told.body, &got));
	assert_false(punch_read_told(BYTES("\x02\x01\0\0\0\0"), &told)); /* another version */
	assert_false(punch_read_told(BYTES("\x01\x05\0\0\0\0"), &told));
	assert_int_equal(punch_write_bye(1, buf, sizeof(buf)), 6);
	assert_true(punch_read_told(bytes_of(buf, 6), &told));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_comes_back_as_it_was),
		cmocka_unit_test(a_start_comes_back_as_it_was),
		cmocka_unit_test(evidence_comes_back_as_it_was),
		cmocka_unit_test(the_longest_fits),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(numbers_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
