#include "coop_packet.h"

#define IPV4_LEN     20
#define IPV6_LEN     40
#define FRAGMENT_LEN 8 /* header of IPv6 */
#define ICMP_LEN     8

#define PROTO_ICMP     1
#define PROTO_UDP      17
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6   58

#define TTL           64
#define DONT_FRAGMENT 0x4000u
#define MORE          0x2000u /* fragments follow, in IPv4 */

/* What of the datagram an ICMP error has: RFC 1812 and RFC 4443 want as much as fits. */
#define QUOTE_MAX 548

/* The Internet checksum, before it is inverted. */
static uint32_t sum_of(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; len -= 2, p += 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (len > 0)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

static uint16_t finish(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Of the pseudo header. */
static uint32_t sum_of_ends(const struct addr *from, const struct addr *to, uint8_t proto,
			    size_t len)
{
	size_t ip_len = addr_ip_len(from->family);

	return sum_of(sum_of(proto + (uint32_t)len, from->ip, ip_len), to->ip, ip_len);
}

bool coop_udp_make(struct coop_udp *out, const struct addr *from, const struct addr *to,
		   struct bytes payload)
{
	struct wire_out w = wire_write(out->raw, sizeof(out->raw));
	uint16_t check;

	out->from = addr_unmap(from);
	out->to = addr_unmap(to);
	out->len = COOP_UDP_LEN + payload.len;
	if (payload.len > COOP_SIZE_MAX || out->from.family != out->to.family ||
	    addr_ip_len(out->to.family) == 0)
		return false;
	wire_put_u16(&w, from->port);
	wire_put_u16(&w, to->port);
	wire_put_u16(&w, (uint16_t)out->len);
	wire_put_u16(&w, 0);
	wire_put_mem(&w, payload.data, payload.len);
	check = finish(
		sum_of(sum_of_ends(&out->from, &out->to, PROTO_UDP, out->len), out->raw, out->len));
	wire_store_u16(out->raw + 6, check != 0 ? check : 0xffff);
	return true;
}

/* An IP header; `len` bytes follow it. off: the second word of IPv4 */
static void put_ip(struct wire_out *w, const struct addr *from, const struct addr *to,
		   uint8_t proto, uint16_t id, uint16_t off, size_t len)
{
	uint8_t *start = w->start + w->len;

	if (from->family == ADDR_IPV6) {
		wire_put_u32(w, UINT32_C(6) << 28);
		wire_put_u16(w, (uint16_t)len);
		wire_put_u8(w, proto);
		wire_put_u8(w, TTL);
		wire_put_mem(w, from->ip, 16);
		wire_put_mem(w, to->ip, 16);
		return;
	}
	wire_put_u16(w, 0x4500);
	wire_put_u16(w, (uint16_t)(IPV4_LEN + len));
	wire_put_u16(w, id);
	wire_put_u16(w, off);
	wire_put_u8(w, TTL);
	wire_put_u8(w, proto);
	wire_put_u16(w, 0);
	wire_put_mem(w, from->ip, 4);
	wire_put_mem(w, to->ip, 4);
	if (!w->failed)
		wire_store_u16(start + 10, finish(sum_of(0, start, IPV4_LEN)));
}

/* Bytes of all fragments but the last: a multiple of 8. */
static size_t piece_of(const struct coop_udp *udp)
{
	size_t half = (udp->len / 2 + 7) & ~(size_t)7;

	return half < COOP_PIECE_MAX ? half : COOP_PIECE_MAX;
}

unsigned int coop_fragment_count(const struct coop_udp *udp)
{
	size_t piece = piece_of(udp);

	return (unsigned int)((udp->len + piece - 1) / piece);
}

struct bytes coop_fragment(const struct coop_udp *udp, unsigned int index, uint32_t id,
			   uint8_t buf[static COOP_PACKET_MAX])
{
	struct wire_out w = wire_write(buf, COOP_PACKET_MAX);
	size_t piece = piece_of(udp), at = index * piece;
	bool is_last = udp->len - at <= piece;
	size_t len = is_last ? udp->len - at : piece;

	if (udp->from.family == ADDR_IPV6) {
		put_ip(&w, &udp->from, &udp->to, PROTO_FRAGMENT, 0, 0, FRAGMENT_LEN + len);
		wire_put_u8(&w, PROTO_UDP);
		wire_put_u8(&w, 0);
		wire_put_u16(&w, (uint16_t)(at | !is_last));
		wire_put_u32(&w, id);
	} else {
		put_ip(&w, &udp->from, &udp->to, PROTO_UDP, (uint16_t)(id >> 16 ^ id),
		       (uint16_t)(at / 8 | (is_last ? 0 : MORE)), len);
	}
	wire_put_mem(&w, udp->raw + at, len);
	return wire_written(&w);
}

struct bytes coop_icmp(const struct coop_udp *about, uint8_t buf[static COOP_PACKET_MAX])
{
	struct wire_out w = wire_write(buf, COOP_PACKET_MAX);
	bool is_v6 = about->from.family == ADDR_IPV6;
	size_t ip_len = is_v6 ? IPV6_LEN : IPV4_LEN;
	size_t quote = about->len < QUOTE_MAX ? about->len : QUOTE_MAX;
	uint32_t sum = 0;

	put_ip(&w, &about->to, &about->from, is_v6 ? PROTO_ICMPV6 : PROTO_ICMP, 0, DONT_FRAGMENT,
	       ICMP_LEN + ip_len + quote);
	wire_put_u16(&w, is_v6 ? 0x0104 : 0x0303); /* port unreachable */
	wire_put_u16(&w, 0);
	wire_put_u32(&w, 0);
	put_ip(&w, &about->from, &about->to, PROTO_UDP, 0, DONT_FRAGMENT, about->len);
	wire_put_mem(&w, about->raw, quote);
	if (is_v6)
		sum = sum_of_ends(&about->to, &about->from, PROTO_ICMPV6, w.len - ip_len);
	wire_store_u16(buf + ip_len + 2, finish(sum_of(sum, buf + ip_len, w.len - ip_len)));
	return wire_written(&w);
}
