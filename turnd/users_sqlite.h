/*
 * users_sqlite - users of an SQLite database, read whole: users_sqlite.c, or users_sqlite_none.c
 * where turnd was built without SQLite.
 *
 * It has a table with a row for each user, with the two keys that a password file has as well:
 *	CREATE TABLE turn_users (realm TEXT NOT NULL, name TEXT NOT NULL,
 *				 md5 TEXT NOT NULL, sha256 TEXT NOT NULL,
 *				 PRIMARY KEY (realm, name));
 */
#ifndef NATKIT_TURND_USERS_SQLITE_H
#define NATKIT_TURND_USERS_SQLITE_H

#include "opt.h"
#include "users.h"

/* Adds the users of u's realm. Blocks: for the main thread. False with *err set to "PATH: why". */
bool users_sqlite_add(struct users *u, const char *path, struct opt_error *err);

/* Whether this turnd can. */
bool users_sqlite_is_built(void);

#endif
