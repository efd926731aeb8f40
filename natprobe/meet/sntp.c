#include "sntp.h"

#define VERSION     4
#define MODE_CLIENT 3
#define MODE_SERVER 4
#define LEAP_ALARM  3
#define STRATUM_MAX 15
#define ERROR_MAX   UINT32_C(16000000) /* RFC 5905: 16 s is as good as unknown */

void sntp_request(uint64_t cookie, uint8_t out[static SNTP_LEN])
{
	struct wire_out w = wire_write(out, SNTP_LEN);

	wire_put_u8(&w, VERSION << 3 | MODE_CLIENT);
	wire_put_zeros(&w, 39);
	wire_put_u64(&w, cookie);
}

/* Seconds since 1900 and their 2^32nd parts. */
static int64_t us_of_time(uint64_t t)
{
	uint64_t seconds = t >> 32, parts = t & UINT32_MAX;

	/* Before 1968 is after 2036: what is meant by era (RFC 4330, section 3). */
	if ((seconds & 0x80000000u) == 0)
		seconds += UINT64_C(1) << 32;
	return (int64_t)(seconds * 1000000 + (parts * 1000000 >> 32));
}

/* Seconds and their 2^16th parts. */
static uint64_t us_of_short(uint32_t t)
{
	return ((uint64_t)t * 1000000 >> 16) + 1;
}

struct answer {
	uint8_t leap, version, mode, stratum;
	uint32_t delay, dispersion;
	uint64_t origin, received, sent;
};

static bool read_answer(struct bytes in, struct answer *out)
{
	struct wire w = wire_read(in);
	uint8_t first = wire_get_u8(&w);

	out->leap = first >> 6;
	out->version = first >> 3 & 7;
	out->mode = first & 7;
	out->stratum = wire_get_u8(&w);
	wire_skip(&w, 2);
	out->delay = wire_get_u32(&w);
	out->dispersion = wire_get_u32(&w);
	wire_skip(&w, 12);
	out->origin = wire_get_u64(&w);
	out->received = wire_get_u64(&w);
	out->sent = wire_get_u64(&w);
	return !w.failed;
}

enum sntp_result sntp_answer(struct bytes in, uint64_t cookie, uint64_t sent_us, uint64_t now_us,
			     struct sntp_sample *out)
{
	struct answer a;
	int64_t received_us, left_us, trip_us, held_us;
	uint64_t error_us;

	if (!read_answer(in, &a) || a.mode != MODE_SERVER || a.version == 0 ||
	    a.version > VERSION || a.origin != cookie || now_us < sent_us)
		return SNTP_NONE;
	if (a.stratum == 0)
		return SNTP_KISS;
	if (a.leap == LEAP_ALARM || a.stratum > STRATUM_MAX || a.received == 0 || a.sent == 0)
		return SNTP_NO_CLOCK;
	received_us = us_of_time(a.received);
	left_us = us_of_time(a.sent);
	held_us = left_us - received_us;
	trip_us = (int64_t)(now_us - sent_us) - held_us;
	error_us = us_of_short(a.delay) / 2 + us_of_short(a.dispersion);
	/* One microsecond for each of four readings that were rounded. */
	error_us += (uint64_t)(trip_us > 0 ? trip_us : 0) / 2 + 4;
	if (held_us < 0 || trip_us < 0 || error_us >= ERROR_MAX)
		return SNTP_NO_CLOCK;
	out->offset_us = received_us - trip_us / 2 - (int64_t)sent_us;
	out->error_us = error_us;
	out->at_us = now_us;
	return SNTP_FINE;
}

static uint64_t error_at(const struct sntp_sample *s, uint64_t now_us)
{
	uint64_t age_us = now_us > s->at_us ? now_us - s->at_us : 0;

	return s->error_us + age_us / 1000000 * SNTP_DRIFT_PPM + (age_us > 0);
}

static bool can_both_be(const struct sntp_sample *a, const struct sntp_sample *b, uint64_t now_us)
{
	int64_t apart = a->offset_us - b->offset_us;
	uint64_t room = error_at(a, now_us) + error_at(b, now_us);

	return (uint64_t)(apart < 0 ? -apart : apart) <= room;
}

bool sntp_best(const struct sntp_sample *samples, size_t count, uint64_t now_us,
	       struct sntp_sample *out)
{
	const struct sntp_sample *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (best == NULL || error_at(&samples[i], now_us) < error_at(best, now_us))
			best = &samples[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (!can_both_be(&samples[i], best, now_us))
			return false;
	}
	if (best == NULL)
		return false;
	*out = (struct sntp_sample){ .offset_us = best->offset_us,
				     .error_us = error_at(best, now_us),
				     .at_us = now_us };
	return true;
}
