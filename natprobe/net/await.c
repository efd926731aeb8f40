#include "await.h"

#include <unistd.h>

#include "clock.h"

bool await_fd(struct event **event, struct event_base *base, int fd, short events,
	      event_callback_fn callback, void *arg)
{
	await_no_more(event);
	*event = event_new(base, fd, events, callback, arg);
	return *event != NULL && event_add(*event, NULL) == 0;
}

void await_no_more(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

void await_close(struct event **event, int *fd)
{
	await_no_more(event);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void await_moment(struct event *timer, uint64_t at_us)
{
	uint64_t now_us = clock_us(), in_us = at_us > now_us ? at_us - now_us : 0;
	const struct timeval tv = { .tv_sec = (time_t)(in_us / 1000000),
				    .tv_usec = (suseconds_t)(in_us % 1000000) };

	if (at_us == UINT64_MAX)
		event_del(timer);
	else
		event_add(timer, &tv);
}
