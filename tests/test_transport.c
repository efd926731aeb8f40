/* transport: two of them in one process, over a path on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "transport_pair.h"

#define SECOND 1000000U

/* One end of a stream: writes a pattern, checks what it reads. */
struct end {
	struct channel *c;
	uint64_t to_write, written, read;
	uint64_t unread; /* held back by a slow reader */
	bool is_slow, ends;
	bool is_open, has_end, is_closed, has_why;
	char why[128];
};

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void write_more(struct end *e)
{
	uint8_t buf[4096];

	while (e->c != NULL && e->written < e->to_write) {
		size_t n = sizeof(buf);
		size_t taken;

		if (n > e->to_write - e->written)
			n = (size_t)(e->to_write - e->written);
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(e->written + i);
		taken = channel_write(e->c, bytes_of(buf, n));
		e->written += taken;
		if (taken < n)
			return;
	}
	if (e->c != NULL && e->ends) {
		e->ends = false;
		channel_end(e->c);
	}
}

static void on_open(void *arg)
{
	((struct end *)arg)->is_open = true;
}

static void on_data(void *arg, struct bytes data, bool is_text)
{
	struct end *e = arg;

	assert_false(is_text);
	for (size_t i = 0; i < data.len; i++) {
		if (data.data[i] != pattern(e->read + i))
			fail_msg("byte %zu is wrong", (size_t)e->read + i);
	}
	e->read += data.len;
	if (e->is_slow)
		e->unread += data.len;
	else
		channel_consumed(e->c, data.len);
}

static void on_writable(void *arg)
{
	write_more(arg);
}

static void on_end(void *arg)
{
	((struct end *)arg)->has_end = true;
}

static void on_closed(void *arg, const char *why)
{
	struct end *e = arg;

	e->is_closed = true;
	e->c = NULL;
	e->has_why = why != NULL;
	if (why != NULL)
		strncpy(e->why, why, sizeof(e->why) - 1);
}

static struct channel_events events_of(struct end *e)
{
	return (struct channel_events){ .on_open = on_open,
					.on_data = on_data,
					.on_writable = on_writable,
					.on_end = on_end,
					.on_closed = on_closed,
					.arg = e };
}

/* Accepts all, into the ends at side->user, in turn. */
static bool accept_next(struct pair_side *side, struct channel *c)
{
	struct end *e = side->user;
	struct channel_events events;

	while (e->c != NULL || e->is_closed)
		e++;
	events = events_of(e);
	e->c = c;
	channel_set_events(c, &events);
	return true;
}

static void open_stream(struct pair_side *side, struct end *e, const char *label)
{
	struct channel_events events = events_of(e);

	e->c = transport_open(side->transport, label, CHANNEL_STREAM, &events);
	assert_non_null(e->c);
	write_more(e);
}

static bool both_closed(void *arg)
{
	struct end *ends = arg;

	return ends[0].is_closed && ends[1].is_closed;
}

static bool accept_and_answer(struct pair_side *side, struct channel *c)
{
	bool is_good = accept_next(side, c);

	write_more(side->user);
	return is_good;
}

static void test_stream_both_ways(void **state)
{
	struct transport_pair p;
	struct end ends[3] = { { .to_write = 300000, .ends = true },
			       { .to_write = 100000, .ends = true } };

	pair_begin(&p, 10000, 0);
	assert_true(pair_connect(&p));
	p.side[1].on_channel = accept_and_answer;
	p.side[1].user = &ends[1];
	open_stream(&p.side[0], &ends[0], "service");
	assert_true(pair_run_until(&p, both_closed, ends, 20 * SECOND));
	assert_true(ends[0].is_open);
	assert_int_equal(ends[0].read, 100000);
	assert_int_equal(ends[1].read, 300000);
	assert_true(ends[0].has_end && ends[1].has_end);
	assert_false(ends[0].has_why || ends[1].has_why);
	pair_end(&p);
}

static bool are_ready(void *arg)
{
	struct transport_pair *p = arg;

	return p->side[0].is_ready && p->side[1].is_ready;
}

static void test_stream_over_tcp(void **state)
{
	struct transport_pair p;
	struct end ends[3] = { { .to_write = 200000, .ends = true }, { .ends = true } };

	pair_begin(&p, 10000, 0);
	pair_introduce(&p);
	pair_use_path(&p, true, TRANSPORT_FRAME_MAX);
	assert_true(pair_run_until(&p, are_ready, &p, 5 * SECOND));
	p.side[1].on_channel = accept_and_answer;
	p.side[1].user = &ends[1];
	open_stream(&p.side[0], &ends[0], "service");
	assert_true(pair_run_until(&p, both_closed, ends, 20 * SECOND));
	assert_int_equal(ends[1].read, 200000);
	pair_end(&p);
}

static bool have_failed(void *arg)
{
	struct transport_pair *p = arg;

	return p->side[0].has_failed && p->side[1].has_failed;
}

static void test_close(void **state)
{
	struct transport_pair p;
	struct end ends[3] = { { .to_write = 200000 } };

	pair_begin(&p, 10000, 0);
	assert_true(pair_connect(&p));
	p.side[1].on_channel = accept_next;
	p.side[1].user = &ends[1];
	open_stream(&p.side[0], &ends[0], "service");
	transport_close(p.side[0].transport, p.now_us);
	assert_true(pair_run_until(&p, have_failed, &p, 20 * SECOND));
	assert_int_equal(ends[1].read, 200000);
	assert_int_equal(p.side[0].failure, TRANSPORT_FINE);
	assert_int_equal(p.side[1].failure, TRANSPORT_PEER_LEFT);
	assert_true(ends[0].is_closed && ends[1].is_closed);
	pair_end(&p);
}

static void test_wrong_fingerprint(void **state)
{
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		struct transport_pair p;

		pair_begin(&p, 10000, 0);
		pair_use_path(&p, is_tcp, 1472);
		transport_expect(p.side[0].transport, p.side[0].identity.fingerprint);
		transport_expect(p.side[1].transport, p.side[0].identity.fingerprint);
		assert_true(pair_run_until(&p, have_failed, &p, 20 * SECOND));
		assert_int_equal(p.side[0].failure, TRANSPORT_FINGERPRINT);
		assert_false(p.side[0].is_ready || p.side[1].is_ready);
		pair_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_both_ways),
		cmocka_unit_test(test_stream_over_tcp),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_wrong_fingerprint),
	};

	if (!transport_is_built())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
