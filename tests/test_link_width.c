/* link_path: how much fits into a datagram, and what strangers get. In virtual time. */
#include "link_pair.h"

#include "natprobe/link/link_mtu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S  LINK_PAIR_S
#define MS LINK_PAIR_MS
#define A  LINK_PAIR_A
#define B  LINK_PAIR_B

static struct link_pair l;

static int teardown(void **state)
{
	link_pair_clear(&l);
	return 0;
}

static void begin(uint64_t seed, uint16_t width, unsigned int loss)
{
	link_pair_init(&l, seed);
	for (int i = 0; i < 2; i++) {
		l.sides[i].width = width;
		l.sides[i].loss = loss;
		link_pair_begin(&l, i);
	}
}

static void each_width_is_found(void **state)
{
	/* Of links with an MTU of 1500, 1492, 1420, 1400, 1280, 1000 and 576. */
	static const uint16_t widths[] = { 1472, 1464, 1392, 1372, 1252, 972, 548 };

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		begin(i, widths[i], 0);
		l.sides[B].width = 1472; /* directions need not be the same */
		link_pair_run(&l, 12 * S);
		assert_in_range(l.sides[A].frame_max, widths[i] - LINK_MTU_GRAIN + 1, widths[i]);
		assert_int_equal(l.sides[B].frame_max, 1472);
		assert_in_range(l.sides[A].sent_padded, 2, 30);
		link_pair_clear(&l);
	}
}

static void a_width_is_found_through_loss(void **state)
{
	static const uint16_t widths[] = { 1472, 1372, 1252, 548 };
	unsigned int exact = 0;

	for (uint64_t seed = 0; seed < 40; seed++) {
		uint16_t width = widths[seed % 4];

		begin(seed, width, 30);
		link_pair_run(&l, 60 * S);
		assert_in_range(l.sides[A].frame_max, width == 548 ? 548 : 1200, width);
		exact += l.sides[A].frame_max + LINK_MTU_GRAIN > width;
		link_pair_clear(&l);
	}
	assert_in_range(exact, 30, 40);
}

static void an_outage_is_not_taken_for_a_narrow_path(void **state)
{
	begin(1, 1472, 0);
	link_pair_run(&l, 70 * MS);
	for (int i = 0; i < 8; i++) {
		l.sides[A].is_dead = true;
		link_pair_run(&l, 3 * S);
		l.sides[A].is_dead = false;
		link_pair_run(&l, 2 * S);
	}
	assert_int_equal(l.sides[A].frame_max, 1472);
	assert_int_equal(l.sides[A].widths, 1);
}

static void a_path_that_grows_narrow_is_found_out_by_traffic(void **state)
{
	begin(2, 1472, 0);
	l.sides[A].has_traffic = true;
	link_pair_run(&l, 100 * S);
	assert_int_equal(l.sides[A].frame_max, 1472);
	l.sides[A].width = 1300;
	link_pair_run(&l, 45 * S);
	assert_in_range(l.sides[A].frame_max, 1200, 1300);
	link_pair_run(&l, 15 * S);
	assert_in_range(l.sides[A].frame_max, 1293, 1300);
	l.sides[A].width = 600;
	link_pair_run(&l, 60 * S);
	assert_in_range(l.sides[A].frame_max, 593, 600);
	/* A doubt looks at once; and from time to time more is tried. */
	l.sides[A].width = 1472;
	link_pair_run(&l, 660 * S);
	assert_int_equal(l.sides[A].frame_max, 1472);
}

/* ICMP says so of a long frame of others; it is looked into at once, and never believed as such. */
static void a_report_of_a_narrow_path_is_looked_into(void **state)
{
	begin(8, 1472, 0);
	link_pair_run(&l, 100 * S);
	for (int i = 0; i < 300; i++) {
		link_path_doubt_width(l.sides[A].path, l.now_us);
		link_pair_run(&l, 10 * MS);
	}
	assert_int_equal(l.sides[A].frame_max, 1472);
	assert_in_range(l.sides[A].sent_padded, 3, 8);
	l.sides[A].width = 1300;
	l.sides[A].is_told = true;
	link_path_doubt_width(l.sides[A].path, l.now_us);
	link_pair_run(&l, 3 * S);
	assert_in_range(l.sides[A].frame_max, 1200, 1300);
	link_pair_run(&l, 7 * S);
	assert_in_range(l.sides[A].frame_max, 1293, 1300);
}

static void an_idle_path_is_searched_again(void **state)
{
	unsigned int before;

	begin(3, 1252, 0);
	link_pair_run(&l, 60 * S);
	before = l.sides[A].sent_padded;
	link_pair_run(&l, 500 * S);
	assert_int_equal(l.sides[A].sent_padded, before);
	link_pair_run(&l, 100 * S);
	assert_in_range(l.sides[A].sent_padded, before + 2, before + 8);
}

static void less_is_tried_where_less_can_pass(void **state)
{
	link_pair_init(&l, 4);
	assert_true(addr_parse("[2001:db8::1]:4000", 0, &l.config[A].remote));
	l.config[B].is_relayed = true;
	link_pair_begin(&l, A);
	link_pair_begin(&l, B);
	link_pair_run(&l, 10 * S);
	assert_int_equal(l.sides[A].frame_max, 1452);
	assert_int_equal(l.sides[A].longest, 1452);
	assert_int_equal(l.sides[B].frame_max, 1436);
}

