#include "tests/packet.h"

#define IPV4_HEADER    20
#define IPV6_HEADER    40
#define EXTENSIONS_MAX 8

static uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)((uint32_t)p[0] << 8 | p[1]);
}

static uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)load_u16(p) << 16 | load_u16(p + 2);
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint32_t packet_sum(uint32_t sum, struct bytes data)
{
	uint64_t total = sum;
	size_t i = 0;

	for (; i + 1 < data.len; i += 2)
		total += load_u16(data.data + i);
	if (i < data.len)
		total += (uint64_t)data.data[i] << 8;
	while (total >> 32 != 0)
		total = (total & 0xffffffff) + (total >> 32);
	return fold((uint32_t)(total & 0xffff) + (uint32_t)(total >> 16));
}

uint16_t packet_sum_end(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

uint32_t packet_pseudo_sum(const struct addr *from, const struct addr *to, uint8_t protocol,
			   size_t len)
{
	size_t ip_len = addr_ip_len(from->family);
	uint32_t sum = (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff) + protocol;

	sum = packet_sum(sum, bytes_of(from->ip, ip_len));
	return packet_sum(sum, bytes_of(to->ip, ip_len));
}

void packet_adjust_checksum(uint8_t *field, uint32_t old_sum, uint32_t new_sum)
{
	uint32_t sum = (uint16_t)~load_u16(field);

	sum += (uint16_t)~fold(old_sum);
	wire_store_u16(field, packet_sum_end(sum + fold(new_sum)));
}

void packet_fix_checksum(uint8_t *field, const uint8_t *old, const uint8_t *new, size_t len)
{
	packet_adjust_checksum(field, packet_sum(0, bytes_of(old, len)),
			       packet_sum(0, bytes_of(new, len)));
}

static bool parse_udp(struct packet *p, struct bytes t, bool quoted)
{
	if (t.len < 8)
		return false;
	p->source.port = load_u16(t.data);
	p->destination.port = load_u16(t.data + 2);
	p->checksum = p->transport + 6;
	p->kind = PACKET_DATAGRAM;
	size_t len = load_u16(t.data + 4);
	p->data = bytes_of(t.data + 8, t.len - 8);
	if (quoted || packet_is_fragment(p))
		return true;
	if (len < 8 || len > t.len)
		return false;
	p->data.len = len - 8;
	return true;
}

static bool parse_tcp(struct packet *p, struct bytes t, bool quoted)
{
	if (t.len < (quoted ? 8 : 20))
		return false;
	p->source.port = load_u16(t.data);
	p->destination.port = load_u16(t.data + 2);
	p->tcp_seq = load_u32(t.data + 4);
	p->kind = PACKET_SEGMENT;
	if (t.len < 20)
		return true;
	p->tcp_ack = load_u32(t.data + 8);
	p->tcp_flags = t.data[13];
	p->checksum = p->transport + 16;
	size_t header = (size_t)(t.data[12] >> 4) * 4;
	if (header < 20 || header > t.len)
		return quoted;
	p->data = bytes_of(t.data + header, t.len - header);
	return true;
}

static uint8_t icmp_kind(uint8_t protocol, uint8_t type)
{
	if (protocol == PACKET_ICMPV6) {
		if (type < 128)
			return PACKET_ERROR;
		if (type == ICMP6_ECHO_REQUEST)
			return PACKET_ECHO_REQUEST;
		return type == ICMP6_ECHO_REPLY ? PACKET_ECHO_REPLY : PACKET_OTHER;
	}
	switch (type) {
	case ICMP4_ECHO_REPLY:
		return PACKET_ECHO_REPLY;
	case ICMP4_ECHO_REQUEST:
		return PACKET_ECHO_REQUEST;
	case ICMP4_UNREACHABLE:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		return PACKET_ERROR;
	default:
		return PACKET_OTHER;
	}
}

static bool parse_icmp(struct packet *p, struct bytes t)
{
	if (t.len < 8)
		return false;
	p->icmp_type = t.data[0];
	p->icmp_code = t.data[1];
	p->icmp_rest = load_u32(t.data + 4);
	p->checksum = p->transport + 2;
	p->kind = icmp_kind(p->protocol, p->icmp_type);
	p->data = bytes_of(t.data + 8, t.len - 8);
	if (p->kind == PACKET_ECHO_REQUEST)
		p->source.port = (uint16_t)(p->icmp_rest >> 16);
	if (p->kind == PACKET_ECHO_REPLY)
		p->destination.port = (uint16_t)(p->icmp_rest >> 16);
	return true;
}

static bool parse_transport(struct packet *p, bool quoted)
{
	struct bytes t = bytes_of(p->whole.data + p->transport, p->whole.len - p->transport);

	p->data = t;
	if (p->fragment_offset != 0)
		return true;
	if (p->protocol == PACKET_UDP)
		return parse_udp(p, t, quoted);
	if (p->protocol == PACKET_TCP)
		return parse_tcp(p, t, quoted);
	if (p->protocol == (p->source.family == ADDR_IPV4 ? PACKET_ICMP : PACKET_ICMPV6))
		return parse_icmp(p, t);
	return true;
}

static bool parse_ipv4(struct packet *p, struct bytes in, bool quoted)
{
	if (in.len < IPV4_HEADER)
		return false;
	size_t header = (size_t)(in.data[0] & 15) * 4;
	size_t total = load_u16(in.data + 2);
	uint16_t frag = load_u16(in.data + 6);

	if (header < IPV4_HEADER || in.len < header || total < header ||
	    (!quoted && total > in.len))
		return false;
	p->whole = bytes_of(in.data, total < in.len ? total : in.len);
	p->fragment_id = load_u16(in.data + 4);
	p->dont_fragment = (frag & 0x4000) != 0;
	p->more_fragments = (frag & 0x2000) != 0;
	p->fragment_offset = (uint16_t)((frag & 0x1fff) * 8);
	p->ttl = in.data[8];
	p->protocol = in.data[9];
	p->source.family = p->destination.family = ADDR_IPV4;
	memcpy(p->source.ip, in.data + 12, 4);
	memcpy(p->destination.ip, in.data + 16, 4);
	p->transport = header;
	return true;
}

/* Steps over hop-by-hop, routing and destination options, and one fragment header. */
static bool skip_extensions(struct packet *p)
{
	struct bytes in = p->whole;
	size_t at = IPV6_HEADER;
	uint8_t next = in.data[6];

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (next != 0 && next != 43 && next != 60 && next != 44) {
			p->protocol = next;
			p->transport = at;
			return true;
		}
		if (in.len < at + 8)
			return false;
		const uint8_t *e = in.data + at;
		size_t len = next == 44 ? 8 : ((size_t)e[1] + 1) * 8;
		if (in.len < at + len)
			return false;
		at += len;
		bool is_fragment_header = next == 44;
		next = e[0];
		if (!is_fragment_header)
			continue;
		p->fragment_offset = load_u16(e + 2) & 0xfff8;
		p->more_fragments = (e[3] & 1) != 0;
		p->fragment_id = load_u32(e + 4);
		if (p->fragment_offset != 0) { /* what follows is the middle of something */
			p->protocol = next;
			p->transport = at;
			return true;
		}
	}
	return false;
}

