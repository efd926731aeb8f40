/*
 * turn_ask - drives lib/turn_client over real sockets against a real server, for tests.
 *
 *	turn_ask udp|tcp SERVER:PORT PEER USER PASSWORD
 *
 * Allocates, talks through the relay with two sockets of its own on the address PEER, one by a
 * channel and one by indications, again after all was refreshed, and deletes. The clock that the
 * client sees runs ahead, so that this takes a second. Prints what the client tells.
 *
 * Exit status: 0 when all went well, 1 when something failed, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "sockaddr.h"
#include "stun_stream.h"
#include "turn_client.h"
#include "udp.h"

#define PEERS   2
#define STEP_S  60 /* how far the clock is moved at once */
#define STEPS   6
#define WAIT_MS 3000

struct ask {
	struct turn_client *client;
	struct turn_client_config config;
	int fd; /* to the server */
	int peer_fd[PEERS];
	struct addr peer[PEERS];
	int number[PEERS];
	uint64_t ahead_us;
	uint8_t in[70000];
	size_t in_len;
	unsigned int told[16];
	unsigned int heard[PEERS], answered[PEERS]; /* at the peer; back at the client */
	struct addr relayed;
	bool done;
	bool news; /* something was told that somebody may wait for */
};

static uint64_t now_us(const struct ask *a)
{
	return clock_ms() * 1000 + a->ahead_us;
}

static void fill(void *arg, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		_exit(2);
}

static int die(const char *what)
{
	(void)fprintf(stderr, "turn_ask: %s: %s\n", what, strerror(errno));
	return 2;
}

static int open_to_server(const struct addr *server, bool tcp)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(server, &sa);
	int fd = socket(sa.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void tell(struct ask *a, const struct turn_client_event *e)
{
	static const char *const names[] = {
		"allocated",          "refreshed",     "moved",           "lost", "permitted",
		"permission refused", "channel bound", "channel refused", "call", "linked",
		"link failed",        "failed",
	};
	char text[ADDR_TEXT_MAX];

	a->told[e->kind]++;
	a->news = true;
	printf("%s", names[e->kind]);
	if (e->allocated != NULL) {
		a->relayed = e->allocated->relayed[0];
		printf(" %s", addr_print(&e->allocated->relayed[0], text));
		printf(" %s %u", addr_print(&e->allocated->mapped, text), e->allocated->lifetime_s);
	} else if (e->addr.family != ADDR_NONE) {
		printf(" %s", addr_print(&e->addr, text));
	}
	if (e->failure != NULL)
		printf(": %s (%u)", turn_client_failure_text(e->failure), e->failure->code);
	puts("");
}

/* Returns when the client wants to be called again. */
static uint64_t pump(struct ask *a)
{
	struct turn_client_action action;

	for (;;) {
		switch (turn_client_next(a->client, now_us(a), &action)) {
		case TURN_CLIENT_SEND:
			if (send(a->fd, action.data.data, action.data.len, 0) < 0)
				(void)die("send");
			break;
		case TURN_CLIENT_TELL:
			tell(a, &action.event);
			break;
		case TURN_CLIENT_WAIT:
			return action.deadline_us;
		case TURN_CLIENT_DONE:
			a->done = true;
			return 0;
		default:
			(void)fprintf(stderr, "turn_ask: action %u\n", action.kind);
			a->done = true;
			return 0;
		}
	}
}

static void take(struct ask *a, struct bytes frame)
{
	struct turn_client_data data;

	if (turn_client_on_bytes(a->client, frame, now_us(a), &data) != TURN_CLIENT_DATA)
		return;
	if (data.peer < PEERS && bytes_equal(data.data, BYTES("pong!")))
		a->answered[data.peer]++;
}

static void on_server(struct ask *a)
{
	ssize_t len = recv(a->fd, a->in + a->in_len, sizeof(a->in) - a->in_len, 0);
	struct bytes frame;
	size_t used;

	if (len <= 0)
		return;
	if (!a->config.reliable) {
		take(a, bytes_of(a->in, (size_t)len));
		return;
	}
	a->in_len += (size_t)len;
	while (stun_stream_next(bytes_of(a->in, a->in_len), sizeof(a->in), &frame, &used) ==
	       STUN_OK) {
		take(a, frame);
		a->in_len -= used;
		memmove(a->in, a->in + used, a->in_len);
	}
}

/* A peer answers what comes from the relay. */
static void on_peer(struct ask *a, int i)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	struct addr from;
	uint8_t data[64];
	ssize_t len =
		recvfrom(a->peer_fd[i], data, sizeof(data), 0, (struct sockaddr *)&sa, &sa_len);

	if (len < 0 || !sockaddr_to_addr((struct sockaddr *)&sa, &from) ||
	    !addr_equal(&from, &a->relayed) ||
	    !bytes_equal(bytes_of(data, (size_t)len), BYTES("ping")))
		return;
	a->heard[i]++;
	(void)sendto(a->peer_fd[i], "pong!", 5, 0, (struct sockaddr *)&sa, sa_len);
}

