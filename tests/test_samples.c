/* samples: sockets in order, nothing sent twice, one at a time where order is in doubt. */
#include "natprobe/discover/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "natprobe/discover/timing.h"

#define RTT_US    50000
#define START_US  1000000
#define ERROR_MAX 1e-4

struct bench {
	struct samples samples;
	struct probe_log log;
	struct discover_timing timing;
	bool open[1];
	uint64_t now_us;
	uint16_t random;
	uint8_t slots;
};

static const struct addr server = { .family = ADDR_IPV4, .ip = { 20, 0, 0, 10 }, .port = 3478 };

static struct bench *begin(void)
{
	static struct bench b;

	b = (struct bench){ .timing = discover_timing_default(), .now_us = START_US };
	b.log.rtt[0].min_us = b.log.rtt[0].awake_us = RTT_US;
	samples_start(&b.samples, 0, &server, START_US, START_US + 10000);
	return &b;
}

static struct probe_view view_of(const struct bench *b)
{
	return (struct probe_view){
		.timing = &b->timing, .log = &b->log, .open = b->open, .now_us = b->now_us
	};
}

static void step(struct bench *b)
{
	struct probe_view view = view_of(b);

	samples_step(&b->samples, &view, VERDICT_YES, ERROR_MAX, 100);
}

/* Opens and sends what is wished for at this time. Returns whether a sample left. */
static bool serve(struct bench *b)
{
	struct probe_view view = view_of(b);
	struct addr local = { .family = ADDR_IPV4, .ip = { 192, 168, 1, 2 } };
	struct probe_want want;

	if (samples_next(&b->samples, &view) == SAMPLES_SOCKET) {
		b->random = (uint16_t)(b->random + 7919);
		local.port = samples_port(&b->samples, b->random);
		samples_socket_wanted(&b->samples, ++b->slots);
		assert_true(samples_on_open(&b->samples, b->slots, &local));
	}
	if (samples_next(&b->samples, &view) != SAMPLES_SEND)
		return false;
	samples_want(&b->samples, &want);
	assert_int_equal(want.item, b->samples.count);
	assert_int_equal(want.slot, b->slots);
	samples_sent(&b->samples, &view);
	return true;
}

/* Moves the clock on to what is due next. */
static void sleep_on(struct bench *b)
{
	struct probe_view view = view_of(b);
	uint64_t deadline_us = samples_deadline_us(&b->samples, &view);

	assert_true(deadline_us > b->now_us);
	b->now_us = deadline_us == UINT64_MAX ? b->now_us + 10000 : deadline_us;
}

/* Answers what was sent a round trip ago, as a NAT that keeps ports would; every nth is lost. */
static void answer(struct bench *b, unsigned lost_each, int32_t offset)
{
	for (uint8_t i = 0; i < b->samples.count; i++) {
		struct sample *s = &b->samples.list[i];
		struct addr mapped = addr_ipv4(21, 0, 0, 2, s->seen.local_port);

		mapped.port = (uint16_t)(mapped.port + offset);
		if (s->seen.mapped.family == ADDR_NONE && b->now_us >= s->sent_us + RTT_US &&
		    (lost_each == 0 || i % lost_each != 1))
			samples_on_answer(&b->samples, i, &mapped);
	}
}

static void run(struct bench *b, unsigned lost_each)
{
	for (unsigned i = 0; i < 2000 && !samples_are_over(&b->samples); i++) {
		answer(b, lost_each, 0);
		step(b);
		if (!serve(b))
			sleep_on(b);
	}
	assert_true(samples_are_over(&b->samples));
}

static void they_leave_in_order_and_apart(void **state)
{
	struct bench *b = begin();
	struct verdict_sample seen[VERDICT_SAMPLES_MAX];
	size_t count;

	run(b, 0);
	count = samples_copy(&b->samples, seen);
	assert_in_range(count, 16, 24);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(seen[i].mapped.port, seen[i].local_port);
		if (i > 0)
			assert_true(seen[i].sent_us >=
				    seen[i - 1].sent_us + b->timing.sample_gap_us);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i].local_port, seen[j].local_port);
	}
	/* All of the first batch left without waiting for an answer to the last. */
	assert_true(seen[count - 1].sent_us <= 10000 + count * b->timing.sample_gap_us);
}

