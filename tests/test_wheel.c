/* wheel: the edges of its levels, and against a model that looks at every node each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rng.h"
#include "wheel.h"
#include "wire.h"

#define NODES 48
#define STEPS 1000000

struct thing {
	int before;
	struct wheel_node timer;
	int after;
};

static struct wheel wheel;

static void make(struct thing *t)
{
	t->before = 1;
	t->after = 2;
	wheel_node_init(&t->timer);
}

static void an_empty_wheel_has_nothing_to_do(void **state)
{
	wheel_init(&wheel, 1000);
	assert_true(wheel_next(&wheel) == UINT64_MAX);
	assert_null(wheel_expire(&wheel, 1000));
	assert_null(wheel_expire(&wheel, UINT64_MAX));
	assert_true(wheel_next(&wheel) == UINT64_MAX);
}

static void a_node_leads_to_its_object(void **state)
{
	struct thing t;
	struct wheel_node *n;

	make(&t);
	wheel_init(&wheel, 0);
	wheel_set(&wheel, &t.timer, 5);
	n = wheel_expire(&wheel, 5);
	assert_ptr_equal(n, &t.timer);
	assert_ptr_equal(WHEEL_OF(n, struct thing, timer), &t);
}

/* Asks as often as it is told to, and no millisecond comes too early or too late. */
static void expect_at(uint64_t start, uint64_t deadline)
{
	struct thing t;
	int wakeups = 0;

	make(&t);
	wheel_init(&wheel, start);
	wheel_set(&wheel, &t.timer, deadline);
	for (;;) {
		uint64_t next = wheel_next(&wheel);

		if (next > deadline)
			fail_msg("%ju from %ju: %ju", (uintmax_t)deadline, (uintmax_t)start,
				 (uintmax_t)next);
		if (next == deadline)
			break;
		assert_true(next > start);
		assert_null(wheel_expire(&wheel, next));
		assert_true(wheel_is_pending(&t.timer));
		assert_true(++wakeups <= 10);
	}
	assert_null(wheel_expire(&wheel, deadline - 1));
	assert_ptr_equal(wheel_expire(&wheel, deadline), &t.timer);
	assert_false(wheel_is_pending(&t.timer));
	assert_null(wheel_expire(&wheel, deadline));
	assert_true(wheel_next(&wheel) == UINT64_MAX);
}

static void every_border_between_levels_is_exact(void **state)
{
	static const uint64_t starts[] = { 0, 1, 63, 64, 4095, 4096, 123456789, 0xfffffffff };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		for (unsigned bit = 1; bit < 63; bit++) {
			uint64_t border = (uint64_t)1 << bit;

			for (uint64_t d = border - 1; d <= border + 1; d++) {
				expect_at(starts[i], starts[i] + d);
				if (d > starts[i])
					expect_at(starts[i], d);
			}
		}
		expect_at(starts[i], UINT64_MAX - 1);
		expect_at(UINT64_MAX - 2 - starts[i], UINT64_MAX - 1);
	}
}

static void what_has_passed_is_due_at_once(void **state)
{
	struct thing t, u;

	make(&t);
	make(&u);
	wheel_init(&wheel, 100);
	wheel_set(&wheel, &t.timer, 100);
	wheel_set(&wheel, &u.timer, 3);
	assert_true(wheel_next(&wheel) <= 100);
	assert_ptr_equal(wheel_expire(&wheel, 100), &t.timer);
	assert_ptr_equal(wheel_expire(&wheel, 100), &u.timer);
	assert_null(wheel_expire(&wheel, 100));
}

static void one_that_is_due_may_still_be_cancelled_or_moved(void **state)
{
	struct thing t, u;

	make(&t);
	make(&u);
	wheel_init(&wheel, 100);
	wheel_set(&wheel, &t.timer, 50);
	wheel_set(&wheel, &u.timer, 50);
	wheel_cancel(&wheel, &t.timer);
	wheel_set(&wheel, &u.timer, 200);
	assert_null(wheel_expire(&wheel, 199));
	assert_ptr_equal(wheel_expire(&wheel, 200), &u.timer);
	wheel_cancel(&wheel, &u.timer); /* it waits for nothing by now */
	assert_false(wheel_is_pending(&u.timer));
}

static void the_last_one_to_leave_a_slot_closes_it(void **state)
{
	struct thing t, u;

	make(&t);
	make(&u);
	wheel_init(&wheel, 0);
	wheel_set(&wheel, &t.timer, 10);
	wheel_set(&wheel, &u.timer, 10);
	wheel_cancel(&wheel, &t.timer);
	assert_true(wheel_next(&wheel) == 10);
	wheel_cancel(&wheel, &u.timer);
	assert_true(wheel_next(&wheel) == UINT64_MAX);
}

static void the_top_level_reaches_the_end_of_time(void **state)
{
	struct thing t;

	make(&t);
	wheel_init(&wheel, 0);
	wheel_set(&wheel, &t.timer, UINT64_MAX);
	assert_null(wheel_expire(&wheel, UINT64_MAX - 1));
	assert_ptr_equal(wheel_expire(&wheel, UINT64_MAX), &t.timer);
}

