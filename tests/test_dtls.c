/*
 * dtls against OpenSSL's client, over a network in memory with a clock moved by hand. The
 * network may lose, double, hold back or change any datagram.
 */
#include "dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cert.h"
#include "dgram_bio.h"
#include "tls.h"

#define SECOND_US  UINT64_C(1000000)
#define QUEUE_MAX  64
#define DGRAM_MAX  2048
#define NOBODY     -1
#define MTU_COMMON 1200
#define MTU_SMALL  256

static uint64_t now_us;
static size_t openssl_allocations;
static struct cert cert, other_cert;
static SSL_CTX *server_ctx, *other_ctx, *client_ctx;
static BIO_METHOD *method;
static const struct addr server_at = { .family = ADDR_IPV4, .port = 5349, .ip = { 192, 0, 2, 9 } };

/* OpenSSL's DTLS timers ask for the time here: this program's wins over libc's. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	tv->tv_sec = (time_t)(now_us / SECOND_US);
	tv->tv_usec = (suseconds_t)(now_us % SECOND_US);
	return 0;
}

static void *counted_malloc(size_t n, const char *file, int line)
{
	openssl_allocations++;
	return malloc(n);
}

static void *counted_realloc(void *p, size_t n, const char *file, int line)
{
	openssl_allocations++;
	return realloc(p, n);
}

static void counted_free(void *p, const char *file, int line)
{
	free(p);
}

/*** a network ***/

enum direction { TO_SERVER, TO_CLIENT };

struct packet {
	size_t len;
	uint8_t data[DGRAM_MAX];
};

struct client {
	SSL *ssl;
	struct dgram_bio end;
	struct net *net;
	struct addr at;
	bool connected, failed, goodbye;
	char got[64];
};

/* One server, one client and the lines between them. */
struct net {
	struct dtls *server;
	struct client client;
	struct packet queue[2][QUEUE_MAX];
	int head[2], tail[2];           /* packets of a direction are numbered from 0 */
	int lose[2], twice[2], hold[2]; /* which number meets this fate, NOBODY: none */
	bool all_twice;
	struct packet held[2];
	struct packet last_hello; /* the last datagram to the server before it had a session */
	char got[64];             /* by the server */
	int ends;
	enum dtls_end last_end;
	struct dtls_session *session;
	bool close_after_answer;
};

static void enqueue(struct net *n, enum direction to, struct bytes datagram)
{
	struct packet *p = &n->queue[to][n->tail[to]++ % QUEUE_MAX];

	assert_true(n->tail[to] - n->head[to] < QUEUE_MAX);
	assert_true(datagram.len <= DGRAM_MAX);
	p->len = datagram.len;
	memcpy(p->data, datagram.data, datagram.len);
}

static void on_datagram(struct bytes datagram, const struct addr *to, const struct addr *local,
			void *arg)
{
	struct net *n = arg;

	assert_true(addr_equal(local, &server_at));
	if (addr_equal(to, &n->client.at))
		enqueue(n, TO_CLIENT, datagram);
}

static void keep(char got[64], struct bytes data)
{
	size_t len = data.len < 63 ? data.len : 63;

	memcpy(got, data.data, len);
	got[len] = '\0';
}

static void on_data(struct dtls_session *s, struct bytes data, void *arg)
{
	struct net *n = arg;

	keep(n->got, data);
	n->session = s;
	assert_true(dtls_send(s, data));
	if (n->close_after_answer)
		dtls_close(s);
}

static void on_end(struct dtls_session *s, enum dtls_end why, void *arg)
{
	struct net *n = arg;

	n->ends++;
	n->last_end = why;
	assert_false(dtls_send(s, BYTES("too late")));
}

static void on_client_write(struct bytes datagram, void *arg)
{
	struct client *c = arg;

	assert_true(datagram.len <= c->end.mtu);
	enqueue(c->net, TO_SERVER, datagram);
}

