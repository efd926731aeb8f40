/* Two partners in virtual time hear each other: loss, replay, reordering, forgery. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "partner_kit.h"

static struct partner_kit kit;

static void tell_each_other_their_addresses(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 1);
	struct partner_view v;

	partner_view(&k->sides[0].p, &v);
	assert_int_equal(v.faces[0].seen[0].ip[0], 91);
	assert_int_equal(v.faces[0].seen[1].port, 3479);
	assert_int_equal(v.faces[1].seen[0].family, ADDR_IPV6);
	partner_kit_run(k, 60000);
	assert_true(partner_kit_both_live(k));
	assert_true(k->datagrams < 300); /* it goes on quietly */
}

static void stand_a_bad_line(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		int down = 0;

		partner_kit_open(&kit, seed);
		kit.loss_percent[0] = kit.loss_percent[1] = 20;
		kit.double_percent = 10;
		kit.jitter_ms = 300; /* more than from one to the next of a burst */
		partner_kit_run(&kit, 6000);
		for (int i = 0; i < 100; i++) {
			partner_kit_run(&kit, 100);
			down += !partner_kit_both_live(&kit);
		}
		if (down > 10)
			fail_msg("seed %u: down for %d tenths of 10 s", (unsigned int)seed, down);
		for (int side = 0; side < 2; side++)
			assert_int_equal(kit.sides[side].took[PARTNER_FORGED], 0);
	}
}

static void take_what_was_overtaken_once(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 3);
	uint32_t *took = k->sides[1].took;

	k->jitter_ms = 200;
	k->double_percent = 50;
	for (int i = 0; i < 100; i++)
		assert_true(partner_kit_hand(k, 0, 0, i % 2 == 1, &partner_kit_client));
	partner_kit_run(k, 400);
	assert_int_equal(took[PARTNER_SEND], 100);
	assert_true(took[PARTNER_REPLAYED] > 20);
	assert_int_equal(took[PARTNER_FORGED], 0);
}

static void take_nothing_twice(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 4);

	assert_true(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));
	partner_kit_run(k, 700);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(partner_kit_say(k, 1, partner_kit_heard(k, 0, PARTNER_HAND)),
				 PARTNER_REPLAYED);
		assert_int_equal(partner_kit_say(k, 1, partner_kit_heard(k, 0, PARTNER_BEAT)),
				 PARTNER_REPLAYED);
	}
	/* What A said is nothing that B could have said. */
	assert_int_equal(partner_kit_say(k, 0, partner_kit_heard(k, 0, PARTNER_HAND)),
			 PARTNER_FORGED);
	assert_int_equal(partner_kit_say(k, 0, partner_kit_heard(k, 0, PARTNER_BEAT)),
			 PARTNER_FORGED);
	assert_true(partner_kit_both_live(k));
}

/* All that was ever said, again, to both sides, after each restart and while one is dead. */
static void old_sessions_never_come_back(void **state)
{
	static struct partner_kit_flying all[2][PARTNER_TYPES];
	struct partner_kit *k = partner_kit_live(&kit, 5);

	assert_true(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));
	assert_true(partner_kit_hand(k, 1, 0, 0, &partner_kit_client));
	partner_kit_run(k, 700);
	memcpy(all, k->heard, sizeof(all));
	partner_kit_restart(k, 1);
	k->sides[0].is_off = true; /* nothing but what the listener says reaches B */
	memset(k->sides[1].took, 0, sizeof(k->sides[1].took));
	for (int round = 0; round < 50; round++) {
		for (int from = 0; from < 2; from++) {
			for (int type = 1; type < PARTNER_TYPES; type++) {
				struct bytes d = { all[from][type].bytes, all[from][type].len };

				if (d.len > 0)
					(void)partner_kit_say(k, 1, d);
				assert_int_not_equal(partner_kit_why(k, 1), PARTNER_LIVE);
			}
		}
		partner_kit_run(k, 100);
	}
	assert_int_equal(k->sides[1].took[PARTNER_SEND], 0);
	k->sides[0].is_off = false;
	partner_kit_run(k, 6000);
	assert_true(partner_kit_both_live(k));
}

/* What a side asks with is nothing for itself to answer, nor is an answer to it. */
static void nobody_is_the_partner_of_itself(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 23);

	k->sides[1].is_off = true;
	partner_kit_restart(k, 0);
	for (int i = 0; i < 20; i++) {
		partner_kit_run(k, 200);
		assert_int_equal(partner_kit_say(k, 0, partner_kit_heard(k, 0, PARTNER_INIT)),
				 PARTNER_REPLAYED);
		assert_int_equal(partner_kit_why(k, 0), PARTNER_NEW);
	}
}

static void what_was_overtaken_is_no_news(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 24);
	struct partner_kit_flying old;

	k->loss_percent[1] = 100;
	partner_kit_run(k, PARTNER_BEAT_MS);
	k->loss_percent[1] = 0;
	old = k->heard[0][PARTNER_BEAT];
	k->sides[0].p.setup.own[1] = (struct partner_face){ 0 };
	partner_kit_run(k, PARTNER_BEAT_MS + 50);
	assert_false(partner_kit_has(k, 1, 1));
	assert_int_equal(partner_kit_say(k, 1, bytes_of(old.bytes, old.len)), PARTNER_TAKEN);
	assert_false(partner_kit_has(k, 1, 1));
}

