/* The system's part of iface on Linux: rtnetlink, which needs no privilege. */
#include "iface.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sockaddr.h"
#include "wire.h"

#define ANSWER_MAX 65536 /* the kernel never needs more per datagram of a dump */

struct link {
	uint32_t index;
	uint32_t flags;
	char name[IFACE_NAME_MAX];
};

struct dump {
	struct link *links;
	size_t link_count;
	struct iface_list list;
	bool failed; /* memory ran out */
};

static bool exists_with_carrier(uint32_t flags)
{
	return (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
}

/* One more element at the end of an array, zeroed; NULL when memory runs out. */
static void *grow(void **items, size_t *count, size_t size)
{
	char *bigger = realloc(*items, (*count + 1) * size);
	void *last;

	if (bigger == NULL)
		return NULL;
	*items = bigger;
	last = bigger + *count * size;
	memset(last, 0, size);
	(*count)++;
	return last;
}

static int open_netlink(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* rtnetlink's attributes; the macros of its header do not pass -Wconversion. */
static bool next_attr(struct bytes *in, uint16_t *type, struct bytes *value)
{
	struct rtattr head;
	size_t step;

	if (in->len < sizeof(head))
		return false;
	memcpy(&head, in->data, sizeof(head));
	if (head.rta_len < sizeof(head) || head.rta_len > in->len)
		return false;
	*type = head.rta_type;
	*value = bytes_of(in->data + sizeof(head), head.rta_len - sizeof(head));
	step = ((size_t)head.rta_len + 3) & ~(size_t)3;
	if (step > in->len)
		step = in->len;
	*in = bytes_of(in->data + step, in->len - step);
	return true;
}

/* What stands behind the fixed struct of a message. */
static struct bytes attrs_of(struct bytes payload, size_t fixed)
{
	fixed = (fixed + 3) & ~(size_t)3;
	if (payload.len < fixed)
		return (struct bytes){ 0 };
	return bytes_of(payload.data + fixed, payload.len - fixed);
}

static bool get_ip(struct bytes value, uint8_t af, struct addr *out)
{
	struct addr a = { .family = af == AF_INET ? ADDR_IPV4 : ADDR_IPV6 };

	if ((af != AF_INET && af != AF_INET6) || value.len != addr_ip_len(a.family))
		return false;
	memcpy(a.ip, value.data, value.len);
	*out = a;
	return true;
}

static void on_link(struct dump *d, struct bytes payload)
{
	struct ifinfomsg info;
	struct bytes attrs = attrs_of(payload, sizeof(info));
	struct bytes value;
	struct link *link;
	uint16_t type;

	if (payload.len < sizeof(info))
		return;
	memcpy(&info, payload.data, sizeof(info));
	link = grow((void **)&d->links, &d->link_count, sizeof(*link));
	if (link == NULL) {
		d->failed = true;
		return;
	}
	link->index = (uint32_t)info.ifi_index;
	link->flags = info.ifi_flags;
	while (next_attr(&attrs, &type, &value)) {
		if (type == IFLA_IFNAME && value.len > 0 && value.len <= sizeof(link->name))
			memcpy(link->name, value.data, value.len - 1);
	}
}

static const struct link *find_link(const struct dump *d, uint32_t index)
{
	for (size_t i = 0; i < d->link_count; i++) {
		if (d->links[i].index == index)
			return &d->links[i];
	}
	return NULL;
}

/* IFA_LOCAL is ours and IFA_ADDRESS the other end on a point-to-point link. */
static void read_addr_attrs(struct bytes attrs, uint8_t af, uint32_t *flags, struct addr *out)
{
	struct bytes value;
	bool has_local = false;
	uint16_t type;

	while (next_attr(&attrs, &type, &value)) {
		if (type == IFA_LOCAL)
			has_local = get_ip(value, af, out) || has_local;
		else if (type == IFA_ADDRESS && !has_local)
			get_ip(value, af, out);
		else if (type == IFA_FLAGS && value.len == sizeof(*flags))
			memcpy(flags, value.data, sizeof(*flags));
	}
}

static void on_addr(struct dump *d, struct bytes payload)
{
	struct ifaddrmsg info;
	struct iface_addr a = { 0 };
	const struct link *link;
	struct iface_addr *place;
	uint32_t flags;

	if (payload.len < sizeof(info))
		return;
	memcpy(&info, payload.data, sizeof(info));
	link = find_link(d, info.ifa_index);
	if (link == NULL)
		return;
	flags = info.ifa_flags;
	read_addr_attrs(attrs_of(payload, sizeof(info)), info.ifa_family, &flags, &a.addr);
	if (a.addr.family == ADDR_NONE)
		return;

	memcpy(a.name, link->name, sizeof(a.name));
	a.index = info.ifa_index;
	a.prefix_len = info.ifa_prefixlen;
	a.up = exists_with_carrier(link->flags);
	a.loopback = (link->flags & IFF_LOOPBACK) != 0;
	/* The same bit means "secondary" for IPv4, which is no reason against an address. */
	a.temporary = info.ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY) != 0;
	a.deprecated = (flags & IFA_F_DEPRECATED) != 0;
	a.tentative = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0 &&
		      (flags & IFA_F_OPTIMISTIC) == 0;
	place = grow((void **)&d->list.items, &d->list.count, sizeof(*place));
	if (place == NULL)
		d->failed = true;
	else
		*place = a;
}

/*
 * Goes over the messages of one datagram.
 * Returns 1 for "more to come", 0 when the dump is complete, or -errno.
 */
static int on_datagram(struct dump *d, struct bytes in)
{
	while (in.len >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head;
		struct bytes payload;
		size_t step;

		memcpy(&head, in.data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > in.len)
			return -EBADMSG;
		payload = bytes_of(in.data + sizeof(head), head.nlmsg_len - sizeof(head));
		if (head.nlmsg_type == NLMSG_DONE)
			return 0;
		if (head.nlmsg_type == NLMSG_ERROR)
			return -EIO;
		if (head.nlmsg_type == RTM_NEWLINK)
			on_link(d, payload);
		else if (head.nlmsg_type == RTM_NEWADDR)
			on_addr(d, payload);
		step = ((size_t)head.nlmsg_len + 3) & ~(size_t)3;
		if (step > in.len)
			step = in.len;
		in = bytes_of(in.data + step, in.len - step);
	}
	return d->failed ? -ENOMEM : 1;
}

static int dump(int fd, uint16_t type, struct dump *d, uint8_t *buf)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .rtgen_family = AF_UNSPEC },
	};
	int rc = 1;

	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	while (rc > 0) {
		ssize_t len = recv(fd, buf, ANSWER_MAX, 0);

		if (len < 0 && errno == EINTR)
			continue;
		rc = len < 0 ? -errno : on_datagram(d, bytes_of(buf, (size_t)len));
	}
	return rc;
}

