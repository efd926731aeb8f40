/*
 * channel_sizes - ChannelData of every size through a real server, both ways, each byte compared.
 *
 *	channel_sizes udp|tcp|tls|dtls SERVER:PORT PEER USER PASSWORD CA-FILE
 *
 * Sizes 0 to 1472 one by one, and then in bursts whose order is known. The client is
 * lib/turn_client, the peer a socket of our own on the address PEER. Prints how many datagrams
 * went through.
 *
 * Exit status: 0 when all arrived as they were sent, 1 when something did not, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "sockaddr.h"
#include "stun_stream.h"
#include "turn_client.h"
#include "udp.h"

#define SIZE_MOST 1472
#define BURST     24
#define BURSTS    200
#define WAIT_S    5

struct sizes {
	struct turn_client *client;
	struct turn_client_config config;
	int fd, peer_fd;
	SSL *ssl; /* NULL: plain */
	struct addr peer, relayed;
	int number; /* of the peer */
	bool allocated, bound;
	uint8_t in[70000];
	size_t in_len; /* of a stream: not yet cut into frames */
	uint64_t done;
};

static void give_up(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	(void)fputs("usage: channel_sizes udp|tcp|tls|dtls SERVER:PORT PEER USER PASSWORD CA\n",
		    stderr);
	exit(2);
}

static uint64_t now_us(void)
{
	return clock_ms() * 1000;
}

static void fill(void *arg, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		_exit(2);
}

/* Byte i of datagram number n. Each begins and ends in another way than its neighbours. */
static void make_data(uint64_t n, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(n * 31 + i * 7 + (i >> 8));
}

static void check_data(const char *where, uint64_t n, size_t want_len, struct bytes got)
{
	uint8_t want[SIZE_MOST];

	make_data(n, want, want_len);
	if (!bytes_equal(got, bytes_of(want, want_len))) {
		printf("%s: datagram %llu of %zu bytes came with %zu, or changed\n", where,
		       (unsigned long long)n, want_len, got.len);
		exit(1);
	}
}

/* --- the way to the server --- */

static void set_patience(int fd)
{
	struct timeval patience = { .tv_sec = WAIT_S };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		give_up("timeout");
}

static void connect_to_server(struct sizes *s, bool stream)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&s->config.server, &sa);

	s->fd = socket(sa.ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&sa, len) != 0)
		give_up("connect");
	set_patience(s->fd);
}

static BIO *datagram_bio(struct sizes *s)
{
	struct timeval patience = { .tv_sec = WAIT_S };
	struct sockaddr_storage sa;
	BIO *bio = BIO_new_dgram(s->fd, BIO_NOCLOSE);

	sockaddr_from_addr(&s->config.server, &sa);
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &sa);
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_RECV_TIMEOUT, 0, &patience);
	return bio;
}

static void shake_hands(struct sizes *s, bool stream, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(stream ? TLS_client_method() : DTLS_client_method());
	BIO *bio = stream ? BIO_new_socket(s->fd, BIO_NOCLOSE) : datagram_bio(s);

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		give_up("authority");
	s->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_bio(s->ssl, bio, bio);
	if (SSL_connect(s->ssl) != 1) {
		ERR_print_errors_fp(stdout);
		give_up("handshake");
	}
}

static void to_server(struct sizes *s, struct bytes data)
{
	ssize_t n = s->ssl != NULL ? SSL_write(s->ssl, data.data, (int)data.len)
				   : send(s->fd, data.data, data.len, 0);

	if (n != (ssize_t)data.len)
		give_up("send");
}

/* One datagram, or what a stream has; blocks. */
static size_t from_server(struct sizes *s)
{
	uint8_t *to = s->in + s->in_len;
	size_t room = sizeof(s->in) - s->in_len;
	ssize_t n = s->ssl != NULL ? SSL_read(s->ssl, to, (int)room) : recv(s->fd, to, room, 0);

	if (n <= 0)
		give_up("nothing from the server");
	return (size_t)n;
}

/* --- the client --- */

static void tell(struct sizes *s, const struct turn_client_event *e)
{
	switch (e->kind) {
	case TURN_CLIENT_ALLOCATED:
		s->allocated = true;
		s->relayed = e->allocated->relayed[0];
		break;
	case TURN_CLIENT_CHANNEL_BOUND:
		s->bound = true;
		break;
	case TURN_CLIENT_FAILED:
	case TURN_CLIENT_PERMISSION_REFUSED:
	case TURN_CLIENT_CHANNEL_REFUSED:
		printf("%s (%u)\n", turn_client_failure_text(e->failure), e->failure->code);
		exit(1);
	default:
		break;
	}
}

static void pump(struct sizes *s)
{
	struct turn_client_action action;

	for (;;) {
		switch (turn_client_next(s->client, now_us(), &action)) {
		case TURN_CLIENT_SEND:
			to_server(s, action.data);
			break;
		case TURN_CLIENT_TELL:
			tell(s, &action.event);
			break;
		case TURN_CLIENT_WAIT:
			return;
		default:
			errno = 0;
			give_up("the allocation ended");
		}
	}
}

/*
 * Reads until there is one message, and gives it to the client. What is returned dies with the
 * next call.
 */
