#include "file_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "safe_name.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The next component of *path, and takes it off. */
static bool next_component(struct bytes *path, char out[static SAFE_COMPONENT_MAX + 1])
{
	const uint8_t *slash = memchr(path->data, '/', path->len);
	size_t len = slash != NULL ? (size_t)(slash - path->data) : path->len;
	size_t used = slash != NULL ? len + 1 : len;

	if (len == 0 || len > SAFE_COMPONENT_MAX)
		return false;
	memcpy(out, path->data, len);
	out[len] = '\0';
	path->data += used;
	path->len -= used;
	return true;
}

static int open_next(int dir, struct bytes *path)
{
	char name[SAFE_COMPONENT_MAX + 1];
	int fd;

	if (!next_component(path, name))
		return -EINVAL;
	fd = openat(dir, name, DIRECTORY);
	return fd >= 0 ? fd : -errno;
}

int file_walk(int top, struct bytes path)
{
	int fd = fcntl(top, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (fd >= 0 && path.len > 0) {
		int next = open_next(fd, &path);

		(void)close(fd);
		fd = next;
	}
	return fd;
}

struct bytes file_walk_name(struct bytes path, struct bytes *parent)
{
	size_t at = path.len;

	while (at > 0 && path.data[at - 1] != '/')
		at--;
	*parent = bytes_of(path.data, at > 0 ? at - 1 : 0);
	return bytes_of(path.data + at, path.len - at);
}
