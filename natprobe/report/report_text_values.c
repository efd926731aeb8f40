/* The lines of a block: a property or two each. */
#include "report_text_values.h"

#include <string.h>

#include "property.h"
#include "wire.h"

static const char *colour_of(const char *word)
{
	static const struct {
		const char *word, *colour;
	} colours[] = {
		{ "none", TEXT_GREEN },
		{ "endpoint-independent", TEXT_GREEN },
		{ "address-and-port-dependent", TEXT_RED },
		{ "mixed", TEXT_RED },
		{ "address-dependent", TEXT_YELLOW },
		{ "port-dependent", TEXT_YELLOW },
		{ "unknown", TEXT_YELLOW },
	};

	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		if (strcmp(word, colours[i].word) == 0)
			return colours[i].colour;
	}
	return NULL;
}

/* A list of all that a value may be is not worth reading, nor one with all that RFC 4787 has. */
static bool is_narrowed(const struct property *p, uint32_t possible)
{
	unsigned total = 0, left = 0;

	for (unsigned i = 0; p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], "mixed") == 0 || strcmp(p->words[i], "none") == 0 ||
		    strcmp(p->words[i], "port-dependent") == 0 ||
		    strcmp(p->words[i], "not-applicable") == 0)
			continue;
		total++;
		left += (possible >> i & 1) != 0;
	}
	return possible != 0 && left < total;
}

static void print_possible(const struct text *t, const struct property *p, uint32_t possible)
{
	const char *before = "";

	for (unsigned i = 0; p->words[i] != NULL; i++) {
		if ((possible >> i & 1) == 0)
			continue;
		fprintf(t->out, "%s%s", before, p->words[i]);
		before = " or ";
	}
}

/* Something unknown never stands without its reason. */
static void print_cause(const struct text *t, const struct property *p,
			const struct property_value *value)
{
	const char *text = verdict_cause_text(value->cause);

	fprintf(t->out, " (%s", text[0] != '\0' ? text : "no reason is known");
	if (p->kind == PROPERTY_WORD && is_narrowed(p, value->possible)) {
		fputs("; possible: ", t->out);
		print_possible(t, p, value->possible);
	}
	fputc(')', t->out);
}

void text_value(const struct text *t, const struct verdict *v, const char *property)
{
	const struct property *p = property_find(property);
	struct property_value value;
	const char *colour;

	property_get(p, v, &value);
	colour = colour_of(value.text);
	if (colour != NULL)
		text_coloured(t, colour, value.text);
	else
		fputs(value.text, t->out);
	if (!value.known)
		print_cause(t, p, &value);
}

static void print_line(const struct text *t, const struct verdict *v, const char *name,
		       const char *property)
{
	text_label(t, name);
	text_value(t, v, property);
	fputc('\n', t->out);
}

static void print_addr(const struct text *t, const char *name, const struct addr *a,
		       const char *note)
{
	char buf[ADDR_TEXT_MAX];

	text_label(t, name);
	fprintf(t->out, "%s%s", a->family != ADDR_NONE ? addr_print(a, buf) : "unknown", note);
}

static void print_geo(const struct text *t, const struct verdict_geo *g)
{
	if (g->country[0] != '\0')
		fprintf(t->out, ", %s", g->country);
	if (g->asn != 0)
		fprintf(t->out, ", AS%u%s%s", g->asn, g->organisation[0] != '\0' ? " " : "",
			g->organisation);
}

/* Both ends of what was compared: of a UDP socket, else of a TCP connection. */
static void print_ends(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	bool tcp = v->mapped.family == ADDR_NONE && v->mapped_tcp.family != ADDR_NONE;
	const struct addr *local = v->local.family != ADDR_NONE ? &v->local : &p->local;

	print_addr(t, "local", tcp ? &v->local_tcp : local, tcp ? " (TCP)" : "");
	fputc('\n', t->out);
	print_addr(t, "mapped", tcp ? &v->mapped_tcp : &v->mapped, tcp ? " (TCP)" : "");
	print_geo(t, &v->geo);
	fputc('\n', t->out);
}

/* The value is what is likely; what else was not excluded is told, and why. */
static void print_limit(const struct text *t, const struct verdict_property *v)
{
	char list[160];

	if (v->value == BEHAVIOUR_UNKNOWN || v->cause == CAUSE_NONE)
		return;
	verdict_possible_print(v->possible & ~BEHAVIOUR_BIT(v->value), list, sizeof(list));
	fprintf(t->out, " (or %s: %s)", list, verdict_cause_text((enum verdict_cause)v->cause));
}

