#include "punch_plan_why.h"

#define TCP_ALONE (PUNCH_BIT(PUNCH_TCP) | PUNCH_BIT(PUNCH_TCP_LOW_TTL))
#define SEARCHES  (PUNCH_BIT(PUNCH_PREDICTION) | PUNCH_BIT(PUNCH_BIRTHDAY) | PUNCH_BIT(PUNCH_MIXED))

uint8_t plan_forced(uint32_t only)
{
	uint8_t s = PUNCH_STRATEGIES - 1;

	while (s != PUNCH_NONE && only != PUNCH_BIT(s))
		s--;
	return s;
}

static bool tell(struct punch_plan *out, enum punch_reason reason, bool a, bool b)
{
	out->reason = (uint8_t)reason;
	out->side = (uint8_t)((a ? PUNCH_SIDE_A : 0) | (b ? PUNCH_SIDE_B : 0));
	return a || b;
}

static bool is_tcp_alone(uint32_t only)
{
	return only != 0 && (only & ~TCP_ALONE) == 0;
}

/* Nothing leaves by the transport that is allowed. */
static bool tell_blocked(const struct plan_pair *p, uint32_t only, struct punch_plan *out)
{
	if (is_tcp_alone(only))
		return tell(out, REASON_TCP_BLOCKED, plan_tcp_is_blocked(p->a),
			    plan_tcp_is_blocked(p->b));
	return tell(out, REASON_UDP_BLOCKED, plan_udp_is_blocked(p->a), plan_udp_is_blocked(p->b));
}

/* What is allowed is for other pairs of networks. */
static bool tell_unsuitable(const struct plan_pair *p, uint32_t only, struct punch_plan *out)
{
	bool foretells = out->forced == PUNCH_PREDICTION;

	if (only == 0 || out->count > 0)
		return false;
	if ((only & ~SEARCHES) != 0 && (plan_is_hard(p->a) || plan_is_hard(p->b)))
		return false;
	(void)tell(out, REASON_NOT_TRIED, foretells && plan_ports(p->a) == PLAN_PORTS_RANDOM,
		   foretells && plan_ports(p->b) == PLAN_PORTS_RANDOM);
	return true;
}

static void tell_mapping(const struct plan_pair *p, uint32_t only, struct punch_plan *out)
{
	struct peer_path a = *p->a, b = *p->b;

	if (is_tcp_alone(only)) {
		a = plan_tcp_view(&a);
		b = plan_tcp_view(&b);
	}
	if (tell(out, REASON_MAPPING_DIFFERS, plan_is_hard(&a), plan_is_hard(&b)))
		return;
	/* It could be done, but not by what is allowed. */
	(void)tell(out, out->forced == PUNCH_DELAYED ? REASON_REMAPPED : REASON_FILTERED, true,
		   true);
}

void plan_tell_why(const struct plan_pair *p, const struct punch_plan_options *options,
		   struct punch_plan *out)
{
	if (p == NULL)
		(void)tell(out, REASON_NO_FAMILY, true, true);
	else if (out->forced == PUNCH_RELAY && options->has_relay)
		(void)tell(out, REASON_NONE, false, false);
	else if (out->forced == PUNCH_RELAY)
		(void)tell(out, REASON_NO_RELAY, true, true);
	else if (tell_blocked(p, options->only, out) || tell_unsuitable(p, options->only, out))
		return;
	else if (out->forced == PUNCH_PORT_MAPPING)
		(void)tell(out, REASON_NO_PORT_MAPPING, true, true);
	else if (p->same_nat)
		(void)tell(out, REASON_NO_HAIRPIN, true, true);
	else
		tell_mapping(p, options->only, out);
}

/* What is named alone is tried, unless nothing of it would leave, or there is nobody to ask. */
bool punch_plan_is_hopeless(const struct punch_plan *plan)
{
	if (plan->count == 0)
		return true;
	if (plan->chance > 0 || plan->chance_relay > 0)
		return false;
	if (plan->forced == PUNCH_NONE)
		return true;
	return plan->reason == REASON_UDP_BLOCKED || plan->reason == REASON_TCP_BLOCKED ||
	       plan->reason == REASON_NO_PORT_MAPPING;
}
