/*
 * flood - datagrams of everybody and nobody, for tests/sys_turnd_flood.sh. Needs CAP_NET_RAW.
 *
 *	flood SERVER:PORT NETWORK FIRST COUNT
 *
 * Sends COUNT datagrams of all that an unauthenticated stranger may send to a TURN server: STUN and
 * TURN of every method and class, unsigned and with forged signatures, with nonces of nobody and of
 * somebody else, channel data, DTLS, noise, and nothing at all. Their sources are the 65,536
 * addresses of NETWORK (a.b.0.0); datagrams number FIRST, FIRST + 1 and so on, up to four thousand
 * million, have a 5-tuple each. IPv4 alone.
 *
 * Exit status: 0, 1 when the system refused to send, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw_client.h"
#include "rng.h"
#include "sockaddr.h"

#define BATCH      64
#define SHAPES     1024 /* datagrams made beforehand; only what must differ is made anew */
#define SHAPE_MAX  512
#define HEADERS    28 /* IPv4 and UDP */
#define TID_AT     8  /* in a STUN message, behind the cookie */
#define TID_LEN    12
#define FIRST_PORT 1024

struct shape {
	uint8_t data[SHAPE_MAX];
	size_t len;
	size_t fresh_at, fresh_len; /* bytes that differ each time */
};

struct flood {
	struct addr server;
	uint8_t network[2];
	struct raw_client client; /* has a nonce of its own address */
	struct rng rng;
	struct shape shapes[SHAPES];
	uint8_t packets[BATCH][HEADERS + SHAPE_MAX];
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	int fd;
};

static struct addr peer_of(struct flood *f)
{
	return addr_ipv4(91, 90, (uint8_t)rng_below(&f->rng, 256), 1, 7000);
}

/* What a request of that method has to say. */
static void put_content(struct flood *f, uint16_t method)
{
	struct stun_builder *b = &f->client.b;
	struct addr peer = peer_of(f);

	switch (method) {
	case TURN_ALLOCATE:
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, 17);
		break;
	case TURN_REFRESH:
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, 600);
		break;
	case TURN_CHANNEL_BIND:
		(void)stun_attr_put_u32(b, STUN_ATTR_CHANNEL_NUMBER, 0x40010000);
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		break;
	case TURN_CONNECTION_BIND:
		(void)stun_attr_put_u32(b, STUN_ATTR_CONNECTION_ID, (uint32_t)rng_next(&f->rng));
		break;
	case TURN_SEND:
		(void)stun_attr_put_bytes(b, STUN_ATTR_DATA, BYTES("hello"));
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		break;
	case TURN_CREATE_PERMISSION:
	case TURN_CONNECT:
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		break;
	default:
		break;
	}
}

static void keep_built(struct flood *f, struct shape *s)
{
	struct bytes data;

	if (stun_build_finish(&f->client.b, &data) != STUN_OK || data.len > SHAPE_MAX)
		abort();
	memcpy(s->data, data.data, data.len);
	s->len = data.len;
	s->fresh_at = TID_AT;
	s->fresh_len = TID_LEN;
}

static const uint16_t methods[] = { STUN_BINDING,           TURN_ALLOCATE,     TURN_REFRESH,
				    TURN_CREATE_PERMISSION, TURN_CHANNEL_BIND, TURN_CONNECT,
				    TURN_CONNECTION_BIND };

static uint16_t any_method(struct flood *f)
{
	return methods[rng_below(&f->rng, (uint32_t)ARRAY_LEN(methods))];
}

static void make_binding(struct flood *f, struct shape *s)
{
	(void)raw_request(&f->client, STUN_BINDING);
	keep_built(f, s);
}

static void make_unsigned(struct flood *f, struct shape *s)
{
	uint16_t method = any_method(f);

	(void)raw_request(&f->client, method);
	put_content(f, method);
	keep_built(f, s);
}

static void make_bare(struct flood *f, struct shape *s)
{
	(void)raw_request(&f->client, any_method(f));
	keep_built(f, s);
}

/* Signed with a password that is wrong, by a user who exists or not, with that nonce. */
static void make_signed(struct flood *f, struct shape *s, struct bytes nonce)
{
	struct stun_builder *b = &f->client.b;
	uint16_t method = any_method(f);
	char name[32];

	(void)raw_request(&f->client, method);
	put_content(f, method);
	snprintf(name, sizeof(name), "user%u", rng_below(&f->rng, 1000));
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME,
				  rng_below(&f->rng, 2) ? BYTES("alice") : bytes_of_str(name));
	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM,
				  bytes_of(f->client.realm, f->client.realm_len));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, nonce);
	if (rng_below(&f->rng, 2))
		(void)stun_auth_put_integrity(b, &f->client.key);
	else
		(void)stun_auth_put_sha256(b, &f->client.key, STUN_SHA256_FULL);
	keep_built(f, s);
}

