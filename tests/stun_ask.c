/*
 * stun_ask - sends datagrams for tests, and tells what the answer looks like from outside.
 *
 *	stun_ask [--from ADDRESS] ADDRESS:PORT HEX	prints "ADDRESS:PORT TTL HEX" of the answer
 *	stun_ask --flood COUNT ADDRESS:PORT		random datagrams; prints nothing
 *
 * Exit status: 0, 1 when no answer came within half a second, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "sockaddr.h"
#include "udp.h"
#include "wire.h"

#define WAIT_MS     500
#define BURST       16
#define SENDERS     64 /* sockets of a flood, so that all workers get their share */
#define NOISE_MAX   1400
#define NOISE_FRESH 100 /* bytes that differ from one datagram to the next */

static int die(const char *what)
{
	(void)fprintf(stderr, "stun_ask: %s: %s\n", what, strerror(errno));
	return 2;
}

static size_t unhex(const char *text, uint8_t *out, size_t cap)
{
	size_t len = 0;
	unsigned int byte;

	while (len < cap && sscanf(text, "%2x", &byte) == 1) {
		out[len++] = (uint8_t)byte;
		text += 2;
	}
	return len;
}

static int open_socket(const struct addr *local)
{
	static const struct udp_options options = { 0 };
	int fd = udp_open(local, &options, NULL), on = 1;

	if (fd < 0)
		return fd;
	if (local->family == ADDR_IPV4)
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
	return fd;
}

static int ttl_of(struct msghdr *m)
{
	int ttl = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	}
	return ttl;
}

static int tell_answer(int fd)
{
	uint8_t data[2048];
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct sockaddr_storage from;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char text[ADDR_TEXT_MAX];
	struct addr peer;
	ssize_t len;

	if (poll(&ready, 1, WAIT_MS) != 1)
		return 1;
	len = recvmsg(fd, &m, 0);
	if (len < 0 || !sockaddr_to_addr((struct sockaddr *)&from, &peer))
		return die("recvmsg");
	printf("%s %d ", addr_print(&peer, text), ttl_of(&m));
	for (ssize_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	puts("");
	return 0;
}

static int ask(const struct addr *from, const struct addr *to, const char *hex)
{
	uint8_t data[2048];
	size_t len = unhex(hex, data, sizeof(data));
	struct sockaddr_storage sa;
	socklen_t sa_len = sockaddr_from_addr(to, &sa);
	int fd = open_socket(from), rc;

	if (fd < 0 || sendto(fd, data, len, 0, (struct sockaddr *)&sa, sa_len) < 0)
		return die("send");
	rc = tell_answer(fd);
	close(fd);
	return rc;
}

/* A stranger's noise, every other time with a head that looks like a request. */
static size_t make_noise(uint8_t data[static NOISE_MAX])
{
	static const uint8_t head[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	size_t len = (size_t)random() % NOISE_MAX;

	for (size_t i = 0; i < NOISE_FRESH; i++)
		data[i] = (uint8_t)random();
	if (random() % 2 == 0 && len >= 20) {
		memcpy(data, head, sizeof(head));
		len &= ~(size_t)3;
		wire_store_u16(data + 2, (uint16_t)(len - 20));
	}
	return len;
}

static void drain(int fd)
{
	uint8_t data[2048];

	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
}

static int flood(long count, const struct addr *any, const struct addr *to)
{
	uint8_t data[NOISE_MAX] = { 0 };
	struct sockaddr_storage sa;
	socklen_t sa_len = sockaddr_from_addr(to, &sa);
	int fds[SENDERS];

	for (size_t i = 0; i < SENDERS; i++) {
		fds[i] = open_socket(any);
		if (fds[i] < 0)
			return die("socket");
	}
	for (long i = 0; i < count; i++) {
		int fd = fds[i % SENDERS];

		(void)sendto(fd, data, make_noise(data), 0, (struct sockaddr *)&sa, sa_len);
		if (i % BURST == 0)
			drain(fd);
	}
	return 0;
}

static int usage(void)
{
	(void)fputs("usage: stun_ask [--from ADDRESS] ADDRESS:PORT HEX\n"
		    "       stun_ask --flood COUNT ADDRESS:PORT\n",
		    stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct addr from = { 0 }, to;
	bool floods = argc == 4 && strcmp(argv[1], "--flood") == 0;
	bool named = argc == 5 && strcmp(argv[1], "--from") == 0;

	if (!floods && !named && argc != 3)
		return usage();
	if (named && !addr_parse_ip(argv[2], 0, &from))
		return usage();
	if (!addr_parse(argv[floods || named ? 3 : 1], 3478, &to))
		return usage();
	if (from.family == ADDR_NONE)
		from.family = to.family;
	if (floods)
		return flood(strtol(argv[2], NULL, 10), &from, &to);
	return ask(&from, &to, argv[named ? 4 : 2]);
}
