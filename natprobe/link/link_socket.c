#include "link_socket.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "natprobe/net/await.h"
#include "natprobe/net/read_more.h"
#include "udp.h"

#define FRAME_ROOM         2048
#define BATCHES_PER_WAKEUP 4
#define ERRORS_PER_WAKEUP  16
#define SEND_BUFFER        1048576
#define STREAM_PIECE       131072 /* read or written at once */
#define LENGTH_BYTES       2
#define ICMP_UNREACHABLE   3
#define ICMP6_UNREACHABLE  1

struct link_socket {
	struct link_socket_hooks hooks;
	struct addr remote;
	struct event *readable, *flusher;
	int fd; /* of UDP; -1: none */
	struct udp_batch *batch;
	struct udp_dgram out[UDP_BATCH];
	size_t out_count;
	uint8_t *frames;            /* UDP_BATCH of them */
	struct bufferevent *stream; /* of TCP; NULL: none */
	struct punch_io *relay;     /* NULL: none */
	bool is_gone;
};

/* --- UDP --- */

static bool is_unreachable(const struct link_socket *s, const struct udp_error *e)
{
	return !e->is_ours &&
	       e->type == (s->remote.family == ADDR_IPV6 ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE);
}

static void read_errors(struct link_socket *s)
{
	struct udp_error e;
	bool doubts = false, is_too_long = false;

	for (int i = 0; i < ERRORS_PER_WAKEUP && udp_recv_error(s->fd, &e) == 1; i++) {
		if (e.mtu != 0)
			is_too_long = true;
		else if (is_unreachable(s, &e))
			doubts = true;
	}
	if (is_too_long)
		s->hooks.on_too_long(s->hooks.arg);
	if (doubts)
		s->hooks.on_doubt(s->hooks.arg);
}

static void flush(struct link_socket *s)
{
	bool has_errors = false;
	size_t at = 0;

	/* What a full queue does not take is lost, as it is further on. */
	while (at < s->out_count) {
		int n = udp_send_heeding(s->fd, s->batch, s->out + at, (int)(s->out_count - at),
					 &has_errors);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	s->out_count = 0;
	if (has_errors)
		read_errors(s);
}

static void on_flush(evutil_socket_t fd, short events, void *arg)
{
	flush(arg);
}

static void send_udp(struct link_socket *s, struct bytes frame)
{
	uint8_t *place;

	if (frame.len > FRAME_ROOM)
		return;
	if (s->out_count == UDP_BATCH)
		flush(s);
	if (s->out_count == 0)
		event_active(s->flusher, EV_TIMEOUT, 0);
	place = s->frames + s->out_count * FRAME_ROOM;
	memcpy(place, frame.data, frame.len);
	s->out[s->out_count++] =
		(struct udp_dgram){ .data = bytes_of(place, frame.len), .peer = s->remote };
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct link_socket *s = arg;
	struct udp_dgram in[UDP_BATCH];
	int n = UDP_BATCH;

	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH; i++) {
		n = udp_recv(s->fd, s->batch, in);
		for (int k = 0; k < n; k++) {
			if (addr_equal(&in[k].peer, &s->remote) && !in[k].truncated)
				s->hooks.on_frame(s->hooks.arg, in[k].data);
		}
	}
	if (n < 0)
		read_errors(s);
	s->hooks.on_idle(s->hooks.arg);
}

static bool open_udp(struct link_socket *s, struct event_base *base, int fd, uint8_t family)
{
	const int room = SEND_BUFFER;

	s->fd = fd;
	s->batch = udp_batch_new();
	s->frames = malloc((size_t)UDP_BATCH * FRAME_ROOM);
	s->flusher = evtimer_new(base, on_flush, s);
	if (s->batch == NULL || s->frames == NULL || s->flusher == NULL)
		return false;
	udp_batch_join(s->batch);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	(void)udp_set_dont_fragment(fd, family, true);
	return await_fd(&s->readable, base, fd, EV_READ | EV_PERSIST, on_readable, s);
}

/* --- TCP --- */

static void gone(struct link_socket *s, const char *why)
{
	if (s->is_gone)
		return;
	s->is_gone = true;
	(void)bufferevent_disable(s->stream, EV_READ | EV_WRITE);
	s->hooks.on_gone(s->hooks.arg, why);
}

