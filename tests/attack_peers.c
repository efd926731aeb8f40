/*
 * Peers that must be out of reach: what attackers of other servers got at, and all that has a special
 * purpose, each in every disguise that an IPv6 address can be.
 */
#include "attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr_special.h"
#include "rng.h"

#define CHANNEL       0x4001
#define DISGUISES_MAX 16

/* What scanners of TURN servers try, and where clouds keep the secrets of machines. */
static const char *const favourites[] = {
	"0.0.0.0",
	"0.0.0.1",
	"127.0.0.1",
	"127.0.0.8",
	"127.255.255.254",
	"10.0.0.1",
	"10.0.0.2",
	"10.255.255.254",
	"172.16.0.1",
	"172.31.255.254",
	"192.168.0.1",
	"192.168.255.254",
	"169.254.0.1",
	"169.254.169.254",
	"100.64.0.1",
	"100.127.255.254",
	"100.100.100.200",
	"192.0.0.1",
	"192.0.0.192",
	"192.0.2.1",
	"198.18.0.1",
	"198.19.255.254",
	"198.51.100.1",
	"203.0.113.1",
	"224.0.0.1",
	"239.255.255.254",
	"240.0.0.1",
	"255.255.255.254",
	"255.255.255.255",
	"::",
	"::1",
	"fe80::1",
	"fec0::1",
	"fc00::1",
	"fd00::1",
	"fd00:ec2::254",
	"ff02::1",
	"ff0e::1",
	"2001:db8::1",
	"2001::1",
	"2002::1",
	"100::1",
	"2001:2::1",
	"2001:10::1",
	"64:ff9b::7f00:1",
	"5f00::1",
	"3fff::1",
	"::ffff:127.0.0.1",
};

static const uint16_t ports[] = { 80, 53, 161, 22, 3478 };

static void put_v4(uint8_t *at, const struct addr *v4, bool inverted)
{
	for (int i = 0; i < 4; i++)
		at[i] = inverted ? (uint8_t)~v4->ip[i] : v4->ip[i];
}

/* An IPv6 address of these bytes, with the IPv4 address at `at`. */
static struct addr dress(const char *prefix, size_t prefix_len, size_t at, const struct addr *v4,
			 bool inverted)
{
	struct addr a = { .family = ADDR_IPV6, .port = v4->port };

	memcpy(a.ip, prefix, prefix_len);
	put_v4(a.ip + at, v4, inverted);
	return a;
}

/* RFC 6052: byte 8 is left out. */
static struct addr dress_nat64(size_t prefix_len, const struct addr *v4)
{
	struct addr a = { .family = ADDR_IPV6, .port = v4->port };
	size_t at = prefix_len;

	memcpy(a.ip, "\x00\x64\xff\x9b\x00\x01", 6);
	for (int i = 0; i < 4; i++, at++) {
		at += at == 8;
		a.ip[at] = v4->ip[i];
	}
	return a;
}

