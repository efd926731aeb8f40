#include "tests/packet.h"

#define TTL 64

static void put_ipv4(struct wire_out *out, const struct addr *from, const struct addr *to,
		     uint8_t protocol, size_t len)
{
	uint8_t *start = wire_room(out, 20);

	if (start == NULL || len + 20 > 0xffff) {
		out->failed = true;
		return;
	}
	memset(start, 0, 20);
	start[0] = 0x45;
	wire_store_u16(start + 2, (uint16_t)(20 + len));
	wire_store_u16(start + 6, 0x4000);
	start[8] = TTL;
	start[9] = protocol;
	memcpy(start + 12, from->ip, 4);
	memcpy(start + 16, to->ip, 4);
	wire_store_u16(start + 10, packet_sum_end(packet_sum(0, bytes_of(start, 20))));
}

static void put_ipv6(struct wire_out *out, const struct addr *from, const struct addr *to,
		     uint8_t protocol, size_t len)
{
	if (len > 0xffff) {
		out->failed = true;
		return;
	}
	wire_put_u32(out, 0x60000000);
	wire_put_u16(out, (uint16_t)len);
	wire_put_u8(out, protocol);
	wire_put_u8(out, TTL);
	wire_put_mem(out, from->ip, 16);
	wire_put_mem(out, to->ip, 16);
}

static void put_ip(struct wire_out *out, const struct addr *from, const struct addr *to,
		   uint8_t protocol, size_t len)
{
	if (from->family == ADDR_IPV4)
		put_ipv4(out, from, to, protocol, len);
	else
		put_ipv6(out, from, to, protocol, len);
}

/* Sums up all from `start` on, into the two bytes at `field`. Returns the packet's length. */
static size_t finish(struct wire_out *out, const struct addr *from, const struct addr *to,
		     uint8_t protocol, size_t field)
{
	size_t start = from->family == ADDR_IPV4 ? 20 : 40;
	uint32_t sum = 0;

	if (out->failed)
		return 0;
	struct bytes t = bytes_of(out->start + start, out->len - start);
	if (protocol != PACKET_ICMP)
		sum = packet_pseudo_sum(from, to, protocol, t.len);
	uint16_t checksum = packet_sum_end(packet_sum(sum, t));
	if (protocol == PACKET_UDP && checksum == 0)
		checksum = 0xffff;
	wire_store_u16(out->start + start + field, checksum);
	return out->len;
}

size_t packet_build_ip(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
		       uint8_t protocol, size_t len)
{
	struct wire_out out = wire_write(buf, cap);

	put_ip(&out, from, to, protocol, len);
	return out.failed ? 0 : out.len;
}

size_t packet_build_udp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			struct bytes data)
{
	struct wire_out out = wire_write(buf, cap);

	put_ip(&out, from, to, PACKET_UDP, 8 + data.len);
	wire_put_u16(&out, from->port);
	wire_put_u16(&out, to->port);
	wire_put_u16(&out, (uint16_t)(8 + data.len));
	wire_put_u16(&out, 0);
	wire_put_mem(&out, data.data, data.len);
	return finish(&out, from, to, PACKET_UDP, 6);
}

size_t packet_build_tcp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			const struct packet_tcp *tcp, struct bytes data)
{
	struct wire_out out = wire_write(buf, cap);

	put_ip(&out, from, to, PACKET_TCP, 20 + data.len);
	wire_put_u16(&out, from->port);
	wire_put_u16(&out, to->port);
	wire_put_u32(&out, tcp->seq);
	wire_put_u32(&out, tcp->ack);
	wire_put_u8(&out, 5 << 4);
	wire_put_u8(&out, tcp->flags);
	wire_put_u16(&out, 0xffff);
	wire_put_u32(&out, 0);
	wire_put_mem(&out, data.data, data.len);
	return finish(&out, from, to, PACKET_TCP, 16);
}

size_t packet_build_icmp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			 uint8_t type, uint8_t code, uint32_t rest, struct bytes data)
{
	struct wire_out out = wire_write(buf, cap);
	uint8_t protocol = from->family == ADDR_IPV4 ? PACKET_ICMP : PACKET_ICMPV6;

	put_ip(&out, from, to, protocol, 8 + data.len);
	wire_put_u8(&out, type);
	wire_put_u8(&out, code);
	wire_put_u16(&out, 0);
	wire_put_u32(&out, rest);
	wire_put_mem(&out, data.data, data.len);
	return finish(&out, from, to, protocol, 2);
}

size_t packet_build_error(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			  uint8_t type, uint8_t code, uint32_t rest, struct bytes about)
{
	size_t most = from->family == ADDR_IPV4 ? 576 - 28 : PACKET_QUOTE_MAX;

	if (about.len > most)
		about.len = most;
	return packet_build_icmp(buf, cap, from, to, type, code, rest, about);
}
