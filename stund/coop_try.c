#include "coop_try.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coop_raw.h"
#include "list.h"
#include "sockaddr.h"
#include "udp.h"

struct coop_try {
	struct event_base *base;
	void (*on_outcome)(uint32_t handle, const struct coop_report *outcome, void *arg);
	void *arg;
	struct list tries;
};

struct attempt {
	struct list link;
	struct coop_try *owner;
	struct event *event;
	evutil_socket_t fd;
	uint32_t handle;
	uint8_t family;
};

struct coop_try *coop_try_new(struct event_base *base,
			      void (*on_outcome)(uint32_t handle, const struct coop_report *outcome,
						 void *arg),
			      void *arg)
{
	struct coop_try *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->base = base;
	t->on_outcome = on_outcome;
	t->arg = arg;
	list_init(&t->tries);
	return t;
}

static void end(struct attempt *a)
{
	list_remove(&a->link);
	if (a->event != NULL)
		event_free(a->event);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

void coop_try_free(struct coop_try *t)
{
	if (t == NULL)
		return;
	while (!list_is_empty(&t->tries))
		end(LIST_OF(t->tries.next, struct attempt, link));
	free(t);
}

/* Where the system tells no more of an ICMP error than errno: the one that it stands for. */
static struct coop_report guess_icmp(uint8_t family, int error)
{
	bool is_v6 = family == ADDR_IPV6;
	struct coop_report r = { .outcome = COOP_UNREACHABLE, .icmp_type = is_v6 ? 1 : 3 };

	switch (error) {
	case ENETUNREACH:
		r.icmp_code = 0;
		break;
	case EACCES:
		r.icmp_code = is_v6 ? 1 : 13;
		break;
	case ENOPROTOOPT:
		r.icmp_code = is_v6 ? 4 : 2;
		break;
	case ECONNREFUSED:
		r.icmp_code = is_v6 ? 4 : 3;
		break;
	default:
		r.icmp_code = is_v6 ? 3 : 1;
		break;
	}
	return r;
}

static struct coop_report outcome_of(const struct attempt *a)
{
	struct coop_report r = { .outcome = COOP_UNREACHABLE };
	struct udp_error icmp;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0) {
		r.outcome = COOP_CONNECTED;
	} else if (udp_recv_error(a->fd, &icmp) == 1 && !icmp.is_ours) {
		r.icmp_type = icmp.type;
		r.icmp_code = icmp.code;
	} else if (error == ECONNREFUSED || error == ECONNRESET) {
		r.outcome = COOP_RESET;
	} else if (error == ETIMEDOUT) {
		r.outcome = COOP_TIMED_OUT;
	} else {
		r = guess_icmp(a->family, error);
	}
	return r;
}

static void tell(struct attempt *a, struct coop_report r)
{
	struct coop_try *t = a->owner;
	uint32_t handle = a->handle;

	end(a);
	t->on_outcome(handle, &r, t->arg);
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	static const struct coop_report late = { .outcome = COOP_TIMED_OUT };
	struct attempt *a = arg;

	tell(a, (events & EV_WRITE) != 0 ? outcome_of(a) : late);
}

static int open_socket(const struct addr *local)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	/* A port that is ours for ever must not wait for old packets of a connection: the next one
	   to the same port of the client would be refused for a minute. */
	const struct linger at_once = { .l_onoff = 1 };
	int on = 1, rc = 0;
	int fd = socket(local->family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -errno;
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		rc = -EIO;
	if (rc == 0 && local->port != 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) != 0))
		rc = -errno;
	if (rc == 0)
		rc = coop_raw_want_errors(fd, local->family);
	if (rc == 0 && bind(fd, (struct sockaddr *)&sa, len) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* One that waits for nothing yet; NULL when memory runs out. */
static struct attempt *begin(struct coop_try *t, const struct addr *to, uint32_t handle)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct attempt){ .owner = t, .fd = -1, .handle = handle, .family = to->family };
	list_init(&a->link);
	list_append(&t->tries, &a->link);
	return a;
}

/* From now on its outcome is told. Returns 0 or -ENOMEM. */
static int await(struct attempt *a, short events, event_callback_fn call, uint32_t wait_ms)
{
	struct timeval wait = { .tv_sec = wait_ms / 1000,
				.tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };

	a->event = event_new(a->owner->base, a->fd, events, call, a);
	return a->event != NULL && event_add(a->event, &wait) == 0 ? 0 : -ENOMEM;
}

/* Returns 0, or -errno. A refusal that came at once is told from the loop, like all others. */
static int connect_to(int fd, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	if (connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS ||
	    errno == ECONNREFUSED || errno == ECONNRESET)
		return 0;
	return -errno;
}

int coop_try_connect(struct coop_try *t, const struct addr *local, const struct addr *to,
		     uint32_t wait_ms, uint32_t handle)
{
	struct attempt *a = begin(t, to, handle);
	int rc;

	if (a == NULL)
		return -ENOMEM;
	rc = a->fd = open_socket(local);
	if (rc >= 0)
		rc = connect_to(a->fd, to);
	if (rc == 0)
		rc = await(a, EV_WRITE, on_connected, wait_ms);
	if (rc != 0)
		end(a);
	return rc;
}

/* An error may be told in place of reading; what it is about stands in the queue. */
static struct coop_report what_came_back(const struct attempt *a)
{
	struct coop_report r = { .outcome = COOP_CONNECTED };
	struct udp_error icmp;
	struct udp_dgram d;
	uint8_t byte;
	int rc;

	if (udp_recv_error(a->fd, &icmp) == 1) {
		r.outcome = COOP_UNREACHABLE;
		r.icmp_type = icmp.type;
		r.icmp_code = icmp.code;
		return r;
	}
	rc = udp_recv_one(a->fd, &byte, sizeof(byte), &d);
	if (rc == 0)
		r.outcome = COOP_SENT; /* a false alarm: a wrong checksum */
	else if (rc < 0)
		r = guess_icmp(a->family, -rc);
	return r;
}

static void on_back(evutil_socket_t fd, short events, void *arg)
{
	static const struct coop_report silence = { .outcome = COOP_SENT };
	struct attempt *a = arg;

	tell(a, (events & EV_READ) != 0 ? what_came_back(a) : silence);
}

int coop_try_datagram(struct coop_try *t, const struct addr *local, const struct addr *to,
		      struct bytes data, enum coop_df df, uint32_t wait_ms, uint32_t handle)
{
	static const struct udp_options options = { 0 };
	struct addr fresh = addr_with_port(local, 0);
	struct udp_dgram d = { .data = data };
	struct attempt *a = begin(t, to, handle);
	bool has_errors;
	int rc;

	if (a == NULL)
		return -ENOMEM;
	rc = a->fd = udp_open(&fresh, &options, NULL);
	if (rc >= 0)
		rc = connect_to(a->fd, to);
	if (rc == 0)
		rc = coop_raw_want_errors(a->fd, to->family);
	if (rc == 0)
		rc = coop_raw_set_df(a->fd, to->family, df);
	if (rc == 0)
		rc = udp_send_one(a->fd, &d, &has_errors);
	if (rc == 0)
		rc = await(a, EV_READ, on_back, wait_ms);
	if (rc != 0)
		end(a);
	return rc;
}