/* What lies about lengths and sizes never leads out of the bounds. */
static void a_search_stays_within_its_bounds(void **state)
{
	struct rng rng = rng_seed(5);
	struct link_mtu m;

	link_mtu_init(&m, 548, 1200, 1472);
	for (int i = 0; i < 200000; i++) {
		switch (rng_below(&rng, 5)) {
		case 0:
			link_mtu_passed(&m, (uint16_t)(4 * rng_below(&rng, 400)));
			break;
		case 1:
			link_mtu_passed(&m, m.size);
			break;
		case 2:
			link_mtu_search(&m);
			break;
		case 3:
			link_mtu_confirm(&m);
			break;
		default:
			link_mtu_lost(&m);
			break;
		}
		assert_in_range(m.good, 548, 1472);
		assert_true(m.size == 0 || (m.size >= 548 && m.size <= 1472));
		assert_int_equal(m.size % 4, 0);
	}
}

/* Answers that B sends to `count` copies of a request, made by whoever has these keys. */
static unsigned int ask_b(const struct check_keys *keys, unsigned int count, bool same, size_t len)
{
	static uint8_t buf[LINK_PATH_FRAME_MAX];
	unsigned int before = l.sides[B].sent;
	uint8_t random[12] = { 1 };
	struct stun_tid tid = stun_tid_make(random);

	l.sides[B].longest = 0;
	for (unsigned int i = 0; i < count; i++) {
		size_t n;

		if (!same)
			rng_fill(&l.rng, random, sizeof(random));
		tid = stun_tid_make(random);
		n = check_write_use(keys, &tid, l.config[A].fingerprint, len, buf, sizeof(buf));
		assert_true(n > 0 && (len == 0 || n == len));
		(void)link_path_input(l.sides[B].path, bytes_of(buf, n), l.now_us);
	}
	return l.sides[B].sent - before;
}

static void strangers_get_nothing_and_nobody_much(void **state)
{
	struct check_keys stranger;
	struct check c;
	uint8_t buf[CHECK_BYTES_MAX];
	struct stun_tid tid = stun_tid_make((const uint8_t[12]){ 2 });
	size_t len;

	begin(6, 1472, 0);
	link_pair_run(&l, 20 * S);
	check_keys_make(&stranger, (const uint8_t[32]){ 9 }, true);
	assert_int_equal(ask_b(&stranger, 50, false, 0), 0);
	assert_int_equal(ask_b(&l.config[B].keys, 50, false, 0), 0); /* its own that come back */
	assert_int_equal(ask_b(&l.config[A].keys, 50, true, 0), 1);  /* a repeated one */
	link_pair_run(&l, 2 * S);
	assert_int_equal(ask_b(&l.config[A].keys, 1, false, 1472), 1);
	assert_in_range(l.sides[B].longest, 1, 100); /* padding is not given back */
	assert_in_range(ask_b(&l.config[A].keys, 10000, false, 0), 10, 30);
	link_pair_run(&l, 2 * S);
	/* The trial's own checks are answered. */
	len = check_write_request(&l.config[A].keys, &tid, 3, 2, buf);
	assert_true(link_path_input(l.sides[B].path, bytes_of(buf, len), l.now_us));
	check_read(&l.config[A].keys, bytes_of(buf, len), &c);
	/* An answer that nobody asked for is ours, and changes nothing. */
	len = check_write_answer(&l.config[A].keys, &tid, &l.config[A].remote, buf);
	assert_true(link_path_input(l.sides[B].path, bytes_of(buf, len), l.now_us));
	assert_false(link_path_input(l.sides[B].path, BYTES("\x17xx"), l.now_us));
	assert_false(link_path_input(l.sides[B].path, BYTES(""), l.now_us));
	assert_int_equal(l.sides[B].identities, 1);
}

/* Somebody on the way repeats what was said, long after it died: that keeps nothing alive. */
static void what_is_repeated_keeps_nothing_alive(void **state)
{
	static struct link_pair_frame kept[LINK_PAIR_FLYING];

	begin(7, 1472, 0);
	l.sides[B].has_traffic = true;
	link_pair_run(&l, 30 * MS);
	memcpy(kept, l.flying, sizeof(kept));
	link_pair_run(&l, 60 * S);
	l.sides[A].is_dead = true;
	for (int i = 0; i < 2000 && l.sides[B].path != NULL; i++) {
		for (size_t k = 0; k < LINK_PAIR_FLYING; k++) {
			if (kept[k].len > 0 && kept[k].to == B && l.sides[B].path != NULL)
				(void)link_path_input(l.sides[B].path,
						      bytes_of(kept[k].data, kept[k].len),
						      l.now_us);
		}
		link_pair_run(&l, 10 * MS);
	}
	assert_int_equal(l.sides[B].broken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_width_is_found, teardown),
		cmocka_unit_test_teardown(a_width_is_found_through_loss, teardown),
		cmocka_unit_test_teardown(an_outage_is_not_taken_for_a_narrow_path, teardown),
		cmocka_unit_test_teardown(a_path_that_grows_narrow_is_found_out_by_traffic,
					  teardown),
		cmocka_unit_test_teardown(a_report_of_a_narrow_path_is_looked_into, teardown),
		cmocka_unit_test_teardown(an_idle_path_is_searched_again, teardown),
		cmocka_unit_test_teardown(less_is_tried_where_less_can_pass, teardown),
		cmocka_unit_test(a_search_stays_within_its_bounds),
		cmocka_unit_test_teardown(strangers_get_nothing_and_nobody_much, teardown),
		cmocka_unit_test_teardown(what_is_repeated_keeps_nothing_alive, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
