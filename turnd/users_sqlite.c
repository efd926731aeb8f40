#include "users_sqlite.h"

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "text_file.h"

#define BUSY_MS 2000 /* while somebody writes to it */

/* Rows as the lines of a password file, so that there is one reader of users. */
struct lines {
	char *text;
	size_t len, room;
};

static bool put(struct lines *l, const char *text, size_t len, char end)
{
	if (l->room - l->len < len + 1) {
		size_t room = 2 * l->room + len + 4096;
		char *grown = malloc(room);

		if (grown == NULL)
			return false;
		if (l->len > 0)
			memcpy(grown, l->text, l->len);
		if (l->text != NULL)
			OPENSSL_cleanse(l->text, l->len);
		free(l->text);
		l->text = grown;
		l->room = room;
	}
	memcpy(l->text + l->len, text, len);
	l->text[l->len + len] = end;
	l->len += len + 1;
	return true;
}

static void wipe(struct lines *l)
{
	if (l->text != NULL)
		OPENSSL_cleanse(l->text, l->len);
	free(l->text);
}

static bool fail(struct opt_error *err, const char *path, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%.200s: %.250s", path, what);
	return false;
}

static bool put_column(sqlite3_stmt *row, int column, char end, struct lines *l)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	size_t len = (size_t)sqlite3_column_bytes(row, column);

	/* A line end in a name would begin another line. */
	return text != NULL && memchr(text, '\n', len) == NULL && put(l, text, len, end);
}

/* One that is not would be no key for the reader of lines either, but may be a comment. */
static bool is_key(sqlite3_stmt *row, int column, size_t len)
{
	uint8_t key[32];
	const void *text = sqlite3_column_text(row, column);
	bool ok =
		text != NULL &&
		text_file_hex(bytes_of(text, (size_t)sqlite3_column_bytes(row, column)), key, len);

	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static bool read_rows(sqlite3 *db, sqlite3_stmt *rows, const char *path, struct lines *l,
		      struct opt_error *err)
{
	int rc;

	while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
		if (!is_key(rows, 0, 16) || !is_key(rows, 1, 32) || !put_column(rows, 0, ' ', l) ||
		    !put_column(rows, 1, ' ', l) || !put_column(rows, 2, '\n', l))
			return fail(err, path,
				    "a user without both keys in hex, or with a line end in "
				    "the name");
	}
	return rc == SQLITE_DONE || fail(err, path, sqlite3_errmsg(db));
}

static bool query(sqlite3 *db, struct bytes realm, const char *path, struct lines *l,
		  struct opt_error *err)
{
	static const char sql[] =
		"SELECT md5, sha256, name FROM turn_users WHERE realm = ?1 ORDER BY name";
	sqlite3_stmt *rows = NULL;
	bool ok;

	if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK ||
	    sqlite3_bind_text(rows, 1, (const char *)realm.data, (int)realm.len, SQLITE_STATIC) !=
		    SQLITE_OK)
		ok = fail(err, path, sqlite3_errmsg(db));
	else
		ok = read_rows(db, rows, path, l, err);
	sqlite3_finalize(rows);
	return ok;
}

static bool add_lines(struct users *u, const char *path, const struct lines *l,
		      struct opt_error *err)
{
	uint32_t line;
	enum users_result result = users_add_file(u, bytes_of(l->text, l->len), &line);

	/* The first line is that of the realm. */
	if (result != USERS_OK)
		snprintf(err->text, sizeof(err->text), "%.200s: user number %u of the realm: %s",
			 path, (unsigned)(line - 1), users_why(result));
	return result == USERS_OK;
}

bool users_sqlite_add(struct users *u, const char *path, struct opt_error *err)
{
	struct bytes realm = users_realm(u);
	struct lines l = { 0 };
	sqlite3 *db = NULL;
	bool ok;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		ok = fail(err, path, db != NULL ? sqlite3_errmsg(db) : "out of memory");
	else if (!put(&l, "[", 1, '\0'))
		ok = fail(err, path, "out of memory");
	else {
		l.len--; /* without the end */
		sqlite3_busy_timeout(db, BUSY_MS);
		ok = (put(&l, (const char *)realm.data, realm.len, ']') && put(&l, "", 0, '\n')) ||
		     fail(err, path, "out of memory");
		ok = ok && query(db, realm, path, &l, err) && add_lines(u, path, &l, err);
	}
	sqlite3_close(db);
	wipe(&l);
	return ok;
}

bool users_sqlite_is_built(void)
{
	return true;
}
