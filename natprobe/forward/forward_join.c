#include "forward_join.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forward_wire.h"
#include "natprobe/net/read_more.h"
#include "natprobe/pipe/pipe_stream.h"

#define SOCK_HIGH 262144 /* what our end does not take: the other side waits above that */
#define SOCK_LOW  65536

struct forward_join {
	struct pipe_stream *stream;
	struct bufferevent *sock;
	forward_join_fn on_over;
	void *arg;
	bool is_sock_over; /* it has ended its direction */
	bool they_ended;
	bool is_shut;
	bool is_stream_over, is_over;
	uint64_t out, in;
};

static const struct linger at_once = { .l_onoff = 1 };

void forward_reset(int sock)
{
	(void)setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(sock);
}

static void end(struct forward_join *j, const char *word)
{
	if (j->is_over)
		return;
	j->is_over = true;
	if (word != NULL)
		(void)setsockopt(bufferevent_getfd(j->sock), SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
	bufferevent_free(j->sock);
	j->sock = NULL;
	j->on_over(j->arg, word);
}

/* --- from our socket to the other side --- */

static void pump(struct forward_join *j)
{
	struct evbuffer *in = bufferevent_get_input(j->sock);

	if (j->is_stream_over)
		return;
	j->out += evbuffer_get_length(in);
	pipe_stream_put(j->stream, in);
	if (!pipe_stream_has_room(j->stream))
		(void)bufferevent_disable(j->sock, EV_READ);
}

static void on_sock_read(struct bufferevent *sock, void *arg)
{
	read_more(sock);
	pump(arg);
}

static void on_room(void *arg)
{
	struct forward_join *j = arg;

	if (j->sock != NULL && !j->is_sock_over && pipe_stream_has_room(j->stream))
		(void)bufferevent_enable(j->sock, EV_READ);
}

static void on_sock_event(struct bufferevent *sock, short events, void *arg)
{
	struct forward_join *j = arg;

	if ((events & BEV_EVENT_EOF) != 0 && (events & BEV_EVENT_READING) != 0 &&
	    !j->is_sock_over) {
		j->is_sock_over = true;
		pump(j);
		pipe_stream_end(j->stream);
		return;
	}
	if ((events & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) == 0)
		return;
	if (j->is_stream_over)
		end(j, FORWARD_RESET);
	else
		pipe_stream_abort(j->stream, FORWARD_RESET);
}

/* --- from the other side to our socket --- */

static void settle(struct forward_join *j)
{
	if (evbuffer_get_length(bufferevent_get_output(j->sock)) > 0 || !j->they_ended)
		return;
	if (!j->is_shut)
		(void)shutdown(bufferevent_getfd(j->sock), SHUT_WR);
	j->is_shut = true;
	if (j->is_stream_over)
		end(j, NULL);
}

static void on_sock_written(struct bufferevent *sock, void *arg)
{
	struct forward_join *j = arg;

	pipe_stream_pause(j->stream, false);
	settle(j);
}

static void on_data(void *arg, struct evbuffer *in, size_t n)
{
	struct forward_join *j = arg;
	struct evbuffer *out = bufferevent_get_output(j->sock);

	j->in += n;
	if (evbuffer_remove_buffer(in, out, n) != (int)n)
		pipe_stream_abort(j->stream, FORWARD_BUSY);
	if (evbuffer_get_length(out) >= SOCK_HIGH)
		pipe_stream_pause(j->stream, true);
}

static void on_end(void *arg)
{
	struct forward_join *j = arg;

	j->they_ended = true;
	bufferevent_setwatermark(j->sock, EV_WRITE, 0, 0);
	settle(j);
}

static void on_stream_over(void *arg, const char *word, bool is_theirs)
{
	struct forward_join *j = arg;

	j->is_stream_over = true;
	if (word != NULL)
		end(j, word);
	else
		settle(j);
}

/* --- both --- */

struct forward_join *forward_join_new(struct bufferevent *stream, int sock, forward_join_fn on_over,
				      void *arg)
{
	const int on = 1;
	struct forward_join *j = calloc(1, sizeof(*j));
	const struct pipe_stream_hooks hooks = { .on_data = on_data,
						 .on_end = on_end,
						 .on_room = on_room,
						 .on_over = on_stream_over,
						 .arg = j };

	(void)setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* One whose host is gone would have its place for ever. */
	(void)setsockopt(sock, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (j != NULL)
		j->sock = bufferevent_socket_new(bufferevent_get_base(stream), sock,
						 BEV_OPT_CLOSE_ON_FREE);
	if (j == NULL || j->sock == NULL) {
		free(j);
		forward_reset(sock);
		bufferevent_free(stream);
		return NULL;
	}
	j->on_over = on_over;
	j->arg = arg;
	j->stream = pipe_stream_new(stream, false, &hooks);
	if (j->stream == NULL) {
		forward_join_free(j);
		return NULL;
	}
	bufferevent_setcb(j->sock, on_sock_read, on_sock_written, on_sock_event, j);
	bufferevent_setwatermark(j->sock, EV_WRITE, SOCK_LOW, 0);
	(void)bufferevent_enable(j->sock, EV_READ | EV_WRITE);
	return j;
}

void forward_join_free(struct forward_join *j)
{
	if (j == NULL)
		return;
	pipe_stream_free(j->stream);
	if (j->sock != NULL) {
		(void)setsockopt(bufferevent_getfd(j->sock), SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
		bufferevent_free(j->sock);
	}
	free(j);
}

void forward_join_count(const struct forward_join *j, uint64_t *out, uint64_t *in)
{
	*out = j->out;
	*in = j->in;
}
