/* udp on Linux: a batch is one call. */
#include <config.h> /* _GNU_SOURCE */

#include "udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "udp_control.h"

#define JOINED_MAX 65000 /* bytes of datagrams that leave as one message */

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
	bool joins; /* udp_batch_join */
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

void udp_batch_join(struct udp_batch *b)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int none = 0;

	if (fd < 0)
		return;
	b->joins = setsockopt(fd, SOL_UDP, UDP_SEGMENT, &none, sizeof(none)) == 0;
	close(fd);
}

static bool goes_along(const struct udp_dgram *first, const struct udp_dgram *d)
{
	return d->data.len <= first->data.len && d->data.len > 0 &&
	       addr_equal(&d->peer, &first->peer) && addr_equal(&d->local, &first->local) &&
	       d->ip.ttl == first->ip.ttl && d->ip.tos == first->ip.tos;
}

/* How many of them, from the first on, make one message: but for the last, all are as long. */
static int count_joined(const struct udp_batch *b, const struct udp_dgram *dgrams, int count)
{
	size_t len = dgrams[0].data.len, whole = len;
	int n = 1;

	while (b->joins && n < count && dgrams[n - 1].data.len == len &&
	       whole + len <= JOINED_MAX && goes_along(&dgrams[0], &dgrams[n]))
		whole += dgrams[n++].data.len;
	return n;
}

/* Puts `count` datagrams, of which the first has place `at`, into one message. */
static void put_message(struct vectors *tx, int place, int at, const struct udp_dgram *dgrams,
			int count)
{
	struct msghdr *m = &tx->msgs[place].msg_hdr;
	const struct udp_dgram *first = &dgrams[at];

	for (int i = at; i < at + count; i++)
		tx->iov[i] = (struct iovec){ (void *)(uintptr_t)dgrams[i].data.data,
					     dgrams[i].data.len };
	m->msg_iov = &tx->iov[at];
	m->msg_iovlen = (size_t)count;
	m->msg_namelen = udp_name_put(&first->peer, &tx->names[place]);
	m->msg_controllen = udp_control_put(&tx->control[place], first);
	if (count > 1)
		m->msg_controllen = udp_control_put_segment(&tx->control[place], m->msg_controllen,
							    (uint16_t)first->data.len);
}

/* Fills in all messages. Returns how many; the datagrams of each begin at begin[]. */
static int put_all(struct udp_batch *b, const struct udp_dgram *dgrams, int count, int *begin)
{
	int places = 0;

	for (int at = 0; at < count; places++) {
		int n = count_joined(b, &dgrams[at], count - at);

		begin[places] = at;
		put_message(&b->tx, places, at, dgrams, n);
		at += n;
	}
	begin[places] = count;
	return places;
}

static bool is_full(int rc)
{
	return rc == -EAGAIN || rc == -EWOULDBLOCK;
}

/*
 * Where the system refused a message: each of its datagrams for itself, once more. It may have
 * been joined in vain, or told an ICMP error about an earlier one. Returns 0, the last refusal, or
 * -EAGAIN as soon as the queue is full.
 */
static int send_apart(int fd, const struct udp_dgram *dgrams, int count, int *sent,
		      bool *has_errors)
{
	int refusal = 0;

	for (int i = 0; i < count; i++) {
		int rc = udp_send_one(fd, &dgrams[i], has_errors);

		if (is_full(rc))
			return rc;
		if (rc == 0)
			(*sent)++;
		else
			refusal = rc;
	}
	return refusal;
}

int udp_send(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count)
{
	bool has_errors;

	return udp_send_heeding(fd, b, dgrams, count, &has_errors);
}

int udp_send_heeding(int fd, struct udp_batch *b, const struct udp_dgram *dgrams, int count,
		     bool *has_errors)
{
	int begin[UDP_BATCH + 1];
	int places = put_all(b, dgrams, count, begin);
	int at = 0, sent = 0, refusal = 0;

	while (at < places && !is_full(refusal)) {
		int n = sendmmsg(fd, b->tx.msgs + at, (unsigned int)(places - at), MSG_DONTWAIT);

		if (n > 0) {
			sent += begin[at + n] - begin[at];
			at += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		refusal = n < 0 ? -errno : -EIO;
		if (is_full(refusal))
			break;
		n = begin[at + 1] - begin[at];
		if (n > 1 && refusal == -EIO)
			b->joins = false; /* this device cannot, and tells so */
		if (n > 1 || udp_may_be_pending(refusal)) {
			*has_errors = udp_may_be_pending(refusal) || *has_errors;
			refusal = send_apart(fd, &dgrams[begin[at]], n, &sent, has_errors);
		}
		at++; /* the first of the rest is the one refused */
	}
	return sent > 0 ? sent : refusal;
}
