#include "coop_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coop_raw.h"
#include "list.h"
#include "sockaddr.h"
#include "udp.h"

struct coop_tcp {
	struct event_base *base;
	void (*on_outcome)(uint32_t handle, const struct coop_report *outcome, void *arg);
	void *arg;
	struct list tries;
};

struct attempt {
	struct list link;
	struct coop_tcp *owner;
	struct event *writable;
	evutil_socket_t fd;
	uint32_t handle;
	uint8_t family;
};

struct coop_tcp *coop_tcp_new(struct event_base *base,
			      void (*on_outcome)(uint32_t handle, const struct coop_report *outcome,
						 void *arg),
			      void *arg)
{
	struct coop_tcp *t = calloc(1, sizeof(*t));

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
	if (a->writable != NULL)
		event_free(a->writable);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

void coop_tcp_free(struct coop_tcp *t)
{
	if (t == NULL)
		return;
	while (!list_is_empty(&t->tries))
		end(LIST_OF(t->tries.next, struct attempt, link));
	free(t);
}

/* Where the system tells no more of an ICMP error than errno: the one that it stands for. */
static void guess_icmp(uint8_t family, int error, struct coop_report *out)
{
	bool is_v6 = family == ADDR_IPV6;

	out->icmp_type = is_v6 ? 1 : 3;
	switch (error) {
	case ENETUNREACH:
		out->icmp_code = 0;
		break;
	case EACCES:
		out->icmp_code = is_v6 ? 1 : 13;
		break;
	case ENOPROTOOPT:
		out->icmp_code = is_v6 ? 4 : 2;
		break;
	default:
		out->icmp_code = is_v6 ? 3 : 1;
		break;
	}
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
		guess_icmp(a->family, error, &r);
	}
	return r;
}

static void on_event(evutil_socket_t fd, short events, void *arg)
{
	static const struct coop_report late = { .outcome = COOP_TIMED_OUT };
	struct attempt *a = arg;
	struct coop_tcp *t = a->owner;
	struct coop_report r = (events & EV_WRITE) != 0 ? outcome_of(a) : late;
	uint32_t handle = a->handle;

	end(a);
	t->on_outcome(handle, &r, t->arg);
}

static int open_socket(const struct addr *local)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	int on = 1, rc = 0;
	int fd = socket(local->family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -errno;
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0)
		rc = -EIO;
	if (rc == 0 && local->port != 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0))
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

/* What the system says at once and did not find out itself is told from the loop, like the rest. */
static bool is_under_way(int error)
{
	return error == EINPROGRESS || error == ECONNREFUSED || error == ECONNRESET;
}

int coop_tcp_connect(struct coop_tcp *t, const struct addr *local, const struct addr *to,
		     uint32_t wait_ms, uint32_t handle)
{
	struct timeval wait = { .tv_sec = wait_ms / 1000,
				.tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };
	struct attempt *a = calloc(1, sizeof(*a));
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);
	int rc;

	if (a == NULL)
		return -ENOMEM;
	*a = (struct attempt){ .owner = t, .handle = handle, .family = to->family };
	list_init(&a->link);
	list_append(&t->tries, &a->link);
	rc = a->fd = open_socket(local);
	if (rc < 0)
		goto fail;
	rc = -ENOMEM;
	a->writable = event_new(t->base, a->fd, EV_WRITE, on_event, a);
	if (a->writable == NULL)
		goto fail;
	if (connect(a->fd, (struct sockaddr *)&sa, len) != 0 && !is_under_way(errno)) {
		rc = -errno;
		goto fail;
	}
	if (event_add(a->writable, &wait) == 0)
		return 0;
fail:
	end(a);
	return rc;
}
