/* The addresses of this host, from rtnetlink, which needs no privilege. */
#include "iface.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink_linux.h"

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

/* <net/if.h> has no such flag, and does not go with the <linux/if.h> that has. */
#define LINK_CARRIER 0x10000u /* IFF_LOWER_UP */

/* IFF_RUNNING will not do: the kernel sets it up to a second after the carrier is there. */
static bool is_up_with_carrier(uint32_t flags)
{
	return (flags & IFF_UP) != 0 && (flags & LINK_CARRIER) != 0;
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

static void on_link(struct dump *d, struct bytes payload)
{
	struct ifinfomsg info;
	struct bytes attrs = netlink_attrs(payload, sizeof(info));
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
	while (netlink_attr_next(&attrs, &type, &value)) {
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

	while (netlink_attr_next(&attrs, &type, &value)) {
		if (type == IFA_LOCAL)
			has_local = netlink_get_ip(value, af, out) || has_local;
		else if (type == IFA_ADDRESS && !has_local)
			netlink_get_ip(value, af, out);
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
	read_addr_attrs(netlink_attrs(payload, sizeof(info)), info.ifa_family, &flags, &a.addr);
	if (a.addr.family == ADDR_NONE)
		return;

	memcpy(a.name, link->name, sizeof(a.name));
	a.index = info.ifa_index;
	a.prefix_len = info.ifa_prefixlen;
	a.up = is_up_with_carrier(link->flags);
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
		ssize_t len = recv(fd, buf, NETLINK_ANSWER_MAX, 0);

		if (len < 0 && errno == EINTR)
			continue;
		rc = len < 0 ? -errno : on_datagram(d, bytes_of(buf, (size_t)len));
	}
	return rc;
}

int iface_list_open(struct iface_list *out)
{
	struct dump d = { 0 };
	uint8_t *buf = malloc(NETLINK_ANSWER_MAX);
	int fd = netlink_open();
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
