#include "forward_dial.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forward_lookup.h"
#include "forward_wire.h"
#include "sockaddr.h"

#define PATIENCE_S 4 /* for one address */

struct forward_dial {
	struct event_base *base;
	struct forward_lookup *lookup;
	struct event *connected;
	forward_dial_fn on_done;
	void *arg;
	struct addr list[FORWARD_ADDRS_MAX];
	size_t count, at;
	int fd;
	int error; /* of one that is told, where none answers */
};

const char *forward_dial_word(int error)
{
	switch (error) {
	case 0:
		return FORWARD_NO_HOST;
	case ECONNREFUSED:
		return FORWARD_CONN_REFUSED;
	case ETIMEDOUT:
		return FORWARD_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return FORWARD_BUSY;
	default:
		return FORWARD_UNREACHABLE;
	}
}

static void close_one(struct forward_dial *d)
{
	if (d->connected != NULL)
		event_free(d->connected);
	d->connected = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

/* A host that is there and refuses says more than an address without a route. */
static void note(struct forward_dial *d, int error)
{
	if (d->error == 0 || error == ECONNREFUSED ||
	    (error == ETIMEDOUT && d->error != ECONNREFUSED))
		d->error = error;
}

static void on_connected(evutil_socket_t fd, short events, void *arg);

/* Returns 0 while it is being connected, or an errno. */
static int try_one(struct forward_dial *d, const struct addr *to)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(to, &ss);

	d->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return errno;
	if (connect(d->fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS)
		return errno;
	d->connected = event_new(d->base, d->fd, EV_WRITE, on_connected, d);
	return d->connected != NULL && event_add(d->connected, &patience) == 0 ? 0 : ENOMEM;
}

static void try_next(struct forward_dial *d)
{
	while (d->at < d->count) {
		int error = try_one(d, &d->list[d->at++]);

		if (error == 0)
			return;
		close_one(d);
		note(d, error);
	}
	d->on_done(d->arg, -1, forward_dial_word(d->error)); /* may free us */
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct forward_dial *d = arg;
	int error = ETIMEDOUT, own = d->fd;
	socklen_t len = sizeof(error);

	if ((events & EV_WRITE) != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0) {
		d->fd = -1;
		close_one(d);
		d->on_done(d->arg, own, NULL); /* may free us */
		return;
	}
	close_one(d);
	note(d, error);
	try_next(d);
}

static void on_found(void *arg, const struct addr *list, size_t count)
{
	struct forward_dial *d = arg;

	memcpy(d->list, list, count * sizeof(list[0]));
	d->count = count;
	forward_lookup_free(d->lookup);
	d->lookup = NULL;
	try_next(d);
}

struct forward_dial *forward_dial_new(struct event_base *base, const struct forward_target *target,
				      forward_dial_fn on_done, void *arg)
{
	struct forward_dial *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->base = base;
	d->on_done = on_done;
	d->arg = arg;
	d->fd = -1;
	d->lookup = forward_lookup_new(base, target, on_found, d);
	if (d->lookup != NULL)
		return d;
	free(d);
	return NULL;
}

void forward_dial_free(struct forward_dial *d)
{
	if (d == NULL)
		return;
	forward_lookup_free(d->lookup);
	close_one(d);
	free(d);
}
