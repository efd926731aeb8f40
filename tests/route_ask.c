/*
 * route_ask INTERFACE ADDRESS - the way that natprobe would take from an interface:
 * "SOURCE via GATEWAY", "SOURCE direct", "SOURCE local", or why there is none. For
 * tests/sys_route.sh.
 */
#include "natprobe/net/iface.h"

#include <stdio.h>
#include <string.h>

static bool choose(const char *name, uint8_t family, struct iface_choice *out)
{
	struct iface_list list;
	struct iface_filter filter = { .names = &name,
				       .name_count = 1,
				       .ipv4 = family == ADDR_IPV4,
				       .ipv6 = family == ADDR_IPV6 };
	size_t count;

	if (iface_list_open(&list) != 0)
		return false;
	count = iface_select(list.items, list.count, &filter, out, 1);
	iface_list_close(&list);
	return count == 1;
}

static int ask(const char *name, const struct addr *toward)
{
	struct iface_choice choice;
	struct iface_route route;
	char source[ADDR_TEXT_MAX];
	char gateway[ADDR_TEXT_MAX];
	int rc;

	if (!choose(name, toward->family, &choice)) {
		printf("no address on %s\n", name);
		return 1;
	}
	rc = iface_find_route(&choice, toward, &route);
	if (rc != 0) {
		printf("%s\n", strerror(-rc));
		return 1;
	}
	addr_print_ip(&route.source, source);
	if (route.is_local)
		printf("%s local\n", source);
	else if (route.gateway.family == ADDR_NONE)
		printf("%s direct\n", source);
	else
		printf("%s via %s\n", source, addr_print_ip(&route.gateway, gateway));
	return 0;
}

int main(int argc, char **argv)
{
	struct addr toward;

	if (argc != 3 || !addr_parse_ip(argv[2], 0, &toward)) {
		fprintf(stderr, "usage: route_ask INTERFACE ADDRESS\n");
		return 2;
	}
	return ask(argv[1], &toward);
}
