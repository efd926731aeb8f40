/* network_change - one behaviour of a network becomes another one: what --expect has to notice. */
#ifndef NATKIT_NETWORK_CHANGE_H
#define NATKIT_NETWORK_CHANGE_H

#include "nat_profile.h"

struct network_change {
	const char *property;                 /* that has to be named */
	bool (*apply)(struct nat_profile *p); /* false: it would not show in this network */
};

extern const struct network_change network_changes[];
extern const size_t network_change_count;

#endif
