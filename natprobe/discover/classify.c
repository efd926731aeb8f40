#include "classify.h"

#include <math.h>

#include "wire.h"

bool classify_same_endpoint(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, addr_ip_len(a->family)) == 0;
}

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, addr_ip_len(a->family)) == 0;
}

static bool is_answered(const struct verdict_sighting *s)
{
	return s->mapped.family != ADDR_NONE;
}

/* What can be compared: not the wildcard, nor a port that is not known. */
static bool tells_nat(const struct verdict_sighting *s)
{
	if (!is_answered(s) || addr_is_any(&s->local))
		return false;
	return s->local.port != 0 || !same_ip(&s->mapped, &s->local);
}

enum verdict_answer classify_nat(const struct verdict_sighting *seen, size_t count)
{
	bool plain = false, translated = false;

	for (size_t i = 0; i < count; i++) {
		if (!tells_nat(&seen[i]))
			continue;
		if (classify_same_endpoint(&seen[i].mapped, &seen[i].local))
			plain = true;
		else
			translated = true;
	}
	if (plain && translated)
		return VERDICT_MIXED;
	if (!plain && !translated)
		return VERDICT_UNKNOWN;
	return translated ? VERDICT_YES : VERDICT_NO;
}

/* What the sockets of one discovery say about two endpoints. */
enum pair {
	PAIR_UNSEEN, /* no socket asked both */
	PAIR_EQUAL,  /* each socket had one mapping for both */
	PAIR_DIFFER, /* some socket had two */
};

struct mapping_view {
	const struct verdict_sighting *seen;
	size_t count;
	/* The same by endpoint: each with its first sighting. */
	const struct addr *endpoints[VERDICT_SIGHTINGS_MAX];
	size_t endpoint_count;
	/* Endpoint of each sighting; unanswered ones have none. */
	size_t endpoint_of[VERDICT_SIGHTINGS_MAX];
	enum pair pairs[VERDICT_SIGHTINGS_MAX][VERDICT_SIGHTINGS_MAX];
	bool unstable;
};

static size_t endpoint_index(struct mapping_view *v, const struct addr *endpoint)
{
	for (size_t i = 0; i < v->endpoint_count; i++) {
		if (classify_same_endpoint(v->endpoints[i], endpoint))
			return i;
	}
	v->endpoints[v->endpoint_count] = endpoint;
	return v->endpoint_count++;
}

static bool comparable(const struct verdict_sighting *a, const struct verdict_sighting *b)
{
	return is_answered(a) && is_answered(b) && a->slot == b->slot;
}

static bool is_plain(const struct verdict_sighting *s)
{
	return same_ip(&s->mapped, &s->local);
}

/*
 * One mapping has one port. Its address may differ where a NAT or a balancer has several: that
 * is pooling, and what a peer has to know is the port.
 */
static bool same_mapping(const struct verdict_sighting *a, const struct verdict_sighting *b)
{
	return a->mapped.family == b->mapped.family && a->mapped.port == b->mapped.port &&
	       is_plain(a) == is_plain(b);
}

static void view_pair(struct mapping_view *v, size_t i, size_t j)
{
	enum pair *p = &v->pairs[v->endpoint_of[i]][v->endpoint_of[j]];

	if (!same_mapping(&v->seen[i], &v->seen[j]))
		*p = PAIR_DIFFER;
	else if (*p == PAIR_UNSEEN)
		*p = PAIR_EQUAL;
}

static void view_fill(struct mapping_view *v, const struct verdict_sighting *seen, size_t count)
{
	v->seen = seen;
	v->count = count < VERDICT_SIGHTINGS_MAX ? count : VERDICT_SIGHTINGS_MAX;
	for (size_t i = 0; i < v->count; i++) {
		if (!is_answered(&v->seen[i]))
			continue;
		v->endpoint_of[i] = endpoint_index(v, &v->seen[i].endpoint);
		if (v->seen[i].unstable)
			v->unstable = true;
	}
	for (size_t i = 0; i < v->count; i++) {
		for (size_t j = 0; j < v->count; j++) {
			if (i != j && comparable(&v->seen[i], &v->seen[j]))
				view_pair(v, i, j);
		}
	}
}

/* How many groups of equal mappings the slots saw; `by_all`: equal in the eyes of all slots. */
static size_t count_groups(const struct mapping_view *v, bool by_all)
{
	size_t groups = 0;

	for (size_t i = 0; i < v->count; i++) {
		bool first = is_answered(&v->seen[i]);

		for (size_t j = 0; first && j < i; j++) {
			if (!comparable(&v->seen[i], &v->seen[j]))
				continue;
			if (by_all)
				first = v->pairs[v->endpoint_of[i]][v->endpoint_of[j]] !=
					PAIR_EQUAL;
			else
				first = !same_mapping(&v->seen[i], &v->seen[j]);
		}
		groups += first;
	}
	return groups;
}

