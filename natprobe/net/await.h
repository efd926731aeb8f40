/* await - what libevent is to call us for: a descriptor, or a moment. */
#ifndef NATPROBE_AWAIT_H
#define NATPROBE_AWAIT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* In place of what *event was; false, with *event as good for await_no_more, without memory. */
bool await_fd(struct event **event, struct event_base *base, int fd, short events,
	      event_callback_fn callback, void *arg);

/* Frees *event, if there is one. */
void await_no_more(struct event **event);

/* Frees *event and closes *fd, as far as they are there: NULL and -1 then. */
void await_close(struct event **event, int *fd);

/* Sets a timer to that moment of clock_us, or at once where it is past; UINT64_MAX: never. */
void await_moment(struct event *timer, uint64_t at_us);

#endif