/* A client that has not begun yet, at the address that it has. */
static void client_open(struct client *c, uint16_t mtu,
			void (*on_write)(struct bytes datagram, void *arg))
{
	BIO *bio;

	c->end = (struct dgram_bio){ .mtu = mtu, .on_write = on_write, .arg = c };
	c->ssl = SSL_new(client_ctx);
	bio = dgram_bio_new(method, &c->end);
	assert_non_null(c->ssl);
	assert_non_null(bio);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_options(c->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(c->ssl, mtu);
	SSL_set_connect_state(c->ssl);
}

/* The ssl of an earlier client is left to the caller. */
static void new_client(struct net *n, uint16_t mtu)
{
	n->client = (struct client){ .net = n, .at = addr_ipv4(198, 51, 100, 7, 4000) };
	client_open(&n->client, mtu, on_client_write);
}

static void net_open_with(struct net *n, struct dtls_limits limits, uint16_t client_mtu)
{
	struct dtls_events events = { on_datagram, on_data, on_end };

	memset(n, 0, sizeof(*n));
	for (int to = 0; to < 2; to++)
		n->lose[to] = n->twice[to] = n->hold[to] = NOBODY;
	n->server = dtls_new(server_ctx, &limits, &events, n, now_us);
	assert_non_null(n->server);
	new_client(n, client_mtu);
}

static void net_open(struct net *n)
{
	net_open_with(n, (struct dtls_limits){ 0 }, MTU_COMMON);
}

static void net_close(struct net *n)
{
	dtls_free(n->server);
	SSL_free(n->client.ssl);
	ERR_clear_error();
}

static void to_server(struct net *n, struct bytes datagram)
{
	if (dtls_stats(n->server)->sessions == 0) {
		n->last_hello.len = datagram.len;
		memcpy(n->last_hello.data, datagram.data, datagram.len);
	}
	dtls_input(n->server, datagram, &n->client.at, &server_at, now_us);
}

/* Goes on with whatever the client is at. */
static void client_step(struct client *c)
{
	char buf[DGRAM_MAX];
	int rc, err;

	ERR_clear_error();
	if (!c->connected) {
		rc = SSL_do_handshake(c->ssl);
		err = SSL_get_error(c->ssl, rc);
		c->connected = rc == 1;
		c->failed |= rc != 1 && err != SSL_ERROR_WANT_READ;
		if (!c->connected)
			return;
	}
	while ((rc = SSL_read(c->ssl, buf, sizeof(buf))) > 0)
		keep(c->got, bytes_of(buf, (size_t)rc));
	err = SSL_get_error(c->ssl, rc);
	c->goodbye |= err == SSL_ERROR_ZERO_RETURN;
	c->failed |= err != SSL_ERROR_ZERO_RETURN && err != SSL_ERROR_WANT_READ;
}

static void hand_over(struct net *n, enum direction to, const struct packet *p)
{
	/* A copy, so that a sanitizer sees a read past the end or after the call. */
	uint8_t *data = malloc(p->len > 0 ? p->len : 1);

	assert_non_null(data);
	memcpy(data, p->data, p->len);
	if (to == TO_SERVER) {
		to_server(n, bytes_of(data, p->len));
	} else {
		n->client.end.in = bytes_of(data, p->len);
		client_step(&n->client);
		n->client.end.in = (struct bytes){ 0 };
	}
	free(data);
}

/* Delivers the next packet of a direction, or does with it what the test wants. */
static bool deliver(struct net *n, enum direction to)
{
	int number = n->head[to];
	struct packet p;

	if (number == n->tail[to])
		return false;
	p = n->queue[to][number % QUEUE_MAX];
	n->head[to]++;
	if (number == n->lose[to])
		return true;
	if (number == n->hold[to]) {
		n->held[to] = p;
		return true;
	}
	hand_over(n, to, &p);
	if (number == n->twice[to] || n->all_twice)
		hand_over(n, to, &p);
	if (n->held[to].len > 0) {
		p = n->held[to];
		n->held[to].len = 0;
		hand_over(n, to, &p);
	}
	return true;
}

static void quiesce(struct net *n)
{
	while (deliver(n, TO_SERVER) || deliver(n, TO_CLIENT))
		;
}

/* Moves the clock to whatever is due next, and does it. False: nothing waits. */
static bool advance(struct net *n)
{
	uint64_t at = dtls_next_deadline_us(n->server);
	struct timeval left;

	if (DTLSv1_get_timeout(n->client.ssl, &left) == 1) {
		uint64_t us = now_us + (uint64_t)left.tv_sec * SECOND_US + (uint64_t)left.tv_usec;

		at = us < at ? us : at;
	}
	if (at == DTLS_NEVER)
		return false;
	now_us = at > now_us ? at : now_us;
	DTLSv1_handle_timeout(n->client.ssl);
	dtls_on_time(n->server, now_us);
	return true;
}

/* Runs until the client is connected or has failed, for 20 s at most. */
static bool connect_client(struct net *n)
{
	uint64_t until = now_us + 20 * SECOND_US;

	client_step(&n->client);
	quiesce(n);
	while (!n->client.connected && !n->client.failed && now_us < until && advance(n))
		quiesce(n);
	return n->client.connected;
}

static void say(struct net *n, const char *text)
{
	assert_int_equal(SSL_write(n->client.ssl, text, (int)strlen(text)), strlen(text));
	quiesce(n);
}

/* Data goes there and back; a client may have to wait for the end of its handshake. */
static void echo(struct net *n, const char *text)
{
	say(n, text);
	while (strcmp(n->got, text) != 0 && dtls_stats(n->server)->half_open > 0 && advance(n))
		quiesce(n);
	if (strcmp(n->got, text) != 0) /* sent while the server was still shaking hands */
		say(n, text);
	assert_string_equal(n->got, text);
	assert_string_equal(n->client.got, text);
}

/*** handshakes ***/

static void a_client_connects_and_is_echoed(void **state)
{
	static const unsigned char offer[] = "\x12stun.nat-discovery";
	const unsigned char *chosen;
	unsigned int len;
	struct net n;

	net_open(&n);
	SSL_set_alpn_protos(n.client.ssl, offer, sizeof(offer) - 1);
	assert_true(connect_client(&n));
	echo(&n, "hello");
	assert_true(addr_equal(dtls_peer(n.session), &n.client.at));
	assert_true(addr_equal(dtls_local(n.session), &server_at));
	SSL_get0_alpn_selected(n.client.ssl, &chosen, &len);
	assert_int_equal(len, sizeof(offer) - 2);
	assert_int_equal(SSL_version(n.client.ssl), DTLS1_2_VERSION);
	assert_int_equal(dtls_stats(n.server)->cookies_sent, 1);
	assert_int_equal(dtls_stats(n.server)->established, 1);
	assert_int_equal(dtls_stats(n.server)->half_open, 0);
	dtls_set_user(n.session, &n);
	assert_ptr_equal(dtls_user(n.session), &n);
	net_close(&n);
	assert_int_equal(n.ends, 1);
	assert_int_equal(n.last_end, DTLS_END_SELF);
}

static void only_unknown_protocols_are_refused(void **state)
{
	struct net n;

	net_open(&n);
	SSL_set_alpn_protos(n.client.ssl, (const unsigned char *)"\x02h2", 3);
	assert_false(connect_client(&n));
	assert_true(n.client.failed);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(n.last_end, DTLS_END_HANDSHAKE);
	net_close(&n);
}

static void flights_fit_the_mtu(void **state)
{
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = MTU_SMALL }, MTU_COMMON);
	client_step(&n.client);
	while (deliver(&n, TO_SERVER) || deliver(&n, TO_CLIENT)) {
		for (int i = n.head[TO_CLIENT]; i < n.tail[TO_CLIENT]; i++)
			assert_true(n.queue[TO_CLIENT][i % QUEUE_MAX].len <= MTU_SMALL);
	}
	assert_true(n.client.connected);
	assert_true(n.tail[TO_CLIENT] >= 5); /* the certificate came in parts */
	echo(&n, "small");
	net_close(&n);
}

