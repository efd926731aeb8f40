#include "tests/nat_state.h"

#include <stdlib.h>

#include "siphash.h"

#define MAPPING_BUCKETS    4096
#define FLOW_BUCKETS       8192
#define SUBSCRIBER_BUCKETS 1024
#define SWEEP_GAP_US       100000

static void hash_addr(struct siphash *s, const struct addr *a)
{
	siphash_word(s, siphash_load_le64(a->ip), 1);
	if (a->family == ADDR_IPV6)
		siphash_word(s, siphash_load_le64(a->ip + 8), 1);
	siphash_word(s, (uint64_t)a->family << 16 | a->port, 1);
}

static size_t bucket(const struct nat *n, uint8_t protocol, const struct addr *a,
		     const struct addr *b, size_t buckets)
{
	struct siphash s = siphash_start(n->key);

	hash_addr(&s, a);
	if (b != NULL)
		hash_addr(&s, b);
	siphash_word(&s, protocol, 1);
	return (size_t)(siphash_end(&s, 3) & (buckets - 1));
}

bool nat_map_open(struct nat *n)
{
	n->by_key = calloc(MAPPING_BUCKETS, sizeof(struct nat_chain *));
	n->by_socket = calloc(MAPPING_BUCKETS, sizeof(struct nat_chain *));
	n->by_external = calloc(MAPPING_BUCKETS, sizeof(struct nat_chain *));
	n->by_internal = calloc(FLOW_BUCKETS, sizeof(struct nat_chain *));
	n->by_outside = calloc(FLOW_BUCKETS, sizeof(struct nat_chain *));
	n->by_address = calloc(SUBSCRIBER_BUCKETS, sizeof(struct nat_chain *));
	/* Megabytes, filled from the start when used: clearing them would be all that a short
	 * simulation does. */
	n->mappings = malloc(NAT_MAPPINGS_MAX * sizeof(*n->mappings));
	n->flows = malloc(NAT_FLOWS_MAX * sizeof(*n->flows));
	n->subscribers = malloc(NAT_SUBSCRIBERS_MAX * sizeof(*n->subscribers));
	n->next_sweep_us = UINT64_MAX;
	return n->by_key != NULL && n->by_socket != NULL && n->by_external != NULL &&
	       n->by_internal != NULL && n->by_outside != NULL && n->by_address != NULL &&
	       n->mappings != NULL && n->flows != NULL && n->subscribers != NULL;
}

void nat_map_close(struct nat *n)
{
	free(n->by_key);
	free(n->by_socket);
	free(n->by_external);
	free(n->by_internal);
	free(n->by_outside);
	free(n->by_address);
	free(n->mappings);
	free(n->flows);
	free(n->subscribers);
}

static bool is_expired(struct nat *n, struct nat_mapping *m, uint64_t now_us)
{
	if (m->expires_us > now_us)
		return false;
	nat_mapping_remove(n, m, NAT_EVENT_EXPIRED, "lifetime", now_us);
	return true;
}

struct nat_mapping *nat_mapping_find(struct nat *n, uint8_t protocol, const struct addr *internal,
				     const struct addr *remote, uint8_t pool, uint64_t now_us)
{
	size_t at = bucket(n, protocol, internal, remote, MAPPING_BUCKETS);

	for (struct nat_chain *c = n->by_key[at]; c != NULL; c = c->next) {
		struct nat_mapping *m = NAT_ENTRY(c, struct nat_mapping, by_key);

		if (m->protocol == protocol && m->pool == pool &&
		    addr_equal(&m->internal, internal) && addr_equal(&m->remote, remote))
			return is_expired(n, m, now_us) ? NULL : m;
	}
	return NULL;
}

struct nat_mapping *nat_mapping_newest(struct nat *n, uint8_t protocol, const struct addr *internal,
				       uint64_t now_us)
{
	size_t at = bucket(n, protocol, internal, NULL, MAPPING_BUCKETS);
	struct nat_chain *next;

	for (struct nat_chain *c = n->by_socket[at]; c != NULL; c = next) {
		struct nat_mapping *m = NAT_ENTRY(c, struct nat_mapping, by_socket);

		next = c->next;
		if (m->protocol == protocol && addr_equal(&m->internal, internal) &&
		    !is_expired(n, m, now_us))
			return m;
	}
	return NULL;
}

struct nat_mapping *nat_mapping_external(struct nat *n, uint8_t protocol,
					 const struct addr *external,
					 const struct nat_mapping *after, uint64_t now_us)
{
	struct nat_chain *next;
	struct nat_chain *c =
		after != NULL
			? after->by_external.next
			: n->by_external[bucket(n, protocol, external, NULL, MAPPING_BUCKETS)];

	for (; c != NULL; c = next) {
		struct nat_mapping *m = NAT_ENTRY(c, struct nat_mapping, by_external);

		next = c->next;
		if (m->protocol == protocol && addr_equal(&m->external, external) &&
		    !is_expired(n, m, now_us))
			return m;
	}
	return NULL;
}

