/* Mobility tickets: each verdict, and no ticket that differs in a bit from ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd/ticket.h"
#include "rng.h"

static const uint8_t key_a[TICKET_KEY_LEN] = "the first key of a test process";
static const uint8_t key_b[TICKET_KEY_LEN] = "the other key of a test process";

static const struct ticket one = {
	.user = 0x0123456789abcdef,
	.alloc = 77,
	.realm = 5,
	.sequence = 9,
	.worker = 3,
};

struct rig {
	struct ticket_keys keys;
	uint8_t raw[TICKET_LEN];
	struct ticket got;
};

static struct rig rig_new(void)
{
	struct rig r = { .got = { .sequence = 1234 } };

	ticket_keys_init(&r.keys, key_a);
	assert_true(ticket_make(&r.keys, &one, r.raw));
	return r;
}

static enum ticket_verdict open_it(struct rig *r)
{
	return ticket_open(&r->keys, bytes_of(r->raw, TICKET_LEN), &r->got);
}

static bool is_one(const struct ticket *t)
{
	return t->user == 0 && t->realm == 0 && t->alloc == one.alloc &&
	       t->sequence == one.sequence && t->worker == one.worker;
}

static void a_ticket_comes_back_as_it_was(void **state)
{
	struct rig r = rig_new();

	assert_int_equal(open_it(&r), TICKET_GOOD);
	assert_true(is_one(&r.got));
}

static void extreme_numbers_come_back(void **state)
{
	struct ticket most = { 0, UINT64_MAX, 0, UINT32_MAX, UINT16_MAX };
	struct ticket least = { 0 };
	struct rig r = rig_new();

	assert_true(ticket_make(&r.keys, &most, r.raw));
	assert_int_equal(open_it(&r), TICKET_GOOD);
	assert_int_equal(ticket_judge(&r.got, &most, 0, 0), TICKET_MOVES);
	assert_true(ticket_make(&r.keys, &least, r.raw));
	assert_int_equal(open_it(&r), TICKET_GOOD);
	assert_int_equal(ticket_judge(&r.got, &least, 0, 0), TICKET_MOVES);
}

static void every_changed_bit_is_refused(void **state)
{
	struct rig r = rig_new();

	for (size_t i = 0; i < TICKET_LEN; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			r.raw[i] ^= (uint8_t)(1u << bit);
			enum ticket_verdict v = open_it(&r);
			if (v != (i == 0 ? TICKET_NO_KEY : TICKET_FORGED))
				fail_msg("byte %zu, bit %u: %s", i, bit, ticket_why(v));
			r.raw[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_int_equal(r.got.sequence, 1234); /* untouched */
}

static void random_changes_of_every_byte_are_refused(void **state)
{
	struct rng rng = rng_seed(8016);
	struct rig r = rig_new();

	for (size_t i = 1; i < TICKET_LEN; i++) {
		for (int k = 0; k < 20; k++) {
			uint8_t by = (uint8_t)(1 + rng_below(&rng, 255));

			r.raw[i] ^= by;
			assert_int_equal(open_it(&r), TICKET_FORGED);
			r.raw[i] ^= by;
		}
	}
	assert_int_equal(open_it(&r), TICKET_GOOD);
}

static void other_lengths_are_malformed(void **state)
{
	struct rig r = rig_new();
	uint8_t longer[TICKET_LEN + 8] = { 0 };

	memcpy(longer, r.raw, TICKET_LEN);
	assert_int_equal(ticket_open(&r.keys, (struct bytes){ 0 }, &r.got), TICKET_EMPTY);
	for (size_t len = 1; len <= sizeof(longer); len++) {
		if (len != TICKET_LEN)
			assert_int_equal(ticket_open(&r.keys, bytes_of(longer, len), &r.got),
					 TICKET_MALFORMED);
	}
}

static void two_keys_are_valid_during_a_rotation(void **state)
{
	struct rig r = rig_new();

	ticket_keys_rotate(&r.keys, key_b);
	assert_int_equal(open_it(&r), TICKET_GOOD);
	ticket_keys_rotate(&r.keys, key_a); /* the same bytes under another number */
	assert_int_equal(open_it(&r), TICKET_NO_KEY);
}

/* The number of a key is a byte that comes round, and must not bring an old key back. */
static void a_number_that_comes_round_opens_nothing(void **state)
{
	struct rig r = rig_new();

	for (int i = 0; i < 255; i++)
		ticket_keys_rotate(&r.keys, key_b);
	assert_int_equal(r.keys.number, r.raw[0]);
	assert_int_equal(open_it(&r), TICKET_FORGED);
}

static void a_first_key_has_no_key_before(void **state)
{
	struct rig r = rig_new();

	r.raw[0] = (uint8_t)(r.keys.number - 1);
	assert_int_equal(open_it(&r), TICKET_NO_KEY);
}

static void another_process_opens_nothing(void **state)
{
	struct rig r = rig_new();

	ticket_keys_init(&r.keys, key_b);
	assert_int_equal(open_it(&r), TICKET_FORGED);
}

