#include "hop.h"

#include "tests/packet.h"

#define IPV4_HEAD 20
#define IPV6_HEAD 40

static struct addr addr_at(uint8_t family, const uint8_t *p)
{
	struct addr a = { .family = family };

	memcpy(a.ip, p, addr_ip_len(family));
	return a;
}

bool hop_ends(struct bytes packet, struct hop_ends *out)
{
	const uint8_t *p = packet.data;

	if (packet.len >= IPV4_HEAD && p[0] >> 4 == 4) {
		out->source = addr_at(ADDR_IPV4, p + 12);
		out->destination = addr_at(ADDR_IPV4, p + 16);
		return true;
	}
	if (packet.len >= IPV6_HEAD && p[0] >> 4 == 6) {
		out->source = addr_at(ADDR_IPV6, p + 8);
		out->destination = addr_at(ADDR_IPV6, p + 24);
		return true;
	}
	return false;
}

bool hop_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_IPV6)
		return a->ip[0] == 0xff;
	return a->ip[0] >= 224 && (a->ip[0] < 240 || a->ip[0] == 255);
}

size_t hop_time_exceeded(struct bytes packet, const struct addr *from, uint8_t *buf, size_t cap)
{
	struct packet p;

	if (!packet_parse(packet, &p) || p.source.family != from->family ||
	    p.kind == PACKET_ERROR || p.fragment_offset != 0 || hop_is_multicast(&p.destination) ||
	    hop_is_multicast(&p.source) || addr_is_any(&p.source))
		return 0;
	return packet_build_error(buf, cap, from, &p.source,
				  from->family == ADDR_IPV4 ? ICMP4_TIME_EXCEEDED
							    : ICMP6_TIME_EXCEEDED,
				  0, 0, packet);
}
