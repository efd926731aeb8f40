/*
 * udp_meet - the simplest hole punching, for tests: both ends learn their mapped address from the
 * server in NATPROBE_SERVER, swap addresses through two files, and send until both have heard
 * each other.
 *
 *	udp_meet MINE PEERS
 *	udp_meet --early MINE PEERS   sends first, and prints what came of it: "refused" or
 *	                              "silent", then whether the peer is still seen at the "same"
 *	                              port or at an "other" one
 *	udp_meet --late MINE PEERS    its peer: sends when the early packets have been
 *
 * Exit status: 0 when they met, 1 when they did not within two seconds, 2 for anything else.
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
#include "clock.h"
#include "sockaddr.h"
#include "stun.h"
#include "stun_attr.h"
#include "stun_msg.h"
#include "udp.h"

#define PORT      3478
#define MEET_MS   2000
#define PACE_MS   20
#define ASK_MS    200
#define TRIES     15
#define DRAFT_MAX 4096

#define EARLY    3
#define EARLY_MS 100
#define LATE     10

static int die(const char *what)
{
	fprintf(stderr, "udp_meet: %s: %s\n", what, errno != 0 ? strerror(errno) : "no answer");
	return 2;
}

static bool send_to(int fd, const struct addr *to, struct bytes data)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	return sendto(fd, data.data, data.len, 0, (struct sockaddr *)&sa, len) >= 0;
}

static bool receive(int fd, int wait_ms, uint8_t *buf, size_t cap, struct bytes *got)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&ready, 1, wait_ms) == 1 ? recv(fd, buf, cap, 0) : -1;

	*got = bytes_of(buf, n > 0 ? (size_t)n : 0);
	return n > 0;
}

static bool ask(int fd, const struct addr *server, struct addr *mapped)
{
	static const uint8_t id[12] = { 'u', 'd', 'p', '-', 'm', 'e', 'e', 't' };
	struct stun_tid tid = stun_tid_make(id);
	uint8_t request[64], answer[1024];
	struct stun_builder b =
		stun_build(request, sizeof(request), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out, in, value;
	struct stun_msg msg;

	if (stun_build_finish(&b, &out) != STUN_OK)
		return false;
	for (int i = 0; i < TRIES; i++) {
		if (!send_to(fd, server, out) || !receive(fd, ASK_MS, answer, sizeof(answer), &in))
			continue;
		return stun_msg_parse(in, &msg) == STUN_OK &&
		       stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) &&
		       stun_attr_get_xor_addr(value, &msg.tid, mapped) == STUN_OK;
	}
	return false;
}

/* Appears at once, and whole. */
static bool tell(const char *path, const struct addr *mapped)
{
	char draft[DRAFT_MAX], text[ADDR_TEXT_MAX];
	FILE *f;

	snprintf(draft, sizeof(draft), "%s.draft", path);
	f = fopen(draft, "w");
	if (f == NULL)
		return false;
	fputs(addr_print(mapped, text), f);
	return fclose(f) == 0 && rename(draft, path) == 0;
}

static bool learn(const char *path, struct addr *peer)
{
	for (uint64_t end_ms = clock_ms() + 2 * MEET_MS; clock_ms() < end_ms; poll(NULL, 0, 5)) {
		char text[ADDR_TEXT_MAX] = "";
		FILE *f = fopen(path, "r");

		if (f == NULL)
			continue;
		bool ok = fgets(text, sizeof(text), f) != NULL && addr_parse(text, 0, peer);
		fclose(f);
		return ok;
	}
	return false;
}

/* "1": I have not heard you; "2": I have. Met when both have. */
static int meet(int fd, const struct addr *peer)
{
	uint64_t end_ms = clock_ms() + MEET_MS;
	bool heard = false, was_heard = false;
	uint8_t buf[64];
	struct bytes in;

	while (clock_ms() < end_ms) {
		/* A closed port may refuse an early one; the next may come through. */
		(void)send_to(fd, peer, heard ? BYTES("2") : BYTES("1"));
		if (heard && was_heard)
			break;
		while (receive(fd, PACE_MS, buf, sizeof(buf), &in) && in.len == 1) {
			heard = true;
			was_heard = was_heard || in.data[0] == '2';
		}
	}
	return heard && was_heard ? 0 : 1;
}

/* The file beside MINE that says: the early packets have been. */
static const char *sent_path(const char *mine)
{
	static char path[DRAFT_MAX];

	snprintf(path, sizeof(path), "%s.sent", mine);
	return path;
}

/* Not by poll, which reports for ever what was refused. */
static bool receive_from(int fd, struct addr *from)
{
	for (uint64_t end_ms = clock_ms() + MEET_MS; clock_ms() < end_ms; poll(NULL, 0, 5)) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		uint8_t buf[64];

		if (recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sa, &len) >= 0)
			return sockaddr_to_addr((struct sockaddr *)&sa, from);
	}
	return false;
}

static int early(int fd, const struct addr *peer, const char *mine)
{
	bool refused = false;
	int on = 1;
	struct addr seen;
	uint8_t buf[64];
	struct bytes in;

	/* Otherwise only a connected socket hears of ICMP. */
	if (setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) != 0)
		return 2;
	for (int i = 0; i < EARLY; i++) {
		(void)send_to(fd, peer, BYTES("1"));
		errno = 0;
		(void)receive(fd, EARLY_MS, buf, sizeof(buf), &in);
		refused = refused || errno == ECONNREFUSED || errno == EACCES ||
			  errno == EHOSTUNREACH;
	}
	if (!tell(sent_path(mine), peer) || !receive_from(fd, &seen))
		return 1;
	printf("%s %s\n", refused ? "refused" : "silent",
	       addr_equal(&seen, peer) ? "same" : "other");
	return 0;
}

static int late(int fd, const struct addr *peer, const char *peers)
{
	struct addr unused;
	bool sent = false;

	if (!learn(sent_path(peers), &unused))
		return 1;
	/* More than one: on a busy machine the first may come too late, or meet an old error. */
	for (int i = 0; i < LATE; i++) {
		sent = send_to(fd, peer, BYTES("2")) || sent;
		poll(NULL, 0, PACE_MS);
	}
	return sent ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *text = getenv("NATPROBE_SERVER"), *mode = "";
	struct udp_options options = { 0 };
	struct addr any = { 0 }, server, mapped, peer;
	int fd;

	if (argc == 4) {
		mode = argv[1];
		argc--, argv++;
	}
	if (argc != 3 || text == NULL || !addr_parse(text, PORT, &server))
		return die("usage: NATPROBE_SERVER=ADDRESS udp_meet MINE PEERS");
	any.family = server.family;
	fd = udp_open(&any, &options, NULL);
	if (fd < 0 || !ask(fd, &server, &mapped))
		return die("the server");
	if (!tell(argv[1], &mapped))
		return die(argv[1]);
	if (!learn(argv[2], &peer))
		return die(argv[2]);
	if (strcmp(mode, "--early") == 0)
		return early(fd, &peer, argv[1]);
	return strcmp(mode, "--late") == 0 ? late(fd, &peer, argv[2]) : meet(fd, &peer);
}
