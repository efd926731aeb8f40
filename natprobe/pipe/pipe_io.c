#include "pipe_io.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fd_out.h"
#include "fd_wait.h"
#include "pipe_stream.h"

#define READ_MAX  65536
#define WRITE_MAX 262144 /* in one go */
#define OUT_HIGH  262144 /* what our reader has not taken: the other side waits above that */

struct pipe_io {
	struct pipe_io_config config;
	struct pipe_stream *stream;
	struct fd_wait in_wait, out_wait;
	struct fd_out out;
	struct evbuffer *in_buf, *out_buf;
	bool is_in_over, they_ended, is_out_over, is_over;
	int error;
	uint64_t sent, received;
};

static void fail(struct pipe_io *io, const char *word, int error)
{
	if (io->error == 0)
		io->error = error;
	io->is_in_over = io->is_out_over = true;
	fd_wait_close(&io->in_wait);
	fd_wait_close(&io->out_wait);
	pipe_stream_abort(io->stream, word);
}

/* --- from our descriptor to the other side --- */

static void end_input(struct pipe_io *io)
{
	if (io->is_in_over)
		return;
	io->is_in_over = true;
	fd_wait_close(&io->in_wait);
	pipe_stream_end(io->stream);
}

static void read_on(struct pipe_io *io)
{
	if (!io->is_in_over && pipe_stream_has_room(io->stream))
		fd_wait_once(&io->in_wait);
}

static void on_readable(void *arg)
{
	struct pipe_io *io = arg;
	struct evbuffer_iovec room;
	ssize_t n;

	if (evbuffer_reserve_space(io->in_buf, READ_MAX, &room, 1) != 1) {
		fail(io, PIPE_MEMORY, ENOMEM);
		return;
	}
	n = read(io->config.in_fd, room.iov_base, READ_MAX);
	if (n > 0) {
		room.iov_len = (size_t)n;
		(void)evbuffer_commit_space(io->in_buf, &room, 1);
		io->sent += (uint64_t)n;
		pipe_stream_put(io->stream, io->in_buf);
	} else if (n == 0) {
		end_input(io);
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(io, PIPE_INPUT, errno);
	}
	read_on(io);
}

static void on_room(void *arg)
{
	read_on(arg);
}

/* --- from the other side to our descriptor --- */

static void settle(struct pipe_io *io)
{
	if (evbuffer_get_length(io->out_buf) > 0 || !io->they_ended || io->is_out_over)
		return;
	io->is_out_over = true;
	fd_wait_close(&io->out_wait);
	fd_out_end(&io->out);
	pipe_stream_receive(io->stream);
	if (io->config.ends_with_theirs)
		end_input(io);
}

static void write_out(struct pipe_io *io)
{
	int n;

	if (evbuffer_get_length(io->out_buf) > 0 && !io->is_out_over) {
		n = evbuffer_write_atmost(io->out_buf, io->out.fd, WRITE_MAX);
		if (n > 0)
			io->received += (uint64_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			fail(io, errno == EPIPE ? PIPE_CLOSED : PIPE_OUTPUT, errno);
	}
	if (io->is_out_over)
		return;
	if (evbuffer_get_length(io->out_buf) > 0)
		fd_wait_once(&io->out_wait);
	settle(io);
}

static void on_writable(void *arg)
{
	struct pipe_io *io = arg;

	write_out(io);
	pipe_stream_pause(io->stream, evbuffer_get_length(io->out_buf) >= OUT_HIGH);
}

static void on_data(void *arg, struct evbuffer *in, size_t n)
{
	struct pipe_io *io = arg;

	if (io->is_out_over) {
		(void)evbuffer_drain(in, n);
		return;
	}
	if (evbuffer_remove_buffer(in, io->out_buf, n) != (int)n) {
		fail(io, PIPE_MEMORY, ENOMEM);
		return;
	}
	write_out(io);
	if (!io->is_out_over && evbuffer_get_length(io->out_buf) >= OUT_HIGH)
		pipe_stream_pause(io->stream, true);
}

static void on_end(void *arg)
{
	struct pipe_io *io = arg;

	io->they_ended = true;
	settle(io);
}

/* --- all of it --- */

static void on_over(void *arg, const char *word, bool is_theirs)
{
	struct pipe_io *io = arg;

	io->is_over = true;
	fd_wait_close(&io->in_wait);
	fd_wait_close(&io->out_wait);
	fd_out_close(&io->out);
	io->config.on_over(io->config.arg, word, is_theirs, is_theirs ? 0 : io->error);
}

struct pipe_io *pipe_io_new(const struct pipe_io_config *config)
{
	struct pipe_stream_hooks hooks = {
		.on_data = on_data, .on_end = on_end, .on_room = on_room, .on_over = on_over
	};
	struct pipe_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		bufferevent_free(config->stream);
		return NULL;
	}
	hooks.arg = io;
	io->config = *config;
	fd_out_open(&io->out, config->out_fd);
	io->stream = pipe_stream_new(config->stream, true, &hooks);
	io->in_buf = evbuffer_new();
	io->out_buf = evbuffer_new();
	if (io->stream == NULL || io->in_buf == NULL || io->out_buf == NULL ||
	    !fd_wait_open(&io->in_wait, config->base, config->in_fd, EV_READ, on_readable, io) ||
	    !fd_wait_open(&io->out_wait, config->base, io->out.fd, EV_WRITE, on_writable, io)) {
		pipe_io_free(io);
		return NULL;
	}
	read_on(io);
	return io;
}

void pipe_io_free(struct pipe_io *io)
{
	if (io == NULL)
		return;
	fd_wait_close(&io->in_wait);
	fd_wait_close(&io->out_wait);
	fd_out_close(&io->out);
	pipe_stream_free(io->stream);
	if (io->in_buf != NULL)
		evbuffer_free(io->in_buf);
	if (io->out_buf != NULL)
		evbuffer_free(io->out_buf);
	free(io);
}

void pipe_io_abort(struct pipe_io *io, const char *word)
{
	if (!io->is_over)
		fail(io, word, 0);
}

void pipe_io_count(const struct pipe_io *io, uint64_t *sent, uint64_t *received)
{
	*sent = io->sent;
	*received = io->received;
}
