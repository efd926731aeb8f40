#include "users.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "users_state.h"

#define FIRST_ROOM  16
#define ROUNDS_WORD 2
#define ROUNDS_END  4

/* Two kinds of users never share an id. */
enum { KNOWN = 1, TIMED = 2 };

static void hash_bytes(struct siphash *hash, struct bytes in)
{
	uint8_t last[8] = { 0 };
	size_t whole = in.len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		siphash_word(hash, siphash_load_le64(in.data + i), ROUNDS_WORD);
	if (in.len > whole)
		memcpy(last, in.data + whole, in.len - whole);
	last[7] = (uint8_t)in.len;
	siphash_word(hash, siphash_load_le64(last), ROUNDS_WORD);
}

static struct siphash begin_ids(const uint8_t *key, uint64_t kind, struct bytes realm)
{
	struct siphash hash = siphash_start(key);

	siphash_word(&hash, kind << 32 | realm.len, ROUNDS_WORD);
	hash_bytes(&hash, realm);
	return hash;
}

uint64_t users_id(const struct siphash *begun, struct bytes name)
{
	struct siphash hash = *begun;

	hash_bytes(&hash, name);
	return siphash_end(&hash, ROUNDS_END);
}

/* Memory that held keys is wiped before it is given back, so realloc will not do. */
static void *grow(void *old, size_t old_size, size_t new_size)
{
	void *p = malloc(new_size);

	if (p == NULL)
		return NULL;
	if (old_size > 0)
		memcpy(p, old, old_size);
	OPENSSL_cleanse(old, old_size);
	free(old);
	return p;
}

static bool make_room(struct users *u, size_t name_len)
{
	void *p;

	if (u->count == u->room) {
		size_t room = u->room > 0 ? u->room * 2 : FIRST_ROOM;

		p = grow(u->list, u->count * sizeof(*u->list), room * sizeof(*u->list));
		if (p == NULL)
			return false;
		u->list = p;
		u->room = room;
	}
	if (u->names_room - u->names_len < name_len) {
		size_t room = u->names_room * 2 + USERS_NAME_MAX;

		p = grow(u->names, u->names_len, room);
		if (p == NULL)
			return false;
		u->names = p;
		u->names_room = room;
	}
	return true;
}

static void put_decoy(struct users *u, const uint8_t random[static 32])
{
	struct user *decoy = &u->list[0];

	*decoy = (struct user){ .source = USERS_NOBODY };
	memcpy(decoy->md5, random, sizeof(decoy->md5));
	memcpy(decoy->sha256, random, sizeof(decoy->sha256));
	u->count = 1;
}

enum users_result users_new(struct bytes realm, const uint8_t key[static USERS_KEY_LEN],
			    struct users **out)
{
	struct users *u = calloc(1, sizeof(*u));
	struct bytes prepared;

	if (u == NULL)
		return USERS_NO_MEMORY;
	if (opaque_prepare(realm, u->realm, sizeof(u->realm), &prepared) != OPAQUE_OK) {
		users_free(u);
		return USERS_BAD_REALM;
	}
	u->realm_len = prepared.len;
	u->separator = ':';
	u->known_ids = begin_ids(key, KNOWN, prepared);
	u->timed_ids = begin_ids(key, TIMED, prepared);
	if (!make_room(u, 0)) {
		users_free(u);
		return USERS_NO_MEMORY;
	}
	put_decoy(u, key + 16);
	*out = u;
	return USERS_OK;
}

void users_free(struct users *u)
{
	if (u == NULL)
		return;
	OPENSSL_cleanse(u->list, u->count * sizeof(*u->list));
	free(u->list);
	free(u->by_hash);
	free(u->names);
	OPENSSL_cleanse(u, sizeof(*u));
	free(u);
}

struct bytes users_realm(const struct users *u)
{
	return bytes_of(u->realm, u->realm_len);
}

size_t users_count(const struct users *u)
{
	return u->count - 1;
}

bool users_has_any(const struct users *u)
{
	return u->count > 1 || u->secret_count > 0;
}

