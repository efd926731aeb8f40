/* What a twin of a verdict shows of it. */
#include "nat_twin.h"

#include <math.h>

static bool is_word(const struct verdict *v, enum deep_property which, unsigned word)
{
	const struct deep_value *value = &v->deep.values[which];

	return value->state == DEEP_WORD && value->word == word;
}

/* A gateway of the model tells its address by NAT-PMP alone. */
static bool shows_cgn(const struct verdict *v)
{
	return (v->cgn_hints & (CGN_LOCAL_SHARED | CGN_LOCAL_DS_LITE)) != 0 ||
	       v->nat_pmp.present.value == VERDICT_YES;
}

/* Of two hosts that have the same port, a pool decides by lot which address each gets. */
static bool is_by_lot(const struct verdict *v)
{
	return v->nat.value != VERDICT_NO &&
	       (is_word(v, DEEP_PORT_CLASH, DEEP_CLASH_KEPT) || v->pooling.external_count > 1);
}

/* What is recommended while an end was not in sight is less than the twin allows. */
static bool is_open(const struct verdict_deep *v)
{
	for (unsigned i = DEEP_LIFETIME_ONE_WAY; i <= DEEP_LIFETIME_LOW_PORT; i++) {
		if (v->values[i].state == DEEP_NUMBER && isinf(v->values[i].high))
			return true;
	}
	return false;
}

/* A gateway of the model that is asked by PCP or NAT-PMP does it, and only another NAT hinders. */
static bool shows_portmap(const struct verdict *v)
{
	const struct deep_value *works = &v->deep.values[DEEP_PORTMAP_WORKS];
	const struct deep_value *nats = &v->deep.values[DEEP_NATS];
	bool is_asked =
		v->pcp.present.value == VERDICT_YES || v->nat_pmp.present.value == VERDICT_YES;
	bool is_one = nats->state == DEEP_NUMBER && nats->low <= 1;

	return works->state != DEEP_WORD || (is_asked && (works->word == DEEP_YES || !is_one));
}

/* Both are as Linux has it, which keeps ports. */
static bool is_foreign(const struct verdict *v)
{
	return v->nat.value != VERDICT_NO && v->ports.delta != DELTA_EQUAL &&
	       (is_word(v, DEEP_EARLY_INBOUND, DEEP_EARLY_REMAPPED) ||
		is_word(v, DEEP_PORT_CLASH, DEEP_CLASH_OVERLOADED));
}

static void forget(struct verdict *v, enum deep_property which)
{
	deep_set_unknown(&v->deep, which, CAUSE_NOT_TRIED);
}

static void forget_depths(const struct verdict *v, struct verdict *out)
{
	if (!shows_portmap(v))
		forget(out, DEEP_PORTMAP_WORKS);
	if (is_by_lot(v) || is_foreign(v))
		forget(out, DEEP_PORT_CLASH);
	if (is_foreign(v))
		forget(out, DEEP_EARLY_INBOUND);
	if (is_open(&v->deep))
		forget(out, DEEP_KEEPALIVE);
	if (is_word(v, DEEP_FILTERING_TCP, DEEP_FILTER_MIXED))
		forget(out, DEEP_FILTERING_TCP);
	if (v->deep.values[DEEP_NATS].state == DEEP_NUMBER &&
	    v->deep.values[DEEP_NATS].low > NAT_LAYERS_MAX)
		forget(out, DEEP_NATS);
}

void nat_twin_expected(const struct verdict *v, struct verdict *out)
{
	*out = *v;
	out->upnp = (struct verdict_portmap){ 0 };
	out->captive_portal = (struct verdict_yes_no){ 0 };
	forget_depths(v, out);
	if (!shows_cgn(v))
		out->cgn = (struct verdict_yes_no){ 0 };
	if (v->mapping.value == BEHAVIOUR_MIXED)
		out->mapping = (struct verdict_property){ 0 };
	if (v->mapping_tcp.value == BEHAVIOUR_MIXED)
		out->mapping_tcp = (struct verdict_property){ 0 };
	if (v->filtering.value == BEHAVIOUR_MIXED)
		out->filtering = (struct verdict_property){ 0 };
}
