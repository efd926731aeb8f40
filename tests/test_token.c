/* Access tokens: those of coturn's turnutils_oauth open, and nothing else does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "rng.h"
#include "turnd/token.h"

#define NOW    UINT64_C(1800000000)
#define NAME   "turn.example.org"
#define SECRET "12345678901234567890123456789012"
#define LIFE   3600
#define TEXT   256 /* longest token in base64 here */

static const uint8_t nonce[SEAL_NONCE_LEN] = "nonce-12-oct";

struct rig {
	struct token_keys *keys;
	uint8_t raw[TOKEN_LEN_MAX];
	size_t len;
	struct token got;
};

static bool add(struct token_keys *k, const char *kid, enum token_algorithm a, struct bytes secret)
{
	struct token_key key = {
		.kid = bytes_of_str(kid),
		.algorithm = a,
		.secret = secret,
		.from_s = NOW - 1000,
		.until_s = NOW + 100000,
	};

	return token_keys_add(k, &key);
}

static struct token_keys *keys_new(const char *name)
{
	struct token_keys *k = token_keys_new(bytes_of_str(name));

	assert_non_null(k);
	assert_true(add(k, "south", TOKEN_A128GCM, BYTES(SECRET)));
	assert_true(add(k, "north", TOKEN_A256GCM, BYTES(SECRET)));
	return k;
}

static void make(struct rig *r, struct bytes mac_key, uint64_t timestamp, uint32_t lifetime_s)
{
	struct token_content c = { mac_key, timestamp, lifetime_s };

	r->len = token_make(r->keys, BYTES("north"), &c, nonce, r->raw, sizeof(r->raw));
	assert_true(r->len > 0);
}

static struct rig rig_new(void)
{
	struct rig r = { .keys = keys_new(NAME), .got = { .id = 99 } };

	make(&r, BYTES("session-key-20-bytes"), NOW << 16, LIFE);
	return r;
}

static enum token_verdict open_as(struct rig *r, const char *kid, uint64_t now_s)
{
	return token_open(r->keys, bytes_of_str(kid), bytes_of(r->raw, r->len), now_s, &r->got);
}

static enum token_verdict open_at(struct rig *r, uint64_t now_s)
{
	return open_as(r, "north", now_s);
}

static void read_text(struct rig *r, const char *text)
{
	assert_true(base64_get(bytes_of_str(text), r->raw, sizeof(r->raw), &r->len));
}

static void assert_key(const struct rig *r, struct bytes mac_key)
{
	struct stun_key want;

	stun_key_make(&want, mac_key);
	assert_memory_equal(&r->got.key, &want, sizeof(want));
}

/* Made with turnutils_oauth of coturn 4.6.1. */
static void tokens_of_coturn_open(void **state)
{
	static const struct {
		const char *kid, *text;
		struct bytes mac_key;
		uint32_t id;
	} cases[] = {
		{ "north",
		  "AAxub25jZS0xMi1vY3SaWP8C7kRyKQWNg7EG6knERjQlsdhTmIwqheEqwrrrxJsczPC8r1tatIpZ"
		  "nDDlA2KP2Q==",
		  BYTES("session-key-20-bytes"), 1 },
		{ "south",
		  "AAxub25jZS0xMi1vY3QSW1sGKg7UBQ4ZD95XLByaiEXejeRq1blDch8HzB/jPIQn3ifPnA9W711S"
		  "N1/dGSYdyg==",
		  BYTES("session-key-20-bytes"), 0 },
		{ "north",
		  "AAx7hzHVofALdVnZBTJILbq74DO5AQHmpsy2jVydSc+ou7D7R3DigjYQjpBEgcwzJcE5P22zNljp"
		  "fPgh90DyLJs0fcUjnRqKEHLZQQ==",
		  BYTES("session-key-32-bytes-session-key"), 1 },
	};
	struct rig r = rig_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		read_text(&r, cases[i].text);
		assert_int_equal(open_as(&r, cases[i].kid, NOW), TOKEN_GOOD);
		assert_key(&r, cases[i].mac_key);
		assert_int_equal(r.got.made_s, NOW);
		assert_int_equal(r.got.expires_s, NOW + LIFE);
		assert_int_equal(r.got.id, cases[i].id);
	}
	token_keys_free(r.keys);
}

