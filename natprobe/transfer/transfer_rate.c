#include "transfer_rate.h"

#include <stdio.h>

#define US_PER_S    UINT64_C(1000000)
#define SPACING_US  (TRANSFER_RATE_US / (TRANSFER_RATE_SAMPLES - 2))
#define SHORTEST_US 200000 /* less says nothing */

void transfer_rate_add(struct transfer_rate *r, uint64_t bytes, uint64_t now_us)
{
	const struct transfer_rate_sample *last =
		&r->samples[(r->count + TRANSFER_RATE_SAMPLES - 1) % TRANSFER_RATE_SAMPLES];

	if (bytes != r->bytes || r->count == 0)
		r->moved_us = now_us;
	r->bytes = bytes;
	if (r->count > 0 && now_us - last->at_us < SPACING_US)
		return;
	r->samples[r->count++ % TRANSFER_RATE_SAMPLES] =
		(struct transfer_rate_sample){ .at_us = now_us, .bytes = bytes };
}

/* The oldest sample that is not too old. */
static const struct transfer_rate_sample *oldest(const struct transfer_rate *r, uint64_t now_us)
{
	size_t kept = r->count < TRANSFER_RATE_SAMPLES ? r->count : TRANSFER_RATE_SAMPLES;

	for (size_t i = kept; i > 0; i--) {
		const struct transfer_rate_sample *s =
			&r->samples[(r->count - i) % TRANSFER_RATE_SAMPLES];

		if (now_us - s->at_us <= TRANSFER_RATE_US)
			return s;
	}
	return NULL;
}

uint64_t transfer_rate_get(const struct transfer_rate *r, uint64_t now_us)
{
	const struct transfer_rate_sample *from = oldest(r, now_us);
	uint64_t us = from != NULL ? now_us - from->at_us : 0;

	if (us < SHORTEST_US || r->bytes < from->bytes)
		return 0;
	return (uint64_t)((double)(r->bytes - from->bytes) * (double)US_PER_S / (double)us);
}

uint64_t transfer_rate_still_us(const struct transfer_rate *r, uint64_t now_us)
{
	return r->count > 0 ? now_us - r->moved_us : 0;
}

uint64_t transfer_rate_left_s(const struct transfer_rate *r, uint64_t left, uint64_t now_us)
{
	uint64_t rate = transfer_rate_get(r, now_us);

	return rate > 0 ? left / rate + (left % rate > 0) : TRANSFER_UNKNOWN;
}

const char *transfer_size_text(uint64_t bytes, char out[static TRANSFER_SIZE_TEXT])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(out, TRANSFER_SIZE_TEXT, "%u byte%s", (unsigned)bytes,
			 bytes == 1 ? "" : "s");
		return out;
	}
	/* What would be shown as 1000.0 is one of the next. */
	for (; value >= 999.95 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		value /= 1000;
	snprintf(out, TRANSFER_SIZE_TEXT, "%.1f %s", value, units[i]);
	return out;
}

const char *transfer_time_text(uint64_t s, char out[static TRANSFER_TIME_TEXT])
{
	unsigned seconds = (unsigned)(s % 60), minutes = (unsigned)(s / 60 % 60);
	unsigned hours = (unsigned)(s / 3600 % 1000);

	if (s < 60)
		snprintf(out, TRANSFER_TIME_TEXT, "%u s", seconds);
	else if (s < 3600)
		snprintf(out, TRANSFER_TIME_TEXT, "%u min %u s", minutes, seconds);
	else if (s < 100 * 3600)
		snprintf(out, TRANSFER_TIME_TEXT, "%u h %u min", hours, minutes);
	else
		snprintf(out, TRANSFER_TIME_TEXT, "%llu d", (unsigned long long)(s / 86400));
	return out;
}
