/*
 * turn_link_ask - TCP through a TURN server (RFC 6062) with lib/turn_client over real sockets, for
 * tests.
 *
 *	turn_link_ask SERVER:PORT PEER USER PASSWORD [BYTES]
 *
 * Allocates for TCP, connects to a listener of its own on the address PEER, then lets that peer
 * connect to the relayed address; talks over both connections, and deletes. With BYTES, so many go
 * both ways at once over each, compared as they arrive; then each end is closed for itself. All sockets block:
 * one thing happens at a time. Prints how far it came.
 *
 * Exit status: 0 when all went well, 1 when something failed, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "sockaddr.h"
#include "stun_stream.h"
#include "turn_client.h"

#define WAIT_MS 5000

struct wire_end {
	int fd;
	uint8_t in[4096];
	size_t len;
};

struct ask {
	struct turn_client *client;
	struct turn_client_config config;
	struct wire_end control;
	struct wire_end links[TURN_CLIENT_LINKS_MAX];
	unsigned int told[16];
	int linked; /* the last link that opened */
	struct addr relayed;
	bool done;
};

static uint64_t now_us(void)
{
	return clock_ms() * 1000;
}

static void fill(void *arg, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		_exit(2);
}

static int die(const char *what)
{
	(void)fprintf(stderr, "turn_link_ask: %s: %s\n", what, strerror(errno));
	_exit(2);
}

/* From `from`, where it is not NULL. */
static int connect_to(const struct addr *from, const struct addr *to)
{
	struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0)
		return die("socket");
	if (from != NULL) {
		struct sockaddr_storage own;
		socklen_t own_len = sockaddr_from_addr(from, &own);

		if (bind(fd, (struct sockaddr *)&own, own_len) != 0)
			return die("bind");
	}
	if (connect(fd, (struct sockaddr *)&sa, len) != 0)
		return die("connect");
	return fd;
}

static int listen_at(struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(at, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 1) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
	    !sockaddr_to_addr((struct sockaddr *)&sa, at))
		return die("listen");
	return fd;
}

static void put(int fd, struct bytes data)
{
	if (send(fd, data.data, data.len, MSG_NOSIGNAL) != (ssize_t)data.len)
		(void)die("send");
}

static void tell(struct ask *a, const struct turn_client_event *e)
{
	a->told[e->kind]++;
	if (e->allocated != NULL)
		a->relayed = e->allocated->relayed[0];
	if (e->kind == TURN_CLIENT_PEER_CALLS)
		turn_client_accept(a->client, e->link);
	if (e->kind == TURN_CLIENT_LINKED)
		a->linked = e->link;
	if (e->failure != NULL)
		printf("failed: %s (%u)\n", turn_client_failure_text(e->failure), e->failure->code);
}

/* Returns when the client wants to be called again; 0: something was told. */
static uint64_t pump(struct ask *a)
{
	struct turn_client_action x;

	for (;;) {
		switch (turn_client_next(a->client, now_us(), &x)) {
		case TURN_CLIENT_SEND:
			put(a->control.fd, x.data);
			break;
		case TURN_CLIENT_LINK_OPEN:
			a->links[x.link] = (struct wire_end){ .fd = connect_to(NULL, &x.to) };
			turn_client_on_link_connected(a->client, x.link, now_us());
			break;
		case TURN_CLIENT_LINK_SEND:
			put(a->links[x.link].fd, x.data);
			break;
		case TURN_CLIENT_LINK_CLOSE:
			close(a->links[x.link].fd);
			a->links[x.link].fd = -1;
			break;
		case TURN_CLIENT_TELL:
			tell(a, &x.event);
			return 0;
		case TURN_CLIENT_WAIT:
			return x.deadline_us;
		default:
			a->done = true;
			return 0;
		}
	}
}

/* link  -1: the control connection */
static void on_readable(struct ask *a, struct wire_end *e, int link)
{
	ssize_t got = recv(e->fd, e->in + e->len, sizeof(e->in) - e->len, 0);
	struct turn_client_data data;
	struct bytes frame;
	size_t used;

	if (got <= 0) {
		errno = got == 0 ? ECONNRESET : errno;
		(void)die("recv");
	}
	e->len += (size_t)got;
	while (stun_stream_next(bytes_of(e->in, e->len), sizeof(e->in), &frame, &used) == STUN_OK) {
		if (link < 0)
			(void)turn_client_on_bytes(a->client, frame, now_us(), &data);
		else
			turn_client_on_link_bytes(a->client, link, frame, now_us());
		e->len -= used;
		memmove(e->in, e->in + used, e->len);
	}
}

/* Links that are open already belong to the test: they are not read here. */
static void wait_once(struct ask *a, int link)
{
	struct pollfd fds[2] = { { .fd = a->control.fd, .events = POLLIN },
				 { .fd = -1, .events = POLLIN } };
	uint64_t at_us = now_us(), due_us = pump(a);

	if (due_us == 0 || a->done)
		return;
	if (link >= 0 && a->links[link].fd > 0)
		fds[1].fd = a->links[link].fd;
	due_us = due_us < at_us + 100000 ? due_us : at_us + 100000;
	if (poll(fds, 2, due_us > at_us ? (int)((due_us - at_us) / 1000 + 1) : 0) <= 0)
		return;
	if (fds[0].revents != 0)
		on_readable(a, &a->control, -1);
	if (fds[1].revents != 0)
		on_readable(a, &a->links[link], link);
}

/* Until that was told so often; `link` is the one that is opening. */
static bool await(struct ask *a, enum turn_client_event_kind kind, unsigned int times, int link)
{
	uint64_t until_us = now_us() + WAIT_MS * 1000;

	(void)pump(a); /* what came last time may be told only now */
	while (a->told[kind] < times && !a->done && now_us() < until_us) {
		wait_once(a, link);
		(void)pump(a);
	}
	return a->told[kind] >= times;
}