static void the_next_ticket_looks_like_another(void **state)
{
	struct rig r = rig_new();
	struct ticket next = one;
	uint8_t raw[TICKET_LEN];
	size_t same = 0;

	next.sequence++;
	assert_true(ticket_make(&r.keys, &next, raw));
	for (size_t i = 1; i < TICKET_LEN; i++)
		same += raw[i] == r.raw[i];
	assert_in_range(same, 0, 4); /* nothing of it stands there in clear */
}

/* turnutils_uclient takes no longer ones, and cuts them at the first NUL. */
static void it_is_a_short_text(void **state)
{
	struct ticket t = one;
	struct rig r = rig_new();

	assert_in_range(TICKET_LEN, 1, 32);
	for (int i = 0; i < 2000; i++, t.sequence++) {
		if (i % 4 == 0)
			ticket_keys_rotate(&r.keys, key_b);
		assert_true(ticket_make(&r.keys, &t, r.raw));
		assert_null(memchr(r.raw, 0, TICKET_LEN));
		assert_int_equal(open_it(&r), TICKET_GOOD);
		assert_int_equal(r.got.sequence, t.sequence);
	}
}

static void the_newest_moves_and_the_one_before_repeats_for_30_s(void **state)
{
	struct ticket held = one;

	assert_int_equal(ticket_judge(&one, &held, 1000, 1000), TICKET_MOVES);
	assert_int_equal(ticket_judge(&one, &held, 1000, 9000000), TICKET_MOVES);
	held.sequence++;
	assert_int_equal(ticket_judge(&one, &held, 1000, 1000), TICKET_REPEATS);
	assert_int_equal(ticket_judge(&one, &held, 1000, 1000 + TICKET_OLD_MS), TICKET_REPEATS);
	assert_int_equal(ticket_judge(&one, &held, 1000, 1001 + TICKET_OLD_MS), TICKET_DEAD);
	held.sequence++;
	assert_int_equal(ticket_judge(&one, &held, 1000, 1000), TICKET_DEAD);
	held.sequence = one.sequence - 1; /* never given */
	assert_int_equal(ticket_judge(&one, &held, 1000, 1000), TICKET_DEAD);
	held.sequence = 0;
	assert_int_equal(ticket_judge(&one, &held, 1000, 1000), TICKET_DEAD);
}

static void the_last_sequence_is_not_before_the_first(void **state)
{
	struct ticket held = one, last = one;

	held.sequence = 0;
	last.sequence = UINT32_MAX;
	assert_int_equal(ticket_judge(&last, &held, 0, 0), TICKET_DEAD);
}

static void owner_and_allocation_must_be_the_same(void **state)
{
	struct ticket held = one;

	held.user++;
	assert_int_equal(ticket_judge(&one, &held, 0, 0), TICKET_OTHER_OWNER);
	held = one;
	held.realm++;
	assert_int_equal(ticket_judge(&one, &held, 0, 0), TICKET_OTHER_OWNER);
	held = one;
	held.alloc++;
	assert_int_equal(ticket_judge(&one, &held, 0, 0), TICKET_OTHER_OBJECT);
	held = one;
	held.worker++;
	assert_int_equal(ticket_judge(&one, &held, 0, 0), TICKET_OTHER_OBJECT);
}

static void wiped_keys_are_zero(void **state)
{
	static const uint8_t zeros[sizeof(struct ticket_keys)];
	struct rig r = rig_new();

	ticket_keys_rotate(&r.keys, key_b);
	ticket_keys_wipe(&r.keys);
	assert_memory_equal(&r.keys, zeros, sizeof(zeros));
}

static void every_verdict_has_words(void **state)
{
	for (int v = TICKET_GOOD; v <= TICKET_FORGED; v++)
		assert_string_not_equal(ticket_why((enum ticket_verdict)v), "");
	for (int u = TICKET_MOVES; u <= TICKET_OTHER_OBJECT; u++)
		assert_string_not_equal(ticket_use_text((enum ticket_use)u), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_comes_back_as_it_was),
		cmocka_unit_test(extreme_numbers_come_back),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(random_changes_of_every_byte_are_refused),
		cmocka_unit_test(other_lengths_are_malformed),
		cmocka_unit_test(two_keys_are_valid_during_a_rotation),
		cmocka_unit_test(a_number_that_comes_round_opens_nothing),
		cmocka_unit_test(a_first_key_has_no_key_before),
		cmocka_unit_test(another_process_opens_nothing),
		cmocka_unit_test(the_next_ticket_looks_like_another),
		cmocka_unit_test(it_is_a_short_text),
		cmocka_unit_test(the_newest_moves_and_the_one_before_repeats_for_30_s),
		cmocka_unit_test(the_last_sequence_is_not_before_the_first),
		cmocka_unit_test(owner_and_allocation_must_be_the_same),
		cmocka_unit_test(wiped_keys_are_zero),
		cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
