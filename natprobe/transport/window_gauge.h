/*
 * window_gauge - how much may be on its way: what the path delivers in a round trip, as BBR measures it
 * (draft-ietf-ccwg-bbr), whatever is lost meanwhile.
 *
 * SCTP as libusrsctp has it takes any loss for congestion, and at one lost packet of a hundred it
 * is as slow as the TCP of long ago. This tells bounds for its window: after a loss it need not fall
 * below what was delivered and a little more, by which it finds out what more there is, and it shall
 * not grow far beyond it. Where so much is lost that a queue must be overflowing, there is less and less
 * of that little more; a loss that a bad line may have is borne.
 *
 * Pure. A round is the time in which what was sent last at its begin arrives.
 */
#ifndef NATPROBE_WINDOW_GAUGE_H
#define NATPROBE_WINDOW_GAUGE_H

#include "wire.h"

#define WINDOW_GAUGE_ROUNDS 10

/* Zeroed: a path of which nothing is known. */
struct window_gauge {
	bool is_begun, is_starved, is_draining;
	uint32_t round_tsn;
	uint64_t round_us, round_delivered, round_sent, round_again;
	bool is_timing;
	uint32_t timed_tsn;
	uint64_t timed_us;
	uint64_t rtt_us;                     /* the shortest; 0: not known */
	uint64_t rtt_new_us;                 /* the shortest since the last drain */
	uint64_t rtt_last_us;                /* the last one that was measured */
	uint64_t drained_us;                 /* when the queues were last let run empty */
	uint64_t rates[WINDOW_GAUGE_ROUNDS]; /* bytes a second */
	uint64_t full_rate; /* what the best one was when it last had grown by much */
	uint8_t full_count; /* rounds since then */
	uint8_t next;
	uint16_t loss;   /* of a thousand chunks, smoothed */
	uint8_t surplus; /* of the window beyond what was delivered, percent */
};

/* What the association tells after packets of the other side came in. */
struct window_view {
	uint64_t now_us;
	uint32_t tsn_last, tsn_seen;
	uint64_t delivered, sent; /* bytes */
	uint64_t again;           /* chunks that were sent again */
	bool is_starved;          /* there is nothing to send */
};

/* A chunk left for the first time, at a moment that is known. */
void window_gauge_sent(struct window_gauge *g, uint32_t tsn, uint64_t now_us);
/* True: a round is over, and the bounds are new. */
bool window_gauge_update(struct window_gauge *g, const struct window_view *v);
/* Bytes; 0: none. */
size_t window_gauge_least(const struct window_gauge *g);
size_t window_gauge_most(const struct window_gauge *g);

#endif