static void print_mapping(const struct text *t, const struct verdict *v)
{
	text_label(t, "mapping");
	text_value(t, v, "mapping");
	print_limit(t, &v->mapping);
	if (v->mapping.value != BEHAVIOUR_UNKNOWN && v->mapping_tcp.value == v->mapping.value) {
		fputs(", TCP too\n", t->out);
		return;
	}
	fputc('\n', t->out);
	print_line(t, v, "  over TCP", "mapping.tcp");
}

static void print_filtering(const struct text *t, const struct verdict *v)
{
	text_label(t, "filtering");
	text_value(t, v, "filtering");
	print_limit(t, &v->filtering);
	fputc('\n', t->out);
	if (v->turn.tried)
		print_line(t, v, "  over TCP", "filtering.tcp");
}

static void print_delta(const struct text *t, const struct verdict_ports *p)
{
	switch (p->delta) {
	case DELTA_EQUAL:
		fprintf(t->out, "kept by %.0f to %.0f %% of sockets", p->preserved.low * 100,
			p->preserved.high * 100);
		break;
	case DELTA_PRESERVING:
		fprintf(t->out, "the local port %+d", p->value);
		break;
	case DELTA_INDEPENDENT:
		fprintf(t->out, "the last one %+d", p->value);
		break;
	case DELTA_DEPENDENT:
		fprintf(t->out, "the last one %+d, after neighbouring local ports", p->value);
		break;
	default:
		fputs("at random", t->out);
		break;
	}
}

static void print_port_rules(const struct text *t, const struct verdict_ports *p)
{
	if (p->parity.value == VERDICT_YES)
		fputs(", parity kept", t->out);
	if (p->contiguity.value == VERDICT_YES)
		fputs(", contiguous", t->out);
	if (p->low != 0 && p->delta != DELTA_EQUAL)
		fprintf(t->out, ", seen %u to %u", p->low, p->high);
}

static void print_ports(const struct text *t, const struct verdict *v)
{
	if (v->ports.delta == DELTA_NOT_APPLICABLE)
		return;
	text_label(t, "ports");
	if (v->ports.delta == DELTA_UNKNOWN) {
		text_value(t, v, "delta.type");
	} else {
		print_delta(t, &v->ports);
		print_port_rules(t, &v->ports);
	}
	fputc('\n', t->out);
}

/* Below this chance, a candidate is of use to a program only; JSON has them all. */
#define CANDIDATE_CHANCE 0.02

/* Above this one, which is never quite 1, a rounded number would promise too much. */
#define CANDIDATE_NEARLY_SURE 0.99

static void print_candidate(const struct text *t, const struct verdict_prediction *p, size_t i)
{
	int32_t offset = p->candidates[i].offset;

	if (!p->follows_local)
		fprintf(t->out, "%d", p->last + offset);
	else if (offset == 0)
		fputs("the local port", t->out);
	else
		fprintf(t->out, "the local port %+d", offset);
	if (p->candidates[i].chance > CANDIDATE_NEARLY_SURE)
		fputs(" (over 99 %)", t->out);
	else
		fprintf(t->out, " (%.0f %%)", p->candidates[i].chance * 100);
}

static void print_prediction(const struct text *t, const struct verdict *v)
{
	const struct verdict_prediction *p = &v->prediction;

	if (p->count == 0)
		return;
	text_label(t, "next port");
	for (size_t i = 0; i < p->count; i++) {
		if (i > 0 && p->candidates[i].chance < CANDIDATE_CHANCE)
			break;
		fputs(i > 0 ? ", " : "", t->out);
		print_candidate(t, p, i);
	}
	fputc('\n', t->out);
}

static void print_pooling(const struct text *t, const struct verdict *v)
{
	char buf[ADDR_TEXT_MAX];

	if (v->pooling.value <= POOLING_PAIRED)
		return; /* one address, which stands above already */
	text_label(t, "addresses");
	text_value(t, v, "pooling");
	for (size_t i = 0; i < v->pooling.external_count; i++)
		fprintf(t->out, "%s%s", i == 0 ? ": " : ", ",
			addr_print_ip(&v->pooling.externals[i], buf));
	fputc('\n', t->out);
}

static void print_hairpin(const struct text *t, const struct verdict *v)
{
	if (v->hairpin.value != HAIRPIN_NOT_APPLICABLE)
		print_line(t, v, "hairpin", "hairpin");
}

