/* transport: two of them in one process, over a path on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "transport_ends.h"

static void connect_pair(struct transport_pair *p, struct end *theirs)
{
	pair_begin(p, 10000, 0);
	assert_true(pair_connect(p));
	p->side[1].on_channel = end_accept;
	p->side[1].user = theirs;
}

/* All that both wrote is there, and both know that it ended well. */
static void assert_exchanged(const struct end *a, const struct end *b)
{
	assert_true(a->is_closed && b->is_closed);
	assert_int_equal(a->read, b->to_write);
	assert_int_equal(b->read, a->to_write);
	assert_false(a->has_other || b->has_other);
	assert_true(a->has_end && b->has_end);
	assert_false(a->has_why || b->has_why);
}

static void test_stream_both_ways(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 300000, .ends = true },
			       { .to_write = 100000, .ends = true } };

	connect_pair(&p, &ends[1]);
	end_open(&p.side[0], &ends[0], "service");
	assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
	assert_true(ends[0].is_open);
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

static void test_stream_with_loss(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 300000, .ends = true },
			       { .to_write = 300000, .ends = true } };

	pair_begin(&p, 10000, 0);
	for (int i = 0; i < 2; i++) {
		p.side[i].path.loss = 500;
		p.side[i].path.overtakes = 1000;
	}
	assert_true(pair_connect(&p));
	p.side[1].on_channel = end_accept;
	p.side[1].user = &ends[1];
	end_open(&p.side[0], &ends[0], "service");
	assert_true(pair_run_until(&p, ends_are_closed, ends, 60 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

/* Written to before there is a path. */
static void test_stream_over_tcp(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 200000, .ends = true }, { .ends = true } };

	pair_begin(&p, 10000, 0);
	p.side[1].on_channel = end_accept;
	p.side[1].user = &ends[1];
	end_open(&p.side[0], &ends[0], "service");
	pair_use_path(&p, true, TRANSPORT_FRAME_MAX);
	pair_introduce(&p);
	assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

static void test_half_close(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 1000, .ends = true }, { 0 } };

	connect_pair(&p, &ends[1]);
	end_open(&p.side[0], &ends[0], "service");
	pair_run(&p, SECOND);
	assert_true(ends[1].has_end);
	assert_true(channel_is_flushed(ends[0].c));
	assert_int_equal(channel_write(ends[0].c, BYTES("more")), 0);
	ends[1].to_write = 50000;
	ends[1].ends = true;
	end_write(&ends[1]);
	assert_false(channel_is_flushed(ends[1].c));
	assert_true(pair_run_until(&p, ends_are_closed, ends, 5 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

static void test_abort(void **state)
{
	for (int by = 0; by < 2; by++) {
		struct transport_pair p;
		struct end ends[2] = { { .to_write = 100000 }, { .to_write = 100000 } };

		connect_pair(&p, &ends[1]);
		end_open(&p.side[0], &ends[0], "service");
		pair_run(&p, 40000);
		assert_non_null(ends[1].c);
		channel_close(ends[by].c, "no \x01 more");
		pair_run(&p, SECOND);
		assert_true(ends[1 - by].is_closed);
		assert_string_equal(ends[1 - by].why, "no ? more");
		assert_false(ends[by].is_closed);
		pair_end(&p);
	}
}

/* Streams are used anew when both directions were reset. */
static void test_many_one_after_another(void **state)
{
	struct transport_pair p;

	pair_begin(&p, 1000, 0);
	assert_true(pair_connect(&p));
	p.side[1].on_channel = end_accept;
	for (int i = 0; i < 700; i++) {
		struct end ends[2] = { { .to_write = 10, .ends = true }, { .ends = true } };

		p.side[1].user = &ends[1];
		end_open(&p.side[0], &ends[0], "service");
		assert_non_null(ends[0].c);
		assert_true(pair_run_until(&p, ends_are_closed, ends, 5 * SECOND));
		assert_exchanged(&ends[0], &ends[1]);
	}
	pair_end(&p);
}

#define AT_ONCE 10
#define IN_ALL  200

static bool all_are_closed(void *arg)
{
	const struct end *ends = arg; /* ours, and as many of theirs */

	for (size_t i = 0; i < 2 * (size_t)AT_ONCE; i++) {
		if (!ends[i].is_closed)
			return false;
	}
	return true;
}

/* Ends are accepted by the label that they were opened by. */
static bool accept_by_label(struct pair_side *side, struct channel *c)
{
	struct end *theirs = side->user;
	bool is_taken;

	side->user = theirs + strtoul(channel_label(c), NULL, 10);
	is_taken = end_accept(side, c);
	side->user = theirs;
	return is_taken;
}

static void exchange_at_once(struct transport_pair *p)
{
	struct end ends[2 * AT_ONCE];
	char label[8];

	for (size_t i = 0; i < 2 * (size_t)AT_ONCE; i++)
		ends[i] = (struct end){ .to_write = 100, .ends = true };
	p->side[1].user = ends + AT_ONCE;
	for (size_t i = 0; i < AT_ONCE; i++) {
		(void)snprintf(label, sizeof(label), "%zu", i);
		end_open(&p->side[0], &ends[i], label);
	}
	assert_true(pair_run_until(p, all_are_closed, ends, 20 * SECOND));
	for (size_t i = 0; i < AT_ONCE; i++)
		assert_exchanged(&ends[i], &ends[AT_ONCE + i]);
}

/* Whatever is lost: data, the wish to reset streams, or the answer to it. */
static void test_many_with_loss(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct transport_pair p;

		pair_begin(&p, 29000, 0);
		p.seed = seed;
		assert_true(pair_connect(&p));
		p.side[1].on_channel = accept_by_label;
		for (int i = 0; i < 2; i++)
			p.side[i].path.loss = 300;
		for (int i = 0; i < IN_ALL; i += AT_ONCE)
			exchange_at_once(&p);
		pair_end(&p);
	}
}

static void test_refused(void **state)
{
	struct transport_pair p;
	struct end end = { .to_write = 100 };

	connect_pair(&p, NULL);
	p.side[1].on_channel = NULL;
	end_open(&p.side[0], &end, "service");
	pair_run(&p, SECOND);
	assert_true(end.is_closed);
	assert_non_null(strstr(end.why, "takes no more streams"));
	assert_false(end.is_open);
	pair_end(&p);
}

static void count_closed(void *arg, const char *why)
{
	++*(size_t *)arg;
}

/* Each of them is told, and that goes on where streams of SCTP are used again. */
static void test_many_refused(void **state)
{
	struct transport_pair p;
	size_t closed = 0;
	const struct channel_events events = { .on_closed = count_closed, .arg = &closed };

	connect_pair(&p, NULL);
	p.side[1].on_channel = NULL;
	for (size_t i = 0; i < 240; i++) {
		assert_non_null(transport_open(p.side[0].transport, "service",
					       i % 3 == 0 ? CHANNEL_STREAM : CHANNEL_DATAGRAM,
					       &events));
		if (i % 40 == 39)
			pair_run(&p, SECOND / 20);
	}
	pair_run(&p, 2 * SECOND);
	assert_int_equal(closed, 240);
	pair_end(&p);
}

static void test_slow_reader(void **state)
{
	struct transport_pair p;
	struct end slow[2] = { { .to_write = 9000000 }, { .is_slow = true } };
	struct end quick[2] = { { .to_write = 4000000, .ends = true }, { .ends = true } };

	connect_pair(&p, &slow[1]);
	end_open(&p.side[0], &slow[0], "slow");
	pair_run(&p, SECOND);
	assert_in_range(slow[1].unread, 8192, 65536);
	slow[1].is_slow = false;
	channel_consumed(slow[1].c, slow[1].unread);
	while (slow[1].read < 3000000)
		pair_run(&p, 1000);
	slow[1].is_slow = true;
	slow[1].unread = 0;
	pair_run(&p, 5 * SECOND);
	assert_in_range(slow[1].unread, 1000000, 16 << 20);
	p.side[1].user = &quick[1];
	end_open(&p.side[0], &quick[0], "quick");
	assert_true(pair_run_until(&p, ends_are_closed, quick, 10 * SECOND));
	assert_int_equal(quick[1].read, 4000000);
	channel_consumed(slow[1].c, slow[1].unread);
	slow[1].is_slow = false;
	pair_run(&p, 5 * SECOND);
	assert_int_equal(slow[1].read, 9000000);
	assert_false(slow[1].has_other);
	pair_end(&p);
}

static bool has_channel(void *end)
{
	return ((struct end *)end)->c != NULL;
}

/* So many streams that nobody reads, or read but for a little, and one that is read. */
static uint64_t time_beside(size_t others, bool are_read)
{
	static struct end ours[200], theirs[200];
	struct end ends[2] = { { .to_write = 4000000, .ends = true }, { .ends = true } };
	struct transport_pair p;
	uint64_t since_us;

	memset(ours, 0, sizeof(ours));
	memset(theirs, 0, sizeof(theirs));
	connect_pair(&p, NULL);
	for (size_t i = 0; i < others; i++) {
		ours[i].to_write = 200000;
		theirs[i].is_slow = true;
		p.side[1].user = &theirs[i];
		end_open(&p.side[0], &ours[i], "flood");
		assert_true(pair_run_until(&p, has_channel, &theirs[i], SECOND));
		if (are_read)
			channel_consumed(theirs[i].c, 1000);
	}
	pair_run(&p, SECOND);
	p.side[1].user = &ends[1];
	since_us = p.now_us;
	end_open(&p.side[0], &ends[0], "honest");
	assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
	pair_end(&p);
	return p.now_us - since_us;
}

static void test_quick_beside_unread(void **state)
{
	const uint64_t alone_us = time_beside(0, false);

	assert_in_range(time_beside(200, false), 1, 2 * alone_us);
	assert_in_range(time_beside(200, true), 1, 2 * alone_us);
}

/* A side that has ended keeps nothing from others. */
static void test_window_of_ended(void **state)
{
	static struct end ours[20], theirs[20];
	struct end ends[2] = { { .to_write = 4000000, .ends = true }, { .ends = true } };
	struct transport_pair p;
	uint64_t since_us;

	connect_pair(&p, theirs);
	for (size_t i = 0; i < 20; i++) {
		ours[i].to_write = 1000000;
		ours[i].ends = true;
		end_open(&p.side[0], &ours[i], "half");
	}
	pair_run(&p, 5 * SECOND);
	assert_true(theirs[0].has_end && theirs[19].has_end);
	p.side[1].user = &ends[1];
	since_us = p.now_us;
	end_open(&p.side[0], &ends[0], "honest");
	assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
	assert_in_range(p.now_us - since_us, 1, SECOND);
	pair_end(&p);
}

/* All that wait for their readers need no more than was to be. */
static void test_window_of_all(void **state)
{
	struct transport_pair p;
	struct end ours[64] = { 0 }, theirs[64] = { 0 };
	size_t unread = 0;

	pair_begin(&p, 1000, 2 << 20);
	assert_true(pair_connect(&p));
	p.side[1].on_channel = end_accept;
	for (size_t i = 0; i < 64; i++) {
		ours[i].to_write = 200000;
		theirs[i].is_slow = true;
		p.side[1].user = &theirs[i];
		end_open(&p.side[0], &ours[i], "service");
		pair_run(&p, 20000);
	}
	pair_run(&p, 2 * SECOND);
	for (size_t i = 0; i < 64; i++) {
		assert_in_range(theirs[i].unread, 8192, 2 << 20);
		unread += theirs[i].unread;
	}
	assert_in_range(unread, 700000, 2 << 20);
	for (size_t i = 0; i < 64; i++) {
		theirs[i].is_slow = false;
		channel_consumed(theirs[i].c, theirs[i].unread);
	}
	pair_run(&p, 5 * SECOND);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(theirs[i].read, 200000);
	pair_end(&p);
}

/* A minute without a path, then one of TCP, then UDP again. */
static void test_paths_come_and_go(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 3000000, .ends = true },
			       { .to_write = 3000000, .ends = true } };

	connect_pair(&p, &ends[1]);
	end_open(&p.side[0], &ends[0], "service");
	pair_run(&p, 50000);
	pair_lose_path(&p);
	pair_run(&p, 60 * SECOND);
	assert_in_range(ends[1].read, 1, 2999999);
	p.side[0].path.rate = p.side[1].path.rate = 1000000;
	pair_use_path(&p, true, TRANSPORT_FRAME_MAX);
	pair_run(&p, 2 * SECOND);
	assert_in_range(ends[1].read, 1, 2999999);
	pair_use_path(&p, false, 1200);
	assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	assert_false(p.side[0].has_failed || p.side[1].has_failed);
	pair_end(&p);
}