static void ours_are_what_coturn_makes(void **state)
{
	struct rig r = rig_new();
	char text[TEXT] = { 0 };

	base64_put(bytes_of(r.raw, r.len), text);
	assert_string_equal(text, "AAxub25jZS0xMi1vY3SaWP8C7kRyKQWNg7EG6knERjQlsdhTmIwqheEqwrrr"
				  "xJsczPC8r1tatIpZnDDlA2KP2Q==");
	token_keys_free(r.keys);
}

/* Runs turnutils_oauth; its answer about `what` goes to `line`, false when there is none. */
static bool ask_coturn(const char *args, const char *what, char line[static TEXT])
{
	char command[1024];
	bool found = false;
	FILE *f;

	(void)snprintf(command, sizeof(command),
		       "turnutils_oauth %s --server-name " NAME
		       " --auth-key-timestamp 1800000000 --auth-key-lifetime 216000"
		       " --auth-key-id north --auth-key"
		       " MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
		       " --auth-key-as-rs-alg A256GCM 2>/dev/null",
		       args);
	f = popen(command, "r");
	if (f == NULL)
		return false;
	while (!found && fgets(line, TEXT, f) != NULL)
		found = strstr(line, what) != NULL;
	while (fgetc(f) != EOF) /* let it finish */
		;
	(void)pclose(f);
	return found;
}

static void a_token_just_made_by_coturn_opens(void **state)
{
	struct rig r = rig_new();
	char line[TEXT];
	char *start, *end;

	if (!ask_coturn("-e --token-mac-key c2Vzc2lvbi1rZXktMjAtYnl0ZXM="
			" --token-timestamp 117964800000000 --token-lifetime 60",
			"access_token", line)) {
		token_keys_free(r.keys);
		skip(); /* turnutils_oauth is not installed */
	}
	start = strstr(line, ":\"") + 2;
	end = strchr(start, '"');
	assert_non_null(end);
	*end = '\0';
	read_text(&r, start);
	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	assert_int_equal(r.got.expires_s, NOW + 60);
	assert_key(&r, BYTES("session-key-20-bytes"));
	token_keys_free(r.keys);
}

static void coturn_opens_ours(void **state)
{
	struct rig r = rig_new();
	char text[TEXT] = { 0 };
	char args[TEXT + 32];
	char line[TEXT];
	bool installed =
		ask_coturn("-e --token-mac-key c2Vzc2lvbi1rZXktMjAtYnl0ZXM=", "access_token", line);

	make(&r, BYTES("session-key-20-bytes"), NOW << 16, 777);
	base64_put(bytes_of(r.raw, r.len), text);
	token_keys_free(r.keys);
	if (!installed)
		skip();
	(void)snprintf(args, sizeof(args), "-d -v --token '%s'", text);
	assert_true(ask_coturn(args, "777", line));
}

static void a_token_is_good_while_the_rfc_says_so(void **state)
{
	static const struct {
		const char *why;
		uint64_t now_s;
		enum token_verdict want;
	} cases[] = {
		{ "just made", NOW, TOKEN_GOOD },
		{ "its last second", NOW + LIFE - 1, TOKEN_GOOD },
		{ "within delta", NOW + LIFE + TOKEN_DELTA_S - 1, TOKEN_GOOD },
		{ "the end of delta", NOW + LIFE + TOKEN_DELTA_S, TOKEN_EXPIRED },
		{ "long after", NOW + 90000, TOKEN_EXPIRED },
	};
	struct rig r = rig_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum token_verdict v = open_at(&r, cases[i].now_s);
		if (v != cases[i].want)
			fail_msg("%s: %s", cases[i].why, token_why(v));
	}
	token_keys_free(r.keys);
}

