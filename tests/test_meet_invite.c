/* meet, with an address: an invitation, one acceptor or one that serves many, a side never heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "meet_fixture.h"
#include "natprobe/meet/meet_door.h"
#include "natprobe/meet/meet_seal.h"

#define SECOND 1000000u

static struct meet_config acceptor(uint8_t who)
{
	struct meet_config c = { .mode = MEET_ACCEPT };

	memset(c.private_key, who, sizeof(c.private_key));
	return c;
}

static struct meet_config inviter_of(uint8_t who, const char *first)
{
	struct meet_config c = { .mode = MEET_INVITE, .first = bytes_of_str(first) };
	struct meet_config a = acceptor(who);

	assert_true(meet_curve_public(a.private_key, c.public_key));
	return c;
}

static void assert_one_key(const struct meet *a, const struct meet *b)
{
	uint8_t keys[2][MEET_KEY_LEN];

	assert_true(meet_is_a(a));
	assert_false(meet_is_a(b));
	meet_key(a, "application", keys[0]);
	meet_key(b, "application", keys[1]);
	assert_memory_equal(keys[0], keys[1], MEET_KEY_LEN);
}

static void meet_in_one_message(void **state)
{
	struct meet_kit *k = open_kit(1);

	meet_kit_start(k, 0, acceptor(9));
	meet_kit_run(k, SECOND);
	meet_kit_start(k, 1, inviter_of(9, "first"));
	meet_kit_run(k, 51000);
	assert_true(party(1)->is_ready && party(0)->is_ready);
	assert_string_equal(party(0)->received_text, "f");
	assert_one_key(party(1)->m, party(0)->m);
	assert_true(meet_kit_say(k, 0, 'a', 4096));
	assert_true(meet_kit_say(k, 1, 'b', 4096));
	meet_kit_run(k, SECOND);
	assert_string_equal(party(0)->received_text, "fb");
	assert_string_equal(party(1)->received_text, "a");
	meet_leave(party(0)->m, meet_kit_clock(k, 0));
	meet_kit_run(k, SECOND);
	assert_int_equal(party(1)->failure, MEET_LEFT);
}

static bool deafen(struct meet_kit *k, struct meet_kit_message *m)
{
	return m->to != 1;
}

static void the_acceptor_may_never_be_heard(void **state)
{
	struct meet_kit *k = open_kit(2);

	k->lie = deafen;
	k->loss_percent = 30;
	meet_kit_start(k, 0, acceptor(9));
	meet_kit_start(k, 1, inviter_of(9, "first"));
	meet_kit_run(k, 5 * SECOND);
	assert_true(party(0)->is_ready);
	assert_true(meet_kit_say(k, 1, 'x', 100)); /* rides with invitations */
	meet_kit_run(k, 60 * SECOND);
	assert_string_equal(party(0)->received_text, "fx");
	assert_int_equal(party(1)->failure, -1);
	assert_int_equal(party(0)->failure, -1); /* it had nothing to say */
	meet_kit_run(k, 600 * SECOND);
	assert_int_equal(party(1)->failure, MEET_NOBODY);
	assert_true(party(1)->published < 50);
}

static void hear_who_invites_once_more(void **state)
{
	struct meet_kit *k = open_kit(3);

	meet_kit_start(k, 0, acceptor(9));
	meet_kit_start(k, 1, inviter_of(9, "first"));
	meet_kit_run(k, 5 * SECOND);
	assert_true(party(0)->is_ready);
	assert_int_equal(meet_knocks(party(0)->m), 0);
	meet_kit_start(k, 1, inviter_of(9, "again"));
	meet_kit_run(k, 5 * SECOND);
	assert_in_range(meet_knocks(party(0)->m), 1, 16);
	assert_int_equal(party(0)->failure, -1);
}

static void meet_whatever_the_carrier_does(void **state)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct meet_kit *k = open_kit(100 + seed);

		k->loss_percent = 30;
		k->repeat_percent = 20;
		k->jitter_us = 3 * SECOND;
		k->keeps = true;
		if (seed % 2 == 0)
			meet_kit_start(k, 0, acceptor(9));
		meet_kit_start(k, 1, inviter_of(9, "first"));
		meet_kit_run(k, seed * SECOND / 2);
		if (seed % 2 != 0)
			meet_kit_start(k, 0, acceptor(9));
		for (char c = 'a'; c < 'f'; c++)
			assert_true(meet_kit_say(k, 1, c, 1000));
		meet_kit_run(k, 90 * SECOND);
		assert_true(party(0)->is_ready);
		assert_true(meet_kit_say(k, 0, 'y', 3000));
		meet_kit_run(k, 60 * SECOND);
		assert_string_equal(party(0)->received_text, "fabcde");
		assert_string_equal(party(1)->received_text, "y");
		assert_one_key(party(1)->m, party(0)->m);
		meet_kit_close(k);
		*k = (struct meet_kit){ 0 };
	}
}

static void another_address_means_nothing(void **state)
{
	struct meet_kit *k = open_kit(3);
	struct meet_config wrong = inviter_of(8, "first");
	char topic[MEET_TOPIC_MAX];

	meet_kit_start(k, 0, acceptor(9));
	meet_kit_run(k, SECOND);
	memcpy(topic, party(0)->topics[0], sizeof(topic));
	meet_kit_start(k, 1, wrong);
	meet_kit_run(k, SECOND);
	assert_false(party(0)->is_ready);
	for (int i = 0; i < k->kept_count; i++) /* the carrier brings it all the same */
		meet_kit_forge(k, topic, bytes_of(k->kept[0].bytes, k->kept[0].len));
	meet_kit_run(k, SECOND);
	assert_false(party(0)->is_ready);
	assert_int_equal(party(0)->failure, -1);
}

