/* meet, with a code: forged messages, replays, floods, and a rendezvous that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "meet_fixture.h"
#include "natprobe/meet/meet_state.h"

#define CODE   "37-copper-violin-harbor"
#define OTHER  "37-tiger-velvet-umbrella"
#define TOPIC  "natkit/c/37"
#define SECOND 1000000u

static struct bytes forged(struct rng *r, uint8_t *buf, enum meet_type type, size_t len)
{
	struct wire_out w = wire_write(buf, MEET_ENVELOPE_MAX);

	meet_put_head(&w, type);
	rng_fill(r, wire_room(&w, len), len);
	return wire_written(&w);
}

static const size_t lengths[MEET_TYPES] = {
	[MEET_HELLO] = 16,   [MEET_SHARE] = 97,       [MEET_REPLY] = 129, [MEET_CONFIRM] = 64,
	[MEET_CHANNEL] = 80, [MEET_INVITATION] = 120, [MEET_ANSWER] = 90,
};

/* Right in form, with nonces and points by lot: nothing that costs a guess. */
static void garbage_burns_no_code(void **state)
{
	struct meet_kit *k = open_kit(1);
	uint8_t buf[MEET_ENVELOPE_MAX];

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	for (int i = 0; i < 2000; i++) {
		enum meet_type type = (enum meet_type)(2 + rng_below(&k->rng, MEET_TYPES - 2));
		size_t len = lengths[type] - rng_below(&k->rng, 3) / 2;

		meet_kit_forge(k, TOPIC, forged(&k->rng, buf, type, len));
		if (i % 10 == 0)
			meet_kit_run(k, 1000);
	}
	meet_kit_run(k, 10 * SECOND);
	assert_met(0, 1);
}

/* Shares for the hello that one side said, with points that are none. */
static void no_points_burn_no_code(void **state)
{
	struct meet_kit *k = open_kit(2);
	uint8_t buf[MEET_ENVELOPE_MAX];

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, SECOND);
	for (int i = 0; i < 20; i++) {
		struct wire_out w = wire_write(buf, sizeof(buf));

		meet_put_head(&w, i % 2 == 0 ? MEET_SHARE : MEET_REPLY);
		if (i % 2 == 0) {
			wire_put_zeros(&w, MEET_NONCE_LEN);
			wire_put_mem(&w, k->kept[0].bytes + 4, MEET_NONCE_LEN);
		} else {
			wire_put_mem(&w, k->kept[0].bytes + 4, MEET_NONCE_LEN);
			memset(wire_room(&w, MEET_NONCE_LEN), 0xff, MEET_NONCE_LEN);
		}
		rng_fill(&k->rng, wire_room(&w, 65), 65);
		buf[4 + 2 * MEET_NONCE_LEN] = 4;
		if (i % 2 != 0)
			wire_put_zeros(&w, SPAKE2_MAC_LEN);
		meet_kit_forge(k, TOPIC, wire_written(&w));
		meet_kit_run(k, SECOND);
	}
	assert_int_equal(party(0)->failure, -1);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 5 * SECOND);
	assert_met(0, 1);
}

static void a_flood_of_hellos_costs_little(void **state)
{
	struct meet_kit *k = open_kit(3);
	uint8_t buf[MEET_ENVELOPE_MAX];

	meet_kit_code(k, 0, CODE);
	for (int i = 0; i < 20000; i++) {
		meet_kit_forge(k, TOPIC, forged(&k->rng, buf, MEET_HELLO, 16));
		meet_kit_run(k, 500);
	}
	/* 10 s: the budget, and a little of what repeats */
	assert_true(party(0)->published < 300);
	assert_int_equal(party(0)->failure, -1);
	meet_kit_run(k, 60 * SECOND);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 30 * SECOND);
	assert_met(0, 1);
	assert_true(party(0)->published < 500);
}