static void wait_once(struct ask *a, uint64_t until_us)
{
	struct pollfd fds[1 + PEERS] = { { .fd = a->fd, .events = POLLIN } };
	uint64_t at_us = now_us(a), due_us;

	a->news = false;
	due_us = pump(a);

	due_us = due_us < until_us ? due_us : until_us;
	for (int i = 0; i < PEERS; i++)
		fds[1 + i] = (struct pollfd){ .fd = a->peer_fd[i], .events = POLLIN };
	if (a->done || a->news ||
	    poll(fds, 1 + PEERS, due_us > at_us ? (int)((due_us - at_us) / 1000 + 1) : 0) <= 0)
		return;
	if (fds[0].revents != 0)
		on_server(a);
	for (int i = 0; i < PEERS; i++) {
		if (fds[1 + i].revents != 0)
			on_peer(a, i);
	}
}

/* Until *count is at least `want`. */
static bool await(struct ask *a, const unsigned int *count, unsigned int want)
{
	uint64_t until_us = now_us(a) + WAIT_MS * 1000;

	while (*count < want && !a->done && now_us(a) < until_us)
		wait_once(a, until_us);
	return *count >= want;
}

static bool talk(struct ask *a, unsigned int times)
{
	uint8_t buf[128];
	struct bytes out;

	for (int i = 0; i < PEERS; i++) {
		if (turn_client_send(a->client, a->number[i], BYTES("ping"), false, now_us(a), buf,
				     sizeof(buf), &out) != TURN_CLIENT_FRAMED ||
		    send(a->fd, out.data, out.len, 0) < 0)
			return false;
		if (!await(a, &a->answered[i], times))
			return false;
	}
	printf("talked %u\n", times);
	return true;
}

static bool let_time_pass(struct ask *a)
{
	for (int i = 0; i < STEPS; i++) {
		a->ahead_us += STEP_S * UINT64_C(1000000);
		wait_once(a, now_us(a) + 100000);
		wait_once(a, now_us(a) + 100000);
	}
	return await(a, &a->told[TURN_CLIENT_REFRESHED], 1);
}

static bool close_down(struct ask *a)
{
	uint64_t until_us = now_us(a) + WAIT_MS * 1000 + 500000;

	turn_client_close(a->client, now_us(a));
	while (!a->done && now_us(a) < until_us)
		wait_once(a, until_us);
	return a->done;
}

static const char *play(struct ask *a)
{
	if (!await(a, &a->told[TURN_CLIENT_ALLOCATED], 1))
		return "no allocation";
	for (int i = 0; i < PEERS; i++)
		a->number[i] = turn_client_add_peer(a->client, &a->peer[i], i == 0, now_us(a));
	if (!await(a, &a->told[TURN_CLIENT_PERMITTED], PEERS))
		return "no permissions";
	if (!await(a, &a->told[TURN_CLIENT_CHANNEL_BOUND], 1))
		return "no channel";
	if (!talk(a, 1))
		return "no data";
	if (!let_time_pass(a))
		return "no refresh";
	if (!talk(a, 2))
		return "no data after the refresh";
	return close_down(a) ? NULL : "no end";
}

static int run(struct ask *a)
{
	const char *why;

	a->client = turn_client_new(&a->config);
	if (a->client == NULL)
		return die("turn_client_new");
	why = play(a);
	puts(why != NULL ? why : "deleted");
	turn_client_free(a->client);
	return why != NULL;
}

int main(int argc, char **argv)
{
	static const struct udp_options options = { 0 };
	static struct ask a;
	struct addr peer;

	if (argc != 6 || !addr_parse(argv[2], 3478, &a.config.server) ||
	    !addr_parse_ip(argv[3], 0, &peer)) {
		(void)fputs("usage: turn_ask udp|tcp SERVER:PORT PEER USER PASSWORD\n", stderr);
		return 2;
	}
	a.config.reliable = strcmp(argv[1], "tcp") == 0;
	a.config.credentials.username = bytes_of_str(argv[4]);
	a.config.credentials.password = bytes_of_str(argv[5]);
	a.config.random = fill;
	a.fd = open_to_server(&a.config.server, a.config.reliable);
	if (a.fd < 0)
		return die("connect");
	for (int i = 0; i < PEERS; i++) {
		a.peer_fd[i] = udp_open(&peer, &options, &a.peer[i]);
		if (a.peer_fd[i] < 0)
			return die("bind");
	}
	return run(&a);
}
