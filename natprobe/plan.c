#include "plan.h"

#include <stddef.h>

#include "wire.h"

/* With this chance the next port is among the candidates: enough to aim at it. */
#define AIM_CHANCE 0.5

static bool can_be_foretold(const struct verdict *v)
{
	return v->ports.delta != DELTA_UNKNOWN && v->ports.delta != DELTA_RANDOM &&
	       v->prediction.count > 0 && v->prediction.chance >= AIM_CHANCE;
}

static bool is_narrow(const struct verdict *v)
{
	const struct verdict_prediction *p = &v->prediction;

	return p->high > p->low && p->high - p->low < PLAN_NARROW_PORTS;
}

static enum plan_class class_of_hard(const struct verdict *v)
{
	if (v->ports.delta == DELTA_UNKNOWN)
		return PLAN_UNKNOWN;
	if (can_be_foretold(v))
		return PLAN_PREDICTABLE;
	return is_narrow(v) ? PLAN_NARROW : PLAN_RANDOM;
}

static enum plan_class class_of_easy(uint8_t filtering)
{
	switch (filtering) {
	case BEHAVIOUR_UNKNOWN:
		return PLAN_UNKNOWN;
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return PLAN_FULL_CONE;
	case BEHAVIOUR_ADDRESS_DEPENDENT:
		return PLAN_ADDRESS_FILTERED;
	default:
		return PLAN_PORT_FILTERED;
	}
}

static enum plan_class class_without_nat(uint8_t filtering)
{
	if (filtering == BEHAVIOUR_UNKNOWN)
		return PLAN_UNKNOWN;
	return filtering == BEHAVIOUR_ENDPOINT_INDEPENDENT ? PLAN_OPEN : PLAN_FIREWALLED;
}

enum plan_class plan_class(const struct verdict *v)
{
	if (v->udp_blocked.value == VERDICT_YES || v->udp_blocked.value == VERDICT_MIXED)
		return PLAN_BLOCKED;
	switch (v->mapping.value) {
	case BEHAVIOUR_UNKNOWN:
		return verdict_excludes(&v->mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT)
			       ? class_of_hard(v)
			       : PLAN_UNKNOWN;
	case BEHAVIOUR_NONE:
		return class_without_nat(v->filtering.value);
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return class_of_easy(v->filtering.value);
	default:
		return class_of_hard(v);
	}
}

#define DIRECT   { PLAN_DIRECT, PLAN_ALWAYS }
#define CALL_OUT { PLAN_CALL_OUT, PLAN_ALWAYS }
#define PUNCH    { PLAN_PUNCH, PLAN_ALWAYS }
#define PREDICT  { PLAN_PREDICT, PLAN_LIKELY }
#define BIRTHDAY { PLAN_BIRTHDAY, PLAN_LIKELY }
#define RELAY    { PLAN_RELAY, PLAN_ALWAYS }

/* The half at and below the diagonal. Figures behind the odds: 256 sockets by 1,000 ports find
 * one of 64,511 ports in 98 % of tries, 64 by 64 one of 512 nearly always. */
static const struct plan_entry table[PLAN_CLASSES][PLAN_CLASSES] = {
	[PLAN_OPEN] = { [PLAN_OPEN] = DIRECT },
	[PLAN_FIREWALLED] = { [PLAN_OPEN] = CALL_OUT, [PLAN_FIREWALLED] = PUNCH },
	[PLAN_FULL_CONE] = {
		[PLAN_OPEN] = DIRECT,
		[PLAN_FIREWALLED] = CALL_OUT,
		[PLAN_FULL_CONE] = DIRECT,
	},
	[PLAN_ADDRESS_FILTERED] = {
		[PLAN_OPEN] = CALL_OUT,
		[PLAN_FIREWALLED] = PUNCH,
		[PLAN_FULL_CONE] = CALL_OUT,
		[PLAN_ADDRESS_FILTERED] = PUNCH,
	},
	[PLAN_PORT_FILTERED] = {
		[PLAN_OPEN] = CALL_OUT,
		[PLAN_FIREWALLED] = PUNCH,
		[PLAN_FULL_CONE] = CALL_OUT,
		[PLAN_ADDRESS_FILTERED] = PUNCH,
		[PLAN_PORT_FILTERED] = PUNCH,
	},
	/* Facing a filter by address, the answer goes to the port that really came. */
	[PLAN_PREDICTABLE] = {
		[PLAN_OPEN] = CALL_OUT,
		[PLAN_FIREWALLED] = PREDICT,
		[PLAN_FULL_CONE] = CALL_OUT,
		[PLAN_ADDRESS_FILTERED] = PUNCH,
		[PLAN_PORT_FILTERED] = PREDICT,
		[PLAN_PREDICTABLE] = { PLAN_PREDICT, PLAN_SOMETIMES },
	},
	[PLAN_NARROW] = {
		[PLAN_OPEN] = CALL_OUT,
		[PLAN_FIREWALLED] = BIRTHDAY,
		[PLAN_FULL_CONE] = CALL_OUT,
		[PLAN_ADDRESS_FILTERED] = PUNCH,
		[PLAN_PORT_FILTERED] = BIRTHDAY,
		[PLAN_PREDICTABLE] = { PLAN_BIRTHDAY, PLAN_SOMETIMES },
		[PLAN_NARROW] = { PLAN_BIRTHDAY, PLAN_SOMETIMES },
	},
	[PLAN_RANDOM] = {
		[PLAN_OPEN] = CALL_OUT,
		[PLAN_FIREWALLED] = BIRTHDAY,
		[PLAN_FULL_CONE] = CALL_OUT,
		[PLAN_ADDRESS_FILTERED] = PUNCH,
		[PLAN_PORT_FILTERED] = BIRTHDAY,
		[PLAN_PREDICTABLE] = { PLAN_BIRTHDAY, PLAN_RARELY },
		[PLAN_NARROW] = RELAY,
		[PLAN_RANDOM] = RELAY,
	},
	[PLAN_BLOCKED] = {
		[PLAN_OPEN] = { PLAN_TCP, PLAN_ALWAYS },
		[PLAN_FIREWALLED] = { PLAN_TCP, PLAN_SOMETIMES },
		[PLAN_FULL_CONE] = RELAY,
		[PLAN_ADDRESS_FILTERED] = RELAY,
		[PLAN_PORT_FILTERED] = RELAY,
		[PLAN_PREDICTABLE] = RELAY,
		[PLAN_NARROW] = RELAY,
		[PLAN_RANDOM] = RELAY,
		[PLAN_BLOCKED] = { PLAN_TCP, PLAN_SOMETIMES },
	},
};