/* Somebody tries codes: each try is a run of its own, with a hello that is larger or smaller. */
static void only_one_guess_is_answered(void **state)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct meet_kit *k = open_kit(100 + seed);
		int answered = 0;
		char guess[64];

		meet_kit_code(k, 0, CODE);
		for (int i = 1; i < MEET_KIT_PARTIES; i++) {
			(void)snprintf(guess, sizeof(guess), "37-tiger-velvet-%s",
				       i % 2 == 0 ? "umbrella" : "window");
			meet_kit_code(k, i, guess);
		}
		/* they do not play by the rules: none of them minds the others */
		meet_kit_run(k, 60 * SECOND);
		for (int i = 0; i < k->kept_count; i++) {
			const struct meet_kit_message *m = &k->kept[i];

			if (m->from == 0 &&
			    (m->bytes[3] == MEET_REPLY || m->bytes[3] == MEET_CONFIRM) &&
			    (answered == 0 ||
			     memcmp(k->kept[answered].bytes + 4, m->bytes + 4, 32) != 0)) {
				assert_int_equal(answered, 0); /* to one run alone */
				answered = i;
			}
		}
		assert_int_not_equal(answered, 0);
		assert_false(party(0)->is_ready);
		assert_true(party(0)->failure == MEET_WRONG_CODE || party(0)->failure == MEET_GONE);
		meet_kit_close(k);
		*k = (struct meet_kit){ 0 };
	}
}

/* A share, and then silence: the guess is spent, and nobody else is answered. */
static void a_guess_is_not_answered_twice(void **state)
{
	struct meet_kit *k = open_kit(5);
	uint8_t buf[MEET_ENVELOPE_MAX], w[SPAKE2_NUMBER_LEN] = { [31] = 9 };
	uint8_t x[SPAKE2_NUMBER_LEN] = { [31] = 5 };
	struct spake2 run;
	int replies[3] = { 0 };

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, SECOND);
	assert_true(spake2_start(&run, true, w, x));
	for (uint8_t i = 0; i < 3; i++) {
		struct wire_out out = wire_write(buf, sizeof(buf));
		uint8_t nonce[MEET_NONCE_LEN] = { [15] = i };

		meet_put_head(&out, MEET_SHARE);
		wire_put_mem(&out, nonce, sizeof(nonce));
		wire_put_mem(&out, k->kept[0].bytes + 4, MEET_NONCE_LEN);
		wire_put_mem(&out, run.share, sizeof(run.share));
		meet_kit_forge(k, TOPIC, wire_written(&out));
		meet_kit_run(k, SECOND);
	}
	meet_kit_run(k, 40 * SECOND);
	for (int i = 0; i < k->kept_count; i++) {
		if (k->kept[i].bytes[3] == MEET_REPLY)
			replies[k->kept[i].bytes[19]]++;
	}
	assert_in_range(replies[0], 1, 20);
	assert_int_equal(replies[1] + replies[2], 0);
	assert_int_equal(party(0)->failure, MEET_GONE);
}

/* Two shares of one number, of side A and of side B, would give the password away. */
static void every_share_has_a_number_of_its_own(void **state)
{
	struct meet_kit *k = open_kit(10);
	const uint8_t *shares[16];
	uint8_t buf[MEET_ENVELOPE_MAX];
	int count = 0;

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, 1000);
	for (uint8_t i = 0; i < 4; i++) {
		struct wire_out w = wire_write(buf, sizeof(buf));

		meet_put_head(&w, MEET_HELLO);
		memset(wire_room(&w, MEET_NONCE_LEN), 0xff, MEET_NONCE_LEN);
		buf[19] = i;
		meet_kit_forge(k, TOPIC, wire_written(&w));
	}
	meet_kit_run(k, 1000);
	for (int i = 0; i < k->kept_count; i++) {
		if (k->kept[i].bytes[3] == MEET_SHARE)
			shares[count++] = k->kept[i].bytes + 36;
	}
	assert_int_equal(count, 4);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(shares[i], shares[j], SPAKE2_SHARE_LEN);
	}
}

static void put_share(struct wire_out *w, const uint8_t *a, const uint8_t *b)
{
	static const uint8_t number[SPAKE2_NUMBER_LEN] = { [31] = 9 };
	struct spake2 run;

	assert_true(spake2_start(&run, true, number, number));
	meet_put_head(w, MEET_SHARE);
	wire_put_mem(w, a, MEET_NONCE_LEN);
	wire_put_mem(w, b, MEET_NONCE_LEN);
	wire_put_mem(w, run.share, sizeof(run.share));
}

