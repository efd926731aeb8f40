#include "tests/nat_model.h"

#include <stdlib.h>

#include "tests/nat_state.h"

#define MTU     1500
#define MTU_MIN 128

struct nat *nat_new(const struct nat_config *config, uint64_t seed, const struct nat_io *io)
{
	struct nat *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->config = *config;
	n->io = *io;
	n->rng = rng_seed(seed);
	rng_fill(&n->rng, n->key, sizeof(n->key));
	if (n->config.external_count > NAT_EXTERNALS_MAX)
		n->config.external_count = NAT_EXTERNALS_MAX;
	nat_alloc_start(n);
	if (!nat_map_open(n)) {
		nat_free(n);
		return NULL;
	}
	return n;
}

void nat_free(struct nat *n)
{
	if (n == NULL)
		return;
	nat_fragments_close(n);
	nat_map_close(n);
	free(n);
}

void nat_emit(struct nat *n, enum nat_side side, struct bytes packet)
{
	struct packet p;

	if (side == NAT_OUTSIDE && n->config.nptv6_len > 0) {
		memcpy(n->converted, packet.data, packet.len);
		packet = bytes_of(n->converted, packet.len);
		if (packet_parse(packet, &p))
			nat_66_leave(n, n->converted, &p);
	}
	n->io.emit(n->io.arg, side, packet);
}

void nat_log(struct nat *n, enum nat_event_kind kind, enum nat_side side, uint8_t protocol,
	     const struct addr *internal, const struct addr *external, const struct addr *remote,
	     const char *why, uint64_t now_us)
{
	struct nat_event e = { .kind = (uint8_t)kind,
			       .protocol = protocol,
			       .side = (uint8_t)side,
			       .why = why,
			       .now_us = now_us };

	if (n->io.log == NULL)
		return;
	if (internal != NULL)
		e.internal = *internal;
	if (external != NULL)
		e.external = *external;
	if (remote != NULL)
		e.remote = *remote;
	n->io.log(n->io.arg, &e);
}

void nat_drop(struct nat *n, enum nat_side side, const struct packet *p, const char *why,
	      uint64_t now_us)
{
	if (side == NAT_INSIDE)
		nat_log(n, NAT_EVENT_DROPPED, side, p->protocol, &p->source, NULL, &p->destination,
			why, now_us);
	else
		nat_log(n, NAT_EVENT_DROPPED, side, p->protocol, NULL, &p->destination, &p->source,
			why, now_us);
}

bool nat_owns(const struct nat *n, const struct addr *external)
{
	if (nat_66_is_outside(n, external))
		return true;
	if (n->config.mapping == NAT_NONE && !n->config.has_tcp_rules)
		return false;
	for (size_t i = 0; i < n->config.external_count; i++) {
		if (addr_equal_ip(&n->config.externals[i], external))
			return true;
	}
	return false;
}

/* A token bucket, as the time when it would be full again. */
static bool passes_rate(struct nat *n, uint64_t now_us)
{
	const struct nat_config *c = &n->config;

	if (c->rate_per_s == 0)
		return true;
	uint64_t now_ns = now_us * 1000, gap_ns = 1000000000 / c->rate_per_s;
	uint64_t burst = c->rate_burst > 0 ? c->rate_burst : 1;
	if (n->bucket_ns < now_ns)
		n->bucket_ns = now_ns;
	if (n->bucket_ns - now_ns > (burst - 1) * gap_ns)
		return false;
	n->bucket_ns += gap_ns;
	return true;
}

static bool is_blocked(const struct nat *n, const struct packet *p)
{
	switch (p->protocol) {
	case PACKET_UDP:
		return n->config.udp_blocked;
	case PACKET_TCP:
		return n->config.tcp_blocked;
	case PACKET_ICMP:
	case PACKET_ICMPV6:
		return n->config.icmp_blocked;
	default:
		return false;
	}
}

static bool is_port_allowed(const struct nat *n, const struct packet *p)
{
	const uint16_t *allowed = n->config.udp_ports_allowed;

	if (p->kind != PACKET_DATAGRAM || allowed[0] == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(n->config.udp_ports_allowed) && allowed[i] != 0; i++) {
		if (allowed[i] == p->destination.port)
			return true;
	}
	return false;
}

/* A router, as far as these packets are concerned. */
static bool is_router(const struct nat *n, const struct packet *p)
{
	return nat_filtering_rule(n, p->protocol) == NAT_NONE &&
	       !nat_translates(n, p->protocol, p->source.family);
}

static size_t mtu_of(const struct nat *n)
{
	size_t mtu = n->config.mtu;

	if (mtu == 0)
		return MTU;
	return mtu < MTU_MIN ? MTU_MIN : mtu;
}

