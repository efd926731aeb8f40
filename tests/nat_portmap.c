#include "tests/nat_state.h"

#define LIFETIME_MAX_S   86400
#define NAT_PMP_VERSION  0
#define NAT_PMP_RESPONSE 128

enum nat_pmp_result {
	NAT_PMP_OK = 0,
	NAT_PMP_UNSUPPORTED_VERSION = 1,
	NAT_PMP_NETWORK_FAILURE = 3,
	NAT_PMP_NO_RESOURCES = 4,
	NAT_PMP_UNSUPPORTED_OPCODE = 5,
};

uint32_t nat_epoch_s(const struct nat *n, uint64_t now_us)
{
	return (uint32_t)((now_us - n->epoch_us) / NAT_S);
}

struct addr nat_claimed_external(const struct nat *n, const struct nat_mapping *m, uint8_t family)
{
	const struct addr *claims = &n->config.claims_external;
	const struct addr *first = nat_pool_address(n, family, 0);
	struct addr real = { 0 };

	if (m != NULL)
		real = m->external;
	else if (first != NULL)
		real = *first;
	return claims->family == family ? addr_with_port(claims, real.port) : real;
}

static struct nat_mapping *find_granted(struct nat *n, uint8_t protocol,
					const struct addr *internal, uint64_t now_us)
{
	struct addr nobody = { .family = internal->family };

	return nat_mapping_find(n, protocol, internal, &nobody, 0, now_us);
}

/* Suggested, the internal one, or any. */
static bool choose_port(struct nat *n, struct nat_mapping *m, const struct nat_grant *g,
			uint64_t now_us)
{
	if (g->port != 0 && nat_alloc_wish(n, m, g->port, now_us))
		return true;
	if (g->port != 0 && g->or_nothing)
		return false;
	return nat_alloc_wish(n, m, g->internal.port, now_us) ||
	       nat_alloc_random(n, m, NULL, now_us);
}

static enum nat_grant_result add(struct nat *n, const struct nat_grant *g,
				 struct nat_mapping **added, uint64_t now_us)
{
	struct nat_subscriber *s = nat_subscriber_of(n, &g->internal);
	struct nat_mapping m = { .internal = g->internal,
				 .external = g->internal,
				 .remote = { .family = g->internal.family },
				 .protocol = g->protocol,
				 .subscriber = s };
	uint32_t limit = n->config.subscriber_limit;

	if (limit > 0 && (s == NULL || s->mappings >= limit))
		return NAT_GRANT_QUOTA;
	m.translated = nat_translates(n, g->protocol, g->internal.family);
	if (m.translated) {
		uint8_t pick = 0;

		if (n->config.pooling == NAT_POOL_PAIRED)
			(void)nat_pool_pick(n, &g->internal, NULL, g->internal.family, &pick);
		m.external = *nat_pool_address(n, g->internal.family, pick);
		if (!choose_port(n, &m, g, now_us))
			return g->or_nothing ? NAT_GRANT_NOT_SUGGESTED : NAT_GRANT_NO_PORT;
	}
	m.granted_until_us = m.expires_us = now_us + (uint64_t)g->lifetime_s * NAT_S;
	*added = nat_mapping_add(n, &m, now_us);
	return *added != NULL ? NAT_GRANTED : NAT_GRANT_NO_PORT;
}

static void log_grant(struct nat *n, const struct nat_mapping *m, const char *why, uint64_t now_us)
{
	nat_log(n, NAT_EVENT_PORTMAP, NAT_INSIDE, m->protocol, &m->internal, &m->external, NULL,
		why, now_us);
}

static void end(struct nat *n, struct nat_mapping *m, uint64_t now_us)
{
	log_grant(n, m, "deleted", now_us);
	m->granted_until_us = 0;
	nat_mapping_reckon(n, m);
	if (m->expires_us <= now_us)
		nat_mapping_remove(n, m, NAT_EVENT_REMOVED, "portmap", now_us);
}

enum nat_grant_result nat_grant(struct nat *n, struct nat_grant *g, struct nat_mapping **granted,
				uint64_t now_us)
{
	struct nat_mapping *m = find_granted(n, g->protocol, &g->internal, now_us);
	bool is_grant = m != NULL && m->granted_until_us > now_us;
	enum nat_grant_result result = NAT_GRANTED;

	*granted = NULL;
	if (g->lifetime_s > LIFETIME_MAX_S)
		g->lifetime_s = LIFETIME_MAX_S;
	if (is_grant && memcmp(m->nonce, g->nonce, sizeof(m->nonce)) != 0) {
		g->lifetime_s = (uint32_t)((m->granted_until_us - now_us) / NAT_S);
		return NAT_GRANT_NOT_YOURS;
	}
	if (g->lifetime_s == 0) {
		if (is_grant)
			end(n, m, now_us);
		return NAT_GRANTED;
	}
	if (m != NULL && g->or_nothing && g->port != 0 && m->external.port != g->port)
		return NAT_GRANT_NOT_SUGGESTED;
	if (m == NULL)
		result = add(n, g, &m, now_us);
	if (result != NAT_GRANTED)
		return result;
	n->has_grants = true;
	memcpy(m->nonce, g->nonce, sizeof(m->nonce));
	m->granted_until_us = now_us + (uint64_t)g->lifetime_s * NAT_S;
	nat_mapping_reckon(n, m);
	log_grant(n, m, "granted", now_us);
	*granted = m;
	return NAT_GRANTED;
}

