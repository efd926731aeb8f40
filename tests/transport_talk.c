/*
 * transport_talk - a transport on a UDP socket of loopback, for a peer that we did not write.
 *
 *	transport_talk KEY a|b
 *
 * KEY (64 hex digits) makes the names and the password of ICE, as a trial's does; we are A or B of
 * it, and B is the client of DTLS. Prints "PORT FINGERPRINT", and reads the same of the other side.
 * What the other side sends on its channels is sent back; on one of ours it is to do so as well.
 * Prints what came of it, and ends when the other side leaves.
 */
#include <config.h>

#include <event2/event.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "natprobe/link/link_path.h"
#include "natprobe/transport/transport.h"
#include "sockaddr.h"

#define LONG_MESSAGE 60000
#define FRAME_MAX    65536

struct talk {
	int fd;
	struct event_base *base;
	struct event *timer;
	struct identity identity;
	struct addr remote;
	struct transport *transport;
	struct link_path *path;
	struct channel *ours;
	bool has_path;
	int echoed;
};

static uint8_t long_message[LONG_MESSAGE];

/* What we send on our channel, and want back. */
static const struct message {
	bool is_text;
	struct bytes data;
} messages[] = {
	{ true, { (const uint8_t *)"gr\xc3\xbc\xc3\x9f dich", 10 } },
	{ false, { long_message, LONG_MESSAGE } },
	{ true, { (const uint8_t *)"", 0 } },
	{ false, { (const uint8_t *)"\0\1", 2 } },
};

static void die(const char *what)
{
	fprintf(stderr, "transport_talk: %s\n", what);
	exit(1);
}

static void send_frame(struct talk *t, struct bytes frame)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_from_addr(&t->remote, &to);

	(void)sendto(t->fd, frame.data, frame.len, 0, (struct sockaddr *)&to, len);
}

static void on_output(void *arg, struct bytes frame)
{
	send_frame(arg, frame);
}

static void on_path_output(void *arg, struct bytes frame, bool is_probe)
{
	send_frame(arg, frame);
}

static void on_frame_max(void *arg, uint16_t frame_max)
{
	struct talk *t = arg;

	if (t->has_path)
		transport_set_frame_max(t->transport, frame_max);
}

static void on_identity(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN])
{
}

static void on_broken(void *arg, const char *why)
{
	die(why);
}

static void on_random(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		die("no random numbers");
}

/* A channel of theirs: all comes back. */
struct echo {
	struct channel *c;
};

static void on_echo(void *arg, struct bytes data, bool is_text)
{
	struct echo *e = arg;

	if (!channel_send(e->c, data, is_text))
		die("no room for an echo");
}

static void on_echo_closed(void *arg, const char *why)
{
	printf("theirs was closed\n");
	free(arg);
}

static bool on_channel(void *arg, struct channel *c)
{
	struct echo *e = calloc(1, sizeof(*e));
	const struct channel_events events = { .on_data = on_echo,
					       .on_closed = on_echo_closed,
					       .arg = e };

	if (e == NULL)
		return false;
	e->c = c;
	printf("channel %s protocol %s\n", channel_label(c), channel_protocol(c));
	channel_set_events(c, &events);
	return true;
}

static void on_ours(void *arg, struct bytes data, bool is_text)
{
	struct talk *t = arg;
	const struct message *m = &messages[t->echoed];

	if (is_text != m->is_text || !bytes_equal(data, m->data))
		die("what came back is something else");
	if (++t->echoed < (int)ARRAY_LEN(messages))
		return;
	printf("ours came back\n");
	channel_close(t->ours, NULL);
}

static void on_ready(void *arg)
{
	struct talk *t = arg;
	const struct channel_events events = { .on_data = on_ours, .arg = t };

	printf("ready\n");
	t->ours = transport_open(t->transport, "ours", "echo", &events);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		if (!channel_send(t->ours, messages[i].data, messages[i].is_text))
			die("no room for a message");
	}
}

static void on_failed(void *arg, enum transport_failure failure, const char *why)
{
	struct talk *t = arg;

	printf("over: %s\n", why);
	event_base_loopbreak(t->base);
}

