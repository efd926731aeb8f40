#include "svg.h"

#include <math.h>

#include "html.h"

void svg_begin(FILE *out, const char *name, size_t index, double width, double height,
	       const char *title, const char *desc)
{
	html_put(out,
		 "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		 "aria-labelledby=\"%s-%zu-title %s-%zu-desc\">\n",
		 width, height, name, index, name, index);
	html_put(out, "<title id=\"%s-%zu-title\">%s</title>\n", name, index, title);
	html_put(out, "<desc id=\"%s-%zu-desc\">%s</desc>\n", name, index, desc);
}

void svg_end(FILE *out)
{
	html_put(out, "</svg>\n");
}

double svg_x(const struct svg_area *area, const struct plot_axis *a, double value)
{
	return area->left + plot_share(a, value) * area->width;
}

double svg_y(const struct svg_area *area, const struct plot_axis *a, double value)
{
	return area->top + (1 - plot_share(a, value)) * area->height;
}

void svg_line(FILE *out, const char *style, double x1, double y1, double x2, double y2)
{
	html_put(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		 style, x1, y1, x2, y2);
}

static unsigned steps_of(const struct plot_axis *a)
{
	return (unsigned)lround((a->high - a->low) / a->step);
}

static void put_number(FILE *out, const struct plot_axis *a, double value)
{
	if (a->step >= 1)
		html_put(out, "%.0f", value);
	else if (a->step >= 0.1)
		html_put(out, "%.1f", value);
	else
		html_put(out, "%.3f", value);
}

void svg_axis_x(FILE *out, const struct svg_area *area, const struct plot_axis *a,
		const char *label)
{
	double bottom = area->top + area->height;

	for (unsigned i = 0; i <= steps_of(a); i++) {
		double value = a->low + i * a->step;
		double x = svg_x(area, a, value);

		svg_line(out, "grid", x, area->top, x, bottom);
		html_put(out, "<text class=\"tick mid\" x=\"%.1f\" y=\"%.1f\">", x, bottom + 16);
		put_number(out, a, value);
		html_put(out, "</text>\n");
	}
	svg_line(out, "axis", area->left, bottom, area->left + area->width, bottom);
	html_put(out, "<text class=\"label mid\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
		 area->left + area->width / 2, bottom + 34, label);
}

void svg_axis_y(FILE *out, const struct svg_area *area, const struct plot_axis *a,
		const char *label)
{
	for (unsigned i = 0; i <= steps_of(a); i++) {
		double value = a->low + i * a->step;
		double y = svg_y(area, a, value);

		svg_line(out, "grid", area->left, y, area->left + area->width, y);
		html_put(out, "<text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">", area->left - 7,
			 y + 4);
		put_number(out, a, value);
		html_put(out, "</text>\n");
	}
	svg_line(out, "axis", area->left, area->top, area->left, area->top + area->height);
	html_put(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", 4.0,
		 area->top - 12, label);
}
