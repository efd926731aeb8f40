/* deep_queue: order, bytes that go round, and what is dropped. */
#include "natprobe/deep/deep_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/rng.h"

static struct deep_queue queue;
static uint8_t bytes[DEEP_QUEUE_BYTES];

static struct deep_action send_of(uint16_t slot, size_t len)
{
	struct deep_action a = { .kind = DEEP_SEND, .slot = slot };

	memset(bytes, slot & 0xff, len);
	a.data = bytes_of(bytes, len);
	return a;
}

static void is_next(uint16_t slot, size_t len)
{
	struct deep_queued got;

	assert_non_null(deep_queue_first(&queue));
	deep_queue_take(&queue, &got);
	assert_int_equal(got.action.slot, slot);
	assert_int_equal(got.action.data.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(got.action.data.data[i], slot & 0xff);
}

static void what_comes_first_leaves_first(void **state)
{
	struct deep_action open = { .kind = DEEP_OPEN, .slot = 9 }, a;

	memset(&queue, 0, sizeof(queue));
	for (uint16_t i = 0; i < 3; i++) {
		a = send_of(i, 10u + i);
		assert_true(deep_queue_put(&queue, &a, i));
	}
	assert_true(deep_queue_put_first(&queue, &open));
	assert_int_equal(queue.sends, 3);
	is_next(9, 0);
	for (uint16_t i = 0; i < 3; i++)
		is_next(i, 10u + i);
	assert_null(deep_queue_first(&queue));
	assert_int_equal(queue.sends, 0);
}

static void a_full_queue_refuses(void **state)
{
	struct deep_action a = send_of(1, DEEP_QUEUE_BYTES);

	memset(&queue, 0, sizeof(queue));
	assert_true(deep_queue_put(&queue, &a, 0));
	a = send_of(2, 1);
	assert_false(deep_queue_put(&queue, &a, 0));
	is_next(1, 0 + DEEP_QUEUE_BYTES);
	a = send_of(3, 0);
	for (size_t i = 0; i < DEEP_QUEUE_MAX; i++)
		assert_true(deep_queue_put(&queue, &a, 0));
	assert_false(deep_queue_put(&queue, &a, 0));
	assert_false(deep_queue_put_first(&queue, &a));
}

/* Against a list of lengths, for as long as the ring goes round many times. */
static void bytes_survive_going_round(void **state)
{
	struct rng rng = rng_seed(7);
	uint16_t first = 0, next = 0;
	static size_t lens[UINT16_MAX + 1];

	memset(&queue, 0, sizeof(queue));
	while (next < 20000) {
		size_t len = rng_below(&rng, 4097);
		struct deep_action a = send_of(next, len);

		if (rng_below(&rng, 5) < 3 && deep_queue_put(&queue, &a, next)) {
			lens[next++] = len;
		} else if (first < next) {
			is_next(first, lens[first]);
			first++;
		}
	}
	for (; first < next; first++)
		is_next(first, lens[first]);
}

static void what_is_dropped_leaves_the_rest(void **state)
{
	struct deep_action close = { .kind = DEEP_CLOSE, .slot = 1 }, a;

	memset(&queue, 0, sizeof(queue));
	for (uint16_t i = 0; i < 6; i++) {
		a = send_of(i % 3, 20u + i);
		assert_true(deep_queue_put(&queue, &a, i));
	}
	assert_true(deep_queue_put(&queue, &close, 0));
	deep_queue_drop(&queue, DEEP_SEND, 1);
	assert_int_equal(queue.sends, 4);
	is_next(0, 20);
	is_next(2, 22);
	is_next(0, 23);
	is_next(2, 25);
	is_next(1, 0);
	assert_null(deep_queue_first(&queue));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_first_leaves_first),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(bytes_survive_going_round),
		cmocka_unit_test(what_is_dropped_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