/* The packet in n->out is done. */
static void deliver(struct nat *n, enum nat_side side, const struct packet *p)
{
	size_t mtu = mtu_of(n);

	nat_fragment_known(n, side, p);
	if (side == NAT_OUTSIDE && p->whole.len > mtu && p->source.family == ADDR_IPV4)
		nat_split(n, p, mtu);
	else
		nat_emit(n, side, p->whole);
}

/* To the host behind the mapping, with another source if that is not NULL. */
static void admit(struct nat *n, struct packet *p, const struct nat_mapping *m,
		  const struct addr *source)
{
	if (m->internal.family != p->destination.family) {
		if (!nat_64_inbound(n, p, source != NULL ? source : &p->source, &m->internal) ||
		    p->whole.len > MTU) /* IPv6 has more in front, and routers do not fragment */
			return;
	} else if (m->translated) {
		packet_rewrite(n->out, p, source, &m->internal);
		if (n->config.alg)
			nat_alg(n->out, p, &m->external, &m->internal);
	}
	deliver(n, NAT_INSIDE, p);
}

/* The packet is translated already, and comes back for another host of ours, or the same. */
static void hairpin(struct nat *n, struct packet *p, const struct addr *original, uint64_t now_us)
{
	const char *why = "hairpin";
	struct nat_mapping *m = NULL;

	if (n->config.hairpin != NAT_HAIRPIN_NONE)
		m = nat_inbound_mapping(n, p, &why, now_us);
	if (m == NULL) {
		nat_drop(n, NAT_INSIDE, p, why, now_us);
		return;
	}
	nat_inbound_note(n, m, p, now_us);
	admit(n, p, m, n->config.hairpin == NAT_HAIRPIN_INTERNAL ? original : NULL);
}

static void outbound(struct nat *n, struct packet *p, uint64_t now_us)
{
	struct addr original = p->source;
	bool changes_family = nat_64_contains(n, &p->destination);
	struct nat_flow *f;
	const char *why;

	if (is_router(n, p) && !changes_family) {
		deliver(n, NAT_OUTSIDE, p);
		return;
	}
	if (p->kind == PACKET_ERROR) {
		nat_error_out(n, p, now_us);
		return;
	}
	f = changes_family ? nat_64_outbound(n, p, &why, now_us)
			   : nat_outbound_flow(n, p, &why, now_us);
	if (f == NULL) {
		nat_drop(n, NAT_INSIDE, p, why, now_us);
		return;
	}
	if (f->mapping->translated && !changes_family) {
		packet_rewrite(n->out, p, &f->external, NULL);
		if (n->config.alg)
			nat_alg(n->out, p, &original, &f->external);
	}
	if (nat_owns(n, &p->destination))
		hairpin(n, p, &original, now_us);
	else
		deliver(n, NAT_OUTSIDE, p);
}

/* Whether it can leave, in pieces if need be; if not, the sender may hear why. */
static bool fits(struct nat *n, const struct packet *p)
{
	const struct nat_config *c = &n->config;
	bool ipv4 = p->source.family == ADDR_IPV4;
	size_t mtu = mtu_of(n) + (nat_64_contains(n, &p->destination) ? 20 : 0);

	if (p->whole.len <= mtu || (ipv4 && (!p->dont_fragment || c->fragments_df)))
		return true;
	if (!c->silent_too_big && p->kind != PACKET_ERROR && !c->drops_icmp_errors)
		nat_send_error(n, NAT_INSIDE, p, &c->gateway,
			       ipv4 ? ICMP4_UNREACHABLE : ICMP6_TOO_BIG, ipv4 ? 4 : 0,
			       (uint32_t)mtu);
	return false;
}

/* From one of ours to what another one of ours is called outside. */
static void turn_back(struct nat *n, struct packet *p, uint64_t now_us)
{
	if (n->config.hairpin == NAT_HAIRPIN_NONE) {
		nat_drop(n, NAT_INSIDE, p, "hairpin", now_us);
		return;
	}
	nat_66_enter(n, n->out, p);
	if (n->config.hairpin == NAT_HAIRPIN_EXTERNAL)
		nat_66_leave(n, n->out, p);
	deliver(n, NAT_INSIDE, p);
}

