/*
 * selfcheck - at start, stund asks itself.
 *
 * From each address of a site it sends a Binding request to each socket of the site, with each
 * CHANGE-REQUEST that the site offers, and looks where the answer comes from. So a missing
 * route, a firewall, or an address that is not this host's shows in the log and not as false
 * verdicts of clients. Where clients see the second address as a public one (1:1 NAT), that is
 * asked too; silence proves nothing there, since many NATs do not lead back inside.
 *
 * Takes a second at most, beside everything else, and only writes to the log.
 */
#ifndef NATKIT_SELFCHECK_H
#define NATKIT_SELFCHECK_H

#include <event2/event.h>

#include "layout.h"
#include "stund_conf.h"

struct selfcheck;

/*
 * layout  must outlive the check
 * conf    says what is offered, and how many requests a source may send at once
 * Returns NULL where there is nothing to check, or it cannot be; the latter stands in the log.
 */
struct selfcheck *selfcheck_start(struct event_base *base, const struct layout *layout,
				  const struct stund_conf *conf);

/* Ends it, done or not. NULL is fine. */
void selfcheck_stop(struct selfcheck *c);

#endif
