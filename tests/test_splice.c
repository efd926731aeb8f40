/* Bytes through two joined connections, their order, their ends, and who does not read. */
#include "splice.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#define PATIENCE 20000

/* Two outer sockets, a splice between the inner ones. */
struct rig {
	struct event_base *base;
	struct bufferevent *bev[2];
	struct splice *splice;
	int outer[2];
	int ends;
	size_t moved[2];
	uint32_t rest_ms;
};

static void on_end(struct splice *s, void *arg)
{
	struct rig *r = arg;

	r->ends++;
	splice_free(s);
	r->splice = NULL;
}

static uint32_t on_bytes(struct splice *s, enum splice_way way, size_t n, void *arg)
{
	struct rig *r = arg;

	r->moved[way] += n;
	return r->rest_ms;
}

static void rig_open(struct rig *r, struct splice_options options)
{
	static const struct splice_events events = { on_end, on_bytes };

	*r = (struct rig){ .base = event_base_new() };
	for (int i = 0; i < 2; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		r->outer[i] = pair[0];
		r->bev[i] = bufferevent_socket_new(r->base, pair[1],
						   BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
		assert_non_null(r->bev[i]);
	}
	r->splice = splice_new(r->base, r->bev[0], r->bev[1], &options, &events, r);
	assert_non_null(r->splice);
}

static void rig_close(struct rig *r)
{
	splice_free(r->splice);
	for (int i = 0; i < 2; i++) {
		bufferevent_free(r->bev[i]);
		close(r->outer[i]);
	}
	event_base_free(r->base);
}

/* One turn of the loop; one that takes some time where many have been for nothing. */
static void turn(struct rig *r, int turns)
{
	struct timeval ms = { .tv_usec = 1000 };

	if (turns > 10) {
		event_base_loopexit(r->base, &ms);
		event_base_loop(r->base, EVLOOP_ONCE);
	}
	event_base_loop(r->base, EVLOOP_NONBLOCK);
}

/* Reads what there is. Returns how many bytes, -1 at the end of it. */
static long take(struct rig *r, int from, uint8_t *buf, size_t cap)
{
	size_t got = 0;

	for (int i = 0; i < 40 && got < cap; i++) {
		ssize_t n = recv(r->outer[from], buf + got, cap - got, 0);

		if (n == 0)
			return got > 0 ? (long)got : -1;
		if (n > 0)
			got += (size_t)n;
		else
			turn(r, i);
	}
	return (long)got;
}

static void both_ways_at_once_nothing_is_lost(void **state)
{
	enum { MUCH = 3 << 20 };
	uint8_t *out[2], *in = malloc(MUCH);
	size_t sent[2] = { 0 }, got[2] = { 0 };
	struct rig r;

	rig_open(&r, (struct splice_options){ 0 });
	for (int i = 0; i < 2; i++) {
		out[i] = malloc(MUCH);
		for (size_t k = 0; k < MUCH; k++)
			out[i][k] = (uint8_t)(k * 31 + (k >> 11) + (size_t)i);
	}
	for (int turns = 0; turns < PATIENCE && (got[0] < MUCH || got[1] < MUCH); turns++) {
		for (int i = 0; i < 2; i++) {
			ssize_t n =
				send(r.outer[i], out[i] + sent[i],
				     sent[i] + 30000 < MUCH ? 30000 : MUCH - sent[i], MSG_NOSIGNAL);
			sent[i] += n > 0 ? (size_t)n : 0;
			n = recv(r.outer[1 - i], in, MUCH - got[i], 0);
			if (n > 0) {
				assert_memory_equal(in, out[i] + got[i], (size_t)n);
				got[i] += (size_t)n;
			}
		}
		event_base_loop(r.base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(got[0], MUCH);
	assert_int_equal(got[1], MUCH);
	assert_int_equal(r.moved[SPLICE_A_TO_B], MUCH);
	assert_int_equal(r.moved[SPLICE_B_TO_A], MUCH);
	rig_close(&r);
	free(out[0]);
	free(out[1]);
	free(in);
}

static void an_end_is_passed_on_and_the_other_way_goes_on(void **state)
{
	uint8_t buf[64];
	struct rig r;

	rig_open(&r, (struct splice_options){ 0 });
	assert_int_equal(send(r.outer[0], "question", 8, 0), 8);
	shutdown(r.outer[0], SHUT_WR);
	assert_int_equal(take(&r, 1, buf, sizeof(buf)), 8);
	assert_int_equal(take(&r, 1, buf, sizeof(buf)), -1);
	assert_int_equal(r.ends, 0);
	assert_int_equal(send(r.outer[1], "answer", 6, 0), 6);
	assert_int_equal(take(&r, 0, buf, 6), 6);
	assert_memory_equal(buf, "answer", 6);
	shutdown(r.outer[1], SHUT_WR);
	assert_int_equal(take(&r, 0, buf, sizeof(buf)), -1);
	for (int i = 0; i < PATIENCE && r.ends == 0; i++)
		turn(&r, i);
	assert_int_equal(r.ends, 1);
	rig_close(&r);
}

static void the_last_bytes_come_before_the_end(void **state)
{
	static uint8_t much[1 << 20], in[1 << 20];
	size_t sent = 0, got = 0;
	long n;
	struct rig r;

	rig_open(&r, (struct splice_options){ .max_waiting = 20000 });
	while (sent < sizeof(much)) {
		ssize_t k = send(r.outer[0], much + sent, sizeof(much) - sent, MSG_NOSIGNAL);

		sent += k > 0 ? (size_t)k : 0;
		if (sent == sizeof(much))
			close(r.outer[0]);
		turn(&r, 0);
		if ((n = recv(r.outer[1], in, sizeof(in), 0)) > 0)
			got += (size_t)n;
	}
	while ((n = take(&r, 1, in, sizeof(in))) > 0)
		got += (size_t)n;
	assert_int_equal(got, sizeof(much));
	r.outer[0] = -1;
	rig_close(&r);
}

/* Sends into one end until nobody takes more. */
static size_t flood(struct rig *r, int into)
{
	static uint8_t block[10000];
	size_t sent = 0;

	for (int stuck = 0; stuck < 20;) {
		ssize_t n = send(r->outer[into], block, sizeof(block), MSG_NOSIGNAL);

		stuck = n > 0 ? 0 : stuck + 1;
		sent += n > 0 ? (size_t)n : 0;
		turn(r, stuck);
	}
	return sent;
}

static void who_does_not_read_holds_the_sender(void **state)
{
	static uint8_t in[1 << 20];
	size_t sent, got = 0;
	long n;
	struct rig r;

	rig_open(&r, (struct splice_options){ .max_waiting = 50000 });
	sent = flood(&r, 0);
	assert_true(r.moved[SPLICE_A_TO_B] < sent);
	assert_true(evbuffer_get_length(bufferevent_get_output(r.bev[1])) < 50000 + 65536);
	assert_true(evbuffer_get_length(bufferevent_get_input(r.bev[0])) <= 2 * 65536);

	/* The other way is not held. */
	assert_int_equal(send(r.outer[1], "back", 4, 0), 4);
	assert_int_equal(take(&r, 0, in, 4), 4);
	while (got < sent && (n = take(&r, 1, in, sizeof(in))) > 0)
		got += (size_t)n;
	assert_int_equal(got, sent);
	rig_close(&r);
}

static void a_rest_is_a_rest(void **state)
{
	uint8_t in[8];
	struct rig r;

	rig_open(&r, (struct splice_options){ 0 });
	r.rest_ms = 3600 * 1000;
	assert_int_equal(send(r.outer[0], "one", 3, 0), 3);
	assert_int_equal(take(&r, 1, in, 3), 3);
	assert_int_equal(send(r.outer[0], "two", 3, 0), 3);
	assert_int_equal(take(&r, 1, in, 3), 0);
	rig_close(&r);

	rig_open(&r, (struct splice_options){ 0 });
	r.rest_ms = 1;
	assert_int_equal(send(r.outer[0], "one", 3, 0), 3);
	assert_int_equal(take(&r, 1, in, 3), 3);
	assert_int_equal(send(r.outer[0], "two", 3, 0), 3);
	assert_int_equal(take(&r, 1, in, 3), 3);
	rig_close(&r);
}

static void a_rest_may_come_from_outside(void **state)
{
	uint8_t in[8];
	struct rig r;

	rig_open(&r, (struct splice_options){ 0 });
	splice_rest(r.splice, SPLICE_A_TO_B, 3600 * 1000);
	assert_int_equal(send(r.outer[0], "one", 3, 0), 3);
	assert_int_equal(send(r.outer[1], "two", 3, 0), 3);
	assert_int_equal(take(&r, 1, in, 3), 0);
	assert_int_equal(take(&r, 0, in, 3), 3); /* the other way goes on */
	splice_rest(r.splice, SPLICE_A_TO_B, 1);
	assert_int_equal(take(&r, 1, in, 3), 3);
	rig_close(&r);
}

static void a_broken_end_ends_it(void **state)
{
	struct rig r;

	rig_open(&r, (struct splice_options){ 0 });
	flood(&r, 0);
	close(r.outer[1]);
	r.outer[1] = -1;
	for (int i = 0; i < PATIENCE && r.ends == 0; i++)
		turn(&r, i);
	assert_int_equal(r.ends, 1);
	rig_close(&r);
}

static void half_a_connection_is_not_kept_for_ever(void **state)
{
	struct rig r;

	rig_open(&r, (struct splice_options){ .half_ms = 5 });
	shutdown(r.outer[0], SHUT_WR);
	for (int i = 0; i < PATIENCE && r.ends == 0; i++)
		turn(&r, i);
	assert_int_equal(r.ends, 1);
	rig_close(&r);
}

static int set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_at_once_nothing_is_lost),
		cmocka_unit_test(an_end_is_passed_on_and_the_other_way_goes_on),
		cmocka_unit_test(the_last_bytes_come_before_the_end),
		cmocka_unit_test(who_does_not_read_holds_the_sender),
		cmocka_unit_test(a_rest_is_a_rest),
		cmocka_unit_test(a_rest_may_come_from_outside),
		cmocka_unit_test(a_broken_end_ends_it),
		cmocka_unit_test(half_a_connection_is_not_kept_for_ever),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