/* Sweeps for want of room, but not for every packet of a flood. */
static void make_room(struct nat *n, uint64_t now_us)
{
	if (now_us < n->full_sweep_us + SWEEP_GAP_US && n->full_sweep_us != 0)
		return;
	n->full_sweep_us = now_us;
	(void)nat_sweep(n, now_us);
}

static struct nat_mapping *mapping_slot(struct nat *n, uint64_t now_us)
{
	if (n->free_mappings == NULL && n->mappings_used == NAT_MAPPINGS_MAX)
		make_room(n, now_us);
	if (n->free_mappings != NULL) {
		struct nat_chain *c = n->free_mappings;

		nat_chain_remove(c);
		return NAT_ENTRY(c, struct nat_mapping, alive);
	}
	if (n->mappings_used < NAT_MAPPINGS_MAX)
		return &n->mappings[n->mappings_used++];
	return NULL;
}

static void watch(struct nat *n, uint64_t expires_us)
{
	if (expires_us < n->next_sweep_us)
		n->next_sweep_us = expires_us;
}

struct nat_mapping *nat_mapping_add(struct nat *n, const struct nat_mapping *filled,
				    uint64_t now_us)
{
	struct nat_mapping *m = mapping_slot(n, now_us);
	uint8_t protocol = filled->protocol;

	if (m == NULL)
		return NULL;
	*m = *filled;
	m->flows = NULL;
	nat_chain_add(&n->by_key[bucket(n, protocol, &m->internal, &m->remote, MAPPING_BUCKETS)],
		      &m->by_key);
	nat_chain_add(&n->by_socket[bucket(n, protocol, &m->internal, NULL, MAPPING_BUCKETS)],
		      &m->by_socket);
	nat_chain_add(&n->by_external[bucket(n, protocol, &m->external, NULL, MAPPING_BUCKETS)],
		      &m->by_external);
	nat_chain_add(&n->alive, &m->alive);
	if (m->subscriber != NULL)
		m->subscriber->mappings++;
	n->mapping_count++;
	if (m->expires_us == 0)
		m->expires_us = now_us + 1; /* its first flow says more */
	else
		watch(n, m->expires_us);
	return m;
}

void nat_mapping_remove(struct nat *n, struct nat_mapping *m, enum nat_event_kind kind,
			const char *why, uint64_t now_us)
{
	nat_log(n, kind, NAT_INSIDE, m->protocol, &m->internal, &m->external, &m->remote, why,
		now_us);
	while (m->flows != NULL)
		nat_flow_remove(n, NAT_ENTRY(m->flows, struct nat_flow, of_mapping));
	nat_chain_remove(&m->by_key);
	nat_chain_remove(&m->by_socket);
	nat_chain_remove(&m->by_external);
	nat_chain_remove(&m->alive);
	if (m->subscriber != NULL)
		m->subscriber->mappings--;
	n->mapping_count--;
	nat_chain_add(&n->free_mappings, &m->alive);
}

static bool flow_is_dead(struct nat *n, struct nat_flow *f, uint64_t now_us)
{
	if (f->expires_us > now_us)
		return false;
	nat_flow_remove(n, f);
	return true;
}

struct nat_flow *nat_flow_find(struct nat *n, const struct nat_tuple *t, uint64_t now_us)
{
	size_t at = bucket(n, t->protocol, &t->internal, &t->remote, FLOW_BUCKETS);

	for (struct nat_chain *c = n->by_internal[at]; c != NULL; c = c->next) {
		struct nat_flow *f = NAT_ENTRY(c, struct nat_flow, by_internal);

		if (f->mapping != NULL && f->protocol == t->protocol &&
		    addr_equal(&f->internal, &t->internal) && addr_equal(&f->remote, &t->remote))
			return flow_is_dead(n, f, now_us) ? NULL : f;
	}
	return NULL;
}

struct nat_flow *nat_flow_find_external(struct nat *n, uint8_t protocol,
					const struct addr *external, const struct addr *remote,
					uint64_t now_us)
{
	size_t at = bucket(n, protocol, external, remote, FLOW_BUCKETS);

	for (struct nat_chain *c = n->by_outside[at]; c != NULL; c = c->next) {
		struct nat_flow *f = NAT_ENTRY(c, struct nat_flow, by_external);

		if (f->protocol == protocol && addr_equal(&f->external, external) &&
		    addr_equal(&f->remote, remote))
			return flow_is_dead(n, f, now_us) ? NULL : f;
	}
	return NULL;
}