static int count_of(const struct meet_kit *k, int from, enum meet_type type)
{
	int count = 0;

	for (int i = 0; i < k->kept_count; i++)
		count += k->kept[i].from == from && k->kept[i].bytes[3] == type ? 1 : 0;
	return count;
}

/* Somebody with the larger hello cannot be side A: we are, and have a share out for it. */
static void sides_are_not_chosen(void **state)
{
	struct meet_kit *k = open_kit(11);
	uint8_t buf[MEET_ENVELOPE_MAX], largest[MEET_NONCE_LEN];
	struct wire_out w = wire_write(buf, sizeof(buf));

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, 1000);
	memset(largest, 0xff, sizeof(largest));
	put_share(&w, largest, k->kept[0].bytes + 4);
	meet_kit_forge(k, TOPIC, wire_written(&w));
	meet_kit_run(k, 5 * SECOND);
	assert_int_equal(count_of(k, 0, MEET_REPLY), 0);
	w = wire_write(buf, sizeof(buf));
	put_share(&w, k->kept[0].bytes + 4, k->kept[0].bytes + 4); /* our own hello */
	meet_kit_forge(k, TOPIC, wire_written(&w));
	meet_kit_run(k, 5 * SECOND);
	assert_int_equal(count_of(k, 0, MEET_REPLY), 0);
}

/* A wrong confirmation burns the run that it names, and no other. */
static void others_confirmations_burn_no_code(void **state)
{
	struct meet_kit *k = open_kit(12);
	uint8_t buf[MEET_ENVELOPE_MAX], smallest[MEET_NONCE_LEN] = { 0 };
	struct wire_out w = wire_write(buf, sizeof(buf));

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, 1000);
	put_share(&w, smallest, k->kept[0].bytes + 4);
	meet_kit_forge(k, TOPIC, wire_written(&w));
	meet_kit_run(k, SECOND);
	assert_in_range(count_of(k, 0, MEET_REPLY), 1, 3);
	for (uint8_t other = 2; other-- > 0;) { /* at last its own */
		w = wire_write(buf, sizeof(buf));
		smallest[15] = other;
		meet_put_head(&w, MEET_CONFIRM);
		wire_put_mem(&w, smallest, sizeof(smallest));
		wire_put_mem(&w, k->kept[0].bytes + 4, MEET_NONCE_LEN);
		wire_put_zeros(&w, SPAKE2_MAC_LEN);
		meet_kit_forge(k, TOPIC, wire_written(&w));
		meet_kit_run(k, SECOND);
		assert_int_equal(party(0)->failure, other == 1 ? -1 : MEET_WRONG_CODE);
	}
}

/* Everything that was ever said, said again, at every stage. */
static void replays_mean_nothing(void **state)
{
	struct meet_kit *k = open_kit(6);
	int said, published[2];

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 5 * SECOND);
	assert_true(meet_kit_say(k, 0, 'a', 5));
	assert_true(meet_kit_say(k, 1, 'b', 5));
	meet_kit_run(k, 5 * SECOND);
	assert_met(0, 1);
	for (int i = 0; i < 2; i++)
		published[i] = party(i)->published;
	said = k->kept_count;
	for (int again = 0; again < 3; again++) {
		for (int i = 0; i < said; i++) {
			meet_kit_forge(k, TOPIC, bytes_of(k->kept[i].bytes, k->kept[i].len));
			meet_kit_run(k, 10000);
		}
	}
	meet_kit_run(k, 100 * SECOND);
	assert_met(0, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(party(i)->received, 1);
		assert_int_equal(party(i)->published, published[i]);
	}
	meet_kit_code(k, 0, CODE); /* a new run, into the same */
	meet_kit_code(k, 1, CODE);
	for (int i = 0; i < said; i++) {
		meet_kit_forge(k, TOPIC, bytes_of(k->kept[i].bytes, k->kept[i].len));
		meet_kit_run(k, 5000);
	}
	meet_kit_run(k, 10 * SECOND);
	assert_met(0, 1);
	assert_int_equal(party(0)->received + party(1)->received, 0);
}

