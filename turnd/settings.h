/*
 * settings - a snapshot of the configuration with all that it rests on: users, policies, geo
 * databases, certificates. Counted: the main thread makes one of each configuration, and it is
 * freed when no worker uses it any more.
 */
#ifndef NATKIT_SETTINGS_H
#define NATKIT_SETTINGS_H

#include <openssl/types.h>

#include "names.h"
#include "snapshot.h"
#include "turnd_conf.h"

/* Servers with a certificate of their own, chosen by SNI (RFC 6066); the first one is the default. */
struct settings_name {
	const char *server_name; /* lower case; NULL: the default */
	uint64_t realm;          /* id of the realm it stands for; 0: the listener's */
	SSL_CTX *tls, *dtls;
};

/* How long a random key of nonces or tickets makes new ones. */
#define SETTINGS_KEY_LIFE_S 86400

struct settings {
	struct snapshot snapshot;
	const struct settings_name *names;
	size_t name_count;            /* 0: no certificate, no TLS */
	const struct geo *geo;        /* NULL: no database */
	struct settings_parts *parts; /* for settings*.c: what has to be freed, and the count */
};

/*
 * Puts keys in the place of the passwords of [user NAME], which are wiped: from then on nobody finds
 * them in memory (RFC 8656, section 6). Returns false with *err set where one cannot be prepared.
 */
bool settings_keep_keys(struct turnd_conf *conf, struct opt_error *err);

/*
 * Reads all files that the configuration names. Nothing is opened that listens. Looks names of
 * relay-address up that `before` does not know: that blocks.
 * before  whose keys are taken over, so that nonces, tickets and user ids stay good, and whose
 *         relay addresses stay as they are; NULL: none
 * Returns NULL with *err set, naming file and line.
 */
struct settings *settings_new(const struct turnd_conf *conf, const struct settings *before,
			      struct opt_error *err);

/*
 * The same again with what has changed beside the files, none of which is read: keys of nonces and
 * tickets that have served for SETTINGS_KEY_LIFE_S give way to new ones.
 * conf   that `before` was made of, but for `draining`
 * fresh  what DNS has to say by now; names that it lacks stay as they were; NULL: all do
 * now_s  of the wall clock
 */
struct settings *settings_renew(const struct turnd_conf *conf, const struct settings *before,
				const struct names *fresh, uint64_t now_s, struct opt_error *err);

/* The same with the users, read again, of those realms whose user-database has changed. */
struct settings *settings_renew_users(const struct turnd_conf *conf, const struct settings *before,
				      uint64_t now_s, struct opt_error *err);

struct settings *settings_retain(struct settings *s); /* any thread */
void settings_release(struct settings *s);            /* any thread; NULL is fine */

/* What was looked up for them. Borrowed. */
const struct names *settings_looked_up(const struct settings *s);

/* A file that may change by itself (user-database) is another one than it was. */
bool settings_is_outdated(const struct settings *s, const struct turnd_conf *conf);

/* Anybody can get in; else only STUN is served. */
bool settings_has_users(const struct settings *s);

/* relay-address asks for other local addresses than those in use: takes a restart. */
bool settings_wants_other_relays(const struct settings *s);

/*
 * Calls `on_file` for each file that a reload reads and this process cannot.
 * error  an errno
 */
void settings_unreadable(const struct turnd_conf *conf,
			 void (*on_file)(void *arg, const char *path, int error), void *arg);

/* Warns of each in the log, with the cure. user: that this process has become */
void settings_tell_unreadable(const struct turnd_conf *conf, const char *user);

/* Lines for the log: what clients will see, who may use it, and what is odd about that. */
void settings_tell(const struct settings *s, const struct turnd_conf *conf);

#endif
