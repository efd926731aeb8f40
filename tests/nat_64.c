#include "tests/nat_state.h"

#define DF_ABOVE 1260 /* what has that size or less may be fragmented (RFC 7915, section 5.1) */

/* IPv4 addresses stand behind the prefix, but never in the ninth byte (RFC 6052, section 2.2). */
static void place(const struct nat *n, size_t at[4])
{
	size_t next = n->config.nat64_prefix_len / 8;

	for (int i = 0; i < 4; i++) {
		if (next == 8)
			next++;
		at[i] = next++;
	}
}

bool nat_64_contains(const struct nat *n, const struct addr *a)
{
	size_t len = n->config.nat64_prefix_len / 8;

	return len >= 4 && len <= 12 && a->family == ADDR_IPV6 &&
	       memcmp(a->ip, n->config.nat64_prefix.ip, len) == 0;
}

static struct addr to_ipv4(const struct nat *n, const struct addr *a)
{
	struct addr out = { .family = ADDR_IPV4, .port = a->port };
	size_t at[4];

	place(n, at);
	for (int i = 0; i < 4; i++)
		out.ip[i] = a->ip[at[i]];
	return out;
}

static struct addr to_ipv6(const struct nat *n, const struct addr *a)
{
	struct addr out = { .family = ADDR_IPV6, .port = a->port };
	size_t at[4];

	place(n, at);
	memcpy(out.ip, n->config.nat64_prefix.ip, n->config.nat64_prefix_len / 8);
	for (int i = 0; i < 4; i++)
		out.ip[at[i]] = a->ip[i];
	return out;
}

static uint8_t other_protocol(uint8_t protocol)
{
	if (protocol == PACKET_ICMP)
		return PACKET_ICMPV6;
	return protocol == PACKET_ICMPV6 ? PACKET_ICMP : protocol;
}

/* What IP says of its length, which a quote does not have all of. */
static size_t transport_len(const struct packet *p)
{
	const uint8_t *d = p->whole.data;
	bool ipv4 = p->source.family == ADDR_IPV4;
	size_t says = ipv4 ? (size_t)d[2] << 8 | d[3] : 40 + ((size_t)d[4] << 8 | d[5]);

	return says > p->transport ? says - p->transport : 0;
}

/* The words of a transport header that translation changes, and what is summed with them. */
static uint32_t changing_sum(const uint8_t *t, uint8_t protocol, const struct addr *source,
			     const struct addr *destination, size_t len)
{
	if (protocol == PACKET_ICMP)
		return packet_sum(packet_sum(0, bytes_of(t, 2)), bytes_of(t + 4, 2));
	uint32_t sum = packet_pseudo_sum(source, destination, protocol, len);
	if (protocol == PACKET_ICMPV6)
		return packet_sum(packet_sum(sum, bytes_of(t, 2)), bytes_of(t + 4, 2));
	return packet_sum(sum, bytes_of(t, 4));
}

static void set_transport(uint8_t *t, const struct packet *p, const struct addr *source,
			  const struct addr *destination)
{
	bool to_v6 = source->family == ADDR_IPV6;

	switch (p->kind) {
	case PACKET_DATAGRAM:
	case PACKET_SEGMENT:
		wire_store_u16(t, source->port);
		wire_store_u16(t + 2, destination->port);
		break;
	case PACKET_ECHO_REQUEST:
		t[0] = to_v6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST;
		wire_store_u16(t + 4, source->port);
		break;
	case PACKET_ECHO_REPLY:
		t[0] = to_v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
		wire_store_u16(t + 4, destination->port);
		break;
	default:
		break;
	}
}

static void put_ttl(uint8_t *ip, uint8_t ttl, size_t len)
{
	if (ip[0] >> 4 == 6) {
		ip[7] = ttl;
		return;
	}
	ip[8] = ttl;
	if (len <= DF_ABOVE)
		ip[6] = 0;
	wire_store_u16(ip + 10, 0);
	wire_store_u16(ip + 10, packet_sum_end(packet_sum(0, bytes_of(ip, 20))));
}