static struct nat_flow *flow_slot(struct nat *n, uint64_t now_us)
{
	if (n->free_flows == NULL && n->flows_used == NAT_FLOWS_MAX)
		make_room(n, now_us);
	if (n->free_flows != NULL) {
		struct nat_chain *c = n->free_flows;

		nat_chain_remove(c);
		return NAT_ENTRY(c, struct nat_flow, of_mapping);
	}
	if (n->flows_used < NAT_FLOWS_MAX)
		return &n->flows[n->flows_used++];
	return NULL;
}

struct nat_flow *nat_flow_add(struct nat *n, struct nat_mapping *m, const struct nat_tuple *t,
			      uint64_t now_us)
{
	struct nat_flow *f = flow_slot(n, now_us);

	if (f == NULL)
		return NULL;
	*f = (struct nat_flow){ .mapping = m,
				.protocol = t->protocol,
				.internal = t->internal,
				.external = m != NULL ? m->external : t->internal,
				.remote = t->remote,
				.refreshed_us = now_us };
	size_t in = bucket(n, t->protocol, &f->internal, &f->remote, FLOW_BUCKETS);
	size_t out = bucket(n, t->protocol, &f->external, &f->remote, FLOW_BUCKETS);
	nat_chain_add(&n->by_internal[in], &f->by_internal);
	nat_chain_add(&n->by_outside[out], &f->by_external);
	nat_chain_add(m != NULL ? &m->flows : &n->box_flows, &f->of_mapping);
	return f;
}

void nat_flow_remove(struct nat *n, struct nat_flow *f)
{
	nat_chain_remove(&f->by_internal);
	nat_chain_remove(&f->by_external);
	nat_chain_remove(&f->of_mapping);
	nat_chain_add(&n->free_flows, &f->of_mapping);
}

void nat_mapping_reckon(struct nat *n, struct nat_mapping *m)
{
	m->expires_us = m->granted_until_us;
	for (struct nat_chain *c = m->flows; c != NULL; c = c->next) {
		const struct nat_flow *f = NAT_ENTRY(c, struct nat_flow, of_mapping);

		if (f->expires_us > m->expires_us)
			m->expires_us = f->expires_us;
	}
	watch(n, m->expires_us);
}

void nat_flow_lives_until(struct nat *n, struct nat_flow *f, uint64_t expires_us)
{
	struct nat_mapping *m = f->mapping;
	bool was_longest = m != NULL && f->expires_us == m->expires_us;

	f->expires_us = expires_us;
	watch(n, expires_us);
	if (m == NULL)
		return;
	if (m->expires_us < expires_us)
		m->expires_us = expires_us;
	else if (was_longest)
		nat_mapping_reckon(n, m); /* a connection ended */
}

struct nat_subscriber *nat_subscriber_of(struct nat *n, const struct addr *internal)
{
	struct addr address = addr_with_port(internal, 0);
	struct nat_chain **head = &n->by_address[bucket(n, 0, &address, NULL, SUBSCRIBER_BUCKETS)];

	for (struct nat_chain *c = *head; c != NULL; c = c->next) {
		struct nat_subscriber *s = NAT_ENTRY(c, struct nat_subscriber, by_address);

		if (addr_equal(&s->address, &address))
			return s;
	}
	if (n->subscribers_used == NAT_SUBSCRIBERS_MAX)
		return NULL;
	struct nat_subscriber *s = &n->subscribers[n->subscribers_used++];
	*s = (struct nat_subscriber){ .address = address };
	nat_chain_add(head, &s->by_address);
	return s;
}

static uint64_t sweep_flows(struct nat *n, struct nat_chain *c, uint64_t now_us)
{
	uint64_t next_us = UINT64_MAX;
	struct nat_chain *next;

	for (; c != NULL; c = next) {
		struct nat_flow *f = NAT_ENTRY(c, struct nat_flow, of_mapping);

		next = c->next;
		if (!flow_is_dead(n, f, now_us) && f->expires_us < next_us)
			next_us = f->expires_us;
	}
	return next_us;
}

uint64_t nat_sweep(struct nat *n, uint64_t now_us)
{
	uint64_t next_us = sweep_flows(n, n->box_flows, now_us);
	struct nat_chain *next;

	for (struct nat_chain *c = n->alive; c != NULL; c = next) {
		struct nat_mapping *m = NAT_ENTRY(c, struct nat_mapping, alive);

		next = c->next;
		if (is_expired(n, m, now_us))
			continue;
		uint64_t flow_us = sweep_flows(n, m->flows, now_us);
		if (flow_us < next_us)
			next_us = flow_us;
		if (m->expires_us < next_us)
			next_us = m->expires_us;
	}
	if (next_us < now_us + SWEEP_GAP_US)
		next_us = now_us + SWEEP_GAP_US;
	n->next_sweep_us = next_us;
	return next_us;
}
