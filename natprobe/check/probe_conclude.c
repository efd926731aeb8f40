/* What was found out from one local address, for the report. */
#include <string.h>

#include "natprobe/map/portmap.h"
#include "probe.h"
#include "probe_state.h"

static struct verdict_portmap upnp_of(const struct probe *p)
{
	struct verdict_portmap none = { .present.cause = CAUSE_NOT_TRIED };

	if (p->upnp != NULL)
		return upnp_result(p->upnp);
	if (p->config->asks_upnp && p->choice.family == ADDR_IPV4 &&
	    p->route.gateway.family == ADDR_NONE)
		none.present.cause = CAUSE_NO_GATEWAY;
	return none;
}

static struct verdict_geo geo_of(const struct probe *p, const struct addr *mapped)
{
	struct verdict_geo out = { .asn = 0 };
	struct geo_answer found;

	if (p->config->geo == NULL)
		return out;
	geo_find(p->config->geo, mapped, &found);
	memcpy(out.country, found.country, sizeof(out.country));
	memcpy(out.organisation, found.organisation, sizeof(out.organisation));
	out.asn = found.asn;
	return out;
}

/* What was found beside the discovery belongs to its verdict. */
static void complete(const struct probe *p, struct verdict *v)
{
	v->gateway = p->route.gateway;
	v->upnp = upnp_of(p);
	v->captive_portal = p->portal != NULL ? portal_check_result(p->portal)
					      : (struct verdict_yes_no){ .cause = CAUSE_NOT_TRIED };
	v->geo = geo_of(p, v->mapped.family != ADDR_NONE ? &v->mapped : &v->mapped_tcp);
	portmap_judge_cgn(v);
}

struct verdict *probe_verdict(struct probe *p)
{
	const struct verdict *v = p->discover != NULL ? discover_verdict(p->discover) : NULL;

	if (v == NULL)
		return NULL;
	if (p->deep != NULL)
		return &p->verdict; /* it was completed before */
	p->verdict = *v;
	if (p->turn != NULL)
		probe_turn_conclude(p->turn, &p->verdict);
	complete(p, &p->verdict);
	return &p->verdict;
}

void probe_conclude(struct probe *p, struct report_probe *out)
{
	for (size_t i = 0; i < p->tls_count; i++)
		p->tls_results[i] = *tls_check_result(p->tls[i]);
	*out = (struct report_probe){
		.interface = p->choice.name,
		.family = p->choice.family,
		.local = p->source.local,
		.verdict = probe_verdict(p),
		.why = p->why,
		.bound_to_device = probe_socket_binds_device(&p->source),
		.tls = p->tls_results,
		.tls_count = p->tls_count,
	};
	if (out->verdict == NULL && out->why == NULL)
		out->why = "interrupted";
}
