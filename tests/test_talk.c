/* talk: what two sides say is read as it was meant, and both agree on the same. */
#include "natprobe/pair/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "natprobe/planning/strategy.h"

static struct peer_profile one_path(void)
{
	struct peer_profile p = { .path_count = 1 };

	p.paths[0].family = ADDR_IPV4;
	p.paths[0].local = addr_ipv4(192, 168, 1, 2, 0);
	p.paths[0].local_prefix_len = 24;
	return p;
}

static void test_terms_arrive(void **state)
{
	const struct talk_terms terms = { .only = PUNCH_BIT(PUNCH_TCP),
					  .trials = 12,
					  .hold_s = 30,
					  .sockets_max = 64,
					  .has_relay = true };
	const struct peer_profile profile = one_path();
	uint8_t buf[TALK_BYTES_MAX];
	struct talk t;
	size_t len = talk_write_terms(&terms, &profile, buf, sizeof(buf));

	assert_true(len > 0);
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_TERMS);
	assert_int_equal(t.terms.only, PUNCH_BIT(PUNCH_TCP));
	assert_int_equal(t.terms.trials, 12);
	assert_int_equal(t.terms.hold_s, 30);
	assert_int_equal(t.terms.sockets_max, 64);
	assert_true(t.terms.has_relay);
	assert_int_equal(t.profile.path_count, 1);
	for (size_t cut = 0; cut < 18; cut++) {
		talk_read(bytes_of(buf, cut), &t);
		assert_int_equal(t.kind, TALK_FOREIGN);
	}
	assert_int_equal(talk_write_terms(&terms, &profile, buf, 20), 0);
}

/* Behind all that a side which knows none of it reads: its own words are the same without. */
static void test_a_fingerprint_is_optional(void **state)
{
	const struct peer_profile profile = one_path();
	struct talk_terms terms = { .trials = 1, .has_fingerprint = true };
	uint8_t with[TALK_BYTES_MAX], without[TALK_BYTES_MAX];
	struct talk t, plain;
	size_t len, plain_len;

	memset(terms.fingerprint, 0xfe, sizeof(terms.fingerprint));
	len = talk_write_terms(&terms, &profile, with, sizeof(with));
	terms.has_fingerprint = false;
	plain_len = talk_write_terms(&terms, &profile, without, sizeof(without));
	assert_int_equal(len, plain_len + 3 + TALK_FINGERPRINT_LEN);
	assert_memory_equal(with, without, plain_len);
	talk_read(bytes_of(with, len), &t);
	talk_read(bytes_of(without, plain_len), &plain);
	assert_int_equal(t.kind, TALK_TERMS);
	assert_true(t.terms.has_fingerprint);
	assert_memory_equal(t.terms.fingerprint, terms.fingerprint, TALK_FINGERPRINT_LEN);
	assert_memory_equal(&t.profile, &plain.profile, sizeof(t.profile));
	assert_false(plain.terms.has_fingerprint);
	/* One of another length is none, one that is cut is no message. */
	talk_read(bytes_of(with, len - 1), &t);
	assert_int_equal(t.kind, TALK_FOREIGN);
	with[plain_len + 2]--;
	talk_read(bytes_of(with, len - 1), &t);
	assert_int_equal(t.kind, TALK_TERMS);
	assert_false(t.terms.has_fingerprint);
	terms.has_fingerprint = true;
	assert_int_equal(talk_write_terms(&terms, &profile, with, len - 1), 0);
	assert_true(talk_agree(&terms, &terms, &terms));
	assert_false(terms.has_fingerprint);
}

static void test_messages_of_a_trial_arrive(void **state)
{
	uint8_t buf[64];
	struct talk t;
	size_t len = talk_write_tell(7, bytes_of_str("offer"), buf, sizeof(buf));

	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_TELL);
	assert_int_equal(t.trial, 7);
	assert_int_equal(t.data.len, 5);
	assert_memory_equal(t.data.data, "offer", 5);
	len = talk_write_done(8, buf, TALK_HEAD_MAX);
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_DONE);
	assert_int_equal(t.trial, 8);
	len = talk_write_started(9, buf, TALK_HEAD_MAX);
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_STARTED);
	assert_int_equal(t.trial, 9);
	len = talk_write_again(10, buf, TALK_HEAD_MAX);
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_AGAIN);
	assert_int_equal(t.trial, 10);
	buf[0] = 99;
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_FOREIGN);
}

static void test_terms_have_bounds(void **state)
{
	const struct peer_profile profile = one_path();
	struct talk_terms terms = { .trials = TALK_TRIALS_MAX + 1 };
	uint8_t buf[TALK_BYTES_MAX];
	struct talk t;
	size_t len = talk_write_terms(&terms, &profile, buf, sizeof(buf));

	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_FOREIGN);
	terms = (struct talk_terms){ .trials = 1, .hold_s = TALK_HOLD_MAX_S + 1 };
	len = talk_write_terms(&terms, &profile, buf, sizeof(buf));
	talk_read(bytes_of(buf, len), &t);
	assert_int_equal(t.kind, TALK_FOREIGN);
}

static void test_both_agree(void **state)
{
	const struct talk_terms a = { .trials = 1, .sockets_max = 100 };
	const struct talk_terms b = { .only = PUNCH_BIT(PUNCH_TCP) | PUNCH_BIT(PUNCH_DIRECT),
				      .trials = 5,
				      .hold_s = 9,
				      .has_relay = true };
	struct talk_terms c = { .only = PUNCH_BIT(PUNCH_TCP), .trials = 1, .sockets_max = 20 };
	struct talk_terms one, other;

	assert_true(talk_agree(&a, &b, &one));
	assert_true(talk_agree(&b, &a, &other));
	assert_memory_equal(&one, &other, sizeof(one));
	assert_int_equal(one.only, b.only);
	assert_int_equal(one.trials, 5);
	assert_int_equal(one.hold_s, 9);
	assert_int_equal(one.sockets_max, 100);
	assert_true(one.has_relay);
	assert_true(talk_agree(&b, &c, &one));
	assert_int_equal(one.only, PUNCH_BIT(PUNCH_TCP));
	assert_true(talk_agree(&a, &c, &one));
	assert_int_equal(one.sockets_max, 20);
	c.only = PUNCH_BIT(PUNCH_RELAY);
	assert_false(talk_agree(&b, &c, &one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms_arrive),
		cmocka_unit_test(test_a_fingerprint_is_optional),
		cmocka_unit_test(test_messages_of_a_trial_arrive),
		cmocka_unit_test(test_terms_have_bounds),
		cmocka_unit_test(test_both_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
