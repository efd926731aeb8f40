/* A card of one interface and family: the path, the facts, the peers. */
#include "report_html_parts.h"

#include <string.h>

#include "natprobe/plan.h"
#include "natprobe/report/report_sentence.h"
#include "wire.h"

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

/* What helps to be reached, and what is in the way: words that mean so in any property. */
const char *html_tone(const struct property *p, const struct property_value *value)
{
	static const char *const good[] = { "endpoint-independent",
					    "none",
					    "paired",
					    "external-source",
					    "survives",
					    "any-order",
					    "kept",
					    "equal",
					    NULL };
	static const char *const fair[] = { "address-dependent", "port-dependent",
					    "preserving",        "dependent",
					    "in-order",          "per-destination",
					    "independent",       NULL };
	static const char *const bad[] = { "address-and-port-dependent",
					   "mixed",
					   "random",
					   "arbitrary",
					   "internal-source",
					   "ends-mapping",
					   "overloaded",
					   "remapped",
					   NULL };
	static const char *const bad_if_yes[] = { "udp-blocked", "cgn",     "captive-portal",
						  "rate-limit",  "ds-lite", "alg",
						  "464xlat",     NULL };

	if (!value->known)
		return "open";
	if (p->kind != PROPERTY_WORD)
		return "plain";
	if (strcmp(value->text, "yes") == 0 && is_one_of(p->name, bad_if_yes))
		return "bad";
	if (strncmp(p->name, "filtering", 9) == 0 && strcmp(value->text, "mixed") != 0)
		return strcmp(value->text, good[0]) == 0 ? "good" : "fair";
	if (is_one_of(value->text, good))
		return "good";
	if (is_one_of(value->text, fair))
		return "fair";
	return is_one_of(value->text, bad) ? "bad" : "plain";
}

static void put_stop(FILE *out, const char *tone, const char *title, const char *under,
		     const struct addr *at)
{
	char ip[ADDR_TEXT_MAX];

	html_put(out, "<li class=\"%s\"><b>%s</b>", tone, title);
	if (at->family == ADDR_NONE || strcmp(addr_print_ip(at, ip), under) != 0)
		html_put(out, "<span>%s</span>", under);
	if (at->family != ADDR_NONE)
		html_put(out, "<code>%s</code>", addr_print_ip(at, ip));
	if (at->family != ADDR_NONE && at->port != 0)
		html_put(out, "<span>port %u</span>", at->port);
	html_put(out, "</li>\n");
}

static const char *nat_title(const struct verdict *v)
{
	if (v->nat.value != VERDICT_YES)
		return "NAT?";
	return v->nat64.value == VERDICT_YES ? "NAT64" : "NAT";
}

/* Whoever stands between this host and the servers. */
static void put_middle(FILE *out, const struct verdict *v)
{
	static const struct addr nobody;
	const struct property *mapping = property_find("mapping");
	const struct property *filtering = property_find("filtering");
	struct property_value value;

	if (v->nat.value == VERDICT_NO) {
		property_get(filtering, v, &value);
		if (v->firewall.value == VERDICT_YES)
			put_stop(out, html_tone(filtering, &value), "Firewall",
				 "filters, does not translate", &nobody);
		return;
	}
	property_get(mapping, v, &value);
	put_stop(out, html_tone(mapping, &value), nat_title(v),
		 value.known ? value.text : "mapping unknown", &v->gateway);
	if (v->cgn.value == VERDICT_YES)
		put_stop(out, "bad", "One more NAT", "at the provider", &nobody);
	else if (v->deep.values[DEEP_NATS].state == DEEP_NUMBER &&
		 v->deep.values[DEEP_NATS].low > 1)
		put_stop(out, "bad", "One more NAT", "further out", &nobody);
}

