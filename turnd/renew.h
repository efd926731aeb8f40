/*
 * renew - looks names up again, in a thread of its own, since that may take as long as it likes.
 */
#ifndef NATKIT_TURND_RENEW_H
#define NATKIT_TURND_RENEW_H

#include <event2/event.h>

#include "names.h"

struct renew;

/* fresh  what DNS says now; in the thread of the base */
typedef void (*renew_fn)(void *arg, const struct names *fresh);

/* base  of a process after worker_setup. NULL when memory runs out. */
struct renew *renew_new(struct event_base *base, renew_fn on_names, void *arg);

/* Waits for nobody: a look-up that is under way is left to itself. NULL is fine. */
void renew_free(struct renew *r);

/* Begins, unless the last one is still under way. */
void renew_start(struct renew *r, const struct names *names);

#endif
