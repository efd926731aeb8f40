/*
 * stream on the loopback: one thread plays server and clients in turn, nobody waits, and
 * time is moved by stream_set_expire.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "cert.h"
#include "clock.h"
#include "sockaddr.h"
#include "tls.h"

#define HOUR_MS  (3600 * 1000)
#define PATIENCE 5000 /* turns of the loop until a test gives up */

static const uint8_t key[16] = "stream test key";
static struct cert cert, other_cert;

/* The server of a test: answers each frame with itself, and does what its id asks for. */
struct server {
	struct event_base *base;
	struct stream_set *set;
	struct addr at;
	size_t answer_len; /* more than the frame: padded with zeros */
	int frames, ends;
	enum stream_end last_end;
	struct stream_peer last_peer;
	uint8_t last_frame[2048];
	size_t last_len;
	struct stream_conn *last_conn;
	bool all_sent;
};

static void on_frame(struct stream_conn *c, struct bytes frame, void *arg)
{
	static const uint8_t zeros[65536];
	struct server *s = arg;

	s->frames++;
	s->last_conn = c;
	s->last_peer = *stream_peer(c);
	s->last_len = frame.len;
	memcpy(s->last_frame, frame.data, frame.len);
	if (!stream_send(c, frame))
		s->all_sent = false;
	if (s->answer_len > frame.len)
		stream_send(c, bytes_of(zeros, s->answer_len - frame.len));
	if (frame.len >= 20 && frame.data[8] == 'C')
		stream_close(c);
}

static void on_end(struct stream_conn *c, enum stream_end why, void *arg)
{
	struct server *s = arg;

	s->ends++;
	s->last_end = why;
	assert_false(stream_send(c, BYTES("too late")));
}

static SSL_CTX *server_ctx(const struct cert *c)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options o = { c->cert_file, c->key_file, alpn };
	struct tls_error err;
	SSL_CTX *ctx = tls_server_new(TLS_STREAM, &o, &err);

	assert_non_null(ctx);
	return ctx;
}

static void server_open(struct server *s, struct stream_limits limits,
			struct stream_listen_options options)
{
	struct stream_events events = { on_frame, on_end };
	struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	SSL_CTX *ctx = server_ctx(&cert);

	*s = (struct server){ .base = event_base_new(), .all_sent = true };
	s->set = stream_set_new(s->base, &limits, &events, s, ctx, key);
	SSL_CTX_free(ctx);
	assert_non_null(s->set);
	assert_int_equal(stream_listen(s->set, &at, &options, &s->at), 0);
}

static void server_close(struct server *s)
{
	stream_set_free(s->set);
	event_base_free(s->base);
}

static void turn(struct server *s)
{
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

/* A turn that first gives a busy machine some time, if many have been taken for nothing. */
static void patient_turn(struct server *s, int turns)
{
	struct timeval ms = { .tv_usec = 1000 };

	if (turns > 50) {
		event_base_loopexit(s->base, &ms);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	turn(s);
}

static void settle(struct server *s)
{
	for (int i = 0; i < 55; i++)
		patient_turn(s, i);
}

static void await(struct server *s, const int *counter, int want)
{
	for (int i = 0; i < PATIENCE && *counter < want; i++)
		patient_turn(s, i);
	assert_int_equal(*counter, want);
}

static uint64_t ended(const struct server *s, enum stream_end why)
{
	return stream_set_stats(s->set)->ended[why];
}

static int dial_from(struct server *s, struct addr from)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&from, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sockaddr_from_addr(&s->at, &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int dial(struct server *s)
{
	return dial_from(s, addr_ipv4(127, 0, 0, 1, 0));
}

static void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Reads until `want` bytes came, the end, or no patience is left. Returns how many came. */
static size_t get(struct server *s, int fd, uint8_t *buf, size_t want, bool *at_end)
{
	size_t got = 0;

	*at_end = false;
	for (int i = 0; i < PATIENCE && got < want; i++) {
		ssize_t n = recv(fd, buf + got, want - got, 0);

		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EAGAIN) {
			*at_end = true;
			break;
		}
		patient_turn(s, n > 0 ? 0 : i);
	}
	return got;
}

static bool is_closed(struct server *s, int fd)
{
	uint8_t rest[4096];
	bool at_end;

	get(s, fd, rest, sizeof(rest), &at_end);
	return at_end;
}

/* A Binding request without attributes, told apart by the first byte of its id. */
struct request {
	uint8_t bytes[20];
};

static struct request request(char id)
{
	struct request r = { { 0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, (uint8_t)id } };

	return r;
}

static void ask(struct server *s, int fd, char id)
{
	struct request r = request(id);
	uint8_t answer[20];
	bool at_end;

	put(fd, r.bytes, sizeof(r.bytes));
	assert_int_equal(get(s, fd, answer, sizeof(answer), &at_end), sizeof(answer));
	assert_memory_equal(answer, r.bytes, sizeof(answer));
}

static void answers_say_who_asked_and_where(void **state)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr from;
	struct server s;
	int fd;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = dial(&s);
	ask(&s, fd, 'a');
	ask(&s, fd, 'b');
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&sa, &from));
	assert_true(addr_equal(&s.last_peer.remote, &from));
	assert_true(addr_equal(&s.last_peer.local, &s.at));
	assert_int_equal(s.last_peer.transport, STUN_TCP);

	close(fd);
	await(&s, &s.ends, 1);
	assert_int_equal(ended(&s, STREAM_END_CLIENT), 1);
	assert_int_equal(stream_set_stats(s.set)->open, 0);
	assert_int_equal(stream_set_stats(s.set)->frames, 2);
	server_close(&s);
}

