/* What the RFCs require, and whether this NAT does it. */
#include "natprobe/report/grade.h"
#include "report_html_parts.h"

static const char *const tones[] = {
	[GRADE_UNKNOWN] = "open",
	[GRADE_MET] = "good",
	[GRADE_VIOLATED] = "bad",
	[GRADE_NOT_APPLICABLE] = "plain",
};

struct counts {
	unsigned by_grade[4];
	unsigned unmeasured; /* of those that are unknown */
};

static struct counts count(const struct verdict *v)
{
	struct counts c = { 0 };
	struct grade_result got;

	for (size_t i = 0; i < grade_rule_count; i++) {
		grade_judge(&grade_rules[i], v, &got);
		if (got.grade == GRADE_UNKNOWN && !got.measured)
			c.unmeasured++;
		else
			c.by_grade[got.grade]++;
	}
	return c;
}

static void put_rule(FILE *out, const struct grade_rule *rule, const struct grade_result *got)
{
	char buf[PROPERTY_LONG_MAX];

	html_put(out, "<tr><th scope=\"row\">RFC %u %s</th><td>%s</td><td>%s</td>", rule->rfc,
		 rule->number, grade_level_word((enum grade_level)rule->level), rule->text);
	html_put(out, "<td><span class=\"badge %s\">%s</span></td><td>",
		 got->measured ? tones[got->grade] : "plain", grade_word((enum grade)got->grade));
	if (got->measured)
		html_put(out, "%s: %s", rule->property,
			 property_print(property_find(rule->property), &got->value, buf));
	else
		html_put(out, "natprobe does not measure it");
	html_put(out, "</td></tr>\n");
}

static void put_table(FILE *out, const struct verdict *v, bool violated_only)
{
	struct grade_result got;

	html_put(out,
		 "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Requirement</th>"
		 "<th scope=\"col\">Level</th><th scope=\"col\">What it demands</th>"
		 "<th scope=\"col\">Grade</th><th scope=\"col\">Why</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < grade_rule_count; i++) {
		grade_judge(&grade_rules[i], v, &got);
		if (!violated_only || got.grade == GRADE_VIOLATED)
			put_rule(out, &grade_rules[i], &got);
	}
	html_put(out, "</tbody></table></div>\n");
}

static void put_share(FILE *out, const char *tone, unsigned count)
{
	if (count > 0)
		html_put(out, "<span class=\"%s\" style=\"flex-grow:%u\"></span>", tone, count);
}

static void put_meter(FILE *out, const struct counts *c)
{
	html_put(out,
		 "<p class=\"tally\"><b class=\"good\">%u met</b>, <b class=\"bad\">%u "
		 "violated</b>, <b class=\"open\">%u unknown</b>, %u not applicable, %u not "
		 "measured by natprobe.</p>\n",
		 c->by_grade[GRADE_MET], c->by_grade[GRADE_VIOLATED], c->by_grade[GRADE_UNKNOWN],
		 c->by_grade[GRADE_NOT_APPLICABLE], c->unmeasured);
	html_put(out, "<div class=\"meter\" aria-hidden=\"true\">");
	put_share(out, "good", c->by_grade[GRADE_MET]);
	put_share(out, "bad", c->by_grade[GRADE_VIOLATED]);
	put_share(out, "open", c->by_grade[GRADE_UNKNOWN]);
	put_share(out, "plain", c->by_grade[GRADE_NOT_APPLICABLE] + c->unmeasured);
	html_put(out, "</div>\n");
}

void html_rfc(FILE *out, const struct verdict *v)
{
	struct counts c = count(v);

	html_put(out, "<h3>What the RFCs require</h3>\n");
	put_meter(out, &c);
	if (c.by_grade[GRADE_VIOLATED] > 0)
		put_table(out, v, true);
	html_put(out,
		 "<details><summary>All %zu requirements of RFC 4787, 5382, 5508, 7857 and "
		 "6888</summary>\n",
		 grade_rule_count);
	put_table(out, v, false);
	html_put(out, "</details>\n");
}