/* TLS was there first; DTLS has to shake hands while streams are under way. */
static void test_tcp_first(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 3000000, .ends = true }, { .ends = true } };

	pair_begin(&p, 10000, 0);
	p.side[0].path.rate = p.side[1].path.rate = 1000000;
	p.side[1].on_channel = end_accept;
	p.side[1].user = &ends[1];
	end_open(&p.side[0], &ends[0], "service");
	pair_introduce(&p);
	pair_use_path(&p, true, TRANSPORT_FRAME_MAX);
	pair_run(&p, SECOND);
	pair_lose_path(&p);
	pair_run(&p, SECOND / 2);
	assert_in_range(ends[1].read, 1, 2999999);
	pair_use_path(&p, false, 1472);
	assert_true(pair_run_until(&p, ends_are_closed, ends, 10 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

/* Narrower than what was cut for the path before: that leaves as it is. */
static void test_frames_get_shorter(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 1000000, .ends = true }, { .ends = true } };
	struct transport_counts counts;

	connect_pair(&p, &ends[1]);
	p.side[0].path.rate = 1000000;
	end_open(&p.side[0], &ends[0], "service");
	pair_run(&p, SECOND / 2);
	for (int i = 0; i < 2; i++)
		transport_set_frame_max(p.side[i].transport, 700);
	transport_count(p.side[0].transport, &counts);
	assert_int_equal(counts.mtu, 700);
	assert_true(pair_run_until(&p, ends_are_closed, ends, 10 * SECOND));
	assert_exchanged(&ends[0], &ends[1]);
	pair_end(&p);
}