enum fate { LOST, DOUBLED, HELD_BACK };

/* One handshake in which packet `number` of a direction meets `fate`. */
static void try_fate(enum fate fate, enum direction to, int number, uint16_t mtu)
{
	static const char *const names[] = { "lost", "doubled", "held back" };
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = mtu }, MTU_COMMON);
	if (fate == LOST)
		n.lose[to] = number;
	else if (fate == DOUBLED)
		n.twice[to] = number;
	else
		n.hold[to] = number;
	if (!connect_client(&n))
		fail_msg("packet %d to the %s, %s, MTU %u: no handshake", number,
			 to == TO_SERVER ? "server" : "client", names[fate], mtu);
	n.lose[to] = n.twice[to] = n.hold[to] = NOBODY;
	echo(&n, "made it");
	assert_int_equal(dtls_stats(n.server)->established, 1);
	net_close(&n);
}

static void any_datagram_may_be_lost_doubled_or_late(void **state)
{
	static const uint16_t mtus[] = { MTU_COMMON, MTU_SMALL };

	for (size_t m = 0; m < ARRAY_LEN(mtus); m++) {
		struct net n;

		net_open_with(&n, (struct dtls_limits){ .mtu = mtus[m] }, MTU_COMMON);
		assert_true(connect_client(&n));
		for (int to = 0; to < 2; to++) {
			for (int i = 0; i < n.tail[to]; i++) {
				try_fate(LOST, (enum direction)to, i, mtus[m]);
				try_fate(DOUBLED, (enum direction)to, i, mtus[m]);
				try_fate(HELD_BACK, (enum direction)to, i, mtus[m]);
			}
		}
		net_close(&n);
	}
}

