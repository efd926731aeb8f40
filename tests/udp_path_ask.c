/*
 * udp_path_ask LOCAL PEER WORD... - sends from LOCAL to PEER as each WORD says, and prints one line
 * for what came of it:
 *
 *	df, frag     with DF set from here on, or without
 *	ttl=N        with that TTL or hop limit from here on; 0: as usual
 *	N            a datagram with N bytes; "sent", or "refused"; then each ICMP error that came
 *	             within 300 ms: "icmp TYPE/CODE mtu MTU for PEER"
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "udp.h"

#define WAIT_MS 300

struct ask {
	int fd;
	struct addr local;
	struct udp_dgram dgram;
	char last[200]; /* our own refusal may be told twice */
};

static void tell_error(struct ask *a, const struct udp_error *e)
{
	char peer[ADDR_TEXT_MAX], line[200];

	(void)snprintf(line, sizeof(line), "icmp %u/%u mtu %u for %s", e->type, e->code,
		       (unsigned int)e->mtu, addr_print_ip(&e->peer, peer));
	if (strcmp(line, a->last) != 0)
		puts(line);
	memcpy(a->last, line, sizeof(line));
}

static void tell_errors(struct ask *a)
{
	struct pollfd p = { .fd = a->fd };
	struct udp_error e;

	a->last[0] = '\0';
	while (poll(&p, 1, WAIT_MS) > 0) {
		while (udp_recv_error(a->fd, &e) == 1)
			tell_error(a, &e);
	}
}

static void send_one(struct ask *a, size_t len)
{
	static const uint8_t zeros[UDP_MAX];
	bool has_errors = false;

	a->dgram.data = bytes_of(zeros, len < UDP_MAX ? len : UDP_MAX);
	puts(udp_send_one(a->fd, &a->dgram, &has_errors) == 0 ? "sent" : "refused");
	tell_errors(a);
}

static bool follow(struct ask *a, const char *word)
{
	if (strcmp(word, "df") == 0 || strcmp(word, "frag") == 0)
		return udp_set_dont_fragment(a->fd, a->local.family, word[0] == 'd') == 0;
	if (strncmp(word, "ttl=", 4) == 0)
		a->dgram.ip.ttl = (uint8_t)strtoul(word + 4, NULL, 10);
	else
		send_one(a, strtoul(word, NULL, 10));
	return true;
}

int main(int argc, char **argv)
{
	static const struct udp_options options = { .want_ip = true, .want_errors = true };
	struct ask a = { .fd = -1 };

	if (argc < 4 || !addr_parse(argv[1], 0, &a.local) || !addr_parse(argv[2], 9, &a.dgram.peer))
		return 2;
	a.fd = udp_open(&a.local, &options, NULL);
	if (a.fd < 0) {
		fprintf(stderr, "udp_path_ask: %s\n", strerror(-a.fd));
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		if (!follow(&a, argv[i])) {
			fprintf(stderr, "udp_path_ask: cannot do %s\n", argv[i]);
			return 1;
		}
	}
	close(a.fd);
	return 0;
}
