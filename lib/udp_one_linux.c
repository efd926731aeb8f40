/* udp on Linux: one datagram, the options that POSIX does not know, and the error queue. */
#include <config.h> /* _GNU_SOURCE */

#include "udp.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <time.h> /* linux/errqueue.h wants it */

#include <linux/errqueue.h>

#include "udp_control.h"
#include "udp_sys.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

int udp_sys_set_options(int fd, uint8_t family, const struct udp_options *options)
{
	bool is_v6 = family == ADDR_IPV6;
	int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int rc = 0;

	if (options->device != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options->device,
						  (socklen_t)strlen(options->device)) != 0)
		return -errno;
	if (options->want_local)
		rc = set_int(fd, level, is_v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
	if (rc == 0 && options->want_ip)
		rc = set_int(fd, level, is_v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1);
	if (rc == 0 && options->want_ip)
		rc = set_int(fd, level, is_v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1);
	if (rc == 0 && options->want_errors)
		rc = set_int(fd, level, is_v6 ? IPV6_RECVERR : IP_RECVERR, 1);
	return rc;
}

int udp_leave_errors(int fd, uint8_t family)
{
	int err = 0;
	socklen_t len = sizeof(err);
	int rc = family == ADDR_IPV6 ? set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 0)
				     : set_int(fd, IPPROTO_IP, IP_RECVERR, 0);

	/* What stands in place of the next datagram goes as well. */
	if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		rc = -errno;
	return rc;
}

/*
 * Without DF, IPv4 must not be "DONT": such a socket is not told "too big" any more, and the one
 * about a datagram that had DF may still be on its way. "OMIT" sets no DF either. Of IPv6, where
 * only the sender can cut datagrams up, the path's MTU has to be learned: "DONT" does.
 */
int udp_set_dont_fragment(int fd, uint8_t family, bool on)
{
	if (family == ADDR_IPV6)
		return set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			       on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
	return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, on ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT);
}

int udp_recv_one(int fd, void *buf, size_t cap, struct udp_dgram *out)
{
	union udp_control control;
	union udp_name name = { 0 };
	struct iovec iov = { buf, cap };
	struct msghdr m = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &m, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;

	out->data = bytes_of(buf, (size_t)n);
	udp_name_get(&name, &out->peer);
	udp_control_get(&m, out);
	out->truncated = (m.msg_flags & MSG_TRUNC) != 0;
	return 1;
}

static int send_msg(int fd, const struct msghdr *m)
{
	ssize_t n;

	do {
		n = sendmsg(fd, m, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

bool udp_may_be_pending(int rc)
{
	switch (-rc) {
	case EACCES:
	case ECONNREFUSED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EMSGSIZE:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

int udp_send_one(int fd, const struct udp_dgram *d, bool *has_errors)
{
	union udp_control control;
	union udp_name name;
	struct iovec iov = { (void *)(uintptr_t)d->data.data, d->data.len };
	struct msghdr m = {
		.msg_name = &name,
		.msg_namelen = udp_name_put(&d->peer, &name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = udp_control_put(&control, d),
	};
	int rc = send_msg(fd, &m);

	if (rc == 0 || !udp_may_be_pending(rc))
		return rc;
	/* Telling an error has cleared it: only another one, or this datagram's own, comes now. */
	if (has_errors != NULL)
		*has_errors = true;
	return send_msg(fd, &m);
}

/* Returns whether it is one that we tell. */
static bool error_of(const struct sock_extended_err *e, uint8_t family, struct udp_error *out)
{
	bool is_too_big = e->ee_errno == EMSGSIZE;

	out->mtu = is_too_big ? e->ee_info : 0;
	out->type = e->ee_type;
	out->code = e->ee_code;
	if (e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6)
		return true;
	if (e->ee_origin != SO_EE_ORIGIN_LOCAL || !is_too_big)
		return false;
	out->is_ours = true;
	out->type = family == ADDR_IPV6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH;
	out->code = family == ADDR_IPV6 ? 0 : ICMP_FRAG_NEEDED;
	return true;
}

/* Behind the error stands who told it. */
static void read_router(const struct cmsghdr *c, struct udp_error *out)
{
	const size_t before = CMSG_LEN(sizeof(struct sock_extended_err));
	union udp_name name = { 0 };
	size_t len = c->cmsg_len > before ? c->cmsg_len - before : 0;

	if (len > sizeof(name))
		len = sizeof(name);
	memcpy(&name, CMSG_DATA(c) + sizeof(struct sock_extended_err), len);
	if (len >= sizeof(name.in4) && (name.any.sa_family == AF_INET || len >= sizeof(name.in6)))
		udp_name_get(&name, &out->router);
	out->router.port = 0;
}

static bool read_error(struct msghdr *m, struct udp_error *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct sock_extended_err e;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(e)))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		read_router(c, out);
		return error_of(&e, out->peer.family, out);
	}
	return false;
}

int udp_recv_error(int fd, struct udp_error *out)
{
	/* Beside the error, and who sent it, come TTL, TOS and the local address. */
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	uint8_t inside[UDP_ERROR_INSIDE];
	struct iovec iov = { inside, sizeof(inside) };
	union udp_name name;
	struct msghdr m;
	ssize_t n;

	for (;;) {
		m = (struct msghdr){
			.msg_name = &name,
			.msg_namelen = sizeof(name),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		}
		*out = (struct udp_error){ .inside_len = (size_t)n };
		memcpy(out->inside, inside, (size_t)n);
		if (m.msg_namelen == 0)
			continue;
		udp_name_get(&name, &out->peer);
		if (read_error(&m, out))
			return 1;
	}
}
