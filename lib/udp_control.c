#include <config.h> /* _GNU_SOURCE */

#include "udp_control.h"

#include <netinet/udp.h>
#include <string.h>

#include "sockaddr.h"

void udp_name_get(const union udp_name *name, struct addr *out)
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

socklen_t udp_name_put(const struct addr *a, union udp_name *name)
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

/* A TTL and the like is an int; a TOS is a byte. */
static uint8_t small_of(const struct cmsghdr *c)
{
	int value = 0;

	if (c->cmsg_len == CMSG_LEN(1))
		return *CMSG_DATA(c);
	if (c->cmsg_len == CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(c), sizeof(value));
	return (uint8_t)value;
}

static void get_v4(const struct cmsghdr *c, struct udp_dgram *out)
{
	if (c->cmsg_type == IP_PKTINFO)
		local_of_v4(c, &out->local);
	else if (c->cmsg_type == IP_TTL)
		out->ip.ttl = small_of(c);
	else if (c->cmsg_type == IP_TOS)
		out->ip.tos = small_of(c);
}

static void get_v6(const struct cmsghdr *c, struct udp_dgram *out)
{
	if (c->cmsg_type == IPV6_PKTINFO)
		local_of_v6(c, &out->local);
	else if (c->cmsg_type == IPV6_HOPLIMIT)
		out->ip.ttl = small_of(c);
	else if (c->cmsg_type == IPV6_TCLASS)
		out->ip.tos = small_of(c);
}

void udp_control_get(struct msghdr *m, struct udp_dgram *out)
{
	out->local = (struct addr){ 0 };
	out->ip = (struct udp_ip){ 0 };
	if (m->msg_controllen == 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP)
			get_v4(c, out);
		else if (c->cmsg_level == IPPROTO_IPV6)
			get_v6(c, out);
	}
}

/* Appends one control message. Returns the length of all of them. */
static size_t put(union udp_control *to, size_t at, int level, int type, const void *value,
		  size_t len)
{
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	memcpy(to->bytes + at, &c, sizeof(c));
	memcpy(to->bytes + at + CMSG_LEN(0), value, len);
	return at + CMSG_SPACE(len);
}

static size_t put_local(union udp_control *to, const struct addr *local)
{
	if (local->family == ADDR_IPV4) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, local->ip, 4);
		return put(to, 0, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (local->family == ADDR_IPV6) {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope };

		memcpy(&info.ipi6_addr, local->ip, 16);
		return put(to, 0, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	return 0;
}

size_t udp_control_put(union udp_control *to, const struct udp_dgram *d)
{
	bool is_v6 = d->peer.family == ADDR_IPV6;
	int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int ttl = d->ip.ttl, tos = d->ip.tos;
	size_t len = put_local(to, &d->local);

	if (ttl != 0)
		len = put(to, len, level, is_v6 ? IPV6_HOPLIMIT : IP_TTL, &ttl, sizeof(ttl));
	if (tos != 0)
		len = put(to, len, level, is_v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	return len;
}

size_t udp_control_put_segment(union udp_control *to, size_t len, uint16_t segment)
{
	return put(to, len, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}
