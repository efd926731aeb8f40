#include <errno.h>

#include "file_place.h"

int file_place_new(int dir, const char *from, const char *to)
{
	return -ENOSYS;
}
