#include "tests/nat_state.h"

#define LIFETIME_S 300

uint8_t nat_mapping_rule(const struct nat *n, uint8_t protocol)
{
	const struct nat_config *c = &n->config;

	return protocol == PACKET_TCP && c->has_tcp_rules ? c->tcp_mapping : c->mapping;
}

uint8_t nat_filtering_rule(const struct nat *n, uint8_t protocol)
{
	const struct nat_config *c = &n->config;
	uint8_t rule = protocol == PACKET_TCP && c->has_tcp_rules ? c->tcp_filtering : c->filtering;

	/* Nobody but who was asked may answer an echo (RFC 5508, REQ-1). */
	if (rule != NAT_NONE && protocol != PACKET_UDP && protocol != PACKET_TCP)
		return NAT_AD;
	return rule;
}

bool nat_translates(const struct nat *n, uint8_t protocol, uint8_t family)
{
	return nat_mapping_rule(n, protocol) != NAT_NONE && nat_pool_size(n, family) > 0;
}

/* What of the remote endpoint counts for a rule. */
static struct addr masked(const struct addr *remote, uint8_t rule)
{
	struct addr a = { .family = remote->family };

	switch (rule) {
	case NAT_AD:
		return addr_with_port(remote, 0);
	case NAT_APD:
		return *remote;
	case NAT_PD:
		a.port = remote->port;
		return a;
	default:
		return a;
	}
}

/* The rule for a mapping that is not there yet. */
static uint8_t rule_of_new(const struct nat *n, uint8_t protocol)
{
	const struct nat_config *c = &n->config;

	if (protocol != PACKET_UDP && protocol != PACKET_TCP)
		return NAT_EI;
	if (c->load_limit > 0 && n->mapping_count >= c->load_limit)
		return c->loaded_mapping;
	return nat_mapping_rule(n, protocol);
}

/* Where the port is kept, flows of one mapping may show several addresses. */
static bool pools_by_flow(const struct nat *n)
{
	switch (n->config.allocation) {
	case NAT_PRESERVING:
	case NAT_OFFSET:
	case NAT_LINUX:
		return n->config.pooling == NAT_POOL_ARBITRARY;
	default:
		return false;
	}
}

struct wanted {
	struct nat_tuple tuple;
	uint8_t pick; /* of the external address */
	uint8_t pool; /* what of it is part of the key */
	bool translated;
};

static struct nat_mapping *find(struct nat *n, const struct wanted *w, uint8_t rule,
				uint64_t now_us)
{
	struct addr remote = masked(&w->tuple.remote, rule);

	return nat_mapping_find(n, w->tuple.protocol, &w->tuple.internal, &remote, w->pool, now_us);
}

/* What the mapping would be made of; false, with a reason, when it must not be. */
static bool prepare(struct nat *n, const struct wanted *w, uint8_t rule, struct nat_mapping *m,
		    const char **why)
{
	const struct nat_tuple *t = &w->tuple;
	struct nat_subscriber *s = nat_subscriber_of(n, &t->internal);

	*m = (struct nat_mapping){ .internal = t->internal,
				   .external = t->internal,
				   .remote = masked(&t->remote, rule),
				   .protocol = t->protocol,
				   .pool = w->pool,
				   .subscriber = s,
				   .translated = w->translated };
	if (w->translated)
		m->external = addr_with_port(nat_pool_address(n, t->remote.family, w->pick), 0);
	if (n->config.subscriber_limit == 0)
		return true;
	*why = "subscriber-limit";
	return s != NULL && s->mappings < n->config.subscriber_limit;
}

static struct nat_mapping *add(struct nat *n, const struct nat_mapping *filled, const char **why,
			       enum nat_event_kind kind, const struct addr *remote, uint64_t now_us)
{
	struct nat_mapping *m = nat_mapping_add(n, filled, now_us);

	if (m == NULL)
		*why = "table-full";
	else
		nat_log(n, kind, NAT_INSIDE, m->protocol, &m->internal, &m->external, remote,
			kind == NAT_EVENT_REMAPPED ? "tuple-taken" : "outbound", now_us);
	return m;
}

static struct nat_mapping *make(struct nat *n, const struct wanted *w, uint8_t rule,
				const char **why, uint64_t now_us)
{
	enum nat_event_kind kind = NAT_EVENT_MAPPED;
	const struct addr *remote = &w->tuple.remote;
	struct nat_mapping m;

	if (!prepare(n, w, rule, &m, why))
		return NULL;
	if (w->translated && !nat_alloc_port(n, &m, remote, now_us)) {
		*why = "no-port";
		return NULL;
	}
	return add(n, &m, why, kind, remote, now_us);
}