static size_t disguises_of(const struct addr *v4, struct addr out[static DISGUISES_MAX])
{
	size_t n = 0;

	out[n++] = dress("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12, 12, v4, false);
	out[n++] = dress("", 0, 12, v4, false);
	out[n++] = dress("\0\0\0\0\0\0\0\0\xff\xff\0\0", 12, 12, v4, false);
	out[n++] = dress("\x20\x02", 2, 2, v4, false);
	out[n++] = dress("\x20\x01\0\0", 4, 4, v4, false);
	out[n++] = dress("\x20\x01\0\0\x5b\x50\x01\x01\0\0\0\0", 12, 12, v4, true);
	out[n++] = dress("\x00\x64\xff\x9b", 4, 12, v4, false);
	out[n++] = dress_nat64(6, v4);
	out[n++] = dress_nat64(7, v4);
	out[n++] = dress_nat64(8, v4);
	out[n++] = dress("\x00\x64\xff\x9b\x00\x01", 6, 12, v4, false);
	out[n++] = dress("\x2a\x01\x04\xf8\0\0\0\x01\0\0\x5e\xfe", 12, 12, v4, false);
	out[n++] = dress("\x2a\x01\x04\xf8\0\0\0\x01\x02\0\x5e\xfe", 12, 12, v4, false);
	return n;
}

/* What is done to one address; `arg` is the doer's. */
typedef void attack_on(struct attack *a, const struct addr *peer, void *arg);

static void on_address(struct attack *a, const struct addr *peer, attack_on *on, void *arg)
{
	struct addr dressed[DISGUISES_MAX];
	size_t count;

	on(a, peer, arg);
	if (peer->family != ADDR_IPV4)
		return;
	count = disguises_of(peer, dressed);
	for (size_t i = 0; i < count; i++)
		on(a, &dressed[i], arg);
}

/* The first, the last, and one between. */
static void on_prefix(struct attack *a, const struct cidr *prefix, uint16_t port, attack_on *on,
		      void *arg)
{
	for (int way = 0; way < 3; way++) {
		struct addr peer = { .family = prefix->family, .port = port };
		size_t bits = addr_ip_len(peer.family) * 8;
		uint8_t fill[16];

		memcpy(peer.ip, prefix->ip, sizeof(peer.ip));
		raw_random(fill, sizeof(fill));
		for (size_t bit = prefix->len; bit < bits; bit++) {
			uint8_t mask = (uint8_t)(0x80 >> bit % 8);
			bool one = way == 1 || (way == 2 && (fill[bit / 8] & mask) != 0);

			peer.ip[bit / 8] = (uint8_t)((peer.ip[bit / 8] & ~mask) | (one ? mask : 0));
		}
		on_address(a, &peer, on, arg);
	}
}

static void on_all(struct attack *a, attack_on *on, void *arg)
{
	size_t count, turn = 0;
	const struct addr_special *table = addr_special_table(&count);

	for (size_t i = 0; i < ARRAY_LEN(favourites); i++) {
		struct addr peer;

		if (!addr_parse_ip(favourites[i], ports[turn++ % ARRAY_LEN(ports)], &peer))
			abort();
		on_address(a, &peer, on, arg);
	}
	for (size_t i = 0; i < count; i++)
		on_prefix(a, &table[i].prefix, ports[turn++ % ARRAY_LEN(ports)], on, arg);
}

static const struct {
	uint16_t method;
	const char *name;
} by_udp[] = { { TURN_CREATE_PERMISSION, "CreatePermission" },
	       { TURN_CHANNEL_BIND, "ChannelBind" } };

static uint16_t ask_about(struct raw_client *c, uint16_t method, const struct addr *peer)
{
	struct stun_builder *b = raw_request(c, method);

	if (method == TURN_CHANNEL_BIND)
		(void)stun_attr_put_u32(b, STUN_ATTR_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return raw_ask(c);
}

/* Whoever is refused sends all the same. */
static void send_anyway(struct raw_client *c, const struct addr *peer)
{
	struct stun_builder *b = raw_indication(c, TURN_SEND);

	(void)stun_attr_put_bytes(b, STUN_ATTR_DATA, BYTES("attack"));
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	(void)raw_send_built(c);
	(void)raw_send(c, BYTES("\x40\x01\x00\x06"
				"attack"));
}

/* arg: two clients, with an allocation of each family. */
static void try_peer(struct attack *a, const struct addr *peer, void *arg)
{
	struct raw_client *c = (struct raw_client *)arg + (peer->family == ADDR_IPV6);
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(by_udp); i++) {
		uint16_t code = ask_about(c, by_udp[i].method, peer);

		if (code != 403)
			attack_found(a, "%s %s: %u, not 403", by_udp[i].name,
				     addr_print(peer, text), code);
	}
	send_anyway(c, peer);
}

void attack_peers(struct attack *a)
{
	static struct raw_client clients[2];

	for (uint8_t i = 0; i < 2; i++)
		attack_allocate(a, &clients[i], STUN_UDP, ATTACK_UDP, (uint8_t)(i + 1));
	on_all(a, try_peer, clients);
	for (uint8_t i = 0; i < 2; i++)
		attack_delete(&clients[i]);
}

static void try_connect(struct attack *a, const struct addr *peer, void *arg)
{
	struct raw_client *c = (struct raw_client *)arg + (peer->family == ADDR_IPV6);
	char text[ADDR_TEXT_MAX];
	uint16_t code = ask_about(c, TURN_CONNECT, peer);

	if (code != 403)
		attack_found(a, "Connect %s: %u, not 403", addr_print(peer, text), code);
}

void attack_peers_by_tcp(struct attack *a)
{
	static struct raw_client clients[2];

	for (uint8_t i = 0; i < 2; i++)
		attack_allocate(a, &clients[i], STUN_TCP, ATTACK_TCP, (uint8_t)(i + 1));
	on_all(a, try_connect, clients);
	for (uint8_t i = 0; i < 2; i++)
		attack_delete(&clients[i]);
}

/* By TCP there is one way to name a port. */
static void try_own_port(struct attack *a, struct raw_client *c, const struct addr *peer)
{
	uint16_t method = c->transport == STUN_TCP ? TURN_CONNECT : TURN_CHANNEL_BIND;
	char text[ADDR_TEXT_MAX];
	uint16_t code = ask_about(c, method, peer);

	if (code != 403)
		attack_found(a, "%s, which is turnd itself: %u, not 403", addr_print(peer, text),
			     code);
	if (method == TURN_CHANNEL_BIND)
		send_anyway(c, peer);
}

/* CreatePermission names no port, so on relay addresses it succeeds; what is sent is judged. */
static void try_own_ip(struct attack *a, struct raw_client *c, const struct addr *own,
		       bool is_relay)
{
	uint16_t want = is_relay ? 0 : 403, code = ask_about(c, TURN_CREATE_PERMISSION, own);
	char text[ADDR_TEXT_MAX];

	if (code != want)
		attack_found(a, "CreatePermission %s, which is turnd itself: %u, not %u",
			     addr_print_ip(own, text), code, want);
}

void attack_own(struct attack *a, const struct addr *own, bool is_relay, uint8_t protocol)
{
	static const uint16_t known[] = { 1, 22, 53, 80, 443, 3478, 3479, 5349, 9641, 5432, 65535 };
	static struct raw_client c;

	attack_allocate(a, &c, protocol == ATTACK_TCP ? STUN_TCP : STUN_UDP, protocol,
			own->family == ADDR_IPV6 ? 2 : 1);
	if (own->port != 0)
		try_own_port(a, &c, own);
	else
		try_own_ip(a, &c, own, is_relay);
	for (size_t i = 0; own->port == 0 && i < ARRAY_LEN(known) + 500; i++) {
		uint16_t random = 0;
		struct addr peer;

		raw_random(&random, sizeof(random));
		peer = addr_with_port(own, i < ARRAY_LEN(known) ? known[i] : random | 1);
		if (peer.port != c.relayed.port)
			try_own_port(a, &c, &peer);
	}
	attack_delete(&c);
}