static void everything_may_come_twice(void **state)
{
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = MTU_SMALL }, MTU_COMMON);
	n.all_twice = true;
	assert_true(connect_client(&n));
	echo(&n, "twice");
	assert_int_equal(dtls_stats(n.server)->established, 1);
	net_close(&n);
}

static void a_silent_client_is_tried_again_and_given_up(void **state)
{
	struct net n;
	uint64_t began;
	int sent;

	net_open(&n);
	client_step(&n.client);
	deliver(&n, TO_SERVER);
	deliver(&n, TO_CLIENT);
	deliver(&n, TO_SERVER); /* with the cookie: now the server speaks and hears nothing */
	assert_int_equal(dtls_stats(n.server)->half_open, 1);
	sent = n.tail[TO_CLIENT];
	began = now_us;
	while (dtls_stats(n.server)->sessions > 0) {
		assert_true(dtls_next_deadline_us(n.server) != DTLS_NEVER);
		now_us = dtls_next_deadline_us(n.server);
		dtls_on_time(n.server, now_us);
		n.head[TO_CLIENT] = n.tail[TO_CLIENT];
	}
	assert_true(n.tail[TO_CLIENT] >= 4 * sent - 4); /* after 1, 3, 7, 15 s */
	assert_int_equal((now_us - began) / SECOND_US, 30);
	assert_int_equal(n.last_end, DTLS_END_HANDSHAKE);
	assert_true(dtls_next_deadline_us(n.server) == DTLS_NEVER);
	net_close(&n);
}

/*** before there is a cookie ***/

static void a_hello_in_fragments_is_dropped(void **state)
{
	char name[250];
	struct net n;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	net_open_with(&n, (struct dtls_limits){ 0 }, MTU_SMALL);
	SSL_set_tlsext_host_name(n.client.ssl, name);
	assert_false(connect_client(&n));
	assert_true(n.tail[TO_SERVER] >= 2);
	assert_int_equal(n.tail[TO_CLIENT], 0);
	assert_int_equal(dtls_stats(n.server)->dropped, n.tail[TO_SERVER]);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

/* A second ClientHello, with its cookie, which has not been delivered. */
static struct packet hello_with_cookie(struct net *n)
{
	client_step(&n->client);
	assert_true(deliver(n, TO_SERVER));
	assert_true(deliver(n, TO_CLIENT));
	assert_int_equal(n->tail[TO_SERVER] - n->head[TO_SERVER], 1);
	return n->queue[TO_SERVER][n->head[TO_SERVER]++ % QUEUE_MAX];
}

static void a_cookie_is_good_for_its_address_only(void **state)
{
	struct addr elsewhere = addr_ipv4(203, 0, 113, 5, 4000), other_port;
	struct packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	dtls_input(n.server, bytes_of(p.data, p.len), &elsewhere, &server_at, now_us);
	other_port = addr_with_port(&n.client.at, 4001);
	dtls_input(n.server, bytes_of(p.data, p.len), &other_port, &server_at, now_us);
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 2);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &server_at, now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	net_close(&n);
}

