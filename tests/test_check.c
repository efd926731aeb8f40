/* check: the packets of a trial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/punch/check.h"

static const uint8_t key[32] = { 1, 2, 3 };
static const struct stun_tid tid = { .bytes = { 0x21, 0x12, 0xa4, 0x42, 9, 8, 7 } };

static struct check_keys a, b;

static int setup(void **state)
{
	check_keys_make(&a, key, true);
	check_keys_make(&b, key, false);
	return 0;
}

static void both_sides_make_the_same_keys(void **state)
{
	assert_memory_equal(&a.key, &b.key, sizeof(a.key));
	assert_memory_equal(a.names, b.names, sizeof(a.names));
	assert_memory_not_equal(a.names[0], a.names[1], sizeof(a.names[0]));
	assert_true(a.tie_breaker != b.tie_breaker);
	for (size_t i = 0; i < sizeof(a.names); i++)
		assert_in_range(((uint8_t *)a.names)[i], '+', 'z');
}

static void a_request_is_read_by_the_other_side(void **state)
{
	uint8_t buf[CHECK_BYTES_MAX];
	size_t len = check_write_request(&a, &tid, 11, 3, buf);
	struct check got;

	assert_int_equal(len, 100);
	check_read(&b, bytes_of(buf, len), &got);
	assert_int_equal(got.kind, CHECK_REQUEST);
	assert_true(got.nominates);
	assert_int_equal(got.nomination, 3);
	assert_int_equal(got.step, 11);
	assert_true(stun_tid_equal(&got.tid, &tid));

	len = check_write_request(&b, &tid, 255, 0, buf);
	check_read(&a, bytes_of(buf, len), &got);
	assert_int_equal(got.kind, CHECK_REQUEST);
	assert_int_equal(got.step, 255);
	assert_false(got.nominates);
}

static void only_a_nominates(void **state)
{
	uint8_t buf[CHECK_BYTES_MAX];
	size_t len = check_write_request(&b, &tid, 1, 1, buf);
	struct check got;

	check_read(&a, bytes_of(buf, len), &got);
	assert_int_equal(got.kind, CHECK_REQUEST);
	assert_false(got.nominates);
	assert_int_equal(got.nomination, 1); /* which B follows */
}

static void an_answer_tells_how_we_were_seen(void **state)
{
	const struct addr seen[] = {
		addr_ipv4(203, 0, 113, 9, 40001),
		{ .family = ADDR_IPV6, .port = 9, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
		{ .family = ADDR_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		uint8_t buf[CHECK_BYTES_MAX];
		size_t len = check_write_answer(&b, &tid, &seen[i], buf);
		struct check got;

		assert_true(len > 0 && len <= 96); /* no larger than what it answers */
		check_read(&a, bytes_of(buf, len), &got);
		assert_int_equal(got.kind, CHECK_ANSWER);
		assert_true(addr_equal(&got.mapped, &seen[i]));
	}
}

static void what_is_not_of_this_trial_is_foreign(void **state)
{
	static const uint8_t other[32] = { 9 };
	uint8_t buf[CHECK_BYTES_MAX];
	size_t len = check_write_request(&a, &tid, 1, 1, buf);
	struct check_keys stranger;
	struct check got;

	check_read(&a, bytes_of(buf, len), &got); /* our own that came back */
	assert_int_equal(got.kind, CHECK_FOREIGN);
	check_keys_make(&stranger, other, false);
	check_read(&stranger, bytes_of(buf, len), &got);
	assert_int_equal(got.kind, CHECK_FOREIGN);
	check_read(&b, BYTES(""), &got);
	assert_int_equal(got.kind, CHECK_FOREIGN);
}

/* What such a peer has to understand of them. */
static bool is_of_ice(uint16_t type)
{
	return type == STUN_ATTR_USERNAME || type == STUN_ATTR_PRIORITY ||
	       type == STUN_ATTR_USE_CANDIDATE || type == STUN_ATTR_MESSAGE_INTEGRITY;
}

static void a_path_in_use_names_an_identity(void **state)
{
	static const uint8_t identity[CHECK_IDENTITY_LEN] = { 4, 5, 6 };
	static const size_t lens[] = { 0, CHECK_PADDED_MIN, 548, 1200, 1472 };
	static uint8_t buf[1472];
	struct stun_msg msg;
	struct check got;
	uint16_t unknown;

	for (size_t i = 0; i < 2 * ARRAY_LEN(lens); i++) {
		const struct check_keys *from = i % 2 ? &b : &a, *to = i % 2 ? &a : &b;
		size_t len = check_write_use(from, &tid, identity, lens[i / 2], buf, sizeof(buf));

		assert_true(lens[i / 2] == 0 ? len > 0 && len <= CHECK_BYTES_MAX
					     : len == lens[i / 2]);
		check_read_use(to, bytes_of(buf, len), &got);
		assert_int_equal(got.kind, CHECK_REQUEST);
		assert_true(got.has_identity);
		assert_memory_equal(got.identity, identity, sizeof(identity));
		/* A trial that reads it follows nothing; a WebRTC peer has what it waits for. */
		assert_false(got.nominates);
		assert_int_equal(got.nomination, 0);
		assert_int_equal(stun_msg_parse(bytes_of(buf, len), &msg), STUN_OK);
		assert_int_equal(stun_msg_has(&msg, STUN_ATTR_USE_CANDIDATE), from == &a);
		assert_int_equal(stun_msg_unknown(&msg, is_of_ice, &unknown, 1), 0);
		check_read(to, bytes_of(buf, len), &got);
		assert_int_equal(got.kind, lens[i / 2] == 0 ? CHECK_REQUEST : CHECK_FOREIGN);
	}
	assert_int_equal(check_write_use(&a, &tid, identity, 1473, buf, sizeof(buf)), 0);
	assert_int_equal(check_write_use(&a, &tid, identity, 1476, buf, sizeof(buf)), 0);
	assert_int_equal(check_write_use(&a, &tid, identity, 550, buf, sizeof(buf)), 0);
	assert_int_equal(check_write_use(&a, &tid, identity, 100, buf, sizeof(buf)), 0);
	assert_int_equal(check_write_use(&a, &tid, identity, 0, buf, 60), 0);
}

static void every_changed_bit_is_noticed(void **state)
{
	uint8_t buf[CHECK_BYTES_MAX];
	size_t len = check_write_request(&a, &tid, 1, 1, buf);
	struct check got;

	for (size_t i = 0; i < len * 8; i++) {
		buf[i / 8] ^= (uint8_t)(1u << i % 8);
		check_read(&b, bytes_of(buf, len), &got);
		if (got.kind != CHECK_FOREIGN)
			fail_msg("bit %zu: believed", i);
		buf[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t cut = 0; cut < len; cut++) {
		check_read(&b, bytes_of(buf, cut), &got);
		assert_int_equal(got.kind, CHECK_FOREIGN);
	}
}

static void keys_are_wiped(void **state)
{
	static const struct check_keys zero;
	struct check_keys k;

	check_keys_make(&k, key, true);
	check_keys_wipe(&k);
	assert_memory_equal(&k, &zero, sizeof(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_make_the_same_keys),
		cmocka_unit_test(a_request_is_read_by_the_other_side),
		cmocka_unit_test(only_a_nominates),
		cmocka_unit_test(an_answer_tells_how_we_were_seen),
		cmocka_unit_test(what_is_not_of_this_trial_is_foreign),
		cmocka_unit_test(a_path_in_use_names_an_identity),
		cmocka_unit_test(every_changed_bit_is_noticed),
		cmocka_unit_test(keys_are_wiped),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
