/*
 * Clients, peers and time meet the workers of a turnd in any order: answers keep to their rules
 * (turnd_rig checks them), what goes out has its permission, and in the end nothing is left.
 */
#include <errno.h>

#include "fuzz_check.h"
#include "turn_chan.h"
#include "turnd_rig.h"

#define CLIENTS   3
#define STEPS_MAX 120
#define LINKS     CLIENTS
#define ATTRS_MAX 6

static struct rig r;
static struct rig_client clients[CLIENTS];
static int links[LINKS];
static int peers[2];

static void configure(uint8_t a)
{
	r.workers = (a & 1) != 0 ? 2 : 1;
	r.snapshot.mobility = (a & 2) != 0;
	r.snapshot.tcp_relay = (a & 4) != 0;
	r.snapshot.rfc5766_channels = (a & 8) != 0;
	r.realms[0].limits.permissions = (a & 16) != 0 ? 3 : 0;
	r.realms[0].limits.channels = (a & 32) != 0 ? 2 : 0;
	r.realms[0].limits.user_allocations = (a & 64) != 0 ? 2 : 0;
	r.snapshot.error_rate = r.snapshot.error_burst = (a & 128) != 0 ? 3 : 0;
	r.high = (uint16_t)(r.low + 15);
}

static void connect_clients(uint8_t a)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct rig_client *c = &clients[i];

		rig_client(c, &r, (uint16_t)(4000 + i));
		c->worker = (uint16_t)(i % r.workers);
		c->sha256 = (a >> i & 1) != 0;
		c->fingerprint = (a >> 3 & 1) != 0;
		if ((a >> (4 + i) & 1) == 0)
			continue;
		c->tuple.transport = i == 2 ? STUN_TLS : STUN_TCP;
		c->link = &links[i];
	}
	clients[CLIENTS - 1].user = BYTES("bob");
	clients[CLIENTS - 1].password = BYTES("swordfish");
}

/* Some peers: of both families, of turnd's own, and one that no policy lets through. */
static struct addr peer_of(uint8_t v)
{
	struct addr a = addr_ipv4(91, 80, 9, v & 7, (uint16_t)(7000 + (v >> 3 & 1)));

	if (v >> 4 == 1)
		(void)addr_parse_ip("2a01:4f8:9::9", 7000, &a);
	else if (v >> 4 == 2 && clients[v % CLIENTS].relayed[0].family != ADDR_NONE)
		a = clients[v % CLIENTS].relayed[0];
	else if (v >> 4 == 3)
		a = addr_ipv4(127, 0, 0, 1, 80);
	return a;
}

static struct bytes take(struct wire *in, size_t most)
{
	size_t len = wire_get_u8(in) % (most + 1);

	return wire_get_bytes(in, len < in->left ? len : in->left);
}

static void put_attr(struct rig_client *c, struct wire *in)
{
	static const uint16_t types[] = {
		STUN_ATTR_CHANNEL_NUMBER,
		STUN_ATTR_LIFETIME,
		STUN_ATTR_XOR_PEER_ADDRESS,
		STUN_ATTR_DATA,
		STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
		STUN_ATTR_EVEN_PORT,
		STUN_ATTR_REQUESTED_TRANSPORT,
		STUN_ATTR_DONT_FRAGMENT,
		STUN_ATTR_RESERVATION_TOKEN,
		STUN_ATTR_CONNECTION_ID,
		STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY,
		STUN_ATTR_MOBILITY_TICKET,
		STUN_ATTR_USERNAME,
		STUN_ATTR_NONCE,
		STUN_ATTR_ACCESS_TOKEN,
		STUN_ATTR_PASSWORD_ALGORITHM,
		0x7777,
	};
	uint16_t type = types[wire_get_u8(in) % ARRAY_LEN(types)];
	struct bytes value = take(in, 24);
	uint8_t *to = stun_build_attr(&c->b, type, value.len);

	if (to != NULL && value.len > 0)
		memcpy(to, value.data, value.len);
}

/* Shows a token or a ticket that the last answer had. */
static void repeat(struct rig_client *c, uint16_t type, struct bytes kept)
{
	uint8_t *to = kept.len > 0 ? stun_build_attr(&c->b, type, kept.len) : NULL;

	if (to != NULL)
		memcpy(to, kept.data, kept.len);
}

static uint8_t kept_token[64], kept_ticket[256];
static size_t token_len, ticket_len;
static uint32_t kept_id; /* CONNECTION-ID */

