/* Holes as lseek finds them; a file system that has none says that all is data. */
#include <config.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_piece.h"

static uint64_t to_end(int fd, uint64_t at)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size <= at)
		return 0;
	return (uint64_t)st.st_size - at;
}

void file_piece_extent(int fd, uint64_t at, uint64_t *data, uint64_t *hole)
{
	off_t begin = lseek(fd, (off_t)at, SEEK_DATA), end;

	*hole = 0;
	*data = UINT64_MAX;
	if (begin < 0) {
		*hole = errno == ENXIO ? to_end(fd, at) : 0;
		return;
	}
	if ((uint64_t)begin > at) {
		*hole = (uint64_t)begin - at;
		return;
	}
	end = lseek(fd, (off_t)at, SEEK_HOLE);
	if (end > begin)
		*data = (uint64_t)(end - begin);
}