/* Parties 0 and 1 have one code, 2 and 3 another one: what 0 says reaches 2, and so on. */
static bool swap_peers(struct meet_kit *k, struct meet_kit_message *m)
{
	return m->from < 0 || m->from == m->to || (m->from & 1) == (m->to & 1);
}

static void swapped_peers_find_out(void **state)
{
	struct meet_kit *k = open_kit(7);

	k->lie = swap_peers;
	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_code(k, 2, OTHER);
	meet_kit_code(k, 3, OTHER);
	meet_kit_run(k, 60 * SECOND);
	for (int i = 0; i < 4; i++) {
		assert_false(party(i)->is_ready);
		assert_int_equal(party(i)->failure, MEET_WRONG_CODE);
	}
}

/* Changes a byte, anywhere, of everything that is not a hello. */
static bool spoil(struct meet_kit *k, struct meet_kit_message *m)
{
	if (m->bytes[3] != MEET_HELLO)
		m->bytes[rng_below(&k->rng, m->len)] ^= (uint8_t)(1u << rng_below(&k->rng, 8));
	return true;
}

static void spoilt_messages_make_no_keys(void **state)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct meet_kit *k = open_kit(200 + seed);

		k->lie = spoil;
		meet_kit_code(k, 0, CODE);
		meet_kit_code(k, 1, CODE);
		meet_kit_run(k, 100 * SECOND);
		/* a flip in an unread place is none: side A may have found keys, B cannot believe it */
		assert_false(party(0)->is_ready && party(1)->is_ready);
		meet_kit_close(k);
		*k = (struct meet_kit){ 0 };
	}
}

/* In the middle, with everything both say, and no code. */
static bool in_the_middle(struct meet_kit *k, struct meet_kit_message *m)
{
	static const uint8_t number[SPAKE2_NUMBER_LEN] = { [31] = 3 };
	struct spake2 run;

	if (m->bytes[3] != MEET_SHARE && m->bytes[3] != MEET_REPLY)
		return true;
	assert_true(spake2_start(&run, m->bytes[3] == MEET_SHARE, number, number));
	memcpy(m->bytes + 36, run.share, sizeof(run.share));
	return true;
}

static void who_is_in_the_middle_learns_nothing(void **state)
{
	struct meet_kit *k = open_kit(8);

	k->lie = in_the_middle;
	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 60 * SECOND);
	for (int i = 0; i < 2; i++) {
		assert_false(party(i)->is_ready);
		assert_int_equal(party(i)->failure, MEET_WRONG_CODE);
	}
}

static void another_version_is_told_apart_from_nobody(void **state)
{
	struct meet_kit *k = open_kit(9);

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, SECOND);
	meet_kit_forge(k, TOPIC, BYTES("nk\2\1and whatever follows then"));
	meet_kit_run(k, 600 * SECOND);
	assert_int_equal(party(0)->failure, MEET_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(garbage_burns_no_code, close_kit),
		cmocka_unit_test_teardown(no_points_burn_no_code, close_kit),
		cmocka_unit_test_teardown(a_flood_of_hellos_costs_little, close_kit),
		cmocka_unit_test_teardown(only_one_guess_is_answered, close_kit),
		cmocka_unit_test_teardown(a_guess_is_not_answered_twice, close_kit),
		cmocka_unit_test_teardown(every_share_has_a_number_of_its_own, close_kit),
		cmocka_unit_test_teardown(sides_are_not_chosen, close_kit),
		cmocka_unit_test_teardown(others_confirmations_burn_no_code, close_kit),
		cmocka_unit_test_teardown(replays_mean_nothing, close_kit),
		cmocka_unit_test_teardown(swapped_peers_find_out, close_kit),
		cmocka_unit_test_teardown(spoilt_messages_make_no_keys, close_kit),
		cmocka_unit_test_teardown(who_is_in_the_middle_learns_nothing, close_kit),
		cmocka_unit_test_teardown(another_version_is_told_apart_from_nobody, close_kit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
