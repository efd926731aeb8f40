/* The data of a simulated TCP: nothing is lost, doubled or out of order, and timers are honest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rng.h"
#include "sim_flow.h"

#define FIRST  0xfffffe00u /* numbers wrap on the way */
#define ROUND  40000
#define FLIGHT 64
#define TOTAL  6000

static struct sim_flow from, to;
static uint8_t buf[SIM_FLOW_BYTES];

static void begin(void)
{
	sim_flow_begin(&from, FIRST);
	sim_flow_begin(&to, 1);
	to.expected = FIRST;
}

static struct bytes text(const char *s)
{
	return bytes_of((const uint8_t *)s, strlen(s));
}

static struct sim_segment sent(uint64_t now_us)
{
	struct sim_segment s;

	assert_true(sim_flow_send(&from, now_us, &s));
	return s;
}

static void assert_taken(uint32_t seq, const char *data, const char *expected)
{
	const struct sim_segment s = { .seq = seq, .data = text(data) };
	struct bytes got = sim_flow_take(&to, &s, buf);

	assert_int_equal(got.len, strlen(expected));
	if (got.len > 0)
		assert_memory_equal(got.data, expected, got.len);
}

static void test_order(void **state)
{
	(void)state;
	begin();
	assert_taken(FIRST + 3, "def", "");
	assert_taken(FIRST + 8, "i", "");
	assert_taken(FIRST, "abc", "abcdef");
	assert_taken(FIRST, "abc", "");
	assert_taken(FIRST + 4, "efgh", "ghi"); /* half of it is known */
	assert_taken(FIRST + 9 + SIM_FLOW_BYTES, "x", "");
	assert_taken(FIRST + 8 + SIM_FLOW_BYTES, "x", "");
	assert_int_equal(to.expected, FIRST + 9);
}

/* What is acknowledged in part has the whole time again, and no more than at first. */
static void test_timer(void **state)
{
	struct sim_segment s;

	(void)state;
	begin();
	sim_flow_measured(&from, ROUND);
	assert_int_equal(from.timeout_us, ROUND + SIM_FLOW_LEAST_US);
	assert_true(sim_flow_write(&from, text("abc")));
	assert_int_equal(sent(0).data.len, 3);
	assert_true(sim_flow_write(&from, text("def")));
	s = sent(10);
	assert_int_equal(s.seq, FIRST + 3);
	assert_int_equal(from.timer_us, ROUND + SIM_FLOW_LEAST_US);
	sim_flow_on_timer(&from, from.timer_us);
	assert_int_equal(from.timer_us, 3 * (ROUND + SIM_FLOW_LEAST_US));
	assert_int_equal(sent(from.timer_us).data.len, 6);
	assert_false(sim_flow_send(&from, from.timer_us, &s));
	assert_true(sim_flow_on_ack(&from, FIRST + 3, true, 500000));
	assert_int_equal(from.timer_us, 500000 + ROUND + SIM_FLOW_LEAST_US);
	assert_int_equal(sent(500000).data.len, 3);
	assert_false(sim_flow_on_ack(&from, FIRST + 7, true, 500000)); /* never sent */
	assert_true(sim_flow_on_ack(&from, FIRST + 6, true, 510000));
	assert_true(from.timer_us == UINT64_MAX);
	assert_int_equal(from.rtt_us, ROUND); /* of what was sent twice nothing is learnt */
}

static void test_round_trip(void **state)
{
	(void)state;
	begin();
	assert_int_equal(from.timeout_us, SIM_FLOW_FIRST_US);
	assert_true(sim_flow_write(&from, text("abc")));
	(void)sent(0);
	assert_true(sim_flow_on_ack(&from, FIRST + 3, true, 100000));
	assert_int_equal(from.rtt_us, 100000);
	assert_int_equal(from.timeout_us, 100000 + SIM_FLOW_LEAST_US);
}

