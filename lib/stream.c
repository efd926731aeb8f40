#include "stream.h"

#include <stdlib.h>

#include <openssl/ssl.h>

#include "clock.h"
#include "per_source.h"
#include "stream_parts.h"

struct stream_conn *stream_queue_first(const struct stream_queue *q)
{
	return list_is_empty(&q->conns) ? NULL : LIST_OF(q->conns.next, struct stream_conn, link);
}

void stream_queue_put(struct stream_queue *q, struct stream_conn *c)
{
	struct stream_set *set = c->set;

	if (c->queue != NULL)
		c->queue->count--;
	list_remove(&c->link);
	c->queue = q;
	if (q != NULL) {
		q->count++;
		c->since_ms = clock_ms();
		list_append(&q->conns, &c->link);
	}
	atomic_store_explicit(&set->stats.half_open, set->fresh.count, memory_order_relaxed);
}

static struct stream_limits with_defaults(struct stream_limits l)
{
	if (l.max_frame == 0)
		l.max_frame = 2048;
	if (l.max_output == 0)
		l.max_output = 65536;
	if (l.max_conns == 0)
		l.max_conns = 1024;
	if (l.max_per_source == 0)
		l.max_per_source = l.max_conns;
	if (l.max_half_open == 0)
		l.max_half_open = l.max_conns / 4 > 32 ? l.max_conns / 4 : 32;
	if (l.idle_ms == 0)
		l.idle_ms = 60000;
	if (l.frame_ms == 0)
		l.frame_ms = 10000;
	return l;
}

void stream_set_tick(struct stream_set *set)
{
	uint32_t least = set->limits.idle_ms < set->limits.frame_ms ? set->limits.idle_ms
								    : set->limits.frame_ms;
	uint32_t ms = least / 4 > 1000 ? 1000 : least / 4 + 1;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (!event_pending(set->tick, EV_TIMEOUT, NULL))
		event_add(set->tick, &tv);
}

static void expire_queue(struct stream_queue *q, enum stream_end why, uint64_t now_ms)
{
	struct stream_conn *c;

	while ((c = stream_queue_first(q)) != NULL && now_ms >= c->since_ms + q->live_ms)
		stream_conn_end(c, why);
}

static void end_all(struct stream_queue *q)
{
	struct stream_conn *c;

	while ((c = stream_queue_first(q)) != NULL)
		stream_conn_end(c, STREAM_END_SELF);
}

void stream_set_expire(struct stream_set *set, uint64_t now_ms)
{
	expire_queue(&set->idle, STREAM_END_IDLE, now_ms);
	expire_queue(&set->busy, STREAM_END_SLOW, now_ms);
	expire_queue(&set->fresh, STREAM_END_SLOW, now_ms);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct stream_set *set = arg;

	stream_set_expire(set, clock_ms());
	if (!set->accepting)
		stream_pause_accepting(set, false);
	if (set->idle.count + set->busy.count + set->fresh.count > 0)
		stream_set_tick(set);
}

static void queue_init(struct stream_queue *q, uint32_t live_ms)
{
	list_init(&q->conns);
	q->live_ms = live_ms;
}

struct stream_set *stream_set_new(struct event_base *base, const struct stream_limits *limits,
				  const struct stream_events *events, void *arg, SSL_CTX *tls,
				  const uint8_t key[static 16])
{
	struct stream_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->base = base;
	set->limits = with_defaults(*limits);
	set->events = *events;
	set->arg = arg;
	set->accepting = true;
	queue_init(&set->fresh, set->limits.frame_ms);
	queue_init(&set->idle, set->limits.idle_ms);
	queue_init(&set->busy, set->limits.frame_ms);
	queue_init(&set->kept, 0);
	if (limits->shared == NULL)
		set->own = per_source_new(set->limits.max_conns, set->limits.max_per_source, key);
	set->sources = limits->shared != NULL ? limits->shared : set->own;
	set->tick = event_new(base, -1, 0, on_tick, set);
	if (set->sources == NULL || set->tick == NULL) {
		stream_set_free(set);
		return NULL;
	}
	stream_set_use_tls(set, tls);
	return set;
}

void stream_set_use_tls(struct stream_set *set, SSL_CTX *tls)
{
	if (tls != NULL)
		SSL_CTX_up_ref(tls);
	SSL_CTX_free(set->tls);
	set->tls = tls;
}

void stream_set_free(struct stream_set *set)
{
	if (set == NULL)
		return;
	end_all(&set->fresh);
	end_all(&set->idle);
	end_all(&set->busy);
	end_all(&set->kept);
	stream_close_listeners(set);
	if (set->tick != NULL)
		event_free(set->tick);
	per_source_free(set->own);
	SSL_CTX_free(set->tls);
	free(set);
}

const struct stream_stats *stream_set_stats(const struct stream_set *set)
{
	return &set->stats;
}

const struct stream_peer *stream_peer(const struct stream_conn *c)
{
	return &c->peer;
}

const void *stream_listener_user(const struct stream_conn *c)
{
	return c->listener->options.user;
}

void stream_set_user(struct stream_conn *c, void *user)
{
	c->user = user;
}

void *stream_user(const struct stream_conn *c)
{
	return c->user;
}

const char *stream_end_word(enum stream_end why)
{
	static const char *const words[STREAM_ENDS] = {
		[STREAM_END_CLIENT] = "client",     [STREAM_END_SELF] = "self",
		[STREAM_END_FOREIGN] = "foreign",   [STREAM_END_TLS] = "tls",
		[STREAM_END_IDLE] = "idle",         [STREAM_END_SLOW] = "slow",
		[STREAM_END_PROXY] = "proxy",       [STREAM_END_CROWD] = "crowd",
		[STREAM_END_RESOURCE] = "resource",
	};

	return words[why];
}
