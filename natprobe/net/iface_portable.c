/*
 * The system's part of iface without rtnetlink: getifaddrs tells nothing about deprecated
 * or temporary addresses, and a connected socket stands in for the route look-up.
 */
#include "iface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

static bool fill(const struct ifaddrs *from, struct iface_addr *out)
{
	size_t len = strlen(from->ifa_name);
	struct iface_addr a = { 0 };

	if (from->ifa_addr == NULL || !sockaddr_to_addr(from->ifa_addr, &a.addr) ||
	    len >= sizeof(a.name))
		return false;
	memcpy(a.name, from->ifa_name, len);
	a.index = if_nametoindex(from->ifa_name);
	a.prefix_len = (uint8_t)(addr_ip_len(a.addr.family) * 8);
	a.up = (from->ifa_flags & IFF_UP) != 0 && (from->ifa_flags & IFF_RUNNING) != 0;
	a.loopback = (from->ifa_flags & IFF_LOOPBACK) != 0;
	*out = a;
	return true;
}

int iface_list_open(struct iface_list *out)
{
	struct ifaddrs *all;
	size_t count = 0;

	*out = (struct iface_list){ 0 };
	if (getifaddrs(&all) != 0)
		return -errno;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
		count++;
	out->items = calloc(count + 1, sizeof(*out->items));
	for (const struct ifaddrs *at = all; out->items != NULL && at != NULL; at = at->ifa_next) {
		if (fill(at, &out->items[out->count]))
			out->count++;
	}
	freeifaddrs(all);
	return out->items != NULL ? 0 : -ENOMEM;
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

/* Connecting a datagram socket sends nothing: it only makes the kernel choose a route. */
static int route_from(const struct addr *source, const struct addr *toward, struct addr *out)
{
	struct sockaddr_storage sa;
	struct sockaddr *p = (struct sockaddr *)&sa;
	socklen_t len = sockaddr_from_addr(source, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, p, len) != 0)
		rc = -errno;
	len = sockaddr_from_addr(toward, &sa);
	if (rc == 0 && connect(fd, p, len) != 0)
		rc = -errno;
	if (rc == 0)
		*out = *source;
	close(fd);
	return rc;
}

int iface_find_route(const struct iface_choice *choice, const struct addr *toward,
		     struct iface_route *out)
{
	struct addr target = addr_with_port(toward, toward->port != 0 ? toward->port : 9);
	int rc = -ENETUNREACH;

	*out = (struct iface_route){ 0 };
	for (size_t i = 0; i < choice->candidate_count; i++) {
		rc = route_from(&choice->candidates[i], &target, &out->source);
		if (rc == 0)
			return 0;
	}
	return rc;
}
