#include "forward.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "forward_join.h"
#include "forward_state.h"
#include "natprobe/net/await.h"
#include "natprobe/net/random.h"
#include "sockaddr.h"

#define SLOTS   8 /* streams that we are ready to take; a burst waits in the link */
#define RATE    50
#define BURST   200
#define BACKLOG 64
#define RETRY_S 1

struct slot {
	struct list link;
	struct forward *forward;
};

void forward_tell(struct forward *f, const struct forward_event *e)
{
	f->config.on_event(f->config.arg, e);
}

bool forward_is_flooded(struct forward *f)
{
	return !limit_allows_name(f->limit, BYTES("other side"), clock_ms());
}

const char *forward_judge(const struct forward *f, const struct forward_target *target)
{
	for (size_t i = 0; i < f->config.allow_count; i++) {
		if (forward_target_equal(&f->config.allows[i], target))
			return NULL;
	}
	return FORWARD_NOT_ALLOWED;
}

/* --- streams of the other side --- */

static void fill_slots(struct forward *f);

static void free_slot(struct slot *s)
{
	s->forward->slot_count--;
	list_remove(&s->link);
	free(s);
}

static void on_stream(void *arg, struct bufferevent *bev, bool datagrams)
{
	struct slot *s = arg;
	struct forward *f = s->forward;

	free_slot(s);
	if (f->is_stopped) {
		bufferevent_free(bev);
		return;
	}
	if (datagrams)
		forward_udp_serve_begin(f, bev);
	else
		forward_serve_begin(f, bev);
	fill_slots(f);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	static const struct timeval moment = { .tv_sec = RETRY_S };
	struct slot *s = arg;
	struct forward *f = s->forward;

	free_slot(s);
	if (!f->is_stopped)
		(void)event_add(f->retry, &moment);
}

static bool add_slot(struct forward *f)
{
	struct slot *s = calloc(1, sizeof(*s));
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = s };

	if (s == NULL)
		return false;
	s->forward = f;
	list_init(&s->link);
	list_append(&f->slots, &s->link);
	f->slot_count++;
	if (f->config.attach(f->config.arg, "accept " FORWARD_SERVICE, &stream))
		return true;
	free_slot(s);
	return false;
}

static void fill_slots(struct forward *f)
{
	static const struct timeval moment = { .tv_sec = RETRY_S };

	while (f->slot_count < SLOTS) {
		if (add_slot(f))
			continue;
		(void)event_add(f->retry, &moment);
		return;
	}
}

static void on_retry(evutil_socket_t fd, short events, void *arg)
{
	fill_slots(arg);
}

void forward_serve(struct forward *f)
{
	fill_slots(f);
}

/* --- ports here --- */