/* False: there is no whole frame. */
static bool take_frame(struct link_socket *s, struct evbuffer *in)
{
	uint8_t head[LENGTH_BYTES];
	const uint8_t *all;
	size_t len;

	if (evbuffer_copyout(in, head, sizeof(head)) != LENGTH_BYTES)
		return false;
	len = (size_t)head[0] << 8 | head[1];
	if (len > LINK_SOCKET_FRAME_MAX) {
		gone(s, "what comes on the connection is no frame");
		return false;
	}
	if (evbuffer_get_length(in) < LENGTH_BYTES + len)
		return false;
	all = evbuffer_pullup(in, (ev_ssize_t)(LENGTH_BYTES + len));
	if (all == NULL)
		return false;
	s->hooks.on_frame(s->hooks.arg, bytes_of(all + LENGTH_BYTES, len));
	evbuffer_drain(in, LENGTH_BYTES + len);
	return true;
}

static void on_stream_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct link_socket *s = arg;

	read_more(bev);
	while (!s->is_gone && take_frame(s, in))
		;
	s->hooks.on_idle(s->hooks.arg);
}

static void on_stream_event(struct bufferevent *bev, short events, void *arg)
{
	gone(arg, (events & BEV_EVENT_EOF) != 0 ? "the connection was closed"
						: "the connection was reset");
}

static bool open_tcp(struct link_socket *s, struct event_base *base, int fd)
{
	s->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (s->stream == NULL)
		return false;
	(void)bufferevent_set_max_single_read(s->stream, STREAM_PIECE);
	(void)bufferevent_set_max_single_write(s->stream, STREAM_PIECE);
	bufferevent_setcb(s->stream, on_stream_read, NULL, on_stream_event, s);
	return bufferevent_enable(s->stream, EV_READ | EV_WRITE) == 0;
}

static void send_tcp(struct link_socket *s, struct bytes frame)
{
	const uint8_t head[LENGTH_BYTES] = { (uint8_t)(frame.len >> 8), (uint8_t)frame.len };
	struct evbuffer *out = bufferevent_get_output(s->stream);

	if (s->is_gone || frame.len > LINK_SOCKET_FRAME_MAX ||
	    evbuffer_expand(out, sizeof(head) + frame.len) != 0)
		return;
	(void)evbuffer_add(out, head, sizeof(head));
	(void)evbuffer_add(out, frame.data, frame.len);
}

/* --- the relay --- */

static void on_relayed(void *arg, struct bytes data)
{
	struct link_socket *s = arg;

	s->hooks.on_frame(s->hooks.arg, data);
	s->hooks.on_idle(s->hooks.arg);
}

/* --- any of them --- */

struct link_socket *link_socket_new(struct event_base *base, struct punch_io *io,
				    const struct punch_path *path,
				    const struct link_socket_hooks *hooks)
{
	struct link_socket *s = calloc(1, sizeof(*s));
	int fd = s != NULL ? punch_io_take(io) : -1;
	bool ok = true;

	if (s == NULL)
		return NULL;
	s->hooks = *hooks;
	s->remote = path->remote;
	s->fd = -1;
	if (fd < 0) {
		s->relay = io;
		punch_io_hear_relayed(io, on_relayed, s);
	} else if (path->is_tcp) {
		ok = open_tcp(s, base, fd);
	} else {
		ok = open_udp(s, base, fd, path->remote.family);
	}
	if (ok)
		return s;
	link_socket_free(s);
	return NULL;
}

static void send_last(struct link_socket *s)
{
	if (s->stream != NULL && !s->is_gone)
		(void)evbuffer_write(bufferevent_get_output(s->stream),
				     bufferevent_getfd(s->stream));
	if (s->out_count > 0)
		(void)udp_send(s->fd, s->batch, s->out, (int)s->out_count);
}

void link_socket_free(struct link_socket *s)
{
	if (s == NULL)
		return;
	send_last(s);
	if (s->relay != NULL)
		punch_io_hear_relayed(s->relay, NULL, NULL);
	if (s->stream != NULL)
		bufferevent_free(s->stream);
	await_close(&s->readable, &s->fd);
	await_no_more(&s->flusher);
	udp_batch_free(s->batch);
	free(s->frames);
	free(s);
}

void link_socket_send(struct link_socket *s, struct bytes frame)
{
	if (s->stream != NULL)
		send_tcp(s, frame);
	else if (s->relay != NULL)
		punch_io_send_relayed(s->relay, frame);
	else
		send_udp(s, frame);
}
