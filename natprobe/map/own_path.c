#include "own_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "wire.h"

#define CHOICES_MAX 64

/* Ordinary addresses that nothing is sent to: the routing table is asked, and nobody else. */
static struct addr anywhere(uint8_t family)
{
	struct addr a = addr_ipv4(9, 9, 9, 9, 9);

	if (family == ADDR_IPV6)
		a = (struct addr){ .family = ADDR_IPV6,
				   .port = 9,
				   .ip = { 0x26, 0x20, 0, 0xfe, [15] = 0xfe } };
	return a;
}

/* The source address that the system chooses. */
static bool find_source(const struct addr *toward, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(toward, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) == 0;

	len = sizeof(sa);
	ok = ok && getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	     sockaddr_to_addr((struct sockaddr *)&sa, out);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool has_candidate(const struct iface_choice *c, const struct addr *a)
{
	for (size_t i = 0; i < c->candidate_count; i++) {
		if (addr_equal_ip(&c->candidates[i], a))
			return true;
	}
	return false;
}

static void fill(const struct iface_choice *c, const struct iface_route *route,
		 struct own_path *out)
{
	*out = (struct own_path){ .family = c->family,
				  .index = c->index,
				  .source.local = route->source,
				  .gateway = route->gateway };
	(void)snprintf(out->device, sizeof(out->device), "%s", c->name);
	out->source.device = route->is_local ? NULL : out->device;
}

static int choose(const struct iface_choice *choices, size_t count, const struct addr *toward,
		  bool is_named, struct own_path *out)
{
	struct iface_route route;
	struct addr source;

	if (!is_named && !find_source(toward, &source))
		return -ENETUNREACH;
	for (size_t i = 0; i < count; i++) {
		if (!is_named && !has_candidate(&choices[i], &source))
			continue;
		if (iface_find_route(&choices[i], toward, &route) == 0) {
			fill(&choices[i], &route, out);
			return 0;
		}
	}
	return -ENETUNREACH;
}

int own_path_find(uint8_t family, const struct addr *toward, const char *name, struct own_path *out)
{
	const struct addr there = toward != NULL ? *toward : anywhere(family);
	const struct iface_filter filter = { .names = &name,
					     .name_count = name != NULL,
					     .ipv4 = family == ADDR_IPV4,
					     .ipv6 = family == ADDR_IPV6,
					     .loopback = addr_is_loopback(&there) };
	struct iface_choice choices[CHOICES_MAX];
	struct iface_list list;
	size_t count;
	int rc = iface_list_open(&list);

	*out = (struct own_path){ 0 };
	if (rc != 0)
		return rc;
	count = iface_select(list.items, list.count, &filter, choices, CHOICES_MAX);
	iface_list_close(&list);
	return choose(choices, count, &there, name != NULL, out);
}