static void both_parities_and_neighbours_are_among_them(void **state)
{
	struct bench *b = begin();
	unsigned odd = 0, neighbours = 0;

	run(b, 0);
	for (uint8_t i = 0; i < b->samples.count; i++) {
		uint16_t port = b->samples.list[i].seen.local_port;

		odd += port & 1;
		if (i > 0)
			neighbours += port == b->samples.list[i - 1].seen.local_port + 1;
	}
	assert_in_range(odd, 5, b->samples.count - 5u);
	assert_in_range(neighbours, 5, b->samples.count);
}

static void lost_ones_are_not_sent_again(void **state)
{
	struct bench *b = begin();
	size_t answered = 0;

	run(b, 3);
	for (uint8_t i = 0; i < b->samples.count; i++)
		answered += b->samples.list[i].seen.mapped.family != ADDR_NONE;
	assert_true(answered >= 8 && answered < b->samples.count);
	assert_int_equal(b->slots, b->samples.count); /* one datagram from each */
}

static void nothing_else_may_leave_beside_them(void **state)
{
	struct bench *b = begin();

	assert_false(samples_are_going_out(&b->samples, b->now_us));
	b->now_us += 10000;
	step(b);
	while (b->samples.left > 0) {
		assert_true(samples_are_going_out(&b->samples, b->now_us));
		if (!serve(b))
			sleep_on(b);
		step(b);
	}
	assert_true(samples_are_going_out(&b->samples, b->now_us));
	b->now_us += b->timing.sample_gap_us;
	assert_false(samples_are_going_out(&b->samples, b->now_us));
}

static void serial_ones_wait_for_each_other(void **state)
{
	struct bench *b = begin();

	b->now_us += 10000;
	step(b);
	b->samples.plan.serial = true;
	assert_true(serve(b));
	b->now_us += 20000;
	assert_false(serve(b));
	b->now_us += 30000;
	answer(b, 0, 0);
	assert_true(serve(b));
	assert_true(b->samples.list[1].seen.serial);
	b->now_us += timing_overdue_us(RTT_US); /* lost: given up */
	assert_true(serve(b));
}

static void a_port_in_use_is_passed_over(void **state)
{
	struct bench *b = begin();
	struct probe_view view;

	b->now_us += 10000;
	step(b);
	view = view_of(b);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(samples_next(&b->samples, &view), SAMPLES_SOCKET);
		(void)samples_port(&b->samples, (uint16_t)i);
		samples_socket_wanted(&b->samples, 1);
		assert_false(samples_on_open_failed(&b->samples, 2)); /* another's */
		assert_true(samples_on_open_failed(&b->samples, 1));
		assert_false(samples_are_over(&b->samples));
	}
	samples_socket_wanted(&b->samples, 1);
	assert_true(samples_on_open_failed(&b->samples, 1));
	assert_true(samples_are_over(&b->samples));
	assert_int_equal(b->samples.cause, CAUSE_LOCAL_ERROR);
}

static void what_never_left_is_no_sample(void **state)
{
	struct bench *b = begin();
	struct verdict_sample seen[VERDICT_SAMPLES_MAX];

	b->now_us += 10000;
	step(b);
	assert_true(serve(b));
	samples_withdrawn(&b->samples, 0);
	assert_int_equal(samples_copy(&b->samples, seen), 0);
}

static void no_room_ends_it(void **state)
{
	struct bench *b = begin();
	struct probe_view view;

	b->now_us += 10000;
	view = view_of(b);
	samples_step(&b->samples, &view, VERDICT_YES, ERROR_MAX, 0);
	assert_true(samples_are_over(&b->samples));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_leave_in_order_and_apart),
		cmocka_unit_test(both_parities_and_neighbours_are_among_them),
		cmocka_unit_test(lost_ones_are_not_sent_again),
		cmocka_unit_test(nothing_else_may_leave_beside_them),
		cmocka_unit_test(serial_ones_wait_for_each_other),
		cmocka_unit_test(a_port_in_use_is_passed_over),
		cmocka_unit_test(what_never_left_is_no_sample),
		cmocka_unit_test(no_room_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
