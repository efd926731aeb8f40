/* udp on Linux: a batch is one call, and datagrams tell their local address. */
#include <config.h> /* _GNU_SOURCE */

#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sockaddr.h"
#include "udp_sys.h"

/* Room for one IP_PKTINFO or IPV6_PKTINFO, aligned as CMSG_* want it. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Small, unlike struct sockaddr_storage: a batch shall fit the nearest cache. */
union name {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* The arrays that the system calls take. All pointers in them are set once. */
struct vectors {
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	union name names[UDP_BATCH];
	union control control[UDP_BATCH];
};

struct udp_batch {
	struct vectors rx, tx;
	int rx_used; /* places of rx whose lengths the last recvmmsg has overwritten */
	uint8_t data[UDP_BATCH][UDP_RX_MAX];
};

int udp_sys_set_options(int fd, uint8_t family, const struct udp_options *options)
{
	int on = 1;

	if (options->device != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options->device,
						  (socklen_t)strlen(options->device)) != 0)
		return -errno;
	if (!options->want_local)
		return 0;
	if (family == ADDR_IPV4)
		return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0 ? 0 : -errno;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0 ? 0 : -errno;
}

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

struct udp_batch *udp_batch_new(void)
{
	struct udp_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	vectors_init(&b->rx);
	vectors_init(&b->tx);
	for (size_t i = 0; i < UDP_BATCH; i++)
		b->rx.iov[i] = (struct iovec){ b->data[i], UDP_RX_MAX };
	b->rx_used = UDP_BATCH;
	memset(b->data, 0xff, sizeof(b->data)); /* has its memory now, not by the first flood */
	return b;
}

void udp_batch_free(struct udp_batch *b)
{
	free(b);
}

static void local_of_v4(const struct cmsghdr *c, struct addr *out)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	out->family = ADDR_IPV4;
	memcpy(out->ip, &info.ipi_addr, 4);
}

static void local_of_v6(const struct cmsghdr *c, struct addr *out)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(c), sizeof(info));
	out->family = ADDR_IPV6;
	memcpy(out->ip, &info.ipi6_addr, 16);
	if (addr_is_link_local(out))
		out->scope = info.ipi6_ifindex;
}

/* Where a datagram was sent to. */
static void get_local(struct msghdr *m, struct addr *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			local_of_v4(c, out);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			local_of_v6(c, out);
	}
}

/* As sockaddr_to_addr and back, but for the one case that comes a million times a second. */
static void get_name(const union name *name, struct addr *out)
{
	*out = (struct addr){ 0 };
	if (name->any.sa_family != AF_INET) {
		sockaddr_to_addr(&name->any, out);
		return;
	}
	out->family = ADDR_IPV4;
	out->port = ntohs(name->in4.sin_port);
	memcpy(out->ip, &name->in4.sin_addr, 4);
}

static socklen_t put_name(const struct addr *a, union name *name)
{
	struct sockaddr_storage other;
	socklen_t len;

	if (a->family == ADDR_IPV4) {
		name->in4 =
			(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(a->port) };
		memcpy(&name->in4.sin_addr, a->ip, 4);
		return sizeof(name->in4);
	}
	len = sockaddr_from_addr(a, &other);
	memcpy(name, &other, len);
	return len;
}

int udp_recv(int fd, struct udp_batch *b, struct udp_dgram *dgrams)
{
	int n;

	for (int i = 0; i < b->rx_used; i++) {
		b->rx.msgs[i].msg_hdr.msg_namelen = sizeof(b->rx.names[i]);
		b->rx.msgs[i].msg_hdr.msg_controllen = sizeof(b->rx.control[i]);
	}
	b->rx_used = 0;
	do {
		n = recvmmsg(fd, b->rx.msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;

	b->rx_used = n;
	for (int i = 0; i < n; i++) {
		struct msghdr *m = &b->rx.msgs[i].msg_hdr;
		struct udp_dgram *d = &dgrams[i];

		d->data = bytes_of(b->data[i], b->rx.msgs[i].msg_len);
		get_name(&b->rx.names[i], &d->peer);
		d->local = (struct addr){ 0 };
		if (m->msg_controllen > 0)
			get_local(m, &d->local);
		d->truncated = (m->msg_flags & MSG_TRUNC) != 0;
	}
	return n;
}

/* The control message that makes a datagram leave from `local`. Returns its length. */
static size_t put_local(union control *to, const struct addr *local)
{
	struct cmsghdr *c = &to->align;

	if (local->family == ADDR_IPV4) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, local->ip, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	if (local->family == ADDR_IPV6) {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope };

		memcpy(&info.ipi6_addr, local->ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	return 0;
}

static void put_dgram(struct vectors *tx, int i, const struct udp_dgram *d)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;

	tx->iov[i] = (struct iovec){ (void *)(uintptr_t)d->data.data, d->data.len };
	m->msg_namelen = put_name(&d->peer, &tx->names[i]);
	m->msg_controllen =
		d->local.family == ADDR_NONE ? 0 : put_local(&tx->control[i], &d->local);
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
