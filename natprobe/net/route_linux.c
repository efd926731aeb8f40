/* The way from an interface to a server, as the kernel would take it. */
#include "iface.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink_linux.h"

struct route_question {
	struct nlmsghdr head;
	struct rtmsg body;
	uint8_t attrs[128];
};

static void put_attr(struct route_question *q, uint16_t type, const void *value, size_t len)
{
	struct rtattr head = { .rta_len = (uint16_t)(sizeof(head) + len), .rta_type = type };
	size_t at = q->head.nlmsg_len - offsetof(struct route_question, attrs);

	memcpy(q->attrs + at, &head, sizeof(head));
	memcpy(q->attrs + at + sizeof(head), value, len);
	q->head.nlmsg_len += (uint32_t)((sizeof(head) + len + 3) & ~(size_t)3);
}

/* The one answer to a route look-up: a route, or the reason why there is none. */
static int receive_route(int fd, uint8_t *buf, struct bytes *payload)
{
	struct nlmsghdr head;
	ssize_t got;
	size_t len;
	int err = 0;

	do {
		got = recv(fd, buf, NETLINK_ANSWER_MAX, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	len = (size_t)got;
	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, buf, sizeof(head));
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
		return -EBADMSG;
	*payload = bytes_of(buf + sizeof(head), head.nlmsg_len - sizeof(head));
	if (head.nlmsg_type == RTM_NEWROUTE)
		return 0;
	if (head.nlmsg_type == NLMSG_ERROR && payload->len >= sizeof(err))
		memcpy(&err, payload->data, sizeof(err));
	return err < 0 ? err : -EBADMSG;
}

static uint8_t af_of(const struct addr *a)
{
	return a->family == ADDR_IPV4 ? AF_INET : AF_INET6;
}

/*
 * One route look-up through an interface.
 * source  ADDR_NONE: the kernel chooses; rules that look at the source do not match then
 * flags   RTM_F_FIB_MATCH: fail where the kernel would just assume a neighbour
 * body    set on success, with what stands behind it in *attrs
 */
static int ask_route(int fd, uint32_t index, const struct addr *toward, const struct addr *source,
		     unsigned int flags, uint8_t *buf, struct rtmsg *body, struct bytes *attrs)
{
	struct route_question q = {
		.head = { .nlmsg_len = offsetof(struct route_question, attrs),
			  .nlmsg_type = RTM_GETROUTE,
			  .nlmsg_flags = NLM_F_REQUEST },
		.body = { .rtm_family = af_of(toward), .rtm_flags = flags },
	};
	struct bytes payload = { 0 };
	int rc;

	q.body.rtm_dst_len = (uint8_t)(addr_ip_len(toward->family) * 8);
	put_attr(&q, RTA_DST, toward->ip, addr_ip_len(toward->family));
	put_attr(&q, RTA_OIF, &index, sizeof(index));
	if (source->family != ADDR_NONE) {
		q.body.rtm_src_len = q.body.rtm_dst_len;
		put_attr(&q, RTA_SRC, source->ip, addr_ip_len(source->family));
	}
	if (send(fd, &q, q.head.nlmsg_len, 0) < 0)
		return -errno;
	rc = receive_route(fd, buf, &payload);
	if (rc != 0)
		return rc;
	if (payload.len < sizeof(*body))
		return -EBADMSG;
	memcpy(body, payload.data, sizeof(*body));
	*attrs = netlink_attrs(payload, sizeof(*body));
	/* "unreachable", "blackhole" and "prohibit" are routes too. */
	return body->rtm_type == RTN_UNICAST || body->rtm_type == RTN_LOCAL ? 0 : -EHOSTUNREACH;
}

static bool is_candidate(const struct iface_choice *choice, const struct addr *a)
{
	for (size_t i = 0; i < choice->candidate_count; i++) {
		if (addr_equal_ip(&choice->candidates[i], a))
			return true;
	}
	return false;
}

/*
 * The way that a packet takes now, down to one router where several share the load (which
 * RTM_F_FIB_MATCH would list instead).
 * source  as in ask_route
 * named   the source that the kernel would choose; untouched where it names none
 */
static int ask_way(int fd, const struct iface_choice *choice, const struct addr *toward,
		   const struct addr *source, uint8_t *buf, struct addr *named,
		   struct iface_route *out)
{
	struct rtmsg body;
	struct bytes attrs;
	struct bytes value;
	uint16_t type;
	int rc = ask_route(fd, choice->index, toward, source, 0, buf, &body, &attrs);

	if (rc != 0)
		return rc;
	while (netlink_attr_next(&attrs, &type, &value)) {
		if (type == RTA_PREFSRC)
			netlink_get_ip(value, af_of(toward), named);
		else if (type == RTA_GATEWAY)
			netlink_get_ip(value, af_of(toward), &out->gateway);
	}
	if (addr_is_link_local(&out->gateway) && out->gateway.family == ADDR_IPV6)
		out->gateway.scope = choice->index;
	out->is_local = body.rtm_type == RTN_LOCAL;
	return 0;
}

static int ask_preferred(int fd, const struct iface_choice *choice, const struct addr *toward,
			 uint8_t *buf, struct iface_route *out)
{
	struct addr none = { 0 };
	struct addr named = { 0 };
	int rc = ask_way(fd, choice, toward, &none, buf, &named, out);

	if (rc != 0)
		return rc;
	out->source = is_candidate(choice, &named) ? named : choice->candidates[0];
	return 0;
}

/* Some routes are only there for packets from certain addresses (policy routing). */
static int ask_by_source(int fd, const struct iface_choice *choice, const struct addr *toward,
			 uint8_t *buf, struct iface_route *out)
{
	struct addr ignored = { 0 };
	struct rtmsg body;
	struct bytes attrs;
	int rc = -ENETUNREACH;

	for (size_t i = 0; i < choice->candidate_count; i++) {
		rc = ask_route(fd, choice->index, toward, &choice->candidates[i], RTM_F_FIB_MATCH,
			       buf, &body, &attrs);
		if (rc != 0)
			continue;
		out->source = choice->candidates[i];
		return ask_way(fd, choice, toward, &out->source, buf, &ignored, out);
	}
	return rc;
}

static int find_route(int fd, const struct iface_choice *choice, const struct addr *toward,
		      uint8_t *buf, struct iface_route *out)
{
	struct addr none = { 0 };
	struct rtmsg body;
	struct bytes attrs;

	if (ask_route(fd, choice->index, toward, &none, RTM_F_FIB_MATCH, buf, &body, &attrs) == 0)
		return ask_preferred(fd, choice, toward, buf, out);
	return ask_by_source(fd, choice, toward, buf, out);
}

int iface_find_route(const struct iface_choice *choice, const struct addr *toward,
		     struct iface_route *out)
{
	uint8_t *buf = malloc(NETLINK_ANSWER_MAX);
	int fd = netlink_open();
	int rc = fd < 0 ? fd : -ENOMEM;

	*out = (struct iface_route){ 0 };
	if (fd >= 0 && buf != NULL)
		rc = find_route(fd, choice, toward, buf, out);
	if (fd >= 0)
		close(fd);
	free(buf);
	return rc;
}
