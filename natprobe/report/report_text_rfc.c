#include "report_text_rfc.h"

#include "grade.h"

static const char *title_of(uint16_t rfc)
{
	switch (rfc) {
	case 4787:
		return "UDP";
	case 5382:
		return "TCP";
	case 5508:
		return "ICMP";
	case 6888:
		return "carrier-grade NATs";
	default:
		return "updates of these";
	}
}

static const char *colour_of(enum grade g)
{
	switch (g) {
	case GRADE_MET:
		return TEXT_GREEN;
	case GRADE_VIOLATED:
		return TEXT_RED;
	default:
		return TEXT_YELLOW;
	}
}

static void print_why(const struct text *t, const struct grade_rule *rule,
		      const struct grade_result *got)
{
	char buf[PROPERTY_LONG_MAX];

	if (!got->measured) {
		fputs(" (natprobe does not measure it)", t->out);
		return;
	}
	fprintf(t->out, " (%s: %s)", rule->property,
		property_print(property_find(rule->property), &got->value, buf));
}

static void print_rule(const struct text *t, const struct grade_rule *rule, const struct verdict *v)
{
	struct grade_result got;
	char word[24];

	grade_judge(rule, v, &got);
	snprintf(word, sizeof(word), "%-14s", grade_word((enum grade)got.grade));
	fprintf(t->out, "    %-11s %-6s  ", rule->number,
		grade_level_word((enum grade_level)rule->level));
	if (got.grade == GRADE_NOT_APPLICABLE)
		fputs(word, t->out);
	else
		text_coloured(t, colour_of((enum grade)got.grade), word);
	fprintf(t->out, "  %s", rule->text);
	if (got.grade != GRADE_NOT_APPLICABLE)
		print_why(t, rule, &got);
	fputc('\n', t->out);
}

void text_rfc(const struct text *t, const struct verdict *v)
{
	uint16_t rfc = 0;

	for (size_t i = 0; i < grade_rule_count; i++) {
		const struct grade_rule *rule = &grade_rules[i];

		if (rule->rfc != rfc)
			fprintf(t->out, "  RFC %u, %s\n", (unsigned)rule->rfc, title_of(rule->rfc));
		rfc = rule->rfc;
		print_rule(t, rule, v);
	}
}
