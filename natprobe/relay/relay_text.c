/* The report of natprobe relay for people: a block for each transport and address, or a line. */
#include "relay_report.h"
#include "natprobe/report/report_text_put.h"
#include "turn_resolve.h"

static const char *colour_of(uint8_t verdict)
{
	switch (verdict) {
	case RELAY_WORKS:
		return TEXT_GREEN;
	case RELAY_PARTLY:
	case RELAY_INCONCLUSIVE:
	case RELAY_NOT_TRIED:
		return TEXT_YELLOW;
	default:
		return TEXT_RED;
	}
}

static const char *verdict_text(uint8_t verdict)
{
	switch (verdict) {
	case RELAY_PARTLY:
		return "works partly";
	case RELAY_NO_ANSWER:
		return "no answer";
	case RELAY_NOT_TRIED:
		return "not tried";
	default:
		return relay_verdict_word(verdict);
	}
}

static void print_title(const struct text *t, const struct relay_result *r)
{
	char title[ADDR_TEXT_MAX + 16], at[ADDR_TEXT_MAX];

	(void)snprintf(title, sizeof(title), "%s %s", turn_transport_word(r->transport),
		       addr_print(&r->to, at));
	text_coloured(t, TEXT_BOLD, title);
	fputs(": ", t->out);
	text_coloured(t, colour_of(r->verdict), verdict_text(r->verdict));
	fputc('\n', t->out);
}

static void print_relayed(const struct text *t, const struct relay_result *r)
{
	char at[ADDR_TEXT_MAX];

	for (int f = 0; f < RELAY_FAMILIES; f++) {
		const struct addr *a = r->families[f].relayed;

		if (a[0].family == ADDR_NONE && a[1].family == ADDR_NONE)
			continue;
		text_label(t, "relayed");
		fputs(addr_print(a[0].family != ADDR_NONE ? &a[0] : &a[1], at), t->out);
		if (a[0].family != ADDR_NONE && a[1].family != ADDR_NONE)
			fprintf(t->out, " and %s", addr_print(&a[1], at));
		fputc('\n', t->out);
	}
}

static void print_allocation(const struct text *t, const struct relay_result *r)
{
	char at[ADDR_TEXT_MAX];

	if (r->redirected.family != ADDR_NONE) {
		text_label(t, "redirected");
		fprintf(t->out, "to %s\n", addr_print(&r->redirected, at));
	}
	if (!r->is_allocated)
		return;
	text_label(t, "mapped");
	fprintf(t->out, "%s\n", addr_print(&r->mapped, at));
	print_relayed(t, r);
	text_label(t, "granted");
	fprintf(t->out, "for %u s", r->lifetime_s);
	if (r->allocate_us != 0)
		fprintf(t->out, ", after %.1f ms", r->allocate_us / 1e3);
	if (r->connect_us != 0)
		fprintf(t->out, ", connected in %.1f ms", (double)r->connect_us / 1e3);
	fputc('\n', t->out);
}

static const char *family_name(int f)
{
	return f == RELAY_IPV6 ? "IPv6" : "IPv4";
}

static void print_loop(const struct text *t, const struct relay_result *r, int f)
{
	const struct relay_loop *loop = &r->families[f].loop;

	if (loop->state == RELAY_PATH_NOT_TRIED)
		return;
	text_label(t, "relay");
	fprintf(t->out, "%s, from one client to another: ", family_name(f));
	if (loop->state != RELAY_PATH_PASSES) {
		fprintf(t->out, "%s\n", relay_path_word(loop->state));
		return;
	}
	fprintf(t->out, "%u of %u packets arrived, %u came back\n", loop->arrived, loop->sent,
		loop->returned);
	if (loop->returned == 0)
		return;
	text_label(t, "");
	fprintf(t->out, "there and back %.2f ms (%.2f to %.2f, 95%% below %.2f)\n",
		loop->rtt_median_us / 1e3, loop->rtt_min_us / 1e3, loop->rtt_max_us / 1e3,
		loop->rtt_p95_us / 1e3);
	text_label(t, "");
	fprintf(t->out, "lost %.1f%% there, %.1f%% back; %.0f kbit/s of %u bytes each\n",
		100 * relay_loss(loop->sent, loop->arrived),
		100 * relay_loss(loop->arrived, loop->returned), relay_report_rate(r, loop) / 1e3,
		r->packet_len);
}

static void print_path(const struct text *t, const struct relay_path *p, const char *what)
{
	char at[ADDR_TEXT_MAX];

	if (p->state == RELAY_PATH_NOT_TRIED)
		return;
	text_label(t, "outside");
	fprintf(t->out, "%s: ", what);
	switch (p->state) {
	case RELAY_PATH_DENIED:
		fprintf(t->out, "denied (%u)\n", p->code);
		break;
	case RELAY_PATH_SILENT:
		fprintf(t->out, "none of %u packets arrived\n", p->sent);
		break;
	default:
		fprintf(t->out, "passes, from %s\n", addr_print(&p->from, at));
		break;
	}
}

static void print_findings(const struct text *t, const struct relay_result *r)
{
	char buf[RELAY_TEXT_MAX];

	for (size_t i = 0; i < r->finding_count; i++) {
		const struct relay_finding *f = &r->findings[i];
		const char *remedy;

		text_label(t, f->is_failure ? "problem" : "note");
		text_coloured(t, f->is_failure ? TEXT_RED : TEXT_YELLOW,
			      relay_finding_text(r, f, buf));
		fputc('\n', t->out);
		remedy = relay_finding_remedy(r, f, buf);
		if (remedy[0] == '\0')
			continue;
		text_label(t, "remedy");
		fprintf(t->out, "%s\n", remedy);
	}
}

static void print_block(const struct text *t, const struct relay_row *row)
{
	const struct relay_result *r = &row->result;

	print_title(t, r);
	print_allocation(t, r);
	for (int f = 0; f < RELAY_FAMILIES; f++)
		print_loop(t, r, f);
	print_path(t, &r->in, "from a socket of this host to the relayed address");
	print_path(t, &r->out, "from the relayed address to that socket");
	if (row->certificate[0] != '\0') {
		text_label(t, "note");
		fprintf(t->out, "its certificate was let pass: %s\n", row->certificate);
	}
	print_findings(t, r);
}

static const struct relay_finding *first_failure(const struct relay_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		if (r->findings[i].is_failure)
			return &r->findings[i];
	}
	return r->finding_count > 0 ? &r->findings[0] : NULL;
}

static void print_line(const struct text *t, const struct relay_result *r)
{
	const struct relay_finding *f = first_failure(r);
	char buf[RELAY_TEXT_MAX];

	fprintf(t->out, "%s %s: %s", turn_transport_word(r->transport), addr_print(&r->to, buf),
		verdict_text(r->verdict));
	if (r->verdict != RELAY_WORKS && f != NULL)
		fprintf(t->out, " (%s)", relay_finding_text(r, f, buf));
	fputc('\n', t->out);
}

void relay_text(const struct relay_report *r, const struct report_style *style, FILE *out)
{
	const struct text t = { out, style };

	if (r->why != NULL)
		fprintf(out, "%s: %s\n", r->uri, r->why);
	for (size_t i = 0; i < r->count; i++) {
		if (i > 0 && !style->quiet)
			fputc('\n', out);
		if (style->quiet)
			print_line(&t, &r->rows[i].result);
		else
			print_block(&t, &r->rows[i]);
	}
}
