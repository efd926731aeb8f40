/*
 * Arbitrary packets on both sides of arbitrary boxes: nothing breaks, tables stay bounded, and
 * what comes out has right checksums where what went in had.
 *
 * Input: a byte that picks the configuration and one that picks the seed, then steps: a byte of
 * choices, a byte of length, and as many bytes of a packet. Packets may be mended (lengths and
 * checksums), or made of a template that reaches deep.
 */
#include "tests/fuzz_check.h"

#include "tests/nat_model.h"
#include "tests/packet.h"

#define STEPS_MAX 2000

struct fuzz {
	struct nat *nat;
	struct wire in;
	uint64_t now_us;
	bool sound;         /* the checksums of all packets so far were right */
	struct addr seen;   /* the last source that left */
	uint8_t last[2048]; /* the last packet that came out */
	size_t last_len;
};

static void on_emit(void *arg, enum nat_side side, struct bytes packet)
{
	struct fuzz *f = arg;
	struct packet p;

	FUZZ_CHECK(packet.len > 0 && packet.len <= NAT_PACKET_MAX);
	FUZZ_CHECK(!f->sound || packet_checksums_ok(packet));
	if (side == NAT_OUTSIDE && packet_parse(packet, &p))
		f->seen = p.source;
	if (packet.len <= sizeof(f->last)) {
		memcpy(f->last, packet.data, packet.len);
		f->last_len = packet.len;
	}
}

static void on_log(void *arg, const struct nat_event *event)
{
	FUZZ_CHECK(event->why != NULL && event->kind <= NAT_EVENT_PORTMAP);
}

static struct nat_config make_config(struct wire *in)
{
	uint8_t rules = wire_get_u8(in), ports = wire_get_u8(in), more = wire_get_u8(in);
	struct nat_config c = { .mapping = (uint8_t)((rules & 7) % 5),
				.filtering = (uint8_t)((rules >> 3 & 7) % 5) };

	c.allocation = ports % 10;
	c.step = (int8_t)(ports >> 4) - 7;
	c.offset = c.step * 100;
	c.pooling = (ports >> 6) % 3;
	c.hairpin = (uint8_t)((more & 3) % 3);
	c.unsolicited = more >> 2 & 3;
	c.unsolicited_syn = more >> 4 & 3;
	c.syn_delay_ms = (more & 0x40) != 0 ? 6000 : 0;
	c.alg = (more & 0x80) != 0;
	uint8_t rest = wire_get_u8(in);
	c.dies_on_icmp = (rest & 1) != 0;
	c.dies_on_unexpected = (rest & 2) != 0;
	c.fragments = (uint8_t)((rest >> 2 & 3) % 3);
	c.fragments_out = c.fragments;
	c.mtu = (rest & 0x10) != 0 ? 576 : 0;
	c.fragments_df = (rest & 0x20) != 0;
	c.pcp = c.nat_pmp = (rest & 0x40) != 0;
	c.gateway = addr_ipv4(192, 168, 1, 1, 0);
	c.gateway_rejects = true;
	c.external_count = 3;
	c.externals[0] = addr_ipv4(203, 0, 113, 1, 0);
	c.externals[1] = addr_ipv4(203, 0, 113, 2, 0);
	c.externals[2] = (struct addr){ .family = ADDR_IPV6, .ip = { 0x20, 1, [15] = 1 } };
	if ((rest & 0x80) != 0) {
		c.nat64_prefix =
			(struct addr){ .family = ADDR_IPV6, .ip = { 0, 0x64, 0xff, 0x9b } };
		c.nat64_prefix_len = 96;
	}
	c.block_width = (rules & 0x40) != 0 ? 64 : 0;
	c.port_low = (rules & 0x80) != 0 ? 60000 : 0;
	c.load_limit = 20;
	c.loaded_mapping = NAT_APD;
	return c;
}

static struct addr host(uint8_t choice, uint16_t port)
{
	if ((choice & 1) != 0)
		return (struct addr){ .family = ADDR_IPV6, .port = port, .ip = { 0xfd, [15] = 9 } };
	return addr_ipv4(192, 168, 1, (uint8_t)(10 + (choice >> 1 & 1)), port);
}

static struct addr remote(const struct fuzz *f, uint8_t choice, uint16_t port)
{
	if ((choice & 4) != 0 && f->seen.family == host(choice, 0).family)
		return f->seen; /* hairpin */
	if ((choice & 1) != 0 && (choice & 2) != 0)
		return (struct addr){ .family = ADDR_IPV6,
				      .port = port,
				      .ip = { 0, 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 7 } };
	if ((choice & 1) != 0)
		return (struct addr){ .family = ADDR_IPV6, .port = port, .ip = { 0x20, 2 } };
	return (choice & 8) != 0 ? addr_ipv4(192, 168, 1, 1, 5351)
				 : addr_ipv4(198, 51, 100, 7, port);
}

