/* Nonces without state: every verdict, and each edge of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd/nonce.h"
#include "alloc_count.h"
#include "base64.h"
#include "rng.h"

#define NOW      UINT64_C(1800000000)
#define LIFE     600
#define FEATURES (STUN_FEATURE_PASSWORD_ALGORITHMS | STUN_FEATURE_USERNAME_ANONYMITY)

static const uint8_t key_a[NONCE_KEY_LEN] = "0123456789abcdef0123456789ABCDE";
static const uint8_t key_b[NONCE_KEY_LEN] = "fedcba98765432100123456789ABCDE";
static const uint8_t key_c[NONCE_KEY_LEN] = "another key that is one of three";

struct rig {
	struct nonce_keys keys;
	struct addr client;
	char text[NONCE_LEN];
	struct nonce_facts facts;
};

static struct rig rig_new(void)
{
	struct rig r = { .client = addr_ipv4(192, 0, 2, 7, 40000) };

	nonce_keys_init(&r.keys, key_a, NULL, LIFE);
	nonce_make(&r.keys, &r.client, FEATURES, NOW, r.text);
	return r;
}

static enum nonce_verdict check(struct rig *r, const struct addr *from, uint64_t now_s)
{
	return nonce_check(&r->keys, bytes_of(r->text, NONCE_LEN), from, now_s, &r->facts);
}

static void assert_no_facts(const struct rig *r)
{
	assert_int_equal(r->facts.features, 0);
	assert_int_equal(r->facts.left_s, 0);
}

static void a_nonce_is_short_plain_text_with_the_cookie(void **state)
{
	struct rig r = rig_new();
	uint32_t features;

	assert_true(NONCE_LEN < 128);
	for (size_t i = 0; i < NONCE_LEN; i++) { /* qdtext of RFC 3261 without a quote */
		assert_in_range(r.text[i], '!', '~');
		assert_true(r.text[i] != '"' && r.text[i] != '\\');
	}
	assert_true(stun_nonce_cookie_get(bytes_of(r.text, NONCE_LEN), &features));
	assert_int_equal(features, FEATURES);
}

static void a_nonce_is_fresh_for_its_life_and_tells_how_much_is_left(void **state)
{
	struct rig r = rig_new();

	assert_int_equal(check(&r, &r.client, NOW), NONCE_FRESH);
	assert_int_equal(r.facts.features, FEATURES);
	assert_int_equal(r.facts.left_s, LIFE);
	assert_int_equal(check(&r, &r.client, NOW + LIFE - 1), NONCE_FRESH);
	assert_int_equal(r.facts.left_s, 1);
	assert_int_equal(check(&r, &r.client, NOW + LIFE), NONCE_STALE);
	assert_no_facts(&r);
	assert_int_equal(check(&r, &r.client, UINT64_MAX), NONCE_STALE);
	assert_int_equal(check(&r, &r.client, 0), NONCE_STALE);
}

static void a_fleet_s_clocks_may_differ_a_little(void **state)
{
	struct rig r = rig_new();

	assert_int_equal(check(&r, &r.client, NOW - NONCE_SKEW_S), NONCE_FRESH);
	assert_int_equal(r.facts.left_s, LIFE);
	assert_int_equal(check(&r, &r.client, NOW - NONCE_SKEW_S - 1), NONCE_STALE);
}

static void a_life_of_zero_is_one_second(void **state)
{
	struct rig r = rig_new();

	nonce_keys_init(&r.keys, key_a, NULL, 0);
	assert_int_equal(check(&r, &r.client, NOW), NONCE_FRESH);
	assert_int_equal(check(&r, &r.client, NOW + 1), NONCE_STALE);
}

static void another_address_is_told_from_another_port(void **state)
{
	struct rig r = rig_new();
	struct addr port = addr_with_port(&r.client, 40001);
	struct addr ip = addr_ipv4(192, 0, 2, 8, 40000);
	struct addr both = addr_ipv4(192, 0, 2, 8, 1);

	assert_int_equal(check(&r, &port, NOW), NONCE_OTHER_PORT);
	assert_int_equal(r.facts.features, FEATURES);
	assert_int_equal(r.facts.left_s, LIFE);
	assert_int_equal(check(&r, &ip, NOW), NONCE_OTHER_ADDRESS);
	assert_no_facts(&r);
	assert_int_equal(check(&r, &both, NOW), NONCE_OTHER_ADDRESS);
	assert_int_equal(check(&r, &both, NOW + LIFE), NONCE_STALE);
}

