/* What a vantage knows from the start: credentials, and what the discovery saw of the way. */
#include <assert.h>

#include "natprobe/discover/confidence.h"
#include "nat64.h"
#include "natprobe/lead.h"
#include "vantage_state.h"

#define RTT_US     250000 /* where none is known */
#define LEAST_RATE 2      /* datagrams a second */

static void keep(struct vantage *v, struct bytes *view, size_t *used)
{
	assert(view->len <= sizeof(v->secrets) - *used);
	if (view->len > 0)
		memcpy(v->secrets + *used, view->data, view->len);
	*view = bytes_of(v->secrets + *used, view->len);
	*used += view->len;
}

void vt_keep_credentials(struct vantage *v, const struct turn_client_credentials *from)
{
	struct turn_client_credentials *c = &v->credentials;
	size_t used = 0;

	*c = *from;
	keep(v, &c->username, &used);
	if (c->access_token.len > 0) {
		c->password = (struct bytes){ 0 };
		keep(v, &c->mac_key, &used);
	} else {
		c->mac_key = (struct bytes){ 0 };
		keep(v, &c->password, &used);
	}
	keep(v, &c->access_token, &used);
}

void vt_add_external(struct vantage *v, const struct addr *a)
{
	if (a->family != v->family || a->family == ADDR_NONE ||
	    v->external_count == VT_EXTERNALS_MAX)
		return;
	for (size_t i = 0; i < v->external_count; i++) {
		if (addr_equal_ip(&v->externals[i], a))
			return;
	}
	v->externals[v->external_count++] = addr_with_port(a, a->port != 0 ? a->port : 9);
}

void vt_learn(struct vantage *v, const struct verdict *seen)
{
	v->family = seen->mapped.family != ADDR_NONE       ? seen->mapped.family
		    : seen->mapped_tcp.family != ADDR_NONE ? seen->mapped_tcp.family
							   : seen->local.family;
	v->nat64_prefix = seen->nat64_prefix;
	v->nat64_len = seen->nat64_prefix_len;
	v->rtt_us = seen->rtt_max_us > 0 ? seen->rtt_max_us : RTT_US;
	for (size_t i = 0; i < seen->server_count; i++) {
		const struct verdict_server *s = &seen->servers[i];

		if (s->answered > 0)
			v->openers[v->opener_count++] = s->addr;
		if (s->answered > 0 || s->tcp_answered > 0)
			v->tcp_openers[v->tcp_opener_count++] = s->addr;
	}
	vt_add_external(v, &seen->mapped);
	for (size_t i = 0; i < seen->pooling.external_count; i++)
		vt_add_external(v, &seen->pooling.externals[i]);
	for (size_t i = 0; i < seen->sighting_count; i++)
		vt_add_external(v, &seen->sightings[i].mapped);
	for (size_t i = 0; i < seen->sample_count; i++)
		vt_add_external(v, &seen->samples[i].mapped);
	v->mapping.is_wanted =
		seen->mapping.value == BEHAVIOUR_UNKNOWN || seen->mapping.cause != CAUSE_NONE;
	v->timing = discover_timing_default();
	if (seen->rate_limit.value == VERDICT_YES) { /* a path that drops what is faster */
		uint16_t rate = (uint16_t)(seen->rate_limit_per_s / 2);

		v->timing.rate_per_s = rate > LEAST_RATE ? rate : LEAST_RATE;
		v->timing.burst = 1;
	}
	if (seen->udp_blocked.value != VERDICT_NO)
		v->useless = seen->udp_blocked.value == VERDICT_UNKNOWN ? seen->udp_blocked.cause
									: CAUSE_UDP_BLOCKED;
	v->error_max = confidence_allowance(seen->confidence_asked) * CONFIDENCE_SILENCE_SHARE;
}

struct addr vt_beyond(const struct vantage *v, const struct addr *a)
{
	struct addr out = *a;

	if (a->family != v->family)
		(void)nat64_extract(a, v->nat64_len, &out);
	out.scope = 0;
	return out;
}

struct addr vt_reachable(const struct vantage *v, const struct addr *a)
{
	const struct addr *server = &v->targets[v->target].to;
	struct addr out = *a;

	if (a->family != server->family && !nat64_embed(&v->nat64_prefix, v->nat64_len, a, &out))
		return (struct addr){ 0 };
	if (out.family != server->family || out.port == 0 || !lead_allows(server, &out))
		return (struct addr){ 0 };
	out.scope = server->scope;
	return out;
}
