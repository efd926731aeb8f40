/* A picture: which probe went where, and what came back. */
#include "report_html_parts.h"

#include <string.h>

#include "svg.h"

#define WIDTH      940.0
#define HOST_X     150.0
#define NAT_X      400.0
#define LANE_X     545.0 /* the first endpoint */
#define LANE_END_X 880.0
#define HEAD       72.0
#define RAIL       40.0
#define STEP       36.0
#define GROUP      38.0
#define LANES_MAX  4
#define NO_LANE    LANES_MAX
#define NARROW     22 /* of an address that fits above its line */
#define SHOWN_MAX  8  /* of sightings, and of samples */

/* The endpoints that have a line of their own; others do not fit. */
struct lanes {
	struct addr at[LANES_MAX];
	unsigned count;
};

static void add_lane(struct lanes *l, const struct addr *a)
{
	if (a->family == ADDR_NONE || l->count == LANES_MAX)
		return;
	for (unsigned i = 0; i < l->count; i++) {
		if (addr_equal(&l->at[i], a))
			return;
	}
	l->at[l->count++] = *a;
}

static unsigned lane_of(const struct lanes *l, const struct addr *a)
{
	for (unsigned i = 0; i < l->count; i++) {
		if (addr_equal(&l->at[i], a))
			return i;
	}
	return NO_LANE;
}

static double x_of(const struct lanes *l, unsigned lane)
{
	if (l->count < 2)
		return LANE_X;
	return LANE_X + (LANE_END_X - LANE_X) * lane / (l->count - 1);
}

static struct lanes find_lanes(const struct verdict *v)
{
	struct lanes l = { 0 };

	if (v->server_count > 0)
		add_lane(&l, &v->servers[0].addr);
	for (size_t k = 0; k < FILTER_KINDS; k++) {
		if (v->filter[k].sent > 0)
			add_lane(&l, &v->filter[k].source);
	}
	for (size_t i = 0; i < v->sighting_count; i++)
		add_lane(&l, &v->sightings[i].endpoint);
	return l;
}

/* What was drawn so far, and how far down it reaches. */
struct drawing {
	FILE *out;
	struct lanes lanes;
	double y;
};

static void put_words(const struct drawing *d, const char *style, double x, double y,
		      const char *words)
{
	html_put(d->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", style, x, y,
		 words);
}

/* From x1 to x2, with a head at the end. */
static void put_arrow(const struct drawing *d, const char *style, double x1, double x2, double y)
{
	double back = x2 > x1 ? -7 : 7;

	svg_line(d->out, style, x1, y, x2, y);
	html_put(d->out, "<path class=\"head %s\" d=\"M%.1f %.1f l%.1f -4 v8 z\"/>\n", style, x2, y,
		 back);
}

static void put_cross(const struct drawing *d, double x, double y)
{
	svg_line(d->out, "lost", x - 5, y - 5, x + 5, y + 5);
	svg_line(d->out, "lost", x - 5, y + 5, x + 5, y - 5);
}

static void put_group(struct drawing *d, const char *title)
{
	d->y += GROUP;
	put_words(d, "group", 4, d->y, title);
}

struct step {
	unsigned to, from;      /* lanes: who is asked, and who answers */
	uint16_t local, mapped; /* ports; 0: not told */
	bool arrives;           /* an answer */
	bool is_filtered;       /* no answer, but one was sent */
	const char *note;       /* on the left */
};

static void put_port(const struct drawing *d, double x, const char *before, uint16_t port)
{
	char text[24];

	if (port == 0)
		return;
	snprintf(text, sizeof(text), "%s%u", before, port);
	put_words(d, "port mid", x, d->y - 5, text);
}

static void put_step(struct drawing *d, const struct step *s)
{
	double to = x_of(&d->lanes, s->to);
	double from = x_of(&d->lanes, s->from);

	d->y += STEP;
	put_words(d, "note", 4, d->y + 4, s->note);
	put_port(d, (HOST_X + NAT_X) / 2, "from port ", s->local);
	put_port(d, (NAT_X + LANE_X) / 2, "from ", s->mapped);
	put_arrow(d, "ask", HOST_X, NAT_X, d->y);
	put_arrow(d, "ask", NAT_X, to, d->y);
	if (s->arrives) {
		put_arrow(d, "answer", from, NAT_X, d->y + 11);
		put_arrow(d, "answer", NAT_X, HOST_X, d->y + 11);
	} else if (s->is_filtered) {
		put_arrow(d, "stopped", from, NAT_X + 8, d->y + 11);
		put_cross(d, NAT_X, d->y + 11);
	} else {
		put_cross(d, from, d->y + 11);
	}
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void put_sightings(struct drawing *d, const struct verdict *v)
{
	unsigned shown = 0;

	for (size_t i = 0; i < v->sighting_count && shown < SHOWN_MAX; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		const struct addr *local = s->local.family != ADDR_NONE ? &s->local : &v->local;
		unsigned lane = lane_of(&d->lanes, &s->endpoint);
		char note[32];

		if (lane == NO_LANE)
			continue;
		if (shown++ == 0)
			put_group(d, "Mapping: one socket asks several endpoints");
		snprintf(note, sizeof(note), "socket %u, %u/%u", s->slot, s->answered, s->sent);
		put_step(d, &(struct step){ .to = lane,
					    .from = lane,
					    .local = local->port,
					    .mapped = s->mapped.port,
					    .arrives = s->mapped.family != ADDR_NONE,
					    .note = note });
	}
}

static void put_filter(struct drawing *d, const struct verdict *v)
{
	unsigned asked = lane_of(&d->lanes, &v->filter[FILTER_CONTROL].source);
	bool first = true;

	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_filter_probe *p = &v->filter[k];
		unsigned lane = lane_of(&d->lanes, &p->source);
		char note[48];

		if (p->sent == 0 || lane == NO_LANE || asked == NO_LANE)
			continue;
		if (first)
			put_group(d, "Filtering: a fresh socket asks one endpoint, others answer");
		first = false;
		snprintf(note, sizeof(note), "%s, %u/%u",
			 verdict_filter_word((enum verdict_filter_kind)k), p->answered, p->sent);
		put_step(d, &(struct step){ .to = asked,
					    .from = lane,
					    .arrives = p->answered > 0,
					    .is_filtered = p->verify_answered > 0,
					    .note = note });
	}
}