static void print_gateway(const struct text *t, const struct verdict *v)
{
	static const struct {
		const char *name, *property;
	} ways[] = { { "PCP", "pcp" }, { "NAT-PMP", "nat-pmp" }, { "UPnP", "upnp" } };
	struct property_value external;
	char buf[ADDR_TEXT_MAX];

	if (v->gateway.family == ADDR_NONE && v->upnp.present.value != VERDICT_YES)
		return;
	text_label(t, "gateway");
	if (v->gateway.family != ADDR_NONE)
		fprintf(t->out, "%s: ", addr_print_ip(&v->gateway, buf));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		fprintf(t->out, "%s%s ", i > 0 ? ", " : "", ways[i].name);
		text_value(t, v, ways[i].property);
	}
	property_get(property_find("gateway.external"), v, &external);
	if (external.known && external.applies)
		fprintf(t->out, "; outside it is %s", external.text);
	fputc('\n', t->out);
}

/* Half a sentence each. */
static const char *hint_text(enum verdict_cgn_hint hint)
{
	switch (hint) {
	case CGN_LOCAL_SHARED:
		return "our own address is a provider's (RFC 6598)";
	case CGN_GATEWAY_SHARED:
		return "the gateway's outside address is a provider's (RFC 6598)";
	case CGN_GATEWAY_PRIVATE:
		return "the gateway's outside address is private";
	case CGN_GATEWAY_DIFFERS:
		return "the gateway's outside address is not the mapped one";
	case CGN_LOCAL_DS_LITE:
		return "our own address is one of DS-Lite";
	}
	return "";
}

static void print_cgn(const struct text *t, const struct verdict *v)
{
	const char *before = " (";

	if (v->cgn.value != VERDICT_YES)
		return;
	text_label(t, "second NAT");
	fputs("yes", t->out);
	for (unsigned bit = 1; bit <= CGN_LOCAL_DS_LITE; bit <<= 1) {
		if ((v->cgn_hints & bit) == 0)
			continue;
		fprintf(t->out, "%s%s", before, hint_text((enum verdict_cgn_hint)bit));
		before = "; ";
	}
	fprintf(t->out, "%s\n", v->cgn_hints != 0 ? ")" : "");
}

static void print_path(const struct text *t, const struct verdict *v)
{
	if (v->rtt_min_us == 0)
		return;
	text_label(t, "path");
	fputs("round trip ", t->out);
	text_value(t, v, "rtt");
	fputs(", lost ", t->out);
	text_value(t, v, "loss");
	if (v->rate_limit.value == VERDICT_YES)
		fprintf(t->out, ", at most %u datagrams a second", v->rate_limit_per_s);
	fputc('\n', t->out);
}

static void print_rare(const struct text *t, const struct verdict *v)
{
	char buf[ADDR_TEXT_MAX];

	if (v->udp_blocked.value != VERDICT_NO)
		print_line(t, v, "UDP blocked", "udp-blocked");
	if (v->captive_portal.value == VERDICT_YES)
		print_line(t, v, "portal", "captive-portal");
	if (v->nat64.value != VERDICT_YES)
		return;
	text_label(t, "NAT64");
	fputs("yes", t->out);
	if (v->nat64_prefix.family != ADDR_NONE)
		fprintf(t->out, ", %s/%u", addr_print_ip(&v->nat64_prefix, buf),
			v->nat64_prefix_len);
	fputc('\n', t->out);
}

static void print_legacy(const struct text *t, const struct verdict *v)
{
	text_label(t, "also called");
	fprintf(t->out, "%s", verdict_legacy_word((enum verdict_legacy)v->legacy));
	if (v->ports.delta > DELTA_NOT_APPLICABLE)
		fprintf(t->out, ", %s", verdict_delta_word((enum verdict_delta)v->ports.delta));
	fprintf(t->out, " (P2PD), %s (RFC 3489)\n",
		verdict_legacy_rfc3489((enum verdict_legacy)v->legacy));
}

static void print_confidence(const struct text *t, const struct verdict *v)
{
	if (v->confidence <= 0)
		return;
	text_label(t, "confidence");
	text_value(t, v, "confidence");
	if (v->confidence < v->confidence_asked)
		fprintf(t->out, ", less than the %g %% asked for", v->confidence_asked * 100);
	fputc('\n', t->out);
}

void text_values(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;

	print_ends(t, p);
	print_line(t, v, "NAT", "nat");
	print_mapping(t, v);
	print_filtering(t, v);
	print_line(t, v, "firewall", "firewall");
	print_ports(t, v);
	print_prediction(t, v);
	print_pooling(t, v);
	print_hairpin(t, v);
	print_gateway(t, v);
	print_cgn(t, v);
	print_rare(t, v);
	print_path(t, v);
	print_legacy(t, v);
	print_confidence(t, v);
}
