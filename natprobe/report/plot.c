#include "plot.h"

#include <math.h>
#include <stdlib.h>

#define BINS_WANTED 24
#define CLOSE       15 /* to the median, on either side */
#define LEAST       5  /* shown on either side */

/* The least of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is no less. */
static double round_up(double value)
{
	double power = pow(10, floor(log10(value)));

	for (unsigned i = 0; i < 3; i++) {
		static const double steps[] = { 1, 2, 5 };

		if (steps[i] * power >= value * (1 - 1e-9))
			return steps[i] * power;
	}
	return 10 * power;
}

struct plot_axis plot_axis(double low, double high, unsigned ticks, double step_min)
{
	struct plot_axis a = { .step = step_min };

	if (high - low > step_min * ticks)
		a.step = round_up((high - low) / ticks);
	a.low = floor(low / a.step) * a.step;
	a.high = ceil(high / a.step) * a.step;
	if (a.high <= a.low)
		a.high = a.low + a.step;
	return a;
}

double plot_share(const struct plot_axis *a, double value)
{
	return fmin(1, fmax(0, (value - a->low) / (a->high - a->low)));
}

static bool is_answered(const struct verdict_sample *s)
{
	return s->mapped.family != ADDR_NONE;
}

/* So much further that no point lies on the border. */
static struct plot_axis axis_around(double low, double high, unsigned ticks)
{
	double margin = fmax(1, (high - low) * 0.04);

	return plot_axis(fmax(0, low - margin), fmin(UINT16_MAX, high + margin), ticks, 1);
}

bool plot_ports(const struct verdict *v, unsigned ticks, struct plot_ports *out)
{
	double local_low = UINT16_MAX, local_high = 0, low = UINT16_MAX, high = 0;

	*out = (struct plot_ports){ 0 };
	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];

		local_low = fmin(local_low, s->local_port);
		local_high = fmax(local_high, s->local_port);
		if (!is_answered(s)) {
			out->lost++;
			continue;
		}
		out->answered++;
		low = fmin(low, s->mapped.port);
		high = fmax(high, s->mapped.port);
	}
	if (out->answered < 2)
		return false;
	out->local = axis_around(local_low, local_high, ticks);
	out->mapped = axis_around(low, high, ticks);
	return true;
}

static int compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* What a port is compared with follows from the rule. */
static bool compares_with_last(const struct verdict_ports *p)
{
	return p->delta != DELTA_EQUAL && p->delta != DELTA_PRESERVING;
}

static size_t differences(const struct verdict *v, bool is_step, int32_t list[VERDICT_SAMPLES_MAX])
{
	size_t count = 0;

	for (size_t i = is_step ? 1 : 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];

		if (!is_answered(s) || (is_step && !is_answered(s - 1)))
			continue;
		list[count++] =
			(int32_t)s->mapped.port - (is_step ? s[-1].mapped.port : s->local_port);
	}
	qsort(list, count, sizeof(list[0]), compare);
	return count;
}

/* Whole numbers round the median, where nearly all are; the others are strays. */
static bool choose_close(const int32_t *list, size_t count, struct plot_deltas *out)
{
	int32_t median = list[count / 2];
	int32_t reach = LEAST;
	size_t close = 0;

	for (size_t i = 0; i < count; i++) {
		int32_t off = abs(list[i] - median);

		if (off > CLOSE)
			continue;
		close++;
		reach = off > reach ? off : reach;
	}
	if (close * 3 < count * 2)
		return false;
	out->first = median - reach;
	out->width = 1;
	out->bins = 2 * (unsigned)reach + 1;
	return true;
}

static void choose_wide(const int32_t *list, size_t count, struct plot_deltas *out)
{
	struct plot_axis a = plot_axis(list[0], list[count - 1] + 1.0, BINS_WANTED, 1);

	out->first = (int32_t)a.low;
	out->width = (uint32_t)a.step;
	out->bins = (unsigned)lround((a.high - a.low) / a.step);
}

static void count_one(struct plot_deltas *d, int32_t value)
{
	int32_t bin = (value - d->first) / (int32_t)d->width;

	d->total++;
	if (value < d->first) {
		d->below++;
	} else if (bin >= (int32_t)d->bins) {
		d->above++;
	} else {
		d->counts[bin]++;
		if (d->counts[bin] > d->most)
			d->most = d->counts[bin];
	}
}

bool plot_deltas(const struct verdict *v, struct plot_deltas *out)
{
	int32_t list[VERDICT_SAMPLES_MAX];
	size_t count;

	*out = (struct plot_deltas){ .is_step = compares_with_last(&v->ports) };
	count = differences(v, out->is_step, list);
	if (count == 0)
		return false;
	if (!choose_close(list, count, out))
		choose_wide(list, count, out);
	for (size_t i = 0; i < count; i++)
		count_one(out, list[i]);
	return true;
}
