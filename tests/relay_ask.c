/*
 * relay_ask - asks a TURN server what foreign clients do not, with lib/turn_client, for tests.
 *
 *	relay_ask icmp SERVER:PORT PEER USER PASSWORD     a datagram to a closed port of PEER
 *	relay_ask big SERVER:PORT PEER USER PASSWORD      3000 bytes to PEER with DF set
 *	relay_ask move SERVER:PORT PEER USER PASSWORD     moves to 16 other ports, one after another
 *	relay_ask overlap SERVER:PORT PEER USER PASSWORD  moves, and hears by the old port until then
 *	relay_ask steady SERVER:PORT PEER USER PASSWORD   talks for 3 seconds, and counts
 *	relay_ask sizes SERVER:PORT PEER USER PASSWORD    datagrams of 0 to 1472 bytes and back
 *	relay_ask reserve SERVER:PORT PEER USER PASSWORD  a port that is reserved is nobody else's
 *	relay_ask expire SERVER:PORT PEER USER PASSWORD   and is free again after 30 seconds
 *
 * PEER is an address of this host, where what comes is sent back. The last two bind to relay
 * addresses, as other programs of the server's host may. Exit status: 0 when all went
 * well, 1 when something failed, 2 for anything else.
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
#include "turn_client.h"
#include "udp.h"

#define WAIT_US   UINT64_C(3000000)
#define BIG       3000
#define MOVES     16
#define STEADY_US UINT64_C(3000000)
#define SIZES     1473
#define EXPIRE_US UINT64_C(30000000)
#define LATE_US   UINT64_C(5000000) /* how much later than promised it may be */

struct ask {
	struct turn_client *client;
	struct turn_client_config config;
	int fd; /* to the server */
	int peer_fd;
	struct addr peer;
	int number;
	unsigned int told[16];
	bool done;
	struct addr relayed;
	bool has_token;
	uint8_t token[8];
	unsigned int errors, echoes;
	struct stun_icmp icmp; /* the last one */
	size_t len;            /* of the last echo */
	uint8_t echo[UDP_MAX];
};

static void fill(void *arg, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		_exit(2);
}

static int die(const char *what)
{
	(void)fprintf(stderr, "relay_ask: %s: %s\n", what, strerror(errno));
	return 2;
}

