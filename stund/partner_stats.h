/* partner_stats - what a worker counts about the partner. */
#ifndef NATKIT_PARTNER_STATS_H
#define NATKIT_PARTNER_STATS_H

#include <stdatomic.h>

#include "partner.h"

struct partner_stats {
	_Atomic uint64_t handed_over;         /* answers that the partner is to send */
	_Atomic uint64_t not_handed;          /* that it would refuse, or the system did */
	_Atomic uint64_t took[PARTNER_TOOKS]; /* what became of the partner's datagrams */
	_Atomic uint64_t send_errors;         /* of what was sent for the partner */
	_Atomic uint64_t sessions, is_live;
};

#endif