static void nobody_has_heard_what_was_not_said(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 25);
	struct partner_session *s = &k->sides[0].p.session;
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_state st = { .heard = k->sides[1].p.session.number + 1 };

	assert_int_equal(partner_kit_say(k, 1,
					 partner_put_beat(buf, sizeof(buf), &s->keys.control_out,
							  s->number + 1, &st)),
			 PARTNER_FORGED);
	st.heard--;
	assert_int_equal(partner_kit_say(k, 1,
					 partner_put_beat(buf, sizeof(buf), &s->keys.control_out,
							  s->number + 1, &st)),
			 PARTNER_TAKEN);
}

static void replays_do_not_end_a_session(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 6);
	uint64_t generation = k->sides[0].p.generation;

	for (int round = 0; round < 100; round++) {
		for (int type = 1; type < PARTNER_TYPES; type++) {
			for (int side = 0; side < 4; side++) {
				struct partner_kit_flying f = k->heard[side % 2][type];

				if (f.len > 0)
					(void)partner_kit_say(k, side / 2,
							      bytes_of(f.bytes, f.len));
			}
		}
		partner_kit_run(k, 50);
		assert_true(partner_kit_both_live(k));
	}
	assert_int_equal(k->sides[0].p.generation, generation);
}

/* Each bit of each message, and each length, with the side that would take it untouched. */
static void forged_and_cut_messages_are_dropped(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 15);

	assert_true(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));
	partner_kit_run(k, 600);
	for (int type = 1; type < PARTNER_TYPES; type++) {
		struct partner_kit_flying f = k->heard[0][type];

		if (f.len == 0)
			f = k->heard[1][type];
		for (size_t i = 0; i < f.len * 8; i++) {
			enum partner_took took;

			f.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			took = partner_kit_say(k, 1, bytes_of(f.bytes, f.len));
			f.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			if (took != PARTNER_FORGED && took != PARTNER_STALE)
				fail_msg("type %d, bit %zu: %s", type, i, partner_took_name(took));
		}
		for (size_t len = 0; len < f.len; len++) {
			enum partner_took took = partner_kit_say(k, 1, bytes_of(f.bytes, len));

			if (took != PARTNER_FORGED && took != PARTNER_STALE)
				fail_msg("type %d, %zu bytes: %s", type, len,
					 partner_took_name(took));
		}
	}
	assert_true(partner_kit_both_live(k));
}

static void strangers_get_nothing(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 16);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;

	for (int type = 1; type < PARTNER_TYPES; type++) {
		const struct partner_kit_flying *f = &k->heard[0][type];
		struct bytes d = { f->bytes, f->len };

		assert_int_equal(
			partner_input(&k->sides[1].p, d, &partner_kit_client, 1000, buf, &out),
			PARTNER_STRANGER);
	}
}

static void answers_are_as_long_as_what_asks(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 17);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;
	struct bytes init;

	partner_kit_restart(k, 0);
	init = partner_next(&k->sides[0].p, partner_kit_clock(k, 0), buf);
	assert_int_equal(partner_input(&k->sides[1].p, init, &k->sides[1].setup.peer,
				       partner_kit_clock(k, 1), buf, &out),
			 PARTNER_REPLY);
	assert_int_equal(out.datagram.len, init.len);
}

static void a_window_takes_each_number_once(void **state)
{
	static struct partner_window w;
	static uint8_t model[5000];
	struct rng rng = rng_seed(21);
	uint64_t top = 0;

	assert_false(partner_window_take(&w, 0));
	for (int i = 0; i < 200000; i++) {
		uint64_t n = 1 + rng_below(&rng, i / 40 < 4990 ? (uint32_t)i / 40 + 9 : 4999);
		bool want = n > top || (top - n < PARTNER_WINDOW && model[n] == 0);

		if (partner_window_take(&w, n) != want)
			fail_msg("number %u, the highest was %u", (unsigned int)n,
				 (unsigned int)top);
		model[n] |= want;
		top = n > top ? n : top;
	}
	assert_true(partner_window_take(&w, UINT64_MAX));
	assert_false(partner_window_take(&w, UINT64_MAX));
	assert_true(partner_window_take(&w, UINT64_MAX - PARTNER_WINDOW + 1));
	assert_false(partner_window_take(&w, UINT64_MAX - PARTNER_WINDOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_each_other_their_addresses),
		cmocka_unit_test(stand_a_bad_line),
		cmocka_unit_test(take_what_was_overtaken_once),
		cmocka_unit_test(take_nothing_twice),
		cmocka_unit_test(old_sessions_never_come_back),
		cmocka_unit_test(nobody_is_the_partner_of_itself),
		cmocka_unit_test(what_was_overtaken_is_no_news),
		cmocka_unit_test(nobody_has_heard_what_was_not_said),
		cmocka_unit_test(replays_do_not_end_a_session),
		cmocka_unit_test(forged_and_cut_messages_are_dropped),
		cmocka_unit_test(strangers_get_nothing),
		cmocka_unit_test(answers_are_as_long_as_what_asks),
		cmocka_unit_test(a_window_takes_each_number_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
