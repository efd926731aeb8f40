#include "rules_view.h"

#include <math.h>

/* Wider ranges than this many times the last are not told apart. */
#define WIDTH_GROWTH 1.25
#define WIDTHS       36 /* about as many as there are between 16 and 65536 */

int32_t rules_difference(uint16_t a, uint16_t b)
{
	int32_t d = (int32_t)a - (int32_t)b;

	if (d > 32767)
		return d - 65536;
	return d < -32768 ? d + 65536 : d;
}

double rules_log_add(double a, double b)
{
	double high = a > b ? a : b, low = a > b ? b : a;

	return isinf(high) ? high : high + log1p(exp(low - high));
}

static uint8_t address_index(struct addr known[VERDICT_SAMPLES_MAX], size_t *count,
			     const struct addr *mapped)
{
	for (size_t i = 0; i < *count; i++) {
		if (addr_equal_ip(&known[i], mapped))
			return (uint8_t)i;
	}
	known[*count] = *mapped;
	return (uint8_t)(*count)++;
}

void rules_view_fill(struct rules_view *v, const struct verdict_sample *samples, size_t count)
{
	struct addr known[VERDICT_SAMPLES_MAX];
	uint8_t lost = 0;

	*v = (struct rules_view){ .sent = count };
	for (size_t i = 0; i < count && v->count < VERDICT_SAMPLES_MAX; i++) {
		if (samples[i].mapped.family == ADDR_NONE) {
			lost++;
			continue;
		}
		v->seen[v->count++] = (struct rules_sample){
			.local = samples[i].local_port,
			.external = samples[i].mapped.port,
			.address = address_index(known, &v->address_count, &samples[i].mapped),
			.lost = lost,
			.serial = samples[i].serial,
			.sent_us = samples[i].sent_us,
		};
		lost = 0;
	}
	v->lost_after = lost;
}

/*
 * All widths and places of a range that holds what was seen are as likely at first: narrow
 * ones explain it better, the wide ones make no claim.
 */
double rules_log_random(const struct rules_view *v, const bool leave_out[VERDICT_SAMPLES_MAX])
{
	double low = RULES_PORTS, high = 0, n = 0, sum = -INFINITY;

	for (size_t i = 0; i < v->count; i++) {
		if (leave_out != NULL && leave_out[i])
			continue;
		low = fmin(low, v->seen[i].external);
		high = fmax(high, v->seen[i].external);
		n++;
	}
	if (n == 0)
		return 0;
	double spread = high - low + 1;

	for (double width = fmax(spread, 16); width <= RULES_PORTS; width *= WIDTH_GROWTH) {
		double places = (width - spread + 1) / (RULES_PORTS - width + 1);

		sum = rules_log_add(sum, log(fmin(places, 1) / WIDTHS) - n * log(width));
	}
	return rules_log_add(sum, -log(WIDTHS) - n * log(RULES_PORTS));
}
