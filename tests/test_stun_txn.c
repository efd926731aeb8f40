/* The retransmission schedule of RFC 8489, section 6.2, on a clock moved by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stun_txn.h"

static const struct stun_tid tid = { { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
				       12 } };

static struct stun_txn start(const struct stun_txn_timing *timing, uint64_t now_us)
{
	struct stun_txn t;

	stun_txn_start(&t, &tid, timing, now_us);
	return t;
}

static void datagrams_follow_the_schedule_of_the_rfc(void **state)
{
	static const uint64_t at_ms[] = { 0, 500, 1500, 3500, 7500, 15500, 31500 };
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	uint64_t start_us = 77;
	struct stun_txn t = start(&timing, start_us);

	for (size_t i = 0; i < ARRAY_LEN(at_ms); i++) {
		assert_int_equal(t.next_us, start_us + at_ms[i] * 1000);
		if (i > 0)
			assert_int_equal(stun_txn_step(&t, t.next_us - 1), STUN_TXN_WAIT);
		assert_int_equal(stun_txn_step(&t, t.next_us), STUN_TXN_SEND);
		assert_int_equal(t.sent, i + 1);
	}
	assert_int_equal(t.next_us, start_us + 39500000);
	assert_int_equal(stun_txn_step(&t, t.next_us - 1), STUN_TXN_WAIT);
	assert_int_equal(stun_txn_step(&t, t.next_us), STUN_TXN_TIMEOUT);
	assert_int_equal(t.next_us, STUN_TXN_NEVER);
	assert_int_equal(stun_txn_step(&t, UINT64_MAX), STUN_TXN_ENDED);
}

static void a_stream_sends_once_and_waits_ti(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(true);
	struct stun_txn t = start(&timing, 0);

	assert_int_equal(stun_txn_step(&t, 0), STUN_TXN_SEND);
	assert_int_equal(stun_txn_step(&t, 39499999), STUN_TXN_WAIT);
	assert_int_equal(stun_txn_step(&t, 39500000), STUN_TXN_TIMEOUT);
	assert_int_equal(t.sent, 1);
}

static void a_late_call_makes_no_burst(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	struct stun_txn t = start(&timing, 0);
	uint64_t late_us = 3600ull * 1000000;

	assert_int_equal(stun_txn_step(&t, 0), STUN_TXN_SEND);
	assert_int_equal(stun_txn_step(&t, late_us), STUN_TXN_SEND);
	assert_int_equal(stun_txn_step(&t, late_us), STUN_TXN_WAIT);
	assert_int_equal(stun_txn_step(&t, late_us + 999999), STUN_TXN_WAIT);
	assert_int_equal(stun_txn_step(&t, late_us + 1000000), STUN_TXN_SEND);
	assert_int_equal(t.sent, 3);
}

static void a_clock_that_goes_back_only_waits(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	struct stun_txn t = start(&timing, 1000000);

	assert_int_equal(stun_txn_step(&t, 1000000), STUN_TXN_SEND);
	assert_int_equal(stun_txn_step(&t, 0), STUN_TXN_WAIT);
	assert_int_equal(t.sent, 1);
}

static void odd_timings_still_end(void **state)
{
	static const struct {
		const char *why;
		struct stun_txn_timing timing;
		unsigned sends;
		uint64_t end_us;
	} cases[] = {
		{ "never sent is sent once", { .rto_us = 10, .rc = 0, .rm = 3 }, 1, 30 },
		{ "sent once", { .rto_us = 10, .rc = 1, .rm = 3 }, 1, 30 },
		{ "sent twice", { .rto_us = 10, .rc = 2, .rm = 3 }, 2, 40 },
		{ "no last wait", { .rto_us = 10, .rc = 2, .rm = 0 }, 2, 10 },
		{ "all zero", { .rc = 3 }, 3, 0 },
		{ "waits that saturate",
		  { .rto_us = UINT32_MAX, .rc = 255, .rm = 255 },
		  255,
		  255ull * UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_txn t = start(&cases[i].timing, 0);
		enum stun_txn_step step = STUN_TXN_SEND;
		uint64_t now_us = 0;
		unsigned sends = 0;

		for (unsigned calls = 0; step == STUN_TXN_SEND && calls < 1000; calls++) {
			now_us = t.next_us;
			step = stun_txn_step(&t, now_us);
			sends += step == STUN_TXN_SEND;
		}
		if (step != STUN_TXN_TIMEOUT || sends != cases[i].sends ||
		    now_us != cases[i].end_us)
			fail_msg("%s: step %d, %u sends, end at %llu us", cases[i].why, step, sends,
				 (unsigned long long)now_us);
	}
}

static void an_ended_one_says_so(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	struct stun_txn t = start(&timing, 0);

	stun_txn_end(&t);
	assert_int_equal(t.next_us, STUN_TXN_NEVER);
	assert_int_equal(stun_txn_step(&t, 0), STUN_TXN_ENDED);
	assert_int_equal(t.sent, 0);
}

static void only_its_own_response_matches(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	struct stun_txn t = start(&timing, 0);
	struct stun_msg success = { .method = STUN_BINDING, .class = STUN_SUCCESS, .tid = tid };
	struct stun_msg error = { .method = STUN_BINDING, .class = STUN_ERROR, .tid = tid };
	struct stun_msg request = { .method = STUN_BINDING, .class = STUN_REQUEST, .tid = tid };
	struct stun_msg indication = request;

	indication.class = STUN_INDICATION;
	assert_true(stun_txn_matches(&t, STUN_BINDING, &success));
	assert_true(stun_txn_matches(&t, STUN_BINDING, &error));
	assert_false(stun_txn_matches(&t, STUN_BINDING, &request));
	assert_false(stun_txn_matches(&t, STUN_BINDING, &indication));
	assert_false(stun_txn_matches(&t, TURN_ALLOCATE, &success));

	for (size_t i = 0; i < sizeof(tid.bytes); i++) {
		struct stun_msg foreign = success;

		foreign.tid.bytes[i] ^= 0x80;
		if (stun_txn_matches(&t, STUN_BINDING, &foreign))
			fail_msg("byte %zu of the transaction id is not compared", i);
	}

	stun_txn_end(&t);
	assert_false(stun_txn_matches(&t, STUN_BINDING, &success));
}

/* A driver with one clock: always the earliest deadline, as an event loop has it. */
static uint64_t earliest(const struct stun_txn *all, size_t count)
{
	uint64_t next = STUN_TXN_NEVER;

	for (size_t i = 0; i < count; i++)
		next = all[i].next_us < next ? all[i].next_us : next;
	return next;
}

