#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "file_place.h"

int file_place_new(int dir, const char *from, const char *to)
{
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? -ENOSYS : -errno;
}
