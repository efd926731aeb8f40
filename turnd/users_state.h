/* What the files of users share. Not for others. */
#ifndef NATKIT_USERS_STATE_H
#define NATKIT_USERS_STATE_H

#include "opaque.h"
#include "siphash.h"
#include "users.h"

struct user {
	uint64_t id;
	size_t name_at; /* in users.names */
	uint32_t name_len;
	uint32_t line; /* of the password file, 0: of the configuration */
	enum users_source source;
	uint8_t md5[16];
	uint8_t sha256[32];
	uint8_t userhash[STUN_USERHASH_LEN];
};

struct secret {
	struct stun_key key;
	enum users_hash hash;
};

struct users {
	struct user *list;  /* list[0] is the decoy; the others by rising id, once finished */
	uint32_t *by_hash;  /* the same by rising userhash; [0] is the decoy again */
	size_t count, room; /* of list */
	uint8_t *names;
	size_t names_len, names_room;
	struct secret secrets[USERS_SECRETS_MAX];
	size_t secret_count;
	char separator;
	bool finished;
	struct siphash known_ids; /* begun with key, kind of user, and realm */
	struct siphash timed_ids;
	size_t realm_len;
	uint8_t realm[OPAQUE_MAX];
};

static inline struct bytes user_name(const struct users *u, const struct user *user)
{
	return bytes_of(user->name_len > 0 ? u->names + user->name_at : NULL, user->name_len);
}

/* Goes on from a hash that was begun. */
uint64_t users_id(const struct siphash *begun, struct bytes name);

/* Adds a user whose name is prepared and whose keys are made. */
enum users_result users_add_keys(struct users *u, struct bytes name, const struct user *keys);

/* The keys of the time-limited credentials that `name` would belong to. */
void users_find_timed(const struct users *u, struct bytes name, uint16_t algorithm,
		      struct users_match *out);

/* Prepares a name: at most USERS_NAME_MAX bytes of OpaqueString. */
bool users_prepare_name(struct bytes in, uint8_t buf[static OPAQUE_MAX], struct bytes *out);

/* Makes both keys. The password is prepared here; name and realm are already. */
bool users_derive(struct bytes name, struct bytes realm, struct bytes password, struct user *out);

#endif
