#include "peer_clock.h"

#include <stdio.h>

#define PPM 1000000u

struct range {
	int64_t low, high;
};

static bool is_time(uint64_t us)
{
	return us <= PEER_CLOCK_TIME_MAX;
}

/* By how much something of that age has become wrong. */
static int64_t drift(uint64_t at_us, uint64_t now_us)
{
	uint64_t age = now_us > at_us ? now_us - at_us : 0;

	return (int64_t)(age / (PPM / PEER_CLOCK_DRIFT_PPM)) + (age > 0 ? 1 : 0);
}

static int64_t low_now(const struct peer_clock_bound *b, uint64_t now_us)
{
	return b->value - drift(b->at_us, now_us);
}

static int64_t high_now(const struct peer_clock_bound *b, uint64_t now_us)
{
	return b->value + drift(b->at_us, now_us);
}

/* Clocks that ran further apart than they may: what was learnt last is right. */
static void settle(struct peer_clock *c, struct peer_clock_bound *other, uint64_t now_us)
{
	if (c->low.known && c->high.known && low_now(&c->low, now_us) > high_now(&c->high, now_us))
		other->known = false;
}

void peer_clock_received(struct peer_clock *c, uint64_t theirs_us, uint64_t ours_us)
{
	int64_t value;

	if (!is_time(theirs_us) || !is_time(ours_us))
		return;
	value = (int64_t)theirs_us - (int64_t)ours_us;
	if (!c->low.known || value >= low_now(&c->low, ours_us))
		c->low = (struct peer_clock_bound){ true, value, ours_us };
	settle(c, &c->high, ours_us);
}

void peer_clock_delivered(struct peer_clock *c, uint64_t ours_us, uint64_t theirs_us)
{
	int64_t value;

	if (!is_time(theirs_us) || !is_time(ours_us))
		return;
	value = (int64_t)theirs_us - (int64_t)ours_us;
	if (!c->high.known || value <= high_now(&c->high, ours_us))
		c->high = (struct peer_clock_bound){ true, value, ours_us };
	settle(c, &c->low, ours_us);
}

void peer_clock_round_trip(struct peer_clock *c, uint64_t took_us)
{
	c->round_trips[c->round_trip_count++ % PEER_CLOCK_ROUND_TRIPS] = took_us;
}

static struct peer_clock_server *server_of(struct peer_clock *c, const char *name)
{
	for (size_t i = 0; i < PEER_CLOCK_SERVERS; i++) {
		struct peer_clock_server *s = &c->servers[i];

		if (s->name[0] == 0)
			(void)snprintf(s->name, sizeof(s->name), "%s", name);
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

void peer_clock_server_told(struct peer_clock *c, const char *name, bool us,
			    const struct peer_clock_told *told)
{
	struct peer_clock_server *s;
	uint64_t offset =
		told->offset_us < 0 ? 0 - (uint64_t)told->offset_us : (uint64_t)told->offset_us;

	if (name[0] == 0 || strlen(name) >= PEER_CLOCK_NAME_MAX || !is_time(offset) ||
	    !is_time(told->error_us) || !is_time(told->at_us))
		return;
	s = server_of(c, name);
	if (s == NULL)
		return;
	if (us)
		s->ours = *told;
	else
		s->theirs = *told;
}

/* server = ours + a and server = theirs + b, so theirs = ours + a - b. */
static bool server_range(const struct peer_clock_server *s, uint64_t now_us, struct range *out)
{
	int64_t offset = s->ours.offset_us - s->theirs.offset_us;
	int64_t error = (int64_t)(s->ours.error_us + s->theirs.error_us);

	if (!s->ours.known || !s->theirs.known)
		return false;
	error += drift(s->ours.at_us, now_us) + drift(s->theirs.at_us, now_us);
	*out = (struct range){ offset - error, offset + error };
	return true;
}

/* What the stamps allow, as far as they bound it. */
static struct range stamp_range(const struct peer_clock *c, uint64_t now_us)
{
	return (struct range){
		c->low.known ? low_now(&c->low, now_us) : INT64_MIN,
		c->high.known ? high_now(&c->high, now_us) : INT64_MAX,
	};
}

static struct range narrowed(struct range r, struct range by)
{
	struct range both = {
		by.low > r.low ? by.low : r.low,
		by.high < r.high ? by.high : r.high,
	};

	return both.low <= both.high ? both : r; /* a server that is wrong adds nothing */
}

uint64_t peer_clock_longest_trip_us(const struct peer_clock *c)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < PEER_CLOCK_ROUND_TRIPS; i++) {
		if (c->round_trips[i] > longest)
			longest = c->round_trips[i];
	}
	return longest;
}

bool peer_clock_view(const struct peer_clock *c, uint64_t now_us, struct peer_clock_view *out)
{
	struct range r = stamp_range(c, now_us), by;

	for (size_t i = 0; i < PEER_CLOCK_SERVERS; i++) {
		if (server_range(&c->servers[i], now_us, &by))
			r = narrowed(r, by);
	}
	if (r.low == INT64_MIN || r.high == INT64_MAX)
		return false;
	out->error_us = ((uint64_t)(r.high - r.low) + 1) / 2;
	out->offset_us = r.low + (int64_t)out->error_us;
	out->round_trip_us = peer_clock_longest_trip_us(c);
	return true;
}
