/*
 * tap_ask INTERFACE ADDRESS COUNT - prints COUNT datagrams that show our own address as their
 * source, each as "PORT to PORT: TEXT". Says "ready" first, or why not. For
 * tests/sys_own_source.sh.
 */
#include "natprobe/net/packet_tap.h"

#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 5000

static bool print_one(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t buf[PACKET_TAP_MAX];
	struct udp_packet p;

	while (!packet_tap_read(fd, buf, &p)) {
		if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
			return false;
	}
	printf("%u to %u: %.*s\n", p.from.port, p.to.port, (int)p.data.len,
	       (const char *)p.data.data);
	return true;
}

int main(int argc, char **argv)
{
	struct addr local;
	int fd, rc;

	if (argc != 4 || !addr_parse_ip(argv[2], 0, &local)) {
		fprintf(stderr, "usage: tap_ask INTERFACE ADDRESS COUNT\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = packet_tap_open(if_nametoindex(argv[1]), &local, &fd);
	if (rc != 0 || fd < 0) {
		puts(rc != 0 ? strerror(-rc) : "not needed");
		return 1;
	}
	puts("ready");
	for (long left = strtol(argv[3], NULL, 10); left > 0; left--) {
		if (!print_one(fd))
			return 1;
	}
	return 0;
}
