/* Listening sockets, and who is let in. */
#include "stream_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "per_source.h"
#include "sockaddr.h"

#define BACKLOG 512

static bool local_addr(evutil_socket_t fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       sockaddr_to_addr((struct sockaddr *)&sa, out);
}

bool stream_admits(struct stream_set *set, const struct addr *from)
{
	enum per_source_result result = per_source_add(set->sources, from);

	if (result == PER_SOURCE_FULL)
		counter_add(&set->stats.refused_total, 1);
	if (result == PER_SOURCE_MOST)
		counter_add(&set->stats.refused_source, 1);
	return result == PER_SOURCE_OK;
}

/* Who speaks for others is counted as each of them, once it has said whom it speaks for. */
static bool lets_in(struct stream_listener *l, const struct addr *from)
{
	if (!l->options.proxy)
		return stream_admits(l->set, from);
	if (l->options.proxy_may != NULL && l->options.proxy_may(from, l->set->arg))
		return true;
	counter_add(&l->set->stats.refused_proxy, 1);
	return false;
}

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	struct stream_listener *l = arg;
	struct stream_set *set = l->set;
	struct stream_peer peer = { 0 };
	struct stream_conn *c;
	int on = 1;

	if (!sockaddr_to_addr(sa, &peer.remote) || !local_addr(fd, &peer.local) ||
	    !lets_in(l, &peer.remote)) {
		close(fd);
		return;
	}
	c = stream_conn_new(l, fd, &peer);
	if (c == NULL) {
		if (!l->options.proxy)
			per_source_remove(set->sources, &peer.remote);
		counter_add(&set->stats.accept_errors, 1);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	counter_add(&set->stats.accepted, 1);
	counter_add(&set->stats.open, 1);
	if (set->fresh.count >= set->limits.max_half_open)
		stream_conn_end(stream_queue_first(&set->fresh), STREAM_END_CROWD);
	stream_queue_put(&set->fresh, c);
	stream_set_tick(set);
}

void stream_pause_accepting(struct stream_set *set, bool pause)
{
	set->accepting = !pause;
	for (struct stream_listener *l = set->listeners; l != NULL; l = l->next) {
		if (pause)
			evconnlistener_disable(l->ev);
		else
			evconnlistener_enable(l->ev);
	}
}

/* Out of descriptors or memory: asking again at once would only burn time. */
static void on_accept_error(struct evconnlistener *ev, void *arg)
{
	struct stream_listener *l = arg;

	counter_add(&l->set->stats.accept_errors, 1);
	stream_pause_accepting(l->set, true);
	stream_set_tick(l->set);
}

static void listener_free(struct stream_listener *l)
{
	if (l->ev != NULL)
		evconnlistener_free(l->ev);
	free(l);
}

void stream_close_listeners(struct stream_set *set)
{
	while (set->listeners != NULL) {
		struct stream_listener *next = set->listeners->next;

		listener_free(set->listeners);
		set->listeners = next;
	}
}

static int set_int(int fd, int level, int name)
{
	int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int set_options(int fd, uint8_t family, const struct stream_listen_options *options)
{
	int rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR);

	if (rc == 0 && family == ADDR_IPV6)
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (rc == 0 && options->reuse_port)
		rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT);
	return rc;
}

/* Returns a listening descriptor, or -errno. */
static int open_socket(const struct addr *local, const struct stream_listen_options *options,
		       struct addr *bound)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	int fd, rc;

	if (len == 0)
		return -EAFNOSUPPORT;
	fd = socket(sa.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	rc = set_options(fd, local->family, options);
	if (rc == 0 && options->has_owner && fchown(fd, (uid_t)options->owner, (gid_t)-1) != 0)
		rc = -errno;
	if (rc == 0 &&
	    (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0 ||
	     bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, BACKLOG) != 0))
		rc = -errno;
	if (rc == 0 && bound != NULL && !local_addr(fd, bound))
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int stream_listen(struct stream_set *set, const struct addr *local,
		  const struct stream_listen_options *options, struct addr *bound)
{
	struct stream_listener *l = calloc(1, sizeof(*l));
	int fd;

	if (l == NULL)
		return -ENOMEM;
	fd = open_socket(local, options, bound);
	if (fd < 0) {
		free(l);
		return fd;
	}
	l->set = set;
	l->options = *options;
	l->ev = evconnlistener_new(set->base, on_accept, l,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->ev == NULL) {
		close(fd);
		free(l);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(l->ev, on_accept_error);
	l->next = set->listeners;
	set->listeners = l;
	return 0;
}
