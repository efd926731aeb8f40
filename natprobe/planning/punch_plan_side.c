#include "punch_plan_side.h"

#include <math.h>

#define RTT_ASSUMED_US 60000
#define PORT_LOW       1024
#define PORT_HIGH      65535
#define PACE_PER_S     250
#define BACKGROUND_MAX 10000

struct peer_path plan_tcp_view(const struct peer_path *p)
{
	struct peer_path v = *p;

	if (p->tcp_mapping != BEHAVIOUR_UNKNOWN)
		v.mapping = p->tcp_mapping;
	if (p->tcp_filtering != BEHAVIOUR_UNKNOWN)
		v.filtering = p->tcp_filtering;
	return v;
}

bool plan_is_hard(const struct peer_path *p)
{
	switch (p->mapping) {
	case BEHAVIOUR_ADDRESS_DEPENDENT:
	case BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT:
	case BEHAVIOUR_PORT_DEPENDENT:
	case BEHAVIOUR_MIXED:
		return true;
	default:
		return false;
	}
}

bool plan_is_open(const struct peer_path *p)
{
	return p->filtering == BEHAVIOUR_ENDPOINT_INDEPENDENT || p->filtering == BEHAVIOUR_NONE;
}

bool plan_admits_address(const struct peer_path *p)
{
	return plan_is_open(p) || p->filtering == BEHAVIOUR_ADDRESS_DEPENDENT;
}

bool plan_keeps_port_of_peer(const struct peer_path *p)
{
	return !plan_is_hard(p) || p->mapping == BEHAVIOUR_ADDRESS_DEPENDENT;
}

static bool has_word(uint8_t value, unsigned word)
{
	return value == PEER_WORD(word);
}

bool plan_is_spoilt_early(const struct peer_path *p)
{
	return has_word(p->early_inbound, DEEP_EARLY_REMAPPED) ||
	       has_word(p->unexpected, DEEP_ENDS_MAPPING);
}

/* Linux remaps, and looks like any other NAT that keeps ports and lets in answers only. */
bool plan_may_be_spoilt_early(const struct peer_path *p)
{
	if (plan_is_spoilt_early(p))
		return true;
	if (p->mapping == BEHAVIOUR_NONE || plan_admits_address(p))
		return false;
	return p->early_inbound == PEER_WORD_UNKNOWN || p->unexpected == PEER_WORD_UNKNOWN;
}

enum plan_ports plan_ports(const struct peer_path *p)
{
	if (!plan_is_hard(p))
		return PLAN_PORTS_ANNOUNCED;
	switch (p->delta) {
	case DELTA_EQUAL:
	case DELTA_PRESERVING:
		return PLAN_PORTS_LOCAL;
	case DELTA_INDEPENDENT:
	case DELTA_DEPENDENT:
		return p->delta_value != 0 ? PLAN_PORTS_COUNTED : PLAN_PORTS_RANDOM;
	default:
		return PLAN_PORTS_RANDOM;
	}
}

int32_t plan_next_step(const struct peer_path *p, bool fresh)
{
	if (!plan_is_hard(p))
		return 0;
	if (!fresh && p->per_destination != 0)
		return p->per_destination;
	return p->delta == DELTA_INDEPENDENT ? p->delta_value : 0;
}

int32_t plan_ports_value(const struct peer_path *p)
{
	return p->delta == DELTA_EQUAL ? 0 : p->delta_value;
}

struct plan_range plan_range_of(const struct peer_path *p)
{
	if (p->port_low == 0 || p->port_high < p->port_low)
		return (struct plan_range){ PORT_LOW, PORT_HIGH };
	return (struct plan_range){ p->port_low, p->port_high };
}

uint32_t plan_range_width(struct plan_range r)
{
	return (uint32_t)r.high - r.low + 1;
}

bool plan_is_lot_of_parity(const struct peer_path *p)
{
	return plan_ports(p) == PLAN_PORTS_RANDOM && p->delta == DELTA_RANDOM && p->keeps_parity;
}

uint32_t plan_searched_width(const struct peer_path *p)
{
	uint32_t width = plan_range_width(plan_range_of(p));

	return plan_is_lot_of_parity(p) ? (width + 1) / 2 : width;
}

uint32_t plan_address_count(const struct peer_path *p)
{
	bool pooled = p->pooling == POOLING_ARBITRARY || p->pooling == POOLING_PER_DESTINATION;

	return pooled && p->external_count > 1 && p->external_count <= PEER_EXTERNALS_MAX
		       ? p->external_count
		       : 1;
}

bool plan_ports_follow_local(const struct peer_path *p)
{
	return plan_ports(p) == PLAN_PORTS_COUNTED && p->delta == DELTA_DEPENDENT;
}

bool plan_ports_follow_parity(const struct peer_path *p)
{
	return plan_ports(p) == PLAN_PORTS_COUNTED && p->delta == DELTA_INDEPENDENT &&
	       p->keeps_parity;
}

bool plan_is_exact(const struct peer_path *p)
{
	return plan_ports(p) == PLAN_PORTS_LOCAL || plan_ports_follow_local(p);
}

unsigned plan_families(const struct peer_path *p)
{
	unsigned families = 0;

	for (size_t i = 0; i < p->external_count && i < PEER_EXTERNALS_MAX; i++) {
		if (p->externals[i].family == ADDR_IPV4 || p->externals[i].family == ADDR_IPV6)
			families |= 1u << p->externals[i].family;
	}
	if (families == 0 && (p->family == ADDR_IPV4 || p->family == ADDR_IPV6))
		families = 1u << p->family; /* nobody told: as it is here */
	return families;
}

bool plan_uses_nat64(const struct peer_path *p, uint8_t family)
{
	return family == ADDR_IPV4 && p->family == ADDR_IPV6;
}

uint32_t plan_round_trip_us(const struct peer_path *a, const struct peer_path *b)
{
	uint64_t sum = (uint64_t)(a->rtt_us != 0 ? a->rtt_us : RTT_ASSUMED_US) +
		       (b->rtt_us != 0 ? b->rtt_us : RTT_ASSUMED_US);

	return sum > 2000000 ? 2000000 : (uint32_t)sum;
}

static uint32_t pace_of(const struct peer_path *p)
{
	uint32_t pace = p->rate_per_s != 0 ? p->rate_per_s * 4u / 5 : PACE_PER_S;

	if (pace > PACE_PER_S)
		return PACE_PER_S;
	return pace > 0 ? pace : 1;
}

uint32_t plan_pace_per_s(const struct peer_path *a, const struct peer_path *b)
{
	uint32_t pace_a = pace_of(a), pace_b = pace_of(b);

	return pace_a < pace_b ? pace_a : pace_b;
}

double plan_background(const struct peer_path *p)
{
	if (!(p->background_per_s >= 0)) /* NaN too */
		return 1;
	return p->background_per_s < BACKGROUND_MAX ? p->background_per_s : BACKGROUND_MAX;
}

static double kept(const struct peer_path *p)
{
	if (!(p->loss > 0)) /* NaN too */
		return 1;
	return p->loss < 1 ? 1 - p->loss : 0;
}

double plan_through(const struct peer_path *a, const struct peer_path *b)
{
	/* A round trip to a server is each way once. */
	return sqrt(kept(a) * kept(b));
}