static void frames_survive_any_split(void **state)
{
	/* A request, ChannelData with 5 bytes and its padding, a request. */
	uint8_t all[20 + 12 + 20];
	struct request a = request('a'), b = request('b');
	struct server s;
	int fd;

	memcpy(all, a.bytes, 20);
	memcpy(all + 20, "\x40\x01\x00\x05hello\0\0\0", 12);
	memcpy(all + 32, b.bytes, 20);
	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = dial(&s);
	for (size_t cut = 0; cut <= sizeof(all); cut++) {
		s.frames = 0;
		put(fd, all, cut);
		turn(&s);
		turn(&s);
		put(fd, all + cut, sizeof(all) - cut);
		await(&s, &s.frames, 3);
		assert_memory_equal(s.last_frame, b.bytes, 20);
	}
	s.frames = 0;
	for (size_t i = 0; i < sizeof(all); i++) {
		put(fd, all + i, 1);
		turn(&s);
		turn(&s);
	}
	await(&s, &s.frames, 3);
	close(fd);
	server_close(&s);
}

static void many_frames_in_one_write(void **state)
{
	enum { MANY = 1000 };
	static uint8_t out[MANY * 20], in[MANY * 20];
	struct server s;
	bool at_end;
	int fd;

	for (int i = 0; i < MANY; i++) {
		struct request r = request((char)(i % 50));

		memcpy(out + i * 20, r.bytes, 20);
	}
	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = dial(&s);
	put(fd, out, sizeof(out));
	assert_int_equal(get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(s.all_sent);
	close(fd);
	server_close(&s);
}

static void what_is_not_ours_ends_the_connection(void **state)
{
	static const struct {
		const char *why;
		struct bytes data;
		enum stream_end end;
	} cases[] = {
		{ "noise", BYTES("\xff"), STREAM_END_FOREIGN },
		{ "HTTP", BYTES("GET / HTTP/1.0\r\n\r\n        "), STREAM_END_FOREIGN },
		{ "no cookie", BYTES("\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		  STREAM_END_FOREIGN },
		{ "too long a frame", BYTES("\0\1\x08\0\x21\x12\xa4\x42\0\0\0\0\0\0\0\0\0\0\0\0"),
		  STREAM_END_FOREIGN },
		{ "TLS record of noise", BYTES("\x16\x03\x01\x00\x04junk"), STREAM_END_TLS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s;
		int fd;

		server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
		fd = dial(&s);
		put(fd, cases[i].data.data, cases[i].data.len);
		if (!is_closed(&s, fd) || ended(&s, cases[i].end) != 1)
			fail_msg("%s: not ended, or for another reason", cases[i].why);
		assert_int_equal(s.frames, 0);
		close(fd);
		server_close(&s);
	}
}

static void a_half_closed_client_is_still_answered(void **state)
{
	struct request r = request('a');
	uint8_t answer[20];
	struct server s;
	bool at_end;
	int fd;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = dial(&s);
	put(fd, r.bytes, sizeof(r.bytes));
	shutdown(fd, SHUT_WR);
	assert_int_equal(get(&s, fd, answer, sizeof(answer), &at_end), sizeof(answer));
	assert_true(is_closed(&s, fd));
	assert_int_equal(ended(&s, STREAM_END_CLIENT), 1);
	close(fd);
	server_close(&s);
}

static void closing_sends_what_is_queued_first(void **state)
{
	static uint8_t in[40000];
	struct request r = request('C');
	struct server s;
	bool at_end;
	int fd;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	fd = dial(&s);
	put(fd, r.bytes, sizeof(r.bytes));
	assert_int_equal(get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_true(is_closed(&s, fd));
	assert_int_equal(ended(&s, STREAM_END_SELF), 1);
	close(fd);

	/* Also from outside a callback. */
	s.answer_len = 0;
	fd = dial(&s);
	ask(&s, fd, 'a');
	stream_close(s.last_conn);
	assert_true(is_closed(&s, fd));
	assert_int_equal(ended(&s, STREAM_END_SELF), 2);
	close(fd);
	server_close(&s);
}

static void connections_are_limited(void **state)
{
	struct server s;
	int a, b, c, d;

	server_open(&s, (struct stream_limits){ .max_conns = 3, .max_per_source = 2 },
		    (struct stream_listen_options){ 0 });
	a = dial(&s);
	b = dial(&s);
	c = dial(&s);
	ask(&s, a, 'a');
	ask(&s, b, 'b');
	assert_true(is_closed(&s, c));
	assert_int_equal(stream_set_stats(s.set)->refused_source, 1);
	close(c);

	c = dial_from(&s, addr_ipv4(127, 0, 0, 2, 0));
	ask(&s, c, 'c');
	d = dial_from(&s, addr_ipv4(127, 0, 0, 3, 0));
	assert_true(is_closed(&s, d));
	assert_int_equal(stream_set_stats(s.set)->refused_total, 1);
	close(d);

	close(a); /* makes room */
	await(&s, &s.ends, 1);
	a = dial(&s);
	ask(&s, a, 'a');
	close(a);
	close(b);
	close(c);
	server_close(&s);
}

static void time_ends_the_idle_and_the_slow(void **state)
{
	struct stream_limits limits = { .idle_ms = HOUR_MS, .frame_ms = HOUR_MS / 2 };
	uint64_t now;
	struct server s;
	int silent, half, idle;

	server_open(&s, limits, (struct stream_listen_options){ 0 });
	silent = dial(&s);
	half = dial(&s);
	idle = dial(&s);
	ask(&s, idle, 'a');
	ask(&s, half, 'a');
	put(half, "\0\1\0", 3);
	settle(&s);
	now = clock_ms();

	stream_set_expire(s.set, now + HOUR_MS / 2 - 60 * 1000);
	assert_int_equal(s.ends, 0);
	stream_set_expire(s.set, now + HOUR_MS / 2);
	assert_int_equal(ended(&s, STREAM_END_SLOW), 2);
	assert_true(is_closed(&s, silent));
	assert_true(is_closed(&s, half));
	ask(&s, idle, 'b');
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(ended(&s, STREAM_END_IDLE), 1);
	assert_true(is_closed(&s, idle));
	close(silent);
	close(half);
	close(idle);
	server_close(&s);
}

/* Sends requests until nobody takes more. Returns how many bytes were sent. */
static size_t flood(struct server *s, int fd)
{
	struct request r = request('f');
	size_t sent = 0;

	for (int stuck = 0; stuck < 50;) {
		size_t at = sent % sizeof(r.bytes);
		ssize_t n = send(fd, r.bytes + at, sizeof(r.bytes) - at, MSG_NOSIGNAL);

		stuck = n > 0 ? 0 : stuck + 1;
		sent += n > 0 ? (size_t)n : 0;
		if (n <= 0 || sent % 1024 == 0)
			turn(s);
	}
	return sent;
}

/* A connection that takes in few requests before it jams. */
static int dial_narrow(struct server *s)
{
	int small = 4096;
	int fd = dial(s);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	return fd;
}

static void a_client_that_does_not_read_is_held_and_then_closed(void **state)
{
	struct stream_limits limits = { .max_output = 8192, .frame_ms = HOUR_MS };
	struct server s;
	int fd, before;

	server_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = 16384;
	fd = dial_narrow(&s);
	flood(&s, fd);
	before = s.frames;
	settle(&s);
	assert_int_equal(s.frames, before); /* not read from any more */
	assert_true(s.all_sent);

	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(ended(&s, STREAM_END_SLOW), 1);
	close(fd);
	server_close(&s);
}

static void a_client_that_reads_late_gets_every_answer(void **state)
{
	static uint8_t in[1000];
	struct stream_limits limits = { .max_output = 8192, .frame_ms = HOUR_MS };
	struct server s;
	int fd, sent;
	bool at_end;

	server_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	fd = dial_narrow(&s);
	sent = (int)(flood(&s, fd) / 20); /* whole requests */
	assert_true(s.frames < sent);
	for (int i = 0; i < sent; i++)
		assert_int_equal(get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_int_equal(s.frames, sent);
	assert_true(s.all_sent);
	close(fd);
	server_close(&s);
}

/* A TLS client of a test. */
struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void tls_open(struct tls_client *c, struct server *s)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(c->ctx);
	c->fd = dial(s);
	SSL_set_fd(c->ssl, c->fd);
}

static bool tls_handshake(struct tls_client *c, struct server *s)
{
	for (int i = 0; i < PATIENCE; i++) {
		int rc = SSL_connect(c->ssl);

		if (rc == 1)
			return true;
		if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
			return false;
		patient_turn(s, i);
	}
	return false;
}

/* Reads until `want` bytes came. Returns the last SSL_get_error, 0 when all came. */
static int tls_get(struct tls_client *c, struct server *s, uint8_t *buf, size_t want)
{
	size_t got = 0;
	int err = SSL_ERROR_NONE;

	for (int i = 0; i < PATIENCE && got < want; i++) {
		int n = SSL_read(c->ssl, buf + got, (int)(want - got));

		err = n > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, n);
		if (err != SSL_ERROR_NONE && err != SSL_ERROR_WANT_READ)
			break;
		if (n > 0)
			got += (size_t)n;
		patient_turn(s, n > 0 ? 0 : i);
	}
	return err;
}

static void tls_ask(struct tls_client *c, struct server *s, char id)
{
	struct request r = request(id);
	uint8_t answer[20];

	assert_int_equal(SSL_write(c->ssl, r.bytes, sizeof(r.bytes)), sizeof(r.bytes));
	assert_int_equal(tls_get(c, s, answer, sizeof(answer)), 0);
	assert_memory_equal(answer, r.bytes, sizeof(answer));
}

static void tls_close(struct tls_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}

static void tls_and_plain_share_a_port(void **state)
{
	static const unsigned char offer[] = "\x12stun.nat-discovery";
	const unsigned char *chosen;
	struct tls_client c;
	unsigned int len;
	struct server s;
	uint8_t rest[8];
	int fd;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = dial(&s);
	tls_open(&c, &s);
	SSL_set_alpn_protos(c.ssl, offer, sizeof(offer) - 1);
	assert_true(tls_handshake(&c, &s));
	SSL_get0_alpn_selected(c.ssl, &chosen, &len);
	assert_int_equal(len, sizeof(offer) - 2);
	ask(&s, fd, 'a');
	assert_int_equal(s.last_peer.transport, STUN_TCP);
	tls_ask(&c, &s, 'b');
	assert_int_equal(s.last_peer.transport, STUN_TLS);
	tls_ask(&c, &s, 'c');
	ask(&s, fd, 'd');

	/* The server's goodbye is a proper one. */
	tls_ask(&c, &s, 'C');
	assert_int_equal(tls_get(&c, &s, rest, sizeof(rest)), SSL_ERROR_ZERO_RETURN);
	tls_close(&c);
	close(fd);
	server_close(&s);
}

static void tls_carries_many_answers_under_pressure(void **state)
{
	enum { MANY = 400 };
	static uint8_t in[1000];
	struct stream_limits limits = { .max_output = 4096, .frame_ms = HOUR_MS };
	struct request r = request('m');
	struct tls_client c;
	struct server s;

	server_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	tls_open(&c, &s);
	assert_true(tls_handshake(&c, &s));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(SSL_write(c.ssl, r.bytes, sizeof(r.bytes)), sizeof(r.bytes));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(tls_get(&c, &s, in, sizeof(in)), 0);
	assert_int_equal(s.frames, MANY);
	assert_true(s.all_sent);
	tls_close(&c);
	server_close(&s);
}

static void a_listener_may_refuse_plain_or_tls(void **state)
{
	struct request r = request('a');
	struct tls_client c;
	struct server s;
	int fd;

	server_open(&s, (struct stream_limits){ 0 },
		    (struct stream_listen_options){ .no_tls = true });
	tls_open(&c, &s);
	assert_false(tls_handshake(&c, &s));
	tls_close(&c);
	server_close(&s);

	server_open(&s, (struct stream_limits){ 0 },
		    (struct stream_listen_options){ .no_plain = true });
	fd = dial(&s);
	put(fd, r.bytes, sizeof(r.bytes));
	assert_true(is_closed(&s, fd));
	assert_int_equal(s.frames, 0);
	assert_int_equal(ended(&s, STREAM_END_FOREIGN), 1);
	close(fd);
	server_close(&s);
}

static void a_new_certificate_serves_new_connections(void **state)
{
	X509_NAME *first_name, *second_name;
	struct tls_client first, second;
	SSL_CTX *ctx = server_ctx(&other_cert);
	struct server s;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	tls_open(&first, &s);
	assert_true(tls_handshake(&first, &s));
	tls_ask(&first, &s, 'a');
	stream_set_use_tls(s.set, ctx);
	SSL_CTX_free(ctx);
	tls_open(&second, &s);
	assert_true(tls_handshake(&second, &s));
	tls_ask(&first, &s, 'b');
	tls_ask(&second, &s, 'c');
	first_name = X509_get_subject_name(SSL_get0_peer_certificate(first.ssl));
	second_name = X509_get_subject_name(SSL_get0_peer_certificate(second.ssl));
	assert_int_not_equal(X509_NAME_cmp(first_name, second_name), 0);
	tls_close(&first);
	tls_close(&second);
	server_close(&s);
}

static void a_handshake_that_stops_is_ended(void **state)
{
	struct server s;
	int gone, stuck;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	gone = dial(&s);
	stuck = dial(&s);
	put(gone, "\x16\x03", 2);
	put(stuck, "\x16\x03", 2);
	settle(&s);
	close(gone);
	await(&s, &s.ends, 1);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(ended(&s, STREAM_END_SLOW), 1);
	close(stuck);
	server_close(&s);
}

static void freeing_the_set_ends_all(void **state)
{
	struct server s;
	int waiting, plain;

	server_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	waiting = dial(&s);
	plain = dial(&s);
	ask(&s, plain, 'a');
	stream_set_user(s.last_conn, &s);
	assert_ptr_equal(stream_user(s.last_conn), &s);
	stream_set_free(s.set);
	assert_int_equal(s.ends, 2);
	assert_int_equal(s.last_end, STREAM_END_SELF);
	stream_set_free(NULL);
	event_base_free(s.base);
	close(waiting);
	close(plain);
}

static void a_port_in_use_is_an_error(void **state)
{
	struct stream_listen_options alone = { 0 };
	struct addr none = { 0 };
	struct server s;

	server_open(&s, (struct stream_limits){ 0 }, alone);
	assert_int_equal(stream_listen(s.set, &s.at, &alone, NULL), -EADDRINUSE);
	assert_int_equal(stream_listen(s.set, &none, &alone, NULL), -EAFNOSUPPORT);
	server_close(&s);
}

static int set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	return cert_make(&cert, "natkit test") && cert_make(&other_cert, "another") ? 0 : -1;
}

static int tear_down(void **state)
{
	cert_remove(&cert);
	cert_remove(&other_cert);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_say_who_asked_and_where),
		cmocka_unit_test(frames_survive_any_split),
		cmocka_unit_test(many_frames_in_one_write),
		cmocka_unit_test(what_is_not_ours_ends_the_connection),
		cmocka_unit_test(a_half_closed_client_is_still_answered),
		cmocka_unit_test(closing_sends_what_is_queued_first),
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(time_ends_the_idle_and_the_slow),
		cmocka_unit_test(a_client_that_does_not_read_is_held_and_then_closed),
		cmocka_unit_test(a_client_that_reads_late_gets_every_answer),
		cmocka_unit_test(tls_and_plain_share_a_port),
		cmocka_unit_test(tls_carries_many_answers_under_pressure),
		cmocka_unit_test(a_listener_may_refuse_plain_or_tls),
		cmocka_unit_test(a_new_certificate_serves_new_connections),
		cmocka_unit_test(a_handshake_that_stops_is_ended),
		cmocka_unit_test(freeing_the_set_ends_all),
		cmocka_unit_test(a_port_in_use_is_an_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
