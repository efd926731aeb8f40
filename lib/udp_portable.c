/*
 * udp on other systems: a datagram at a time, without its local address or what its IP header
 * says; TTL and TOS are the system's, and no ICMP error is told.
 */
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sockaddr.h"
#include "udp_sys.h"

struct udp_batch {
	size_t rx_max, room;
	uint8_t data[];
};

int udp_sys_set_options(int fd, uint8_t family, const struct udp_options *options)
{
	return options->want_local || options->device != NULL ? -EOPNOTSUPP : 0;
}

struct udp_batch *udp_batch_new(void)
{
	return udp_batch_new_for(UDP_RX_MAX, 0);
}

struct udp_batch *udp_batch_new_for(size_t rx_max, size_t room)
{
	struct udp_batch *b = calloc(1, sizeof(*b) + UDP_BATCH * (rx_max + 2 * room));

	if (b == NULL)
		return NULL;
	b->rx_max = rx_max;
	b->room = room;
	return b;
}

void udp_batch_free(struct udp_batch *b)
{
	free(b);
}

int udp_recv_one(int fd, void *buf, size_t cap, struct udp_dgram *out)
{
	struct sockaddr_storage sa = { 0 };
	struct iovec iov = { buf, cap };
	struct msghdr m = {
		.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &m, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;

	*out = (struct udp_dgram){ .data = bytes_of(buf, (size_t)n),
				   .truncated = (m.msg_flags & MSG_TRUNC) != 0 };
	if (!sockaddr_to_addr((struct sockaddr *)&sa, &out->peer))
		out->peer = (struct addr){ 0 };
	return 1;
}

int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams)
{
	return udp_recv_some(fd, b, dgrams, UDP_BATCH);
}

int udp_recv_some(int fd, struct udp_batch *b, struct udp_dgram *dgrams, int most)
{
	int n, rc = 0;

	for (n = 0; n < most; n++) {
		uint8_t *data = b->data + (size_t)n * (b->rx_max + 2 * b->room) + b->room;

		rc = udp_recv_one(fd, data, b->rx_max, &dgrams[n]);
		if (rc <= 0)
			break;
	}
	return n > 0 ? n : rc;
}

int udp_send_one(int fd, const struct udp_dgram *d, bool *has_errors)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = sockaddr_from_addr(&d->peer, &sa);
	ssize_t n;

	if (d->local.family != ADDR_NONE)
		return -EOPNOTSUPP;
	do {
		n = sendto(fd, d->data.data, d->data.len, 0,
			   sa_len > 0 ? (struct sockaddr *)&sa : NULL, sa_len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void udp_batch_join(struct udp_batch *b)
{
}

int udp_send_heeding(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count,
		     bool *has_errors)
{
	return udp_send(fd, b, dgrams, count);
}

int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count)
{
	int sent = 0, refusal = 0;

	for (int i = 0; i < count; i++) {
		int rc = udp_send_one(fd, &dgrams[i], NULL);

		if (rc == -EAGAIN || rc == -EWOULDBLOCK) {
			refusal = rc;
			break;
		}
		if (rc == 0)
			sent++;
		else
			refusal = rc;
	}
	return sent > 0 ? sent : refusal;
}

int udp_set_dont_fragment(int fd, uint8_t family, bool on)
{
	return on ? -EOPNOTSUPP : 0;
}

int udp_leave_errors(int fd, uint8_t family)
{
	return 0;
}

int udp_recv_error(int fd, struct udp_error *out)
{
	return 0;
}