static void keep(uint16_t type, uint8_t *to, size_t cap, size_t *len)
{
	struct bytes value;

	if (r.answer.raw.len == 0 || !rig_find(&r, type, &value) || value.len > cap)
		return;
	memcpy(to, value.data, value.len);
	*len = value.len;
}

static void request(struct rig_client *c, struct wire *in)
{
	static const uint16_t methods[] = { TURN_ALLOCATE,     TURN_REFRESH, TURN_CREATE_PERMISSION,
					    TURN_CHANNEL_BIND, TURN_CONNECT, TURN_CONNECTION_BIND,
					    STUN_BINDING,      0x0fe };
	uint8_t what = wire_get_u8(in), how = wire_get_u8(in);
	uint8_t count = how % (ATTRS_MAX + 1);

	if (!c->challenged && (what & 0x80) == 0)
		(void)rig_challenge(c);
	(void)rig_request(c, methods[what % ARRAY_LEN(methods)]);
	if ((what & 0x10) != 0)
		(void)stun_attr_put_u8(&c->b, STUN_ATTR_REQUESTED_TRANSPORT,
				       (how & 0x80) != 0 ? TURN_PROTOCOL_TCP : TURN_PROTOCOL_UDP);
	if ((how & 0x40) != 0)
		(void)stun_attr_put_u32(&c->b, STUN_ATTR_CONNECTION_ID, kept_id);
	if ((what & 0x20) != 0)
		repeat(c, STUN_ATTR_RESERVATION_TOKEN, bytes_of(kept_token, token_len));
	if ((what & 0x40) != 0)
		repeat(c, STUN_ATTR_MOBILITY_TICKET, bytes_of(kept_ticket, ticket_len));
	while (count-- > 0)
		put_attr(c, in);
	if ((what & 0x80) == 0)
		rig_sign(c);
	if (rig_send_request(c) == 438)
		rig_learn(c);
	keep(STUN_ATTR_RESERVATION_TOKEN, kept_token, sizeof(kept_token), &token_len);
	keep(STUN_ATTR_MOBILITY_TICKET, kept_ticket, sizeof(kept_ticket), &ticket_len);
}

/* Relay sockets of our own are reached where they are bound. */
static struct addr as_clients_see(const struct addr *peer)
{
	for (size_t i = 0; i < RIG_RELAYS; i++) {
		if (addr_equal_ip(peer, &r.relays[i].local))
			return addr_with_port(&r.relays[i].seen_as, peer->port);
	}
	return *peer;
}

/* What goes to a peer leaves by a socket that is open, to somebody who is allowed. */
static void check_to_peer(const struct rig_client *c, enum turnd_step step)
{
	const struct peers *allowed;
	const struct rig_socket *s;
	uint64_t now_ms = r.now.us / 1000;
	struct addr peer;

	if (step != TURND_TO_PEER)
		return;
	s = r.out.end->shell;
	allowed = &r.out.end->flow->peers;
	FUZZ_CHECK(s != NULL && s->end == r.out.end);
	FUZZ_CHECK(five_tuple_equal(&r.out.end->flow->tuple, &c->tuple));
	peer = as_clients_see(&r.out.peer);
	FUZZ_CHECK(!addr_is_loopback(&peer) && !addr_is_private(&peer));
	/* A channel may outlive its permission (RFC 8656, section 12.6). */
	FUZZ_CHECK(peers_find_permission(allowed, &peer, now_ms) != NULL ||
		   peers_find_bound(allowed, &peer, now_ms) != NULL);
}

static void speak(struct rig_client *c, struct wire *in)
{
	uint8_t how = wire_get_u8(in);
	struct addr peer = peer_of(wire_get_u8(in));
	struct bytes data = take(in, 40);

	if ((how & 1) != 0)
		check_to_peer(c, rig_channel(c, (uint16_t)(0x4000 + (how >> 1 & 3)), data));
	else
		check_to_peer(c, rig_send(c, &peer, data));
}

/* The number of a connection to a peer, which the client was told later. */
static void keep_id(void)
{
	struct stun_msg msg;
	struct bytes value;

	if (r.later == 0)
		return;
	FUZZ_CHECK(stun_msg_parse(bytes_of(r.later_data, r.later_len), &msg) == STUN_OK);
	if (stun_msg_find(&msg, STUN_ATTR_CONNECTION_ID, &value))
		FUZZ_CHECK(stun_attr_get_u32(value, &kept_id) == STUN_OK);
}

/* RFC 6062: what came of connecting to a peer. */
static void tell_connected(uint8_t v)
{
	struct tcp_peer *p = r.connecting;

	if (p == NULL)
		return;
	r.connecting = NULL;
	p->shell = &peers[0];
	turnd_connected(r.worker[p->worker].turnd, p, (v & 1) != 0 ? ECONNREFUSED : 0, &r.now);
	keep_id();
}

