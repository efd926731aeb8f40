/*
 * plot - what pictures of a verdict are drawn from: axes with round numbers, the ports of fresh
 * sockets, and how far apart these are. For HTML and for terminals. Pure.
 */
#ifndef NATPROBE_PLOT_H
#define NATPROBE_PLOT_H

#include "natprobe/verdict.h"

/* From `low` to `high` in steps of a round number: both are multiples of `step`. */
struct plot_axis {
	double low, high, step;
};

/* An axis that has all of it, with about `ticks` steps; step_min: 1 for whole numbers, or less. */
struct plot_axis plot_axis(double low, double high, unsigned ticks, double step_min);

/* Where a value lies, 0 at the beginning of the axis and 1 at its end; cut off there. */
double plot_share(const struct plot_axis *a, double value);

/* The ports of the samples. */
struct plot_ports {
	struct plot_axis local, mapped;
	unsigned answered, lost;
};

/* False: there are no two of them to be compared. */
bool plot_ports(const struct verdict *v, unsigned ticks, struct plot_ports *out);

#define PLOT_BINS_MAX 48

/* How often each difference was seen. */
struct plot_deltas {
	bool is_step; /* from one sample's mapped port to the next one's; else from the local one */
	int32_t first; /* bin i counts first + i * width, and width - 1 above it */
	uint32_t width;
	unsigned bins, counts[PLOT_BINS_MAX];
	unsigned most;         /* of the highest bin */
	unsigned total;        /* with those outside */
	unsigned below, above; /* the bins: strays, where the others are close together */
};

/* False: there is no difference. */
bool plot_deltas(const struct verdict *v, struct plot_deltas *out);

#endif