static void a_token_may_not_be_too_far_ahead(void **state)
{
	struct rig r = rig_new();

	make(&r, BYTES("session-key-20-bytes"), (NOW + 14) << 16, 10);
	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	make(&r, BYTES("session-key-20-bytes"), (NOW + 15) << 16, 10);
	assert_int_equal(open_at(&r, NOW), TOKEN_TOO_EARLY);
	make(&r, BYTES("session-key-20-bytes"), UINT64_MAX, 10);
	assert_int_equal(open_at(&r, NOW), TOKEN_TOO_EARLY);
	token_keys_free(r.keys);
}

static void extreme_times_overflow_nothing(void **state)
{
	struct rig r = rig_new();

	make(&r, BYTES("session-key-20-bytes"), (NOW << 16) + 0xffff, UINT32_MAX);
	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	assert_int_equal(r.got.made_s, NOW);
	assert_true(r.got.expires_s == NOW + UINT32_MAX);
	make(&r, BYTES("session-key-20-bytes"), 0, UINT32_MAX);
	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	make(&r, BYTES("session-key-20-bytes"), 0, 0);
	assert_int_equal(open_at(&r, NOW), TOKEN_EXPIRED);
	token_keys_free(r.keys);
}

static void the_kid_chooses_the_key(void **state)
{
	struct rig r = rig_new();

	assert_int_equal(open_as(&r, "south", NOW), TOKEN_FORGED);
	assert_int_equal(open_as(&r, "west", NOW), TOKEN_UNKNOWN_KEY);
	assert_int_equal(open_as(&r, "", NOW), TOKEN_UNKNOWN_KEY);
	assert_int_equal(open_as(&r, "nort", NOW), TOKEN_UNKNOWN_KEY);
	assert_int_equal(token_open(r.keys, BYTES("north\0"), bytes_of(r.raw, r.len), NOW, &r.got),
			 TOKEN_UNKNOWN_KEY);
	assert_int_equal(r.got.id, 99); /* untouched */
	token_keys_free(r.keys);
}

static void a_key_has_a_time_too(void **state)
{
	struct rig r = rig_new();

	make(&r, BYTES("session-key-20-bytes"), NOW << 16, 200000);
	assert_int_equal(open_at(&r, NOW - 1001), TOKEN_KEY_EXPIRED);
	assert_int_equal(open_at(&r, NOW - 1000), TOKEN_GOOD);
	assert_int_equal(open_at(&r, NOW + 99999), TOKEN_GOOD);
	assert_int_equal(open_at(&r, NOW + 100000), TOKEN_KEY_EXPIRED);
	token_keys_free(r.keys);
}

static void a_token_for_another_server_does_not_open(void **state)
{
	struct rig r = rig_new();
	struct token_keys *other = keys_new("turn2.example.org");

	assert_int_equal(token_open(other, BYTES("north"), bytes_of(r.raw, r.len), NOW, &r.got),
			 TOKEN_FORGED);
	assert_true(bytes_equal(token_keys_name(other), BYTES("turn2.example.org")));
	token_keys_free(other);
	token_keys_free(r.keys);
}

static void every_cut_is_refused(void **state)
{
	struct rig r = rig_new();
	size_t whole = r.len;

	for (r.len = 0; r.len < whole; r.len++) {
		enum token_verdict v = open_at(&r, NOW);
		bool has_tag = r.len >= 2 + SEAL_NONCE_LEN + SEAL_TAG_LEN;
		if (v != (has_tag ? TOKEN_FORGED : TOKEN_MALFORMED))
			fail_msg("%zu bytes: %s", r.len, token_why(v));
	}
	token_keys_free(r.keys);
}