struct plan_entry plan_between(enum plan_class a, enum plan_class b)
{
	return a > b ? table[a][b] : table[b][a];
}

struct words {
	const char *word, *text;
};

static const struct words classes[PLAN_CLASSES] = {
	[PLAN_UNKNOWN] = { "unknown", "a network that is not known well enough" },
	[PLAN_OPEN] = { "open", "a host on the open internet" },
	[PLAN_FIREWALLED] = { "firewalled", "a host with a public address behind a firewall" },
	[PLAN_FULL_CONE] = { "full-cone", "a NAT whose mappings anyone may use" },
	[PLAN_ADDRESS_FILTERED] = { "address-filtered",
				    "a NAT that lets in the hosts one has spoken to" },
	[PLAN_PORT_FILTERED] = { "port-filtered", "a usual home router" },
	[PLAN_PREDICTABLE] = { "predictable", "a NAT with a new port for each peer, by a rule" },
	[PLAN_NARROW] = { "narrow", "a NAT with a random port for each peer, out of a few" },
	[PLAN_RANDOM] = { "random", "a NAT with a random port for each peer" },
	[PLAN_BLOCKED] = { "blocked", "a network without UDP" },
};

static const struct words strategies[PLAN_STRATEGIES] = {
	[PLAN_STRATEGY_UNKNOWN] = { "unknown", "not known" },
	[PLAN_DIRECT] = { "direct", "either side connects to the other" },
	[PLAN_CALL_OUT] = { "call-out", "whoever cannot be reached connects to the one that can" },
	[PLAN_PUNCH] = { "punch", "both send at the same time (hole punching)" },
	[PLAN_PREDICT] = { "predict", "hole punching towards the ports that come next" },
	[PLAN_BIRTHDAY] = { "birthday", "hole punching with many sockets and many ports" },
	[PLAN_TCP] = { "tcp", "a connection over TCP" },
	[PLAN_RELAY] = { "relay", "a relay (TURN)" },
};

const char *plan_class_word(enum plan_class c)
{
	return classes[c < PLAN_CLASSES ? c : PLAN_UNKNOWN].word;
}

const char *plan_class_text(enum plan_class c)
{
	return classes[c < PLAN_CLASSES ? c : PLAN_UNKNOWN].text;
}

const char *plan_strategy_word(enum plan_strategy s)
{
	return strategies[s < PLAN_STRATEGIES ? s : PLAN_STRATEGY_UNKNOWN].word;
}

const char *plan_strategy_text(enum plan_strategy s)
{
	return strategies[s < PLAN_STRATEGIES ? s : PLAN_STRATEGY_UNKNOWN].text;
}

const char *plan_odds_word(enum plan_odds o)
{
	static const char *const words[] = { "never", "rarely", "sometimes", "likely", "always" };

	return o < ARRAY_LEN(words) ? words[o] : words[PLAN_NEVER];
}

static bool gateway_maps_ports(const struct verdict *v)
{
	return v->pcp.present.value == VERDICT_YES || v->nat_pmp.present.value == VERDICT_YES ||
	       v->upnp.present.value == VERDICT_YES;
}

static const char *advice_for_nat(const struct verdict *v, enum plan_class c)
{
	if (v->cgn.value == VERDICT_YES && c >= PLAN_PREDICTABLE)
		return "The hard NAT is the provider's: ask for a public IPv4 address, or use "
		       "IPv6.";
	if (gateway_maps_ports(v) && v->cgn.value != VERDICT_YES)
		return "The router opens ports when it is asked: let the application do so, and "
		       "peers can reach it directly.";
	if (c >= PLAN_PREDICTABLE)
		return "If the router has a setting for its NAT type, choose endpoint-independent "
		       "(\"full cone\", \"open\", \"game mode\").";
	if (v->cgn.value != VERDICT_YES)
		return "Switch on PCP, NAT-PMP or UPnP in the router, and applications can open "
		       "ports by themselves.";
	return NULL;
}

const char *plan_advice(const struct verdict *v)
{
	enum plan_class c = plan_class(v);

	switch (c) {
	case PLAN_UNKNOWN:
	case PLAN_OPEN:
	case PLAN_FULL_CONE:
		return NULL;
	case PLAN_FIREWALLED:
		return "Let the firewall admit the application's port, and anyone can connect.";
	case PLAN_BLOCKED:
		return "Let the firewall pass UDP outwards; without it only relays over TCP work.";
	default:
		return advice_for_nat(v, c);
	}
}
