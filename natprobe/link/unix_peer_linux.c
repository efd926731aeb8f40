#include <config.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "unix_peer.h"

int unix_peer_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return -errno;
	*uid = who.uid;
	return 0;
}

static short happened(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return fd >= 0 && poll(&p, 1, 0) == 1 ? p.revents : 0;
}

bool unix_peer_has_ended(int fd)
{
	return (happened(fd) & (POLLRDHUP | POLLHUP)) != 0;
}

bool unix_peer_is_gone(int fd)
{
	return (happened(fd) & POLLHUP) != 0;
}
