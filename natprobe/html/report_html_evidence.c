/* Tables: every property, and what was seen. */
#include "report_html_parts.h"

#include "natprobe/report/report_sentence.h"
#include "natprobe/report/report_tests.h"

static void put_property(FILE *out, const struct property *p, const struct verdict *v)
{
	struct property_value value;
	char text[PROPERTY_LONG_MAX];
	char evidence[REPORT_TEST_TEXT_MAX];
	const char *sentence = report_sentence(p, v);

	property_get(p, v, &value);
	html_put(out, "<tr><th scope=\"row\">%s</th><td>%s</td>", p->name, p->title);
	html_put(out, "<td><span class=\"value %s\">%s</span></td><td>%s</td><td>%s</td></tr>\n",
		 html_tone(p, &value), property_print(p, &value, text),
		 sentence != NULL ? sentence : "", report_evidence(p, v, evidence));
}

void html_properties(FILE *out, const struct verdict *v)
{
	html_put(out,
		 "<details><summary>Every property, with its evidence</summary>\n"
		 "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Property</th>"
		 "<th scope=\"col\">What it is</th><th scope=\"col\">Value</th>"
		 "<th scope=\"col\">Meaning</th><th scope=\"col\">Seen</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < property_count; i++) {
		if (property_is_asked(&property_table[i], v))
			put_property(out, &property_table[i], v);
	}
	html_put(out, "</tbody></table></div>\n</details>\n");
}

static void put_addr(FILE *out, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		html_put(out, "<td><code>%s</code></td>", addr_print(a, text));
	else
		html_put(out, "<td>-</td>");
}

/* columns: their heads, NULL at the end. */
static void begin_table(FILE *out, const char *title, const char *const *columns)
{
	html_put(out, "<div class=\"scroll\"><table><caption>%s</caption><thead><tr>", title);
	for (; *columns != NULL; columns++)
		html_put(out, "<th scope=\"col\">%s</th>", *columns);
	html_put(out, "</tr></thead><tbody>\n");
}

static void end_table(FILE *out)
{
	html_put(out, "</tbody></table></div>\n");
}

static const char *server_name(const struct verdict *v, uint8_t index)
{
	if (index >= v->server_count || v->servers[index].name == NULL)
		return "-";
	return v->servers[index].name;
}

static void put_servers(FILE *out, const struct verdict *v)
{
	static const char *const columns[] = { "Server",      "Address",        "Other address",
					       "Round trip",  "UDP answered",   "TCP answered",
					       "By TCP from", "By TCP seen as", NULL };

	if (v->server_count == 0)
		return;
	begin_table(out, "Servers that were asked", columns);
	for (uint8_t i = 0; i < v->server_count; i++) {
		const struct verdict_server *s = &v->servers[i];

		html_put(out, "<tr><td>%s</td>", server_name(v, i));
		put_addr(out, &s->addr);
		put_addr(out, &s->other);
		if (s->rtt_us > 0)
			html_put(out, "<td>%.1f ms</td>", (double)s->rtt_us / 1000);
		else
			html_put(out, "<td>-</td>");
		html_put(out, "<td>%u of %u</td><td>%u of %u</td>", s->answered, s->sent,
			 s->tcp_answered, s->tcp_tried);
		put_addr(out, &s->tcp_local);
		put_addr(out, &s->tcp_mapped);
		html_put(out, "</tr>\n");
	}
	end_table(out);
}

static void put_sightings(FILE *out, const struct verdict *v)
{
	static const char *const columns[] = { "Socket",   "Local",  "Asked", "Seen as",
					       "Answered", "Server", NULL };

	if (v->sighting_count == 0)
		return;
	begin_table(out, "Mapping: what each endpoint saw of our sockets", columns);
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];

		html_put(out, "<tr><td>%u</td>", s->slot);
		put_addr(out, &s->local);
		put_addr(out, &s->endpoint);
		put_addr(out, &s->mapped);
		html_put(out, "<td>%u of %u%s</td><td>%s</td></tr>\n", s->answered, s->sent,
			 s->unstable ? ", with different addresses" : "",
			 server_name(v, s->server));
	}
	end_table(out);
}

static void put_filter(FILE *out, const struct verdict *v)
{
	static const char *const columns[] = { "Probe", "Answer comes from", "Got in",
					       "Where the filter is open", NULL };

	begin_table(out, "Filtering: whose answers got in to a fresh socket", columns);
	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_filter_probe *p = &v->filter[k];

		if (p->sent == 0 && p->verify_sent == 0)
			continue;
		html_put(out, "<tr><td>%s</td>", verdict_filter_word((enum verdict_filter_kind)k));
		put_addr(out, &p->source);
		html_put(out, "<td>%u of %u</td><td>%u of %u</td></tr>\n", p->answered, p->sent,
			 p->verify_answered, p->verify_sent);
	}
	end_table(out);
}