/* IPv4 does without a checksum of UDP, IPv6 does not. */
static void sum_up(uint8_t *t, size_t len, const struct addr *source,
		   const struct addr *destination)
{
	uint32_t sum = packet_pseudo_sum(source, destination, PACKET_UDP, len);
	uint16_t checksum = packet_sum_end(packet_sum(sum, bytes_of(t, len)));

	wire_store_u16(t + 6, checksum != 0 ? checksum : 0xffff);
}

/*
 * Writes the packet, or what a quote has of it, in the other family, between other endpoints.
 * Returns its length, 0 if there is no room or it has nothing that could be translated.
 */
static size_t convert(uint8_t *to, size_t cap, const struct packet *p, const struct addr *source,
		      const struct addr *destination)
{
	uint8_t protocol = other_protocol(p->protocol);
	size_t claimed = transport_len(p), there = p->whole.len - p->transport;
	size_t header = packet_build_ip(to, cap, source, destination, protocol, claimed);

	if (header == 0 || cap - header < there || p->kind == PACKET_OTHER ||
	    p->kind == PACKET_ERROR)
		return 0;
	const uint8_t *old = p->whole.data + p->transport;
	uint8_t *new = to + header;
	put_ttl(to, p->ttl, header + claimed);
	memcpy(new, old, there);
	set_transport(new, p, source, destination);
	if (p->checksum == 0)
		return header + there;

	uint8_t *field = new + (p->checksum - p->transport);
	if (p->kind == PACKET_DATAGRAM && field[0] == 0 && field[1] == 0) {
		if (source->family == ADDR_IPV6 && there == claimed)
			sum_up(new, there, source, destination);
		return header + there;
	}
	packet_adjust_checksum(field,
			       changing_sum(old, p->protocol, &p->source, &p->destination, claimed),
			       changing_sum(new, protocol, source, destination, claimed));
	if (p->kind == PACKET_DATAGRAM && field[0] == 0 && field[1] == 0)
		wire_store_u16(field, 0xffff);
	return header + there;
}

/* Puts what was converted to work; `p` is parsed anew. */
static bool adopt(struct nat *n, size_t len, struct packet *p)
{
	if (len == 0)
		return false;
	memcpy(n->out, n->converted, len);
	return packet_parse(bytes_of(n->out, len), p);
}

struct nat_flow *nat_64_outbound(struct nat *n, struct packet *p, const char **why, uint64_t now_us)
{
	struct packet seen = *p; /* as IPv4 has it, but for its source */

	*why = "protocol";
	if (p->kind == PACKET_OTHER)
		return NULL;
	seen.destination = to_ipv4(n, &p->destination);
	if (seen.protocol == PACKET_ICMPV6)
		seen.protocol = PACKET_ICMP;
	if (!nat_translates(n, seen.protocol, ADDR_IPV4))
		return NULL;
	struct nat_flow *f = nat_outbound_flow(n, &seen, why, now_us);
	if (f == NULL)
		return NULL;
	size_t len =
		convert(n->converted, sizeof(n->converted), p, &f->external, &seen.destination);
	*why = "broken";
	return adopt(n, len, p) ? f : NULL;
}

bool nat_64_inbound(struct nat *n, struct packet *p, const struct addr *source,
		    const struct addr *internal)
{
	struct addr from = source->family == ADDR_IPV6 ? *source : to_ipv6(n, source);

	return adopt(n, convert(n->converted, sizeof(n->converted), p, &from, internal), p);
}

struct icmp {
	uint8_t type, code;
	uint32_t rest;
};