/* All 128 bits of an IPv6 address count, and its family does. */
static void each_bit_of_an_address_counts(void **state)
{
	struct rig r = rig_new();
	struct addr v6, other, v4;

	assert_true(addr_parse("[2001:db8::7]:3478", 0, &v6));
	nonce_make(&r.keys, &v6, 0, NOW, r.text);
	assert_int_equal(check(&r, &v6, NOW), NONCE_FRESH);
	for (unsigned bit = 0; bit < 128; bit++) {
		other = v6;
		other.ip[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (check(&r, &other, NOW) != NONCE_OTHER_ADDRESS)
			fail_msg("bit %u: accepted", bit);
	}
	v4 = addr_ipv4(0x20, 0x01, 0x0d, 0xb8, 3478);
	memset(v6.ip + 4, 0, 12);
	nonce_make(&r.keys, &v6, 0, NOW, r.text);
	assert_int_equal(check(&r, &v4, NOW), NONCE_OTHER_ADDRESS);
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
	struct rig r = rig_new();
	struct addr mapped;

	assert_true(addr_parse("[::ffff:192.0.2.7]:40000", 0, &mapped));
	assert_int_equal(check(&r, &mapped, NOW), NONCE_FRESH);
}

static void another_port_or_second_gets_another_nonce(void **state)
{
	struct rig r = rig_new();
	struct addr port = addr_with_port(&r.client, 40001);
	char other[NONCE_LEN];

	nonce_make(&r.keys, &r.client, FEATURES, NOW, other);
	assert_memory_equal(other, r.text, NONCE_LEN);
	nonce_make(&r.keys, &port, FEATURES, NOW, other);
	assert_memory_not_equal(other, r.text, NONCE_LEN);
	nonce_make(&r.keys, &r.client, FEATURES, NOW + 1, other);
	assert_memory_not_equal(other, r.text, NONCE_LEN);
}

/* Who sees two nonces of different seconds, or ports, learns nothing of whose they are. */
static void the_tag_of_an_address_is_another_one_each_second(void **state)
{
	struct rig r = rig_new();
	struct addr port = addr_with_port(&r.client, 40001);
	uint8_t tags[12][8];

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		uint8_t body[24];
		char text[NONCE_LEN];
		size_t len;

		nonce_make(&r.keys, i % 2 == 0 ? &r.client : &port, FEATURES, NOW + i / 2, text);
		assert_true(base64_get(
			bytes_of(text + STUN_NONCE_COOKIE_LEN, NONCE_LEN - STUN_NONCE_COOKIE_LEN),
			body, sizeof(body), &len));
		assert_int_equal(len, sizeof(body));
		memcpy(tags[i], body + 8, sizeof(tags[i]));
		for (size_t other = 0; other < i; other++)
			assert_memory_not_equal(tags[i], tags[other], sizeof(tags[i]));
	}
}

/* The cookie too: who bids it down has forged the nonce. */
static void every_changed_bit_makes_a_forgery(void **state)
{
	struct rig r = rig_new();

	for (size_t i = 0; i < NONCE_LEN; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			r.text[i] = (char)(r.text[i] ^ 1 << bit);
			if (check(&r, &r.client, NOW) != NONCE_FORGED)
				fail_msg("byte %zu, bit %u: accepted", i, bit);
			assert_no_facts(&r);
			r.text[i] = (char)(r.text[i] ^ 1 << bit);
		}
	}
	assert_int_equal(check(&r, &r.client, NOW), NONCE_FRESH);
}

static void a_cookie_with_other_features_makes_a_forgery(void **state)
{
	struct rig r = rig_new();

	for (unsigned bit = 0; bit < 24; bit++) {
		stun_nonce_cookie_put(FEATURES ^ 1u << bit, r.text);
		if (check(&r, &r.client, NOW) != NONCE_FORGED)
			fail_msg("feature %u: accepted", bit);
	}
}

static void other_lengths_are_forgeries(void **state)
{
	struct rig r = rig_new();
	uint8_t longer[763];

	memset(longer, 'A', sizeof(longer));
	memcpy(longer, r.text, NONCE_LEN);
	for (size_t len = 0; len <= sizeof(longer); len++) {
		if (len == NONCE_LEN)
			continue;
		assert_int_equal(
			nonce_check(&r.keys, bytes_of(longer, len), &r.client, NOW, &r.facts),
			NONCE_FORGED);
	}
	assert_int_equal(nonce_check(&r.keys, (struct bytes){ 0 }, &r.client, NOW, &r.facts),
			 NONCE_FORGED);
}