int iface_list_open(struct iface_list *out)
{
	struct dump d = { 0 };
	uint8_t *buf = malloc(ANSWER_MAX);
	int fd = open_netlink();
	int rc = fd;

	*out = (struct iface_list){ 0 };
	if (buf == NULL)
		rc = -ENOMEM;
	if (rc >= 0)
		rc = dump(fd, RTM_GETLINK, &d, buf);
	if (rc >= 0)
		rc = dump(fd, RTM_GETADDR, &d, buf);
	if (rc == 0 && d.failed)
		rc = -ENOMEM;
	if (rc == 0)
		*out = d.list;
	else
		free(d.list.items);
	if (fd >= 0)
		close(fd);
	free(d.links);
	free(buf);
	return rc;
}

void iface_list_close(struct iface_list *list)
{
	free(list->items);
	*list = (struct iface_list){ 0 };
}

bool iface_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

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
		got = recv(fd, buf, ANSWER_MAX, 0);
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
	*attrs = attrs_of(payload, sizeof(*body));
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

static int ask_preferred(int fd, const struct iface_choice *choice, const struct addr *toward,
			 uint8_t *buf, struct iface_route *out)
{
	struct addr none = { 0 };
	struct addr named = { 0 };
	struct rtmsg body;
	struct bytes attrs;
	struct bytes value;
	uint16_t type;
	int rc = ask_route(fd, choice->index, toward, &none, 0, buf, &body, &attrs);

	if (rc != 0)
		return rc;
	while (next_attr(&attrs, &type, &value)) {
		if (type == RTA_PREFSRC)
			get_ip(value, af_of(toward), &named);
	}
	out->source = is_candidate(choice, &named) ? named : choice->candidates[0];
	out->is_local = body.rtm_type == RTN_LOCAL;
	return 0;
}

/* Some routes are only there for packets from certain addresses (policy routing). */
static int ask_by_source(int fd, const struct iface_choice *choice, const struct addr *toward,
			 uint8_t *buf, struct iface_route *out)
{
	struct rtmsg body;
	struct bytes attrs;
	int rc = -ENETUNREACH;

	for (size_t i = 0; i < choice->candidate_count; i++) {
		rc = ask_route(fd, choice->index, toward, &choice->candidates[i], RTM_F_FIB_MATCH,
			       buf, &body, &attrs);
		if (rc != 0)
			continue;
		out->source = choice->candidates[i];
		out->is_local = body.rtm_type == RTN_LOCAL;
		return 0;
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
	uint8_t *buf = malloc(ANSWER_MAX);
	int fd = open_netlink();
	int rc = fd < 0 ? fd : -ENOMEM;

	if (fd >= 0 && buf != NULL)
		rc = find_route(fd, choice, toward, buf, out);
	if (fd >= 0)
		close(fd);
	free(buf);
	return rc;
}
