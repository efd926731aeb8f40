/* Streams of datagrams that the other side opens for one source over there, to a target here. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "forward_dial.h"
#include "forward_lookup.h"
#include "forward_state.h"
#include "natprobe/net/await.h"
#include "sockaddr.h"

struct udp_serve {
	struct list link;
	struct forward *forward;
	struct bufferevent *bev;
	struct event *patience; /* without a datagram, either way */
	struct event *readable;
	struct forward_target target;
	struct forward_lookup *lookup;
	struct addr list[FORWARD_ADDRS_MAX];
	size_t count, at;
	int fd; /* -1: not yet, or refused */
	bool is_asked, is_refused;
	bool is_heard;         /* by the target: no other address of it is tried */
	struct evbuffer *held; /* the first datagram, until it is heard */
	uint64_t out, in;
};

static void free_serve(struct udp_serve *s)
{
	forward_lookup_free(s->lookup);
	await_close(&s->readable, &s->fd);
	await_no_more(&s->patience);
	bufferevent_free(s->bev);
	if (s->held != NULL)
		evbuffer_free(s->held);
	list_remove(&s->link);
	s->forward->udp_served--;
	free(s);
}

static void tell(struct udp_serve *s, enum forward_event_kind kind, const char *word)
{
	const struct forward_event e = { .kind = kind,
					 .is_served = true,
					 .target = &s->target,
					 .word = word,
					 .out = s->out,
					 .in = s->in };

	forward_tell(s->forward, &e);
}

static void be_patient(struct udp_serve *s)
{
	const struct timeval idle = { .tv_sec = FORWARD_IDLE_S },
			     refused = { .tv_sec = FORWARD_SWEEP_S };

	(void)event_add(s->patience, s->is_refused ? &refused : &idle);
	list_append(&s->forward->udp_serves, &s->link); /* the longest silent one is the first */
}

static void say(struct udp_serve *s, uint8_t kind, struct bytes data)
{
	const struct forward_msg m = { .kind = kind, .data = data };

	if (evbuffer_get_length(bufferevent_get_output(s->bev)) < FORWARD_QUEUE_HIGH)
		(void)forward_say(s->forward, s->bev, &m);
}

static void refuse(struct udp_serve *s, const char *word)
{
	if (s->target.port != 0)
		tell(s, FORWARD_FAILED, word);
	await_close(&s->readable, &s->fd);
	s->is_refused = true;
	be_patient(s);
	say(s, FORWARD_REFUSED, bytes_of_str(word));
}

/* --- the target --- */

static void try_next(struct udp_serve *s, int error);

/* True: it was refused where nobody ever answered, and another address is tried. */
static bool is_refused(struct udp_serve *s, int error)
{
	if (error != ECONNREFUSED && error != EHOSTUNREACH && error != ENETUNREACH)
		return false;
	if (s->is_heard)
		return false;
	try_next(s, error);
	return true;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct udp_serve *s = arg;
	struct forward *f = s->forward;

	for (int i = 0; i < FORWARD_BATCH; i++) {
		ssize_t n = recv(s->fd, f->datagram, FORWARD_MSG_MAX - 1, MSG_DONTWAIT);

		if (n < 0) {
			(void)is_refused(s, errno);
			return;
		}
		if (!s->is_heard) {
			s->is_heard = true;
			(void)evbuffer_drain(s->held, evbuffer_get_length(s->held));
		}
		s->out += (size_t)n;
		be_patient(s);
		say(s, FORWARD_DATA, bytes_of(f->datagram, (size_t)n));
	}
}

static int open_one(struct udp_serve *s, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(to, &ss);

	await_close(&s->readable, &s->fd);
	s->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&ss, len) != 0)
		return errno;
	return await_fd(&s->readable, s->forward->config.base, s->fd, EV_READ | EV_PERSIST,
			on_readable, s)
		       ? 0
		       : ENOMEM;
}

static void send_held(struct udp_serve *s)
{
	size_t len = evbuffer_get_length(s->held);

	if (len > 0)
		(void)send(s->fd, evbuffer_pullup(s->held, -1), len, MSG_DONTWAIT);
}

