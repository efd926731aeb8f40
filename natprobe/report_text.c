/* The report for people: a block for each interface and family, or a line. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>

#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define PLAIN  "\033[0m"

#define LABEL_WIDTH 11

struct text {
	FILE *out;
	const struct report_style *style;
};

static void coloured(const struct text *t, const char *colour, const char *what)
{
	if (t->style->colour)
		fprintf(t->out, "%s%s%s", colour, what, PLAIN);
	else
		fputs(what, t->out);
}

static void label(const struct text *t, const char *name)
{
	fprintf(t->out, "  %-*s ", LABEL_WIDTH, name);
}

static const char *family_name(uint8_t family)
{
	return family == ADDR_IPV6 ? "IPv6" : "IPv4";
}

static const char *behaviour_colour(uint8_t value)
{
	switch (value) {
	case BEHAVIOUR_NONE:
	case BEHAVIOUR_ENDPOINT_INDEPENDENT:
		return GREEN;
	case BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT:
	case BEHAVIOUR_MIXED:
		return RED;
	default:
		return YELLOW;
	}
}

/* Some behaviour of RFC 4787 was excluded; a list of all of them is not worth reading. */
static bool is_narrowed(uint32_t possible)
{
	uint32_t all = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
		       BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
		       BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);

	return (possible & all) != all;
}

/* Something unknown never stands without its reason. */
static void print_cause(const struct text *t, uint8_t cause, uint32_t possible)
{
	char list[160] = "";
	const char *text = verdict_cause_text((enum verdict_cause)cause);

	if (is_narrowed(possible))
		verdict_possible_print(possible, list, sizeof(list));
	fprintf(t->out, " (%s%s%s)", text[0] != '\0' ? text : "no reason is known",
		list[0] != '\0' ? "; possible: " : "", list);
}

static void print_answer(const struct text *t, const char *name, const struct verdict_yes_no *v)
{
	label(t, name);
	fputs(verdict_answer_word((enum verdict_answer)v->value), t->out);
	if (v->value == VERDICT_UNKNOWN)
		print_cause(t, v->cause, 0);
	fputc('\n', t->out);
}

/* The value is what is likely; what else was not excluded is told, and why. */
static void print_limit(const struct text *t, const struct verdict_property *v)
{
	char list[160];

	verdict_possible_print(v->possible & ~BEHAVIOUR_BIT(v->value), list, sizeof(list));
	fprintf(t->out, " (or %s: %s)", list, verdict_cause_text((enum verdict_cause)v->cause));
}

static void print_property(const struct text *t, const char *name, const struct verdict_property *v)
{
	label(t, name);
	coloured(t, behaviour_colour(v->value),
		 verdict_behaviour_word((enum verdict_behaviour)v->value));
	if (v->value == BEHAVIOUR_UNKNOWN)
		print_cause(t, v->cause, v->possible);
	else if (v->cause != CAUSE_NONE)
		print_limit(t, v);
	fputc('\n', t->out);
}

static void print_addr(const struct text *t, const char *name, const struct addr *a,
		       const char *note)
{
	char buf[ADDR_TEXT_MAX];

	label(t, name);
	fprintf(t->out, "%s%s\n", a->family != ADDR_NONE ? addr_print(a, buf) : "unknown", note);
}

/* Both ends of what was compared: of a UDP socket, else of a TCP connection. */
static void print_ends(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;

	if (v->mapped.family == ADDR_NONE && v->mapped_tcp.family != ADDR_NONE) {
		print_addr(t, "local", &v->local_tcp, " (TCP)");
		print_addr(t, "mapped", &v->mapped_tcp, " (TCP)");
		return;
	}
	print_addr(t, "local", v->local.family != ADDR_NONE ? &v->local : &p->local, "");
	print_addr(t, "mapped", &v->mapped, "");
}

static const char *server_name(const struct verdict *v, uint8_t index)
{
	if (index >= v->server_count || v->servers[index].name == NULL)
		return "?";
	return v->servers[index].name;
}

static void print_findings(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->finding_count; i++) {
		const struct verdict_finding *f = &v->findings[i];
		char buf[ADDR_TEXT_MAX];

		label(t, "server");
		fprintf(t->out, "%s: %s", server_name(v, f->server),
			verdict_cause_text((enum verdict_cause)f->cause));
		if (f->where.family != ADDR_NONE)
			fprintf(t->out, " (%s)", addr_print(&f->where, buf));
		fputc('\n', t->out);
	}
}

static void print_sightings(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		char asked[ADDR_TEXT_MAX];
		char mapped[ADDR_TEXT_MAX];

		label(t, i == 0 ? "seen as" : "");
		fprintf(t->out, "%s by %s, socket %u, %u of %u answered%s\n",
			s->mapped.family != ADDR_NONE ? addr_print(&s->mapped, mapped) : "nothing",
			addr_print(&s->endpoint, asked), s->slot, s->answered, s->sent,
			s->unstable ? ", with different addresses" : "");
	}
}