static void every_changed_bit_is_refused(void **state)
{
	struct rig r = rig_new();

	for (size_t i = 0; i < r.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			r.raw[i] ^= (uint8_t)(1u << bit);
			enum token_verdict v = open_at(&r, NOW);
			if (v != (i < 2 ? TOKEN_MALFORMED : TOKEN_FORGED))
				fail_msg("byte %zu, bit %u: %s", i, bit, token_why(v));
			r.raw[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_int_equal(r.got.id, 99);
	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	token_keys_free(r.keys);
}

/* The length of the nonce was once a way into coturn: each of its values, on each token. */
static void every_length_of_a_nonce_is_refused_but_one(void **state)
{
	struct rig r = rig_new();

	for (unsigned n = 0; n <= UINT16_MAX; n++) {
		wire_store_u16(r.raw, (uint16_t)n);
		assert_int_equal(open_at(&r, NOW),
				 n == SEAL_NONCE_LEN ? TOKEN_GOOD : TOKEN_MALFORMED);
	}
	token_keys_free(r.keys);
}

static void a_block_that_is_too_long_is_malformed(void **state)
{
	struct rig r = rig_new();
	uint8_t longer[TOKEN_LEN_MAX + 1] = { 0 };

	memcpy(longer, r.raw, r.len);
	assert_int_equal(
		token_open(r.keys, BYTES("north"), bytes_of(longer, sizeof(longer)), NOW, &r.got),
		TOKEN_MALFORMED);
	assert_int_equal(token_open(r.keys, BYTES("north"), bytes_of(longer, sizeof(longer) - 1),
				    NOW, &r.got),
			 TOKEN_FORGED);
	token_keys_free(r.keys);
}

/* Sealed by who has the key, and still not what section 6.2 describes. */
static void a_block_with_other_content_is_refused(void **state)
{
	static const struct {
		const char *why;
		struct bytes plain;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "only a length", BYTES("\0\x14") },
		{ "no key", BYTES("\0\0\0\0\x6b\x49\xd2\0\0\0\0\0\x0e\x10") },
		{ "a key of nine", BYTES("\0\x09"
					 "123456789\0\0\x6b\x49\xd2\0\0\0\0\0\x0e\x10") },
		{ "a byte more", BYTES("\0\x0a"
				       "1234567890\0\0\x6b\x49\xd2\0\0\0\0\0\x0e\x10\0") },
		{ "a byte less", BYTES("\0\x0a"
				       "1234567890\0\0\x6b\x49\xd2\0\0\0\0\0\x0e") },
		{ "a key behind the end", BYTES("\xff\xff"
						"1234567890\0\0\x6b\x49\xd2\0\0\0\0\0\x0e\x10") },
	};
	struct rig r = rig_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		r.len = 2 + SEAL_NONCE_LEN + cases[i].plain.len + SEAL_TAG_LEN;
		assert_true(seal_put(BYTES(SECRET), nonce, BYTES(NAME), cases[i].plain,
				     r.raw + 2 + SEAL_NONCE_LEN));
		if (open_at(&r, NOW) != TOKEN_BAD_CONTENT)
			fail_msg("%s: not refused", cases[i].why);
	}
	token_keys_free(r.keys);
}

static void keys_of_10_to_64_bytes_are_fine(void **state)
{
	uint8_t mac_key[TOKEN_MAC_KEY_MAX + 1] = { 1 };
	struct rig r = rig_new();

	for (size_t len = 0; len <= sizeof(mac_key); len++) {
		struct token_content c = { bytes_of(mac_key, len), NOW << 16, LIFE };
		bool fine = len >= TOKEN_MAC_KEY_MIN && len <= TOKEN_MAC_KEY_MAX;

		r.len = token_make(r.keys, BYTES("north"), &c, nonce, r.raw, sizeof(r.raw));
		assert_int_equal(r.len > 0, fine);
		if (fine) {
			assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
			assert_key(&r, bytes_of(mac_key, len));
			assert_int_equal(
				token_make(r.keys, BYTES("north"), &c, nonce, r.raw, r.len - 1), 0);
		}
	}
	token_keys_free(r.keys);
}

