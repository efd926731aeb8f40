/* The report for people: a block for each interface and family, or a line. */
#include "report_text.h"

#include "report_text_deep.h"
#include "report_text_evidence.h"
#include "report_text_explain.h"
#include "report_text_put.h"
#include "report_text_rfc.h"
#include "report_text_values.h"

static const char *family_name(uint8_t family)
{
	return family == ADDR_IPV6 ? "IPv6" : "IPv4";
}

static void print_findings(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->finding_count; i++) {
		const struct verdict_finding *f = &v->findings[i];
		char buf[ADDR_TEXT_MAX];

		text_label(t, "server");
		fprintf(t->out, "%s: %s", text_server_name(v, f->server),
			verdict_cause_text((enum verdict_cause)f->cause));
		if (f->where.family != ADDR_NONE)
			fprintf(t->out, " (%s)", addr_print(&f->where, buf));
		fputc('\n', t->out);
	}
}

/* Who found out about the filter, where it was no server of RFC 5780; or why it did not. */
static void print_turn(const struct text *t, const struct verdict *v)
{
	const struct verdict_turn *turn = &v->turn;
	char relayed[ADDR_TEXT_MAX];

	if (!turn->tried)
		return;
	text_label(t, "TURN");
	fputs(text_server_name(v, turn->server), t->out);
	if (turn->relayed[0].family != ADDR_NONE) {
		fprintf(t->out, ": relays from %s", addr_print(&turn->relayed[0], relayed));
		if (turn->relayed[1].family != ADDR_NONE)
			fprintf(t->out, " and %s", addr_print(&turn->relayed[1], relayed));
		fprintf(t->out, ", sees filtering %s",
			verdict_behaviour_word((enum verdict_behaviour)turn->filtering.value));
	} else {
		fprintf(t->out, ": no relayed address");
	}
	if (turn->why != NULL)
		fprintf(t->out, "; %s", turn->why);
	if (turn->code != 0)
		fprintf(t->out, " (%u)", turn->code);
	fputc('\n', t->out);
}

static void print_tls(const struct text *t, const struct report_probe *p)
{
	for (size_t i = 0; i < p->tls_count; i++) {
		const struct report_tls *tls = &p->tls[i];
		char mapped[ADDR_TEXT_MAX];

		text_label(t, "TLS");
		fputs(tls->server, t->out);
		if (tls->mapped.family != ADDR_NONE)
			fprintf(t->out, ": answers, sees %s", addr_print(&tls->mapped, mapped));
		else
			fprintf(t->out, ": no answer");
		if (tls->why[0] != '\0')
			fprintf(t->out, " (%s)", tls->why);
		fputc('\n', t->out);
	}
}

static void print_title(const struct text *t, const struct report_probe *p)
{
	char name[REPORT_NAME_MAX];
	char title[REPORT_NAME_MAX + 8];

	snprintf(title, sizeof(title), "%s, %s", report_name(p->interface, name),
		 family_name(p->family));
	text_coloured(t, TEXT_BOLD, title);
}

static void print_not_probed(const struct text *t, const struct report_probe *p)
{
	char name[REPORT_NAME_MAX];

	if (t->style->quiet) {
		fprintf(t->out, "%s %s: not probed (%s)\n", report_name(p->interface, name),
			family_name(p->family), p->why);
		return;
	}
	print_title(t, p);
	fprintf(t->out, ": not probed (%s)\n", p->why);
	print_tls(t, p);
}

static void print_block(const struct text *t, const struct report_probe *p)
{
	print_title(t, p);
	fputc('\n', t->out);
	text_values(t, p);
	text_deep(t, p->verdict);
	print_findings(t, p->verdict);
	print_turn(t, p->verdict);
	print_tls(t, p);
	if (t->style->verbose)
		text_evidence(t, p);
	if (t->style->verbose)
		text_deep_evidence(t, p->verdict);
	text_meaning(t, p->verdict);
	if (t->style->explain)
		text_explain(t, p->verdict);
	if (t->style->rfc)
		text_rfc(t, p->verdict);
	text_line(t, p);
}

static void print_in_line(const struct text *t, const char *name, const struct verdict *v)
{
	fprintf(t->out, ", %s ", name);
	text_value(t, v, name);
}

static const char *nat_words(const struct verdict *v)
{
	if (v->nat.value != VERDICT_NO)
		return "NAT";
	return v->firewall.value == VERDICT_YES ? "firewall" : "no NAT";
}

static void print_line(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	char name[REPORT_NAME_MAX];

	fprintf(t->out, "%s %s: ", report_name(p->interface, name), family_name(p->family));
	if (v->udp_blocked.value == VERDICT_YES) {
		fprintf(t->out, "UDP blocked, %s\n", nat_words(v));
		return;
	}
	if (v->nat.value == VERDICT_UNKNOWN) {
		fputs("NAT ", t->out);
		text_value(t, v, "nat");
	} else {
		fputs(nat_words(v), t->out);
		print_in_line(t, "mapping", v);
		print_in_line(t, "filtering", v);
	}
	fputc('\n', t->out);
}

static void print_unresolved(const struct text *t, const struct report *r)
{
	for (size_t i = 0; i < r->server_count; i++) {
		if (r->servers[i].why != NULL)
			fprintf(t->out, "%s: %s\n", r->servers[i].name, r->servers[i].why);
	}
}

void report_text(const struct report *r, const struct report_style *style, FILE *out)
{
	const struct text t = { out, style };

	if (!style->quiet)
		print_unresolved(&t, r);
	if (r->why != NULL)
		fprintf(out, "nothing was probed: %s\n", r->why);
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		if (i > 0 && !style->quiet)
			fputc('\n', out);
		if (p->verdict == NULL)
			print_not_probed(&t, p);
		else if (style->quiet)
			print_line(&t, p);
		else
			print_block(&t, p);
	}
}
