/*
 * partner_check - has the partner send to us, once it is there, and says in the log what came.
 *
 * From each of its sockets an answer shall come to our first port. So a firewall in front of
 * either, and an address that is not the partner's, show in the log and not as false verdicts.
 */
#ifndef NATKIT_PARTNER_CHECK_H
#define NATKIT_PARTNER_CHECK_H

#include <event2/event.h>

#include "partner_board.h"

struct partner_check;

/* board outlives the check. NULL when memory runs out. */
struct partner_check *partner_check_new(struct event_base *base, struct partner_board *board,
					const struct partner_face own[static PARTNER_FACES]);
void partner_check_free(struct partner_check *c); /* NULL is fine */

/* Begins anew, with the partner as it is now; ends what is under way where there is none. */
void partner_check_start(struct partner_check *c, const struct partner_view *view);

#endif
