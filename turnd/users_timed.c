/* Credentials that say when they end, and are signed with a secret that two servers share. */
#include "users.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include <openssl/crypto.h>

#include "users_state.h"

#define EXPIRY_DIGITS_MAX 19 /* that fit into 64 bits, whichever they are */

static bool is_separator(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

	return c > ' ' && c < 0x7f && !letter && !(c >= '0' && c <= '9');
}

enum users_result users_set_separator(struct users *u, char separator)
{
	assert(!u->finished);
	if (!is_separator(separator))
		return USERS_BAD_SEPARATOR;
	u->separator = separator;
	return USERS_OK;
}

enum users_result users_add_secret(struct users *u, struct bytes secret, enum users_hash hash)
{
	assert(!u->finished);
	if (secret.len == 0)
		return USERS_BAD_SECRET;
	if (u->secret_count == USERS_SECRETS_MAX)
		return USERS_TOO_MANY;
	stun_key_make(&u->secrets[u->secret_count].key, secret);
	u->secrets[u->secret_count++].hash = hash;
	return USERS_OK;
}

/* What a user name says; the same for all secrets. */
struct timed {
	bool is_timed;
	uint64_t expires_s;
	struct bytes who; /* separator and name; all of it where there is none */
};

/* "expiry", or "expiry:name". */
static struct timed read_name(struct bytes name, char separator)
{
	struct timed t = { .who = name };
	size_t digits = 0;

	while (digits < name.len && name.data[digits] >= '0' && name.data[digits] <= '9') {
		if (digits < EXPIRY_DIGITS_MAX)
			t.expires_s = t.expires_s * 10 + (uint64_t)(name.data[digits] - '0');
		digits++;
	}
	if (digits == 0 || digits > EXPIRY_DIGITS_MAX || name.len > OPAQUE_MAX ||
	    memchr(name.data, '\0', name.len) != NULL)
		return t;
	t.is_timed = digits == name.len || name.data[digits] == (uint8_t)separator;
	if (t.is_timed && digits + 1 < name.len)
		t.who = bytes_of(name.data + digits, name.len - digits);
	return t;
}

/* The password of a user name: base64 of its HMAC. Returns its length. */
static size_t make_password(const struct secret *s, struct bytes username,
			    char out[static BASE64_LEN(STUN_SHA256_FULL)])
{
	uint8_t hmac[STUN_SHA256_FULL];
	size_t len = s->hash == USERS_SHA1 ? STUN_INTEGRITY_LEN : STUN_SHA256_FULL;

	if (s->hash == USERS_SHA1)
		stun_key_hmac_sha1(&s->key, username, hmac);
	else
		stun_key_hmac_sha256(&s->key, username, hmac);
	base64_put(bytes_of(hmac, len), out);
	OPENSSL_cleanse(hmac, sizeof(hmac));
	return BASE64_LEN(len);
}

void users_find_timed(const struct users *u, struct bytes name, uint16_t algorithm,
		      struct users_match *out)
{
	struct timed t = read_name(name, u->separator);
	uint64_t id = users_id(&u->timed_ids, t.who);
	char password[BASE64_LEN(STUN_SHA256_FULL)];

	for (size_t i = 0; i < u->secret_count; i++) {
		struct users_key *key = &out->keys[out->count++];
		size_t len = make_password(&u->secrets[i], name, password);
		bool made = stun_key_long_term(&key->key, algorithm, name, users_realm(u),
					       bytes_of(password, len));

		out->effort.hmacs++;
		out->effort.keys++;
		if (!made) /* an algorithm that nobody offered */
			key->key = u->secrets[i].key;
		key->user = id;
		key->expires_s = t.expires_s;
		key->source = made && t.is_timed ? USERS_TIMED : USERS_NOBODY;
	}
	OPENSSL_cleanse(password, sizeof(password));
}

static enum users_result make_username(char separator, struct bytes name, uint64_t expires_s,
				       char out[static USERS_NAME_MAX + 1])
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared = { 0 };
	int len;

	if (name.len > 0 && !users_prepare_name(name, buf, &prepared))
		return USERS_BAD_NAME;
	len = prepared.len > 0 ? snprintf(out, USERS_NAME_MAX + 1, "%" PRIu64 "%c%.*s", expires_s,
					  separator, (int)prepared.len, (const char *)prepared.data)
			       : snprintf(out, USERS_NAME_MAX + 1, "%" PRIu64, expires_s);
	return len > 0 && len <= USERS_NAME_MAX ? USERS_OK : USERS_BAD_NAME;
}

enum users_result users_make_timed(struct bytes secret, enum users_hash hash, char separator,
				   struct bytes name, uint64_t expires_s,
				   struct users_credential *out)
{
	struct users_credential made = { { 0 }, { 0 } };
	struct secret s = { .hash = hash };
	enum users_result result;

	if (secret.len == 0)
		return USERS_BAD_SECRET;
	if (!is_separator(separator))
		return USERS_BAD_SEPARATOR;
	result = make_username(separator, name, expires_s, made.username);
	if (result != USERS_OK)
		return result;
	stun_key_make(&s.key, secret);
	(void)make_password(&s, bytes_of_str(made.username), made.password);
	*out = made;
	OPENSSL_cleanse(&s, sizeof(s));
	OPENSSL_cleanse(&made, sizeof(made));
	return USERS_OK;
}