/* The invitation that an inviter's next publication is. */
static struct bytes invitation(struct meet *m, uint64_t now_us)
{
	struct meet_action a;

	for (;;) {
		switch (meet_next(m, now_us, &a)) {
		case MEET_PUBLISH:
			return a.data;
		case MEET_WAIT:
			now_us = a.deadline_us;
			break;
		default:
			break;
		}
	}
}

static struct meet *new_inviter(struct rng *r, const char *first)
{
	struct meet_config c = inviter_of(9, first);

	c.random = meet_kit_draw;
	c.random_arg = r;
	return meet_new(&c, 0);
}

static struct meet_door *open_door(struct rng *r)
{
	struct meet_config a = acceptor(9);

	return meet_door_new(a.private_key, meet_kit_draw, r, 0);
}

static void a_door_lets_each_in_once(void **state)
{
	struct rng r = rng_seed(4);
	struct meet_door *d = open_door(&r);
	struct meet *inviters[3], *served[3];
	struct meet_action a;

	for (int i = 0; i < 3; i++) {
		struct bytes data;

		inviters[i] = new_inviter(&r, i == 0 ? "a" : i == 1 ? "b" : "c");
		data = invitation(inviters[i], 0);
		served[i] = meet_door_admit(d, data, 10);
		assert_non_null(served[i]);
		assert_null(meet_door_admit(d, data, 20)); /* the same bytes */
		assert_null(meet_door_admit(d, invitation(inviters[i], 0), 30)); /* goes on */
		assert_int_equal(meet_next(served[i], 30, &a), MEET_SUBSCRIBE);
		assert_int_equal(meet_next(served[i], 30, &a), MEET_READY);
		assert_int_equal(meet_next(served[i], 30, &a), MEET_MESSAGE);
		assert_int_equal(a.data.data[0], 'a' + i);
		assert_one_key(inviters[i], served[i]);
	}
	for (int i = 0; i < 3; i++) {
		struct bytes data;

		assert_true(meet_send(inviters[i], BYTES("more"), 40));
		data = invitation(inviters[i], 40);
		for (int j = 0; j < 3; j++)
			meet_on_message(served[j], meet_door_topic(d), data, 50);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(meet_next(served[i], 60, &a), MEET_MESSAGE);
		assert_int_equal(a.data.data[0], 'm');
		assert_int_not_equal(meet_next(served[i], 60, &a), MEET_MESSAGE);
		meet_free(served[i]);
		meet_free(inviters[i]);
	}
	meet_door_free(d);
}

static void a_door_is_not_run_down(void **state)
{
	struct rng r = rng_seed(5);
	struct meet_door *d = open_door(&r);
	int count = 0;

	for (int i = 0; i < 100; i++) {
		struct meet *inviter = new_inviter(&r, "x");
		struct meet *m = meet_door_admit(d, invitation(inviter, 0), 1000);

		count += m != NULL ? 1 : 0;
		meet_free(m);
		meet_free(inviter);
	}
	assert_int_equal(count, MEET_DOOR_BURST);
	for (int i = 0; i < 20; i++) {
		struct meet *inviter = new_inviter(&r, "x");
		struct meet *m = meet_door_admit(d, invitation(inviter, 0), 10 * SECOND);

		count += m != NULL ? 1 : 0;
		meet_free(m);
		meet_free(inviter);
	}
	assert_int_equal(count, MEET_DOOR_BURST + 10);
	meet_door_free(d);
}

/* An acceptor that forgot: the same invitation again must not have it use a key again. */
static void seals_anew_after_a_restart(void **state)
{
	struct rng r = rng_seed(6);
	struct meet *inviter = new_inviter(&r, "x");
	uint8_t first[MEET_ENVELOPE_MAX], answers[2][64];
	struct bytes data = invitation(inviter, 0);
	size_t len = data.len;

	memcpy(first, data.data, len);
	for (int i = 0; i < 2; i++) {
		struct meet_door *d = open_door(&r);
		struct meet *m = meet_door_admit(d, bytes_of(first, len), 10);

		assert_non_null(m);
		data = invitation(m, 20);
		assert_true(data.len > 64);
		memcpy(answers[i], data.data, 64);
		meet_free(m);
		meet_door_free(d);
	}
	assert_memory_equal(answers[0], answers[1], 12); /* head and tag */
	assert_memory_not_equal(answers[0] + 12, answers[1] + 12, 16);
	assert_memory_not_equal(answers[0] + 36, answers[1] + 36, 28);
	meet_free(inviter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(meet_in_one_message, close_kit),
		cmocka_unit_test_teardown(the_acceptor_may_never_be_heard, close_kit),
		cmocka_unit_test_teardown(hear_who_invites_once_more, close_kit),
		cmocka_unit_test_teardown(meet_whatever_the_carrier_does, close_kit),
		cmocka_unit_test_teardown(another_address_means_nothing, close_kit),
		cmocka_unit_test(a_door_lets_each_in_once),
		cmocka_unit_test(a_door_is_not_run_down),
		cmocka_unit_test(seals_anew_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
