#include "file_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int rename_to(int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to) == 0 ? 0 : -errno;
}

/* Some file systems have no second names; then there is a moment between look and deed. */
static int look_and_rename(int dir, const char *from, const char *to)
{
	struct stat st;

	if (fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return errno == ENOENT ? rename_to(dir, from, to) : -errno;
}

static int link_to(int dir, const char *from, const char *to)
{
	if (linkat(dir, from, dir, to, 0) != 0) {
		if (errno == EEXIST)
			return -EEXIST;
		return look_and_rename(dir, from, to);
	}
	return unlinkat(dir, from, 0) == 0 ? 0 : -errno;
}

int file_place(int dir, const char *from, const char *to, bool replaces)
{
	int rc;

	if (replaces)
		return rename_to(dir, from, to);
	rc = file_place_new(dir, from, to);
	return rc == -ENOSYS ? link_to(dir, from, to) : rc;
}
