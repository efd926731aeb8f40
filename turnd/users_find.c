/* The part of users that looks for who asks: the same work for whoever it is. */
#include "users.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#include "users_state.h"

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