static void make_forged(struct flood *f, struct shape *s)
{
	uint8_t nonce[RAW_TEXT_MAX];

	memcpy(nonce, f->client.nonce, f->client.nonce_len);
	nonce[f->client.nonce_len - 1] ^= 1;
	make_signed(f, s, bytes_of(nonce, f->client.nonce_len));
}

static void make_replayed(struct flood *f, struct shape *s)
{
	make_signed(f, s, bytes_of(f->client.nonce, f->client.nonce_len));
}

static void make_indication(struct flood *f, struct shape *s)
{
	uint16_t method = rng_below(&f->rng, 4) ? TURN_SEND : TURN_DATA;

	(void)raw_indication(&f->client, method);
	put_content(f, TURN_SEND);
	keep_built(f, s);
}

static void make_response(struct flood *f, struct shape *s)
{
	struct addr peer = peer_of(f);

	(void)raw_request(&f->client, any_method(f));
	(void)stun_attr_put_xor_addr(&f->client.b, STUN_ATTR_XOR_MAPPED_ADDRESS, &peer);
	keep_built(f, s);
	s->data[0] |= 1; /* success, or error */
	s->data[1] |= rng_below(&f->rng, 2) ? 0x10 : 0;
}

static void make_noise(struct flood *f, struct shape *s)
{
	s->len = 1 + rng_below(&f->rng, SHAPE_MAX - 1);
	raw_random(s->data, s->len);
	s->fresh_len = s->len < 32 ? s->len : 32;
}

static void make_empty(struct flood *f, struct shape *s)
{
	s->len = 0;
}

static void make_cut(struct flood *f, struct shape *s)
{
	make_unsigned(f, s);
	s->len = rng_below(&f->rng, (uint32_t)s->len);
	s->fresh_len = 0;
}

static void make_channel(struct flood *f, struct shape *s)
{
	size_t says;

	make_noise(f, s);
	says = rng_below(&f->rng, 4) ? s->len - 1 : 35510;
	s->data[0] = 0x40 | (s->data[0] & 0x0f);
	if (s->len >= 4) {
		s->data[2] = (uint8_t)(says >> 8);
		s->data[3] = (uint8_t)says;
	}
	s->fresh_at = 4;
	s->fresh_len = s->len > 20 ? 16 : 0;
}

#define DTLS_RANDOM_AT  27 /* of the ClientHello */
#define DTLS_RANDOM_LEN 32

/* A ClientHello with a cookie of that length; nobody gave it that one. */
static void make_hello_with(struct flood *f, struct shape *s, uint8_t cookie_len)
{
	static const uint8_t suites[] = { 0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x2f, 0x01, 0x00 };
	size_t body = 2 + DTLS_RANDOM_LEN + 1 + 1 + (size_t)cookie_len + sizeof(suites);
	uint8_t *d = s->data, *at = d + DTLS_RANDOM_AT + DTLS_RANDOM_LEN;

	memset(d, 0, SHAPE_MAX);
	memcpy(d, "\x16\xfe\xff", 3);
	d[12] = (uint8_t)(body + 12); /* of the record */
	d[13] = 1;                    /* ClientHello, whole */
	d[16] = d[24] = (uint8_t)body;
	d[18] = cookie_len > 0;
	memcpy(d + 25, "\xfe\xfd", 2);
	raw_random(d + DTLS_RANDOM_AT, DTLS_RANDOM_LEN);
	*at++ = 0; /* no session */
	*at++ = cookie_len;
	raw_random(at, cookie_len);
	memcpy(at + cookie_len, suites, sizeof(suites));
	s->len = 25 + body;
	s->fresh_at = DTLS_RANDOM_AT;
	s->fresh_len = DTLS_RANDOM_LEN;
}

static void make_hello(struct flood *f, struct shape *s)
{
	make_hello_with(f, s, 0);
}

static void make_hello_with_cookie(struct flood *f, struct shape *s)
{
	make_hello_with(f, s, (uint8_t)(1 + rng_below(&f->rng, 64)));
}

