#include "port_packet.h"

#define TCP           6
#define UDP           17
#define MORE_OR_LATER 0x3fff /* of a fragment: flag and offset */
#define SYN           0x02
#define ACK           0x10

/* Both read the header; `in` stands behind it then, and holds what the packet says that it has. */
static bool read_ipv4(struct wire *in, struct port_packet *p)
{
	uint8_t version = wire_get_u8(in);
	size_t header = (size_t)(version & 0xf) * 4;

	wire_skip(in, 1);
	uint16_t total = wire_get_u16(in);
	wire_skip(in, 2);
	uint16_t fragment = wire_get_u16(in);
	wire_skip(in, 1);
	p->transport = wire_get_u8(in);
	wire_skip(in, 2);
	p->from.family = p->to.family = ADDR_IPV4;
	wire_get_mem(in, p->from.ip, 4);
	wire_get_mem(in, p->to.ip, 4);
	if (header < 20 || total < header || (fragment & MORE_OR_LATER) != 0)
		return false;
	wire_skip(in, header - 20);
	if (in->failed || in->left < total - header)
		return false;
	in->left = total - header; /* a link pads short packets */
	return true;
}

static bool read_ipv6(struct wire *in, struct port_packet *p)
{
	wire_skip(in, 4);
	uint16_t length = wire_get_u16(in);
	p->transport = wire_get_u8(in);
	wire_skip(in, 1);
	p->from.family = p->to.family = ADDR_IPV6;
	wire_get_mem(in, p->from.ip, 16);
	wire_get_mem(in, p->to.ip, 16);
	if (in->failed || in->left < length)
		return false;
	in->left = length;
	return true;
}

static bool read_udp(struct wire *in, struct port_packet *p)
{
	uint16_t length = wire_get_u16(in);

	wire_skip(in, 2);
	if (in->failed || length < 8 || in->left < (size_t)length - 8)
		return false;
	p->data = wire_get_bytes(in, (size_t)length - 8);
	return true;
}

static bool read_tcp(struct wire *in, struct port_packet *p)
{
	wire_skip(in, 8);
	uint8_t offset = wire_get_u8(in);
	uint8_t flags = wire_get_u8(in);

	wire_skip(in, 6);
	p->is_syn = (flags & (SYN | ACK)) == SYN;
	return !in->failed && offset >> 4 >= 5;
}

bool port_packet_parse(struct bytes packet, struct port_packet *out)
{
	struct wire in = wire_read(packet);
	struct port_packet p = { 0 };
	uint8_t version = packet.len > 0 ? packet.data[0] >> 4 : 0;

	if (version != 4 && version != 6)
		return false;
	if (version == 4 ? !read_ipv4(&in, &p) : !read_ipv6(&in, &p))
		return false;
	if (p.transport != TCP && p.transport != UDP)
		return false;
	p.from.port = wire_get_u16(&in);
	p.to.port = wire_get_u16(&in);
	if (in.failed || (p.transport == TCP ? !read_tcp(&in, &p) : !read_udp(&in, &p)))
		return false;
	*out = p;
	return true;
}
