/* A picture: sockets that waited, and whether their mappings were still there. */
#include "report_html_parts.h"

#include <math.h>

#include "svg.h"
#include "wire.h"

#define WIDTH 940.0
#define ROW   46.0
#define LEFT  210.0
#define RIGHT 20.0
#define TOP   16.0
#define TICKS 10
#define FOOT  46.0
#define DAY_S 86400.0
#define LEAST 0.1 /* s: no rung waits less */

static const struct {
	const char *title;
	int property; /* enum deep_property that this ladder tells; -1: none */
} ladders[] = {
	[LADDER_ONE_WAY] = { "before an answer", DEEP_LIFETIME_ONE_WAY },
	[LADDER_TWO_WAY] = { "after traffic both ways", DEEP_LIFETIME },
	[LADDER_LOW_PORT] = { "towards a low port", DEEP_LIFETIME_LOW_PORT },
	[LADDER_REFRESH_OUT] = { "refreshed from inside", -1 },
	[LADDER_REFRESH_IN] = { "refreshed from outside", -1 },
};

static bool has_rungs(const struct verdict_deep *d, size_t ladder)
{
	for (size_t i = 0; i < d->rung_count; i++) {
		if (d->rungs[i].ladder == ladder)
			return true;
	}
	return false;
}

static double seconds(double value)
{
	return fmin(DAY_S, fmax(LEAST, value)); /* also where it is no number */
}

/* Rungs are steps of a share, so that the axis is one of powers. */
static struct plot_axis power_axis(const struct verdict_deep *d)
{
	double low = DAY_S, high = LEAST;

	for (size_t i = 0; i < d->rung_count; i++) {
		low = fmin(low, seconds(d->rungs[i].waited_s));
		high = fmax(high, seconds(d->rungs[i].waited_s));
	}
	return (struct plot_axis){ log10(low * 0.9), log10(high * 1.1), 1 };
}

static void put_axis(FILE *out, const struct svg_area *area, const struct plot_axis *a)
{
	static const double marks[] = { 0.1, 0.2, 0.5, 1,   2,   5,    10,   20,   30,   60,
					90,  120, 180, 300, 600, 1200, 1800, 3600, 7200, 14400 };
	double bottom = area->top + area->height;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		double x = svg_x(area, a, log10(marks[i]));

		if (log10(marks[i]) < a->low || log10(marks[i]) > a->high)
			continue;
		svg_line(out, "grid", x, area->top, x, bottom);
		html_put(out, "<text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">%.0f</text>\n", x,
			 bottom + 16, marks[i]);
	}
	svg_line(out, "axis", area->left, bottom, area->left + area->width, bottom);
	html_put(out,
		 "<text class=\"label mid\" x=\"%.1f\" y=\"%.1f\">seconds without a datagram</text>"
		 "\n",
		 area->left + area->width / 2, bottom + 34);
}

static void put_rung(FILE *out, const struct svg_area *area, const struct plot_axis *a,
		     const struct deep_rung *rung, double y)
{
	double x = svg_x(area, a, log10(seconds(rung->waited_s)));

	if (!rung->ended) {
		html_put(out, "<circle class=\"cut\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n", x, y);
	} else if (rung->alive) {
		html_put(out, "<circle class=\"alive\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n", x,
			 y);
	} else {
		svg_line(out, "dead", x - 4.5, y - 4.5, x + 4.5, y + 4.5);
		svg_line(out, "dead", x - 4.5, y + 4.5, x + 4.5, y - 4.5);
	}
}

/* The interval that follows. */
static void put_interval(FILE *out, const struct svg_area *area, const struct plot_axis *a,
			 const struct deep_value *value, double y)
{
	double left, right;

	if (value->state != DEEP_NUMBER)
		return;
	left = svg_x(area, a, log10(seconds(value->low)));
	right = svg_x(area, a, log10(seconds(value->high)));
	html_put(out,
		 "<rect class=\"range soft\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"30\" "
		 "rx=\"3\"/>\n",
		 left, y - 15, fmax(2, right - left));
}

static void put_row(FILE *out, const struct verdict_deep *d, size_t ladder,
		    const struct svg_area *area, const struct plot_axis *a, double y)
{
	html_put(out, "<text class=\"label end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", LEFT - 14,
		 y + 4, ladders[ladder].title);
	svg_line(out, "rail", area->left, y, area->left + area->width, y);
	if (ladders[ladder].property >= 0)
		put_interval(out, area, a, &d->values[ladders[ladder].property], y);
	for (size_t i = 0; i < d->rung_count; i++) {
		if (d->rungs[i].ladder == ladder)
			put_rung(out, area, a, &d->rungs[i], y);
	}
}

static void put_picture(FILE *out, const struct verdict *v, size_t index, unsigned rows)
{
	const struct svg_area area = { LEFT, TOP, WIDTH - LEFT - RIGHT, rows * ROW };
	const struct plot_axis a = power_axis(&v->deep);
	struct property_value value;
	double y = TOP + ROW / 2;
	char desc[160];

	property_get(property_find("lifetime"), v, &value);
	snprintf(desc, sizeof(desc),
		 "%u sockets waited, each for another time; a mapping after traffic both ways "
		 "lasts: %s.",
		 v->deep.rung_count, value.text);
	svg_begin(out, "ladder", index, WIDTH, TOP + area.height + FOOT, "How long mappings live",
		  desc);
	put_axis(out, &area, &a);
	for (size_t i = 0; i < ARRAY_LEN(ladders); i++) {
		if (!has_rungs(&v->deep, i))
			continue;
		put_row(out, &v->deep, i, &area, &a, y);
		y += ROW;
	}
	svg_end(out);
}

void html_ladder(FILE *out, const struct verdict *v, size_t index)
{
	unsigned rows = 0;

	for (size_t i = 0; i < ARRAY_LEN(ladders); i++)
		rows += has_rungs(&v->deep, i);
	if (rows == 0)
		return;
	html_put(out, "<h3>How long mappings live</h3>\n<figure>\n");
	put_picture(out, v, index, rows);
	html_put(out,
		 "<figcaption>Each mark is a socket that kept silent for so long. Dot: its mapping "
		 "was still there. Cross: it was gone. Ring: not waited for. Shaded: the lifetime "
		 "lies "
		 "in here.</figcaption>\n</figure>\n");
}
