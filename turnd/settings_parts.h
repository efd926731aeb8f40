/* settings_parts - what settings are made of. For settings*.c alone. */
#ifndef NATKIT_TURND_SETTINGS_PARTS_H
#define NATKIT_TURND_SETTINGS_PARTS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "addresses.h"
#include "settings.h"

/* How a file was when it was read. */
struct settings_file {
	time_t changed_s;
	long changed_ns;
	off_t size;
};

struct settings_parts {
	atomic_uint holders;
	uint8_t users_key[USERS_KEY_LEN];
	uint64_t nonce_made_s, ticket_made_s; /* when the current keys were */
	bool nonces_shared;                   /* they are of nonce-key-file */

	struct realm *realms;
	size_t realm_count;
	struct snapshot_relay relays[TURND_RELAYS_MAX];
	size_t relay_count;
	bool other_relays;
	struct snapshot_alternate *alternates;
	size_t alternate_count;
	struct settings_name *names;
	size_t name_count;
	struct geo *geo;
	struct names looked_up;
	struct settings_file *databases; /* of each realm */
};

/* Sets "KEY: what"; returns false. i: number of the realm. */
bool settings_wrong(const struct turnd_conf *conf, size_t i, const char *key, const char *what,
		    struct opt_error *err);

/* Each fills its part of *r for realm number i. */
bool settings_add_users(const struct turnd_conf *conf, size_t i, const uint8_t *users_key,
			struct realm *r, struct opt_error *err);
bool settings_add_tokens(const struct turnd_conf *conf, size_t i, struct realm *r,
			 struct opt_error *err);
bool settings_add_policies(const struct turnd_conf *conf, size_t i,
			   const struct settings_parts *parts, const struct addresses *host,
			   struct realm *r, struct opt_error *err);

bool settings_open_geo(const struct turnd_conf *conf, struct settings_parts *parts,
		       struct opt_error *err);

/* Certificates of all realms. */
bool settings_add_names(const struct turnd_conf *conf, struct settings_parts *parts,
			struct opt_error *err);

/* Nonces and tickets. */
bool settings_add_keys(const struct turnd_conf *conf, const struct settings *before,
		       struct settings *s, uint64_t now_s, struct opt_error *err);

/* How `path` is now; NULL: no file. */
struct settings_file settings_look_at(const char *path);

#endif
