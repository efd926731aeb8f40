#include "junction.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "natprobe/net/read_more.h"
#include "unix_peer.h"

#define DATAGRAM_HEAD 2
#define SAME_MAX      65536 /* bytes of a buffer that are looked at as one piece */

struct junction {
	struct junction_hooks hooks;
	struct channel *channel; /* NULL: not yet, or gone */
	struct bufferevent *bev; /* NULL: not yet, or gone */
	struct evbuffer *early;  /* what came before the program did */
	size_t unconsumed;       /* bytes from the channel that the program has not read */
	bool datagrams;
	bool has_had_channel;
	bool is_input_over; /* the program has ended its direction */
	bool has_ended;     /* ... and the channel knows */
	bool is_deaf;       /* the program reads no more */
	bool has_spoken;    /* it has written something */
	bool they_ended, is_shut;
	bool is_over;
};

struct junction *junction_new(bool datagrams, const struct junction_hooks *hooks)
{
	struct junction *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->hooks = *hooks;
	s->datagrams = datagrams;
	s->early = evbuffer_new();
	if (s->early != NULL)
		return s;
	free(s);
	return NULL;
}

void junction_free(struct junction *s)
{
	if (s == NULL)
		return;
	if (s->channel != NULL)
		channel_close(s->channel, "the program left");
	if (s->bev != NULL)
		bufferevent_free(s->bev);
	evbuffer_free(s->early);
	free(s);
}

static void end(struct junction *s, const char *why)
{
	if (s->is_over)
		return;
	s->is_over = true;
	s->hooks.on_over(s->hooks.arg, why);
}

static void break_off(struct junction *s, const char *why)
{
	struct channel *c = s->channel;

	s->channel = NULL;
	if (c != NULL)
		channel_close(c, why);
	end(s, why);
}

/* --- from the program to the channel --- */

static void end_direction(struct junction *s)
{
	if (s->has_ended || s->channel == NULL)
		return;
	s->has_ended = true;
	if (s->datagrams)
		break_off(s, "the program left");
	else
		channel_end(s->channel);
}

/* False: the channel takes no more for now. */
static bool take_piece(struct junction *s, struct evbuffer *in)
{
	size_t len = evbuffer_get_contiguous_space(in), taken;
	const uint8_t *data;

	if (len > SAME_MAX)
		len = SAME_MAX;
	data = evbuffer_pullup(in, (ev_ssize_t)len);
	taken = channel_write(s->channel, bytes_of(data, len));
	evbuffer_drain(in, taken);
	return taken == len;
}

/* False: it is not whole. */
static bool take_datagram(struct junction *s, struct evbuffer *in)
{
	uint8_t head[DATAGRAM_HEAD];
	size_t len;
	const uint8_t *data;

	if (evbuffer_copyout(in, head, sizeof(head)) != DATAGRAM_HEAD)
		return false;
	len = (size_t)head[0] << 8 | head[1];
	if (evbuffer_get_length(in) < DATAGRAM_HEAD + len)
		return false;
	data = evbuffer_pullup(in, (ev_ssize_t)(DATAGRAM_HEAD + len));
	if (data != NULL)
		(void)channel_send(s->channel, bytes_of(data + DATAGRAM_HEAD, len), false);
	evbuffer_drain(in, DATAGRAM_HEAD + len);
	return true;
}

/* A high-water mark would call us all the time while it is reached. */
static void read_on(struct junction *s, bool is_on)
{
	if (s->bev == NULL)
		return;
	if (is_on)
		(void)bufferevent_enable(s->bev, EV_READ);
	else
		(void)bufferevent_disable(s->bev, EV_READ);
}

static void pump(struct junction *s)
{
	struct evbuffer *in;
	size_t had;
	bool is_full = false;

	if (s->channel == NULL || s->bev == NULL || s->has_ended)
		return;
	in = bufferevent_get_input(s->bev);
	had = evbuffer_get_length(in);
	while (s->channel != NULL && !is_full && evbuffer_get_length(in) > 0)
		is_full = !(s->datagrams ? take_datagram(s, in) : take_piece(s, in));
	s->has_spoken = s->has_spoken || had > 0;
	if (!s->datagrams && !s->is_input_over)
		read_on(s, !is_full);
	if (s->is_input_over && (s->datagrams || evbuffer_get_length(in) == 0))
		end_direction(s);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	read_more(bev);
	pump(arg);
}

/* --- from the channel to the program --- */