static void many_at_once_keep_out_of_each_others_way(void **state)
{
	struct stun_txn_timing timing = stun_txn_timing_default(false);
	struct stun_txn all[100];
	unsigned sends = 0, timeouts = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct stun_tid own = tid;

		own.bytes[15] = (uint8_t)i;
		stun_txn_start(&all[i], &own, &timing, i * 333);
	}
	/* Every second one is answered before its third send. */
	for (uint64_t now; (now = earliest(all, ARRAY_LEN(all))) != STUN_TXN_NEVER;) {
		for (size_t i = 0; i < ARRAY_LEN(all); i++) {
			enum stun_txn_step step = stun_txn_step(&all[i], now);

			sends += step == STUN_TXN_SEND;
			timeouts += step == STUN_TXN_TIMEOUT;
			if (step == STUN_TXN_TIMEOUT)
				assert_int_equal(now, all[i].started_us + 39500000);
			if (i % 2 == 0 && all[i].sent == 2)
				stun_txn_end(&all[i]);
		}
	}
	assert_int_equal(sends, 50 * 2 + 50 * 7);
	assert_int_equal(timeouts, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_follow_the_schedule_of_the_rfc),
		cmocka_unit_test(a_stream_sends_once_and_waits_ti),
		cmocka_unit_test(a_late_call_makes_no_burst),
		cmocka_unit_test(a_clock_that_goes_back_only_waits),
		cmocka_unit_test(odd_timings_still_end),
		cmocka_unit_test(an_ended_one_says_so),
		cmocka_unit_test(only_its_own_response_matches),
		cmocka_unit_test(many_at_once_keep_out_of_each_others_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
