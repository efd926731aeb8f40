/*
 * Checking any message with fixed keys; signing what it holds, and checking that. Some seeds
 * are signed with these keys, those of the RFCs' vectors.
 */
#include "stun_auth.h"
#include "fuzz_check.h"

#include "stun_feature.h"

enum { KEYS = 3 };

static struct stun_key keys[KEYS];
static uint8_t whole[STUN_MESSAGE_MAX];

static void make_keys(void)
{
	static const char user[] = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa"
				   "\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
	struct bytes realm = BYTES("example.org"), password = BYTES("TheMatrIX");

	stun_key_make(&keys[0], BYTES("VOkJxbRl1RmTxUk/WvJxBt"));
	FUZZ_CHECK(stun_key_long_term(&keys[1], STUN_PASSWORD_MD5, bytes_of_str(user), realm,
				      password));
	FUZZ_CHECK(stun_key_long_term(&keys[2], STUN_PASSWORD_SHA256, bytes_of_str(user), realm,
				      password));
}

/* Every answer fits what the message holds, and less strict is never less. */
static void check_with(const struct stun_msg *msg, const struct stun_key *key)
{
	enum stun_auth_result sha1 = stun_auth_check_integrity(msg, key);
	enum stun_auth_result full = stun_auth_check_sha256(msg, key, STUN_SHA256_FULL);
	enum stun_auth_result both = stun_auth_check(msg, key);

	FUZZ_CHECK((sha1 == STUN_AUTH_ABSENT) == (msg->integrity == 0));
	FUZZ_CHECK((full == STUN_AUTH_ABSENT) == (msg->integrity_sha256 == 0));
	FUZZ_CHECK(both == (full == STUN_AUTH_ABSENT ? sha1 : full));
	for (size_t min = STUN_SHA256_FULL; min >= STUN_SHA256_MIN; min -= 4) {
		enum stun_auth_result cut = stun_auth_check_sha256(msg, key, min);

		FUZZ_CHECK(full != STUN_AUTH_OK || cut == STUN_AUTH_OK);
		full = cut;
	}
}

static bool is_protection(uint16_t type)
{
	return type == STUN_ATTR_MESSAGE_INTEGRITY || type == STUN_ATTR_MESSAGE_INTEGRITY_SHA256 ||
	       type == STUN_ATTR_FINGERPRINT;
}

static struct stun_builder copy_plain(const struct stun_msg *msg)
{
	struct stun_builder b =
		stun_build(whole, sizeof(whole), msg->method, msg->class, &msg->tid);
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;

	while (stun_walk_next(&walk, &attr) && !is_protection(attr.type)) {
		uint8_t *value = stun_build_attr(&b, attr.type, attr.value.len);

		if (value != NULL && attr.value.len > 0)
			memcpy(value, attr.value.data, attr.value.len);
	}
	return b;
}

/* One changed bit is noticed by all that cover it. */
static void change_is_noticed(struct bytes raw, size_t bit, const struct stun_key *key)
{
	size_t at = bit / 8 % raw.len;
	struct stun_msg msg;

	whole[at] ^= (uint8_t)(1u << bit % 8);
	if (stun_msg_parse(raw, &msg) != STUN_OK)
		return;
	FUZZ_CHECK(stun_auth_check_fingerprint(&msg) != STUN_AUTH_OK);
	if (at < raw.len - 8)
		FUZZ_CHECK(stun_auth_check_sha256(&msg, key, STUN_SHA256_MIN) != STUN_AUTH_OK);
}

static void signs_as_it_checks(const struct stun_msg *msg)
{
	const uint8_t *dice = msg->tid.bytes + 12;
	const struct stun_key *key = &keys[dice[0] % KEYS];
	const struct stun_key *other = &keys[(dice[0] + 1) % KEYS];
	size_t len = STUN_SHA256_MIN + dice[1] % 5 * 4u;
	struct stun_builder b = copy_plain(msg);
	struct stun_msg again;
	struct bytes raw;

	(void)stun_auth_put_integrity(&b, key);
	(void)stun_auth_put_sha256(&b, key, len);
	(void)stun_auth_put_fingerprint(&b);
	if (stun_build_finish(&b, &raw) != STUN_OK)
		return; /* as long as a message can be */
	FUZZ_CHECK(stun_msg_parse(raw, &again) == STUN_OK);
	FUZZ_CHECK(stun_auth_check_integrity(&again, key) == STUN_AUTH_OK);
	FUZZ_CHECK(stun_auth_check_integrity(&again, other) == STUN_AUTH_WRONG);
	FUZZ_CHECK(stun_auth_check_sha256(&again, key, len) == STUN_AUTH_OK);
	FUZZ_CHECK(stun_auth_check_sha256(&again, other, len) == STUN_AUTH_WRONG);
	FUZZ_CHECK(stun_auth_check_fingerprint(&again) == STUN_AUTH_OK);
	change_is_noticed(raw, (size_t)dice[2] << 8 | dice[3], key);
}

static void try_features(const struct stun_msg *msg)
{
	struct bytes offered = BYTES("\0\2\0\0\0\1\0\0");
	char cookie[STUN_NONCE_COOKIE_LEN];
	uint16_t algorithm = 0;
	uint32_t features;
	struct bytes nonce;

	(void)stun_feature_is_bid_down(msg);
	if (stun_feature_algorithm(msg, offered, &algorithm))
		FUZZ_CHECK(algorithm == STUN_PASSWORD_MD5 || algorithm == STUN_PASSWORD_SHA256);
	if (!stun_msg_find(msg, STUN_ATTR_NONCE, &nonce) ||
	    !stun_nonce_cookie_get(nonce, &features))
		return;
	stun_nonce_cookie_put(features, cookie);
	FUZZ_CHECK(memcmp(cookie, nonce.data, sizeof(cookie)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool has_keys;
	struct stun_key key;
	struct stun_msg msg;

	if (!has_keys)
		make_keys();
	has_keys = true;
	stun_key_make(&key, bytes_of(data, len));
	if (stun_msg_parse(bytes_of(data, len), &msg) != STUN_OK)
		return 0;
	check_with(&msg, &key);
	for (size_t i = 0; i < KEYS; i++)
		check_with(&msg, &keys[i]);
	(void)stun_auth_check_fingerprint(&msg);
	try_features(&msg);
	signs_as_it_checks(&msg);
	return 0;
}
