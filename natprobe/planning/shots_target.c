#include "shots_target.h"

#include <string.h>

#include "addr_special.h"
#include "nat64.h"
#include "punch_plan_side.h"

const struct punch_part *shots_our_part(const struct shots_view *v)
{
	return v->is_a ? &v->step->a : &v->step->b;
}

const struct punch_part *shots_their_part(const struct shots_view *v)
{
	return v->is_a ? &v->step->b : &v->step->a;
}

const struct peer_path *shots_our_path(const struct shots_view *v)
{
	return &v->ours->paths[shots_our_part(v)->path % PEER_PATHS_MAX];
}

const struct peer_path *shots_their_path(const struct shots_view *v)
{
	return &v->theirs->paths[shots_their_part(v)->path % PEER_PATHS_MAX];
}

static size_t endpoint_count(const struct peer_offer *o)
{
	return o->endpoint_count < PEER_ENDPOINTS_MAX ? o->endpoint_count : PEER_ENDPOINTS_MAX;
}

const struct peer_endpoint *shots_endpoint(const struct shots_view *v, const struct peer_offer *o,
					   uint8_t path, enum peer_endpoint_kind kind)
{
	const struct peer_endpoint *other = NULL;

	for (size_t i = 0; i < endpoint_count(o); i++) {
		const struct peer_endpoint *e = &o->endpoints[i];

		/* There is one socket for host endpoints, whatever the step. */
		if (e->kind != kind || e->path != path || e->is_tcp ||
		    (kind != PEER_HOST && e->set != v->step->set))
			continue;
		if (e->addr.family == v->step->family)
			return e;
		if (other == NULL)
			other = e;
	}
	return other;
}

static bool same_host(const struct shots_view *v)
{
	static const uint8_t nobody[sizeof(v->ours->host)];

	return memcmp(v->ours->host, v->theirs->host, sizeof(nobody)) == 0 &&
	       memcmp(v->ours->host, nobody, sizeof(nobody)) != 0;
}

/* In a network that may be ours, and only from the socket that is for this. */
static bool admit_inside(const struct shots_view *v, uint16_t socket, const struct addr *to,
			 struct addr *out)
{
	const struct peer_path *ours = shots_our_path(v);
	struct addr_special_hit hit;

	*out = *to;
	out->scope = 0;
	if (addr_is_loopback(to))
		return same_host(v);
	if (socket != SHOTS_SOCKET_LOCAL || to->family != ours->local.family)
		return false;
	if (!same_host(v) && !peer_may_be_ours(ours, shots_their_path(v)))
		return false;
	if (addr_is_link_local(to)) {
		out->scope = ours->local.scope;
		return to->family == ADDR_IPV4 || out->scope != 0;
	}
	/* What has a special purpose and is neither private nor link-local is nobody's host. */
	return addr_is_private(to) || !addr_special_judge(to, &hit);
}

bool shots_admit(const struct shots_view *v, uint16_t socket, const struct addr *to,
		 struct addr *out)
{
	const struct peer_path *ours = shots_our_path(v);
	struct addr_special_hit hit;

	if (to->port == 0 || addr_is_any(to))
		return false;
	if (to->family != ADDR_IPV4 && to->family != ADDR_IPV6)
		return false;
	if (socket == SHOTS_SOCKET_LOCAL || addr_special_judge(to, &hit))
		return admit_inside(v, socket, to, out);
	*out = *to;
	out->scope = 0;
	if (socket == SHOTS_SOCKET_RELAY)
		return true;
	if (plan_uses_nat64(ours, to->family))
		return nat64_embed(&ours->nat64_prefix, ours->nat64_prefix_len, to, out);
	return to->family == ours->family;
}

static void add(const struct shots_view *v, uint16_t socket, const struct addr *to,
		struct shots_targets *out)
{
	struct shots_target t = { .socket = socket };

	if (out->count >= SHOTS_TARGETS_MAX || !shots_admit(v, socket, to, &t.addr))
		return;
	for (size_t i = 0; i < out->count; i++) {
		if (out->list[i].socket == socket && addr_equal(&out->list[i].addr, &t.addr))
			return;
	}
	out->list[out->count++] = t;
}

static void add_addresses(const struct shots_view *v, uint16_t socket, uint8_t max,
			  struct shots_targets *out)
{
	const struct peer_path *theirs = shots_their_path(v);
	const struct peer_endpoint *e =
		shots_endpoint(v, v->their_offer, shots_their_part(v)->path, PEER_MAPPED);
	bool pooled =
		theirs->pooling == POOLING_ARBITRARY || theirs->pooling == POOLING_PER_DESTINATION;

	if (e == NULL)
		return;
	if (e->addr.family == v->step->family)
		add(v, socket, &e->addr, out);
	for (size_t i = 0; i < theirs->external_count && i < PEER_EXTERNALS_MAX; i++) {
		struct addr a = addr_with_port(&theirs->externals[i], e->addr.port);

		if (pooled && out->count < max && a.family == v->step->family)
			add(v, socket, &a, out);
	}
}

void shots_addresses_fill(const struct shots_view *v, uint8_t max, struct shots_targets *out)
{
	memset(out, 0, sizeof(*out));
	add_addresses(v, SHOTS_SOCKET_SET, max, out);
}

/* Every endpoint of theirs of that kind, whatever its set. */
static void add_kind(const struct shots_view *v, uint16_t socket, enum peer_endpoint_kind kind,
		     bool any_path, struct shots_targets *out)
{
	for (size_t i = 0; i < endpoint_count(v->their_offer); i++) {
		const struct peer_endpoint *e = &v->their_offer->endpoints[i];

		if (e->kind != kind || e->is_tcp)
			continue;
		if (any_path || e->path == shots_their_part(v)->path)
			add(v, socket, &e->addr, out);
	}
}

static bool have_relay(const struct peer_offer *o)
{
	for (size_t i = 0; i < endpoint_count(o); i++) {
		if (o->endpoints[i].kind == PEER_RELAYED && !o->endpoints[i].is_tcp)
			return true;
	}
	return false;
}

/* From our relayed address to theirs and to their NAT; to their relayed address from both. */
static void fill_relay(const struct shots_view *v, struct shots_targets *out)
{
	add_kind(v, SHOTS_SOCKET_SET, PEER_RELAYED, true, out);
	if (!have_relay(v->our_offer))
		return;
	add_kind(v, SHOTS_SOCKET_RELAY, PEER_RELAYED, true, out);
	add_addresses(v, SHOTS_SOCKET_RELAY, SHOTS_TARGETS_MAX, out);
}

void shots_targets_fill(const struct shots_view *v, struct shots_targets *out)
{
	memset(out, 0, sizeof(*out));
	switch (v->step->strategy) {
	case PUNCH_RELAY:
		fill_relay(v, out);
		return;
	case PUNCH_PORT_MAPPING:
		add_kind(v, SHOTS_SOCKET_SET, PEER_PORTMAP, false, out);
		return;
	default:
		break;
	}
	if (v->step->is_local) {
		const struct peer_endpoint *host =
			shots_endpoint(v, v->their_offer, shots_their_part(v)->path, PEER_HOST);

		if (host != NULL)
			add(v, SHOTS_SOCKET_LOCAL, &host->addr, out);
		out->local = out->count;
	}
	add_addresses(v, SHOTS_SOCKET_SET, SHOTS_TARGETS_MAX, out);
}
