#include "file_piece.h"

#include <errno.h>
#include <unistd.h>

int64_t file_piece_read(int fd, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	uint64_t data = UINT64_MAX;
	ssize_t n;

	*hole = 0;
	file_piece_extent(fd, at, &data, hole);
	if (*hole > 0)
		return 0;
	if (cap > data)
		cap = (size_t)data;
	do {
		n = pread(fd, buf, cap, (off_t)at);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
