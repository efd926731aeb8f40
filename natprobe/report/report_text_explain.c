/* What a verdict means: for whom one wants to meet, and for what one could change. */
#include "report_text_explain.h"

#include "natprobe/plan.h"
#include "report_sentence.h"
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

void text_explain(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < property_count; i++) {
		const struct property *p = &property_table[i];
		const char *sentence = report_sentence(p, v);

		if (sentence != NULL)
			fprintf(t->out, "  - %s: %s\n", p->title, sentence);
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