static void put_path(FILE *out, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	bool tcp = v->mapped.family == ADDR_NONE && v->mapped_tcp.family != ADDR_NONE;
	const struct addr *local = v->local.family != ADDR_NONE ? &v->local : &p->local;
	const struct addr *mapped = tcp ? &v->mapped_tcp : &v->mapped;
	char where[96] = "mapped address";

	if (v->geo.country[0] != '\0' || v->geo.asn != 0)
		snprintf(where, sizeof(where), "%s AS%u %s", v->geo.country, v->geo.asn,
			 v->geo.organisation);
	html_put(out, "<ol class=\"path\" aria-label=\"From this host to the servers\">\n");
	put_stop(out, "plain", "This host", p->interface, tcp ? &v->local_tcp : local);
	put_middle(out, v);
	if (mapped->family != ADDR_NONE)
		put_stop(out, "accent", tcp ? "Seen as, by TCP" : "Seen as", where, mapped);
	if (v->server_count > 0)
		put_stop(out, "plain", "Server",
			 v->servers[0].name != NULL ? v->servers[0].name : "", &v->servers[0].addr);
	html_put(out, "</ol>\n");
}

/* A property with what it means; a value beside may be added to it. */
static void put_fact(FILE *out, const struct verdict *v, const char *name, const char *title)
{
	const struct property *p = property_find(name);
	struct property_value value;
	const char *sentence = report_sentence(p, v);

	property_get(p, v, &value);
	html_put(out, "<div class=\"fact %s\"><dt>%s</dt><dd class=\"value\">%s</dd>",
		 html_tone(p, &value), title, value.text);
	if (sentence == NULL && !value.known)
		sentence = verdict_cause_text(value.cause);
	if (sentence != NULL && sentence[0] != '\0')
		html_put(out, "<dd class=\"note\">%s</dd>", sentence);
	html_put(out, "</div>\n");
}

static bool answer_is(const struct verdict *v, const char *name, const char *word)
{
	struct property_value value;

	property_get(property_find(name), v, &value);
	return value.known && strcmp(value.text, word) == 0;
}

static bool is_known(const struct verdict *v, const char *name, const char *but)
{
	struct property_value value;

	property_get(property_find(name), v, &value);
	return value.known && value.applies && strcmp(value.text, but) != 0;
}

/* Three ways to ask for the same. */
static void put_gateway(FILE *out, const struct verdict *v)
{
	static const char *const names[] = { "pcp", "nat-pmp", "upnp" };
	static const char *const titles[] = { "PCP", "NAT-PMP", "UPnP" };
	const char *before = "";
	bool is_yes = false;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		is_yes = is_yes || answer_is(v, names[i], "yes");
	if (!is_yes)
		return;
	html_put(out, "<div class=\"fact good\"><dt>Ports can be opened by</dt>"
		      "<dd class=\"value\">");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!answer_is(v, names[i], "yes"))
			continue;
		html_put(out, "%s%s", before, titles[i]);
		before = ", ";
	}
	html_put(out, "</dd><dd class=\"note\">The gateway answers applications that ask for "
		      "one.</dd></div>\n");
}

/* but: the value that is not worth a place; NULL: always shown */
struct fact {
	const char *name, *title, *but;
};

static void put_list(FILE *out, const struct verdict *v, const struct fact *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (facts[i].but == NULL || is_known(v, facts[i].name, facts[i].but))
			put_fact(out, v, facts[i].name, facts[i].title);
	}
}

static void put_facts(FILE *out, const struct verdict *v)
{
	static const struct fact first[] = {
		{ "mapping", "Mapping", NULL },
		{ "filtering", "Filtering", NULL },
		{ "mapping.tcp", "Mapping of TCP", NULL },
		{ "delta.type", "External ports", "not-applicable" },
		{ "hairpin", "Hairpinning", "not-applicable" },
		{ "udp-blocked", "UDP blocked", "no" },
		{ "cgn", "Second NAT", "no" },
		{ "pooling", "External addresses", "paired" },
		{ "nat64", "NAT64", "no" },
		{ "captive-portal", "Captive portal", "no" },
		{ "rate-limit", "Rate limit", "no" },
		{ "filtering.tcp", "Filtering of TCP", "" },
		{ "early-inbound", "Port after an early datagram", "kept" },
		{ "unexpected-inbound", "Mapping after a filtered datagram", "survives" },
		{ "icmp-error", "Mapping after an ICMP error", "survives" },
		{ "alg", "Payloads rewritten", "no" },
		{ "portmap.works", "A port mapping works", "" },
	};
	static const struct fact last[] = {
		{ "lifetime", "A mapping lasts", "" },
		{ "keepalive", "Seconds between keepalives", "" },
		{ "nats", "Translators on the path", "" },
		{ "mtu.out", "Largest packet out", "" },
		{ "rtt", "Round trip", "" },
		{ "loss", "Lost", "" },
	};

	html_put(out, "<dl class=\"facts\">\n");
	put_list(out, v, first, ARRAY_LEN(first));
	put_gateway(out, v);
	put_list(out, v, last, ARRAY_LEN(last));
	html_put(out, "</dl>\n");
}

