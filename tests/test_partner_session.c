/* Two partners in virtual time have a session while both live: clocks, death, restart, keys. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "partner_kit.h"

static struct partner_kit kit;

static void clocks_start_and_run_as_they_like(void **state)
{
	static const struct {
		uint64_t from[2];
		uint32_t percent[2];
	} cases[] = {
		{ { 0, UINT64_C(1) << 60 }, { 100, 100 } },
		{ { 5, 1234567890123 }, { 80, 120 } },
		{ { 1234567890123, 0 }, { 150, 75 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		partner_kit_open(&kit, 7 + i);
		for (int side = 0; side < 2; side++) {
			kit.sides[side].clock_from_ms = cases[i].from[side];
			kit.sides[side].clock_percent = cases[i].percent[side];
			partner_kit_restart(&kit, side);
		}
		partner_kit_run(&kit, 500);
		for (int n = 0; n < 100; n++) {
			partner_kit_run(&kit, 100);
			if (!partner_kit_both_live(&kit))
				fail_msg("case %zu: not live after %d tenths", i, n);
		}
		assert_true(partner_kit_hand(&kit, 0, 0, 0, &partner_kit_client));
		partner_kit_run(&kit, 100);
		assert_int_equal(kit.sides[1].took[PARTNER_SEND], 1);
	}
}

static void a_dead_partner_is_withdrawn(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 8);

	k->sides[1].is_off = true;
	partner_kit_run(k, PARTNER_DEAD_MS - PARTNER_BEAT_MS - 100);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_LIVE);
	partner_kit_run(k, PARTNER_BEAT_MS + 200);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_SILENT);
	assert_false(partner_kit_has(k, 0, 0));
	assert_false(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));

	partner_kit_run(k, 60000);
	k->sides[1].is_off = false; /* its session is over as well, by its clock */
	partner_kit_run(k, 2500);
	assert_true(partner_kit_both_live(k));
}

static void one_that_does_not_hear_us_is_none(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 9);

	k->loss_percent[1] = 100;
	partner_kit_run(k, PARTNER_DEAD_MS + PARTNER_BEAT_MS + 100);
	assert_int_not_equal(partner_kit_why(k, 0), PARTNER_LIVE);
	assert_int_equal(partner_kit_why(k, 1), PARTNER_SILENT);
	partner_kit_run(k, 60000);
	assert_false(partner_kit_has(k, 0, 0));
	assert_false(partner_kit_has(k, 1, 0));
	k->loss_percent[1] = 0;
	partner_kit_run(k, 2500);
	assert_true(partner_kit_both_live(k));
}

static void a_restart_makes_a_new_session(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 10);

	for (int i = 0; i < 10; i++) {
		struct partner_kit_flying old;

		assert_true(partner_kit_hand(k, i % 2, 0, 0, &partner_kit_client));
		old = k->heard[i % 2][PARTNER_HAND];
		partner_kit_run(k, 1000 + 77 * (uint64_t)i);
		partner_kit_restart(k, i % 2);
		partner_kit_run(k, 150);
		if (!partner_kit_both_live(k))
			fail_msg("not live after restart %d", i);
		assert_int_equal(partner_kit_say(k, !(i % 2), bytes_of(old.bytes, old.len)),
				 PARTNER_FORGED);
	}
}

static void both_that_start_at_once_agree(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		partner_kit_open(&kit, seed);
		kit.delay_ms = (uint32_t)seed * 7 % 90;
		kit.jitter_ms = (uint32_t)seed % 5 * 40;
		partner_kit_run(&kit, 1500);
		if (!partner_kit_both_live(&kit))
			fail_msg("seed %u: not live", (unsigned int)seed);
		assert_true(partner_kit_hand(&kit, 0, 0, 0, &partner_kit_client));
		assert_true(partner_kit_hand(&kit, 1, 0, 0, &partner_kit_client));
		partner_kit_run(&kit, 500);
		for (int side = 0; side < 2; side++)
			assert_int_equal(kit.sides[side].took[PARTNER_SEND], 1);
	}
}

static void another_key_is_no_partner(void **state)
{
	partner_kit_open(&kit, 11);
	kit.sides[1].setup.key[31] ^= 1;
	partner_kit_restart(&kit, 1);
	partner_kit_run(&kit, 20000);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(partner_kit_why(&kit, side), PARTNER_NEW);
		assert_true(kit.sides[side].took[PARTNER_FORGED] > 5);
		assert_int_equal(kit.sides[side].took[PARTNER_REPLY], 0);
	}
}

static void a_new_key_is_taken_in_flight(void **state)
{
	static const uint8_t next[PARTNER_KEY_LEN] = "the key that comes after the one";
	struct partner_kit *k = partner_kit_live(&kit, 12);
	uint64_t generation = k->sides[1].p.generation;

	partner_use_key(&k->sides[0].p, next, partner_kit_clock(k, 0));
	for (int i = 0; i < 300; i++) {
		partner_kit_run(k, 100);
		assert_true(partner_kit_both_live(k));
	}
	partner_use_key(&k->sides[1].p, next, partner_kit_clock(k, 1));
	for (int i = 0; i < 1000; i++) {
		partner_kit_run(k, 100);
		assert_true(partner_kit_both_live(k));
	}
	assert_true(k->sides[1].p.generation > generation);
	/* The same again: nothing happens. */
	generation = k->sides[1].p.generation;
	partner_use_key(&k->sides[1].p, next, partner_kit_clock(k, 1));
	partner_kit_run(k, 5000);
	assert_int_equal(k->sides[1].p.generation, generation);
}

static void an_old_key_ends_in_time(void **state)
{
	static const uint8_t next[PARTNER_KEY_LEN] = "the key that comes after the one";
	struct partner_kit *k = partner_kit_live(&kit, 13);

	partner_use_key(&k->sides[0].p, next, partner_kit_clock(k, 0));
	partner_kit_run(k, PARTNER_RETIRE_MS + 1);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_RETIRED);
	partner_kit_run(k, PARTNER_DEAD_MS + PARTNER_BEAT_MS);
	assert_int_equal(partner_kit_why(k, 1), PARTNER_SILENT);
}

static void a_goodbye_is_heard_at_once(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 14);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct bytes bye = partner_bye(&k->sides[1].p, buf);

	k->sides[1].is_off = true;
	assert_int_equal(partner_kit_say(k, 0, bye), PARTNER_TAKEN);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_LEFT);
	assert_int_equal(partner_kit_say(k, 0, bye), PARTNER_STALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_start_and_run_as_they_like),
		cmocka_unit_test(a_dead_partner_is_withdrawn),
		cmocka_unit_test(one_that_does_not_hear_us_is_none),
		cmocka_unit_test(a_restart_makes_a_new_session),
		cmocka_unit_test(both_that_start_at_once_agree),
		cmocka_unit_test(another_key_is_no_partner),
		cmocka_unit_test(a_new_key_is_taken_in_flight),
		cmocka_unit_test(an_old_key_ends_in_time),
		cmocka_unit_test(a_goodbye_is_heard_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