static void rearm(struct talk *t)
{
	uint64_t now_us = clock_us(), next_us = transport_next_us(t->transport);
	uint64_t path_us = link_path_next_us(t->path);
	struct timeval wait = { 0 };

	next_us = path_us < next_us ? path_us : next_us;
	if (next_us > now_us + 1000000)
		next_us = now_us + 1000000;
	if (next_us > now_us)
		wait.tv_usec = (suseconds_t)(next_us - now_us);
	if (wait.tv_usec >= 1000000)
		wait = (struct timeval){ .tv_sec = 1 };
	(void)evtimer_add(t->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct talk *t = arg;
	uint64_t now_us = clock_us();

	if (link_path_next_us(t->path) <= now_us)
		link_path_on_time(t->path, now_us);
	if (transport_next_us(t->transport) <= now_us)
		transport_on_time(t->transport, now_us);
	rearm(t);
}

static void take_frame(struct talk *t, struct bytes frame)
{
	uint64_t now_us = clock_us();

	if (!link_path_input(t->path, frame, now_us)) {
		transport_input(t->transport, frame, now_us);
		return;
	}
	if (t->has_path)
		return;
	t->has_path = true;
	transport_use_path(t->transport, false, link_path_frame_max(t->path), now_us);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	static uint8_t frame[FRAME_MAX];
	struct talk *t = arg;
	ssize_t n;

	while ((n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT)) >= 0)
		take_frame(t, bytes_of(frame, (size_t)n));
	rearm(t);
}

static bool hex_read(const char *text, uint8_t out[static 32])
{
	for (size_t i = 0; i < 32; i++) {
		unsigned int byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		out[i] = (uint8_t)byte;
	}
	return true;
}

/* Returns our port. */
static uint16_t open_socket(struct talk *t)
{
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&loopback, &sa);
	struct addr bound;

	t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || bind(t->fd, (struct sockaddr *)&sa, len) != 0)
		die("no socket");
	len = sizeof(sa);
	if (getsockname(t->fd, (struct sockaddr *)&sa, &len) != 0 ||
	    !sockaddr_to_addr((struct sockaddr *)&sa, &bound))
		die("no address");
	return bound.port;
}

/* Tells of us, and learns of the other side. */
static void introduce(struct talk *t, uint16_t port, uint8_t fingerprint[static 32])
{
	char hex[65], line[128];
	unsigned int remote = 0;

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", t->identity.fingerprint[i]);
	printf("%u %s\n", port, hex);
	if (fgets(line, sizeof(line), stdin) == NULL ||
	    sscanf(line, "%u %64s", &remote, hex) != 2 || strlen(hex) != 64 ||
	    !hex_read(hex, fingerprint))
		die("the other side says nothing of itself");
	t->remote = addr_ipv4(127, 0, 0, 1, (uint16_t)remote);
}

static void open_path(struct talk *t, const uint8_t key[static 32], bool is_a)
{
	struct link_path_config config = { .remote = t->remote,
					   .on_output = on_path_output,
					   .on_identity = on_identity,
					   .on_frame_max = on_frame_max,
					   .on_broken = on_broken,
					   .random = on_random,
					   .arg = t };

	check_keys_make(&config.keys, key, is_a);
	memcpy(config.fingerprint, t->identity.fingerprint, sizeof(config.fingerprint));
	t->path = link_path_new(&config, clock_us());
	if (t->path == NULL)
		die("no path");
}

static void open_transport(struct talk *t, bool is_client)
{
	const struct transport_config config = { .identity = &t->identity,
						 .is_client = is_client,
						 .on_output = on_output,
						 .on_ready = on_ready,
						 .on_channel = on_channel,
						 .on_failed = on_failed,
						 .arg = t };

	t->transport = transport_new(&config);
	if (t->transport == NULL)
		die("no transport");
}

int main(int argc, char **argv)
{
	struct talk t = { 0 };
	uint8_t key[32], fingerprint[32];
	bool is_a;
	struct event *readable;

	if (!transport_is_built())
		return 77;
	if (argc != 3 || strlen(argv[1]) != 64 || !hex_read(argv[1], key))
		die("usage: transport_talk KEY a|b");
	setvbuf(stdout, NULL, _IOLBF, 0);
	is_a = argv[2][0] == 'a';
	for (size_t i = 0; i < LONG_MESSAGE; i++)
		long_message[i] = (uint8_t)(i * 7);
	if (!identity_make(&t.identity))
		die("no identity");
	introduce(&t, open_socket(&t), fingerprint);
	open_path(&t, key, is_a);
	open_transport(&t, !is_a);
	transport_expect(t.transport, fingerprint);
	t.base = event_base_new();
	readable = event_new(t.base, t.fd, EV_READ | EV_PERSIST, on_readable, &t);
	t.timer = evtimer_new(t.base, on_timer, &t);
	if (event_add(readable, NULL) != 0)
		die("no events");
	rearm(&t);
	event_base_dispatch(t.base);
	event_free(readable);
	event_free(t.timer);
	event_base_free(t.base);
	transport_free(t.transport);
	link_path_free(t.path);
	identity_clear(&t.identity);
	close(t.fd);
	return 0;
}
