#include "tests/nat_state.h"

#define PCP_VERSION        2
#define PCP_RESPONSE       0x80
#define PCP_LENGTH_MAX     1100
#define PCP_HEADER         24
#define PCP_MAP            36
#define PCP_ERROR_S        30 /* for how long an error holds, for most of them */
#define PCP_PREFER_FAILURE 2

enum pcp_opcode {
	PCP_ANNOUNCE_OPCODE = 0,
	PCP_MAP_OPCODE = 1,
};

enum pcp_result {
	PCP_SUCCESS = 0,
	PCP_UNSUPP_VERSION = 1,
	PCP_NOT_AUTHORIZED = 2,
	PCP_MALFORMED_REQUEST = 3,
	PCP_UNSUPP_OPCODE = 4,
	PCP_UNSUPP_OPTION = 5,
	PCP_MALFORMED_OPTION = 6,
	PCP_NO_RESOURCES = 8,
	PCP_UNSUPP_PROTOCOL = 9,
	PCP_USER_EX_QUOTA = 10,
	PCP_CANNOT_PROVIDE_EXTERNAL = 11,
	PCP_ADDRESS_MISMATCH = 12,
};

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static struct addr get_address(struct wire *in)
{
	struct addr a = { .family = ADDR_IPV6 };

	wire_get_mem(in, a.ip, sizeof(a.ip));
	return addr_unmap(&a);
}

static void store_address(uint8_t *p, const struct addr *a)
{
	if (a->family == ADDR_IPV6) {
		memcpy(p, a->ip, 16);
		return;
	}
	memcpy(p, v4_mapped, sizeof(v4_mapped));
	memcpy(p + 12, a->ip, 4);
}

/* PREFER_FAILURE is all we know; options from 128 on may be ignored (RFC 6887, section 7.3). */
static enum pcp_result read_options(struct wire *in, struct nat_grant *g)
{
	while (in->left > 0 && !in->failed) {
		uint8_t code = wire_get_u8(in);

		wire_skip(in, 1);
		uint16_t len = wire_get_u16(in);
		wire_skip(in, len + wire_padding(len));
		if (in->failed)
			return PCP_MALFORMED_OPTION;
		if (code == PCP_PREFER_FAILURE) {
			if (len != 0 || g->lifetime_s == 0)
				return PCP_MALFORMED_OPTION;
			g->or_nothing = true;
		} else if (code < 128) {
			return PCP_UNSUPP_OPTION;
		}
	}
	return PCP_SUCCESS;
}

static enum pcp_result result_of(enum nat_grant_result r)
{
	switch (r) {
	case NAT_GRANTED:
		return PCP_SUCCESS;
	case NAT_GRANT_QUOTA:
		return PCP_USER_EX_QUOTA;
	case NAT_GRANT_NOT_SUGGESTED:
		return PCP_CANNOT_PROVIDE_EXTERNAL;
	case NAT_GRANT_NOT_YOURS:
		return PCP_NOT_AUTHORIZED;
	default:
		return PCP_NO_RESOURCES;
	}
}

/* The MAP opcode (RFC 6887, section 11.3). `answer` holds a copy of the request. */
static enum pcp_result map(struct nat *n, const struct addr *host, struct wire *in,
			   uint32_t *lifetime_s, uint8_t *answer, uint64_t now_us)
{
	struct nat_grant g = { .lifetime_s = *lifetime_s };
	struct nat_mapping *m = NULL;

	wire_get_mem(in, g.nonce, sizeof(g.nonce));
	g.protocol = wire_get_u8(in);
	wire_skip(in, 3);
	g.internal = addr_with_port(host, wire_get_u16(in));
	g.port = wire_get_u16(in);
	wire_skip(in, 16); /* there is one external address that we would give */
	if (in->failed || (g.protocol == 0 && g.internal.port != 0))
		return PCP_MALFORMED_REQUEST;
	enum pcp_result options = read_options(in, &g);
	if (options != PCP_SUCCESS)
		return options;
	if ((g.protocol != PACKET_UDP && g.protocol != PACKET_TCP) || g.internal.port == 0)
		return PCP_UNSUPP_PROTOCOL;

	enum nat_grant_result r = nat_grant(n, &g, &m, now_us);
	if (r == NAT_GRANTED || r == NAT_GRANT_NOT_YOURS)
		*lifetime_s = g.lifetime_s;
	if (m != NULL) {
		struct addr external = nat_claimed_external(n, m, m->external.family);

		wire_store_u16(answer + PCP_HEADER + 18, external.port);
		store_address(answer + PCP_HEADER + 20, &external);
	}
	return result_of(r);
}

static enum pcp_result answer_opcode(struct nat *n, const struct addr *host, struct bytes request,
				     uint32_t *lifetime_s, uint8_t *answer, uint64_t now_us)
{
	struct wire in = wire_read(request);

	wire_skip(&in, 1);
	uint8_t opcode = wire_get_u8(&in);
	wire_skip(&in, 2);
	*lifetime_s = wire_get_u32(&in);
	struct addr client = get_address(&in);
	if (request.len > PCP_LENGTH_MAX || request.len % 4 != 0 ||
	    (opcode == PCP_MAP_OPCODE && request.len < PCP_HEADER + PCP_MAP))
		return PCP_MALFORMED_REQUEST;
	if (!addr_equal_ip(&client, host))
		return PCP_ADDRESS_MISMATCH;
	if (opcode == PCP_MAP_OPCODE)
		return map(n, host, &in, lifetime_s, answer, now_us);
	*lifetime_s = 0;
	return opcode == PCP_ANNOUNCE_OPCODE ? PCP_SUCCESS : PCP_UNSUPP_OPCODE;
}

/* The response header in place of the request's (RFC 6887, section 7.2). */
static void put_header(const struct nat *n, uint8_t *answer, enum pcp_result result,
		       uint32_t lifetime_s, uint64_t now_us)
{
	memset(answer + 2, 0, PCP_HEADER - 2);
	answer[0] = PCP_VERSION;
	answer[1] |= PCP_RESPONSE;
	answer[3] = (uint8_t)result;
	wire_store_u32(answer + 4, lifetime_s);
	wire_store_u32(answer + 8, nat_epoch_s(n, now_us));
}

struct bytes nat_pcp(struct nat *n, const struct addr *host, struct bytes in,
		     uint8_t answer[NAT_PORTMAP_MAX], uint64_t now_us)
{
	size_t len = in.len < PCP_LENGTH_MAX ? in.len : PCP_LENGTH_MAX;
	uint32_t lifetime_s = 0;
	enum pcp_result result = PCP_UNSUPP_VERSION;

	memset(answer, 0, NAT_PORTMAP_MAX);
	memcpy(answer, in.data, len);
	if (in.data[0] == PCP_VERSION) {
		if (in.len < PCP_HEADER)
			return (struct bytes){ 0 };
		result = answer_opcode(n, host, in, &lifetime_s, answer, now_us);
	} else {
		len = PCP_HEADER;
	}
	if (result != PCP_SUCCESS && result != PCP_NOT_AUTHORIZED)
		lifetime_s = PCP_ERROR_S;
	put_header(n, answer, result, lifetime_s, now_us);
	return bytes_of(answer, len + wire_padding(len));
}