static void try_next(struct udp_serve *s, int error)
{
	while (s->at < s->count) {
		int rc = open_one(s, &s->list[s->at++]);

		if (rc == 0) {
			send_held(s);
			return;
		}
		error = rc;
	}
	refuse(s, forward_dial_word(error));
}

static void on_found(void *arg, const struct addr *list, size_t count)
{
	struct udp_serve *s = arg;

	memcpy(s->list, list, count * sizeof(list[0]));
	s->count = count;
	forward_lookup_free(s->lookup);
	s->lookup = NULL;
	try_next(s, 0);
	if (s->is_refused)
		return;
	tell(s, FORWARD_OPENED, NULL);
	say(s, FORWARD_OK, (struct bytes){ 0 });
}

static void send_on(struct udp_serve *s, struct bytes data)
{
	s->in += data.len;
	if (!s->is_heard && evbuffer_get_length(s->held) == 0 && data.len <= FORWARD_EARLY_MAX)
		(void)evbuffer_add(s->held, data.data, data.len);
	if (s->fd >= 0 && send(s->fd, data.data, data.len, MSG_DONTWAIT) < 0)
		(void)is_refused(s, errno);
}

/* --- the other side --- */

static void open_target(struct udp_serve *s, const struct forward_msg *m)
{
	const char *word = forward_judge(s->forward, &m->target);

	s->is_asked = true;
	if (forward_is_flooded(s->forward)) {
		refuse(s, FORWARD_BUSY);
		return;
	}
	s->target = m->target;
	if (word == NULL)
		s->lookup = forward_lookup_new(s->forward->config.base, &m->target, on_found, s);
	if (word == NULL && s->lookup == NULL)
		word = FORWARD_BUSY;
	if (word != NULL)
		refuse(s, word);
}

static void hear(struct udp_serve *s, const struct forward_msg *m)
{
	if (m->kind != FORWARD_OPEN && m->kind != FORWARD_DATA)
		return;
	if (!s->is_asked && m->kind == FORWARD_OPEN)
		open_target(s, m);
	/* What overtook the one that opens is lost, as datagrams may be. */
	if (!s->is_asked || s->is_refused ||
	    (m->kind == FORWARD_OPEN && !forward_target_equal(&m->target, &s->target)))
		return;
	be_patient(s);
	send_on(s, m->data);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct udp_serve *s = arg;
	struct forward_msg m;
	enum forward_heard heard;

	while ((heard = forward_hear(s->forward, bev, true, &m)) != FORWARD_PARTLY) {
		if (heard == FORWARD_HEARD)
			hear(s, &m);
	}
}

static void end(struct udp_serve *s)
{
	if (s->is_asked && !s->is_refused)
		tell(s, FORWARD_CLOSED, NULL);
	free_serve(s);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	end(arg);
}

static void on_patience(evutil_socket_t fd, short events, void *arg)
{
	end(arg);
}

void forward_udp_serve_begin(struct forward *f, struct bufferevent *bev)
{
	struct udp_serve *s = calloc(1, sizeof(*s));

	if (f->udp_served >= FORWARD_FLOWS_MAX)
		end(LIST_OF(f->udp_serves.next, struct udp_serve, link));
	if (s == NULL) {
		bufferevent_free(bev);
		return;
	}
	s->forward = f;
	s->bev = bev;
	s->fd = -1;
	list_init(&s->link);
	list_append(&f->udp_serves, &s->link);
	f->udp_served++;
	s->held = evbuffer_new();
	s->patience = evtimer_new(f->config.base, on_patience, s);
	if (s->held == NULL || s->patience == NULL) {
		free_serve(s);
		return;
	}
	be_patient(s);
	bufferevent_setcb(bev, on_read, NULL, on_event, s);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void forward_udp_serve_end_all(struct forward *f)
{
	while (!list_is_empty(&f->udp_serves))
		free_serve(LIST_OF(f->udp_serves.next, struct udp_serve, link));
}
