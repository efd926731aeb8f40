/* What a client sends, cut into frames; what it gets, and what it waits for. */
#include "stream_parts.h"

#include "stun_stream.h"

static size_t input_len(const struct stream_conn *c)
{
	return evbuffer_get_length(bufferevent_get_input(c->bev));
}

static size_t output_len(const struct stream_conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

/*
 * Looks for a frame where the bytes lie, and moves them together only where one is cut:
 * many small frames in one read are not copied again and again.
 */
static enum stun_result next_frame(struct stream_conn *c, struct bytes *frame, size_t *used)
{
	enum stun_result (*cut)(struct bytes, size_t, struct bytes *, size_t *) =
		c->set->events.cut != NULL ? c->set->events.cut : stun_stream_next;
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t max = c->max_frame;
	size_t len = input_len(c) < max ? input_len(c) : max;
	size_t near = evbuffer_get_contiguous_space(in);
	const uint8_t *data;
	enum stun_result found;

	if (len == 0)
		return STUN_SHORT;
	near = near < len ? near : len;
	data = evbuffer_pullup(in, (ev_ssize_t)near);
	found = cut(bytes_of(data, near), max, frame, used);
	if (found != STUN_SHORT || near == len)
		return found;
	data = evbuffer_pullup(in, (ev_ssize_t)len);
	if (data == NULL)
		return STUN_NO_SPACE;
	return cut(bytes_of(data, len), max, frame, used);
}

/* Hands on whole frames. Returns how many, or -1 when the bytes are none of ours. */
static int take_frames(struct stream_conn *c)
{
	struct stream_set *set = c->set;
	int frames = 0;

	while (!c->ending && !c->held && !c->raw && output_len(c) < set->limits.max_output) {
		struct bytes frame;
		enum stun_result found = next_frame(c, &frame, &c->frame_used);

		if (found == STUN_SHORT)
			break;
		if (found != STUN_OK)
			return -1;
		frames++;
		counter_add(&set->stats.frames, 1);
		set->events.on_frame(c, frame, set->arg);
		evbuffer_drain(bufferevent_get_input(c->bev), c->frame_used);
		c->frame_used = 0;
	}
	return frames;
}

/* Where it waits between two frames. */
static struct stream_queue *rest_queue(const struct stream_conn *c)
{
	return c->kept ? &c->set->kept : &c->set->idle;
}

/* The client has too much to read: stop listening to it until it has. */
static void hold(struct stream_conn *c)
{
	c->full = true;
	bufferevent_disable(c->bev, EV_READ);
	stream_queue_put(&c->set->busy, c);
}

void stream_take(struct stream_conn *c)
{
	int frames = take_frames(c);

	if (frames < 0) {
		stream_conn_end(c, STREAM_END_FOREIGN);
		return;
	}
	if (c->raw)
		return;
	if (c->held && !c->ending) {
		struct stream_queue *queue = c->kept ? &c->set->kept : &c->set->busy;

		if (c->queue != queue)
			stream_queue_put(queue, c);
		return;
	}
	if (c->ending || c->eof) {
		bufferevent_disable(c->bev, EV_READ);
		if (output_len(c) == 0)
			stream_conn_end(c, c->ending ? STREAM_END_SELF : STREAM_END_CLIENT);
		else if (c->queue != &c->set->busy)
			stream_queue_put(&c->set->busy, c);
		return;
	}
	if (output_len(c) >= c->set->limits.max_output)
		hold(c);
	else if (input_len(c) == 0 && (frames > 0 || c->queue == &c->set->busy))
		stream_queue_put(rest_queue(c), c); /* the latter: it was paused until now */
	else if (input_len(c) > 0 && (frames > 0 || c->queue == rest_queue(c)))
		stream_queue_put(&c->set->busy, c);
}

void stream_written(struct stream_conn *c)
{
	if (!c->full && !c->ending && !c->eof)
		return;
	if (c->full) {
		c->full = false;
		if (!c->eof)
			bufferevent_enable(c->bev, EV_READ);
		/* A rest of a frame has its time from here. */
		stream_queue_put(input_len(c) > 0 ? &c->set->busy : rest_queue(c), c);
	}
	stream_take(c);
}

void stream_pause(struct stream_conn *c)
{
	c->held = true;
}

void stream_resume(struct stream_conn *c)
{
	c->held = false;
	if (c->bev != NULL && !c->raw)
		bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

bool stream_send(struct stream_conn *c, struct bytes msg)
{
	if (c->ending || c->raw || c->bev == NULL || output_len(c) >= c->set->limits.max_output)
		return false;
	return bufferevent_write(c->bev, msg.data, msg.len) == 0;
}
