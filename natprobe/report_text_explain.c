/* What a verdict means: for whom one wants to meet, and for what one could change. */
#include "report_text_explain.h"

#include <string.h>

#include "plan.h"
#include "property.h"
#include "wire.h"

/* Peers that behave alike towards us share a line. */
static void print_peers(const struct text *t, enum plan_class ours, struct plan_entry entry)
{
	bool first = true;

	for (unsigned c = PLAN_OPEN; c < PLAN_CLASSES; c++) {
		struct plan_entry e = plan_between(ours, (enum plan_class)c);

		if (e.strategy != entry.strategy || e.odds != entry.odds)
			continue;
		fprintf(t->out, "%s%s", first ? "" : ", ", plan_class_word((enum plan_class)c));
		first = false;
	}
}

static bool is_first_of_its_kind(enum plan_class ours, unsigned peer)
{
	struct plan_entry e = plan_between(ours, (enum plan_class)peer);

	for (unsigned c = PLAN_OPEN; c < peer; c++) {
		struct plan_entry before = plan_between(ours, (enum plan_class)c);

		if (before.strategy == e.strategy && before.odds == e.odds)
			return false;
	}
	return true;
}

static void print_plan(const struct text *t, enum plan_class ours)
{
	for (unsigned c = PLAN_OPEN; c < PLAN_CLASSES; c++) {
		struct plan_entry e = plan_between(ours, (enum plan_class)c);

		if (!is_first_of_its_kind(ours, c))
			continue;
		text_label(t, plan_strategy_word((enum plan_strategy)e.strategy));
		fprintf(t->out, "%s with: ", plan_odds_word((enum plan_odds)e.odds));
		print_peers(t, ours, e);
		fputc('\n', t->out);
	}
}

void text_meaning(const struct text *t, const struct verdict *v)
{
	enum plan_class ours = plan_class(v);
	const char *advice = plan_advice(v);

	fputs("  ", t->out);
	text_coloured(t, TEXT_BOLD, verdict_headline(v));
	fputc('\n', t->out);
	if (ours != PLAN_UNKNOWN)
		print_plan(t, ours);
	if (advice == NULL)
		return;
	text_label(t, "to change");
	fprintf(t->out, "%s\n", advice);
}

struct sentence {
	const char *property, *word, *text;
};

/* In words of the table in doc/properties.md. */
static const struct sentence sentences[] = {
	{ "nat", "no", "Servers see this host's own address and port." },
	{ "nat", "yes", "Somebody on the path translates addresses." },
	{ "nat", "mixed", "Some destinations see this host's own address, others do not." },
	{ "mapping", "endpoint-independent",
	  "One port of ours has one external port for everybody, so a peer can be told where to "
	  "send." },
	{ "mapping", "address-dependent",
	  "Each peer's address sees another external port: what a server saw is of no use to a "
	  "peer." },
	{ "mapping", "address-and-port-dependent",
	  "Each endpoint sees another external port: what a server saw is of no use to a peer." },
	{ "mapping", "port-dependent",
	  "The external port depends on the peer's port: a peer on the server's port sees what "
	  "the server saw." },
	{ "mapping", "mixed", "External ports follow no one rule: do not rely on them." },
	{ "filtering", "endpoint-independent", "Anyone may send to a port that is in use." },
	{ "filtering", "address-dependent",
	  "Only hosts that this one has sent to get through, from any of their ports." },
	{ "filtering", "address-and-port-dependent",
	  "Only endpoints that this host has sent to get through: both sides must send." },
	{ "filtering", "port-dependent",
	  "Whoever sends from a port that this host has sent to gets through." },
	{ "udp-blocked", "yes", "No datagram is answered, though TCP is." },
	{ "udp-blocked", "mixed", "Datagrams pass to some ports only, such as 443." },
	{ "delta.type", "equal", "Fresh sockets keep their port outside, if it is free." },
	{ "delta.type", "preserving",
	  "Outside, ports are shifted by a constant: they can be foretold." },
	{ "delta.type", "independent",
	  "Outside, ports are counted: the next one can be foretold while the NAT is quiet." },
	{ "delta.type", "dependent",
	  "Neighbouring local ports get neighbouring external ones, others any." },
	{ "delta.type", "random", "External ports cannot be foretold." },
	{ "pooling", "arbitrary", "This host has several external addresses, used by chance." },
	{ "pooling", "per-destination",
	  "Several uplinks share the load: each peer sees one of several addresses." },
	{ "hairpin", "no",
	  "Hosts behind this NAT cannot reach each other by their external addresses: they need "
	  "the local ones." },
	{ "hairpin", "external-source",
	  "Hosts behind this NAT can reach each other by their external addresses." },
	{ "hairpin", "internal-source",
	  "Hosts behind this NAT reach each other by external addresses, but see internal ones, "
	  "so answers go astray." },
	{ "cgn", "yes",
	  "There is one more NAT further out: a port opened in the gateway is not open to the "
	  "world." },
	{ "rate-limit", "yes", "The path drops what exceeds a rate: do not send in bursts." },
	{ "captive-portal", "yes", "Log in on the network's web page first." },
};

void text_explain(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		const struct sentence *s = &sentences[i];
		struct property_value value;

		property_get(property_find(s->property), v, &value);
		if (value.known && strcmp(value.text, s->word) == 0)
			fprintf(t->out, "  - %s: %s\n", property_find(s->property)->title, s->text);
	}
}

static void print_short(const struct text *t, const struct verdict *v, const char *property)
{
	struct property_value value;

	property_get(property_find(property), v, &value);
	fprintf(t->out, " %s=%s", property, value.text);
}

void text_line(const struct text *t, const struct report_probe *p)
{
	static const char *const shown[] = { "nat",         "mapping",     "mapping.tcp",
					     "filtering",   "udp-blocked", "delta.type",
					     "delta.value", "pooling",     "hairpin",
					     "cgn" };

	text_label(t, "to paste");
	fprintf(t->out, "natprobe %s", p->family == ADDR_IPV6 ? "ipv6" : "ipv4");
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		print_short(t, p->verdict, shown[i]);
	fputc('\n', t->out);
}
