/*
 * peer_clock - the other side's clock against ours, from time stamps in what goes to and fro, and
 * from servers whose time both know. Every figure is a bound: whoever does not lie about its own
 * clock is never outside of it. Clocks are monotonic ones, in microseconds; nobody's wall clock.
 */
#ifndef NATPROBE_PEER_CLOCK_H
#define NATPROBE_PEER_CLOCK_H

#include "wire.h"

#define PEER_CLOCK_DRIFT_PPM   100 /* by which two clocks may run apart */
#define PEER_CLOCK_SERVERS     4
#define PEER_CLOCK_NAME_MAX    64 /* with the end */
#define PEER_CLOCK_ROUND_TRIPS 8
#define PEER_CLOCK_TIME_MAX    (UINT64_MAX / 64) /* later ones are nobody's monotonic clock */

/* Something that held at a moment of our clock, and holds less strictly ever after. */
struct peer_clock_bound {
	bool known;
	int64_t value;
	uint64_t at_us;
};

/* Its clock = that of who asked + offset. */
struct peer_clock_told {
	bool known;
	int64_t offset_us;
	uint64_t error_us, at_us;
};

struct peer_clock_server {
	char name[PEER_CLOCK_NAME_MAX];
	struct peer_clock_told ours, theirs; /* of theirs, at_us is by our clock */
};

/* All zero: nothing is known. */
struct peer_clock {
	struct peer_clock_bound low, high; /* of theirs - ours */
	uint64_t round_trips[PEER_CLOCK_ROUND_TRIPS];
	uint32_t round_trip_count;
	struct peer_clock_server servers[PEER_CLOCK_SERVERS];
};

struct peer_clock_view {
	int64_t offset_us;
	uint64_t error_us;
	uint64_t round_trip_us; /* the longest of the last ones; 0: nothing came back yet */
};

/* They sent at theirs_us, we received at ours_us: their clock cannot be further behind. */
void peer_clock_received(struct peer_clock *c, uint64_t theirs_us, uint64_t ours_us);
/* We sent at ours_us, they received at theirs_us: it cannot be further ahead. */
void peer_clock_delivered(struct peer_clock *c, uint64_t ours_us, uint64_t theirs_us);
void peer_clock_round_trip(struct peer_clock *c, uint64_t took_us);
/* Of the last ones; 0: nothing came back yet. */
uint64_t peer_clock_longest_trip_us(const struct peer_clock *c);

/* More servers than PEER_CLOCK_SERVERS are forgotten, the later ones. */
void peer_clock_server_told(struct peer_clock *c, const char *name, bool us,
			    const struct peer_clock_told *told);

/* False: nothing bounds it from both sides yet. */
bool peer_clock_view(const struct peer_clock *c, uint64_t now_us, struct peer_clock_view *out);

#endif
