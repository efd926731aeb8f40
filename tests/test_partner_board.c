/* What workers share of a partner: threads hand over while another one posts, without the heap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "stund/partner_board.h"
#include "alloc_count.h"
#include "partner_kit.h"
#include "udp.h"

#define WORKERS 3
#define HANDED  300 /* by each worker */
#define POSTED  200

static const struct addr client = { .family = ADDR_IPV4, .port = 40000, .ip = { 93, 184, 7, 9 } };

struct rig {
	struct partner_board *board;
	int partner; /* its socket */
	struct partner_view live;
};

/* A board whose partner is a socket of ours. */
static struct rig rig_open(void)
{
	static struct partner_kit kit;
	struct addr local = addr_ipv4(127, 0, 0, 1, 0), peer;
	struct udp_options options = { .receive_buffer = 1 << 20 };
	struct rig r = { .partner = udp_open(&local, &options, &peer) };

	assert_true(r.partner >= 0);
	assert_int_equal(partner_board_open(&local, &peer, &r.board), 0);
	partner_kit_open(&kit, 1);
	partner_kit_run(&kit, 200);
	partner_view(&kit.sides[0].p, &r.live);
	assert_int_equal(r.live.why, PARTNER_LIVE);
	return r;
}

static void rig_close(struct rig *r)
{
	partner_board_close(r->board);
	close(r->partner);
}

static struct partner_hand hand(uint8_t *buf, size_t cap)
{
	return (struct partner_hand){ .port = 1,
				      .to = client,
				      .msg = partner_kit_answer(buf, cap, &client, false) };
}

static void a_view_is_taken_once(void **state)
{
	struct rig r = rig_open();
	struct partner_view v = { 0 };
	uint32_t version = 0;

	assert_false(partner_board_take(r.board, &version, &v));
	partner_board_post(r.board, &r.live);
	assert_true(partner_board_take(r.board, &version, &v));
	assert_int_equal(v.why, PARTNER_LIVE);
	assert_false(partner_board_take(r.board, &version, &v));
	rig_close(&r);
}

static void handing_over_takes_no_heap(void **state)
{
	struct rig r = rig_open();
	uint8_t msg[128], got[PARTNER_DATAGRAM_MAX];
	struct partner_hand h = hand(msg, sizeof(msg)), heard;
	struct udp_dgram in;
	uint64_t number;
	size_t before = alloc_count();

	for (uint64_t i = 1; i <= 10; i++) {
		assert_true(partner_board_hand_over(r.board, &r.live, &h));
		assert_int_equal(udp_recv_one(r.partner, got, sizeof(got), &in), 1);
		assert_true(partner_get_hand(in.data, &number, &heard));
		assert_int_equal(number, i);
		assert_int_equal(heard.port, 1);
		assert_true(addr_equal(&heard.to, &client));
		assert_true(bytes_equal(heard.msg, h.msg));
	}
	assert_int_equal(alloc_count(), before);
	rig_close(&r);
}

static void without_a_partner_nothing_is_handed_over(void **state)
{
	struct rig r = rig_open();
	struct partner_view none = { 0 };
	uint8_t msg[128];
	struct partner_hand h = hand(msg, sizeof(msg));
	struct addr private = addr_ipv4(10, 0, 0, 7, 40000);

	assert_false(partner_board_hand_over(r.board, &none, &h));
	h.to = private;
	h.msg = partner_kit_answer(msg, sizeof(msg), &private, false);
	assert_false(partner_board_hand_over(r.board, &r.live, &h));
	h.to = client;
	h.msg = partner_kit_answer(msg, sizeof(msg), &client, true); /* the partner does not */
	assert_false(partner_board_hand_over(r.board, &r.live, &h));
	rig_close(&r);
}

static struct bytes check(const struct rig *r, uint8_t *buf, size_t cap, uint8_t bit)
{
	uint8_t random[12];
	struct stun_tid tid;
	struct stun_builder b;
	struct bytes out = { 0 };

	memcpy(random, r->board->check_tag, PARTNER_CHECK_TAG_LEN);
	random[PARTNER_CHECK_TAG_LEN] = bit;
	tid = stun_tid_make(random);
	b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &tid);
	assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
	return out;
}

static void what_the_partner_sends_to_us_is_noted(void **state)
{
	struct rig r = rig_open();
	const struct addr *seen = r.live.faces[0].seen;
	uint8_t buf[64];

	partner_board_note(r.board, &r.live, check(&r, buf, sizeof(buf), 1), &seen[1]);
	partner_board_note(r.board, &r.live, check(&r, buf, sizeof(buf), 0), &seen[1]);
	partner_board_note(r.board, &r.live, check(&r, buf, sizeof(buf), 99), &seen[1]);
	(void)check(&r, buf, sizeof(buf), 3);
	buf[10] ^= 1; /* somebody else's */
	partner_board_note(r.board, &r.live, bytes_of(buf, 20), &r.live.faces[1].seen[1]);
	assert_int_equal(atomic_load(&r.board->checked), 2);
	assert_int_equal(atomic_load(&r.board->astray), 1);
	rig_close(&r);
}

/* A worker: takes what is posted, and hands over. */
static void *work(void *arg)
{
	struct rig *r = arg;
	struct partner_view v = { 0 };
	uint32_t version = 0;
	uint8_t msg[128];
	struct partner_hand h = hand(msg, sizeof(msg));

	for (int i = 0; i < HANDED; i++) {
		(void)partner_board_take(r->board, &version, &v);
		(void)partner_board_hand_over(r->board, &v, &h);
	}
	return NULL;
}

static void workers_hand_over_while_it_changes(void **state)
{
	static uint8_t seen[WORKERS * HANDED + 1];
	struct rig r = rig_open();
	pthread_t threads[WORKERS];
	struct partner_view none = { 0 };
	uint8_t got[PARTNER_DATAGRAM_MAX];
	struct udp_dgram in;

	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &r), 0);
	for (int i = 0; i < POSTED; i++)
		partner_board_post(r.board, i % 2 == 0 ? &none : &r.live);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	while (udp_recv_one(r.partner, got, sizeof(got), &in) == 1) {
		struct partner_hand h;
		uint64_t number;

		assert_true(partner_get_hand(in.data, &number, &h));
		assert_in_range(number, 1, WORKERS * HANDED);
		assert_int_equal(seen[number]++, 0); /* none was used twice */
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_view_is_taken_once),
		cmocka_unit_test(handing_over_takes_no_heap),
		cmocka_unit_test(without_a_partner_nothing_is_handed_over),
		cmocka_unit_test(what_the_partner_sends_to_us_is_noted),
		cmocka_unit_test(workers_hand_over_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
