/* forward_dial - a connection of TCP to a target: its addresses one after the other. */
#ifndef NATPROBE_FORWARD_DIAL_H
#define NATPROBE_FORWARD_DIAL_H

#include <event2/event.h>

#include "forward_spec.h"

struct forward_dial;

/*
 * Once, later; it may free.
 * fd    connected, the callee's; -1: none of them answered
 * word  why not (forward_wire.h); NULL with a connection
 */
typedef void (*forward_dial_fn)(void *arg, int fd, const char *word);

/* NULL when memory runs out. */
struct forward_dial *forward_dial_new(struct event_base *base, const struct forward_target *target,
				      forward_dial_fn on_done, void *arg);
void forward_dial_free(struct forward_dial *d); /* NULL is fine */

/* The word that tells people of an error of the system. */
const char *forward_dial_word(int error);

#endif
