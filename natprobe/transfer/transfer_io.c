#include "transfer_io.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "natprobe/net/read_more.h"

#define INPUT_MAX       (4 * TRANSFER_FRAME_MAX)
#define OUTPUT_MAX      (4 * TRANSFER_FRAME_MAX) /* no step is done while there is more */
#define OUTPUT_LOW      (2 * TRANSFER_FRAME_MAX)
#define SYSTEM_CALL_MAX (2 * TRANSFER_FRAME_MAX)
#define WORK_PER_WAKEUP 8
#define LAST_WORD_MS    10000 /* waits so long for the other side's, when all is in place */
#define PARTING_MS      3000  /* and for its end, once all was said */

struct transfer_io {
	struct transfer_io_config config;
	struct event *again, *patience;
	bool is_ended;   /* the other side's direction */
	bool is_parting; /* it is over: what we said leaves, what comes is ignored */
	bool is_waiting; /* for the last word */
	bool is_unheard; /* nothing can be said any more; what was said to us may still come */
};

static bool is_over(const struct transfer_io *io)
{
	return io->config.send != NULL ? transfer_send_core(io->config.send)->is_over
				       : transfer_receive_core(io->config.receive)->is_over;
}

static enum transfer_work step(struct transfer_io *io)
{
	return io->config.send != NULL ? transfer_send_step(io->config.send)
				       : transfer_receive_step(io->config.receive);
}

static bool is_ready(const struct transfer_io *io)
{
	return io->config.send != NULL ? !is_over(io)
				       : transfer_receive_is_ready(io->config.receive);
}

static void feed(struct transfer_io *io, const struct transfer_msg *m)
{
	if (io->config.send != NULL)
		transfer_send_input(io->config.send, m);
	else
		transfer_receive_input(io->config.receive, m);
}

static void tell_malformed(struct transfer_io *io)
{
	if (io->config.send != NULL)
		transfer_send_malformed(io->config.send);
	else
		transfer_receive_malformed(io->config.receive);
}

static void tell_lost(struct transfer_io *io)
{
	if (io->config.send != NULL)
		transfer_send_lost(io->config.send);
	else
		transfer_receive_lost(io->config.receive);
}

static void set_patience(struct transfer_io *io, int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(io->patience, &tv);
}

/* One message, if all of it is there. */
static bool take_message(struct transfer_io *io)
{
	struct evbuffer *in = bufferevent_get_input(io->config.stream);
	struct transfer_msg m;
	uint8_t head[TRANSFER_HEAD];
	ev_ssize_t n;
	size_t need;

	if (!is_ready(io))
		return false;
	n = evbuffer_copyout(in, head, sizeof(head));
	need = transfer_wire_need(bytes_of(head, n > 0 ? (size_t)n : 0));
	if (need > 0 && ((size_t)n < sizeof(head) || evbuffer_get_length(in) < need))
		return false;
	if (need == 0 ||
	    !transfer_wire_read(bytes_of(evbuffer_pullup(in, (ev_ssize_t)need), need), &m)) {
		tell_malformed(io);
		return true;
	}
	feed(io, &m);
	evbuffer_drain(in, need);
	return true;
}

static bool has_room(const struct transfer_io *io)
{
	return evbuffer_get_length(bufferevent_get_output(io->config.stream)) < OUTPUT_MAX;
}

static void end(struct transfer_io *io)
{
	void (*on_over)(void *arg) = io->config.on_over;

	io->config.on_over = NULL;
	event_del(io->again);
	event_del(io->patience);
	if (on_over != NULL)
		on_over(io->config.arg);
}

/* Once all was said: no more of us, but the other side ends it, so that nothing said is lost. */
static void part(struct transfer_io *io)
{
	struct evbuffer *out = bufferevent_get_output(io->config.stream);

	if (!io->is_parting) {
		io->is_parting = true;
		set_patience(io, PARTING_MS);
		bufferevent_setwatermark(io->config.stream, EV_WRITE, 0, 0);
	}
	if (evbuffer_get_length(out) > 0 && !io->is_ended)
		return;
	(void)shutdown(bufferevent_getfd(io->config.stream), SHUT_WR);
	if (io->is_ended)
		end(io);
}

