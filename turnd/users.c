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

/* Where a user goes. Sorting leaves copies behind, so it gets no keys to see. */
struct place {
	uint64_t id;
	uint32_t index;
	uint32_t line;
	enum users_source source;
};

/* By id, which stands for the name; then in the order in which sources are asked. */
static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

static struct place *sorted_places(const struct users *u)
{
	struct place *order = calloc(u->count, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < u->count; i++) {
		const struct user *user = &u->list[i];

		order[i] = (struct place){ user->id, (uint32_t)i, user->line, user->source };
	}
	qsort(order + 1, u->count - 1, sizeof(*order), compare_places);
	return order;
}

/*
 * Copies users to `sorted`, without those whom an earlier source has. Two names with one id
 * (SipHash, 64 bits, a random key) will not be seen before the end of the world, and would be
 * called twins.
 */
static enum users_result copy_sorted(struct users *u, const struct place *order,
				     struct user *sorted, size_t *kept, uint32_t *line)
{
	sorted[0] = u->list[0];
	*kept = 1;
	for (size_t i = 1; i < u->count; i++) {
		const struct user *user = &u->list[order[i].index];
		const struct user *before = &sorted[*kept - 1];
		bool is_twin = *kept > 1 && before->id == user->id;

		if (is_twin && before->source == user->source) {
			*line = user->line;
			return USERS_TWICE;
		}
		if (!is_twin)
			sorted[(*kept)++] = *user;
	}
	return USERS_OK;
}

static enum users_result sort_users(struct users *u, uint32_t *line)
{
	struct place *order = sorted_places(u);
	struct user *sorted = calloc(u->count, sizeof(*sorted));
	enum users_result result = USERS_NO_MEMORY;
	size_t kept = 0;

	if (order != NULL && sorted != NULL)
		result = copy_sorted(u, order, sorted, &kept, line);
	if (result == USERS_OK) {
		struct user *old = u->list;
		size_t old_count = u->count;

		u->list = sorted;
		u->count = kept;
		u->room = old_count;
		sorted = old;
		kept = old_count;
	}
	free(order);
	OPENSSL_cleanse(sorted, kept * sizeof(*sorted));
	free(sorted);
	return result;
}

/* Order of userhashes while they are sorted: number and hash side by side. */
struct hashed {
	uint8_t userhash[STUN_USERHASH_LEN];
	uint32_t index;
};

static int compare_hashed(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;

	return memcmp(a->userhash, b->userhash, sizeof(a->userhash));
}

static bool sort_hashes(struct users *u)
{
	struct hashed *order = calloc(u->count, sizeof(*order));

	free(u->by_hash); /* of a try that ran out of memory */
	u->by_hash = calloc(u->count, sizeof(*u->by_hash));
	if (order == NULL || u->by_hash == NULL) {
		free(order);
		return false;
	}
	for (size_t i = 0; i < u->count; i++) {
		memcpy(order[i].userhash, u->list[i].userhash, sizeof(order[i].userhash));
		order[i].index = (uint32_t)i;
	}
	qsort(order + 1, u->count - 1, sizeof(*order), compare_hashed);
	for (size_t i = 0; i < u->count; i++)
		u->by_hash[i] = order[i].index;
	free(order);
	return true;
}

enum users_result users_finish(struct users *u, uint32_t *line)
{
	enum users_result result;

	assert(!u->finished);
	result = sort_users(u, line);
	if (result != USERS_OK)
		return result;
	if (!sort_hashes(u))
		return USERS_NO_MEMORY;
	u->finished = true;
	return USERS_OK;
}

/* The greatest power of two below `count`, 0 for one alone: the first step of a search. */
static size_t first_step(size_t count)
{
	size_t step = 1;

	while (step * 2 < count)
		step *= 2;
	return count > 1 ? step : 0;
}

/* The last one whose id is not greater; always with the same number of steps. */
static const struct user *search_id(const struct users *u, uint64_t id, struct users_effort *effort)
{
	size_t at = 0;

	for (size_t step = first_step(u->count); step > 0; step /= 2) {
		effort->steps++;
		if (at + step < u->count && u->list[at + step].id <= id)
			at += step;
	}
	return &u->list[at];
}

static const struct user *search_hash(const struct users *u, const uint8_t *userhash,
				      struct users_effort *effort)
{
	size_t at = 0;

	for (size_t step = first_step(u->count); step > 0; step /= 2) {
		effort->steps++;
		if (at + step < u->count && memcmp(u->list[u->by_hash[at + step]].userhash,
						   userhash, STUN_USERHASH_LEN) <= 0)
			at += step;
	}
	return &u->list[u->by_hash[at]];
}

static void begin(const struct users *u, uint64_t now_s, struct users_match *out)
{
	assert(u->finished);
	out->count = 0;
	out->name = (struct bytes){ 0 };
	out->now_s = now_s;
	out->effort = (struct users_effort){ 0 };
}

/* The key of a user, or of the decoy. */
static void put_known(const struct users *u, const struct user *user, uint16_t algorithm,
		      struct users_match *out)
{
	struct users_key *key = &out->keys[out->count++];
	bool by_md5 = algorithm == STUN_PASSWORD_MD5;
	struct bytes secret = by_md5 ? bytes_of(user->md5, sizeof(user->md5))
				     : bytes_of(user->sha256, sizeof(user->sha256));

	stun_key_make(&key->key, secret);
	out->effort.keys++;
	key->user = user->id;
	key->expires_s = USERS_NEVER;
	key->source = by_md5 || algorithm == STUN_PASSWORD_SHA256 ? user->source : USERS_NOBODY;
}

void users_find(const struct users *u, struct bytes name, uint16_t algorithm, uint64_t now_s,
		struct users_match *out)
{
	const struct user *user;
	bool is_him;

	begin(u, now_s, out);
	user = search_id(u, users_id(&u->known_ids, name), &out->effort);
	is_him = bytes_equal(user_name(u, user), name);
	out->effort.compares++;
	put_known(u, is_him ? user : &u->list[0], algorithm, out);
	users_find_timed(u, name, algorithm, out);
}

void users_find_hash(const struct users *u, struct bytes userhash, uint16_t algorithm,
		     uint64_t now_s, struct users_match *out)
{
	uint8_t hash[STUN_USERHASH_LEN] = { 0 };
	const struct user *user;
	bool is_him;

	begin(u, now_s, out);
	if (userhash.len == sizeof(hash))
		memcpy(hash, userhash.data, sizeof(hash));
	user = search_hash(u, hash, &out->effort);
	is_him = userhash.len == sizeof(hash) &&
		 CRYPTO_memcmp(user->userhash, hash, sizeof(hash)) == 0;
	out->effort.compares++;
	if (!is_him)
		user = &u->list[0];
	out->name = user_name(u, user);
	put_known(u, user, algorithm, out);
}

enum users_verdict users_try(struct users_match *m, const struct stun_msg *msg,
			     const struct users_key **key)
{
	*key = NULL;
	for (size_t i = 0; i < m->count; i++) {
		bool fits = stun_auth_check(msg, &m->keys[i].key) == STUN_AUTH_OK;

		m->effort.checks++;
		if (fits && *key == NULL && m->keys[i].source != USERS_NOBODY)
			*key = &m->keys[i];
	}
	if (*key == NULL)
		return USERS_WRONG;
	return m->now_s < (*key)->expires_s ? USERS_ACCEPTED : USERS_EXPIRED;
}

void users_match_wipe(struct users_match *m)
{
	OPENSSL_cleanse(m, sizeof(*m));
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