static void two_keys_are_valid_during_a_rotation(void **state)
{
	struct rig r = rig_new();
	char fresh[NONCE_LEN];

	nonce_keys_rotate(&r.keys, key_b);
	assert_int_equal(check(&r, &r.client, NOW), NONCE_FRESH);
	nonce_make(&r.keys, &r.client, FEATURES, NOW, fresh);
	assert_memory_not_equal(fresh, r.text, NONCE_LEN);
	nonce_keys_rotate(&r.keys, key_c);
	assert_int_equal(check(&r, &r.client, NOW), NONCE_FORGED);
	memcpy(r.text, fresh, NONCE_LEN);
	assert_int_equal(check(&r, &r.client, NOW), NONCE_FRESH);
}

static void a_fleet_can_accept_a_key_before_it_makes_nonces_with_it(void **state)
{
	struct rig old = rig_new();
	struct rig new = rig_new();

	nonce_keys_init(&old.keys, key_a, key_b, LIFE);
	nonce_keys_init(&new.keys, key_b, key_a, LIFE);
	nonce_make(&new.keys, &new.client, FEATURES, NOW, new.text);
	assert_int_equal(check(&new, &new.client, NOW), NONCE_FRESH);
	memcpy(old.text, new.text, NONCE_LEN);
	assert_int_equal(check(&old, &old.client, NOW), NONCE_FRESH);
	nonce_make(&old.keys, &old.client, FEATURES, NOW, new.text);
	assert_int_equal(check(&new, &new.client, NOW), NONCE_FRESH);
}

static void both_halves_of_a_key_count(void **state)
{
	struct rig r = rig_new();

	for (size_t i = 0; i < NONCE_KEY_LEN; i++) {
		uint8_t key[NONCE_KEY_LEN];

		memcpy(key, key_a, sizeof(key));
		key[i] ^= 1;
		nonce_keys_init(&r.keys, key, NULL, LIFE);
		assert_true(check(&r, &r.client, NOW) != NONCE_FRESH);
	}
}

static void wiped_keys_are_zero(void **state)
{
	static const uint8_t zeros[sizeof(struct nonce_keys)];
	struct rig r = rig_new();

	nonce_keys_wipe(&r.keys);
	assert_memory_equal(&r.keys, zeros, sizeof(zeros));
}

static void random_text_is_never_ours(void **state)
{
	struct rig r = rig_new();
	struct rng rng = rng_seed(7);

	for (int i = 0; i < 20000; i++) {
		size_t at = STUN_NONCE_COOKIE_LEN + rng_below(&rng, 32);

		r.text[at] = (char)('A' + rng_below(&rng, 26));
		enum nonce_verdict v = check(&r, &r.client, NOW);
		if (v != NONCE_FORGED && v != NONCE_FRESH) /* the letter may have been there */
			fail_msg("run %d: %s", i, nonce_why(v));
		if (v == NONCE_FRESH)
			assert_int_equal(r.facts.left_s, LIFE);
	}
}

static void nothing_is_allocated(void **state)
{
	struct rig r = rig_new();
	size_t before = alloc_count();

	if (!alloc_count_works())
		skip();
	for (uint64_t i = 0; i < 100; i++) {
		nonce_make(&r.keys, &r.client, FEATURES, NOW + i, r.text);
		assert_int_equal(check(&r, &r.client, NOW + i), NONCE_FRESH);
	}
	assert_int_equal(alloc_count(), before);
}

static void every_verdict_has_words(void **state)
{
	for (int v = NONCE_FRESH; v <= NONCE_OTHER_PORT; v++)
		assert_string_not_equal(nonce_why((enum nonce_verdict)v), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_allocated),
		cmocka_unit_test(a_nonce_is_short_plain_text_with_the_cookie),
		cmocka_unit_test(a_nonce_is_fresh_for_its_life_and_tells_how_much_is_left),
		cmocka_unit_test(a_fleet_s_clocks_may_differ_a_little),
		cmocka_unit_test(a_life_of_zero_is_one_second),
		cmocka_unit_test(another_address_is_told_from_another_port),
		cmocka_unit_test(each_bit_of_an_address_counts),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
		cmocka_unit_test(another_port_or_second_gets_another_nonce),
		cmocka_unit_test(the_tag_of_an_address_is_another_one_each_second),
		cmocka_unit_test(every_changed_bit_makes_a_forgery),
		cmocka_unit_test(a_cookie_with_other_features_makes_a_forgery),
		cmocka_unit_test(other_lengths_are_forgeries),
		cmocka_unit_test(two_keys_are_valid_during_a_rotation),
		cmocka_unit_test(a_fleet_can_accept_a_key_before_it_makes_nonces_with_it),
		cmocka_unit_test(both_halves_of_a_key_count),
		cmocka_unit_test(wiped_keys_are_zero),
		cmocka_unit_test(random_text_is_never_ours),
		cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
