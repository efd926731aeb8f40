/* udp on Linux: a batch is one call. */
#include <config.h> /* _GNU_SOURCE */

#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "udp_control.h"

/* The arrays that the system calls take. All pointers in them are set once. */
struct vectors {
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	union udp_name names[UDP_BATCH];
	union udp_control control[UDP_BATCH];
};

struct udp_batch {
	struct vectors rx, tx;
	int rx_used; /* places of rx whose lengths the last recvmmsg has overwritten */
	size_t room, stride;
	uint8_t data[];
};

static void vectors_init(struct vectors *v)
{
	for (size_t i = 0; i < UDP_BATCH; i++) {
		struct msghdr *m = &v->msgs[i].msg_hdr;

		m->msg_iov = &v->iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &v->names[i];
		m->msg_control = &v->control[i];
	}
}

static uint8_t *data_of(struct udp_batch *b, int i)
{
	return b->data + (size_t)i * b->stride + b->room;
}

struct udp_batch *udp_batch_new(void)
{
	return udp_batch_new_for(UDP_RX_MAX, 0);
}

struct udp_batch *udp_batch_new_for(size_t rx_max, size_t room)
{
	/* Whole cache lines; an odd number of them, or long datagrams would all begin in one set. */
	size_t stride = ((rx_max + 2 * room + 63) / 64 | 1) * 64;
	struct udp_batch *b = calloc(1, sizeof(*b) + UDP_BATCH * stride);

	if (b == NULL)
		return NULL;
	b->room = room;
	b->stride = stride;
	vectors_init(&b->rx);
	vectors_init(&b->tx);
	for (int i = 0; i < UDP_BATCH; i++)
		b->rx.iov[i] = (struct iovec){ data_of(b, i), rx_max };
	b->rx_used = UDP_BATCH;
	memset(b->data, 0xff, UDP_BATCH * stride); /* has its memory now, not by the first flood */
	return b;
}

void udp_batch_free(struct udp_batch *b)
{
	free(b);
}

int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams)
{
	return udp_recv_some(fd, b, dgrams, UDP_BATCH);
}

int udp_recv_some(int fd, struct udp_batch *b, struct udp_dgram *dgrams, int most)
{
	int n;

	for (int i = 0; i < b->rx_used; i++) {
		b->rx.msgs[i].msg_hdr.msg_namelen = sizeof(b->rx.names[i]);
		b->rx.msgs[i].msg_hdr.msg_controllen = sizeof(b->rx.control[i]);
	}
	b->rx_used = 0;
	do {
		n = recvmmsg(fd, b->rx.msgs, (unsigned int)most, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;

	b->rx_used = n;
	for (int i = 0; i < n; i++) {
		struct msghdr *m = &b->rx.msgs[i].msg_hdr;
		struct udp_dgram *d = &dgrams[i];

		d->data = bytes_of(data_of(b, i), b->rx.msgs[i].msg_len);
		udp_name_get(&b->rx.names[i], &d->peer);
		udp_control_get(m, d);
		d->truncated = (m->msg_flags & MSG_TRUNC) != 0;
	}
	return n;
}

static void put_dgram(struct vectors *tx, int i, const struct udp_dgram *d)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;

	tx->iov[i] = (struct iovec){ (void *)(uintptr_t)d->data.data, d->data.len };
	m->msg_namelen = udp_name_put(&d->peer, &tx->names[i]);
	m->msg_controllen = udp_control_put(&tx->control[i], d);
}

int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count)
{
	int at = 0, sent = 0, refusal = 0;

	for (int i = 0; i < count; i++)
		put_dgram(&b->tx, i, &dgrams[i]);
	while (at < count) {
		int n = sendmmsg(fd, b->tx.msgs + at, (unsigned int)(count - at), MSG_DONTWAIT);

		if (n > 0) {
			at += n;
			sent += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		refusal = n < 0 ? -errno : -EIO;
		if (refusal == -EAGAIN || refusal == -EWOULDBLOCK)
			break;
		at++; /* the first of the rest is the one refused */
	}
	return sent > 0 ? sent : refusal;
}
