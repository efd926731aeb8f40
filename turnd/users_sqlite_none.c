#include "users_sqlite.h"

bool users_sqlite_add(struct users *u, const char *path, struct opt_error *err)
{
	snprintf(err->text, sizeof(err->text),
		 "%.200s: this turnd was built without SQLite; use password-file", path);
	return false;
}

bool users_sqlite_is_built(void)
{
	return false;
}