static size_t waiting(const struct junction *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

static void consume(struct junction *s)
{
	const size_t n = s->unconsumed;

	if (s->datagrams || n == 0 || s->channel == NULL)
		return;
	if (!s->is_deaf && waiting(s) > SPLICE_OUTPUT_HIGH)
		return;
	s->unconsumed = 0;
	channel_consumed(s->channel, n);
}

/* All that came has left for the program: what ended is told to it. */
static void settle(struct junction *s)
{
	const evutil_socket_t fd = bufferevent_getfd(s->bev);

	if (!s->is_deaf && waiting(s) > 0)
		return;
	if (s->they_ended && !s->is_shut && fd >= 0) {
		s->is_shut = true;
		(void)shutdown(fd, SHUT_WR);
	}
	if (s->channel == NULL && s->has_had_channel)
		end(s, NULL);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct junction *s = arg;

	consume(s);
	settle(s);
}

/* The program has left without a word, and nobody is to be answered: what would wait for whom? */
static bool is_pointless(const struct junction *s)
{
	return s->is_deaf && !s->has_spoken && !s->they_ended &&
	       evbuffer_get_length(bufferevent_get_input(s->bev)) == 0;
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct junction *s = arg;

	/* Who has closed both directions may have written all that it wanted to. */
	s->is_input_over = true;
	if ((events & BEV_EVENT_ERROR) != 0 || unix_peer_is_gone(bufferevent_getfd(bev))) {
		s->is_deaf = true;
		consume(s);
	}
	if (is_pointless(s)) {
		break_off(s, "the program left");
		return;
	}
	pump(s);
	if (!s->is_over && s->bev != NULL)
		settle(s);
}

static void put_datagram(struct evbuffer *out, struct bytes data)
{
	const uint8_t head[DATAGRAM_HEAD] = { (uint8_t)(data.len >> 8), (uint8_t)data.len };

	if (data.len > UINT16_MAX || evbuffer_get_length(out) > SPLICE_OUTPUT_HIGH ||
	    evbuffer_expand(out, sizeof(head) + data.len) != 0)
		return;
	(void)evbuffer_add(out, head, sizeof(head));
	(void)evbuffer_add(out, data.data, data.len);
}

static void put(struct junction *s, struct bytes data)
{
	struct evbuffer *out = s->bev != NULL ? bufferevent_get_output(s->bev) : s->early;

	if (s->datagrams) {
		put_datagram(out, data);
		return;
	}
	s->unconsumed += data.len;
	if (evbuffer_add(out, data.data, data.len) != 0)
		break_off(s, "out of memory");
	else if (s->bev != NULL)
		consume(s);
}

static void on_channel_data(void *arg, struct bytes data, bool is_text)
{
	struct junction *s = arg;

	if (!s->is_deaf)
		put(s, data);
	else if (s->has_ended && channel_is_flushed(s->channel))
		break_off(s, "the program left");
	else if (!s->datagrams)
		channel_consumed(s->channel, data.len);
}

static void on_channel_open(void *arg)
{
	struct junction *s = arg;

	if (s->hooks.on_open != NULL)
		s->hooks.on_open(s->hooks.arg);
}

static void on_channel_writable(void *arg)
{
	pump(arg);
}

static void on_channel_end(void *arg)
{
	struct junction *s = arg;

	s->they_ended = true;
	if (s->bev != NULL)
		settle(s);
}

static void on_channel_closed(void *arg, const char *why)
{
	struct junction *s = arg;

	s->channel = NULL;
	if (s->bev != NULL && (why == NULL || s->they_ended))
		settle(s);
	else if (!s->they_ended || evbuffer_get_length(s->early) == 0)
		end(s, why);
	/* Else a program may still come for what is here. */
}

void junction_lose(struct junction *s)
{
	struct channel *c = s->channel;

	if (c == NULL)
		return;
	channel_close(c, "another took the place of the other side");
	on_channel_closed(s, "the other side is gone");
}

size_t junction_left_over(const struct junction *s)
{
	return s->channel == NULL && s->bev == NULL ? evbuffer_get_length(s->early) : 0;
}

struct channel_events junction_events(struct junction *s)
{
	return (struct channel_events){ .on_open = on_channel_open,
					.on_data = on_channel_data,
					.on_writable = on_channel_writable,
					.on_end = on_channel_end,
					.on_closed = on_channel_closed,
					.arg = s };
}

void junction_set_channel(struct junction *s, struct channel *c)
{
	s->channel = c;
	s->has_had_channel = true;
	pump(s);
}

void junction_set_program(struct junction *s, struct bufferevent *bev)
{
	s->bev = bev;
	(void)bufferevent_set_max_single_read(bev, SAME_MAX);
	(void)bufferevent_set_max_single_write(bev, SAME_MAX);
	bufferevent_setcb(bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(bev, EV_WRITE, SPLICE_OUTPUT_HIGH / 4, 0);
	(void)bufferevent_write_buffer(bev, s->early);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	consume(s);
	pump(s);
	if (!s->is_over)
		settle(s);
}

bool junction_is_ending(const struct junction *s)
{
	/* It may stand behind bytes that nobody read yet. */
	return s->is_input_over ||
	       (s->bev != NULL && unix_peer_has_ended(bufferevent_getfd(s->bev)));
}

bool junction_is_flushed(const struct junction *s)
{
	return s->channel == NULL || (s->has_ended && channel_is_flushed(s->channel));
}
