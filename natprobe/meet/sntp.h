/*
 * sntp - how far a time server's clock is from ours (RFC 5905, as a client alone asks: RFC 4330).
 * Pure: bytes and readings of our own clock in, an offset with its bound out.
 *
 * Our clock is monotonic: nothing here trusts, or sets, the time of day of this host.
 */
#ifndef NATPROBE_SNTP_H
#define NATPROBE_SNTP_H

#include "wire.h"

#define SNTP_PORT   123
#define SNTP_LEN    48
#define SNTP_ANSWER 512 /* of an answer that is looked at; extensions are ignored */

/* server's clock (since 1900) = ours + offset, at most `error` wrong */
struct sntp_sample {
	int64_t offset_us;
	uint64_t error_us;
	uint64_t at_us; /* by our clock */
};

/* A request. cookie: random; comes back as the answer's origin, and is no time of ours. */
void sntp_request(uint64_t cookie, uint8_t out[static SNTP_LEN]);

enum sntp_result {
	SNTP_FINE = 0,
	SNTP_NONE,     /* no answer to that request */
	SNTP_KISS,     /* a kiss of death: this server is not to be asked any more */
	SNTP_NO_CLOCK, /* it says that it does not know the time */
};

/*
 * sent_us, now_us  by our clock: when the request left, and the answer came
 * out              set on SNTP_FINE only
 */
enum sntp_result sntp_answer(struct bytes in, uint64_t cookie, uint64_t sent_us, uint64_t now_us,
			     struct sntp_sample *out);

/* How fast two clocks part at most: 100 millionths, each way. */
#define SNTP_DRIFT_PPM 200

/*
 * The best of some samples at `now_us`: each is worth its bound, and what the clocks may have
 * parted since. Where two say what cannot both be true, false: one of them lies.
 * Returns false, `out` untouched, for none as well.
 */
bool sntp_best(const struct sntp_sample *samples, size_t count, uint64_t now_us,
	       struct sntp_sample *out);

#endif
