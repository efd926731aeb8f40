#include "dtls_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cert.h"
#include "tls.h"

uint64_t net_now_us;
SSL_CTX *net_server_ctx, *net_other_ctx;
const struct addr net_server_at = { .family = ADDR_IPV4, .port = 5349, .ip = { 192, 0, 2, 9 } };

static struct cert cert, other_cert;
static SSL_CTX *client_ctx;
static BIO_METHOD *bio_method;

/* OpenSSL's DTLS timers ask for the time here: this program's wins over libc's. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	tv->tv_sec = (time_t)(net_now_us / SECOND_US);
	tv->tv_usec = (suseconds_t)(net_now_us % SECOND_US);
	return 0;
}

static void enqueue(struct net *n, enum net_direction to, struct bytes datagram)
{
	struct net_packet *p = &n->queue[to][n->tail[to]++ % NET_QUEUE_MAX];

	assert_true(n->tail[to] - n->head[to] < NET_QUEUE_MAX);
	assert_true(datagram.len <= NET_DGRAM_MAX);
	p->len = datagram.len;
	memcpy(p->data, datagram.data, datagram.len);
}

static void on_datagram(struct bytes datagram, const struct addr *to, const struct addr *local,
			void *arg)
{
	struct net *n = arg;

	assert_true(addr_equal(local, &net_server_at));
	if (addr_equal(to, &n->client.at))
		enqueue(n, NET_TO_CLIENT, datagram);
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
	struct net_client *c = arg;

	assert_true(datagram.len <= c->end.mtu);
	enqueue(c->net, NET_TO_SERVER, datagram);
}

void net_client_open(struct net_client *c, uint16_t mtu,
		     void (*on_write)(struct bytes datagram, void *arg))
{
	BIO *bio;

	c->end = (struct dgram_bio){ .mtu = mtu, .on_write = on_write, .arg = c };
	c->ssl = SSL_new(client_ctx);
	bio = dgram_bio_new(bio_method, &c->end);
	assert_non_null(c->ssl);
	assert_non_null(bio);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_options(c->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(c->ssl, mtu);
	SSL_set_connect_state(c->ssl);
}

void net_new_client(struct net *n, uint16_t mtu)
{
	n->client = (struct net_client){ .net = n, .at = addr_ipv4(198, 51, 100, 7, 4000) };
	net_client_open(&n->client, mtu, on_client_write);
}

void net_open_with(struct net *n, struct dtls_limits limits, uint16_t client_mtu)
{
	struct dtls_events events = { on_datagram, on_data, on_end };

	memset(n, 0, sizeof(*n));
	for (int to = 0; to < 2; to++)
		n->lose[to] = n->twice[to] = n->hold[to] = NET_NOBODY;
	n->server = dtls_new(net_server_ctx, &limits, &events, n, net_now_us);
	assert_non_null(n->server);
	net_new_client(n, client_mtu);
}

void net_open(struct net *n)
{
	net_open_with(n, (struct dtls_limits){ 0 }, NET_MTU);
}

void net_close(struct net *n)
{
	dtls_free(n->server);
	SSL_free(n->client.ssl);
	ERR_clear_error();
}

void net_to_server(struct net *n, struct bytes datagram)
{
	if (dtls_stats(n->server)->sessions == 0) {
		n->last_hello.len = datagram.len;
		memcpy(n->last_hello.data, datagram.data, datagram.len);
	}
	dtls_input(n->server, datagram, &n->client.at, &net_server_at, net_now_us);
}

void net_client_step(struct net_client *c)
{
	char buf[NET_DGRAM_MAX];
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

void net_hand_over(struct net *n, enum net_direction to, const struct net_packet *p)
{
	/* A copy, so that a sanitizer sees a read past the end or after the call. */
	uint8_t *data = malloc(p->len > 0 ? p->len : 1);

	assert_non_null(data);
	memcpy(data, p->data, p->len);
	if (to == NET_TO_SERVER) {
		net_to_server(n, bytes_of(data, p->len));
	} else {
		n->client.end.in = bytes_of(data, p->len);
		net_client_step(&n->client);
		n->client.end.in = (struct bytes){ 0 };
	}
	free(data);
}

