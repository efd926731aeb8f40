/* rtnetlink tells each change of a link or an address; what it means is read anew then. */
#include "address_watch.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "iface.h"
#include "natprobe/net/await.h"

#define SETTLE_MS     300 /* an address comes in several steps */
#define ADDRESSES_MAX 64
#define MESSAGE_MAX   8192

struct address_watch {
	void (*on_change)(void *arg);
	void *arg;
	struct event *readable, *settled;
	int fd;
	struct addr known[ADDRESSES_MAX];
	size_t count;
};

static bool is_usable(const struct iface_addr *a)
{
	return a->up && !a->loopback && !a->tentative && !addr_is_link_local(&a->addr);
}

/* False: they cannot be told, for lack of descriptors or memory. */
static bool read_addresses(struct addr out[static ADDRESSES_MAX], size_t *count)
{
	struct iface_list list;

	*count = 0;
	if (iface_list_open(&list) != 0)
		return false;
	for (size_t i = 0; i < list.count && *count < ADDRESSES_MAX; i++) {
		if (is_usable(&list.items[i]))
			out[(*count)++] = addr_with_port(&list.items[i].addr, 0);
	}
	iface_list_close(&list);
	return true;
}

static bool has(const struct addr *list, size_t count, const struct addr *ip)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_equal_ip(&list[i], ip))
			return true;
	}
	return false;
}

static void on_settled(evutil_socket_t fd, short events, void *arg)
{
	struct address_watch *w = arg;
	struct addr now[ADDRESSES_MAX];
	size_t count;
	bool is_same;

	if (!read_addresses(now, &count))
		return;
	is_same = count == w->count;
	for (size_t i = 0; i < count && is_same; i++)
		is_same = has(w->known, w->count, &now[i]);
	if (is_same)
		return;
	w->count = count;
	for (size_t i = 0; i < count; i++)
		w->known[i] = now[i];
	w->on_change(w->arg);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	const struct timeval pause = { .tv_usec = SETTLE_MS * 1000 };
	struct address_watch *w = arg;
	uint8_t message[MESSAGE_MAX];

	/* What they say does not count: some may have been lost. */
	while (recv(w->fd, message, sizeof(message), MSG_DONTWAIT) > 0)
		;
	event_add(w->settled, &pause);
}

static int open_groups(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK,
				    .nl_groups =
					    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

struct address_watch *address_watch_new(struct event_base *base, void (*on_change)(void *arg),
					void *arg)
{
	struct address_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->on_change = on_change;
	w->arg = arg;
	w->fd = open_groups();
	w->settled = evtimer_new(base, on_settled, w);
	if (read_addresses(w->known, &w->count) && w->fd >= 0 && w->settled != NULL &&
	    await_fd(&w->readable, base, w->fd, EV_READ | EV_PERSIST, on_readable, w))
		return w;
	address_watch_free(w);
	return NULL;
}

void address_watch_free(struct address_watch *w)
{
	if (w == NULL)
		return;
	await_close(&w->readable, &w->fd);
	await_no_more(&w->settled);
	free(w);
}

bool address_watch_has(const struct address_watch *w, const struct addr *ip)
{
	/* What is not listed, and what there was no room for, is not known. */
	return w == NULL || addr_is_loopback(ip) || addr_is_link_local(ip) ||
	       w->count == ADDRESSES_MAX || has(w->known, w->count, ip);
}