static void print_filter_probes(const struct text *t, const struct verdict *v)
{
	bool first = true;

	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_filter_probe *p = &v->filter[k];
		char source[ADDR_TEXT_MAX];

		if (p->sent == 0 && p->verify_sent == 0)
			continue;
		label(t, first ? "let in" : "");
		first = false;
		fprintf(t->out, "%s: %u of %u from %s",
			verdict_filter_word((enum verdict_filter_kind)k), p->answered, p->sent,
			addr_print(&p->source, source));
		if (p->verify_sent > 0)
			fprintf(t->out, ", %u of %u where the filter is open", p->verify_answered,
				p->verify_sent);
		fputc('\n', t->out);
	}
}

static const char *tcp_words(const struct verdict_server *s)
{
	if (s->tcp_answered > 0)
		return "answers by TCP";
	if (s->tcp_connected > 0)
		return "connects by TCP, without an answer";
	return s->tcp_tried > 0 ? "no TCP" : "TCP not needed";
}

static void print_servers(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->server_count; i++) {
		const struct verdict_server *s = &v->servers[i];
		char addr[ADDR_TEXT_MAX];
		char other[ADDR_TEXT_MAX];
		char mapped[ADDR_TEXT_MAX];

		label(t, i == 0 ? "asked" : "");
		fprintf(t->out, "%s at %s, %u of %u answered", server_name(v, (uint8_t)i),
			addr_print(&s->addr, addr), s->answered, s->sent);
		if (s->rtt_us > 0)
			fprintf(t->out, " within %.1f ms", (double)s->rtt_us / 1000);
		if (s->other.family != ADDR_NONE)
			fprintf(t->out, ", also at %s", addr_print(&s->other, other));
		fprintf(t->out, ", %s", tcp_words(s));
		if (s->tcp_mapped.family != ADDR_NONE)
			fprintf(t->out, ", sees %s there", addr_print(&s->tcp_mapped, mapped));
		fputc('\n', t->out);
	}
}

static void print_counts(const struct text *t, const struct verdict *v)
{
	label(t, "datagrams");
	fprintf(t->out,
		"%u sent, %u answered, %u refused by this host, %u twice, %" PRIu32 " stray\n",
		v->sent, v->answered, v->send_errors, v->duplicates, v->stray);
	label(t, "took");
	fprintf(t->out, "%.0f ms, of which %.0f ms waiting for what a filter would drop\n",
		(double)v->elapsed_us / 1000, (double)v->window_us / 1000);
}

static void print_error_chance(const struct text *t, const char *name,
			       const struct verdict_property *p)
{
	if (p->error <= 0)
		return;
	label(t, "chance");
	fprintf(t->out, "%.2g that loss alone made this %s\n", p->error, name);
}

static void print_evidence(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;

	print_servers(t, v);
	print_sightings(t, v);
	print_filter_probes(t, v);
	print_error_chance(t, "mapping", &v->mapping);
	print_error_chance(t, "filtering", &v->filtering);
	print_counts(t, v);
	if (!p->bound_to_device) {
		label(t, "socket");
		fputs("bound to its address, not to the interface\n", t->out);
	}
}

static void print_tls(const struct text *t, const struct report_probe *p)
{
	for (size_t i = 0; i < p->tls_count; i++) {
		const struct report_tls *tls = &p->tls[i];
		char mapped[ADDR_TEXT_MAX];

		label(t, "TLS");
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
	coloured(t, BOLD, title);
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
	const struct verdict *v = p->verdict;

	print_title(t, p);
	fputc('\n', t->out);
	print_ends(t, p);
	print_answer(t, "NAT", &v->nat);
	print_property(t, "mapping", &v->mapping);
	print_property(t, "filtering", &v->filtering);
	print_answer(t, "firewall", &v->firewall);
	if (v->udp_blocked.value != VERDICT_NO)
		print_answer(t, "UDP blocked", &v->udp_blocked);
	label(t, "also called");
	fprintf(t->out, "%s (P2PD), %s (RFC 3489)\n",
		verdict_legacy_word((enum verdict_legacy)v->legacy),
		verdict_legacy_rfc3489((enum verdict_legacy)v->legacy));
	print_findings(t, v);
	print_tls(t, p);
	if (t->style->verbose)
		print_evidence(t, p);
	fputs("  ", t->out);
	coloured(t, BOLD, verdict_headline(v));
	fputc('\n', t->out);
}

static void print_in_line(const struct text *t, const char *name, const struct verdict_property *v)
{
	fprintf(t->out, ", %s %s", name, verdict_behaviour_word((enum verdict_behaviour)v->value));
	if (v->value == BEHAVIOUR_UNKNOWN)
		print_cause(t, v->cause, v->possible);
}

static const char *nat_words(const struct verdict *v)
{
	if (v->nat.value == VERDICT_UNKNOWN)
		return "NAT unknown";
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
	fputs(nat_words(v), t->out);
	if (v->nat.value == VERDICT_UNKNOWN) {
		print_cause(t, v->nat.cause, 0);
	} else {
		print_in_line(t, "mapping", &v->mapping);
		print_in_line(t, "filtering", &v->filtering);
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