/* Records of all types and epochs, whole or not. */
static void make_record(struct flood *f, struct shape *s)
{
	static const uint8_t types[] = { 20, 21, 22, 23, 25, 26, 63 };

	make_noise(f, s);
	s->len = s->len < 60 ? 60 : s->len;
	memcpy(s->data, "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x01\x00\x2f", 13);
	s->data[0] = types[rng_below(&f->rng, (uint32_t)ARRAY_LEN(types))];
	s->data[4] = (uint8_t)(rng_below(&f->rng, 3));
	s->fresh_at = 13;
	s->fresh_len = 32;
}

static void (*const makers[])(struct flood *f, struct shape *s) = {
	make_binding,
	make_unsigned,
	make_bare,
	make_forged,
	make_replayed,
	make_indication,
	make_response,
	make_noise,
	make_empty,
	make_cut,
	make_channel,
	make_hello,
	make_hello_with_cookie,
	make_record,
};

static void put_u16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The datagram with that number: its source is its alone. */
static void make_packet(struct flood *f, size_t place, uint32_t number)
{
	const struct shape *s = &f->shapes[rng_below(&f->rng, SHAPES)];
	uint8_t *p = f->packets[place];
	uint16_t host = (uint16_t)(number * 40503u); /* odd: all of them come */

	memset(p, 0, HEADERS);
	p[0] = 0x45; /* the system fills in length, id and checksum */
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, f->network, 2);
	put_u16(p + 14, host);
	memcpy(p + 16, f->server.ip, 4);
	put_u16(p + 20, FIRST_PORT + (number / 65536) % (65536 - FIRST_PORT));
	put_u16(p + 22, f->server.port);
	put_u16(p + 24, 8 + s->len); /* without checksum */
	memcpy(p + HEADERS, s->data, s->len);
	for (size_t i = 0; i < s->fresh_len; i += 4) {
		uint32_t word = (uint32_t)rng_next(&f->rng);

		memcpy(p + HEADERS + s->fresh_at + i, &word,
		       s->fresh_len - i < 4 ? s->fresh_len - i : 4);
	}
	f->pieces[place].iov_len = HEADERS + s->len;
}

/* Returns false when the system will not have it. */
static bool send_batch(struct flood *f, unsigned int count)
{
	unsigned int sent = 0;

	while (sent < count) {
		int n = sendmmsg(f->fd, f->messages + sent, count - sent, 0);

		if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOBUFS)
			return false;
		sent += n > 0 ? (unsigned int)n : 0;
	}
	return true;
}

static bool run(struct flood *f, uint32_t first, uint32_t count)
{
	for (uint32_t sent = 0; sent < count;) {
		unsigned int n = 0;

		for (; n < BATCH && sent < count; n++, sent++)
			make_packet(f, n, first + sent);
		if (!send_batch(f, n))
			return false;
	}
	return true;
}

static void prepare(struct flood *f, struct sockaddr_storage *to)
{
	socklen_t len = sockaddr_from_addr(&f->server, to);
	uint64_t seed;

	raw_random(&seed, sizeof(seed));
	f->rng = rng_seed(seed);
	for (size_t i = 0; i < SHAPES; i++)
		makers[i % ARRAY_LEN(makers)](f, &f->shapes[i]);
	for (size_t i = 0; i < BATCH; i++) {
		f->pieces[i] = (struct iovec){ .iov_base = f->packets[i] };
		f->messages[i].msg_hdr = (struct msghdr){ .msg_name = to,
							  .msg_namelen = len,
							  .msg_iov = &f->pieces[i],
							  .msg_iovlen = 1 };
	}
}

int main(int argc, char **argv)
{
	static struct flood f;
	struct sockaddr_storage to;
	struct addr network;

	if (argc < 5 || !addr_parse(argv[1], 3478, &f.server) || f.server.family != ADDR_IPV4 ||
	    !addr_parse_ip(argv[2], 0, &network)) {
		fprintf(stderr, "usage: flood SERVER:PORT NETWORK FIRST COUNT\n");
		return 2;
	}
	memcpy(f.network, network.ip, 2);
	f.client.user = BYTES("alice");
	f.client.password = BYTES("a wrong one");
	if (!raw_open(&f.client, STUN_UDP, NULL, &f.server) || raw_challenge(&f.client) != 401) {
		fprintf(stderr, "flood: the server does not ask for credentials\n");
		return 2;
	}
	f.fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (f.fd < 0) {
		perror("flood: raw socket");
		return 2;
	}
	prepare(&f, &to);
	if (!run(&f, (uint32_t)strtoul(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10))) {
		perror("flood");
		return 1;
	}
	return 0;
}