static void from_inside(struct nat *n, struct packet *p, uint64_t now_us)
{
	const char *why = NULL;

	if (nat_box_input(n, p, now_us))
		return;
	if (is_blocked(n, p) || !is_port_allowed(n, p))
		why = "blocked";
	else if (!passes_rate(n, now_us))
		why = "rate-limit";
	if (why != NULL) {
		nat_drop(n, NAT_INSIDE, p, why, now_us);
		return;
	}
	if (n->default_host[p->source.family].family == ADDR_NONE)
		n->default_host[p->source.family] = addr_with_port(&p->source, 0);
	if (!fits(n, p)) {
		nat_drop(n, NAT_INSIDE, p, "too-big", now_us);
		return;
	}
	if (nat_66_is_outside(n, &p->destination))
		turn_back(n, p, now_us);
	else if (packet_is_fragment(p) &&
		 (!is_router(n, p) || n->config.fragments_out != NAT_FRAGMENTS_ANY_ORDER))
		why = nat_fragment(n, NAT_INSIDE, p, now_us, outbound);
	else
		outbound(n, p, now_us);
	if (why != NULL)
		nat_drop(n, NAT_INSIDE, p, why, now_us);
}

static void refuse(struct nat *n, struct packet *p, const char *why, uint64_t now_us)
{
	struct nat_mapping *m;

	nat_drop(n, NAT_OUTSIDE, p, why, now_us);
	if (n->config.dies_on_unexpected && strcmp(why, "filtered") == 0) {
		while ((m = nat_mapping_external(n, p->protocol, &p->destination, NULL, now_us)) !=
		       NULL)
			nat_mapping_remove(n, m, NAT_EVENT_REMOVED, "unexpected", now_us);
	}
	nat_react(n, p, why, now_us);
}

static void inbound(struct nat *n, struct packet *p, uint64_t now_us)
{
	const char *why;

	if (is_router(n, p)) {
		deliver(n, NAT_INSIDE, p);
		return;
	}
	if (p->kind == PACKET_ERROR) {
		nat_error_in(n, p, now_us);
		return;
	}
	struct nat_mapping *m = nat_inbound_mapping(n, p, &why, now_us);
	if (m == NULL) {
		refuse(n, p, why, now_us);
		return;
	}
	nat_inbound_note(n, m, p, now_us);
	admit(n, p, m, NULL);
}

static void from_outside(struct nat *n, struct packet *p, uint64_t now_us)
{
	const char *why = NULL;

	if (is_blocked(n, p))
		why = "blocked";
	else if (n->config.max_inbound != 0 && p->whole.len > n->config.max_inbound)
		why = "too-big";
	else if (packet_is_fragment(p) &&
		 (!is_router(n, p) || n->config.fragments != NAT_FRAGMENTS_ANY_ORDER))
		why = nat_fragment(n, NAT_OUTSIDE, p, now_us, inbound);
	else
		inbound(n, p, now_us);
	if (why != NULL)
		nat_drop(n, NAT_OUTSIDE, p, why, now_us);
}

void nat_input(struct nat *n, enum nat_side from, struct bytes packet, uint64_t now_us)
{
	struct packet p;

	if (packet.len == 0 || packet.len > sizeof(n->out))
		return;
	memcpy(n->out, packet.data, packet.len);
	if (!packet_parse(bytes_of(n->out, packet.len), &p)) {
		nat_log(n, NAT_EVENT_DROPPED, from, 0, NULL, NULL, NULL, "broken", now_us);
		return;
	}
	if (from == NAT_INSIDE) {
		from_inside(n, &p, now_us);
		return;
	}
	nat_66_enter(n, n->out, &p);
	from_outside(n, &p, now_us);
}

uint64_t nat_tick(struct nat *n, uint64_t now_us)
{
	uint64_t reaction_us = nat_react_tick(n, now_us);
	uint64_t sweep_us = n->next_sweep_us;

	if (sweep_us <= now_us)
		sweep_us = nat_sweep(n, now_us);
	return reaction_us < sweep_us ? reaction_us : sweep_us;
}

size_t nat_mapping_count(const struct nat *n)
{
	return n->mapping_count;
}

void nat_flush(struct nat *n, uint64_t now_us)
{
	n->epoch_us = now_us;
	n->has_grants = false;
	while (n->alive != NULL)
		nat_mapping_remove(n, NAT_ENTRY(n->alive, struct nat_mapping, alive),
				   NAT_EVENT_REMOVED, "flush", now_us);
	while (n->box_flows != NULL)
		nat_flow_remove(n, NAT_ENTRY(n->box_flows, struct nat_flow, of_mapping));
	memset(n->delayed, 0, sizeof(n->delayed));
	nat_fragments_close(n);
}

void nat_new_address(struct nat *n, const struct addr *external, uint64_t now_us)
{
	nat_flush(n, now_us);
	for (size_t i = 0; i < n->config.external_count; i++) {
		struct addr *a = &n->config.externals[i];

		if (a->family != external->family)
			continue;
		*a = addr_with_port(external, 0);
		return;
	}
}