static void test_first_path_is_lost_soon(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 1000, .ends = true }, { .ends = true } };

	for (uint64_t us = 5000; us < 60000; us += 5000) {
		memset(ends, 0, sizeof(ends));
		ends[0] = (struct end){ .to_write = 1000, .ends = true };
		ends[1].ends = true;
		pair_begin(&p, 7000, 0);
		p.side[1].on_channel = end_accept;
		p.side[1].user = &ends[1];
		end_open(&p.side[0], &ends[0], "service");
		pair_introduce(&p);
		pair_use_path(&p, false, 1200);
		pair_run(&p, us);
		pair_lose_path(&p);
		pair_run(&p, 10 * SECOND);
		pair_use_path(&p, false, 1200);
		assert_true(pair_run_until(&p, ends_are_closed, ends, 20 * SECOND));
		assert_exchanged(&ends[0], &ends[1]);
		pair_end(&p);
	}
}

static void test_streams_share_fairly(void **state)
{
	struct transport_pair p;
	struct end ours[4] = { 0 }, theirs[4] = { 0 };
	double sum = 0, squares = 0;

	connect_pair(&p, theirs);
	p.side[0].path.rate = 1250000;
	p.side[0].path.queue_us = 50000;
	for (size_t i = 0; i < 4; i++) {
		ours[i].to_write = 100000000;
		end_open(&p.side[0], &ours[i], "service");
		pair_run(&p, 100000);
	}
	for (size_t i = 0; i < 4; i++)
		theirs[i].read = 0;
	pair_run(&p, 5 * SECOND);
	for (size_t i = 0; i < 4; i++) {
		sum += (double)theirs[i].read;
		squares += (double)theirs[i].read * (double)theirs[i].read;
	}
	assert_true(sum * sum / (4 * squares) >= 0.98);
	assert_true(sum > 0.85 * 5 * 1250000);
	pair_end(&p);
}

