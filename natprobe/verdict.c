#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "wire.h"

static const char *word_at(const char *const *words, size_t count, size_t i)
{
	return i < count && words[i] != NULL ? words[i] : "unknown";
}

const char *verdict_answer_word(enum verdict_answer a)
{
	static const char *const words[] = {
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_NO] = "no",
		[VERDICT_YES] = "yes",
		[VERDICT_MIXED] = "mixed",
	};

	return word_at(words, ARRAY_LEN(words), a);
}

const char *verdict_behaviour_word(enum verdict_behaviour b)
{
	static const char *const words[BEHAVIOURS] = {
		[BEHAVIOUR_UNKNOWN] = "unknown",
		[BEHAVIOUR_NONE] = "none",
		[BEHAVIOUR_ENDPOINT_INDEPENDENT] = "endpoint-independent",
		[BEHAVIOUR_ADDRESS_DEPENDENT] = "address-dependent",
		[BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
		[BEHAVIOUR_PORT_DEPENDENT] = "port-dependent",
		[BEHAVIOUR_MIXED] = "mixed",
	};

	return word_at(words, ARRAY_LEN(words), b);
}

struct cause_words {
	const char *word;
	const char *text;
};

static const struct cause_words causes[CAUSES] = {
	[CAUSE_NONE] = { "", "" },
	[CAUSE_NO_SERVER] = { "no-server", "no server answered" },
	[CAUSE_UDP_BLOCKED] = { "udp-blocked", "UDP is blocked" },
	[CAUSE_LOSS] = { "loss", "too many probes were lost" },
	[CAUSE_CONTROL_LOST] = { "control-lost", "the control probe got no answer either" },
	[CAUSE_FEW_SERVERS] = { "few-servers", "only one endpoint of a server could be asked" },
	[CAUSE_ONE_PORT] = { "one-port", "all endpoints that could be asked share one port" },
	[CAUSE_FEW_ENDPOINTS] = { "few-endpoints", "too few endpoints of servers answered" },
	[CAUSE_BUDGET] = { "budget", "the budget of datagrams was used up" },
	[CAUSE_TIMEOUT] = { "timeout", "time ran out" },
	[CAUSE_LOCAL_ERROR] = { "local-error",
				"this host could not open a socket, or refused to send" },
	[CAUSE_NOT_TRIED] = { "not-tried", "it was not looked for" },
	[CAUSE_FILTERED] = { "filtered", "the filter hides it, since mappings differ" },
	[CAUSE_HOST_HIDES] = { "host-hides", "this host drops packets that show its own address" },
	[CAUSE_NO_GATEWAY] = { "no-gateway", "no gateway is known" },
	[CAUSE_RATE_LIMIT] = { "rate-limit", "the path lets too few datagrams a second through" },
	[CAUSE_TCP_SILENT] = { "tcp-silent", "the server does not answer over TCP" },
	[CAUSE_REORDERED] = { "reordered", "the samples overtook each other" },
	[CAUSE_AMBIGUOUS] = { "ambiguous", "what was seen fits several rules" },
	[CAUSE_MAPPING_LIMIT] = { "mapping-limit", "the NAT gives this host no more mappings" },
	[CAUSE_CHANGED] = { "changed", "the NAT changed while it was looked at" },
	[CAUSE_DEEP] = { "deep", "only a deeper look tells" },
	[CAUSE_TURN_FAILED] = { "turn-failed", "the TURN server gave no relayed address" },
	[CAUSE_TURN_DENIED] = { "turn-denied", "the TURN server does not relay to this network" },
	[CAUSE_TURN_UNSEEN] = { "turn-unseen",
				"nothing comes through the TURN server's relayed address" },
	[CAUSE_TURN_ONE_PORT] = { "turn-one-port",
				  "the TURN server gave one port only on its relayed address" },
	[CAUSE_TURN_NO_TCP] = { "turn-no-tcp", "the TURN server makes no TCP connections for us" },
	[CAUSE_TURN_ALIKE] = { "turn-alike",
			       "the TURN server relays from the STUN server's address" },
	[CAUSE_NO_COOPERATION] = { "no-cooperation", "no server that cooperates is known" },
	[CAUSE_DNS_SILENT] = { "dns-silent", "DNS does not answer" },
	[CAUSE_SERVER_SILENT] = { "server-silent", "the server does not answer" },
	[CAUSE_SERVER_ERROR] = { "server-error", "the server answers without telling an address" },
	[CAUSE_NO_OTHER_ADDRESS] = { "no-other-address", "the server has one address only" },
	[CAUSE_SAME_ADDRESS] = { "same-address", "the server's OTHER-ADDRESS is a second port on "
						 "the same address" },
	[CAUSE_SAME_PORT] = { "same-port", "the server's OTHER-ADDRESS has the same port" },
	[CAUSE_ALTERNATE_UNUSABLE] = { "alternate-unusable",
				       "the server's OTHER-ADDRESS cannot be used from here" },
	[CAUSE_ALTERNATE_SILENT] = { "alternate-silent",
				     "one of the server's other endpoints does not answer" },
	[CAUSE_IGNORES_CHANGE] = { "ignores-change-request",
				   "the server ignores CHANGE-REQUEST and answers from where it "
				   "was asked" },
	[CAUSE_REFUSES_CHANGE] = { "refuses-change-request",
				   "the server answers CHANGE-REQUEST with an error" },
	[CAUSE_DROPS_CHANGE] = { "drops-change-request",
				 "the server does not answer CHANGE-REQUEST" },
	[CAUSE_WRONG_SOURCE] = { "wrong-source",
				 "the server answers from an address or port nobody asked for" },
};

const char *verdict_cause_word(enum verdict_cause c)
{
	return c < CAUSES ? causes[c].word : "unknown";
}

const char *verdict_cause_text(enum verdict_cause c)
{
	return c < CAUSES ? causes[c].text : "unknown";
}

const char *verdict_legacy_word(enum verdict_legacy l)
{
	static const char *const words[LEGACIES] = {
		[LEGACY_UNKNOWN] = "unknown",
		[LEGACY_OPEN_INTERNET] = "open internet",
		[LEGACY_SYMMETRIC_UDP_FIREWALL] = "symmetric udp firewall",
		[LEGACY_FULL_CONE] = "full cone",
		[LEGACY_RESTRICT] = "restrict",
		[LEGACY_RESTRICT_PORT] = "restrict port",
		[LEGACY_SYMMETRIC] = "symmetric",
		[LEGACY_FILTERED] = "filtered",
	};

	return word_at(words, ARRAY_LEN(words), l);
}

const char *verdict_legacy_rfc3489(enum verdict_legacy l)
{
	static const char *const words[LEGACIES] = {
		[LEGACY_UNKNOWN] = "unknown",
		[LEGACY_OPEN_INTERNET] = "Open Internet",
		[LEGACY_SYMMETRIC_UDP_FIREWALL] = "Symmetric UDP Firewall",
		[LEGACY_FULL_CONE] = "Full Cone",
		[LEGACY_RESTRICT] = "Restricted Cone",
		[LEGACY_RESTRICT_PORT] = "Port Restricted Cone",
		[LEGACY_SYMMETRIC] = "Symmetric",
		[LEGACY_FILTERED] = "UDP Blocked",
	};

	return word_at(words, ARRAY_LEN(words), l);
}

const char *verdict_filter_word(enum verdict_filter_kind k)
{
	static const char *const words[FILTER_KINDS] = {
		[FILTER_CONTROL] = "control",
		[FILTER_PORT] = "change-port",
		[FILTER_ADDRESS] = "change-address",
		[FILTER_BOTH] = "change-both",
	};

	return word_at(words, ARRAY_LEN(words), k);
}

const char *verdict_possible_print(uint32_t possible, char *buf, size_t cap)
{
	size_t len = 0;

	if (cap > 0)
		buf[0] = '\0';
	for (unsigned b = BEHAVIOUR_NONE; b < BEHAVIOURS; b++) {
		if ((possible & BEHAVIOUR_BIT(b)) == 0 || len >= cap)
			continue;
		int n = snprintf(buf + len, cap - len, "%s%s", len > 0 ? " or " : "",
				 verdict_behaviour_word((enum verdict_behaviour)b));
		if (n > 0)
			len += (size_t)n;
	}
	return buf;
}

bool verdict_excludes(const struct verdict_property *p, enum verdict_behaviour value)
{
	if (p->value != BEHAVIOUR_UNKNOWN)
		return p->value != value;
	return p->possible != 0 && (p->possible & BEHAVIOUR_BIT(value)) == 0;
}

enum verdict_prospect verdict_prospect(const struct verdict *v)
{
	bool open = v->filtering.value == BEHAVIOUR_ENDPOINT_INDEPENDENT;

	if (v->udp_blocked.value == VERDICT_YES)
		return PROSPECT_RELAY;
	if (v->mapping.value == BEHAVIOUR_NONE ||
	    v->mapping.value == BEHAVIOUR_ENDPOINT_INDEPENDENT)
		return open ? PROSPECT_DIRECT : PROSPECT_PUNCH;
	return verdict_excludes(&v->mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT) ? PROSPECT_PUNCH_HARD
									     : PROSPECT_UNKNOWN;
}

const char *verdict_prospect_word(enum verdict_prospect p)
{
	static const char *const words[PROSPECTS] = {
		[PROSPECT_UNKNOWN] = "unknown", [PROSPECT_DIRECT] = "direct",
		[PROSPECT_PUNCH] = "punch",     [PROSPECT_PUNCH_HARD] = "punch-hard",
		[PROSPECT_RELAY] = "relay",
	};

	return word_at(words, ARRAY_LEN(words), p);
}

static const char *headline_of_unknown(const struct verdict *v)
{
	if (v->nat.value == VERDICT_YES)
		return "There is a NAT; whether hole punching gets through it is not known.";
	if (v->udp_blocked.value == VERDICT_UNKNOWN)
		return "No server answered, so nothing is known about this path.";
	return "UDP works; what it takes to be reached is not known.";
}

const char *verdict_headline(const struct verdict *v)
{
	bool nat = v->nat.value != VERDICT_NO;

	if (!nat && v->firewall.value == VERDICT_UNKNOWN)
		return "No NAT; whether a firewall is in front of this host is not known.";
	switch (verdict_prospect(v)) {
	case PROSPECT_DIRECT:
		return nat ? "Behind a NAT, but anyone can reach an open port here directly."
			   : "On the open internet: anyone can reach this host directly.";
	case PROSPECT_PUNCH:
		return nat ? "Behind a NAT that hole punching gets through with most peers."
			   : "Behind a firewall that hole punching gets through with most peers.";
	case PROSPECT_PUNCH_HARD:
		return "Behind a hard NAT: hole punching works with easy peers only, others need "
		       "a relay.";
	case PROSPECT_RELAY:
		return "UDP is blocked: only a relay over TCP or TLS will connect to peers.";
	default:
		return headline_of_unknown(v);
	}
}

enum verdict_outcome verdict_outcome(const struct verdict *v)
{
	if (v->udp_blocked.value == VERDICT_YES)
		return VERDICT_REACHED;
	if (v->udp_blocked.value == VERDICT_UNKNOWN && v->nat.cause == CAUSE_NO_SERVER)
		return VERDICT_NO_SERVER;
	if (v->nat.value == VERDICT_UNKNOWN || v->mapping.value == BEHAVIOUR_UNKNOWN ||
	    v->filtering.value == BEHAVIOUR_UNKNOWN)
		return VERDICT_INCONCLUSIVE;
	return VERDICT_REACHED;
}

void verdict_add_finding(struct verdict *v, enum verdict_cause cause, uint8_t server,
			 const struct addr *where)
{
	struct verdict_finding *f;
	unsigned alike = 0;

	for (size_t i = 0; i < v->finding_count; i++) {
		f = &v->findings[i];
		if (f->cause != cause || f->server != server)
			continue;
		if (addr_equal(&f->where, where))
			return;
		alike++;
	}
	/* A server that answers from everywhere leaves room for what others do. */
	if (alike == VERDICT_FINDINGS_ALIKE || v->finding_count == VERDICT_FINDINGS_MAX)
		return;
	f = &v->findings[v->finding_count++];
	*f = (struct verdict_finding){ .cause = (uint8_t)cause, .server = server, .where = *where };
}

const char *verdict_delta_word(enum verdict_delta d)
{
	static const char *const words[DELTAS] = {
		[DELTA_NOT_APPLICABLE] = "not-applicable", [DELTA_EQUAL] = "equal",
		[DELTA_PRESERVING] = "preserving",         [DELTA_INDEPENDENT] = "independent",
		[DELTA_DEPENDENT] = "dependent",           [DELTA_RANDOM] = "random",
	};

	return word_at(words, ARRAY_LEN(words), d);
}

const char *verdict_pooling_word(enum verdict_pooling p)
{
	static const char *const words[POOLINGS] = {
		[POOLING_NOT_APPLICABLE] = "not-applicable",
		[POOLING_PAIRED] = "paired",
		[POOLING_ARBITRARY] = "arbitrary",
		[POOLING_PER_DESTINATION] = "per-destination",
	};

	return word_at(words, ARRAY_LEN(words), p);
}

const char *verdict_hairpin_word(enum verdict_hairpin h)
{
	static const char *const words[HAIRPINS] = {
		[HAIRPIN_NOT_APPLICABLE] = "not-applicable",
		[HAIRPIN_NO] = "no",
		[HAIRPIN_EXTERNAL_SOURCE] = "external-source",
		[HAIRPIN_INTERNAL_SOURCE] = "internal-source",
	};

	return word_at(words, ARRAY_LEN(words), h);
}

const char *verdict_cgn_word(enum verdict_cgn_hint hint)
{
	switch (hint) {
	case CGN_LOCAL_SHARED:
		return "local-shared-address";
	case CGN_GATEWAY_SHARED:
		return "gateway-shared-address";
	case CGN_GATEWAY_PRIVATE:
		return "gateway-private-address";
	case CGN_GATEWAY_DIFFERS:
		return "gateway-address-differs";
	case CGN_LOCAL_DS_LITE:
		return "local-ds-lite-address";
	}
	return "unknown";
}

void verdict_use_turn(struct verdict *v)
{
	struct deep_value *value = &v->deep.values[DEEP_FILTERING_TCP];

	if (v->turn.tried && value->state == DEEP_UNKNOWN)
		*value = v->turn.filtering_tcp;
}
