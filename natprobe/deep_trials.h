/* deep_trials - all trials by name; deep_trials.c has the order in which they begin. */
#ifndef NATPROBE_DEEP_TRIALS_H
#define NATPROBE_DEEP_TRIALS_H

#include "deep_trial.h"

extern const struct deep_trial deep_ports;
extern const struct deep_trial deep_lifetime_one_way;
extern const struct deep_trial deep_lifetime;
extern const struct deep_trial deep_lifetime_low;
extern const struct deep_trial deep_refresh;
extern const struct deep_trial deep_keepalive;

#endif
