/*
 * fd_wait - until a descriptor may be read or written without waiting, of whatever kind it is. Files
 * and devices that the system waits for in no loop (epoll) are asked anew each time.
 */
#ifndef NATPROBE_FD_WAIT_H
#define NATPROBE_FD_WAIT_H

#include <event2/event.h>
#include <stdbool.h>

struct fd_wait {
	struct event *event; /* NULL: closed */
	int fd;
	short events; /* EV_READ or EV_WRITE */
	bool is_plain;
	bool is_pending;
	void (*on_ready)(void *arg);
	void *arg;
};

/* False when memory runs out. The descriptor is borrowed. */
bool fd_wait_open(struct fd_wait *w, struct event_base *base, int fd, short events,
		  void (*on_ready)(void *arg), void *arg);
/* on_ready comes once for it, later. */
void fd_wait_once(struct fd_wait *w);
void fd_wait_close(struct fd_wait *w); /* zero is fine */

#endif