static void a_wrong_cookie_starts_nothing(void **state)
{
	struct packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	for (size_t i = 0; i < 16; i++) {
		size_t id_at = 13 + 12 + 2 + 32; /* after both headers, version, random */
		size_t at = id_at + 1u + p.data[id_at] + 1u + i;

		p.data[at] ^= 0x10;
		dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &server_at, now_us);
		p.data[at] ^= 0x10;
	}
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 16);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

static void a_cookie_ages(void **state)
{
	struct packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	now_us += 59 * SECOND_US; /* one secret later at most */
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &server_at, now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	net_close(&n);

	net_open(&n);
	p = hello_with_cookie(&n);
	now_us += 121 * SECOND_US;
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &server_at, now_us);
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 1);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

static void strangers_touch_no_heap(void **state)
{
	struct packet p, with_cookie;
	size_t before;
	struct net n;

	net_open(&n);
	with_cookie = hello_with_cookie(&n);
	p = n.last_hello;
	before = openssl_allocations;
	for (uint32_t i = 0; i < 100000; i++) {
		struct addr from =
			addr_ipv4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1);

		dtls_input(n.server, bytes_of(p.data, p.len), &from, &server_at, now_us);
		if (i % 10 == 0)
			dtls_input(n.server, bytes_of(with_cookie.data, with_cookie.len), &from,
				   &server_at, now_us);
	}
	assert_int_equal(openssl_allocations, before);
	assert_int_equal(dtls_stats(n.server)->cookies_sent, 1 + 100000 + 10000);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(dtls_stats(n.server)->refused, 0);
	assert_true(dtls_next_deadline_us(n.server) == DTLS_NEVER);

	/* And the real client still gets in. */
	hand_over(&n, TO_SERVER, &with_cookie);
	quiesce(&n);
	assert_true(n.client.connected);
	net_close(&n);
}

static void noise_from_strangers_is_dropped(void **state)
{
	static const struct bytes noise[] = {
		BYTES(""),
		BYTES("\x16"),
		BYTES("\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff"),
		BYTES("\x17\xfe\xfd\0\1\0\0\0\0\0\0\0\4data"),
		BYTES("\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\2\2\x28"),
	};
	struct net n;

	net_open(&n);
	for (size_t i = 0; i < ARRAY_LEN(noise); i++)
		to_server(&n, noise[i]);
	assert_int_equal(dtls_stats(n.server)->dropped, ARRAY_LEN(noise));
	assert_int_equal(n.tail[TO_CLIENT], 0);
	net_close(&n);
}

/*** sessions ***/

static void the_idle_are_ended_with_a_goodbye(void **state)
{
	struct net n;

	net_open(&n);
	assert_true(connect_client(&n));
	echo(&n, "a");
	now_us += 50 * SECOND_US;
	dtls_on_time(n.server, now_us);
	echo(&n, "b"); /* begins the wait anew */
	now_us += 59 * SECOND_US;
	dtls_on_time(n.server, now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	to_server(&n, BYTES("\x17\xfe\xfd\0\1\0\0\0\0\0\x77\0\4junk")); /* proves nothing */
	now_us = dtls_next_deadline_us(n.server);
	dtls_on_time(n.server, now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(n.last_end, DTLS_END_IDLE);
	quiesce(&n);
	assert_true(n.client.goodbye);
	net_close(&n);
}

static void goodbyes_work_both_ways(void **state)
{
	struct net n;

	net_open(&n);
	assert_true(connect_client(&n));
	SSL_shutdown(n.client.ssl);
	quiesce(&n);
	assert_int_equal(n.last_end, DTLS_END_CLIENT);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);

	net_open(&n);
	assert_true(connect_client(&n));
	n.close_after_answer = true;
	say(&n, "last words");
	assert_string_equal(n.client.got, "last words");
	assert_true(n.client.goodbye);
	assert_int_equal(n.last_end, DTLS_END_SELF);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);

	/* From outside a callback. */
	net_open(&n);
	assert_true(connect_client(&n));
	echo(&n, "a");
	dtls_close(n.session);
	quiesce(&n);
	assert_true(n.client.goodbye);
	net_close(&n);
}

