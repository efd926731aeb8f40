#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "addr_special.h"
#include "tests/punch_paths.h"

#define SHOTS_BOUND 8000 /* of one side and step */

struct world {
	struct peer_profile a, b;
	struct peer_offer offer_a, offer_b;
	struct punch_plan plan;
};

static void world_make(struct world *w, enum punch_row a, enum punch_row b, uint32_t only)
{
	struct punch_plan_options options = { .only = only,
					      .start_error_us = 20000,
					      .has_relay = true };

	memset(w, 0, sizeof(*w));
	w->a = punch_row_profile(a, 0);
	w->b = punch_row_profile(b, 1);
	w->offer_a = punch_offer_of(&w->a);
	w->offer_b = punch_offer_of(&w->b);
	punch_plan_make(&w->a, &w->b, &options, &w->plan);
}

static struct shots_view view_of(const struct world *w, size_t step, bool is_a)
{
	return (struct shots_view){ .step = &w->plan.steps[step],
				    .ours = is_a ? &w->a : &w->b,
				    .theirs = is_a ? &w->b : &w->a,
				    .our_offer = is_a ? &w->offer_a : &w->offer_b,
				    .their_offer = is_a ? &w->offer_b : &w->offer_a,
				    .is_a = is_a,
				    .seed = 0x9e3779b97f4a7c15u };
}

static bool is_socket(const struct shots_view *v, uint16_t socket)
{
	return socket < SHOTS_SOCKET_FRESH + shots_sockets(v) || socket == SHOTS_SOCKET_RELAY;
}

static uint32_t check_side(const struct shots_view *v)
{
	struct addr_special_hit hit;
	uint32_t count = 0, last_us = 0;
	struct shot s;

	while (shots_get(v, count, &s)) {
		assert_true(s.at_us >= last_us && s.at_us < v->step->duration_us);
		assert_int_not_equal(s.to.port, 0);
		assert_true(is_socket(v, s.socket));
		assert_false(addr_special_judge(&s.to, &hit));
		last_us = s.at_us;
		count++;
		assert_true(count < SHOTS_BOUND);
	}
	return count;
}

/* In order of time, to ports that exist, at nobody who is not meant; and not without end. */
static void test_all_pairs(void **state)
{
	struct world w;

	(void)state;
	for (int a = 0; a < PUNCH_ROWS; a++) {
		for (int b = 0; b < PUNCH_ROWS; b++) {
			world_make(&w, (enum punch_row)a, (enum punch_row)b, 0);
			for (size_t i = 0; i < w.plan.count; i++) {
				struct shots_view va = view_of(&w, i, true);
				struct shots_view vb = view_of(&w, i, false);
				uint32_t shots = check_side(&va) + check_side(&vb);

				if (!w.plan.steps[i].is_tcp &&
				    w.plan.steps[i].strategy != PUNCH_RELAY)
					assert_true(shots > 0);
			}
		}
	}
}

/* Every port once, until the range is through. */
static void test_search_repeats_nothing(void **state)
{
	static bool seen[65536];
	struct world w;
	struct shot s;
	uint32_t count = 0;

	(void)state;
	memset(seen, 0, sizeof(seen));
	world_make(&w, ROW_PORT, ROW_RANDOM, PUNCH_BIT(PUNCH_BIRTHDAY));
	assert_int_equal(w.plan.count, 1);
	assert_true(w.plan.steps[0].b.sockets >= 256);
	assert_true(w.plan.steps[0].a.ports >= 1000);
	struct shots_view v = view_of(&w, 0, true);
	for (; shots_get(&v, count, &s); count++) {
		assert_false(seen[s.to.port]);
		seen[s.to.port] = true;
	}
	assert_int_equal(count, w.plan.steps[0].a.ports);
}

static void test_block(void **state)
{
	struct world w;
	struct shot s;

	(void)state;
	world_make(&w, ROW_PORT, ROW_BLOCK, PUNCH_BIT(PUNCH_BIRTHDAY));
	assert_true(w.plan.steps[0].b.sockets >= 64);
	assert_true(w.plan.steps[0].a.ports >= 64);
	struct shots_view v = view_of(&w, 0, true);
	for (uint32_t i = 0; shots_get(&v, i, &s); i++)
		assert_true(s.to.port >= 20480 && s.to.port <= 20991);
}

/* The next ports of a counter, and each fresh socket of the other side to the announced one. */
static void test_prediction(void **state)
{
	struct world w;
	struct shot s;
	bool has_next = false;

	(void)state;
	world_make(&w, ROW_PORT, ROW_SEQUENTIAL, PUNCH_BIT(PUNCH_PREDICTION));
	assert_int_equal(w.plan.count, 1);
	struct shots_view v = view_of(&w, 0, true);
	for (uint32_t i = 0; shots_get(&v, i, &s); i++) {
		assert_true(s.to.port > 30003 && s.to.port < 30100);
		has_next |= s.to.port == 30004;
	}
	assert_true(has_next);
	v = view_of(&w, 0, false);
	for (uint32_t i = 0; shots_get(&v, i, &s); i++) {
		assert_true(s.socket >= SHOTS_SOCKET_FRESH);
		assert_true(addr_equal(&s.to, &w.offer_a.endpoints[1].addr));
	}
}