static void call(struct relay_end *end, const struct addr *from)
{
	(void)turnd_accepted(rig_turnd_of(&r, end), end, from, &peers[1], &r.now);
	keep_id();
}

static void listen_to_peer(struct wire *in)
{
	struct rig_socket *s = &r.sockets[wire_get_u8(in) % 8];
	struct addr from = peer_of(wire_get_u8(in));
	struct bytes data = take(in, 40);
	struct turn_chan chan;
	struct stun_msg msg;

	if (s->end == NULL)
		return;
	if (s->end->protocol == TURN_PROTOCOL_TCP) {
		call(s->end, &from);
		return;
	}
	if (rig_from_peer(&r, s->end, &from, data) != TURND_TO_CLIENT)
		return;
	FUZZ_CHECK(stun_msg_parse(r.out.data, &msg) == STUN_OK ||
		   turn_chan_parse(r.out.data, &chan) == STUN_OK);
}

static void hear_icmp(struct wire *in)
{
	struct rig_socket *s = &r.sockets[wire_get_u8(in) % 8];
	struct turnd_icmp icmp = { .peer = peer_of(wire_get_u8(in)) };
	struct stun_msg msg;

	icmp.type = wire_get_u8(in) % 16;
	icmp.code = wire_get_u8(in) % 16;
	icmp.data = wire_get_u16(in);
	if (s->end == NULL)
		return;
	r.out = (struct turnd_out){ 0 };
	if (turnd_from_icmp(rig_turnd_of(&r, s->end), s->end, &icmp, &r.now, r.buf, &r.out) ==
	    TURND_TO_CLIENT)
		FUZZ_CHECK(stun_msg_parse(r.out.data, &msg) == STUN_OK);
}

/* Another address of the client, or another worker that it meets. */
static void move(struct rig_client *c, uint8_t v)
{
	if ((v & 1) != 0)
		c->tuple.client.port = (uint16_t)(4000 + (v >> 1 & 7));
	if ((v & 16) != 0)
		c->worker = (uint16_t)((v >> 6) % r.workers);
	if ((v & 32) != 0)
		c->challenged = false;
}

static void hang_up(struct rig_client *c)
{
	if (c->link != NULL)
		turnd_link_ended(r.worker[c->worker].turnd, &c->tuple, c->link, &r.now);
}

static void kick(const struct rig_client *c, uint8_t number)
{
	(void)turnd_kick(r.worker[c->worker].turnd, number);
}

/* What the system does, and what it says of connections to peers. */
static void misbehave(uint8_t v)
{
	if (v < 64)
		r.open_errors = v % 4;
	else if (v < 192)
		tell_connected(v);
	else if (v < 224)
		turnd_peer_ended(r.worker[kept_id >> 24 & (r.workers - 1u)].turnd, kept_id);
	else
		r.connect_error = v % 2 != 0 ? ECONNREFUSED : 0;
}

static void step(struct wire *in)
{
	uint8_t op = wire_get_u8(in);
	struct rig_client *c = &clients[op / 16 % CLIENTS];
	struct addr peer;

	switch (op % 16) {
	case 0:
		(void)rig_give(c, take(in, 255));
		break;
	case 1:
	case 2:
	case 3:
		request(c, in);
		break;
	case 4:
		(void)rig_allocate(c);
		break;
	case 5:
		(void)rig_refresh(c, wire_get_u8(in) * 16u);
		break;
	case 6:
		peer = peer_of(wire_get_u8(in));
		(void)rig_permit(c, &peer);
		break;
	case 7:
		peer = peer_of(wire_get_u8(in));
		(void)rig_bind(c, (uint16_t)(0x4000 + wire_get_u8(in) % 4), &peer);
		break;
	case 8:
	case 9:
		speak(c, in);
		break;
	case 10:
		listen_to_peer(in);
		break;
	case 11:
		hear_icmp(in);
		break;
	case 12:
		rig_pass(&r, wire_get_u8(in) * UINT64_C(4000));
		break;
	case 13:
		move(c, wire_get_u8(in));
		break;
	case 14:
		misbehave(wire_get_u8(in));
		break;
	default:
		if (op >= 128)
			hang_up(c);
		else
			kick(c, wire_get_u8(in));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));

	token_len = ticket_len = kept_id = 0;
	rig_init(&r);
	configure(wire_get_u8(&in));
	rig_start(&r);
	connect_clients(wire_get_u8(&in));
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
		step(&in);
	rig_stop(&r);
	return 0;
}
