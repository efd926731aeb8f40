/* A time server's clock against ours, which has another origin; and servers that lie. */
#include "natprobe/meet/sntp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COOKIE 0x0123456789abcdefu
#define DAY    UINT64_C(0xe8000000) /* in 2023, in seconds since 1900 */

struct answer {
	uint8_t first, stratum;
	uint32_t delay, dispersion;
	uint64_t origin, received, sent;
};

static const struct answer good = {
	.first = 4 << 3 | 4,
	.stratum = 2,
	.origin = COOKIE,
	.received = DAY << 32,
	.sent = DAY << 32 | 1 << 20, /* some 244 us later */
};

static struct bytes build(const struct answer *a)
{
	static uint8_t buf[SNTP_LEN];
	struct wire_out w = wire_write(buf, sizeof(buf));

	wire_put_u8(&w, a->first);
	wire_put_u8(&w, a->stratum);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, a->delay);
	wire_put_u32(&w, a->dispersion);
	wire_put_zeros(&w, 12);
	wire_put_u64(&w, a->origin);
	wire_put_u64(&w, a->received);
	wire_put_u64(&w, a->sent);
	return wire_written(&w);
}

static enum sntp_result judge(struct answer a, struct sntp_sample *out)
{
	return sntp_answer(build(&a), COOKIE, 1000, 1000 + 20244, out);
}

static void a_request_tells_nothing_of_us(void **state)
{
	uint8_t request[SNTP_LEN];

	sntp_request(COOKIE, request);
	assert_int_equal(request[0], 0x23);
	for (size_t i = 1; i < 40; i++)
		assert_int_equal(request[i], 0);
	assert_memory_equal(request + 40, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
}

static void the_offset_is_within_its_bound(void **state)
{
	struct sntp_sample s;
	struct answer a = good;

	assert_int_equal(judge(a, &s), SNTP_FINE);
	assert_true(s.offset_us + 1000 + 10000 == (int64_t)(DAY * 1000000));
	assert_int_equal(s.error_us, 10000 + 4 + 1);
	assert_int_equal(s.at_us, 21244);
	a.delay = 1 << 16;      /* 1 s to the root and back */
	a.dispersion = 1 << 15; /* 1/2 s */
	assert_int_equal(judge(a, &s), SNTP_FINE);
	assert_in_range(s.error_us, 1010000, 1010010);
}

/* All of the round trip was on one way: the true offset is still within the bound. */
static void the_worst_path_is_within_the_bound(void **state)
{
	const int64_t truth = (int64_t)(DAY * 1000000);
	struct sntp_sample s;
	struct answer a = good;

	a.sent = a.received; /* came and left at 1000 by our clock, if there was no way there */
	assert_int_equal(sntp_answer(build(&a), COOKIE, 1000, 51000, &s), SNTP_FINE);
	assert_true(llabs(s.offset_us - (truth - 1000)) <= (int64_t)s.error_us);
	assert_true(llabs(s.offset_us - (truth - 51000)) <= (int64_t)s.error_us);
	assert_false(llabs(s.offset_us - (truth - 500)) <= (int64_t)s.error_us - 1);
}

static void the_next_era_comes_after_this_one(void **state)
{
	struct sntp_sample before, after;
	struct answer a = good;

	a.received = a.sent = UINT64_C(0xffffffff) << 32;
	assert_int_equal(judge(a, &before), SNTP_FINE);
	a.received = a.sent = UINT64_C(1) << 32; /* two seconds later: in 2036 */
	assert_int_equal(judge(a, &after), SNTP_FINE);
	assert_int_equal(after.offset_us - before.offset_us, 2000000);
}

static void what_is_no_answer_is_ignored(void **state)
{
	struct sntp_sample s = { .at_us = 77 };
	struct answer a = good;

	assert_int_equal(sntp_answer(bytes_of(build(&a).data, SNTP_LEN - 1), COOKIE, 0, 1, &s),
			 SNTP_NONE);
	assert_int_equal(sntp_answer(build(&a), COOKIE + 1, 0, 1, &s), SNTP_NONE);
	assert_int_equal(sntp_answer(build(&a), COOKIE, 2, 1, &s), SNTP_NONE);
	a.first = 4 << 3 | 3; /* a client's */
	assert_int_equal(judge(a, &s), SNTP_NONE);
	a.first = 7 << 3 | 4;
	assert_int_equal(judge(a, &s), SNTP_NONE);
	assert_int_equal(s.at_us, 77);
}

static void servers_that_do_not_know_say_so(void **state)
{
	struct sntp_sample s;
	struct answer a = good;

	a.stratum = 0;
	assert_int_equal(judge(a, &s), SNTP_KISS);
	a = good;
	a.stratum = 16;
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
	a = good;
	a.first |= 3 << 6;
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
	a = good;
	a.sent = 0;
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
	a = good;
	a.sent = a.received - 1 - (UINT64_C(1) << 20); /* left before it came */
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
	a = good;
	a.sent = a.received + (UINT64_C(1) << 32); /* held for longer than we waited */
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
	a = good;
	a.dispersion = UINT32_MAX;
	assert_int_equal(judge(a, &s), SNTP_NO_CLOCK);
}

static void the_tightest_sample_counts(void **state)
{
	const struct sntp_sample samples[] = {
		{ 1000, 900, 0 },
		{ 500, 50, 0 },
		{ 300, 400, 0 },
	};
	struct sntp_sample best;

	assert_false(sntp_best(samples, 0, 0, &best));
	assert_true(sntp_best(samples, 3, 0, &best));
	assert_int_equal(best.offset_us, 500);
	assert_int_equal(best.error_us, 50);
	assert_true(sntp_best(samples, 3, 10 * 1000000, &best));
	assert_int_equal(best.error_us, 50 + 10 * SNTP_DRIFT_PPM + 1);
	assert_int_equal(best.at_us, 10 * 1000000);
}

static void a_new_sample_beats_an_old_one(void **state)
{
	const struct sntp_sample samples[] = {
		{ 100, 50, 0 },
		{ 120, 90, 60 * 1000000 },
	};
	struct sntp_sample best;

	assert_true(sntp_best(samples, 2, 60 * 1000000, &best));
	assert_int_equal(best.offset_us, 120);
}

static void samples_that_cannot_all_be_true_are_worth_nothing(void **state)
{
	const struct sntp_sample samples[] = {
		{ 0, 100, 0 },
		{ 201, 100, 0 },
	};
	struct sntp_sample best = { .at_us = 77 };

	assert_false(sntp_best(samples, 2, 0, &best));
	assert_int_equal(best.at_us, 77);
	assert_true(sntp_best(samples, 2, 1, &best)); /* clocks drift */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_tells_nothing_of_us),
		cmocka_unit_test(the_offset_is_within_its_bound),
		cmocka_unit_test(the_worst_path_is_within_the_bound),
		cmocka_unit_test(the_next_era_comes_after_this_one),
		cmocka_unit_test(what_is_no_answer_is_ignored),
		cmocka_unit_test(servers_that_do_not_know_say_so),
		cmocka_unit_test(the_tightest_sample_counts),
		cmocka_unit_test(a_new_sample_beats_an_old_one),
		cmocka_unit_test(samples_that_cannot_all_be_true_are_worth_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
