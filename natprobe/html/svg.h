/* svg - pieces of pictures inside a page: the frame, axes, words. Colours are the style sheet's. */
#ifndef NATPROBE_SVG_H
#define NATPROBE_SVG_H

#include <stdio.h>

#include "natprobe/report/plot.h"

/* Where a picture's axes lie; y grows downwards. */
struct svg_area {
	double left, top, width, height;
};

/*
 * name   of the picture, and `index` of its card: unlike all others of the page
 * title  read out in place of the picture, and desc after it
 */
void svg_begin(FILE *out, const char *name, size_t index, double width, double height,
	       const char *title, const char *desc);
void svg_end(FILE *out);

double svg_x(const struct svg_area *area, const struct plot_axis *a, double value);
double svg_y(const struct svg_area *area, const struct plot_axis *a, double value);

/* With lines across the area at each step, its numbers, and what it is about. */
void svg_axis_x(FILE *out, const struct svg_area *area, const struct plot_axis *a,
		const char *label);
void svg_axis_y(FILE *out, const struct svg_area *area, const struct plot_axis *a,
		const char *label);

/* style: classes of the line. */
void svg_line(FILE *out, const char *style, double x1, double y1, double x2, double y2);

#endif