/* Sockets of the parity of the last sample, whichever that is: then each port is a step further on. */
static void test_parity(void **state)
{
	struct world w;
	struct shot s;

	(void)state;
	world_make(&w, ROW_SEQUENTIAL, ROW_SEQUENTIAL, PUNCH_BIT(PUNCH_PREDICTION));
	struct shots_view v = view_of(&w, 0, false);
	assert_int_equal(shots_local_port(&v, 0), 0);
	w.b.paths[0].keeps_parity = true;
	w.b.paths[0].delta_value = 2;
	for (unsigned last = 1; last <= 4; last++) {
		struct peer_sample *sample = &w.offer_b.samples[0][w.offer_b.sample_counts[0] - 1];

		sample->local_port = (uint16_t)(UINT16_MAX - 25 + last);
		for (uint16_t i = 0; i < 20; i++) {
			uint16_t port = shots_local_port(&v, i);

			assert_true(port >= 1024 && port != sample->local_port);
			assert_int_equal(port % 2, sample->local_port % 2);
		}
	}
	/* Without samples it is the announced port from which both count. */
	w.offer_b.sample_counts[0] = 0;
	w.offer_b.endpoints[1].local_port = 40001;
	assert_int_equal(w.offer_b.endpoints[1].kind, PEER_MAPPED);
	assert_int_equal(shots_local_port(&v, 0) % 2, 1);
	/* The other side aims as it does at every counter. */
	v = view_of(&w, 0, true);
	assert_int_equal(shots_local_port(&v, 0), 0);
	assert_true(shots_get(&v, 0, &s));
}

/* Where ports by lot keep the parity, half of them are left out, and no port is tried twice. */
static void test_parity_is_searched(void **state)
{
	static bool seen[65536];
	struct world w;
	struct shot s;
	uint32_t full;

	(void)state;
	memset(seen, 0, sizeof(seen));
	world_make(&w, ROW_PORT, ROW_BLOCK, PUNCH_BIT(PUNCH_BIRTHDAY));
	full = w.plan.steps[0].a.ports;
	w.b.paths[0].keeps_parity = true;
	w.offer_b.endpoints[1].local_port = 40001;
	punch_plan_make(&w.a, &w.b, &(struct punch_plan_options){ .start_error_us = 20000 },
			&w.plan);
	assert_int_equal(w.plan.steps[0].strategy, PUNCH_BIRTHDAY);
	assert_true(w.plan.steps[0].a.ports < full && w.plan.steps[0].chance > 0.99);
	struct shots_view v = view_of(&w, 0, false);
	for (uint16_t i = 0; i < shots_sockets(&v); i++)
		assert_int_equal(shots_local_port(&v, i) % 2, 1);
	v = view_of(&w, 0, true);
	assert_int_equal(shots_local_port(&v, 0), 0);
	for (uint32_t i = 0; i < w.plan.steps[0].a.ports && shots_get(&v, i, &s); i++) {
		assert_true(s.to.port >= 20480 && s.to.port <= 20991 && s.to.port % 2 == 1);
		assert_false(seen[s.to.port]);
		seen[s.to.port] = true;
	}
}

/* Openers first, that end underway; nothing goes all the way before both have had theirs. */
static void test_low_ttl(void **state)
{
	struct world w;
	struct shot s;
	uint32_t openers = 0;

	(void)state;
	world_make(&w, ROW_LINUX, ROW_LINUX, PUNCH_BIT(PUNCH_LOW_TTL));
	assert_int_equal(w.plan.count, 1);
	struct shots_view v = view_of(&w, 0, true);
	for (uint32_t i = 0; shots_get(&v, i, &s); i++) {
		if (s.at_us < w.plan.steps[0].settle_us) {
			assert_in_range(s.ttl, 2, 4);
			openers++;
		} else {
			assert_int_equal(s.ttl, 0);
		}
	}
	assert_true(openers >= 3);
}

/* A stranger's private address is no target; that of a neighbour is, from a socket of its own. */
static void test_private(void **state)
{
	struct world w;
	struct shot s;
	bool local = false;

	(void)state;
	world_make(&w, ROW_PORT, ROW_PORT, 0);
	w.plan.steps[0].is_local = true;
	struct shots_view v = view_of(&w, 0, true);
	for (uint32_t i = 0; shots_get(&v, i, &s); i++)
		assert_false(addr_is_private(&s.to));
	w.b.paths[0].externals[0] = w.a.paths[0].externals[0];
	for (uint32_t i = 0; shots_get(&v, i, &s); i++) {
		local |= addr_is_private(&s.to);
		assert_int_equal(addr_is_private(&s.to), s.socket == SHOTS_SOCKET_LOCAL);
	}
	assert_true(local);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pairs), cmocka_unit_test(test_search_repeats_nothing),
		cmocka_unit_test(test_block),     cmocka_unit_test(test_prediction),
		cmocka_unit_test(test_low_ttl),   cmocka_unit_test(test_private),
		cmocka_unit_test(test_parity),    cmocka_unit_test(test_parity_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
