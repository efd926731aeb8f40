#include "fuzz_rows.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <unistd.h>

#include "fuzz_check.h"

#define MD5    "0123456789abcdef0123456789abcdef"
#define SHA256 MD5 MD5

static const char table[] = "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
			    "CREATE TABLE turn_users (realm, name, md5, sha256)";
static const char insert[] = "INSERT INTO turn_users VALUES ('example.org', ?, ?, ?)";

static void bind(sqlite3_stmt *row, int column, const void *text, size_t len)
{
	FUZZ_CHECK(sqlite3_bind_text(row, column, text, (int)len, SQLITE_STATIC) == SQLITE_OK);
}

void fuzz_write_rows(const char *path, const uint8_t *data, size_t len)
{
	bool is_key = len > 0 && data[0] % 2 != 0;
	sqlite3_stmt *row;
	sqlite3 *db;

	(void)unlink(path);
	FUZZ_CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	FUZZ_CHECK(sqlite3_exec(db, table, NULL, NULL, NULL) == SQLITE_OK);
	FUZZ_CHECK(sqlite3_prepare_v2(db, insert, -1, &row, NULL) == SQLITE_OK);
	if (is_key) {
		bind(row, 1, "alice", 5);
		bind(row, 2, data, len);
	} else {
		bind(row, 1, data, len);
		bind(row, 2, MD5, sizeof(MD5) - 1);
	}
	bind(row, 3, SHA256, sizeof(SHA256) - 1);
	FUZZ_CHECK(sqlite3_step(row) == SQLITE_DONE);
	FUZZ_CHECK(sqlite3_finalize(row) == SQLITE_OK);
	FUZZ_CHECK(sqlite3_close(db) == SQLITE_OK);
}