static void put_samples(struct drawing *d, const struct verdict *v)
{
	for (size_t i = 0; i < v->sample_count && i < SHOWN_MAX; i++) {
		const struct verdict_sample *s = &v->samples[i];
		char note[32];

		if (i == 0)
			put_group(d, "Ports: fresh sockets, one after the other");
		snprintf(note, sizeof(note), "at %.0f ms", (double)s->sent_us / 1000);
		put_step(d, &(struct step){ .local = s->local_port,
					    .mapped = s->mapped.port,
					    .arrives = s->mapped.family != ADDR_NONE,
					    .note = note });
	}
}

static void put_hairpin(struct drawing *d, const struct verdict *v)
{
	char note[32];

	if (v->hairpin.sent == 0)
		return;
	put_group(d, "Hairpin: one of our sockets to the mapped address of another");
	d->y += STEP;
	snprintf(note, sizeof(note), "%u/%u", v->hairpin.answered, v->hairpin.sent);
	put_words(d, "note", 4, d->y + 4, note);
	put_arrow(d, "ask", HOST_X, NAT_X, d->y);
	if (v->hairpin.answered > 0)
		put_arrow(d, "answer", NAT_X, HOST_X, d->y + 11);
	else
		put_cross(d, NAT_X, d->y + 11);
}

/* As high as what the put_* above draw. */
static double height_of(const struct verdict *v, const struct lanes *l)
{
	bool has_control = lane_of(l, &v->filter[FILTER_CONTROL].source) != NO_LANE;
	unsigned sightings = 0, probes = 0, groups = 0;
	unsigned samples = smaller(v->sample_count, SHOWN_MAX);
	unsigned hairpins = v->hairpin.sent > 0 ? 1 : 0;

	for (size_t i = 0; i < v->sighting_count; i++) {
		if (lane_of(l, &v->sightings[i].endpoint) != NO_LANE && sightings < SHOWN_MAX)
			sightings++;
	}
	for (size_t k = 0; has_control && k < FILTER_KINDS; k++) {
		if (v->filter[k].sent > 0 && lane_of(l, &v->filter[k].source) != NO_LANE)
			probes++;
	}
	groups = smaller(sightings, 1) + smaller(probes, 1) + smaller(samples, 1) + hairpins;
	return HEAD + groups * GROUP + (sightings + probes + samples + hairpins) * STEP + 24;
}

static const char *middle_name(const struct verdict *v)
{
	if (v->nat.value == VERDICT_NO)
		return v->firewall.value == VERDICT_YES ? "Firewall" : "Path";
	return "NAT";
}

static void put_lanes(const struct drawing *d, const struct verdict *v, double height)
{
	static const char *const names[LANES_MAX] = { "A", "B", "C", "D" };
	char text[ADDR_TEXT_MAX];

	put_words(d, "lane mid", HOST_X, 18, "This host");
	put_words(d, "lane mid", NAT_X, 18, middle_name(v));
	svg_line(d->out, "rail", HOST_X, RAIL, HOST_X, height);
	svg_line(d->out, "rail", NAT_X, RAIL, NAT_X, height);
	for (unsigned i = 0; i < d->lanes.count; i++) {
		double x = x_of(&d->lanes, i);

		put_words(d, "lane mid", x, 18, names[i]);
		if (strlen(addr_print(&d->lanes.at[i], text)) < NARROW)
			put_words(d, "port mid", x, 32, text);
		svg_line(d->out, "rail", x, RAIL, x, height);
	}
}

static void put_legend(FILE *out, const struct lanes *l)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < l->count; i++)
		html_put(out, "%s<b>%s</b> <code>%s</code>", i > 0 ? ", " : "",
			 (const char *const[]){ "A", "B", "C", "D" }[i],
			 addr_print(&l->at[i], text));
}

void html_sequence(FILE *out, const struct verdict *v, size_t index)
{
	struct drawing d = { .out = out, .lanes = find_lanes(v), .y = HEAD - 38 };
	double height = height_of(v, &d.lanes);

	if (d.lanes.count == 0 || v->sighting_count + v->sample_count == 0)
		return;
	html_put(out, "<h3>What was sent, and what came back</h3>\n<figure>\n"
		      "<div class=\"scroll\">\n");
	svg_begin(out, "sequence", index, WIDTH, height, "Sequence of the probes",
		  "Arrows from this host through the NAT to the endpoints of servers, and back; "
		  "all of it stands in the tables below.");
	put_lanes(&d, v, height);
	put_sightings(&d, v);
	put_filter(&d, v);
	put_samples(&d, v);
	put_hairpin(&d, v);
	svg_end(out);
	html_put(out, "</div>\n<figcaption>Endpoints: ");
	put_legend(out, &d.lanes);
	html_put(out,
		 ". A cross: no answer came; at the %s: it was sent, and stopped there. Counts are "
		 "answers and copies sent. At most %u of a kind are drawn, "
		 "the tables below have all.</figcaption>\n</figure>\n",
		 middle_name(v), SHOWN_MAX);
}
