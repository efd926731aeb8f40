#include "tcp_relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "tcp_wire.h"

#define BACKLOG           64
#define ACCEPTS_PER_ROUND 16
#define RETRY_US          100000 /* out of descriptors: asking again at once would burn time */

/* What hangs at end->shell. */
struct tcp_relay {
	struct listen *owner;
	struct relay_end *end;
	int fd;
	struct event *readable, *retry;
};

static int set_int(int fd, int level, int name)
{
	int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int bind_to(int fd, const struct addr *local)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	int rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR);

	if (rc == 0 && local->family == ADDR_IPV6)
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (rc == 0 && bind(fd, (struct sockaddr *)&sa, len) != 0)
		rc = -errno;
	return rc;
}

static bool prepare(int fd)
{
	return evutil_make_socket_nonblocking(fd) == 0 && evutil_make_socket_closeonexec(fd) == 0;
}

static int new_socket(const struct addr *local)
{
	int fd = socket(local->family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	int rc;

	if (fd < 0)
		return -errno;
	if (prepare(fd))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/*
 * A port that another program has is refused, so SO_REUSEPORT comes behind bind. Connections to
 * peers leave from the same address and port, and need it.
 */
static int open_listening(const struct addr *local)
{
	int fd = new_socket(local), rc;

	if (fd < 0)
		return fd;
	rc = bind_to(fd, local);
	if (rc == 0)
		rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT);
	if (rc == 0 && listen(fd, BACKLOG) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static void take(struct tcp_relay *r, int fd, const struct addr *from)
{
	struct tcp_wire *wire = tcp_wire_new(r->owner, fd);

	if (wire == NULL) {
		close(fd);
		return;
	}
	(void)set_int(fd, IPPROTO_TCP, TCP_NODELAY);
	if (!turnd_accepted(r->owner->turnd, r->end, from, wire, listen_begin(r->owner)))
		tcp_wire_free(wire);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_relay *r = arg;

	for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
		struct timeval retry = { .tv_usec = RETRY_US };
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		struct addr from;
		int peer = accept(fd, (struct sockaddr *)&sa, &len);

		if (peer >= 0 && prepare(peer) && sockaddr_to_addr((struct sockaddr *)&sa, &from)) {
			take(r, peer, &from);
			continue;
		}
		if (peer >= 0) {
			close(peer);
			continue;
		}
		if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
			return;
		counter_add(&r->owner->stats.no_descriptors, 1);
		event_del(r->readable);
		event_add(r->retry, &retry);
		return;
	}
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_relay *r = arg;

	event_add(r->readable, NULL);
}

static void relay_free(struct tcp_relay *r)
{
	if (r->readable != NULL)
		event_free(r->readable);
	if (r->retry != NULL)
		event_free(r->retry);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static int start(struct tcp_relay *r)
{
	struct event_base *base = r->owner->base;

	r->fd = open_listening(&r->end->local);
	if (r->fd < 0)
		return r->fd;
	r->readable = event_new(base, r->fd, EV_READ | EV_PERSIST, on_readable, r);
	r->retry = evtimer_new(base, on_retry, r);
	if (r->readable == NULL || r->retry == NULL || event_add(r->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

int tcp_relay_open(void *arg, struct relay_end *end)
{
	struct listen *l = arg;
	struct tcp_relay *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->owner = l;
	r->end = end;
	rc = start(r);
	if (rc == 0) {
		end->shell = r;
		return 0;
	}
	if (rc == -EMFILE || rc == -ENFILE)
		counter_add(&l->stats.no_descriptors, 1);
	relay_free(r);
	return rc;
}

void tcp_relay_close(void *arg, struct relay_end *end)
{
	if (end->shell != NULL)
		relay_free(end->shell);
	end->shell = NULL;
}

/* A socket on its way to the peer, from the relayed address. */
static int open_connecting(const struct addr *local, const struct addr *peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(peer, &sa);
	int fd = new_socket(local), rc;

	if (fd < 0)
		return fd;
	rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT);
	if (rc == 0)
		rc = bind_to(fd, local);
	if (rc == 0)
		rc = set_int(fd, IPPROTO_TCP, TCP_NODELAY);
	if (rc == 0 && connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int tcp_relay_connect(void *arg, struct tcp_peer *p)
{
	struct listen *l = arg;
	int fd = open_connecting(&p->end->local, &p->dial);
	struct tcp_wire *wire;

	if (fd == -EMFILE || fd == -ENFILE)
		counter_add(&l->stats.no_descriptors, 1);
	if (fd < 0)
		return fd;
	wire = tcp_wire_new(l, fd);
	if (wire == NULL) {
		close(fd);
		return -ENOMEM;
	}
	if (!tcp_wire_await(wire, p)) {
		tcp_wire_free(wire);
		return -ENOMEM;
	}
	p->shell = wire;
	return 0;
}

void tcp_relay_close_peer(void *arg, struct tcp_peer *p)
{
	struct listen *l = arg;

	if (p->worker != l->index)
		tcp_wire_close_there(l, p->worker, p->id);
	else if (p->shell != NULL)
		tcp_wire_drop(l, p->shell, p->id);
	p->shell = NULL;
}

void tcp_relay_join(struct listen *l, struct listen_link *link, const struct turnd_out *out)
{
	struct tcp_wire *wire = out->connection;

	listen_send(l, out);
	if (!tcp_wire_join(wire, l, link, out->connection_id))
		tcp_wire_end(wire);
}

void tcp_relay_link_ended(struct listen *l, struct listen_link *link)
{
	struct tcp_wire *wire = link->wire;

	if (wire == NULL)
		return;
	tcp_wire_unlink(wire);
	tcp_wire_end(wire);
}