static void forged_records_do_not_hurt(void **state)
{
	uint8_t junk[64] = { 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 51 };
	struct net n;

	net_open(&n);
	assert_true(connect_client(&n));
	to_server(&n, bytes_of(junk, sizeof(junk)));
	junk[0] = 21; /* an alert */
	to_server(&n, bytes_of(junk, sizeof(junk)));
	junk[0] = 22;
	to_server(&n, bytes_of(junk, sizeof(junk)));
	to_server(&n, BYTES("\x15\xfe\xfd\0\0\0\0\0\0\0\x63\0\2\2\x28")); /* plain alert */
	to_server(&n, BYTES("\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff"));
	to_server(&n, BYTES(""));
	echo(&n, "still there");
	net_close(&n);
}

/* Anybody may send one in the client's name; none is as long as a true one. */
static void send_short_records(struct net *n, const char *cipher)
{
	uint8_t junk[13 + 48] = { 0, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 9, 0, 0 };

	for (uint8_t type = 20; type <= 24; type++) {
		for (uint8_t len = 0; len <= 48; len++) {
			junk[0] = type;
			junk[12] = len;
			to_server(n, bytes_of(junk, 13u + len));
			if (dtls_stats(n->server)->sessions != 1)
				fail_msg("%s, type %u: %u bytes ended it", cipher, type, len);
		}
	}
}

static void short_records_do_not_hurt(void **state)
{
	static const char *const ciphers[] = { "ECDHE-ECDSA-AES128-GCM-SHA256",
					       "ECDHE-ECDSA-CHACHA20-POLY1305" };

	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++) {
		struct net n;

		net_open(&n);
		assert_int_equal(SSL_set_cipher_list(n.client.ssl, ciphers[i]), 1);
		assert_true(connect_client(&n));
		send_short_records(&n, ciphers[i]);
		echo(&n, "still there");
		net_close(&n);
	}
}

static void ciphers_that_a_forgery_ends_are_refused(void **state)
{
	struct net n;

	net_open(&n);
	assert_int_equal(SSL_set_cipher_list(n.client.ssl, "ECDHE-ECDSA-AES128-SHA256"), 1);
	assert_false(connect_client(&n));
	net_close(&n);
}

static void a_client_may_begin_anew_from_its_port(void **state)
{
	struct net n;
	SSL *old;

	net_open(&n);
	assert_true(connect_client(&n));
	echo(&n, "first life");
	old = n.client.ssl;
	new_client(&n, MTU_COMMON);
	client_step(&n.client);
	deliver(&n, TO_SERVER);
	/* Without a cookie the old session is left alone: anybody could have sent that. */
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	assert_int_equal(n.ends, 0);
	assert_true(connect_client(&n));
	echo(&n, "second life");
	assert_int_equal(n.ends, 1);
	assert_int_equal(n.last_end, DTLS_END_CLIENT);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	SSL_free(old);
	net_close(&n);
}

static void too_long_data_is_not_sent(void **state)
{
	static const uint8_t zeros[MTU_COMMON];
	struct net n;

	net_open(&n);
	assert_true(connect_client(&n));
	echo(&n, "a");
	assert_false(dtls_send(n.session, bytes_of(zeros, sizeof(zeros))));
	assert_false(dtls_send(n.session, BYTES("")));
	assert_true(dtls_send(n.session, bytes_of(zeros, MTU_COMMON - 100)));
	assert_true(n.queue[TO_CLIENT][(n.tail[TO_CLIENT] - 1) % QUEUE_MAX].len <= MTU_COMMON);
	net_close(&n);
}