bool users_are_known(const struct users *u)
{
	return u->count > 1 && u->secret_count == 0;
}

bool users_prepare_name(struct bytes in, uint8_t buf[static OPAQUE_MAX], struct bytes *out)
{
	return opaque_prepare(in, buf, OPAQUE_MAX, out) == OPAQUE_OK && out->len <= USERS_NAME_MAX;
}

bool users_derive(struct bytes name, struct bytes realm, struct bytes password, struct user *out)
{
	uint8_t buf[OPAQUE_MAX];
	uint8_t secret[STUN_SECRET_MAX];
	struct bytes prepared;

	if (opaque_prepare(password, buf, sizeof(buf), &prepared) != OPAQUE_OK)
		return false;
	(void)stun_secret_long_term(STUN_PASSWORD_MD5, name, realm, prepared, secret);
	memcpy(out->md5, secret, sizeof(out->md5));
	(void)stun_secret_long_term(STUN_PASSWORD_SHA256, name, realm, prepared, secret);
	memcpy(out->sha256, secret, sizeof(out->sha256));
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(buf, sizeof(buf));
	return true;
}

enum users_result users_add_keys(struct users *u, struct bytes name, const struct user *keys)
{
	struct user *user;

	assert(!u->finished);
	if (!make_room(u, name.len))
		return USERS_NO_MEMORY;
	user = &u->list[u->count++];
	*user = *keys;
	user->id = users_id(&u->known_ids, name);
	user->name_at = u->names_len;
	user->name_len = (uint32_t)name.len;
	stun_userhash(name, users_realm(u), user->userhash);
	memcpy(u->names + u->names_len, name.data, name.len);
	u->names_len += name.len;
	return USERS_OK;
}

enum users_result users_add(struct users *u, struct bytes name, struct bytes password)
{
	struct user keys = { .source = USERS_CONFIGURED };
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;
	enum users_result result;

	if (!users_prepare_name(name, buf, &prepared))
		return USERS_BAD_NAME;
	if (!users_derive(prepared, users_realm(u), password, &keys))
		return USERS_BAD_PASSWORD;
	result = users_add_keys(u, prepared, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return result;
}

enum users_result users_add_made(struct users *u, struct bytes name, const uint8_t md5[static 16],
				 const uint8_t sha256[static 32])
{
	struct user keys = { .source = USERS_CONFIGURED };
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;
	enum users_result result;

	if (!users_prepare_name(name, buf, &prepared))
		return USERS_BAD_NAME;
	memcpy(keys.md5, md5, sizeof(keys.md5));
	memcpy(keys.sha256, sha256, sizeof(keys.sha256));
	result = users_add_keys(u, prepared, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return result;
}

const char *users_why(enum users_result result)
{
	switch (result) {
	case USERS_OK:
		return "nothing is wrong";
	case USERS_NO_MEMORY:
		return "memory has run out";
	case USERS_BAD_NAME:
		return "a user name is 1 to 508 bytes of UTF-8 without control characters";
	case USERS_BAD_PASSWORD:
		return "a password is 1 to 763 bytes of UTF-8 without control characters";
	case USERS_BAD_REALM:
		return "a realm is 1 to 763 bytes of UTF-8 without control characters";
	case USERS_BAD_SECRET:
		return "a secret must not be empty";
	case USERS_BAD_SEPARATOR:
		return "a separator is one ASCII character that is no digit, letter or space";
	case USERS_TOO_MANY:
		return "there are at most 4 secrets at once";
	case USERS_TWICE:
		return "the user stands here a second time; leave one of them out";
	case USERS_LINE_TOO_LONG:
		return "the line is too long";
	case USERS_LINE_BAD_KEYS:
		return "a user is two keys of 32 and 64 hex digits and a name; --add-user writes "
		       "such lines";
	case USERS_LINE_NO_REALM:
		return "a line with [realm] must stand before the first user";
	case USERS_LINE_OPEN_REALM:
		return "a realm ends with ]";
	}
	return "something is wrong";
}