/* A bounded number of pieces: then the loop has its turn. */
static void work(struct transfer_io *io)
{
	static const struct timeval at_once = { 0 };
	bool is_busy = true;

	for (int i = 0; i < WORK_PER_WAKEUP && is_busy && !is_over(io); i++) {
		is_busy = has_room(io) && step(io) == TRANSFER_MORE;
		is_busy = take_message(io) || is_busy;
	}
	if (!is_over(io) && !is_busy && io->is_ended)
		tell_lost(io);
	if (is_over(io)) {
		part(io);
		return;
	}
	if (is_busy)
		event_add(io->again, &at_once);
	if (!io->is_waiting && io->config.receive != NULL &&
	    transfer_receive_is_placed(io->config.receive)) {
		io->is_waiting = true;
		set_patience(io, LAST_WORD_MS);
	}
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	work(arg);
}

static void on_patience(evutil_socket_t fd, short events, void *arg)
{
	struct transfer_io *io = arg;

	if (io->is_parting) {
		end(io);
		return;
	}
	tell_lost(io);
	part(io);
}

static void on_input(struct bufferevent *stream, void *arg)
{
	struct transfer_io *io = arg;

	if (io->is_parting) {
		struct evbuffer *in = bufferevent_get_input(stream);

		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	read_more(stream);
	work(io);
}

static void on_output(struct bufferevent *stream, void *arg)
{
	struct transfer_io *io = arg;

	if (io->is_parting)
		part(io);
	else
		work(io);
}

static void stop_saying(struct transfer_io *io)
{
	struct evbuffer *out = bufferevent_get_output(io->config.stream);

	io->is_unheard = true;
	evbuffer_drain(out, evbuffer_get_length(out));
}

static void on_stream(struct bufferevent *stream, short what, void *arg)
{
	struct transfer_io *io = arg;

	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	if ((what & BEV_EVENT_WRITING) != 0)
		stop_saying(io);
	else
		io->is_ended = true;
	if (io->is_parting)
		part(io);
	else
		work(io);
}

struct transfer_io *transfer_io_new(const struct transfer_io_config *config)
{
	struct transfer_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		bufferevent_free(config->stream);
		return NULL;
	}
	io->config = *config;
	io->again = event_new(config->base, -1, 0, on_again, io);
	io->patience = event_new(config->base, -1, 0, on_patience, io);
	if (io->again == NULL || io->patience == NULL) {
		transfer_io_free(io);
		return NULL;
	}
	bufferevent_setcb(config->stream, on_input, on_output, on_stream, io);
	bufferevent_setwatermark(config->stream, EV_READ, 0, INPUT_MAX);
	bufferevent_setwatermark(config->stream, EV_WRITE, OUTPUT_LOW, 0);
	(void)bufferevent_set_max_single_read(config->stream, SYSTEM_CALL_MAX);
	(void)bufferevent_set_max_single_write(config->stream, SYSTEM_CALL_MAX);
	bufferevent_enable(config->stream, EV_READ | EV_WRITE);
	transfer_io_wake(io);
	return io;
}

void transfer_io_free(struct transfer_io *io)
{
	if (io == NULL)
		return;
	if (io->again != NULL)
		event_free(io->again);
	if (io->patience != NULL)
		event_free(io->patience);
	bufferevent_free(io->config.stream);
	free(io);
}

void transfer_io_put(struct transfer_io *io, struct bytes frame)
{
	if (!io->is_unheard)
		(void)bufferevent_write(io->config.stream, frame.data, frame.len);
}

void transfer_io_wake(struct transfer_io *io)
{
	static const struct timeval at_once = { 0 };

	event_add(io->again, &at_once);
}
