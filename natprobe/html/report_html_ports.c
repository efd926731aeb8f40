/* Pictures: local against mapped ports, and how far apart mapped ones are. */
#include "report_html_parts.h"

#include <math.h>

#include "svg.h"

#define WIDTH  460.0
#define HEIGHT 330.0
#define TICKS  7

static const struct svg_area area = { 56, 34, 374, 240 };

/* Where a port that is kept would lie. */
static void put_kept_line(FILE *out, const struct plot_ports *p)
{
	double low = fmax(p->local.low, p->mapped.low);
	double high = fmin(p->local.high, p->mapped.high);

	if (low >= high)
		return;
	svg_line(out, "kept", svg_x(&area, &p->local, low), svg_y(&area, &p->mapped, low),
		 svg_x(&area, &p->local, high), svg_y(&area, &p->mapped, high));
}

static void put_sample(FILE *out, const struct plot_ports *p, const struct verdict_sample *s)
{
	double x = svg_x(&area, &p->local, s->local_port);
	double bottom = area.top + area.height;

	if (s->mapped.family == ADDR_NONE) {
		svg_line(out, "lost", x - 4, bottom - 9, x + 4, bottom - 1);
		svg_line(out, "lost", x - 4, bottom - 1, x + 4, bottom - 9);
		return;
	}
	html_put(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n",
		 s->serial ? "point serial" : "point", x, svg_y(&area, &p->mapped, s->mapped.port));
}

static void put_port_plot(FILE *out, const struct verdict *v, size_t index)
{
	struct plot_ports p;
	char desc[160];

	if (!plot_ports(v, TICKS, &p))
		return;
	snprintf(desc, sizeof(desc),
		 "%u fresh sockets: local ports from %.0f to %.0f became mapped ports from %.0f to "
		 "%.0f; %u were not answered.",
		 p.answered + p.lost, p.local.low, p.local.high, p.mapped.low, p.mapped.high,
		 p.lost);
	html_put(out, "<figure>\n");
	svg_begin(out, "ports", index, WIDTH, HEIGHT, "Local against mapped ports", desc);
	svg_axis_x(out, &area, &p.local, "local port");
	svg_axis_y(out, &area, &p.mapped, "mapped port");
	put_kept_line(out, &p);
	for (size_t i = 0; i < v->sample_count; i++)
		put_sample(out, &p, &v->samples[i]);
	svg_end(out);
	html_put(out,
		 "<figcaption>Each point is a fresh socket: its own port, and the one that the NAT "
		 "gave it. Dashed: a port that is kept. A cross: no answer.</figcaption>\n"
		 "</figure>\n");
}

static void put_bars(FILE *out, const struct plot_deltas *d, const struct plot_axis *x,
		     const struct plot_axis *y)
{
	double width = area.width * d->width / (x->high - x->low);

	for (unsigned i = 0; i < d->bins; i++) {
		double left = svg_x(&area, x, d->first + (double)i * d->width);
		double top = svg_y(&area, y, d->counts[i]);

		if (d->counts[i] == 0)
			continue;
		html_put(
			out,
			"<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
			"\n",
			left - (d->width == 1 ? width / 2 : 0) + 0.5, top, fmax(1, width - 1),
			area.top + area.height - top);
	}
}

/* Bars of single numbers stand round them, so that the axis needs half a one more. */
static struct plot_axis axis_of(const struct plot_deltas *d)
{
	double last = d->first + (double)d->bins * d->width;

	if (d->width == 1)
		return plot_axis(d->first - 1.0, last, TICKS, 1);
	return plot_axis(d->first, last, TICKS, 1);
}

static void put_delta_plot(FILE *out, const struct verdict *v, size_t index)
{
	struct plot_deltas d;
	struct plot_axis x, y;
	const char *title;
	char desc[160];

	if (!plot_deltas(v, &d))
		return;
	title = d.is_step ? "From one mapped port to the next"
			  : "From the local to the mapped port";
	x = axis_of(&d);
	y = plot_axis(0, d.most, TICKS, 1);
	snprintf(desc, sizeof(desc),
		 "How often each difference was seen, of %u; the most frequent %u times. %u lie "
		 "outside of the picture.",
		 d.total, d.most, d.below + d.above);
	html_put(out, "<figure>\n");
	svg_begin(out, "deltas", index, WIDTH, HEIGHT, title, desc);
	svg_axis_x(out, &area, &x,
		   d.is_step ? "step from the mapped port before" : "mapped port minus local port");
	svg_axis_y(out, &area, &y, "how often");
	put_bars(out, &d, &x, &y);
	svg_end(out);
	html_put(out, "<figcaption>%s: how often each difference was seen", title);
	if (d.below + d.above > 0)
		html_put(out, "; %u of %u lie further off", d.below + d.above, d.total);
	html_put(out, ".</figcaption>\n</figure>\n");
}

static void put_next(FILE *out, const struct verdict_prediction *p)
{
	if (p->count == 0)
		return;
	html_put(out, "<p>The next fresh socket will get ");
	if (!p->follows_local)
		html_put(out, "port %d", p->last + p->candidates[0].offset);
	else if (p->candidates[0].offset == 0)
		html_put(out, "its own port");
	else
		html_put(out, "its own port %+d", p->candidates[0].offset);
	html_put(out, ", with a chance of %s%.0f %%.</p>\n",
		 p->candidates[0].chance > 0.99 ? "over " : "",
		 fmin(99, p->candidates[0].chance * 100));
}

void html_ports(FILE *out, const struct verdict *v, size_t index)
{
	struct plot_ports p;

	if (!plot_ports(v, TICKS, &p))
		return;
	html_put(out, "<h3>How external ports are chosen</h3>\n<div class=\"figures\">\n");
	put_port_plot(out, v, index);
	put_delta_plot(out, v, index);
	html_put(out, "</div>\n");
	put_next(out, &v->prediction);
}