static bool hears(int fd, const char *text)
{
	uint8_t buf[16];
	size_t len = strlen(text);
	ssize_t got = recv(fd, buf, len, MSG_WAITALL);

	return got == (ssize_t)len && memcmp(buf, text, len) == 0;
}

static bool talk(int ours, int theirs)
{
	put(ours, BYTES("ping"));
	if (!hears(theirs, "ping"))
		return false;
	put(theirs, BYTES("pong!"));
	return hears(ours, "pong!");
}

/* One way of a connection, and how far it has come. */
struct lane {
	int from, to;
	uint8_t salt;
	size_t sent, got;
};

/* What stands at that place of all that is sent. */
static uint8_t byte_at(const struct lane *l, size_t at)
{
	return (uint8_t)(at * 31 + (at >> 9) + (at >> 17) + l->salt);
}

static void lane_send(struct lane *l, size_t bytes)
{
	uint8_t buf[16384];
	size_t n = bytes - l->sent < sizeof(buf) ? bytes - l->sent : sizeof(buf);
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(l, l->sent + i);
	sent = send(l->from, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	l->sent += sent > 0 ? (size_t)sent : 0;
}

static bool lane_take(struct lane *l)
{
	uint8_t buf[16384];
	ssize_t got = recv(l->to, buf, sizeof(buf), MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	for (size_t i = 0; i < (size_t)got; i++) {
		if (buf[i] != byte_at(l, l->got + i))
			return false;
	}
	l->got += (size_t)got;
	return true;
}

/* Both ways at once, each byte compared. */
static bool pour(int ours, int theirs, size_t bytes)
{
	struct lane lanes[2] = { { .from = ours, .to = theirs, .salt = 7 },
				 { .from = theirs, .to = ours, .salt = 99 } };

	while (lanes[0].got < bytes || lanes[1].got < bytes) {
		struct pollfd fds[2] = { { .fd = ours, .events = POLLIN },
					 { .fd = theirs, .events = POLLIN } };

		for (int i = 0; i < 2; i++) {
			if (lanes[i].sent < bytes)
				fds[i].events |= POLLOUT;
		}
		if (poll(fds, 2, WAIT_MS) <= 0)
			return false;
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents & POLLOUT)
				lane_send(&lanes[i], bytes);
			if (fds[i].revents & POLLIN && !lane_take(&lanes[1 - i]))
				return false;
		}
	}
	return lanes[0].got == bytes && lanes[1].got == bytes;
}

static bool has_ended(int fd)
{
	uint8_t buf[1];

	return recv(fd, buf, sizeof(buf), 0) == 0;
}

/* An end that says no more still hears the other one. */
static bool end_each(int first, int second)
{
	shutdown(first, SHUT_WR);
	if (!has_ended(second))
		return false;
	put(second, BYTES("last words"));
	if (!hears(first, "last words"))
		return false;
	shutdown(second, SHUT_WR);
	return has_ended(first);
}

static const char *play(struct ask *a, struct addr *peer, size_t bytes)
{
	int listener = listen_at(peer), link, theirs;
	struct addr caller = addr_with_port(peer, 0);

	if (!await(a, TURN_CLIENT_ALLOCATED, 1, -1))
		return "no allocation";
	(void)turn_client_add_peer(a->client, peer, false, now_us());
	if (!await(a, TURN_CLIENT_PERMITTED, 1, -1))
		return "no permission";
	link = turn_client_connect(a->client, peer, now_us());
	if (!await(a, TURN_CLIENT_LINKED, 1, link))
		return "no link";
	theirs = accept(listener, NULL, NULL);
	if (theirs < 0 || !talk(a->links[a->linked].fd, theirs))
		return "no data";
	if (bytes > 0 && (!pour(a->links[a->linked].fd, theirs, bytes) ||
			  !end_each(a->links[a->linked].fd, theirs)))
		return "data was lost";
	puts("connected");
	theirs = connect_to(&caller, &a->relayed);
	if (!await(a, TURN_CLIENT_LINKED, 2, link == 0 ? 1 : 0))
		return "no link from the peer";
	if (!talk(a->links[a->linked].fd, theirs))
		return "no data from the peer";
	if (bytes > 0 && (!pour(theirs, a->links[a->linked].fd, bytes) ||
			  !end_each(theirs, a->links[a->linked].fd)))
		return "data of the peer was lost";
	puts("called");
	turn_client_close(a->client, now_us());
	while (!a->done)
		wait_once(a, -1);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct ask a;
	struct addr peer;
	const char *why;
	size_t bytes = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;

	if (argc < 5 || argc > 6 || !addr_parse(argv[1], 3478, &a.config.server) ||
	    !addr_parse_ip(argv[2], 0, &peer)) {
		(void)fputs("usage: turn_link_ask SERVER:PORT PEER USER PASSWORD [BYTES]\n",
			    stderr);
		return 2;
	}
	a.config.reliable = a.config.options.tcp = true;
	if (peer.family == ADDR_IPV6)
		a.config.options.families = TURN_CLIENT_FAMILY_IPV6;
	a.config.credentials.username = bytes_of_str(argv[3]);
	a.config.credentials.password = bytes_of_str(argv[4]);
	a.config.random = fill;
	a.control.fd = connect_to(NULL, &a.config.server);
	a.client = turn_client_new(&a.config);
	if (a.client == NULL)
		return die("turn_client_new");
	why = play(&a, &peer, bytes);
	puts(why != NULL ? why : "deleted");
	turn_client_free(a.client);
	return why != NULL;
}