static void a_new_certificate_serves_new_sessions(void **state)
{
	struct net n;
	SSL *old;

	net_open(&n);
	assert_true(connect_client(&n));
	dtls_use_ctx(n.server, other_ctx);
	echo(&n, "old session");
	old = n.client.ssl;
	new_client(&n, MTU_COMMON);
	n.client.at.port++;
	assert_true(connect_client(&n));
	echo(&n, "new session");
	assert_int_not_equal(
		X509_NAME_cmp(X509_get_subject_name(SSL_get0_peer_certificate(old)),
			      X509_get_subject_name(SSL_get0_peer_certificate(n.client.ssl))),
		0);
	SSL_free(old);
	net_close(&n);
}

/*** many ***/

/* Clients of one server; datagrams go to and fro at once. */
struct crowd {
	struct dtls *server;
	struct client *clients;
	int count;
};

static struct crowd crowd;

static void on_crowd_write(struct bytes datagram, void *arg)
{
	struct client *c = arg;
	uint8_t copy[DGRAM_MAX];

	memcpy(copy, datagram.data, datagram.len);
	dtls_input(crowd.server, bytes_of(copy, datagram.len), &c->at, &server_at, now_us);
}

/* A client takes in what the server sends when it is stepped next. */
struct mailbox {
	struct packet mail[8];
	int count;
};

static struct mailbox *mailboxes;

static void on_crowd_datagram(struct bytes datagram, const struct addr *to,
			      const struct addr *local, void *arg)
{
	struct mailbox *m = &mailboxes[to->ip[2] * 256 + to->ip[3] + to->port - 4000];

	assert_true(m->count < 8);
	m->mail[m->count].len = datagram.len;
	memcpy(m->mail[m->count++].data, datagram.data, datagram.len);
}

static void on_crowd_data(struct dtls_session *s, struct bytes data, void *arg)
{
	assert_true(dtls_send(s, data));
}

static void crowd_open(int count, struct dtls_limits limits)
{
	struct dtls_events events = { on_crowd_datagram, on_crowd_data, NULL };

	crowd.count = count;
	crowd.clients = calloc((size_t)count, sizeof(*crowd.clients));
	mailboxes = calloc((size_t)count, sizeof(*mailboxes));
	crowd.server = dtls_new(server_ctx, &limits, &events, NULL, now_us);
	assert_non_null(crowd.clients);
	assert_non_null(mailboxes);
	assert_non_null(crowd.server);
	for (int i = 0; i < count; i++) {
		struct client *c = &crowd.clients[i];

		c->at = addr_ipv4(10, 0, (uint8_t)(i / 256), (uint8_t)i, 4000);
		client_open(c, MTU_COMMON, on_crowd_write);
	}
}

static void crowd_close(void)
{
	for (int i = 0; i < crowd.count; i++)
		SSL_free(crowd.clients[i].ssl);
	dtls_free(crowd.server);
	free(crowd.clients);
	free(mailboxes);
	ERR_clear_error();
}

/* One step of one client: takes in its mail, or begins. */
static void crowd_step(int i)
{
	struct mailbox mail = mailboxes[i];

	mailboxes[i].count = 0;
	if (mail.count == 0)
		client_step(&crowd.clients[i]);
	for (int k = 0; k < mail.count; k++) {
		crowd.clients[i].end.in = bytes_of(mail.mail[k].data, mail.mail[k].len);
		client_step(&crowd.clients[i]);
		crowd.clients[i].end.in = (struct bytes){ 0 };
	}
}

static void a_thousand_clients_share_a_socket(void **state)
{
	enum { CLIENTS = 1000 };

	crowd_open(CLIENTS,
		   (struct dtls_limits){ .max_sessions = CLIENTS, .max_half_open = CLIENTS });
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < CLIENTS; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &crowd.clients[i];
		char text[32];

		assert_true(c->connected);
		snprintf(text, sizeof(text), "client %d", i);
		SSL_write(c->ssl, text, (int)strlen(text));
		crowd_step(i);
		assert_string_equal(c->got, text);
	}
	crowd_close();
}