static bool next_message(struct sizes *s, struct turn_client_data *data)
{
	static uint8_t frame_bytes[sizeof(s->in)];
	struct bytes frame = { 0 };
	size_t used = 0;

	if (!s->config.reliable) {
		frame = bytes_of(s->in, from_server(s));
	} else {
		while (stun_stream_next(bytes_of(s->in, s->in_len), sizeof(s->in), &frame, &used) !=
		       STUN_OK)
			s->in_len += from_server(s);
		memcpy(frame_bytes, frame.data, frame.len);
		frame.data = frame_bytes;
		s->in_len -= used;
		memmove(s->in, s->in + used, s->in_len);
	}
	return turn_client_on_bytes(s->client, frame, now_us(), data) == TURN_CLIENT_DATA;
}

static void await(struct sizes *s, const bool *what)
{
	struct turn_client_data data;

	pump(s);
	while (!*what) {
		(void)next_message(s, &data);
		pump(s);
	}
}

/* --- data --- */

static void send_to_peer(struct sizes *s, uint64_t n, size_t len)
{
	uint8_t data[SIZE_MOST], buf[SIZE_MOST + 64];
	struct bytes out;

	make_data(n, data, len);
	if (turn_client_send(s->client, s->number, bytes_of(data, len), false, now_us(), buf,
			     sizeof(buf), &out) != TURN_CLIENT_FRAMED)
		give_up("not framed");
	to_server(s, out);
}

static void take_at_peer(struct sizes *s, uint64_t n, size_t len)
{
	uint8_t data[2 * SIZE_MOST];
	ssize_t got = recv(s->peer_fd, data, sizeof(data), 0);

	if (got < 0)
		give_up("nothing at the peer");
	check_data("to the peer", n, len, bytes_of(data, (size_t)got));
	s->done++;
}

static void send_to_client(struct sizes *s, uint64_t n, size_t len)
{
	uint8_t data[SIZE_MOST];

	make_data(n, data, len);
	if (send(s->peer_fd, data, len, 0) != (ssize_t)len)
		give_up("send from the peer");
}

static void take_at_client(struct sizes *s, uint64_t n, size_t len)
{
	struct turn_client_data data;

	while (!next_message(s, &data))
		;
	if (!addr_equal(&data.from, &s->peer)) {
		errno = 0;
		give_up("from somebody else");
	}
	check_data("to the client", n, len, data.data);
	s->done++;
}

/* As many at once, the sizes far from each other. */
static size_t burst_size(uint64_t n)
{
	return (size_t)(n * 611 % (SIZE_MOST + 1));
}

static void burst(struct sizes *s, uint64_t first)
{
	for (uint64_t n = first; n < first + BURST; n++)
		send_to_peer(s, n, burst_size(n));
	for (uint64_t n = first; n < first + BURST; n++)
		take_at_peer(s, n, burst_size(n));
	for (uint64_t n = first; n < first + BURST; n++)
		send_to_client(s, n, burst_size(n));
	for (uint64_t n = first; n < first + BURST; n++)
		take_at_client(s, n, burst_size(n));
}

static void exchange(struct sizes *s)
{
	for (size_t len = 0; len <= SIZE_MOST; len++) {
		send_to_peer(s, len, len);
		take_at_peer(s, len, len);
		send_to_client(s, len, len);
		take_at_client(s, len, len);
	}
	for (uint64_t i = 0; i < BURSTS; i++)
		burst(s, i * BURST);
}

/* The peer talks to the relay and to nobody else. */
static void open_peer(struct sizes *s, const struct addr *at)
{
	struct udp_options options = { .receive_buffer = 1 << 20 };
	struct sockaddr_storage sa;
	socklen_t len;

	s->peer_fd = udp_open(at, &options, &s->peer);
	len = sockaddr_from_addr(&s->relayed, &sa);
	if (s->peer_fd < 0 || connect(s->peer_fd, (struct sockaddr *)&sa, len) != 0)
		give_up("peer");
	if (fcntl(s->peer_fd, F_SETFL, 0) != 0)
		give_up("peer");
	set_patience(s->peer_fd);
}

int main(int argc, char **argv)
{
	static struct sizes s;
	bool stream, secure;
	struct addr peer;

	if (argc != 7 || !addr_parse(argv[2], 3478, &s.config.server) ||
	    !addr_parse_ip(argv[3], 0, &peer))
		usage();
	stream = strcmp(argv[1], "tcp") == 0 || strcmp(argv[1], "tls") == 0;
	secure = strcmp(argv[1], "tls") == 0 || strcmp(argv[1], "dtls") == 0;
	if (!stream && !secure && strcmp(argv[1], "udp") != 0)
		usage();
	s.config.reliable = stream;
	s.config.secure = secure;
	s.config.credentials.username = bytes_of_str(argv[4]);
	s.config.credentials.password = bytes_of_str(argv[5]);
	s.config.random = fill;
	s.config.options.families =
		peer.family == ADDR_IPV6 ? TURN_CLIENT_FAMILY_IPV6 : TURN_CLIENT_FAMILY_IPV4;
	connect_to_server(&s, stream);
	if (secure)
		shake_hands(&s, stream, argv[6]);
	s.client = turn_client_new(&s.config);
	if (s.client == NULL)
		return 2;
	await(&s, &s.allocated);
	open_peer(&s, &peer);
	s.number = turn_client_add_peer(s.client, &s.peer, true, now_us());
	await(&s, &s.bound);
	exchange(&s);
	turn_client_close(s.client, now_us());
	pump(&s);
	printf("%llu datagrams\n", (unsigned long long)s.done);
	turn_client_free(s.client);
	SSL_free(s.ssl);
	return 0;
}
