#include "fd_wait.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_US 20000 /* a device that is not ready is asked again so much later */

/* Neither a terminal, a pipe nor a socket. What cannot be asked tells so when it is used. */
static bool is_plain(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return true;
	return !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !isatty(fd);
}

static bool is_ready(const struct fd_wait *w)
{
	struct pollfd p = { .fd = w->fd, .events = w->events == EV_READ ? POLLIN : POLLOUT };

	return poll(&p, 1, 0) != 0;
}

static void on_event(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval moment = { .tv_usec = LOOK_US };
	struct fd_wait *w = arg;

	if (w->is_plain && !is_ready(w)) {
		(void)event_add(w->event, &moment);
		return;
	}
	w->is_pending = false;
	w->on_ready(w->arg);
}

bool fd_wait_open(struct fd_wait *w, struct event_base *base, int fd, short events,
		  void (*on_ready)(void *arg), void *arg)
{
	*w = (struct fd_wait){ .fd = fd, .events = events, .on_ready = on_ready, .arg = arg };
	w->is_plain = is_plain(fd);
	w->event = event_new(base, w->is_plain ? -1 : fd, w->is_plain ? 0 : events, on_event, w);
	return w->event != NULL;
}

void fd_wait_once(struct fd_wait *w)
{
	static const struct timeval at_once = { 0 };

	if (w->event == NULL || w->is_pending)
		return;
	w->is_pending = event_add(w->event, w->is_plain ? &at_once : NULL) == 0;
}

void fd_wait_close(struct fd_wait *w)
{
	if (w->event != NULL)
		event_free(w->event);
	w->event = NULL;
	w->is_pending = false;
}