static bool parse_ipv6(struct packet *p, struct bytes in, bool quoted)
{
	if (in.len < IPV6_HEADER)
		return false;
	size_t total = IPV6_HEADER + (size_t)load_u16(in.data + 4);

	if (!quoted && total > in.len)
		return false;
	p->whole = bytes_of(in.data, total < in.len ? total : in.len);
	p->dont_fragment = true;
	p->ttl = in.data[7];
	p->source.family = p->destination.family = ADDR_IPV6;
	memcpy(p->source.ip, in.data + 8, 16);
	memcpy(p->destination.ip, in.data + 24, 16);
	return skip_extensions(p);
}

static bool parse(struct bytes in, struct packet *out, bool quoted)
{
	struct packet p = { 0 };

	if (in.len < 1)
		return false;
	uint8_t version = in.data[0] >> 4;
	if (version != 4 && version != 6)
		return false;
	if (!(version == 4 ? parse_ipv4(&p, in, quoted) : parse_ipv6(&p, in, quoted)))
		return false;
	if (!parse_transport(&p, quoted))
		return false;
	*out = p;
	return true;
}

bool packet_parse(struct bytes in, struct packet *out)
{
	return parse(in, out, false);
}

bool packet_parse_quoted(struct bytes in, struct packet *out)
{
	return parse(in, out, true);
}

static bool transport_ok(const struct packet *p)
{
	struct bytes t = bytes_of(p->whole.data + p->transport, p->whole.len - p->transport);
	uint32_t sum = 0;

	if (p->checksum == 0 || packet_is_fragment(p))
		return true;
	if (p->kind == PACKET_DATAGRAM) {
		t.len = p->data.len + 8;
		if (load_u16(p->whole.data + p->checksum) == 0)
			return p->source.family == ADDR_IPV4;
	}
	if (p->protocol != PACKET_ICMP)
		sum = packet_pseudo_sum(&p->source, &p->destination, p->protocol, t.len);
	return packet_sum_end(packet_sum(sum, t)) == 0;
}

