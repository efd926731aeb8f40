/*
 * What the other side may have on its way to us: each stream has CHANNEL_WINDOW_FIRST for sure, and
 * shares the rest of window_max with the others. So no stream can starve another one, and all
 * together never need more memory than that.
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

/* What this stream may have now, of which three quarters of the window are shared evenly. */
static size_t goal_of(const struct channel *c)
{
	const struct transport *t = c->t;
	size_t pool = pool_of(t);
	size_t left = pool > t->extra ? pool - t->extra : 0;
	size_t goal = CHANNEL_WINDOW_FIRST + pool / 4 * 3 / t->streams;
	size_t most = CHANNEL_WINDOW_FIRST + extra_of(c) + left;

	if (goal > CHANNEL_WINDOW_MAX)
		goal = CHANNEL_WINDOW_MAX;
	return goal < most ? goal : most;
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
	account(c, c->granted, c->held - n);
	channel_window_regrant(c);
	transport_enter(c->t);
	transport_pump(c->t);
	transport_leave(c->t);
}
