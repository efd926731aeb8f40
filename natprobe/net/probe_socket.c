#include "probe_socket.h"

#include <errno.h>
#include <event2/util.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "udp.h"

/* Without privilege an old kernel refuses; what is not Linux has no such thing. */
static bool is_refusal(int rc)
{
	return rc == -EPERM || rc == -EACCES || rc == -EOPNOTSUPP || rc == -ENOPROTOOPT;
}

static int open_udp(const struct probe_source *from, const char *device, uint16_t port,
		    bool with_errors, struct addr *bound)
{
	struct addr local = addr_with_port(&from->local, port);
	struct udp_options options = { .device = device, .want_errors = with_errors };

	return udp_open(&local, &options, bound);
}

static int open_either(const struct probe_source *from, uint16_t port, bool with_errors,
		       struct addr *bound)
{
	int fd = open_udp(from, from->device, port, with_errors, bound);

	if (from->device != NULL && is_refusal(fd))
		fd = open_udp(from, NULL, port, with_errors, bound);
	return fd;
}

int probe_socket_udp(const struct probe_source *from, uint16_t port, struct addr *bound)
{
	return open_either(from, port, false, bound);
}

int probe_socket_udp_with_errors(const struct probe_source *from, uint16_t port, struct addr *bound)
{
	return open_either(from, port, true, bound);
}

bool probe_socket_binds_device(const struct probe_source *from)
{
	int fd;

	if (from->device == NULL)
		return false;
	fd = open_udp(from, from->device, 0, false, NULL);
	if (fd < 0)
		return !is_refusal(fd);
	close(fd);
	return true;
}

static int bind_device(int fd, const char *device)
{
#ifdef SO_BINDTODEVICE
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0)
		return -errno;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

static int share_port(int fd, bool with_listener)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return -errno;
#ifdef SO_REUSEPORT
	if (with_listener && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return -errno;
#endif
	return 0;
}

static int open_tcp(const struct probe_source *from, uint16_t port, bool with_listener)
{
	struct addr local = addr_with_port(&from->local, port);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&local, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	/* The port is taken now and not by connect (IP_BIND_ADDRESS_NO_PORT), so that the next one
	   can have the same: all who share it must say so beforehand. */
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		rc = -errno;
	if (rc == 0)
		rc = share_port(fd, with_listener);
	if (rc == 0 && from->device != NULL) {
		rc = bind_device(fd, from->device);
		if (is_refusal(rc))
			rc = 0;
	}
	if (rc == 0 && bind(fd, (struct sockaddr *)&sa, len) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int probe_socket_tcp(const struct probe_source *from, uint16_t port)
{
	return open_tcp(from, port, false);
}

int probe_socket_tcp_shared(const struct probe_source *from, uint16_t port)
{
	return open_tcp(from, port, true);
}

int probe_socket_accept(int listener, struct addr *from)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = accept(listener, (struct sockaddr *)&sa, &len);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (!sockaddr_to_addr((struct sockaddr *)&sa, from))
		rc = -EAFNOSUPPORT;
	else if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

ssize_t probe_socket_receive(int fd, uint8_t *buf, size_t room, struct addr *from)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	ssize_t len = recvfrom(fd, buf, room, 0, (struct sockaddr *)&sa, &sa_len);

	if (len < 0)
		return -errno;
	return sockaddr_to_addr((struct sockaddr *)&sa, from) ? len : -EAFNOSUPPORT;
}

void probe_socket_send(int fd, const struct addr *to, struct bytes data)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	(void)sendto(fd, data.data, data.len, 0, (struct sockaddr *)&sa, len);
}

int probe_socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? -err : -errno;
}

struct addr probe_socket_local(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr out;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    sockaddr_to_addr((struct sockaddr *)&sa, &out))
		return out;
	return (struct addr){ 0 };
}
