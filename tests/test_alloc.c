/* alloc: allocations by 5-tuple and by number, moved, given away, and many of them. */
#include "turnd/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rng.h"

static const uint8_t key[16] = { 1, 2, 3 };

static struct five_tuple tuple(unsigned n)
{
	return (struct five_tuple){
		.client = addr_ipv4(10, 0, (uint8_t)(n >> 8), (uint8_t)n, (uint16_t)(n >> 16)),
		.server = addr_ipv4(192, 0, 2, 1, 3478),
	};
}

static struct alloc_table *table(void)
{
	struct alloc_table *t = alloc_table_new(key);

	assert_non_null(t);
	return t;
}

static struct alloc *add(struct alloc_table *t, unsigned n)
{
	struct five_tuple at = tuple(n);
	struct alloc *a = alloc_table_add(t, &at, n);

	assert_non_null(a);
	return a;
}

static struct alloc *find(const struct alloc_table *t, unsigned n)
{
	struct five_tuple at = tuple(n);

	return alloc_table_find(t, &at);
}

static void every_part_of_a_five_tuple_counts(void **state)
{
	struct alloc_table *t = table();
	struct alloc *a = add(t, 1);
	struct five_tuple other[5];

	for (size_t i = 0; i < 5; i++)
		other[i] = tuple(1);
	other[0].client.port++;
	other[1].client.ip[3]++;
	other[2].server.port++;
	other[3].server.ip[3]++;
	other[4].transport = STUN_TLS;
	for (size_t i = 0; i < 5; i++)
		assert_null(alloc_table_find(t, &other[i]));
	assert_ptr_equal(find(t, 1), a);
	assert_ptr_equal(alloc_table_find_number(t, 1), a);
	assert_null(alloc_table_find_number(t, 2));
	assert_ptr_equal(a->flow.ends[1].flow, &a->flow);
	alloc_table_remove(t, a);
	assert_null(find(t, 1));
	assert_int_equal(alloc_table_count(t), 0);
	alloc_table_free(t);
}

static void a_moved_one_is_where_it_went(void **state)
{
	struct alloc_table *t = table();
	struct alloc *a = add(t, 1);
	struct five_tuple to = tuple(2);

	alloc_table_move(t, a, &to);
	assert_null(find(t, 1));
	assert_ptr_equal(find(t, 2), a);
	assert_ptr_equal(alloc_table_find_number(t, 1), a);
	alloc_table_hide(t, a);
	assert_null(find(t, 2));
	assert_int_equal(alloc_table_count(t), 1);
	alloc_table_move(t, a, &to);
	assert_ptr_equal(find(t, 2), a);
	alloc_table_hide(t, a);
	alloc_table_remove(t, a);
	alloc_table_free(t);
}

static void a_given_one_lives_on_elsewhere(void **state)
{
	struct alloc_table *from = table(), *to = table();
	struct alloc *a = add(from, 1), *b = add(to, 1);

	alloc_table_give(from, a);
	assert_int_equal(alloc_table_count(from), 0);
	a->number = 2;
	assert_false(alloc_table_take(to, a)); /* the 5-tuple is in use */
	assert_ptr_equal(find(to, 1), b);
	assert_ptr_equal(alloc_table_find_number(to, 2), a);
	alloc_table_give(to, a);
	alloc_table_remove(to, b);
	b = add(to, 3);
	assert_true(alloc_table_take(to, a));
	assert_ptr_equal(find(to, 1), a);
	alloc_table_remove(to, a);
	alloc_table_remove(to, b);
	alloc_table_free(from);
	alloc_table_free(to);
}

static void many_are_found_and_walked_over(void **state)
{
	enum { MANY = 20000 };
	struct alloc_table *t = table();
	static uint8_t seen[MANY];
	struct alloc *next;
	size_t removed = 0;

	for (unsigned n = 0; n < MANY; n++)
		add(t, n);
	assert_int_equal(alloc_table_count(t), MANY);
	for (unsigned n = 0; n < MANY; n++) {
		assert_int_equal(find(t, n)->number, n);
		assert_int_equal(alloc_table_find_number(t, n)->number, n);
	}
	/* All go while we walk, and the table shrinks under us. */
	for (struct alloc *a = alloc_table_next(t, NULL); a != NULL; a = next) {
		next = alloc_table_next(t, a);
		assert_int_equal(seen[a->number]++, 0);
		alloc_table_remove(t, a);
		removed++;
	}
	assert_int_equal(removed, MANY);
	assert_int_equal(alloc_table_count(t), 0);
	alloc_table_free(t);
}

/* Adds, moves and removes at random, against an array. */
static void it_does_as_an_array_does(void **state)
{
	enum { PLACES = 500 };
	struct alloc_table *t = table();
	struct alloc *at[PLACES] = { NULL };
	struct rng rng = { 0 };
	uint64_t number = 0;

	for (int i = 0; i < 100000; i++) {
		unsigned n = (unsigned)(rng_next(&rng) % PLACES);
		unsigned m = (unsigned)(rng_next(&rng) % PLACES);
		struct five_tuple to = tuple(m);

		assert_ptr_equal(find(t, n), at[n]);
		if (at[n] == NULL) {
			struct five_tuple here = tuple(n);

			at[n] = alloc_table_add(t, &here, number++);
		} else if (at[m] == NULL) {
			alloc_table_move(t, at[n], &to);
			at[m] = at[n];
			at[n] = NULL;
		} else {
			alloc_table_remove(t, at[n]);
			at[n] = NULL;
		}
	}
	for (unsigned n = 0; n < PLACES; n++) {
		assert_ptr_equal(find(t, n), at[n]);
		if (at[n] != NULL)
			alloc_table_remove(t, at[n]);
	}
	alloc_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_five_tuple_counts),
		cmocka_unit_test(a_moved_one_is_where_it_went),
		cmocka_unit_test(a_given_one_lives_on_elsewhere),
		cmocka_unit_test(many_are_found_and_walked_over),
		cmocka_unit_test(it_does_as_an_array_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
