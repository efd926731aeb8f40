/*
 * dtls_timer - an event of the loop that is due when a DTLS server is (dtls.h).
 */
#ifndef NATKIT_DTLS_TIMER_H
#define NATKIT_DTLS_TIMER_H

#include <event2/event.h>

#include "dtls.h"

/*
 * Sets the timer anew, where that is due at another time than it was.
 * due_us  what the timer is set to; DTLS_NEVER at first
 */
void dtls_timer_rearm(const struct dtls *d, struct event *timer, uint64_t *due_us);

#endif
