#include <config.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "unix_peer.h"

int unix_peer_uid(int fd, uid_t *uid)
{
	gid_t gid;

	return getpeereid(fd, uid, &gid) == 0 ? 0 : -errno;
}

bool unix_peer_has_ended(int fd)
{
	return unix_peer_is_gone(fd);
}

bool unix_peer_is_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}