/* Mappings that one slot saw as equal and another did not: chance, or no rule at all. */
static size_t count_chances(const struct mapping_view *v)
{
	return count_groups(v, true) - count_groups(v, false);
}

/* The pattern of a value: shall these two endpoints see the same mapping? */
static bool expects_equal(enum verdict_behaviour value, const struct addr *a, const struct addr *b)
{
	switch (value) {
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return true;
	case BEHAVIOUR_ADDRESS_DEPENDENT:
		return same_ip(a, b);
	case BEHAVIOUR_PORT_DEPENDENT:
		return a->port == b->port;
	default:
		return false;
	}
}

static bool fits(const struct mapping_view *v, enum verdict_behaviour value)
{
	for (size_t i = 0; i < v->endpoint_count; i++) {
		for (size_t j = 0; j < i; j++) {
			enum pair p = v->pairs[i][j];
			bool equal = expects_equal(value, v->endpoints[i], v->endpoints[j]);

			if (p != PAIR_UNSEEN && (p == PAIR_EQUAL) != equal)
				return false;
		}
	}
	return true;
}

static uint32_t fitting_values(const struct mapping_view *v)
{
	uint32_t possible = 0;

	for (unsigned b = BEHAVIOUR_ENDPOINT_INDEPENDENT; b <= BEHAVIOUR_PORT_DEPENDENT; b++) {
		if (fits(v, (enum verdict_behaviour)b))
			possible |= BEHAVIOUR_BIT(b);
	}
	return possible;
}

/* The one value of a set, or BEHAVIOUR_UNKNOWN. */
static enum verdict_behaviour only_value(uint32_t possible)
{
	for (unsigned b = BEHAVIOUR_NONE; b < BEHAVIOURS; b++) {
		if (possible == BEHAVIOUR_BIT(b))
			return (enum verdict_behaviour)b;
	}
	return BEHAVIOUR_UNKNOWN;
}

static struct verdict_property property_of(uint32_t possible)
{
	if (possible == 0)
		possible = BEHAVIOUR_BIT(BEHAVIOUR_MIXED);
	return (struct verdict_property){
		.value = (uint8_t)only_value(possible),
		.possible = possible,
	};
}

static enum verdict_cause mapping_cause(const struct mapping_view *v)
{
	bool one_port = true;

	if (v->endpoint_count == 0)
		return CAUSE_NO_SERVER;
	if (v->endpoint_count == 1)
		return CAUSE_FEW_SERVERS;
	for (size_t i = 1; i < v->endpoint_count; i++) {
		if (v->endpoints[i]->port != v->endpoints[0]->port)
			one_port = false;
	}
	return one_port ? CAUSE_ONE_PORT : CAUSE_FEW_ENDPOINTS;
}

/*
 * The chance that ports which were drawn by lot are equal so often: ranges of several widths,
 * as common as they seem to be, and one NAT in five that draws.
 */
static double chance_of_equals(size_t equals)
{
	static const struct {
		double width, weight;
	} ranges[] = { { 64512, 0.8 }, { 2048, 0.1 }, { 512, 0.09 }, { 64, 0.01 } };
	double chance = 0;

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		chance += 0.2 * ranges[i].weight * pow(ranges[i].width, -(double)equals);
	return chance;
}

/* Sightings that repeat the mapping of another one: each might be a chance. */
static size_t count_equals(const struct mapping_view *v)
{
	size_t answered = 0;

	for (size_t i = 0; i < v->count; i++)
		answered += is_answered(&v->seen[i]);
	return answered - count_groups(v, false);
}

static double mapping_error(const struct mapping_view *v, const struct verdict_property *p)
{
	size_t equals = count_equals(v);
	bool rests_on_equals = p->value == BEHAVIOUR_ENDPOINT_INDEPENDENT ||
			       p->value == BEHAVIOUR_ADDRESS_DEPENDENT ||
			       p->value == BEHAVIOUR_PORT_DEPENDENT;

	return rests_on_equals && equals > 0 ? chance_of_equals(equals) : 0;
}

/* Answered or not: an endpoint on another port would have told more. */
static bool one_port_was_asked(const struct verdict_sighting *seen, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (seen[i].endpoint.port != seen[0].endpoint.port)
			return false;
	}
	return true;
}

struct verdict_property classify_mapping(const struct verdict_sighting *seen, size_t count)
{
	struct mapping_view view = { 0 };
	struct verdict_property p;

	if (classify_nat(seen, count) == VERDICT_NO)
		return property_of(BEHAVIOUR_BIT(BEHAVIOUR_NONE));