static void a_clock_that_is_set_back_expires_nothing(void **state)
{
	struct thing t;

	make(&t);
	wheel_init(&wheel, 100000);
	wheel_set(&wheel, &t.timer, 100100);
	assert_null(wheel_expire(&wheel, 10));
	assert_true(wheel_next(&wheel) > 100000); /* it has not gone back as well */
	assert_null(wheel_expire(&wheel, 100099));
	assert_null(wheel_expire(&wheel, 0));
	assert_true(wheel_next(&wheel) == 100100);
	assert_ptr_equal(wheel_expire(&wheel, 100100), &t.timer);
}

/* Each node that comes sets itself again, 7 ms later than it was meant: none is lost. */
static void a_node_may_set_itself_again_in_the_same_round(void **state)
{
	struct thing t;
	struct wheel_node *n;
	int rounds = 0;

	make(&t);
	wheel_init(&wheel, 0);
	wheel_set(&wheel, &t.timer, 7);
	while ((n = wheel_expire(&wheel, 700)) != NULL) {
		rounds++;
		wheel_set(&wheel, n, n->deadline_ms + 7);
	}
	assert_int_equal(rounds, 100);
	assert_int_equal(wheel_next(&wheel) <= 707, 1);
}

/* The model: when each node is due, and a look at all of them. */
struct naive {
	bool waits[NODES];
	uint64_t deadline[NODES];
	uint64_t now;
};

static uint64_t naive_next(const struct naive *m)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < NODES; i++) {
		if (m->waits[i] && m->deadline[i] < next)
			next = m->deadline[i];
	}
	return next;
}

/* Near and far, with many that fall together. */
static uint64_t some_delay(struct rng *r)
{
	uint64_t delay = rng_next(r) >> (30 + rng_below(r, 34));

	return rng_below(r, 4) == 0 ? delay & ~(uint64_t)63 : delay;
}

static void expire_both(struct naive *m, struct thing *things)
{
	struct wheel_node *n;
	uint64_t before = 0;

	while ((n = wheel_expire(&wheel, m->now)) != NULL) {
		size_t i = (size_t)(WHEEL_OF(n, struct thing, timer) - things);

		assert_true(m->waits[i]);
		assert_true(n->deadline_ms == m->deadline[i] && m->deadline[i] <= m->now);
		assert_true(m->deadline[i] >= before);
		before = m->deadline[i];
		m->waits[i] = false;
	}
	assert_true(naive_next(m) > m->now);
	assert_true(wheel_next(&wheel) <= naive_next(m));
	assert_true(wheel_next(&wheel) > m->now);
}

static void step(struct naive *m, struct thing *things, struct rng *r)
{
	size_t i = rng_below(r, NODES);

	switch (rng_below(r, 8)) {
	case 0:
		wheel_cancel(&wheel, &things[i].timer);
		m->waits[i] = false;
		break;
	case 1:
		m->now += rng_below(r, 3) == 0 ? some_delay(r) : rng_below(r, 200);
		expire_both(m, things);
		break;
	case 2:
		/* As a shell does: sleep until told. */
		if (wheel_next(&wheel) != UINT64_MAX)
			m->now = wheel_next(&wheel);
		expire_both(m, things);
		break;
	default:
		m->deadline[i] = m->now + 1 + some_delay(r);
		m->waits[i] = true;
		wheel_set(&wheel, &things[i].timer, m->deadline[i]);
	}
	assert_int_equal(wheel_is_pending(&things[i].timer), m->waits[i]);
}

static void it_does_what_a_naive_timer_does(void **state)
{
	struct thing things[NODES];
	struct naive m = { .now = 5000 };
	struct rng r = rng_seed(4);

	for (size_t i = 0; i < NODES; i++)
		make(&things[i]);
	wheel_init(&wheel, m.now);
	for (int i = 0; i < STEPS; i++)
		step(&m, things, &r);
	m.now = UINT64_MAX - 1;
	expire_both(&m, things);
	for (size_t i = 0; i < NODES; i++) {
		assert_false(m.waits[i]);
		assert_true(things[i].before == 1 && things[i].after == 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_wheel_has_nothing_to_do),
		cmocka_unit_test(a_node_leads_to_its_object),
		cmocka_unit_test(every_border_between_levels_is_exact),
		cmocka_unit_test(what_has_passed_is_due_at_once),
		cmocka_unit_test(one_that_is_due_may_still_be_cancelled_or_moved),
		cmocka_unit_test(the_last_one_to_leave_a_slot_closes_it),
		cmocka_unit_test(the_top_level_reaches_the_end_of_time),
		cmocka_unit_test(a_clock_that_is_set_back_expires_nothing),
		cmocka_unit_test(a_node_may_set_itself_again_in_the_same_round),
		cmocka_unit_test(it_does_what_a_naive_timer_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
