#include "portmap_wire.h"

#define PCP_VERSION        2
#define PCP_OP_ANNOUNCE    0
#define PCP_OP_MAP         1
#define PCP_PREFER_FAILURE 2
#define PCP_HEADER_LEN     24
#define PCP_MAP_LEN        60
#define PCP_LEN_MAX        1100

#define PMP_VERSION    0
#define PMP_OP_ADDRESS 0
#define PMP_OP_UDP     1
#define PMP_OP_TCP     2

#define RESPONSE      0x80
#define OTHER_VERSION 1 /* the same number in both protocols */

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* IPv4 stands in IPv6 (RFC 6887, section 5); without an address, all zeros of that family. */
static void put_ip(struct wire_out *w, const struct addr *a, uint8_t family)
{
	if (family == ADDR_IPV6) {
		wire_put_mem(w, a->ip, 16);
		return;
	}
	wire_put_mem(w, v4_mapped, sizeof(v4_mapped));
	wire_put_mem(w, a->ip, 4);
}

static void put_pcp_header(struct wire_out *w, uint8_t opcode, uint32_t lifetime_s,
			   const struct addr *local)
{
	wire_put_u8(w, PCP_VERSION);
	wire_put_u8(w, opcode);
	wire_put_zeros(w, 2);
	wire_put_u32(w, lifetime_s);
	put_ip(w, local, local->family);
}

size_t portmap_put_pcp_announce(const struct addr *local, uint8_t out[PORTMAP_REQUEST_MAX])
{
	struct wire_out w = wire_write(out, PORTMAP_REQUEST_MAX);

	put_pcp_header(&w, PCP_OP_ANNOUNCE, 0, local);
	return w.len;
}

size_t portmap_put_pcp_map(const struct portmap_wish *wish, uint8_t out[PORTMAP_REQUEST_MAX])
{
	struct wire_out w = wire_write(out, PORTMAP_REQUEST_MAX);
	bool has_address = wish->suggested.family == wish->internal.family;
	const struct addr any = { 0 };

	put_pcp_header(&w, PCP_OP_MAP, wish->lifetime_s, &wish->internal);
	wire_put_mem(&w, wish->nonce, sizeof(wish->nonce));
	wire_put_u8(&w, wish->transport);
	wire_put_zeros(&w, 3);
	wire_put_u16(&w, wish->internal.port);
	wire_put_u16(&w, wish->suggested.port);
	put_ip(&w, has_address ? &wish->suggested : &any, wish->internal.family);
	if (wish->or_nothing && wish->lifetime_s > 0) {
		wire_put_u8(&w, PCP_PREFER_FAILURE);
		wire_put_zeros(&w, 3); /* reserved, and no data */
	}
	return w.len;
}

size_t portmap_put_pmp_address(uint8_t out[PORTMAP_REQUEST_MAX])
{
	struct wire_out w = wire_write(out, PORTMAP_REQUEST_MAX);

	wire_put_u8(&w, PMP_VERSION);
	wire_put_u8(&w, PMP_OP_ADDRESS);
	return w.len;
}

size_t portmap_put_pmp_map(const struct portmap_wish *wish, uint8_t out[PORTMAP_REQUEST_MAX])
{
	struct wire_out w = wire_write(out, PORTMAP_REQUEST_MAX);

	wire_put_u8(&w, PMP_VERSION);
	wire_put_u8(&w, wish->transport == PORTMAP_UDP ? PMP_OP_UDP : PMP_OP_TCP);
	wire_put_zeros(&w, 2);
	wire_put_u16(&w, wish->internal.port);
	wire_put_u16(&w, wish->suggested.port);
	wire_put_u32(&w, wish->lifetime_s);
	return w.len;
}

static enum portmap_reply_kind read_pmp_address(struct wire *in, struct portmap_reply *r)
{
	uint8_t ip[4] = { 0 };

	if (r->result != 0)
		return PORTMAP_PMP_ADDRESS;
	wire_get_mem(in, ip, sizeof(ip));
	if (!wire_done(in))
		return PORTMAP_NO_REPLY;
	r->external = addr_ipv4(ip[0], ip[1], ip[2], ip[3], 0);
	if (addr_is_any(&r->external))
		r->external = (struct addr){ 0 };
	return PORTMAP_PMP_ADDRESS;
}

static enum portmap_reply_kind read_pmp_map(struct wire *in, uint8_t opcode,
					    struct portmap_reply *r)
{
	r->transport = opcode == PMP_OP_UDP ? PORTMAP_UDP : PORTMAP_TCP;
	r->internal_port = wire_get_u16(in);
	r->external = (struct addr){ .port = wire_get_u16(in) };
	r->lifetime_s = wire_get_u32(in);
	return in->failed ? PORTMAP_NO_REPLY : PORTMAP_PMP_MAP;
}

/* RFC 6886, sections 3.2, 3.3 and 3.5. */
static enum portmap_reply_kind read_pmp(struct wire *in, struct portmap_reply *r)
{
	uint8_t opcode = wire_get_u8(in);