/* NAT_LINUX: the mapping is there, but somebody else talks to this remote from its port. */
static struct nat_mapping *remap(struct nat *n, const struct wanted *w, const char **why,
				 uint64_t now_us)
{
	struct nat_mapping *known = find(n, w, NAT_APD, now_us);
	struct nat_mapping m;

	if (known != NULL)
		return known;
	if (!prepare(n, w, NAT_APD, &m, why))
		return NULL;
	if (!nat_alloc_random(n, &m, &w->tuple.remote, now_us)) {
		*why = "no-port";
		return NULL;
	}
	return add(n, &m, why, NAT_EVENT_REMAPPED, &w->tuple.remote, now_us);
}

static struct nat_mapping *find_any(struct nat *n, const struct wanted *w, uint64_t now_us)
{
	uint8_t protocol = w->tuple.protocol;
	bool has_rules = protocol == PACKET_UDP || protocol == PACKET_TCP;
	uint8_t base = has_rules && w->translated ? nat_mapping_rule(n, protocol) : NAT_EI;
	struct nat_mapping *m = NULL;

	if (n->has_grants && base != NAT_EI) {
		/* What PCP gave is endpoint-independent, whatever the box does else. */
		m = find(n, w, NAT_EI, now_us);
		if (m != NULL && m->granted_until_us > now_us)
			return m;
	}
	m = find(n, w, base, now_us);
	if (m == NULL && w->translated && n->config.load_limit > 0)
		m = find(n, w, n->config.loaded_mapping, now_us);
	return m;
}

static struct nat_mapping *mapping_for(struct nat *n, const struct wanted *w, const char **why,
				       uint64_t now_us)
{
	struct nat_mapping *m = find_any(n, w, now_us);

	if (m == NULL) {
		uint8_t rule = w->translated ? rule_of_new(n, w->tuple.protocol) : NAT_EI;

		return make(n, w, rule, why, now_us);
	}
	if (nat_flow_find_external(n, m->protocol, &m->external, &w->tuple.remote, now_us) != NULL)
		return remap(n, w, why, now_us);
	return m;
}

static bool want(struct nat *n, const struct packet *p, struct wanted *w)
{
	uint8_t family = p->destination.family;

	*w = (struct wanted){ .tuple = { p->protocol, p->source, p->destination } };
	w->translated = nat_translates(n, p->protocol, family);
	if (!w->translated)
		return true;
	if (p->kind == PACKET_OTHER)
		return false;
	(void)nat_pool_pick(n, &p->source, &p->destination, family, &w->pick);
	if (pools_by_flow(n) || n->config.pooling == NAT_POOL_BY_DESTINATION)
		w->pool = w->pick;
	return true;
}

static uint64_t lifetime_us(const struct nat *n, const struct nat_flow *f)
{
	const struct nat_config *c = &n->config;
	uint64_t s = c->lifetime_s != 0 ? c->lifetime_s : LIFETIME_S;

	if (f->protocol == PACKET_TCP)
		return nat_tcp_lifetime_s(n, f) * NAT_S;
	if (f->remote.port < 1024 && c->lifetime_low_port_s != 0)
		s = c->lifetime_low_port_s;
	if (!f->answered && c->lifetime_one_way_s != 0)
		s = c->lifetime_one_way_s;
	return s * NAT_S;
}

static void reckon(struct nat *n, struct nat_flow *f)
{
	nat_flow_lives_until(n, f, f->refreshed_us + lifetime_us(n, f));
}

static bool refreshes(const struct nat *n, enum nat_refresh direction)
{
	return n->config.refresh == direction || n->config.refresh == NAT_REFRESH_BOTH;
}

void nat_touch_out(struct nat *n, struct nat_flow *f, const struct packet *p, uint64_t now_us)
{
	bool is_tcp = p->kind == PACKET_SEGMENT;

	if (refreshes(n, NAT_REFRESH_OUT) || !f->sent || is_tcp)
		f->refreshed_us = now_us;
	if (is_tcp)
		nat_tcp_follow(f, p, true);
	f->sent = true;
	reckon(n, f);
}

void nat_touch_in(struct nat *n, struct nat_flow *f, const struct packet *p, uint64_t now_us)
{
	bool is_tcp = p->kind == PACKET_SEGMENT;

	if (refreshes(n, NAT_REFRESH_IN) || is_tcp)
		f->refreshed_us = now_us;
	if (is_tcp)
		nat_tcp_follow(f, p, false);
	f->answered = true;
	reckon(n, f);
}

void nat_inbound_note(struct nat *n, struct nat_mapping *m, const struct packet *p, uint64_t now_us)
{
	struct nat_tuple t = { p->protocol, m->internal, p->source };
	struct nat_flow *f =
		nat_flow_find_external(n, p->protocol, &p->destination, &p->source, now_us);

	/* A connection stays with the mapping it came through; a datagram's answer need not. */
	if (f == NULL && nat_tcp_is_syn(p))
		f = nat_flow_add(n, m, &t, now_us);
	if (f != NULL)
		nat_touch_in(n, f, p, now_us);
}