/* RFC 7915, section 4.2. */
static bool error_to_ipv6(const struct packet *p, struct icmp *out)
{
	*out = (struct icmp){ ICMP6_UNREACHABLE, 0, 0 };
	if (p->icmp_type == ICMP4_TIME_EXCEEDED) {
		*out = (struct icmp){ ICMP6_TIME_EXCEEDED, p->icmp_code, 0 };
		return true;
	}
	if (p->icmp_type != ICMP4_UNREACHABLE)
		return false;
	switch (p->icmp_code) {
	case 2:
		return false;
	case 3:
		out->code = 4;
		break;
	case 4:
		*out = (struct icmp){ ICMP6_TOO_BIG, 0, (p->icmp_rest & 0xffff) + 20 };
		break;
	case 9:
	case 10:
	case 13:
		out->code = 1;
		break;
	default:
		break;
	}
	return true;
}

/* RFC 7915, section 5.2. */
static bool error_to_ipv4(const struct packet *p, struct icmp *out)
{
	switch (p->icmp_type) {
	case ICMP6_UNREACHABLE:
		*out = (struct icmp){ ICMP4_UNREACHABLE, 1, 0 };
		if (p->icmp_code == 4)
			out->code = 3;
		else if (p->icmp_code == 1)
			out->code = 10;
		return true;
	case ICMP6_TOO_BIG:
		*out = (struct icmp){ ICMP4_UNREACHABLE, 4,
				      p->icmp_rest > 20 ? (p->icmp_rest - 20) & 0xffff : 0 };
		return true;
	case ICMP6_TIME_EXCEEDED:
		*out = (struct icmp){ ICMP4_TIME_EXCEEDED, p->icmp_code, 0 };
		return true;
	default:
		return false;
	}
}

/* As much of it as an error has room for, with a longer header. */
static size_t convert_quote(uint8_t quote[PACKET_QUOTE_MAX], const struct packet *about,
			    const struct addr *source, const struct addr *destination)
{
	struct packet cut = *about;

	if (cut.whole.len > PACKET_QUOTE_MAX - 40) {
		cut.whole.len = PACKET_QUOTE_MAX - 40;
		if (cut.transport + 20 > cut.whole.len)
			return 0;
	}
	return convert(quote, PACKET_QUOTE_MAX, &cut, source, destination);
}

bool nat_64_error_out(struct nat *n, struct packet *p, const struct packet *about,
		      const struct nat_mapping *m)
{
	struct addr remote = to_ipv4(n, &about->source), to = to_ipv4(n, &p->destination);
	uint8_t quote[PACKET_QUOTE_MAX];
	struct icmp icmp;

	if (!error_to_ipv4(p, &icmp) || !nat_64_contains(n, &p->destination))
		return false;
	size_t len = convert_quote(quote, about, &remote, &m->external);
	if (len == 0)
		return false;
	return adopt(n,
		     packet_build_error(n->converted, sizeof(n->converted), &m->external, &to,
					icmp.type, icmp.code, icmp.rest, bytes_of(quote, len)),
		     p);
}

bool nat_64_error_in(struct nat *n, struct packet *p, const struct packet *about,
		     const struct nat_mapping *m)
{
	struct addr remote = to_ipv6(n, &about->destination), from = to_ipv6(n, &p->source);
	uint8_t quote[PACKET_QUOTE_MAX];
	struct icmp icmp;

	if (!error_to_ipv6(p, &icmp))
		return false;
	size_t len = convert_quote(quote, about, &m->internal, &remote);
	if (len == 0)
		return false;
	return adopt(n,
		     packet_build_error(n->converted, sizeof(n->converted), &from, &m->internal,
					icmp.type, icmp.code, icmp.rest, bytes_of(quote, len)),
		     p);
}

/* The tuple of what an error from inside is about. */
struct nat_tuple nat_64_tuple(const struct nat *n, const struct packet *about)
{
	uint8_t protocol = about->protocol == PACKET_ICMPV6 ? PACKET_ICMP : about->protocol;

	return (struct nat_tuple){ protocol, about->destination, to_ipv4(n, &about->source) };
}
