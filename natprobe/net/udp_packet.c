#include "udp_packet.h"

#define IPV4_HEADER_LEN 20
#define UDP_HEADER_LEN  8
#define PROTOCOL_UDP    17
#define FRAGMENT_BITS   0x3fff /* more fragments, and the offset */

struct header {
	size_t len;
	size_t payload_len;
	uint8_t protocol;
	uint16_t fragment;
	struct addr from, to;
};

static bool read_header(struct wire *in, struct header *h)
{
	uint8_t first = wire_get_u8(in);
	uint16_t total;

	wire_skip(in, 1); /* type of service */
	total = wire_get_u16(in);
	wire_skip(in, 2); /* identification */
	h->fragment = wire_get_u16(in) & FRAGMENT_BITS;
	wire_skip(in, 1); /* time to live */
	h->protocol = wire_get_u8(in);
	wire_skip(in, 2); /* checksum */
	h->from.family = h->to.family = ADDR_IPV4;
	wire_get_mem(in, h->from.ip, 4);
	wire_get_mem(in, h->to.ip, 4);
	h->len = (size_t)(first & 0x0f) * 4;
	if (in->failed || first >> 4 != 4 || h->len < IPV4_HEADER_LEN || total < h->len)
		return false;
	wire_skip(in, h->len - IPV4_HEADER_LEN); /* options */
	h->payload_len = total - h->len;
	return !in->failed && h->payload_len <= in->left;
}

bool udp_packet_parse(struct bytes packet, struct udp_packet *out)
{
	struct wire in = wire_read(packet);
	struct header h = { 0 };
	const uint8_t *data;
	size_t len;

	if (!read_header(&in, &h) || h.protocol != PROTOCOL_UDP || h.fragment != 0)
		return false;
	h.from.port = wire_get_u16(&in);
	h.to.port = wire_get_u16(&in);
	len = wire_get_u16(&in);
	wire_skip(&in, 2); /* checksum */
	if (in.failed || len < UDP_HEADER_LEN || len > h.payload_len)
		return false;
	data = wire_take(&in, len - UDP_HEADER_LEN);
	if (in.failed)
		return false;
	*out = (struct udp_packet){ h.from, h.to, bytes_of(data, len - UDP_HEADER_LEN) };
	return true;
}
