/* trial_stats - what many trials say together: shares with their intervals, and medians. */
#ifndef NATPROBE_TRIAL_STATS_H
#define NATPROBE_TRIAL_STATS_H

#include "trial_record.h"

/* The share is in here with a chance of 95 %, whatever it is. */
struct trial_interval {
	double low, high;
};

/* Wilson's score interval; 0 to 1 where nothing was tried. */
struct trial_interval trial_wilson(unsigned hits, unsigned tries);

/* Sorts; the middle one, the mean of two; 0 of none. */
uint32_t trial_median(uint32_t *values, size_t count);

/* Of one strategy. A trial is one try, in however many steps. */
struct trial_tally {
	unsigned tries, paths;
	struct trial_interval interval;
	uint32_t to_path_us; /* median, of the paths */
	uint32_t packets;    /* median, of our checks in a try */
	unsigned reasons[PUNCH_REASONS];
};

struct trial_stats {
	unsigned trials, paths, relayed; /* paths: relayed ones too */
	struct trial_interval interval, direct_interval;
	uint32_t to_path_us, rtt_us, jitter_us, packets; /* medians */
	unsigned pings, pongs;                           /* on all paths */
	unsigned held, survived;
	unsigned reasons[PUNCH_REASONS]; /* of the trials without a path */
	struct trial_tally strategies[PUNCH_STRATEGIES];
};

/* False: no memory. */
bool trial_stats_make(const struct trial_run *run, struct trial_stats *out);

#endif
