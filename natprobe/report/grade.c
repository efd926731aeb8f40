#include "grade.h"

#include <math.h>
#include <string.h>

#include "wire.h"

#define EI_OR_AD "endpoint-independent,address-dependent"

#define MEASURED(r, n, l, t, p, ...) \
	{ .rfc = r, .number = n, .level = GRADE_##l, .text = t, .property = p, __VA_ARGS__ }
#define UNMEASURED(r, n, l, t) { .rfc = r, .number = n, .level = GRADE_##l, .text = t }

const struct grade_rule grade_rules[] = {
	MEASURED(4787, "REQ-1", MUST, "one mapping for all destinations", "mapping",
		 .met = "endpoint-independent"),
	MEASURED(4787, "REQ-2", SHOULD, "one external address for each host", "pooling",
		 .met = "paired"),
	MEASURED(4787, "REQ-3", MUST, "no two hosts share an external port", "port-clash",
		 .met = "kept,moved"),
	UNMEASURED(4787, "REQ-3a", SHOULD, "ports below 1024 stay below, others above"),
	MEASURED(4787, "REQ-4", SHOULD, "even ports stay even", "parity", .met = "yes"),
	MEASURED(4787, "REQ-5", MUST, "a mapping lasts two minutes", "lifetime", .least = 120),
	MEASURED(4787, "REQ-5", MUST, "... before an answer, too", "lifetime.one-way",
		 .least = 120),
	MEASURED(4787, "REQ-5c", SHOULD, "a mapping lasts five minutes", "lifetime", .least = 300),
	MEASURED(4787, "REQ-6", MUST, "what we send keeps a mapping alive", "refresh.outbound",
		 .met = "yes"),
	UNMEASURED(4787, "REQ-7", MUST, "addresses inside and outside may be the same"),
	MEASURED(4787, "REQ-8", SHOULD, "filters by address at most", "filtering", .met = EI_OR_AD),
	MEASURED(4787, "REQ-9", MUST, "hairpins", "hairpin",
		 .met = "external-source,internal-source"),
	MEASURED(4787, "REQ-9a", MUST, "hairpins with the external source", "hairpin",
		 .met = "external-source"),
	MEASURED(4787, "REQ-10", SHOULD, "leaves payloads alone", "alg", .met = "no"),
	MEASURED(4787, "REQ-11", MUST, "maps always alike", "mapping",
		 .met = EI_OR_AD ",address-and-port-dependent,port-dependent"),
	MEASURED(4787, "REQ-11", MUST, "... also what met a datagram from outside", "early-inbound",
		 .met = "kept"),
	MEASURED(4787, "REQ-11", MUST, "... and keeps mappings that meet unwanted ones",
		 "unexpected-inbound", .met = "survives"),
	MEASURED(4787, "REQ-12", MUST, "no ICMP error ends a mapping", "icmp-error",
		 .met = "survives"),
	MEASURED(4787, "REQ-12b", SHOULD, "passes ICMP errors on", "icmp.passed", .met = "yes"),
	MEASURED(4787, "REQ-13", MUST, "says by ICMP what is too big", "df", .met = "icmp"),
	MEASURED(4787, "REQ-13a", MUST, "lets fragments out", "fragments.out",
		 .met = "any-order,in-order"),
	MEASURED(4787, "REQ-14", MUST, "takes fragments in any order", "fragments.in",
		 .met = "any-order"),

	MEASURED(5382, "REQ-1", MUST, "one TCP mapping for all destinations", "mapping.tcp",
		 .met = "endpoint-independent"),
	UNMEASURED(5382, "REQ-2", MUST, "lets both sides open a connection at once"),
	MEASURED(5382, "REQ-3", SHOULD, "filters TCP by address at most", "filtering.tcp",
		 .met = EI_OR_AD),
	MEASURED(5382, "REQ-4", MUST, "is silent for 6 s about an early SYN", "syn-reaction",
		 .met = "silent"),
	UNMEASURED(5382, "REQ-5", MUST, "an idle connection lasts 2 hours and 4 minutes"),
	UNMEASURED(5382, "REQ-6", SHOULD, "leaves what connections carry alone"),
	UNMEASURED(5382, "REQ-7", MUST, "no two hosts share an external TCP port"),
	UNMEASURED(5382, "REQ-8", MUST, "hairpins TCP"),
	UNMEASURED(5382, "REQ-9", SHOULD, "passes ICMP errors about TCP on"),
	UNMEASURED(5382, "REQ-10", MUST, "no ICMP error ends a connection"),

	UNMEASURED(5508, "REQ-1", MUST, "lets echo requests out, and their answers in"),
	UNMEASURED(5508, "REQ-2", MUST, "an echo session lasts a minute"),
	UNMEASURED(5508, "REQ-3", SHOULD, "drops ICMP errors with a wrong checksum"),
	MEASURED(5508, "REQ-4", MUST, "translates ICMP errors from outside", "icmp.passed",
		 .met = "yes"),
	UNMEASURED(5508, "REQ-5", MUST, "translates ICMP errors from inside"),
	UNMEASURED(5508, "REQ-6", MUST, "an ICMP error ends no echo session"),
	UNMEASURED(5508, "REQ-7", MUST, "hairpins ICMP errors"),
	UNMEASURED(5508, "REQ-8", SHOULD, "says by ICMP that it has no room"),
	MEASURED(5508, "REQ-10", MUST, "supports Destination Unreachable", "icmp.passed",
		 .met = "yes"),

	UNMEASURED(7857, "section 2.2", MUST, "translates RST, and waits before it forgets"),
	MEASURED(7857, "section 4", SHOULD, "one external address for each host", "pooling",
		 .met = "paired"),
	UNMEASURED(7857, "section 5", SHOULD, "mappings of UDP and TCP have nothing in common"),
	UNMEASURED(7857, "section 6", SHOULD, "filters of UDP and TCP have nothing in common"),
	UNMEASURED(7857, "section 7", SHOULD, "what a filter drops keeps nothing alive"),
	MEASURED(7857, "section 9", SHOULD, "ports that are not kept are hard to guess",
		 "delta.type", .met = "equal,preserving,random"),
	UNMEASURED(7857, "section 10", SHOULD, "IP identifications follow RFC 6864"),

	MEASURED(6888, "REQ-2", MUST, "one external address for each subscriber", "pooling",
		 .met = "paired", .is_cgn = true),
	MEASURED(6888, "REQ-7", SHOULD, "filters nothing", "filtering",
		 .met = "endpoint-independent", .is_cgn = true),
	{ .rfc = 6888,
	  .number = "REQ-8",
	  .level = GRADE_SHOULD,
	  .text = "a port that was given back rests for two minutes",
	  .is_cgn = true },
	MEASURED(6888, "REQ-9", MUST, "opens ports on demand", "portmap.works", .met = "yes",
		 .is_cgn = true),
	MEASURED(6888, "REQ-15", SHOULD, "ports are hard to guess", "delta.type", .met = "random",
		 .is_cgn = true),
};

const size_t grade_rule_count = ARRAY_LEN(grade_rules);

static bool lists(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

static bool is_foreign(const char *word)
{
	return strcmp(word, "not-applicable") == 0 || strcmp(word, "none") == 0;
}

/* Not known which word it is, but all that remain possible say the same. */
static enum grade of_possible(const struct grade_rule *rule, const struct property *p,
			      uint32_t possible)
{
	bool met = false, violated = false;

	for (unsigned i = 0; p->words[i] != NULL; i++) {
		if ((possible & 1u << i) == 0 || is_foreign(p->words[i]))
			continue;
		if (lists(rule->met, p->words[i]))
			met = true;
		else
			violated = true;
	}
	if (met == violated)
		return GRADE_UNKNOWN;
	return met ? GRADE_MET : GRADE_VIOLATED;
}

static enum grade of_measure(const struct grade_rule *rule, const struct property_value *value)
{
	if (value->low >= rule->least)
		return GRADE_MET;
	return value->high < rule->least ? GRADE_VIOLATED : GRADE_UNKNOWN;
}

static enum grade of_value(const struct grade_rule *rule, const struct property *p,
			   const struct property_value *value)
{
	if (!value->known)
		return p->kind == PROPERTY_WORD ? of_possible(rule, p, value->possible)
						: GRADE_UNKNOWN;
	if (!value->applies || is_foreign(value->text))
		return GRADE_NOT_APPLICABLE;
	if (rule->met == NULL)
		return of_measure(rule, value);
	return lists(rule->met, value->text) ? GRADE_MET : GRADE_VIOLATED;
}

/* Whether hairpinning shows the right source is no question where nothing comes back at all. */
static bool is_moot(const struct grade_rule *rule, const struct property_value *value)
{
	return strcmp(rule->number, "REQ-9a") == 0 && value->known &&
	       strcmp(value->text, "no") == 0;
}

/* What a rule is about is not there. */
static bool is_elsewhere(const struct grade_rule *rule, const struct verdict *v)
{
	return v->nat.value == VERDICT_NO || (rule->is_cgn && v->cgn.value == VERDICT_NO);
}

void grade_judge(const struct grade_rule *rule, const struct verdict *v, struct grade_result *out)
{
	const struct property *p = rule->property != NULL ? property_find(rule->property) : NULL;

	*out = (struct grade_result){ .measured = p != NULL };
	if (p != NULL) {
		property_get(p, v, &out->value);
		out->grade = (uint8_t)of_value(rule, p, &out->value);
	}
	if (is_elsewhere(rule, v) || is_moot(rule, &out->value))
		out->grade = GRADE_NOT_APPLICABLE;
	else if (rule->is_cgn && v->cgn.value != VERDICT_YES)
		out->grade = GRADE_UNKNOWN;
}

const char *grade_word(enum grade g)
{
	static const char *const words[] = {
		[GRADE_UNKNOWN] = "unknown",
		[GRADE_MET] = "met",
		[GRADE_VIOLATED] = "violated",
		[GRADE_NOT_APPLICABLE] = "not-applicable",
	};

	return words[g];
}

const char *grade_level_word(enum grade_level l)
{
	return l == GRADE_MUST ? "MUST" : "SHOULD";
}
