#include "pipe_stream.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "natprobe/net/read_more.h"

#define OUTPUT_HIGH 262144
#define OUTPUT_LOW  65536
#define PATIENCE_S  2 /* for the word of an abort to leave */

struct pipe_stream {
	struct pipe_stream_hooks hooks;
	struct bufferevent *bev;
	struct event *later; /* tells that it is over */
	struct pipe_flow flow;
	size_t left; /* of the piece of data that is coming */
	bool is_paused;
	bool is_eof;
	bool is_unheard; /* nobody takes what we say any more; what was said to us may still come */
	bool is_leaving; /* all was said: it leaves, and nothing more is heard */
	bool is_over;
	bool is_theirs;
	char word[PIPE_WORD_MAX + 1]; /* empty: in good order */
};

static struct evbuffer *output_of(const struct pipe_stream *s)
{
	return bufferevent_get_output(s->bev);
}

/* --- the end of it --- */

static void end(struct pipe_stream *s)
{
	if (s->is_over)
		return;
	s->is_over = true;
	event_del(s->later);
	event_active(s->later, EV_TIMEOUT, 0);
}

static void set_word(struct pipe_stream *s, struct bytes word, bool is_theirs)
{
	s->is_theirs = is_theirs;
	(void)snprintf(s->word, sizeof(s->word), "%.*s", (int)word.len, (const char *)word.data);
}

/* Once what was said has left. */
static void leave(struct pipe_stream *s)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_S };

	if (!s->is_leaving) {
		s->is_leaving = true;
		bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
		if (s->flow.is_broken)
			(void)event_add(s->later, &patience);
	}
	if (s->is_over || evbuffer_get_length(output_of(s)) > 0)
		return;
	(void)shutdown(bufferevent_getfd(s->bev), SHUT_WR);
	end(s);
}

static void break_off(struct pipe_stream *s, struct bytes word)
{
	if (s->is_over || s->is_leaving)
		return;
	set_word(s, word, false);
	s->flow.is_broken = true;
	end(s);
}

static void on_later(evutil_socket_t fd, short events, void *arg)
{
	struct pipe_stream *s = arg;

	s->is_over = true;
	s->hooks.on_over(s->hooks.arg, s->word[0] != '\0' ? s->word : NULL, s->is_theirs);
}

/* --- what we say --- */

static void say_head(struct pipe_stream *s, uint8_t kind, size_t len)
{
	const struct pipe_head head = { .kind = kind, .len = (uint32_t)len };
	uint8_t bytes[PIPE_HEAD];

	pipe_head_write(&head, bytes);
	pipe_flow_said(&s->flow, kind);
	if (!s->is_unheard && evbuffer_add(output_of(s), bytes, sizeof(bytes)) != 0)
		break_off(s, BYTES(PIPE_MEMORY));
}

static void say(struct pipe_stream *s, uint8_t kind)
{
	if (s->is_over || s->is_leaving)
		return;
	say_head(s, kind, 0);
	if (pipe_flow_is_over(&s->flow))
		leave(s);
}

bool pipe_stream_has_room(const struct pipe_stream *s)
{
	return !s->is_unheard && evbuffer_get_length(output_of(s)) < OUTPUT_HIGH;
}

void pipe_stream_put(struct pipe_stream *s, struct evbuffer *from)
{
	size_t len;

	while ((len = evbuffer_get_length(from)) > 0 && !s->is_over && !s->is_leaving &&
	       !s->is_unheard) {
		if (len > PIPE_DATA_MAX)
			len = PIPE_DATA_MAX;
		say_head(s, PIPE_DATA, len);
		if (evbuffer_remove_buffer(from, output_of(s), len) != (int)len)
			break_off(s, BYTES(PIPE_MEMORY));
	}
	(void)evbuffer_drain(from, evbuffer_get_length(from));
}

void pipe_stream_end(struct pipe_stream *s)
{
	say(s, PIPE_END);
}

void pipe_stream_receive(struct pipe_stream *s)
{
	say(s, PIPE_RECEIVED);
}

void pipe_stream_abort(struct pipe_stream *s, const char *word)
{
	const struct bytes text = bytes_of_str(word);

	if (s->is_over || s->is_leaving)
		return;
	say_head(s, PIPE_ABORT, text.len);
	if (!s->is_unheard)
		(void)evbuffer_add(output_of(s), text.data, text.len);
	set_word(s, text, false);
	leave(s);
}