/* True: others may follow at once. */
static bool accept_one(struct forward_port *p)
{
	static const struct timeval moment = { .tv_sec = RETRY_S };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr from;
	int sock = accept(p->fd, (struct sockaddr *)&ss, &len);

	if (sock < 0) {
		/* Out of descriptors it would be there again at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			(void)event_del(p->readable);
			(void)event_add(p->timer, &moment);
		}
		return false;
	}
	if (evutil_make_socket_nonblocking(sock) != 0 ||
	    evutil_make_socket_closeonexec(sock) != 0 ||
	    !sockaddr_to_addr((struct sockaddr *)&ss, &from)) {
		forward_reset(sock);
		return true;
	}
	forward_ask_begin(p, sock, &from);
	return true;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct forward_port *p = arg;

	if (p->spec->target.is_udp) {
		forward_flow_read(p);
		return;
	}
	for (int i = 0; i < FORWARD_BATCH && accept_one(p); i++)
		;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	static const struct timeval sweep = { .tv_sec = FORWARD_SWEEP_S };
	struct forward_port *p = arg;

	if (!p->spec->target.is_udp) {
		(void)event_add(p->readable, NULL);
		return;
	}
	forward_flow_sweep(p);
	(void)event_add(p->timer, &sweep);
}

static int bind_port(struct forward_port *p)
{
	const bool is_udp = p->spec->target.is_udp;
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(&p->spec->listen, &ss);
	const int on = 1;

	p->fd = socket(ss.ss_family,
		       (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	if (ss.ss_family == AF_INET6)
		(void)setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!is_udp)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(p->fd, (struct sockaddr *)&ss, len) != 0 ||
	    (!is_udp && listen(p->fd, BACKLOG) != 0))
		return -errno;
	return 0;
}

static int open_port(struct forward_port *p)
{
	int rc = bind_port(p);

	if (rc != 0)
		return rc;
	p->timer = evtimer_new(p->forward->config.base, on_timer, p);
	if (p->timer == NULL || !await_fd(&p->readable, p->forward->config.base, p->fd,
					  EV_READ | EV_PERSIST, on_readable, p))
		return -ENOMEM;
	if (p->spec->target.is_udp)
		on_timer(-1, 0, p);
	return 0;
}

static void tell_listens(struct forward_port *p)
{
	const struct forward_event e = { .kind = FORWARD_LISTENS,
					 .target = &p->spec->target,
					 .from = &p->spec->listen };

	forward_tell(p->forward, &e);
}

int forward_listen(struct forward *f, const struct forward_spec **failed)
{
	for (size_t i = 0; i < f->config.spec_count; i++) {
		int rc = open_port(&f->ports[i]);

		*failed = f->ports[i].spec;
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < f->config.spec_count; i++)
		tell_listens(&f->ports[i]);
	return 0;
}

/* --- all of it --- */

static bool make_ports(struct forward *f)
{
	f->ports = calloc(f->config.spec_count + 1, sizeof(*f->ports));
	if (f->ports == NULL)
		return false;
	for (size_t i = 0; i < f->config.spec_count; i++) {
		f->ports[i] = (struct forward_port){ .forward = f,
						     .spec = &f->config.specs[i],
						     .fd = -1 };
		list_init(&f->ports[i].flows);
	}
	return true;
}

struct forward *forward_new(const struct forward_config *config)
{
	struct forward *f = calloc(1, sizeof(*f));
	uint8_t key[16];

	if (f == NULL)
		return NULL;
	f->config = *config;
	list_init(&f->slots);
	list_init(&f->asks);
	list_init(&f->serves);
	list_init(&f->udp_serves);
	random_draw(NULL, key, sizeof(key));
	f->limit = limit_new(RATE, BURST, 1, key);
	f->retry = evtimer_new(config->base, on_retry, f);
	if (f->limit != NULL && f->retry != NULL && make_ports(f))
		return f;
	forward_free(f);
	return NULL;
}

void forward_stop(struct forward *f)
{
	f->is_stopped = true;
	(void)event_del(f->retry);
	for (size_t i = 0; i < f->config.spec_count; i++) {
		await_no_more(&f->ports[i].timer);
		await_close(&f->ports[i].readable, &f->ports[i].fd);
	}
	forward_ask_drop_all(f);
	forward_serve_end_all(f);
	forward_udp_serve_end_all(f);
}

static void close_port(struct forward_port *p)
{
	forward_flow_end_all(p);
	await_no_more(&p->timer);
	await_close(&p->readable, &p->fd);
}

void forward_free(struct forward *f)
{
	if (f == NULL)
		return;
	forward_ask_end_all(f);
	forward_serve_end_all(f);
	forward_udp_serve_end_all(f);
	for (size_t i = 0; f->ports != NULL && i < f->config.spec_count; i++)
		close_port(&f->ports[i]);
	while (!list_is_empty(&f->slots))
		free_slot(LIST_OF(f->slots.next, struct slot, link));
	if (f->retry != NULL)
		event_free(f->retry);
	limit_free(f->limit);
	free(f->ports);
	free(f);
}
