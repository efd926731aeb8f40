/* settings_parts - what settings are made of. For settings*.c alone. */
#ifndef NATKIT_TURND_SETTINGS_PARTS_H
#define NATKIT_TURND_SETTINGS_PARTS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "addresses.h"
#include "settings.h"
#include "shared.h"

/* How a file was when it was read. */
struct settings_file {
	time_t changed_s;
	long changed_ns;
	off_t size;
};

/* What was read for a realm: held by all settings that show it. */
struct settings_realm {
	struct shared *users;
	struct shared *tokens;
	struct settings_file database;
};

struct settings_parts {
	atomic_uint holders;
	uint8_t users_key[USERS_KEY_LEN];
	uint64_t nonce_made_s, ticket_made_s; /* when the current keys were */
	bool nonces_shared;                   /* they are of nonce-key-file */

	struct realm *realms; /* policies are its own, users and tokens are held by `read` */
	struct settings_realm *read;
	size_t realm_count;
	struct snapshot_relay relays[TURND_RELAYS_MAX];
	size_t relay_count;
	bool other_relays;
	struct snapshot_alternate *alternates;
	size_t alternate_count;
	struct settings_name *names;
	size_t name_count;
	const struct geo *geo;
	struct shared *geo_read; /* that `geo` is of */
	struct names looked_up;
};

/* Sets "KEY: what"; returns false. i: number of the realm. */
bool settings_wrong(const struct turnd_conf *conf, size_t i, const char *key, const char *what,
		    struct opt_error *err);

/* Each fills its part of realm number i. */
bool settings_add_users(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
			struct opt_error *err);
bool settings_add_tokens(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
			 struct opt_error *err);
bool settings_add_policies(const struct turnd_conf *conf, size_t i,
			   const struct settings_parts *parts, const struct addresses *host,
			   struct realm *r, struct opt_error *err);

/*
 * Relay addresses, by what DNS said before, or now (NULL: nothing); the local ones are those of
 * `before` (NULL: none was).
 */
bool settings_add_relays(const struct turnd_conf *conf, const struct settings *before,
			 const struct names *fresh, const struct addresses *host,
			 struct settings_parts *p, struct opt_error *err);

/* False when memory runs out. */
bool settings_add_alternates(const struct turnd_conf *conf, struct settings_parts *p);

bool settings_open_geo(const struct turnd_conf *conf, struct settings_parts *parts,
		       struct opt_error *err);

/* Certificates of all realms; or those that `before` has. */
bool settings_add_names(const struct turnd_conf *conf, struct settings_parts *parts,
			struct opt_error *err);
bool settings_take_names(const struct settings_parts *before, struct settings_parts *parts);

/*
 * Nonces and tickets.
 * read  nonce-key-file; else its keys are those of `before`
 */
bool settings_add_keys(const struct turnd_conf *conf, const struct settings *before, bool read,
		       struct settings *s, uint64_t now_s, struct opt_error *err);

#endif