struct nat_flow *nat_outbound_flow(struct nat *n, const struct packet *p, const char **why,
				   uint64_t now_us)
{
	struct wanted w;

	*why = "protocol";
	if (!want(n, p, &w))
		return NULL;
	struct nat_flow *f = nat_flow_find(n, &w.tuple, now_us);
	if (f == NULL) {
		struct nat_mapping *m = mapping_for(n, &w, why, now_us);

		if (m == NULL)
			return NULL;
		f = nat_flow_add(n, m, &w.tuple, now_us);
	}
	if (f == NULL) {
		*why = "table-full";
		return NULL;
	}
	nat_touch_out(n, f, p, now_us);
	return f;
}

/* Whether the mapping ever sent to such a remote endpoint. */
static bool has_sent(struct nat *n, const struct nat_mapping *m, const struct addr *remote,
		     uint8_t rule, uint64_t now_us)
{
	if (rule == NAT_APD) {
		const struct nat_flow *f =
			nat_flow_find_external(n, m->protocol, &m->external, remote, now_us);

		return f != NULL && f->mapping == m && f->sent;
	}
	for (struct nat_chain *c = m->flows; c != NULL; c = c->next) {
		const struct nat_flow *f = NAT_ENTRY(c, struct nat_flow, of_mapping);

		if (!f->sent || f->expires_us <= now_us)
			continue;
		if (rule == NAT_AD ? addr_equal_ip(&f->remote, remote)
				   : f->remote.port == remote->port)
			return true;
	}
	return false;
}

static bool allows(struct nat *n, const struct nat_mapping *m, const struct addr *remote,
		   uint64_t now_us)
{
	uint8_t rule = nat_filtering_rule(n, m->protocol);

	if (rule == NAT_NONE || rule == NAT_EI || m->granted_until_us > now_us)
		return true;
	return has_sent(n, m, remote, rule, now_us);
}

/* Nothing is filtered and nothing mapped: to the host that this external address is of. */
static struct nat_mapping *open_inbound(struct nat *n, const struct packet *p, const char **why,
					uint64_t now_us)
{
	const struct addr *host = &n->default_host[p->destination.family];
	struct wanted w = { .tuple = { p->protocol, *host, p->source }, .translated = true };
	struct nat_mapping m;

	if (nat_filtering_rule(n, p->protocol) != NAT_NONE || p->kind == PACKET_OTHER ||
	    host->family == ADDR_NONE || !nat_owns(n, &p->destination))
		return NULL;
	w.tuple.internal.port = p->destination.port;
	if (nat_mapping_find(n, p->protocol, &w.tuple.internal,
			     &(struct addr){ .family = p->source.family }, 0, now_us) != NULL)
		return NULL; /* it is somewhere else */
	if (!prepare(n, &w, NAT_EI, &m, why))
		return NULL;
	m.external = p->destination;
	struct nat_mapping *added = add(n, &m, why, NAT_EVENT_MAPPED, &p->source, now_us);
	if (added != NULL) {
		struct nat_flow *f = nat_flow_add(n, added, &w.tuple, now_us);

		if (f != NULL)
			reckon(n, f);
	}
	return added;
}

/* Any mapping at the external endpoint whose filter lets the packet in. */
static struct nat_mapping *pick_mapping(struct nat *n, const struct packet *p, const char **why,
					uint64_t now_us)
{
	struct nat_mapping *m = NULL;

	while ((m = nat_mapping_external(n, p->protocol, &p->destination, m, now_us)) != NULL) {
		if (allows(n, m, &p->source, now_us))
			return m;
		*why = "filtered";
	}
	return NULL;
}

struct nat_mapping *nat_inbound_mapping(struct nat *n, const struct packet *p, const char **why,
					uint64_t now_us)
{
	const struct nat_flow *f =
		nat_flow_find_external(n, p->protocol, &p->destination, &p->source, now_us);
	struct nat_mapping *m = NULL;

	*why = "no-mapping";
	if (f != NULL && f->mapping == NULL) {
		*why = "box";
		return NULL;
	}
	const char *objection = nat_tcp_objects(n, f, p);
	if (f != NULL && allows(n, f->mapping, &p->source, now_us))
		m = f->mapping;
	else
		m = pick_mapping(n, p, why, now_us);
	if (m == NULL && strcmp(*why, "no-mapping") == 0 && objection == NULL)
		m = open_inbound(n, p, why, now_us);
	if (m != NULL && objection != NULL) {
		*why = objection;
		return NULL;
	}
	return m;
}