static void put_samples(FILE *out, const struct verdict *v)
{
	static const char *const columns[] = { "Sent at",    "Local port", "Mapped",
					       "Difference", "Alone",      NULL };

	if (v->sample_count == 0)
		return;
	begin_table(out, "Ports: fresh sockets in the order of sending", columns);
	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];

		html_put(out, "<tr><td>%.1f ms</td><td>%u</td>", (double)s->sent_us / 1000,
			 s->local_port);
		put_addr(out, &s->mapped);
		if (s->mapped.family != ADDR_NONE)
			html_put(out, "<td>%+d</td>", s->mapped.port - s->local_port);
		else
			html_put(out, "<td>-</td>");
		html_put(out, "<td>%s</td></tr>\n", s->serial ? "yes" : "no");
	}
	end_table(out);
}

static void put_tls(FILE *out, const struct report_probe *p)
{
	static const char *const columns[] = { "Server",      "Address", "Seen as",
					       "Certificate", "Why",     NULL };

	if (p->tls_count == 0)
		return;
	begin_table(out, "TLS", columns);
	for (size_t i = 0; i < p->tls_count; i++) {
		const struct report_tls *t = &p->tls[i];

		html_put(out, "<tr><td>%s</td>", t->server);
		put_addr(out, &t->to);
		put_addr(out, &t->mapped);
		html_put(out, "<td>%s</td><td>%s</td></tr>\n",
			 t->verified ? "trusted" : "not trusted", t->why);
	}
	end_table(out);
}

static void put_turn(FILE *out, const struct verdict *v)
{
	static const char *const columns[] = { "Server",    "Relays from", "and from",
					       "Filtering", "Why not",     NULL };
	const struct verdict_turn *t = &v->turn;

	if (!t->tried)
		return;
	begin_table(out, "TURN: filtering as a relay sees it", columns);
	html_put(out, "<tr><td>%s</td>", server_name(v, t->server));
	put_addr(out, &t->relayed[0]);
	put_addr(out, &t->relayed[1]);
	html_put(out, "<td>%s</td><td>%s</td></tr>\n",
		 verdict_behaviour_word((enum verdict_behaviour)t->filtering.value),
		 t->why != NULL ? t->why : "");
	end_table(out);
}

static void put_hops(FILE *out, const struct verdict_deep *d)
{
	static const char *const columns[] = { "TTL", "Who complained", "Our source as seen there",
					       "Reached the server", NULL };

	if (d->hop_count == 0)
		return;
	begin_table(out, "Hops: datagrams with a small TTL", columns);
	for (size_t i = 0; i < d->hop_count; i++) {
		const struct deep_hop *h = &d->hops[i];

		html_put(out, "<tr><td>%u</td>", h->ttl);
		put_addr(out, &h->router);
		put_addr(out, &h->inside);
		html_put(out, "<td>%s</td></tr>\n", h->reached ? "yes" : "no");
	}
	end_table(out);
}

static void put_counts(FILE *out, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	char source[ADDR_TEXT_MAX] = "nowhere";

	html_put(out,
		 "<ul>\n<li>%u datagrams sent, %u answered, %u refused by this host, %u twice, "
		 "%u stray</li>\n",
		 v->sent, v->answered, v->send_errors, v->duplicates, v->stray);
	html_put(out, "<li>%.0f ms, of which %.0f ms waiting for what a filter would drop</li>\n",
		 (double)v->elapsed_us / 1000, (double)v->window_us / 1000);
	if (v->hairpin.source.family != ADDR_NONE)
		addr_print(&v->hairpin.source, source);
	if (v->hairpin.sent > 0)
		html_put(out, "<li>hairpinned: %u of %u came through, from %s</li>\n",
			 v->hairpin.answered, v->hairpin.sent, source);
	if (v->mapping.error > 0 || v->filtering.error > 0)
		html_put(out,
			 "<li>chance that loss alone made it so: mapping %.9f, filtering "
			 "%.9f</li>\n",
			 v->mapping.error, v->filtering.error);
	if (v->deep.tried)
		html_put(out,
			 "<li>deeper look: %u datagrams sent, %u answered, %u mappings at once, "
			 "%.0f s%s</li>\n",
			 v->deep.sent, v->deep.answered, v->deep.mappings,
			 (double)v->deep.elapsed_us / 1e6, v->deep.cut ? ", cut short" : "");
	html_put(out, "<li>sockets bound to %s</li>\n</ul>\n",
		 p->bound_to_device ? "the interface" : "its address, not to the interface");
}

void html_evidence(FILE *out, const struct report_probe *p)
{
	html_put(out, "<details><summary>All that was seen</summary>\n");
	put_servers(out, p->verdict);
	put_sightings(out, p->verdict);
	if (p->verdict->filter[FILTER_CONTROL].sent > 0)
		put_filter(out, p->verdict);
	put_samples(out, p->verdict);
	put_turn(out, p->verdict);
	put_tls(out, p);
	put_hops(out, &p->verdict->deep);
	put_counts(out, p);
	html_put(out, "</details>\n");
}