	view_fill(&view, seen, count);
	if (view.unstable || count_chances(&view) > 1)
		return property_of(BEHAVIOUR_BIT(BEHAVIOUR_MIXED));
	p = property_of(fitting_values(&view));
	if (p.value == BEHAVIOUR_UNKNOWN)
		p.cause = (uint8_t)mapping_cause(&view);
	/* Servers on one port say the same of a rule by port, which hardly any NAT has. */
	if (one_port_was_asked(seen, count) &&
	    p.possible == (BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
			   BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT)))
		p.value = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	p.error = mapping_error(&view, &p);
	return p;
}

bool classify_mapping_is_doubtful(const struct verdict_sighting *seen, size_t count)
{
	struct mapping_view view = { 0 };

	view_fill(&view, seen, count);
	return count_chances(&view) > 0;
}

/* Does a filter of this value let the answer through that comes for `kind`? */
static bool lets_through(enum verdict_behaviour value, enum verdict_filter_kind kind)
{
	switch (value) {
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return true;
	case BEHAVIOUR_ADDRESS_DEPENDENT:
		return kind == FILTER_PORT;
	case BEHAVIOUR_PORT_DEPENDENT:
		return kind == FILTER_ADDRESS;
	default:
		return false;
	}
}

static bool gates_fit(const enum classify_gate gates[FILTER_KINDS], enum verdict_behaviour value)
{
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		bool through = lets_through(value, (enum verdict_filter_kind)k);

		if (gates[k] != GATE_UNKNOWN && (gates[k] == GATE_PASSES) != through)
			return false;
	}
	return true;
}

struct verdict_property classify_filtering(const enum classify_gate gates[FILTER_KINDS])
{
	uint32_t possible = 0;

	for (unsigned b = BEHAVIOUR_ENDPOINT_INDEPENDENT; b <= BEHAVIOUR_PORT_DEPENDENT; b++) {
		if (gates_fit(gates, (enum verdict_behaviour)b))
			possible |= BEHAVIOUR_BIT(b);
	}
	return property_of(possible);
}

double classify_silence_by_loss(unsigned answered, unsigned lost, unsigned copies)
{
	double chance = 1;

	for (unsigned i = 0; i < copies; i++)
		chance *= (1.0 + lost + i) / (2.0 + lost + answered + i);
	return chance;
}

static enum verdict_legacy legacy_without_nat(enum verdict_behaviour filtering)
{
	if (filtering == BEHAVIOUR_UNKNOWN)
		return LEGACY_UNKNOWN;
	return filtering == BEHAVIOUR_ENDPOINT_INDEPENDENT ? LEGACY_OPEN_INTERNET
							   : LEGACY_SYMMETRIC_UDP_FIREWALL;
}

static enum verdict_legacy legacy_of_cone(enum verdict_behaviour filtering)
{
	switch (filtering) {
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return LEGACY_FULL_CONE;
	case BEHAVIOUR_ADDRESS_DEPENDENT:
		return LEGACY_RESTRICT;
	case BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT:
		return LEGACY_RESTRICT_PORT;
	default:
		return LEGACY_UNKNOWN;
	}
}

enum verdict_legacy classify_legacy(enum verdict_answer udp_blocked,
				    const struct verdict_property *mapping,
				    const struct verdict_property *filtering)
{
	if (udp_blocked == VERDICT_YES)
		return LEGACY_FILTERED;
	if (mapping->value == BEHAVIOUR_NONE)
		return legacy_without_nat((enum verdict_behaviour)filtering->value);
	if (mapping->value == BEHAVIOUR_ENDPOINT_INDEPENDENT)
		return legacy_of_cone((enum verdict_behaviour)filtering->value);
	return verdict_excludes(mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT) ? LEGACY_SYMMETRIC
									 : LEGACY_UNKNOWN;
}

struct verdict_yes_no classify_firewall(enum verdict_answer udp_blocked,
					const struct verdict_yes_no *nat,
					const struct verdict_property *filtering)
{
	if (nat->value == VERDICT_UNKNOWN)
		return (struct verdict_yes_no){ .cause = nat->cause };
	if (udp_blocked == VERDICT_YES && nat->value != VERDICT_NO)
		return (struct verdict_yes_no){ .cause = CAUSE_UDP_BLOCKED };
	if (udp_blocked == VERDICT_YES)
		return (struct verdict_yes_no){ .value = VERDICT_YES };
	if (nat->value != VERDICT_NO || filtering->value == BEHAVIOUR_ENDPOINT_INDEPENDENT)
		return (struct verdict_yes_no){ .value = VERDICT_NO };
	if (!verdict_excludes(filtering, BEHAVIOUR_ENDPOINT_INDEPENDENT))
		return (struct verdict_yes_no){ .cause = filtering->cause };
	return (struct verdict_yes_no){ .value = VERDICT_YES };
}