static int open_to_server(const struct addr *server)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(server, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void tell(struct ask *a, const struct turn_client_event *e)
{
	a->told[e->kind]++;
	if (e->allocated != NULL) {
		a->relayed = e->allocated->relayed[0];
		a->has_token = e->allocated->has_reservation;
		memcpy(a->token, e->allocated->reservation, sizeof(a->token));
	}
	if (e->failure != NULL)
		printf("failed: %s (%u)\n", turn_client_failure_text(e->failure), e->failure->code);
}

/* Returns when the client wants to be called again. */
static uint64_t pump(struct ask *a)
{
	struct turn_client_action action;

	for (;;) {
		switch (turn_client_next(a->client, clock_us(), &action)) {
		case TURN_CLIENT_SEND:
			(void)send(a->fd, action.data.data, action.data.len, 0);
			break;
		case TURN_CLIENT_TELL:
			tell(a, &action.event);
			break;
		case TURN_CLIENT_WAIT:
			return action.deadline_us;
		default:
			a->done = true;
			return 0;
		}
	}
}

static void on_server(struct ask *a)
{
	static uint8_t in[UDP_MAX];
	ssize_t len = recv(a->fd, in, sizeof(in), 0);
	struct turn_client_data data;

	if (len < 0)
		return;
	switch (turn_client_on_bytes(a->client, bytes_of(in, (size_t)len), clock_us(), &data)) {
	case TURN_CLIENT_DATA:
		a->echoes++;
		a->len = data.data.len;
		if (data.data.len > 0)
			memcpy(a->echo, data.data.data, data.data.len);
		break;
	case TURN_CLIENT_ICMP:
		a->errors++;
		a->icmp = data.icmp;
		break;
	default:
		break;
	}
}

/* The peer sends back what comes. */
static void on_peer(struct ask *a)
{
	static uint8_t in[UDP_MAX];
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	ssize_t len = recvfrom(a->peer_fd, in, sizeof(in), 0, (struct sockaddr *)&sa, &sa_len);

	if (len >= 0)
		(void)sendto(a->peer_fd, in, (size_t)len, 0, (struct sockaddr *)&sa, sa_len);
}

static void wait_once(struct ask *a, uint64_t until_us)
{
	struct pollfd fds[] = { { .fd = a->fd, .events = POLLIN },
				{ .fd = a->peer_fd, .events = POLLIN } };
	uint64_t due_us = pump(a), now_us = clock_us();

	due_us = due_us < until_us ? due_us : until_us;
	if (a->done || poll(fds, ARRAY_LEN(fds),
			    due_us > now_us ? (int)((due_us - now_us) / 1000 + 1) : 0) <= 0)
		return;
	if (fds[0].revents != 0)
		on_server(a);
	if (fds[1].revents != 0)
		on_peer(a);
}

/* Until *count is at least `want`. */
static bool await(struct ask *a, const unsigned int *count, unsigned int want)
{
	uint64_t until_us = clock_us() + WAIT_US;

	(void)pump(a); /* what came last time may be told only now */
	while (*count < want && !a->done && clock_us() < until_us) {
		wait_once(a, until_us);
		(void)pump(a);
	}
	return *count >= want;
}

static bool say(struct ask *a, struct bytes data, bool dont_fragment)
{
	static uint8_t buf[UDP_MAX];
	struct bytes out;

	return turn_client_send(a->client, a->number, data, dont_fragment, clock_us(), buf,
				sizeof(buf), &out) == TURN_CLIENT_FRAMED &&
	       send(a->fd, out.data, out.len, 0) == (ssize_t)out.len;
}

static bool begin(struct ask *a, bool channel)
{
	a->client = turn_client_new(&a->config);
	if (a->client == NULL || !await(a, &a->told[TURN_CLIENT_ALLOCATED], 1))
		return false;
	a->number = turn_client_add_peer(a->client, &a->peer, channel, clock_us());
	if (a->number < 0)
		return false;
	return await(a, &a->told[channel ? TURN_CLIENT_CHANNEL_BOUND : TURN_CLIENT_PERMITTED], 1);
}

static bool ask_icmp(struct ask *a)
{
	close(a->peer_fd); /* poll takes no notice of -1 */
	a->peer_fd = -1;
	if (!begin(a, false) || !say(a, BYTES("anybody?"), false) || !await(a, &a->errors, 1))
		return false;
	printf("icmp %u %u\n", a->icmp.type, a->icmp.code);
	return true;
}

static bool ask_big(struct ask *a)
{
	static const uint8_t data[BIG] = "too long";

	a->config.options.dont_fragment = true;
	if (!begin(a, false) || !say(a, bytes_of(data, sizeof(data)), true) ||
	    !await(a, &a->errors, 1))
		return false;
	printf("icmp %u %u %u\n", a->icmp.type, a->icmp.code, a->icmp.data);
	if (!say(a, BYTES("short"), true) || !await(a, &a->echoes, 1))
		return false;
	puts("short ones pass");
	return true;
}

static bool move_once(struct ask *a, unsigned int times)
{
	struct addr relayed = a->relayed;

	close(a->fd);
	a->fd = open_to_server(&a->config.server);
	if (a->fd < 0 || !turn_client_move(a->client, clock_us()))
		return false;
	return await(a, &a->told[TURN_CLIENT_MOVED], times) && addr_equal(&relayed, &a->relayed) &&
	       say(a, BYTES("still there?"), false) && await(a, &a->echoes, times + 1);
}

static bool ask_move(struct ask *a)
{
	a->config.options.mobile = true;
	if (!begin(a, true) || !say(a, BYTES("there?"), false) || !await(a, &a->echoes, 1))
		return false;
	for (unsigned int i = 1; i <= MOVES; i++) {
		if (!move_once(a, i)) {
			printf("move %u\n", i);
			return false;
		}
	}
	printf("moved %u\n", MOVES);
	return true;
}

/* The peer says something that nobody asked for. */
static bool shout(struct ask *a, struct bytes text)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&a->relayed, &sa);

	return sendto(a->peer_fd, text.data, text.len, 0, (struct sockaddr *)&sa, len) ==
	       (ssize_t)text.len;
}

/* Something comes from the server by another socket than the client's own. */
static bool is_heard_by(int fd, struct bytes text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t in[256];
	ssize_t len;

	if (poll(&p, 1, (int)(WAIT_US / 1000)) <= 0)
		return false;
	len = recv(fd, in, sizeof(in), 0);
	return len >= (ssize_t)text.len && memmem(in, (size_t)len, text.data, text.len) != NULL;
}

/* Make before break (RFC 8016): the old port serves until the new one has been used. */
static bool ask_overlap(struct ask *a)
{
	struct bytes before = BYTES("before"), after = BYTES("after");
	uint8_t none[1];
	int old;
	bool ok;

	a->config.options.mobile = true;
	if (!begin(a, true) || !say(a, BYTES("there?"), false) || !await(a, &a->echoes, 1))
		return false;
	old = a->fd;
	a->fd = open_to_server(&a->config.server);
	ok = a->fd >= 0 && turn_client_move(a->client, clock_us()) &&
	     await(a, &a->told[TURN_CLIENT_MOVED], 1) && shout(a, before) &&
	     is_heard_by(old, before) && a->echoes == 1 && say(a, BYTES("here!"), false) &&
	     await(a, &a->echoes, 2) && shout(a, after) && await(a, &a->echoes, 3) &&
	     recv(old, none, sizeof(none), MSG_DONTWAIT) < 0;
	close(old);
	puts(ok ? "old port until the new one was used" : "overlap");
	return ok;
}