static void half_open_sessions_make_room_for_new_ones(void **state)
{
	crowd_open(6, (struct dtls_limits){ .max_sessions = 5, .max_half_open = 3 });
	for (int round = 0; round < 2; round++) { /* up to the cookie, no further */
		for (int i = 0; i < 6; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->half_open, 3);
	assert_int_equal(dtls_stats(crowd.server)->ended[DTLS_END_HANDSHAKE], 3);
	assert_int_equal(dtls_stats(crowd.server)->refused, 0);
	for (int i = 0; i < 6; i++)
		crowd_step(i);
	for (int i = 0; i < 6; i++)
		crowd_step(i);
	assert_false(crowd.clients[2].connected);
	assert_true(crowd.clients[3].connected);
	assert_true(crowd.clients[5].connected);
	assert_int_equal(dtls_stats(crowd.server)->sessions, 3);
	crowd_close();
}

static void a_full_house_refuses(void **state)
{
	crowd_open(4, (struct dtls_limits){ .max_sessions = 3, .max_half_open = 3 });
	for (int i = 0; i < 4; i++) {
		for (int round = 0; round < 4; round++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, 3);
	assert_true(dtls_stats(crowd.server)->refused > 0);
	assert_false(crowd.clients[3].connected);
	crowd_close();
}

static void a_source_has_its_most(void **state)
{
	crowd_open(4, (struct dtls_limits){ .max_per_source = 2 });
	for (int i = 0; i < 4; i++) /* one host, other ports */
		crowd.clients[i].at = addr_ipv4(10, 0, 0, 0, (uint16_t)(4000 + i));
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 4; i++)
			crowd_step(i);
	}
	assert_int_equal(dtls_stats(crowd.server)->established, 2);
	assert_true(dtls_stats(crowd.server)->refused >= 2);
	crowd_close();
}

static int set_up(void **state)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options o = { NULL, NULL, alpn };
	struct tls_error err;

	now_us = 1700000000 * SECOND_US;
	if (!cert_make(&cert, "natkit test") || !cert_make(&other_cert, "another"))
		return -1;
	o.cert_file = cert.cert_file;
	o.key_file = cert.key_file;
	server_ctx = tls_server_new(TLS_DATAGRAM, &o, &err);
	o.cert_file = other_cert.cert_file;
	o.key_file = other_cert.key_file;
	other_ctx = tls_server_new(TLS_DATAGRAM, &o, &err);
	client_ctx = SSL_CTX_new(DTLS_client_method());
	method = dgram_bio_method_new();
	return server_ctx != NULL && other_ctx != NULL && client_ctx != NULL && method != NULL ? 0
											       : -1;
}

static int tear_down(void **state)
{
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(other_ctx);
	SSL_CTX_free(client_ctx);
	BIO_meth_free(method);
	cert_remove(&cert);
	cert_remove(&other_cert);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_connects_and_is_echoed),
		cmocka_unit_test(only_unknown_protocols_are_refused),
		cmocka_unit_test(flights_fit_the_mtu),
		cmocka_unit_test(any_datagram_may_be_lost_doubled_or_late),
		cmocka_unit_test(everything_may_come_twice),
		cmocka_unit_test(a_silent_client_is_tried_again_and_given_up),
		cmocka_unit_test(a_hello_in_fragments_is_dropped),
		cmocka_unit_test(a_cookie_is_good_for_its_address_only),
		cmocka_unit_test(a_wrong_cookie_starts_nothing),
		cmocka_unit_test(a_cookie_ages),
		cmocka_unit_test(strangers_touch_no_heap),
		cmocka_unit_test(noise_from_strangers_is_dropped),
		cmocka_unit_test(the_idle_are_ended_with_a_goodbye),
		cmocka_unit_test(goodbyes_work_both_ways),
		cmocka_unit_test(forged_records_do_not_hurt),
		cmocka_unit_test(short_records_do_not_hurt),
		cmocka_unit_test(ciphers_that_a_forgery_ends_are_refused),
		cmocka_unit_test(a_client_may_begin_anew_from_its_port),
		cmocka_unit_test(too_long_data_is_not_sent),
		cmocka_unit_test(a_new_certificate_serves_new_sessions),
		cmocka_unit_test(a_thousand_clients_share_a_socket),
		cmocka_unit_test(half_open_sessions_make_room_for_new_ones),
		cmocka_unit_test(a_full_house_refuses),
		cmocka_unit_test(a_source_has_its_most),
	};

	if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