bool net_deliver(struct net *n, enum net_direction to)
{
	int number = n->head[to];
	struct net_packet p;

	if (number == n->tail[to])
		return false;
	p = n->queue[to][number % NET_QUEUE_MAX];
	n->head[to]++;
	if (number == n->lose[to])
		return true;
	if (number == n->hold[to]) {
		n->held[to] = p;
		return true;
	}
	net_hand_over(n, to, &p);
	if (number == n->twice[to] || n->all_twice)
		net_hand_over(n, to, &p);
	if (n->held[to].len > 0) {
		p = n->held[to];
		n->held[to].len = 0;
		net_hand_over(n, to, &p);
	}
	return true;
}

void net_quiesce(struct net *n)
{
	while (net_deliver(n, NET_TO_SERVER) || net_deliver(n, NET_TO_CLIENT))
		;
}

/* Moves the clock to whatever is due next, and does it. False: nothing waits. */
static bool advance(struct net *n)
{
	uint64_t at = dtls_next_deadline_us(n->server);
	struct timeval left;

	if (DTLSv1_get_timeout(n->client.ssl, &left) == 1) {
		uint64_t us =
			net_now_us + (uint64_t)left.tv_sec * SECOND_US + (uint64_t)left.tv_usec;

		at = us < at ? us : at;
	}
	if (at == DTLS_NEVER)
		return false;
	net_now_us = at > net_now_us ? at : net_now_us;
	DTLSv1_handle_timeout(n->client.ssl);
	dtls_on_time(n->server, net_now_us);
	return true;
}

bool net_connect(struct net *n)
{
	uint64_t until = net_now_us + 20 * SECOND_US;

	net_client_step(&n->client);
	net_quiesce(n);
	while (!n->client.connected && !n->client.failed && net_now_us < until && advance(n))
		net_quiesce(n);
	return n->client.connected;
}

void net_say(struct net *n, const char *text)
{
	assert_int_equal(SSL_write(n->client.ssl, text, (int)strlen(text)), strlen(text));
	net_quiesce(n);
}

void net_echo(struct net *n, const char *text)
{
	net_say(n, text);
	while (strcmp(n->got, text) != 0 && dtls_stats(n->server)->half_open > 0 && advance(n))
		net_quiesce(n);
	if (strcmp(n->got, text) != 0) /* sent while the server was still shaking hands */
		net_say(n, text);
	assert_string_equal(n->got, text);
	assert_string_equal(n->client.got, text);
}

int net_set_up(void **state)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options o = { NULL, NULL, alpn };
	struct tls_error err;

	net_now_us = 1700000000 * SECOND_US;
	if (!cert_make(&cert, "natkit test") || !cert_make(&other_cert, "another"))
		return -1;
	o.cert_file = cert.cert_file;
	o.key_file = cert.key_file;
	net_server_ctx = tls_server_new(TLS_DATAGRAM, &o, &err);
	o.cert_file = other_cert.cert_file;
	o.key_file = other_cert.key_file;
	net_other_ctx = tls_server_new(TLS_DATAGRAM, &o, &err);
	client_ctx = SSL_CTX_new(DTLS_client_method());
	bio_method = dgram_bio_method_new();
	return net_server_ctx != NULL && net_other_ctx != NULL && client_ctx != NULL &&
			       bio_method != NULL
		       ? 0
		       : -1;
}

int net_tear_down(void **state)
{
	SSL_CTX_free(net_server_ctx);
	SSL_CTX_free(net_other_ctx);
	SSL_CTX_free(client_ctx);
	BIO_meth_free(bio_method);
	cert_remove(&cert);
	cert_remove(&other_cert);
	return 0;
}
