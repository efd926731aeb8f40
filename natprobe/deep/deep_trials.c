#include "deep_trials.h"

const struct deep_trial *const deep_trials[] = {
	&deep_ports, /* alone */
	&deep_lifetime_one_way,
	&deep_lifetime,
	&deep_lifetime_low,
	&deep_refresh,
	&deep_tcp_filter,
	&deep_early,
	&deep_unexpected,
	&deep_icmp,
	&deep_fragments_in,
	&deep_fragments_out,
	&deep_mtu_out,
	&deep_mtu_in,
	&deep_alg,
	&deep_clash,
	&deep_hops,
	&deep_portmap,
	/* Ends after those that it concludes from. */
	&deep_keepalive,
	&deep_translators,
};

const size_t deep_trial_count = ARRAY_LEN(deep_trials);
