/* Pictures: round trips and loss. */
#include "report_html_parts.h"

#include <math.h>

#include "svg.h"

#define WIDTH  460.0
#define HEIGHT 92.0
#define TICKS  6

static const struct svg_area area = { 56, 14, 374, 34 };

/* From `low` to `high`; a bar is seen also where both are the same. */
static void put_range(FILE *out, const struct plot_axis *a, double low, double high)
{
	double left = svg_x(&area, a, low);
	double right = svg_x(&area, a, high);

	html_put(out,
		 "<rect class=\"range\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" "
		 "rx=\"3\"/>\n",
		 left, area.top + 10, fmax(3, right - left));
}

static void put_rtt(FILE *out, const struct verdict *v, size_t index)
{
	double low = (double)v->rtt_min_us / 1000, high = (double)v->rtt_max_us / 1000;
	struct plot_axis a = plot_axis(0, high, TICKS, 0.001);
	char desc[120];

	snprintf(desc, sizeof(desc), "Round trips took from %.1f to %.1f milliseconds.", low, high);
	html_put(out, "<figure>\n");
	svg_begin(out, "rtt", index, WIDTH, HEIGHT, "Round trip time", desc);
	svg_axis_x(out, &area, &a, "round trip, ms");
	put_range(out, &a, low, high);
	for (size_t i = 0; i < v->server_count; i++) {
		double x = svg_x(&area, &a, (double)v->servers[i].rtt_us / 1000);

		if (v->servers[i].rtt_us > 0)
			svg_line(out, "mark", x, area.top + 6, x, area.top + 28);
	}
	svg_end(out);
	html_put(out, "<figcaption>Round trips: the least and the longest; a line for the first "
		      "one of each server.</figcaption>\n</figure>\n");
}

static void put_loss(FILE *out, const struct verdict *v, size_t index)
{
	double low = v->loss.low * 100, high = v->loss.high * 100;
	struct plot_axis a = plot_axis(0, fmin(100, fmax(high, 1)), TICKS, 0.1);
	char desc[120];

	snprintf(desc, sizeof(desc), "From %.1f to %.1f percent of round trips were lost.", low,
		 high);
	html_put(out, "<figure>\n");
	svg_begin(out, "loss", index, WIDTH, HEIGHT, "Loss", desc);
	svg_axis_x(out, &area, &a, "lost, % of round trips");
	put_range(out, &a, low, high);
	svg_end(out);
	html_put(
		out,
		"<figcaption>Loss lies in here with a chance of 99.9 %%: %u datagrams were sent, "
		"%u answered. Those that a filter dropped count as sent.</figcaption>\n</figure>\n",
		v->sent, v->answered);
}

void html_time(FILE *out, const struct verdict *v, size_t index)
{
	if (v->rtt_min_us == 0 && !v->loss.known)
		return;
	html_put(out, "<h3>Round trip and loss</h3>\n<div class=\"figures\">\n");
	if (v->rtt_min_us > 0)
		put_rtt(out, v, index);
	if (v->loss.known)
		put_loss(out, v, index);
	html_put(out, "</div>\n");
}
