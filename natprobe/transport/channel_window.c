/*
 * What the other side may have on its way to us: each stream has CHANNEL_WINDOW_FIRST for sure, and
 * shares the rest of window_max with the others. It has more of that only as it is read, and
 * never more than it leaves to others: so a flood of streams that nobody reads takes little from those
 * that somebody does, and all together never need more memory than that.
 */
#include "transport_state.h"

static size_t extra_of(const struct channel *c)
{
	size_t have = c->granted + c->held;

	return have > CHANNEL_WINDOW_FIRST ? have - CHANNEL_WINDOW_FIRST : 0;
}

static void account(struct channel *c, size_t granted, size_t held)
{
	c->t->extra -= extra_of(c);
	c->granted = granted;
	c->held = held;
	c->t->extra += extra_of(c);
}

/* What is shared: not what streams that are still to be opened begin with. */
static size_t pool_of(const struct transport *t)
{
	size_t half = t->config.window_max / 2;
	size_t kept = (size_t)2 * CHANNEL_MAX * CHANNEL_WINDOW_FIRST;
	size_t used = t->streams * CHANNEL_WINDOW_FIRST;

	kept = kept < half ? kept : half;
	return t->config.window_max - (used > kept ? used : kept);
}

bool channel_window_open(struct channel *c)
{
	struct transport *t = c->t;

	if (c->kind != CHANNEL_OF_BYTES)
		return true;
	if ((t->streams + 1) * CHANNEL_WINDOW_FIRST + t->extra > t->config.window_max)
		return false;
	t->streams++;
	c->granted = CHANNEL_WINDOW_FIRST;
	c->may_send = CHANNEL_WINDOW_FIRST;
	return true;
}

void channel_window_close(struct channel *c)
{
	if (c->kind != CHANNEL_OF_BYTES)
		return;
	account(c, 0, 0);
	c->t->streams--;
}

bool channel_window_take(struct channel *c, size_t n)
{
	if (n > c->granted)
		return false;
	account(c, c->granted - n, c->held + n);
	return true;
}

/* What this stream may have now: half of what the others leave it, and more than slow start needs. */
static size_t goal_of(const struct channel *c)
{
	const struct transport *t = c->t;
	size_t pool = pool_of(t), others = t->extra - extra_of(c);
	size_t goal = CHANNEL_WINDOW_FIRST + (pool > others ? (pool - others) / 2 : 0);
	size_t most = CHANNEL_WINDOW_UNREAD + 8 * c->was_read;

	if (goal > CHANNEL_WINDOW_MAX)
		goal = CHANNEL_WINDOW_MAX;
	return goal < most ? goal : most;
}

void channel_window_end(struct channel *c)
{
	account(c, 0, c->held);
}

void channel_window_regrant(struct channel *c)
{
	size_t have = c->granted + c->held, goal;

	if (c->kind != CHANNEL_OF_BYTES || c->is_gone || c->end_heard)
		return;
	goal = goal_of(c);
	if (have >= goal || goal - have < goal / 4)
		return;
	c->grant_due += (uint32_t)(goal - have);
	account(c, c->granted + goal - have, c->held);
	channel_wake(c);
}

void channel_consumed(struct channel *c, size_t n)
{
	if (c->is_gone || n > c->held)
		return;
	if (c->was_read < CHANNEL_WINDOW_MAX)
		c->was_read += n;
	account(c, c->granted, c->held - n);
	channel_window_regrant(c);
	transport_enter(c->t);
	transport_pump(c->t);
	transport_leave(c->t);
}