static void a_table_takes_good_keys_only(void **state)
{
	static const uint8_t long_kid[TOKEN_KID_MAX + 1] = { 'k' };
	struct token_keys *k = token_keys_new(BYTES(NAME));
	struct token_key key = { BYTES("k"), TOKEN_A256GCM, BYTES(SECRET), 5, 5 };
	char kid[16];

	assert_false(token_keys_add(k, &key)); /* never valid */
	key.until_s = UINT64_MAX;
	key.kid = BYTES("");
	assert_false(token_keys_add(k, &key));
	key.kid = BYTES("a\0b");
	assert_false(token_keys_add(k, &key));
	key.kid = bytes_of(long_kid, sizeof(long_kid));
	assert_false(token_keys_add(k, &key));
	key.kid = BYTES("k");
	key.secret.len = 31;
	assert_false(token_keys_add(k, &key));
	key.secret.len = 32;
	key.algorithm = (enum token_algorithm)24;
	assert_false(token_keys_add(k, &key));
	for (int i = 0; i < TOKEN_KEYS_MAX; i++) {
		(void)snprintf(kid, sizeof(kid), "%d", i);
		assert_true(add(k, kid, TOKEN_A256GCM, BYTES(SECRET)));
		assert_false(add(k, kid, TOKEN_A256GCM, BYTES(SECRET))); /* twice */
	}
	assert_false(add(k, "more", TOKEN_A256GCM, BYTES(SECRET)));
	token_keys_free(k);
	token_keys_free(NULL);
}

static void a_server_has_a_name(void **state)
{
	static const uint8_t long_name[TOKEN_NAME_MAX + 1] = { 0 };

	assert_null(token_keys_new(BYTES("")));
	assert_null(token_keys_new(BYTES("a\0b")));
	assert_null(token_keys_new(BYTES("\xff")));
	assert_null(token_keys_new(bytes_of(long_name, sizeof(long_name))));
}

static void a_wiped_token_is_zero(void **state)
{
	static const uint8_t zeros[sizeof(struct token)];
	struct rig r = rig_new();

	assert_int_equal(open_at(&r, NOW), TOKEN_GOOD);
	token_wipe(&r.got);
	assert_memory_equal(&r.got, zeros, sizeof(zeros));
	token_keys_free(r.keys);
}

static void every_verdict_has_words(void **state)
{
	for (int v = TOKEN_GOOD; v <= TOKEN_TOO_EARLY; v++)
		assert_string_not_equal(token_why((enum token_verdict)v), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_coturn_open),
		cmocka_unit_test(ours_are_what_coturn_makes),
		cmocka_unit_test(a_token_just_made_by_coturn_opens),
		cmocka_unit_test(coturn_opens_ours),
		cmocka_unit_test(a_token_is_good_while_the_rfc_says_so),
		cmocka_unit_test(a_token_may_not_be_too_far_ahead),
		cmocka_unit_test(extreme_times_overflow_nothing),
		cmocka_unit_test(the_kid_chooses_the_key),
		cmocka_unit_test(a_key_has_a_time_too),
		cmocka_unit_test(a_token_for_another_server_does_not_open),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(every_length_of_a_nonce_is_refused_but_one),
		cmocka_unit_test(a_block_that_is_too_long_is_malformed),
		cmocka_unit_test(a_block_with_other_content_is_refused),
		cmocka_unit_test(keys_of_10_to_64_bytes_are_fine),
		cmocka_unit_test(a_table_takes_good_keys_only),
		cmocka_unit_test(a_server_has_a_name),
		cmocka_unit_test(a_wiped_token_is_zero),
		cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