static bool ask_steady(struct ask *a)
{
	uint64_t end_us = clock_us() + STEADY_US;
	unsigned int sent = 0;

	if (!begin(a, true))
		return false;
	while (clock_us() < end_us) {
		uint64_t next_us = clock_us() + 2000;

		if (!say(a, BYTES("tick"), false))
			return false;
		sent++;
		while (clock_us() < next_us)
			wait_once(a, next_us);
	}
	(void)await(a, &a->echoes, sent);
	printf("sent %u, heard %u\n", sent, a->echoes);
	return a->echoes == sent && a->told[TURN_CLIENT_LOST] == 0;
}

static bool ask_sizes(struct ask *a)
{
	uint8_t data[SIZES];

	if (!begin(a, true))
		return false;
	for (size_t len = 0; len < SIZES; len++) {
		fill(NULL, data, len);
		if (!say(a, bytes_of(data, len), false) ||
		    !await(a, &a->echoes, (unsigned int)len + 1) || a->len != len ||
		    memcmp(a->echo, data, len) != 0) {
			printf("%zu bytes\n", len);
			return false;
		}
	}
	printf("%d sizes\n", SIZES);
	return true;
}

static bool close_down(struct ask *a)
{
	uint64_t until_us = clock_us() + WAIT_US + 500000;

	turn_client_close(a->client, clock_us());
	while (!a->done && clock_us() < until_us)
		wait_once(a, until_us);
	return a->done;
}

/* Can another program have that port? */
static bool is_free(const struct addr *at)
{
	static const struct udp_options options = { 0 };
	int fd = udp_open(at, &options, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What the next client shall have, and nobody else until then. */
static bool reserve(struct ask *a, struct addr *next)
{
	a->config.options.even_port = TURN_CLIENT_PORT_EVEN_RESERVE;
	if (!begin(a, true) || !a->has_token)
		return false;
	*next = addr_with_port(&a->relayed, (uint16_t)(a->relayed.port + 1));
	return !is_free(next);
}

/* Ends what `a` has, and begins a new one from another port with its token. */
static bool use_token(struct ask *a)
{
	bool ok = close_down(a);

	turn_client_free(a->client);
	close(a->fd);
	*a = (struct ask){ .config = a->config,
			   .fd = open_to_server(&a->config.server),
			   .peer_fd = a->peer_fd,
			   .peer = a->peer };
	return ok && a->fd >= 0 && begin(a, true);
}

static bool ask_reserve(struct ask *a)
{
	struct addr next;
	bool ok;

	if (!reserve(a, &next))
		return false;
	a->config.options.even_port = TURN_CLIENT_PORT_ANY;
	a->config.options.use_reservation = true;
	memcpy(a->config.options.reservation, a->token, sizeof(a->token));
	ok = use_token(a) && addr_equal(&a->relayed, &next) && !is_free(&next) &&
	     say(a, BYTES("there?"), false) && await(a, &a->echoes, 1) && close_down(a) &&
	     is_free(&next);
	puts(ok ? "nobody else's, until it was deleted" : "reserved");
	return ok;
}

static bool ask_expire(struct ask *a)
{
	uint64_t from_us = clock_us(), to_us;
	struct addr next;

	if (!reserve(a, &next))
		return false;
	while (!is_free(&next) && clock_us() < from_us + EXPIRE_US + LATE_US)
		wait_once(a, clock_us() + 100000);
	to_us = clock_us();
	printf("free after %u ms\n", (unsigned int)((to_us - from_us) / 1000));
	return to_us >= from_us + EXPIRE_US && to_us < from_us + EXPIRE_US + LATE_US;
}

struct question {
	const char *word;
	bool (*ask)(struct ask *a);
};

static const struct question questions[] = {
	{ "icmp", ask_icmp },       { "big", ask_big },       { "move", ask_move },
	{ "steady", ask_steady },   { "sizes", ask_sizes },   { "overlap", ask_overlap },
	{ "reserve", ask_reserve }, { "expire", ask_expire },
};

static int run(struct ask *a, const struct question *q)
{
	bool ok = q->ask(a);

	if (ok)
		ok = close_down(a);
	else
		printf("%s: no\n", q->word);
	turn_client_free(a->client);
	return ok ? 0 : 1;
}

static int usage(void)
{
	(void)fputs(
		"usage: relay_ask icmp|big|move|overlap|steady|sizes|reserve|expire SERVER:PORT "
		"PEER USER PASSWORD\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct udp_options options = { 0 };
	static struct ask a;
	struct addr peer;

	if (argc != 6 || !addr_parse(argv[2], 3478, &a.config.server) ||
	    !addr_parse_ip(argv[3], 0, &peer))
		return usage();
	a.config.credentials.username = bytes_of_str(argv[4]);
	a.config.credentials.password = bytes_of_str(argv[5]);
	a.config.random = fill;
	a.fd = open_to_server(&a.config.server);
	a.peer_fd = udp_open(&peer, &options, &a.peer);
	if (a.fd < 0 || a.peer_fd < 0)
		return die("socket");
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		if (strcmp(questions[i].word, argv[1]) == 0)
			return run(&a, &questions[i]);
	}
	return usage();
}