/* A packet between endpoints that mean something. */
static size_t template(struct fuzz *f, uint8_t choice, bool out, uint8_t *buf, size_t cap)
{
	uint8_t shape = wire_get_u8(&f->in);
	uint16_t port = (uint16_t)(5000 + (shape & 7));
	struct addr from = host(choice, port),
		    to = remote(f, choice, (uint16_t)(80 + (shape >> 6)));
	struct bytes data = wire_get_bytes(&f->in, wire_get_u8(&f->in) & 0x7f);

	if (!out) {
		from = (choice & 1) != 0
			       ? remote(f, 1, to.port)
			       : addr_ipv4(198, 51, 100, 7, (uint16_t)(80 + (shape >> 6)));
		to = f->seen.family == from.family ? f->seen : host(choice, port);
	}
	switch (shape >> 3 & 3) {
	case 0:
		return packet_build_udp(buf, cap, &from, &to, data);
	case 1:
		return packet_build_tcp(buf, cap, &from, &to,
					&(struct packet_tcp){ 1, 2, wire_get_u8(&f->in) }, data);
	case 2:
		return packet_build_error(buf, cap, &from, &to, (choice & 1) != 0 ? 1 : 3, 3, 0,
					  bytes_of(f->last, f->last_len));
	default:
		return packet_build_icmp(buf, cap, &from, &to, wire_get_u8(&f->in), 0,
					 (uint32_t)port << 16, data);
	}
}

/* Cuts it into two fragments and sends one of them first, or only one. */
static void send_fragments(struct fuzz *f, enum nat_side side, uint8_t *buf, size_t len)
{
	uint8_t order = wire_get_u8(&f->in);
	uint8_t piece[2048];

	if (len < 60 || buf[0] >> 4 != 4)
		return;
	for (int i = 0; i < 2; i++) {
		bool first = ((order >> i) & 1) == 0;
		size_t part = first ? 32 : len - 20 - 32;

		memcpy(piece, buf, 20);
		memcpy(piece + 20, buf + 20 + (first ? 0 : 32), part);
		wire_store_u16(piece + 2, (uint16_t)(20 + part));
		wire_store_u16(piece + 4, order);
		wire_store_u16(piece + 6, first ? 0x2000 : 4);
		wire_store_u16(piece + 10, 0);
		wire_store_u16(piece + 10, packet_sum_end(packet_sum(0, bytes_of(piece, 20))));
		nat_input(f->nat, side, bytes_of(piece, 20 + part), f->now_us);
	}
}

static void step(struct fuzz *f)
{
	uint8_t choice = wire_get_u8(&f->in);
	enum nat_side side = (choice & 0x10) != 0 ? NAT_OUTSIDE : NAT_INSIDE;
	uint8_t buf[2048];

	switch (choice >> 5) {
	case 0: {
		struct bytes raw = wire_get_bytes(&f->in, wire_get_u8(&f->in));
		struct packet p;

		if (packet_parse(raw, &p) && !packet_checksums_ok(raw))
			f->sound = false;
		nat_input(f->nat, side, raw, f->now_us);
		break;
	}
	case 1:
		f->now_us += (uint64_t)1 << (wire_get_u8(&f->in) & 31);
		FUZZ_CHECK(nat_tick(f->nat, f->now_us) > f->now_us);
		break;
	case 2:
		if ((choice & 1) != 0)
			nat_flush(f->nat, f->now_us);
		else
			nat_new_address(f->nat, &(struct addr){ .family = ADDR_IPV4, .ip = { 9 } },
					f->now_us);
		break;
	case 3:
		send_fragments(f, side, buf,
			       template(f, choice, side == NAT_INSIDE, buf, sizeof(buf)));
		break;
	default: {
		size_t len = template(f, choice, side == NAT_INSIDE, buf, sizeof(buf));

		nat_input(f->nat, side, bytes_of(buf, len), f->now_us);
		break;
	}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fuzz f;
	struct nat_io io = { on_emit, on_log, &f };

	f = (struct fuzz){ .in = wire_read(bytes_of(data, len)), .now_us = 1000000, .sound = true };
	struct nat_config config = make_config(&f.in);
	f.nat = nat_new(&config, wire_get_u8(&f.in), &io);
	FUZZ_CHECK(f.nat != NULL);
	for (int i = 0; i < STEPS_MAX && f.in.left > 0 && !f.in.failed; i++)
		step(&f);
	FUZZ_CHECK(nat_mapping_count(f.nat) <= 16384);
	nat_free(f.nat);
	return 0;
}