	r->result = wire_get_u16(in);
	r->epoch_s = wire_get_u32(in);
	if (in->failed)
		return PORTMAP_NO_REPLY;
	/* Whatever opcode it repeats, with the response bit or without. */
	if (r->result == OTHER_VERSION)
		return PORTMAP_PMP_ALONE;
	switch (opcode) {
	case RESPONSE | PMP_OP_ADDRESS:
		return read_pmp_address(in, r);
	case RESPONSE | PMP_OP_UDP:
	case RESPONSE | PMP_OP_TCP:
		return read_pmp_map(in, opcode & (uint8_t)~RESPONSE, r);
	default:
		return PORTMAP_NO_REPLY;
	}
}

static enum portmap_reply_kind read_pcp_map(struct wire *in, struct portmap_reply *r)
{
	struct addr a = { .family = ADDR_IPV6 };

	wire_get_mem(in, r->nonce, sizeof(r->nonce));
	r->transport = wire_get_u8(in);
	wire_skip(in, 3);
	r->internal_port = wire_get_u16(in);
	a.port = wire_get_u16(in);
	wire_get_mem(in, a.ip, sizeof(a.ip));
	r->external = addr_unmap(&a);
	return in->failed ? PORTMAP_NO_REPLY : PORTMAP_PCP_MAP;
}

/* RFC 6887, sections 7.2, 8.3 and 11.1. Options behind it are of no interest. */
static enum portmap_reply_kind read_pcp(struct wire *in, uint8_t version, size_t len,
					struct portmap_reply *r)
{
	uint8_t opcode = wire_get_u8(in);

	wire_skip(in, 1);
	r->result = wire_get_u8(in);
	if (in->failed || (opcode & RESPONSE) == 0)
		return PORTMAP_NO_REPLY;
	/* May be shorter than others. */
	if (r->result == PORTMAP_PCP_UNSUPP_VERSION)
		return version == PCP_VERSION ? PORTMAP_PCP_ALONE : PORTMAP_PCP_OTHER;
	if (version != PCP_VERSION || len < PCP_HEADER_LEN || len > PCP_LEN_MAX || len % 4 != 0)
		return PORTMAP_NO_REPLY;
	r->lifetime_s = wire_get_u32(in);
	r->epoch_s = wire_get_u32(in);
	wire_skip(in, 12);
	if (opcode == (RESPONSE | PCP_OP_ANNOUNCE))
		return PORTMAP_PCP_ANNOUNCE;
	if (opcode == (RESPONSE | PCP_OP_MAP) && len >= PCP_MAP_LEN)
		return read_pcp_map(in, r);
	return PORTMAP_NO_REPLY;
}

enum portmap_reply_kind portmap_read(struct bytes datagram, struct portmap_reply *out)
{
	struct wire in = wire_read(datagram);
	uint8_t version = wire_get_u8(&in);
	enum portmap_reply_kind kind = PORTMAP_NO_REPLY;

	*out = (struct portmap_reply){ 0 };
	if (!in.failed && version == PMP_VERSION)
		kind = read_pmp(&in, out);
	else if (!in.failed)
		kind = read_pcp(&in, version, datagram.len, out);
	if (kind == PORTMAP_NO_REPLY)
		*out = (struct portmap_reply){ 0 };
	out->kind = (uint8_t)kind;
	return kind;
}

const char *portmap_pcp_result_word(uint16_t result)
{
	static const char *const words[] = {
		"success",
		"unsupported-version",
		"not-authorized",
		"malformed-request",
		"unsupported-opcode",
		"unsupported-option",
		"malformed-option",
		"network-failure",
		"no-resources",
		"unsupported-protocol",
		"over-quota",
		"cannot-provide-external",
		"address-mismatch",
		"excessive-remote-peers",
	};

	return result < ARRAY_LEN(words) ? words[result] : "code";
}

const char *portmap_pmp_result_word(uint16_t result)
{
	static const char *const words[] = {
		"success",         "unsupported-version", "not-authorized",
		"network-failure", "no-resources",        "unsupported-opcode",
	};

	return result < ARRAY_LEN(words) ? words[result] : "code";
}

static bool has_clock(const struct portmap_reply *r)
{
	return r->kind == PORTMAP_PCP_MAP || r->kind == PORTMAP_PCP_ANNOUNCE ||
	       r->kind == PORTMAP_PMP_MAP || r->kind == PORTMAP_PMP_ADDRESS;
}

/* Clocks may differ by a sixteenth, and by two seconds (RFC 6887, section 8.5). */
static bool is_odd_for_pcp(uint64_t client_s, uint64_t server_s)
{
	return client_s + 2 < server_s - server_s / 16 || server_s + 2 < client_s - client_s / 16;
}

bool portmap_epoch_is_new(struct portmap_epoch *e, const struct portmap_reply *r, uint64_t now_us)
{
	struct portmap_epoch before = *e;
	uint64_t client_s = (now_us - before.client_us) / 1000000;

	if (!has_clock(r))
		return false;
	*e = (struct portmap_epoch){ .known = true, .server_s = r->epoch_s, .client_us = now_us };
	if (!before.known)
		return false;
	if ((uint64_t)r->epoch_s + 1 < before.server_s)
		return true;
	if (r->kind == PORTMAP_PCP_MAP || r->kind == PORTMAP_PCP_ANNOUNCE) {
		uint64_t server_s = r->epoch_s > before.server_s ? r->epoch_s - before.server_s : 0;

		return is_odd_for_pcp(client_s, server_s);
	}
	/* NAT-PMP: a clock that runs fast says nothing (RFC 6886, section 3.6). */
	return (uint64_t)r->epoch_s + 2 < before.server_s + client_s * 7 / 8;
}