/* One packet of a hundred is lost by the air, and most of the path is used all the same. */
static void test_loss_is_not_congestion(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 100000000 }, { 0 } };

	connect_pair(&p, &ends[1]);
	for (int i = 0; i < 2; i++) {
		p.side[i].path.rate = 6250000;
		p.side[i].path.queue_us = 50000;
		p.side[i].path.loss = 100;
	}
	end_open(&p.side[0], &ends[0], "bulk");
	pair_run(&p, 2 * SECOND);
	assert_true((double)ends[1].read > 0.8 * 2 * 6250000);
	pair_end(&p);
}

static void on_stamp(void *arg, struct bytes data, bool is_text)
{
	*(bool *)arg = true;
}

static bool accept_stamp(struct pair_side *side, struct channel *c)
{
	const struct channel_events events = { .on_data = on_stamp, .arg = side->user };

	channel_set_events(c, &events);
	return true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

/* A keystroke beside a file: it waits for what is on the way, and for little else. */
static void test_keystroke_beside_bulk(void **state)
{
	struct transport_pair p;
	struct end bulk[2] = { { .to_write = 100000000 }, { 0 } };
	const struct channel_events nothing = { 0 };
	struct channel *key;
	bool came = false;
	uint64_t since_us;

	connect_pair(&p, &bulk[1]);
	p.side[0].path.rate = 1250000;
	p.side[0].path.queue_us = 100000;
	end_open(&p.side[0], &bulk[0], "bulk");
	pair_run(&p, 3 * SECOND);
	p.side[1].on_channel = accept_stamp;
	p.side[1].user = &came;
	key = transport_open(p.side[0].transport, "keys", CHANNEL_STREAM, &nothing);
	since_us = p.now_us;
	assert_int_equal(channel_write(key, BYTES("k")), 1);
	assert_true(pair_run_until(&p, is_true, &came, SECOND));
	assert_in_range(p.now_us - since_us, 10000, 100000);
	pair_end(&p);
}

static void test_keystroke_alone(void **state)
{
	struct transport_pair p;
	const struct channel_events nothing = { 0 };
	struct channel *key;
	bool came = false;
	uint64_t since_us;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_stamp;
	p.side[1].user = &came;
	key = transport_open(p.side[0].transport, "keys", CHANNEL_STREAM, &nothing);
	for (int i = 0; i < 20; i++) {
		pair_run(&p, 777000);
		came = false;
		since_us = p.now_us;
		assert_int_equal(channel_write(key, BYTES("k")), 1);
		assert_true(pair_run_until(&p, is_true, &came, SECOND));
		assert_in_range(p.now_us - since_us, 10000, 10100);
	}
	pair_end(&p);
}

static void test_close(void **state)
{
	struct transport_pair p;
	struct end ends[2] = { { .to_write = 200000 }, { 0 } };

	connect_pair(&p, &ends[1]);
	end_open(&p.side[0], &ends[0], "service");
	transport_close(p.side[0].transport, p.now_us);
	assert_true(pair_run_until(&p, sides_have_failed, &p, 20 * SECOND));
	assert_int_equal(ends[1].read, 200000);
	assert_int_equal(p.side[0].failure, TRANSPORT_FINE);
	assert_int_equal(p.side[1].failure, TRANSPORT_PEER_LEFT);
	assert_true(ends[0].is_closed && ends[1].is_closed);
	pair_end(&p);
}

/* Nobody waits for ever for the other side's part of a goodbye. */
static void test_close_with_loss(void **state)
{
	for (int i = 0; i < 10; i++) {
		struct transport_pair p;
		struct end ends[2] = { { .to_write = 10000 }, { 0 } };

		connect_pair(&p, &ends[1]);
		p.seed += (uint64_t)i;
		p.side[0].path.loss = p.side[1].path.loss = 4000;
		end_open(&p.side[0], &ends[0], "service");
		transport_close(p.side[0].transport, p.now_us);
		pair_run(&p, 30 * SECOND);
		assert_int_equal(ends[1].read, 10000);
		assert_true(p.side[0].has_failed);
		assert_int_equal(p.side[0].failure, TRANSPORT_FINE);
		pair_end(&p);
	}
}

static void test_close_before_all(void **state)
{
	struct transport_pair p;

	pair_begin(&p, 10000, 0);
	transport_close(p.side[0].transport, p.now_us);
	transport_close(p.side[1].transport, p.now_us);
	assert_true(pair_run_until(&p, sides_have_failed, &p, SECOND));
	assert_int_equal(p.side[0].failure, TRANSPORT_FINE);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_both_ways),
		cmocka_unit_test(test_stream_with_loss),
		cmocka_unit_test(test_stream_over_tcp),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_many_one_after_another),
		cmocka_unit_test(test_many_with_loss),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_refused),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_quick_beside_unread),
		cmocka_unit_test(test_window_of_ended),
		cmocka_unit_test(test_window_of_all),
		cmocka_unit_test(test_paths_come_and_go),
		cmocka_unit_test(test_tcp_first),
		cmocka_unit_test(test_frames_get_shorter),
		cmocka_unit_test(test_first_path_is_lost_soon),
		cmocka_unit_test(test_streams_share_fairly),
		cmocka_unit_test(test_loss_is_not_congestion),
		cmocka_unit_test(test_keystroke_beside_bulk),
		cmocka_unit_test(test_keystroke_alone),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_with_loss),
		cmocka_unit_test(test_close_before_all),
	};

	if (!transport_is_built())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
