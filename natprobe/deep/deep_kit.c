#include "deep_kit.h"

#include <math.h>

#include "nat64.h"

#define LOSS_ASSUMED 0.02 /* where the discovery does not tell */

struct addr deep_kit_endpoint(const struct deep *d, uint16_t change)
{
	const struct addr *other = deep_other(d), *server = &deep_config(d)->server;
	const struct verdict *v = deep_verdict(d);
	struct addr address, out = *server;

	if (other->family == ADDR_NONE)
		return *other;
	if ((change & COOP_CHANGE_PORT) != 0)
		out.port = other->port;
	if ((change & COOP_CHANGE_IP) == 0)
		return out;
	address = *other;
	if (address.family != server->family &&
	    !nat64_embed(&v->nat64_prefix, v->nat64_prefix_len, other, &address))
		return (struct addr){ 0 };
	return addr_with_port(&address, out.port);
}

uint16_t deep_kit_same_mapping(const struct deep *d)
{
	const struct verdict *v = deep_verdict(d);

	if (v->nat.value == VERDICT_NO)
		return COOP_CHANGE_IP | COOP_CHANGE_PORT;
	switch (v->mapping.value) {
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return COOP_CHANGE_IP | COOP_CHANGE_PORT;
	case BEHAVIOUR_ADDRESS_DEPENDENT:
		return COOP_CHANGE_PORT;
	case BEHAVIOUR_PORT_DEPENDENT:
		return COOP_CHANGE_IP;
	default:
		return 0;
	}
}

double deep_kit_all_lost(const struct deep *d, unsigned copies)
{
	const struct verdict *v = deep_verdict(d);
	/* Of round trips, while copies go one way: their loss is about half as much. */
	double loss = v->loss.known ? v->loss.low : LOSS_ASSUMED;

	return pow(loss < LOSS_ASSUMED ? LOSS_ASSUMED : loss, copies);
}

enum verdict_cause deep_kit_obstacle(const struct deep *d)
{
	const struct verdict *v = deep_verdict(d);

	if (deep_cooperates(d))
		return CAUSE_NOT_TRIED;
	return v->udp_blocked.value == VERDICT_YES ? CAUSE_UDP_BLOCKED : CAUSE_NO_COOPERATION;
}

uint16_t deep_kit_ask(struct deep *d, uint16_t socket, const struct addr *to)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };

	return deep_order(d, socket, to, &o, 0);
}

uint16_t deep_kit_answers(struct deep *d, uint16_t socket, uint16_t flags, uint32_t delay_ms)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.flags = flags,
				.count = KIT_ANSWERS,
				.gap_ms = KIT_GAP_MS,
				.delay_ms = delay_ms };

	return deep_order(d, socket, NULL, &o, 0);
}

uint64_t deep_kit_answers_us(const struct deep *d, uint32_t delay_ms)
{
	return deep_now_us(d) + ((uint64_t)delay_ms + KIT_ANSWERS * KIT_GAP_MS) * 1000 +
	       2 * deep_rtt_us(d) + KIT_GRACE_US;
}

void deep_kit_conclude(struct verdict *v, enum deep_property which, unsigned word, double error)
{
	if (error > KIT_ERROR) {
		deep_set_unknown(&v->deep, which, CAUSE_LOSS);
		return;
	}
	deep_set_word(&v->deep, which, word);
	v->deep.values[which].error = error;
}

void deep_kit_unknown(struct verdict *v, enum deep_property which, enum verdict_cause cause)
{
	deep_set_unknown(&v->deep, which, (uint8_t)cause);
}

size_t deep_kit_header(const struct deep *d)
{
	return deep_config(d)->server.family == ADDR_IPV6 ? 48 : 28;
}
