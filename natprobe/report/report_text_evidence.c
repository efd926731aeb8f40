/* What the values of a report were concluded from. */
#include "report_text_evidence.h"

#include <inttypes.h>

#include "report_text_plot.h"

static void print_sightings(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		char asked[ADDR_TEXT_MAX];
		char mapped[ADDR_TEXT_MAX];

		text_label(t, i == 0 ? "seen as" : "");
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
		text_label(t, first ? "let in" : "");
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

		text_label(t, i == 0 ? "asked" : "");
		fprintf(t->out, "%s at %s, %u of %u answered", text_server_name(v, (uint8_t)i),
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

static void print_samples(const struct text *t, const struct verdict *v)
{
	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];
		char mapped[ADDR_TEXT_MAX];

		text_label(t, i == 0 ? "samples" : "");
		fprintf(t->out, "%u became %s at %.0f ms%s\n", s->local_port,
			s->mapped.family != ADDR_NONE ? addr_print(&s->mapped, mapped) : "nothing",
			(double)s->sent_us / 1000, s->serial ? ", alone" : "");
	}
}

static void print_calls(const struct text *t, const struct verdict *v)
{
	const struct deep_value *tcp = &v->turn.filtering_tcp;

	if (!v->turn.tried || tcp->sent == 0)
		return;
	text_label(t, "TCP calls");
	fprintf(t->out, "%u of %u connections of the relay came in\n", tcp->answered, tcp->sent);
}

static void print_hairpin(const struct text *t, const struct verdict *v)
{
	char source[ADDR_TEXT_MAX];

	if (v->hairpin.sent == 0)
		return;
	text_label(t, "hairpinned");
	fprintf(t->out, "%u of %u", v->hairpin.answered, v->hairpin.sent);
	if (v->hairpin.source.family != ADDR_NONE)
		fprintf(t->out, ", from %s", addr_print(&v->hairpin.source, source));
	fputc('\n', t->out);
}

static void print_counts(const struct text *t, const struct verdict *v)
{
	text_label(t, "datagrams");
	fprintf(t->out,
		"%u sent, %u answered, %u refused by this host, %u twice, %" PRIu32 " stray\n",
		v->sent, v->answered, v->send_errors, v->duplicates, v->stray);
	text_label(t, "took");
	fprintf(t->out, "%.0f ms, of which %.0f ms waiting for what a filter would drop\n",
		(double)v->elapsed_us / 1000, (double)v->window_us / 1000);
}

static void print_error_chance(const struct text *t, const char *name,
			       const struct verdict_property *p)
{
	if (p->error <= 0)
		return;
	text_label(t, "chance");
	fprintf(t->out, "%.2g that loss alone made this %s\n", p->error, name);
}

void text_evidence(const struct text *t, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;

	print_servers(t, v);
	print_sightings(t, v);
	print_filter_probes(t, v);
	print_calls(t, v);
	print_samples(t, v);
	text_port_plot(t, v);
	print_hairpin(t, v);
	print_error_chance(t, "mapping", &v->mapping);
	print_error_chance(t, "filtering", &v->filtering);
	print_counts(t, v);
	if (!p->bound_to_device) {
		text_label(t, "socket");
		fputs("bound to its address, not to the interface\n", t->out);
	}
}