static void put_peers(FILE *out, const struct verdict *v)
{
	static const char *const tones[] = {
		[PLAN_NEVER] = "bad",   [PLAN_RARELY] = "bad",  [PLAN_SOMETIMES] = "fair",
		[PLAN_LIKELY] = "good", [PLAN_ALWAYS] = "good",
	};
	enum plan_class ours = plan_class(v);

	if (ours == PLAN_UNKNOWN)
		return;
	html_put(out, "<h3>What works with which peer</h3>\n<div class=\"scroll\"><table>"
		      "<thead><tr><th scope=\"col\">The peer is</th><th scope=\"col\">Best way</th>"
		      "<th scope=\"col\">Works</th></tr></thead><tbody>\n");
	for (unsigned c = PLAN_OPEN; c < PLAN_CLASSES; c++) {
		struct plan_entry e = plan_between(ours, (enum plan_class)c);

		html_put(out, "<tr><td>%s</td>", plan_class_text((enum plan_class)c));
		html_put(out, "<td><b>%s</b>: %s</td>",
			 plan_strategy_word((enum plan_strategy)e.strategy),
			 plan_strategy_text((enum plan_strategy)e.strategy));
		html_put(out, "<td><span class=\"badge %s\">%s</span></td></tr>\n", tones[e.odds],
			 plan_odds_word((enum plan_odds)e.odds));
	}
	html_put(out, "</tbody></table></div>\n");
}

static void put_findings(FILE *out, const struct verdict *v)
{
	for (size_t i = 0; i < v->finding_count; i++) {
		const struct verdict_finding *f = &v->findings[i];
		const char *name = f->server < v->server_count ? v->servers[f->server].name : NULL;
		char at[ADDR_TEXT_MAX];

		html_put(out, "<p class=\"warning\">%s: %s", name != NULL ? name : "a server",
			 verdict_cause_text((enum verdict_cause)f->cause));
		if (f->where.family != ADDR_NONE)
			html_put(out, " (%s)", addr_print(&f->where, at));
		html_put(out, "</p>\n");
	}
}

static void put_title(FILE *out, const struct report_probe *p, size_t index)
{
	static const char *const tones[] = {
		[VERDICT_REACHED] = "good",
		[VERDICT_NO_SERVER] = "bad",
		[VERDICT_INCONCLUSIVE] = "open",
	};
	enum verdict_outcome outcome = report_outcome(p);

	html_put(out, "<article class=\"card\" id=\"card-%zu\">\n<h2>%s, %s ", index, p->interface,
		 html_family(p->family));
	if (p->verdict != NULL)
		html_put(out, "<span class=\"badge %s\">%s</span>", tones[outcome],
			 outcome == VERDICT_REACHED ? "verdict reached"
						    : report_outcome_word(outcome));
	if (p->verdict != NULL && p->verdict->confidence > 0) {
		struct property_value value;

		property_get(property_find("confidence"), p->verdict, &value);
		html_put(out, "<span class=\"sure\">confidence %s</span>", value.text);
	}
	html_put(out, "</h2>\n");
}

void html_card(FILE *out, const struct report *r, size_t index)
{
	const struct report_probe *p = &r->probes[index];
	const struct verdict *v = p->verdict;
	const char *advice;

	put_title(out, p, index);
	if (v == NULL) {
		html_put(out, "<p>Not probed: %s.</p>\n</article>\n", p->why);
		return;
	}
	if (r->probe_count > 1)
		html_put(out, "<p class=\"lead\">%s</p>\n", verdict_headline(v));
	put_path(out, p);
	put_findings(out, v);
	put_facts(out, v);
	advice = plan_advice(v);
	if (advice != NULL)
		html_put(out, "<p class=\"advice\"><b>To change something:</b> %s</p>\n", advice);
	html_ports(out, v, index);
	html_ladder(out, v, index);
	html_time(out, v, index);
	put_peers(out, v);
	html_sequence(out, v, index);
	html_rfc(out, v);
	html_properties(out, v);
	html_evidence(out, p);
	html_put(out, "</article>\n");
}
