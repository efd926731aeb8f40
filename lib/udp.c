#include "udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "udp_sys.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int set_options(int fd, uint8_t family, const struct udp_options *options)
{
	int rc = set_flags(fd);

	if (rc == 0 && family == ADDR_IPV6)
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (rc == 0 && options->reuse_port)
		rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (rc == 0 && options->receive_buffer > 0)
		rc = set_int(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer);
	if (rc == 0)
		rc = udp_sys_set_options(fd, family, options);
	return rc;
}

static int bind_to(int fd, const struct addr *local, struct addr *bound)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);

	if (bind(fd, (struct sockaddr *)&sa, len) != 0)
		return -errno;
	if (bound == NULL)
		return 0;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return -errno;
	return sockaddr_to_addr((struct sockaddr *)&sa, bound) ? 0 : -EAFNOSUPPORT;
}

int udp_open(const struct addr *local, const struct udp_options *options, struct addr *bound)
{
	int fd, rc;

	if (addr_ip_len(local->family) == 0)
		return -EAFNOSUPPORT;
	fd = socket(local->family == ADDR_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	if (fd < 0)
		return -errno;
	rc = set_options(fd, local->family, options);
	if (rc == 0)
		rc = bind_to(fd, local, bound);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