/* All that a host holds of a protocol (RFC 6886, section 3.4). */
static void end_all(struct nat *n, uint8_t protocol, const struct addr *host, uint64_t now_us)
{
	struct nat_chain *next;

	for (struct nat_chain *c = n->alive; c != NULL; c = next) {
		struct nat_mapping *m = NAT_ENTRY(c, struct nat_mapping, alive);

		next = c->next;
		if (m->protocol == protocol && m->granted_until_us > now_us &&
		    addr_equal_ip(&m->internal, host))
			end(n, m, now_us);
	}
}

static struct wire_out pmp_header(const struct nat *n, uint8_t *answer, uint8_t opcode,
				  enum nat_pmp_result result, uint64_t now_us)
{
	struct wire_out out = wire_write(answer, NAT_PORTMAP_MAX);

	wire_put_u8(&out, NAT_PMP_VERSION);
	wire_put_u8(&out, opcode);
	wire_put_u16(&out, (uint16_t)result);
	wire_put_u32(&out, nat_epoch_s(n, now_us));
	return out;
}

static struct bytes pmp_address(const struct nat *n, uint8_t *answer, uint64_t now_us)
{
	struct addr external = nat_claimed_external(n, NULL, ADDR_IPV4);
	bool known = external.family == ADDR_IPV4;
	struct wire_out out = pmp_header(n, answer, NAT_PMP_RESPONSE,
					 known ? NAT_PMP_OK : NAT_PMP_NETWORK_FAILURE, now_us);

	wire_put_mem(&out, external.ip, 4);
	return wire_written(&out);
}

static struct bytes pmp_map(struct nat *n, const struct addr *host, struct wire *in, uint8_t opcode,
			    uint8_t *answer, uint64_t now_us)
{
	struct nat_grant g = { .protocol = opcode == 1 ? PACKET_UDP : PACKET_TCP };
	struct nat_mapping *m = NULL;
	enum nat_grant_result result = NAT_GRANTED;

	wire_skip(in, 2);
	uint16_t internal_port = wire_get_u16(in);
	g.internal = addr_with_port(host, internal_port);
	g.port = wire_get_u16(in);
	g.lifetime_s = wire_get_u32(in);
	if (in->failed || (internal_port == 0 && g.lifetime_s != 0))
		return (struct bytes){ 0 };
	if (internal_port == 0)
		end_all(n, g.protocol, host, now_us);
	else
		result = nat_grant(n, &g, &m, now_us);

	struct wire_out out =
		pmp_header(n, answer, NAT_PMP_RESPONSE | opcode,
			   result == NAT_GRANTED ? NAT_PMP_OK : NAT_PMP_NO_RESOURCES, now_us);
	wire_put_u16(&out, internal_port);
	wire_put_u16(&out, m != NULL ? m->external.port : 0);
	wire_put_u32(&out, m != NULL ? g.lifetime_s : 0);
	return wire_written(&out);
}

/* The request comes back with its opcode's top bit and the result (RFC 6886, section 3.5). */
static struct bytes pmp_unknown(struct bytes in, uint8_t *answer)
{
	size_t len = in.len < 4 ? 4 : in.len;

	if (len > NAT_PORTMAP_MAX)
		len = NAT_PORTMAP_MAX;
	memset(answer, 0, 4);
	memcpy(answer, in.data, in.len < len ? in.len : len);
	answer[1] |= NAT_PMP_RESPONSE;
	wire_store_u16(answer + 2, NAT_PMP_UNSUPPORTED_OPCODE);
	return bytes_of(answer, len);
}

static struct bytes nat_pmp(struct nat *n, const struct addr *host, struct bytes in,
			    uint8_t *answer, uint64_t now_us)
{
	struct wire w = wire_read(in);

	wire_skip(&w, 1);
	uint8_t opcode = wire_get_u8(&w);
	if (opcode == 0)
		return pmp_address(n, answer, now_us);
	if (opcode <= 2)
		return pmp_map(n, host, &w, opcode, answer, now_us);
	return pmp_unknown(in, answer);
}

struct bytes nat_portmap(struct nat *n, const struct addr *host, struct bytes in,
			 uint8_t answer[NAT_PORTMAP_MAX], uint64_t now_us)
{
	const struct nat_config *c = &n->config;
	struct wire_out out;

	if (in.len < 2 || (in.data[1] & NAT_PMP_RESPONSE) != 0)
		return (struct bytes){ 0 }; /* a response is no request */
	if (in.data[0] == NAT_PMP_VERSION && c->nat_pmp && host->family == ADDR_IPV4)
		return nat_pmp(n, host, in, answer, now_us);
	if (c->pcp)
		return nat_pcp(n, host, in, answer, now_us);
	out = pmp_header(n, answer, NAT_PMP_RESPONSE | in.data[1], NAT_PMP_UNSUPPORTED_VERSION,
			 now_us);
	return wire_written(&out);
}
