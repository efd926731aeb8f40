/* deep_trials - all trials by name; deep_trials.c has the order in which they begin. */
#ifndef NATPROBE_DEEP_TRIALS_H
#define NATPROBE_DEEP_TRIALS_H

#include "deep_trial.h"

extern const struct deep_trial deep_ports;
extern const struct deep_trial deep_lifetime_one_way;
extern const struct deep_trial deep_lifetime;
extern const struct deep_trial deep_lifetime_low;
extern const struct deep_trial deep_refresh;
extern const struct deep_trial deep_portmap;
extern const struct deep_trial deep_keepalive;
extern const struct deep_trial deep_tcp_filter;
extern const struct deep_trial deep_early;
extern const struct deep_trial deep_unexpected;
extern const struct deep_trial deep_icmp;
extern const struct deep_trial deep_fragments_in;
extern const struct deep_trial deep_fragments_out;
extern const struct deep_trial deep_mtu_out;
extern const struct deep_trial deep_mtu_in;
extern const struct deep_trial deep_alg;
extern const struct deep_trial deep_clash;
extern const struct deep_trial deep_hops;
extern const struct deep_trial deep_translators;

#endif
