/* udp on other systems: a datagram at a time, without its local address. */
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sockaddr.h"
#include "udp_sys.h"

/* One byte more than is taken tells a cut datagram from one that just fits. */
struct udp_batch {
	uint8_t data[UDP_BATCH][UDP_RX_MAX + 1];
};

int udp_sys_set_options(int fd, uint8_t family, const struct udp_options *options)
{
	return options->want_local || options->device != NULL ? -EOPNOTSUPP : 0;
}

struct udp_batch *udp_batch_new(void)
{
	return calloc(1, sizeof(struct udp_batch));
}

void udp_batch_free(struct udp_batch *b)
{
	free(b);
}

/* Returns 0 or -errno. */
static int recv_one(int fd, uint8_t *buf, struct udp_dgram *d)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t sa_len = sizeof(sa);
	ssize_t n;

	do {
		n = recvfrom(fd, buf, UDP_RX_MAX + 1, 0, (struct sockaddr *)&sa, &sa_len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	*d = (struct udp_dgram){ .truncated = n > UDP_RX_MAX };
	d->data = bytes_of(buf, d->truncated ? UDP_RX_MAX : (size_t)n);
	if (!sockaddr_to_addr((struct sockaddr *)&sa, &d->peer))
		d->peer = (struct addr){ 0 };
	return 0;
}

int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams)
{
	int n, rc = 0;

	for (n = 0; n < UDP_BATCH; n++) {
		rc = recv_one(fd, b->data[n], &dgrams[n]);
		if (rc != 0)
			break;
	}
	return n > 0 || rc == -EAGAIN || rc == -EWOULDBLOCK ? n : rc;
}

/* Returns 0 or -errno. */
static int send_one(int fd, const struct udp_dgram *d)
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

int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count)
{
	int sent = 0, refusal = 0;

	for (int i = 0; i < count; i++) {
		int rc = send_one(fd, &dgrams[i]);

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
