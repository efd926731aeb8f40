/*
 * turn_path_ask - what of an IP header, and what of a router's complaints, comes through a relay.
 *
 *	turn_path_ask echo ADDRESS:PORT
 *	turn_path_ask ask CLIENT SERVER:PORT PEER:PORT USER PASSWORD WORD...
 *
 * echo answers each datagram by what it saw of it, "ttl=61 tos=184", with a TTL of 50 and a TOS of
 * 72. ask allocates, and does what each WORD says:
 *
 *	df, frag        with DONT-FRAGMENT from here on, or without
 *	ttl=N, tos=N    with that from here on; 0: as usual
 *	N               sends N bytes to the peer, and tells what comes within 400 ms:
 *	                data "WHAT THE PEER SAW" ttl=N tos=N
 *	                icmp TYPE/CODE mtu MTU for PEER
 */
#include <config.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "turn_client.h"
#include "udp.h"

#define WAIT_MS 400

static const struct udp_options options = { .want_ip = true };

struct ask {
	struct turn_client *client;
	struct turn_client_config config;
	struct addr peer;
	struct udp_dgram dgram; /* peer and header fields */
	int fd, number;
	bool allocated, permitted, done, dont_fragment;
};

static void fill(void *arg, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		_exit(2);
}

static int echo(const struct addr *at)
{
	int fd = udp_open(at, &options, NULL);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[2048];
	struct udp_dgram d;
	bool has_errors;

	if (fd < 0)
		return 1;
	for (;;) {
		char text[32];

		if (poll(&p, 1, -1) <= 0 || udp_recv_one(fd, buf, sizeof(buf), &d) != 1)
			continue;
		(void)snprintf(text, sizeof(text), "ttl=%u tos=%u", d.ip.ttl, d.ip.tos);
		d.data = bytes_of_str(text);
		d.ip = (struct udp_ip){ .ttl = 50, .tos = 72 };
		d.local = (struct addr){ 0 };
		(void)udp_send_one(fd, &d, &has_errors);
	}
}

static void send_bytes(struct ask *a, struct bytes data)
{
	bool has_errors;

	a->dgram.data = data;
	(void)udp_send_one(a->fd, &a->dgram, &has_errors);
}

static void pump(struct ask *a)
{
	struct turn_client_action action;

	for (;;) {
		switch (turn_client_next(a->client, clock_us(), &action)) {
		case TURN_CLIENT_SEND:
			send_bytes(a, action.data);
			break;
		case TURN_CLIENT_TELL:
			a->allocated |= action.event.kind == TURN_CLIENT_ALLOCATED;
			a->permitted |= action.event.kind == TURN_CLIENT_PERMITTED;
			if (action.event.failure != NULL)
				puts(turn_client_failure_text(action.event.failure));
			break;
		case TURN_CLIENT_WAIT:
			return;
		default:
			a->done = true;
			return;
		}
	}
}

static void tell(const struct turn_client_data *d, enum turn_client_input input, struct udp_ip ip)
{
	char peer[ADDR_TEXT_MAX];

	if (input == TURN_CLIENT_DATA)
		printf("data \"%.*s\" ttl=%u tos=%u\n", (int)d->data.len,
		       (const char *)d->data.data, ip.ttl, ip.tos);
	else if (input == TURN_CLIENT_ICMP)
		printf("icmp %u/%u mtu %u for %s\n", d->icmp.type, d->icmp.code,
		       (unsigned int)d->icmp.data, addr_print_ip(&d->from, peer));
}

/* Until *wanted, or for so long. */
static void wait_for(struct ask *a, const bool *wanted, int wait_ms)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	uint64_t until_ms = clock_ms() + (uint64_t)wait_ms;
	struct turn_client_data data;
	uint8_t buf[2048];
	struct udp_dgram in;

	for (pump(a); !*wanted && !a->done && clock_ms() < until_ms; pump(a)) {
		enum turn_client_input input;

		if (poll(&p, 1, 20) <= 0 || udp_recv_one(a->fd, buf, sizeof(buf), &in) != 1)
			continue;
		input = turn_client_on_bytes(a->client, in.data, clock_us(), &data);
		tell(&data, input, in.ip);
	}
}

static void send_data(struct ask *a, size_t len)
{
	static const uint8_t zeros[1500];
	static const bool never;
	uint8_t buf[sizeof(zeros) + 64];
	struct bytes out;

	if (len > sizeof(zeros) ||
	    turn_client_send(a->client, a->number, bytes_of(zeros, len), a->dont_fragment,
			     clock_us(), buf, sizeof(buf), &out) != TURN_CLIENT_FRAMED)
		puts("not sent");
	else
		send_bytes(a, out);
	wait_for(a, &never, WAIT_MS);
}

static void follow(struct ask *a, const char *word)
{
	if (strcmp(word, "df") == 0 || strcmp(word, "frag") == 0)
		a->dont_fragment = word[0] == 'd';
	else if (strncmp(word, "ttl=", 4) == 0)
		a->dgram.ip.ttl = (uint8_t)strtoul(word + 4, NULL, 10);
	else if (strncmp(word, "tos=", 4) == 0)
		a->dgram.ip.tos = (uint8_t)strtoul(word + 4, NULL, 10);
	else
		send_data(a, strtoul(word, NULL, 10));
}

static int ask(struct ask *a, char **words)
{
	a->client = turn_client_new(&a->config);
	if (a->client == NULL)
		return 2;
	wait_for(a, &a->allocated, 3000);
	a->number = turn_client_add_peer(a->client, &a->peer, false, clock_us());
	wait_for(a, &a->permitted, 3000);
	if (a->permitted) {
		for (; *words != NULL; words++)
			follow(a, *words);
	}
	turn_client_close(a->client, clock_us());
	wait_for(a, &a->done, 3000);
	turn_client_free(a->client);
	close(a->fd);
	return a->permitted ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct ask a;
	struct addr local;

	if (argc == 3 && strcmp(argv[1], "echo") == 0 && addr_parse(argv[2], 9, &local))
		return echo(&local);
	if (argc < 8 || strcmp(argv[1], "ask") != 0 || !addr_parse(argv[2], 0, &local) ||
	    !addr_parse(argv[3], 3478, &a.config.server) || !addr_parse(argv[4], 9, &a.peer)) {
		fputs("usage: turn_path_ask echo ADDRESS:PORT\n"
		      "       turn_path_ask ask CLIENT SERVER PEER USER PASSWORD WORD...\n",
		      stderr);
		return 2;
	}
	a.config.credentials.username = bytes_of_str(argv[5]);
	a.config.credentials.password = bytes_of_str(argv[6]);
	a.config.options.families = TURN_CLIENT_FAMILY_BOTH;
	a.config.options.dont_fragment = true;
	a.config.random = fill;
	a.dgram.peer = a.config.server;
	a.fd = udp_open(&local, &options, NULL);
	return a.fd < 0 ? 2 : ask(&a, argv + 7);
}