bool packet_checksums_ok(struct bytes in)
{
	struct packet p;

	if (!packet_parse(in, &p))
		return false;
	if (p.source.family == ADDR_IPV4) {
		size_t header = (size_t)(in.data[0] & 15) * 4;

		if (packet_sum_end(packet_sum(0, bytes_of(in.data, header))) != 0)
			return false;
	}
	return transport_ok(&p);
}

/* UDP says "none" with 0, and 0xffff where the sum is 0. */
static void fix_transport(uint8_t *base, const struct packet *p, const uint8_t *old,
			  const uint8_t *new, size_t len)
{
	uint8_t *field = base + p->checksum;

	if (p->checksum == 0 || (p->protocol == PACKET_UDP && load_u16(field) == 0))
		return;
	packet_fix_checksum(field, old, new, len);
	if (p->protocol == PACKET_UDP && load_u16(field) == 0)
		wire_store_u16(field, 0xffff);
}

void packet_replace(uint8_t *base, const struct packet *p, size_t at, const uint8_t *new,
		    size_t len)
{
	fix_transport(base, p, base + at, new, len);
	memcpy(base + at, new, len);
}

static void set_ip(uint8_t *base, struct packet *p, size_t at, const uint8_t *new)
{
	size_t len = addr_ip_len(p->source.family);

	if (p->source.family == ADDR_IPV4)
		packet_fix_checksum(base + 10, base + at, new, len);
	if (p->protocol != PACKET_ICMP)
		fix_transport(base, p, base + at, new, len);
	memcpy(base + at, new, len);
}

static void set_word(uint8_t *base, const struct packet *p, size_t at, uint16_t value)
{
	uint8_t new[2];

	wire_store_u16(new, value);
	fix_transport(base, p, base + at, new, 2);
	memcpy(base + at, new, 2);
}

static bool has_ports(const struct packet *p)
{
	return p->kind == PACKET_DATAGRAM || p->kind == PACKET_SEGMENT;
}

static void set_source(uint8_t *base, struct packet *p, const struct addr *to)
{
	set_ip(base, p, p->source.family == ADDR_IPV4 ? 12 : 8, to->ip);
	memcpy(p->source.ip, to->ip, sizeof(p->source.ip));
	if (has_ports(p))
		set_word(base, p, p->transport, to->port);
	else if (p->kind == PACKET_ECHO_REQUEST)
		set_word(base, p, p->transport + 4, to->port);
	else
		return;
	p->source.port = to->port;
}

static void set_destination(uint8_t *base, struct packet *p, const struct addr *to)
{
	set_ip(base, p, p->source.family == ADDR_IPV4 ? 16 : 24, to->ip);
	memcpy(p->destination.ip, to->ip, sizeof(p->destination.ip));
	if (has_ports(p))
		set_word(base, p, p->transport + 2, to->port);
	else if (p->kind == PACKET_ECHO_REPLY)
		set_word(base, p, p->transport + 4, to->port);
	else
		return;
	p->destination.port = to->port;
}

void packet_rewrite(uint8_t *base, struct packet *p, const struct addr *source,
		    const struct addr *destination)
{
	if (source != NULL)
		set_source(base, p, source);
	if (destination != NULL)
		set_destination(base, p, destination);
}

bool packet_rewrite_quoted(uint8_t *base, struct packet *p, const struct addr *source,
			   const struct addr *destination)
{
	struct packet inner;
	uint8_t *quote = base + p->transport + 8;
	uint8_t *field = base + p->checksum;
	uint32_t was = packet_sum(0, p->data);

	if (p->kind != PACKET_ERROR || !packet_parse_quoted(p->data, &inner))
		return false;
	packet_rewrite(quote, &inner, source, destination);
	packet_adjust_checksum(field, was, packet_sum(0, p->data));
	return true;
}

void packet_set_ttl(uint8_t *base, uint8_t ttl)
{
	uint8_t new[2] = { ttl, base[9] };

	if (base[0] >> 4 == 6) {
		base[7] = ttl;
		return;
	}
	packet_fix_checksum(base + 10, base + 8, new, 2);
	base[8] = ttl;
}

bool packet_hop(uint8_t *base, size_t len)
{
	uint8_t new[2];

	if (len < IPV4_HEADER)
		return false;
	if (base[0] >> 4 == 6) {
		if (base[7] <= 1)
			return false;
		base[7]--;
		return true;
	}
	if (base[8] <= 1)
		return false;
	new[0] = (uint8_t)(base[8] - 1);
	new[1] = base[9];
	packet_fix_checksum(base + 10, base + 8, new, 2);
	base[8] = new[0];
	return true;
}
