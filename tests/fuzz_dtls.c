/*
 * Datagrams of a few clients, and time: input is a row of steps, each a byte of choices, two
 * bytes of length, and a datagram.
 *
 * No input can know a cookie, so a ClientHello with 16 bytes of any is sent once for the
 * answer, and again with what that says: so OpenSSL's side is reached as well.
 */
#include "dtls.h"
#include "fuzz_check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cert.h"
#include "dtls_cookie.h"
#include "dtls_hello.h"
#include "tls.h"

#define MTU      512
#define DATA_MAX 4096

static const struct dtls_limits limits = {
	.max_sessions = 3, .max_half_open = 2, .max_per_source = 2, .mtu = MTU
};

/* What the server does in answer to one datagram. */
struct heard {
	size_t bytes;
	uint8_t cookie[DTLS_COOKIE_LEN];
	bool has_cookie;
	uint32_t ends;
};

static void on_datagram(struct bytes datagram, const struct addr *to, const struct addr *local,
			void *arg)
{
	struct heard *h = arg;

	FUZZ_CHECK(datagram.len > 0 && datagram.len <= MTU);
	FUZZ_CHECK(to->family == ADDR_IPV4 && local->family == ADDR_IPV4);
	h->bytes += datagram.len;
	if (datagram.len == 44 && datagram.data[13] == 3) { /* HelloVerifyRequest */
		memcpy(h->cookie, datagram.data + 28, DTLS_COOKIE_LEN);
		h->has_cookie = true;
	}
}

static void on_data(struct dtls_session *s, struct bytes data, void *arg)
{
	FUZZ_CHECK(data.len > 0);
	(void)dtls_send(s, data);
}

static void on_end(struct dtls_session *s, enum dtls_end why, void *arg)
{
	struct heard *h = arg;

	FUZZ_CHECK(why < DTLS_ENDS);
	h->ends++;
}

static SSL_CTX *make_ctx(void)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options o = { .alpn = alpn };
	struct tls_error err;
	struct cert cert;
	SSL_CTX *ctx;

	FUZZ_CHECK(cert_make(&cert, "fuzz"));
	o.cert_file = cert.cert_file;
	o.key_file = cert.key_file;
	ctx = tls_server_new(TLS_DATAGRAM, &o, &err);
	cert_remove(&cert);
	FUZZ_CHECK(ctx != NULL);
	return ctx;
}

static void give(struct dtls *d, struct heard *h, struct bytes datagram, const struct addr *from,
		 uint64_t now_us)
{
	static const struct addr local = { .family = ADDR_IPV4, .port = 5349, .ip = { 10 } };
	uint64_t sessions = dtls_stats(d)->sessions;

	h->bytes = 0;
	h->has_cookie = false;
	dtls_input(d, datagram, from, &local, now_us);
	if (sessions == 0 && dtls_stats(d)->sessions == 0 && h->ends == 0)
		FUZZ_CHECK(h->bytes <= datagram.len);
	FUZZ_CHECK(dtls_stats(d)->sessions <= limits.max_sessions);
	FUZZ_CHECK(dtls_stats(d)->half_open <= limits.max_half_open);
}

/* Sends a datagram; a ClientHello with room for a cookie once more with the right one. */
static void step(struct dtls *d, struct heard *h, struct bytes datagram, const struct addr *from,
		 uint64_t now_us)
{
	uint8_t copy[DATA_MAX];
	struct bytes in = bytes_of(copy, datagram.len);
	struct dtls_hello hello;

	if (datagram.len > 0)
		memcpy(copy, datagram.data, datagram.len);
	give(d, h, in, from, now_us);
	if (!h->has_cookie || dtls_hello_parse(in, &hello) != DTLS_HELLO_OK ||
	    hello.cookie.len != DTLS_COOKIE_LEN)
		return;
	memcpy(copy + (hello.cookie.data - copy), h->cookie, DTLS_COOKIE_LEN);
	give(d, h, in, from, now_us);
}

static uint64_t wait_us(uint8_t choice)
{
	static const uint64_t waits[4] = { 0, 1000000, 20000000, 61000000 };

	return waits[choice >> 2 & 3];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct dtls_events events = { on_datagram, on_data, on_end };
	static SSL_CTX *ctx;
	struct wire w = wire_read(bytes_of(data, len));
	struct heard h = { 0 };
	uint64_t now_us = 1000000;
	struct dtls *d;

	if (ctx == NULL)
		ctx = make_ctx();
	d = dtls_new(ctx, &limits, &events, &h, now_us);
	FUZZ_CHECK(d != NULL);
	for (int i = 0; i < 16 && w.left > 0; i++) {
		uint8_t choice = wire_get_u8(&w);
		struct addr from = addr_ipv4(192, 0, 2, choice >> 1 & 1, 4000 + (choice & 1));
		struct bytes datagram = wire_get_bytes(&w, wire_get_u16(&w) % DATA_MAX);

		now_us += wait_us(choice);
		dtls_on_time(d, now_us);
		step(d, &h, datagram, &from, now_us);
	}
	dtls_free(d);
	FUZZ_CHECK(ERR_peek_error() == 0);
	return 0;
}