/* Three times the same acknowledgement: something came, and this did not. */
static void test_repeats(void **state)
{
	struct sim_segment s;

	(void)state;
	begin();
	assert_true(sim_flow_write(&from, text("abc")));
	(void)sent(0);
	for (int i = 0; i < 2; i++)
		assert_false(sim_flow_on_ack(&from, FIRST, true, 1000));
	assert_false(sim_flow_on_ack(&from, FIRST, false, 1000)); /* data of its own */
	assert_false(sim_flow_send(&from, 1000, &s));
	assert_false(sim_flow_on_ack(&from, FIRST, true, 1000));
	assert_int_equal(sent(1000).seq, FIRST);
	assert_false(sim_flow_on_ack(&from, FIRST, true, 1000));
	assert_false(sim_flow_send(&from, 1000, &s));
	/* More than a round trip after that: what was sent again is missing as well. */
	sim_flow_measured(&from, 400);
	assert_false(sim_flow_on_ack(&from, FIRST, true, 1400));
	assert_false(sim_flow_send(&from, 1400, &s));
	assert_false(sim_flow_on_ack(&from, FIRST, true, 1500));
	assert_int_equal(sent(1500).seq, FIRST);
}

/* --- a way that loses a third, and lets others overtake --- */

struct on_way {
	uint64_t at_us; /* 0: nothing */
	uint32_t seq;
	size_t len;
	uint8_t data[SIM_FLOW_SEGMENT];
};

static struct on_way there[FLIGHT], back[FLIGHT];
static struct rng chance;

static void put(struct on_way *way, uint64_t now_us, uint32_t seq, struct bytes data)
{
	size_t i = 0;

	if (rng_below(&chance, 3) == 0)
		return;
	while (i < FLIGHT && way[i].at_us != 0)
		i++;
	if (i == FLIGHT)
		return;
	way[i] = (struct on_way){ .at_us = now_us + 10000 + rng_below(&chance, 20000),
				  .seq = seq,
				  .len = data.len };
	if (data.len > 0)
		memcpy(way[i].data, data.data, data.len);
}

/* Octet i of all that is said is i modulo 251. */
static void take_all(uint64_t now_us, size_t *done)
{
	for (size_t i = 0; i < FLIGHT; i++) {
		const struct sim_segment s = { there[i].seq,
					       bytes_of(there[i].data, there[i].len) };
		struct bytes got;

		if (there[i].at_us == 0 || there[i].at_us > now_us)
			continue;
		there[i].at_us = 0;
		got = sim_flow_take(&to, &s, buf);
		for (size_t k = 0; k < got.len; k++)
			assert_int_equal(got.data[k], (*done)++ % 251);
		put(back, now_us, to.expected, (struct bytes){ 0 });
	}
	for (size_t i = 0; i < FLIGHT; i++) {
		if (back[i].at_us == 0 || back[i].at_us > now_us)
			continue;
		back[i].at_us = 0;
		(void)sim_flow_on_ack(&from, back[i].seq, true, now_us);
	}
}

static void say_some(size_t *said)
{
	uint8_t data[300];
	size_t len = 1 + rng_below(&chance, sizeof(data));

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)((*said + i) % 251);
	if (*said < TOTAL && sim_flow_write(&from, bytes_of(data, len)))
		*said += len;
}

static void test_lossy(void **state)
{
	struct sim_segment s;

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		size_t said = 0, done = 0;

		begin();
		chance = rng_seed(seed);
		memset(there, 0, sizeof(there));
		memset(back, 0, sizeof(back));
		for (uint64_t now_us = 1; now_us < 120000000 && (said < TOTAL || done < said);
		     now_us += 5000) {
			say_some(&said);
			take_all(now_us, &done);
			sim_flow_on_timer(&from, now_us);
			while (sim_flow_send(&from, now_us, &s))
				put(there, now_us, s.seq, s.data);
		}
		assert_true(said >= TOTAL);
		assert_int_equal(done, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),      cmocka_unit_test(test_timer),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_lossy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
