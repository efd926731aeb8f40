/* probe_socket - sockets that leave through one interface, from one of its addresses. */
#ifndef NATPROBE_PROBE_SOCKET_H
#define NATPROBE_PROBE_SOCKET_H

#include <sys/types.h>

#include "addr.h"
#include "wire.h"

struct probe_source {
	struct addr local;  /* port 0 */
	const char *device; /* SO_BINDTODEVICE, left out where it is not allowed; NULL: none */
};

/*
 * A fresh UDP socket on `port` (0: the system chooses); where it ended up goes into *bound.
 * Returns the descriptor, or -errno: -EADDRINUSE where somebody has that port.
 */
int probe_socket_udp(const struct probe_source *from, uint16_t port, struct addr *bound);

/* The same; ICMP errors about what it sends are told by udp_recv_error. */
int probe_socket_udp_with_errors(const struct probe_source *from, uint16_t port,
				 struct addr *bound);

/*
 * A fresh TCP socket, bound to `port` (0: the system chooses) but not connected. Several of them
 * may have one port, and then connect to different places.
 * Returns the descriptor, or -errno.
 */
int probe_socket_tcp(const struct probe_source *from, uint16_t port);

/* The same, and one of them may listen on that port (SO_REUSEPORT). */
int probe_socket_tcp_shared(const struct probe_source *from, uint16_t port);

/*
 * One that calls a listener, not blocking, and who it is. Returns the descriptor, or -errno:
 * -EAGAIN where there is none.
 */
int probe_socket_accept(int listener, struct addr *from);

/*
 * The next datagram that has come, and who sent it; longer ones are cut.
 * Returns its length; -errno: -EAGAIN where there is none.
 */
ssize_t probe_socket_receive(int fd, uint8_t *buf, size_t room, struct addr *from);

/* What cannot be sent is as if lost. */
void probe_socket_send(int fd, const struct addr *to, struct bytes data);

/* What became of a connection that was begun: 0 or -errno. */
int probe_socket_error(int fd);

/* Where a socket is bound; family ADDR_NONE where that cannot be told. */
struct addr probe_socket_local(int fd);

/* Whether sockets of this source can be bound to its device at all. */
bool probe_socket_binds_device(const struct probe_source *from);

#endif
