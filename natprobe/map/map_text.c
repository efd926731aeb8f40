#include "map_report.h"
#include "natprobe/report/report_text_put.h"

static void print_span(FILE *out, uint64_t s)
{
	if (s >= 2 * 86400)
		fprintf(out, "%.1f days", (double)s / 86400);
	else if (s >= 7200)
		fprintf(out, "%.1f h", (double)s / 3600);
	else if (s >= 120)
		fprintf(out, "%.0f min", (double)s / 60);
	else
		fprintf(out, "%u s", (unsigned)s);
}

static void print_held(const struct text *t, const struct map_row *row)
{
	const struct addr *external = &row->lease.grant.external;
	char at[ADDR_TEXT_MAX];

	if (lease_address_is_behind(map_row_address(row)))
		text_coloured(t, TEXT_YELLOW, "open at the gateway alone,");
	else
		text_coloured(t, TEXT_GREEN, "open");
	if (external->family != ADDR_NONE)
		fprintf(t->out, " as %s\n", addr_print(external, at));
	else
		fprintf(t->out, " as port %u\n", external->port);
}

static void print_title(const struct text *t, const struct map_row *row)
{
	const struct lease *l = &row->lease;
	bool is_closed = l->state == LEASE_ENDED && l->is_removed && !row->is_taken;
	char title[64];

	(void)snprintf(title, sizeof(title), "%s %u over %s",
		       lease_transport_word(l->config.transport), l->config.internal.port,
		       l->config.internal.family == ADDR_IPV6 ? "IPv6" : "IPv4");
	text_coloured(t, TEXT_BOLD, title);
	fputs(": ", t->out);
	if (l->state == LEASE_HELD) {
		print_held(t, row);
		return;
	}
	if (is_closed)
		text_coloured(t, TEXT_GREEN, "closed");
	else
		text_coloured(t, TEXT_RED, l->state == LEASE_ENDED ? "not closed" : "not opened");
	fputc('\n', t->out);
}

static void print_grant(const struct text *t, const struct map_row *row)
{
	const struct lease *l = &row->lease;
	char at[ADDR_TEXT_MAX];

	text_label(t, "granted by");
	fprintf(t->out, "%s, gateway %s\n", map_by_name(l->grant.by),
		addr_print_ip(&l->config.gateway, at));
	text_label(t, "leads to");
	fprintf(t->out, "%s on %s\n", addr_print(&l->config.internal, at), row->device);
	text_label(t, "for");
	if (l->grant.lifetime_s == 0)
		fputs("good, until it is removed", t->out);
	else
		print_span(t->out, l->grant.lifetime_s);
	fputs(row->is_kept ? ", renewed while this runs\n" : "\n", t->out);
}

static void print_address(const struct text *t, const struct map_row *row)
{
	static const char *const texts[LEASE_ADDRESSES] = {
		"the gateway names none",
		"looks public; no STUN server confirmed it",
		"public: a STUN server sees the same",
		"private",
		"of a carrier's NAT",
		"special",
		"public, and not what a STUN server sees",
	};

	text_label(t, "address");
	fprintf(t->out, "%s\n", texts[map_row_address(row)]);
}

static void print_replies(const struct text *t, const struct map_row *row)
{
	char buf[MAP_TEXT_MAX];

	text_label(t, "asked");
	for (enum lease_by by = 0; by < LEASE_BYS; by++)
		fprintf(t->out, "%s%s", by > 0 ? "; " : "", map_reply_text(row, by, buf));
	fputc('\n', t->out);
}

static void print_advice(const struct text *t, const struct map_row *row)
{
	char buf[MAP_TEXT_MAX];
	const char *text = map_row_problem(row, buf);

	if (text[0] == '\0')
		return;
	text_label(t, row->lease.state == LEASE_HELD ? "note" : "problem");
	text_coloured(t, row->lease.state == LEASE_HELD ? TEXT_YELLOW : TEXT_RED, text);
	fputc('\n', t->out);
	text = map_row_remedy(row, buf);
	if (text[0] == '\0')
		return;
	text_label(t, "remedy");
	fprintf(t->out, "%s\n", text);
}

static void print_block(const struct text *t, const struct map_row *row)
{
	print_title(t, row);
	if (row->lease.state == LEASE_HELD) {
		print_grant(t, row);
		print_address(t, row);
	} else if (row->lease.state == LEASE_REFUSED) {
		print_replies(t, row);
	}
	print_advice(t, row);
}

void map_text(const struct map_report *r, const struct report_style *style, FILE *out)
{
	const struct text t = { out, style };

	for (size_t i = 0; i < r->count; i++) {
		if (style->quiet)
			print_title(&t, &r->rows[i]);
		else
			print_block(&t, &r->rows[i]);
	}
}

static void print_end(const struct lease_record *rec, uint64_t now_unix_s, FILE *out)
{
	if (rec->ends_unix_s == LEASE_FOR_GOOD) {
		fputs("for good", out);
		return;
	}
	fputs("for another ", out);
	print_span(out, rec->ends_unix_s > now_unix_s ? rec->ends_unix_s - now_unix_s : 0);
}

static void print_table(const struct upnp_table *table, FILE *out)
{
	char at[ADDR_TEXT_MAX];

	if (table->answer != LEASE_GRANTED) {
		fputs("The gateway does not tell by UPnP what it has opened.\n", out);
		return;
	}
	fprintf(out, "The gateway, %s outside, says by UPnP: %s\n",
		addr_print_ip(&table->external, at),
		table->count == 0 ? "nothing is open." : "these ports are open.");
	for (size_t i = 0; i < table->count; i++) {
		const struct upnp_entry *e = &table->entries[i];

		fprintf(out, "  %s %u leads to %s, %s", lease_transport_word(e->transport),
			e->external_port, addr_print(&e->internal, at),
			e->is_enabled ? "" : "is switched off, ");
		if (e->lifetime_s == 0)
			fputs("for good", out);
		else {
			fputs("for another ", out);
			print_span(out, e->lifetime_s);
		}
		fprintf(out, " (\"%s\")\n", e->description);
	}
}

void map_list_text(const struct map_list *l, FILE *out)
{
	char internal[ADDR_TEXT_MAX], external[ADDR_TEXT_MAX];

	fputs(l->book->count == 0 ? "natprobe has opened no port that is still open.\n"
				  : "natprobe has opened these ports:\n",
	      out);
	for (size_t i = 0; i < l->book->count; i++) {
		const struct lease_record *rec = &l->book->items[i];

		fprintf(out, "  %s %s leads to %s, by %s, ", lease_transport_word(rec->transport),
			addr_print(&rec->external, external), addr_print(&rec->internal, internal),
			lease_by_word(rec->by));
		print_end(rec, l->now_unix_s, out);
		fputc('\n', out);
	}
	if (l->table != NULL)
		print_table(l->table, out);
}
