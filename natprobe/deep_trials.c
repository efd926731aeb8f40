#include "deep_trials.h"

const struct deep_trial *const deep_trials[] = {
	&deep_ports, /* alone */
	&deep_lifetime_one_way,
	&deep_lifetime,
	&deep_lifetime_low,
	&deep_refresh,
	/* Ends after those that it concludes from. */
	&deep_keepalive,
};

const size_t deep_trial_count = ARRAY_LEN(deep_trials);