/* --- what we hear --- */

static void take_data(struct pipe_stream *s, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in);

	if (n > s->left)
		n = s->left;
	s->left -= n;
	s->hooks.on_data(s->hooks.arg, in, n);
}

static void hear_abort(struct pipe_stream *s, struct evbuffer *in, size_t len)
{
	uint8_t word[PIPE_WORD_MAX];

	(void)evbuffer_remove(in, word, len);
	if (pipe_is_word(bytes_of(word, len)))
		set_word(s, bytes_of(word, len), true);
	else
		set_word(s, BYTES(PIPE_PROTOCOL), false);
	end(s);
}

/* False: it is not whole yet. */
static bool take_piece(struct pipe_stream *s, struct evbuffer *in)
{
	uint8_t bytes[PIPE_HEAD];
	struct pipe_head head;

	if (evbuffer_copyout(in, bytes, sizeof(bytes)) != PIPE_HEAD)
		return false;
	if (!pipe_head_read(bytes, &head)) {
		pipe_stream_abort(s, PIPE_PROTOCOL);
		return true;
	}
	if (head.kind == PIPE_ABORT && evbuffer_get_length(in) < PIPE_HEAD + head.len)
		return false;
	(void)evbuffer_drain(in, PIPE_HEAD);
	if (!pipe_flow_heard(&s->flow, head.kind))
		pipe_stream_abort(s, PIPE_PROTOCOL);
	else if (head.kind == PIPE_DATA)
		s->left = head.len;
	else if (head.kind == PIPE_ABORT)
		hear_abort(s, in, head.len);
	else if (head.kind == PIPE_END)
		s->hooks.on_end(s->hooks.arg);
	if (!s->is_over && pipe_flow_is_over(&s->flow))
		leave(s);
	return true;
}

static void pump(struct pipe_stream *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	bool is_more = true;

	while (is_more && !s->is_paused && !s->is_over && !s->is_leaving) {
		if (s->left > 0 && evbuffer_get_length(in) > 0)
			take_data(s, in);
		else
			is_more = s->left == 0 && take_piece(s, in);
	}
	if (s->is_leaving || s->is_over)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	else if (s->is_eof && !s->is_paused)
		break_off(s, BYTES(PIPE_LOST));
}

static void on_read(struct bufferevent *bev, void *arg)
{
	read_more(bev);
	pump(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct pipe_stream *s = arg;

	if (s->is_leaving)
		leave(s);
	else if (!s->is_over)
		s->hooks.on_room(s->hooks.arg);
}

static void stop_saying(struct pipe_stream *s)
{
	s->is_unheard = true;
	(void)evbuffer_drain(output_of(s), evbuffer_get_length(output_of(s)));
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct pipe_stream *s = arg;

	if ((events & BEV_EVENT_WRITING) != 0)
		stop_saying(s); /* the word that says why may wait to be read */
	else
		s->is_eof = true;
	if (s->is_leaving && (events & (BEV_EVENT_ERROR | BEV_EVENT_WRITING)) != 0)
		end(s);
	else
		pump(s);
}

void pipe_stream_pause(struct pipe_stream *s, bool is_paused)
{
	if (s->is_paused == is_paused)
		return;
	s->is_paused = is_paused;
	if (is_paused) {
		(void)bufferevent_disable(s->bev, EV_READ);
		return;
	}
	if (!s->is_eof)
		(void)bufferevent_enable(s->bev, EV_READ);
	/* What waits in the buffer wakes nobody. */
	bufferevent_trigger(s->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

struct pipe_stream *pipe_stream_new(struct bufferevent *bev, bool has_receipts,
				    const struct pipe_stream_hooks *hooks)
{
	struct pipe_stream *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->later = evtimer_new(bufferevent_get_base(bev), on_later, s);
	if (s == NULL || s->later == NULL) {
		free(s);
		bufferevent_free(bev);
		return NULL;
	}
	s->hooks = *hooks;
	s->bev = bev;
	s->flow.has_receipts = has_receipts;
	bufferevent_setcb(bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(bev, EV_WRITE, OUTPUT_LOW, 0);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
	return s;
}

void pipe_stream_free(struct pipe_stream *s)
{
	if (s == NULL)
		return;
	event_free(s->later);
	bufferevent_free(s->bev);
	free(s);
}
