#include "turnd.h"

#include <stdlib.h>

#include "forward.h"
#include "gift.h"
#include "lifetime.h"
#include "mobility.h"
#include "relay_end.h"
#include "request.h"
#include "reserved.h"
#include "stun_auth.h"
#include "turnd_state.h"

#define CHANNEL_FIRST_BYTE     0x40 /* RFC 7983 and RFC 8656, section 12 */
#define CHANNEL_LAST_BYTE      0x4f
#define CHANNEL_LAST_BYTE_5766 0x7f
#define BINDING_REQUEST        0x0001
#define US_PER_MS              1000
#define UNMET                  UINT64_MAX

struct turnd *turnd_new(const struct turnd_config *config)
{
	struct turnd *t = calloc(1, sizeof(*t));
	uint8_t key[16];

	if (t == NULL)
		return NULL;
	t->snapshot = config->snapshot;
	t->shared = config->shared;
	t->io = config->io;
	t->worker = config->worker;
	t->next_number = 1;
	list_init(&t->reserved);
	wheel_init(&t->wheel, config->now_us / US_PER_MS);
	t->io->random(t->io->arg, key, sizeof(key));
	t->allocs = alloc_table_new(key);
	t->io->random(t->io->arg, key, sizeof(key));
	t->tcp = tcp_table_new(t->worker, key, &t->stats.tcp_peers, config->now_us / US_PER_MS);
	if (t->allocs == NULL || t->tcp == NULL) {
		alloc_table_free(t->allocs);
		tcp_table_free(t->tcp);
		free(t);
		return NULL;
	}
	return t;
}

/* Ends all of them for which `is_over` says so. */
static void end_all(struct turnd *t, bool (*is_over)(struct turnd *t, struct alloc *a),
		    enum stats_end why)
{
	struct alloc *a = alloc_table_next(t->allocs, NULL);

	while (a != NULL) {
		struct alloc *next = alloc_table_next(t->allocs, a);

		if (is_over == NULL || is_over(t, a))
			turnd_end(t, a, why);
		a = next;
	}
}

void turnd_free(struct turnd *t)
{
	if (t == NULL)
		return;
	end_all(t, NULL, STATS_END_STOP);
	reserved_free(t);
	alloc_table_free(t->allocs);
	tcp_table_free(t->tcp);
	mobility_free(t);
	free(t);
}

void turnd_use_snapshot(struct turnd *t, const struct snapshot *s, uint64_t now_us)
{
	t->snapshot = s;
	end_all(t, turnd_is_homeless, STATS_END_POLICY);
}

void turnd_link_ended(struct turnd *t, const struct five_tuple *tuple, void *link,
		      const struct turnd_now *now)
{
	struct alloc *a = alloc_table_find(t->allocs, tuple);

	if (a == NULL || a->flow.link != link)
		mobility_lose_next(t, tuple, link);
	else if (a->mobility.is_mobile)
		mobility_lose_link(t, a);
	else
		turnd_end(t, a, STATS_END_LINK);
}

static uint64_t expire_ports(struct turnd *t, uint64_t now_ms)
{
	uint64_t next = UNMET;

	reserved_on_time(t, now_ms);
	for (size_t i = 0; i < t->snapshot->relay_count; i++) {
		uint64_t at = ports_expire(turnd_ports(t, (uint16_t)i), now_ms);

		if (at < next)
			next = at;
	}
	return next;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t to_us(uint64_t ms)
{
	return ms < UNMET / US_PER_MS ? ms * US_PER_MS : UNMET;
}

uint64_t turnd_on_time(struct turnd *t, const struct turnd_now *now)
{
	uint64_t now_ms = now->us / US_PER_MS;
	struct wheel_node *due = wheel_expire(&t->wheel, now_ms);
	uint64_t next;

	for (; due != NULL; due = wheel_expire(&t->wheel, now_ms))
		lifetime_over(t, WHEEL_OF(due, struct alloc, timer), now_ms);
	next = earlier(expire_ports(t, now_ms), mobility_on_time(t, now_ms));
	next = earlier(next, tcp_peers_on_time(t, now_ms));
	return to_us(earlier(next, wheel_next(&t->wheel)));
}

/* Noise: where messages follow each other, the borders are lost with it. */
static enum turnd_step foreign(struct turnd *t, const struct turnd_in *in)
{
	counter_add(&t->stats.drops[STATS_DROP_FOREIGN], 1);
	return five_tuple_is_stream(&in->tuple) ? TURND_CLOSE : TURND_NOTHING;
}

/* Whole, so that what follows on a stream can be read; its FINGERPRINT may be wrong. */
static bool is_whole(struct bytes data)
{
	struct stun_msg msg;

	return stun_msg_parse(data, &msg) == STUN_OK && !stun_tid_is_classic(&msg.tid);
}

static enum turnd_step wrong_fingerprint(struct turnd *t)
{
	counter_add(&t->stats.drops[STATS_DROP_FOREIGN], 1);
	return TURND_NOTHING;
}

static enum turnd_step unasked(struct turnd *t)
{
	counter_add(&t->stats.drops[STATS_DROP_UNASKED], 1);
	return TURND_NOTHING;
}

/* The code of an error response that stun_server built. */
static uint16_t code_of(struct bytes response)
{
	struct stun_error error = { 0 };
	struct stun_msg msg;
	struct bytes value;

	if (stun_msg_parse(response, &msg) == STUN_OK &&
	    stun_msg_find(&msg, STUN_ATTR_ERROR_CODE, &value))
		(void)stun_attr_get_error(value, &error);
	return error.code;
}

static enum turnd_step reply_binding(struct turnd *t, const struct stun_reply *reply,
				     enum stun_outcome outcome, struct turnd_out *out)
{
	counter_add(&t->stats.requests[STATS_BINDING], 1);
	if (outcome == STUN_REPLY)
		counter_add(&t->stats.successes[STATS_BINDING], 1);
	else
		counter_add(&t->stats.errors[stats_code(code_of(reply->msg))], 1);
	out->data = reply->msg;
	out->tuple.client = reply->to;
	out->socket = reply->socket;
	return TURND_TO_CLIENT;
}

static enum turnd_step binding(struct turnd *t, const struct turnd_in *in, uint8_t *buf,
			       struct turnd_out *out)
{
	struct stun_query q = {
		.datagram = in->data,
		.from = in->tuple.client,
		.transport = (enum stun_transport)in->tuple.transport,
		.site = in->site,
		.socket = in->socket,
		.local = &in->tuple.server,
	};
	struct stun_reply reply;
	enum stun_outcome outcome =
		stun_server_answer(&t->snapshot->stun, &q, buf, TURND_ANSWER_MAX, &reply);

	switch (outcome) {
	case STUN_REPLY:
	case STUN_REPLY_ERROR:
		countries_count(&t->stats.requests_by_country, t->snapshot->geo, &q.from);
		return reply_binding(t, &reply, outcome, out);
	case STUN_DROP_FOREIGN:
	case STUN_DROP_CLASSIC:
		return is_whole(in->data) ? wrong_fingerprint(t) : foreign(t, in);
	default:
		return unasked(t);
	}
}

static enum turnd_step from_stun(struct turnd *t, const struct turnd_in *in,
				 const struct turnd_now *now, uint8_t *buf, struct turnd_out *out)
{
	struct stun_msg msg;

	if (stun_msg_parse(in->data, &msg) != STUN_OK)
		return foreign(t, in);
	if (stun_tid_is_classic(&msg.tid))
		return in->tuple.transport == STUN_DTLS ? binding(t, in, buf, out) : foreign(t, in);
	if (stun_auth_check_fingerprint(&msg) == STUN_AUTH_WRONG)
		return wrong_fingerprint(t);
	if (msg.class == STUN_REQUEST)
		return request_take(t, in, &msg, now, buf, out);
	if (msg.class == STUN_INDICATION && msg.method == TURN_SEND)
		return forward_send(t, in, &msg, now, out);
	return unasked(t);
}

static bool is_channel(const struct turnd *t, uint8_t first)
{
	return first >= CHANNEL_FIRST_BYTE &&
	       first <=
		       (t->snapshot->rfc5766_channels ? CHANNEL_LAST_BYTE_5766 : CHANNEL_LAST_BYTE);
}

static bool is_binding(struct bytes data)
{
	struct wire in = wire_read(data);

	return wire_get_u16(&in) == BINDING_REQUEST && !in.failed;
}

static enum turnd_step judge(struct turnd *t, const struct turnd_in *in,
			     const struct turnd_now *now, uint8_t *buf, struct turnd_out *out)
{
	enum turnd_step step;

	if (mobility_intercepts(t, in, now, out, &step))
		return step;
	if (in->data.len > 0 && is_channel(t, in->data.data[0]))
		return forward_channel(t, in, now, out);

	*out = (struct turnd_out){
		.tuple = in->tuple,
		.link = in->link,
		.socket = in->socket,
		.ip = TURND_IP_DEFAULT,
	};
	return is_binding(in->data) ? binding(t, in, buf, out) : from_stun(t, in, now, buf, out);
}

enum turnd_step turnd_from_client(struct turnd *t, const struct turnd_in *in,
				  const struct turnd_now *now, uint8_t *buf, struct turnd_out *out)
{
	enum turnd_step step;

	gift_begin(t, in->gift);
	step = judge(t, in, now, buf, out);
	gift_end(t);
	return step;
}

bool turnd_has(const struct turnd *t, const struct five_tuple *tuple)
{
	return alloc_table_find(t->allocs, tuple) != NULL;
}

size_t turnd_count(const struct turnd *t)
{
	return alloc_table_count(t->allocs);
}

const struct alloc *turnd_next(const struct turnd *t, const struct alloc *after)
{
	return alloc_table_next(t->allocs, after);
}

const struct alloc *turnd_find(const struct turnd *t, uint64_t number)
{
	return alloc_table_find_number(t->allocs, number);
}

bool turnd_kick(struct turnd *t, uint64_t number)
{
	struct alloc *a = alloc_table_find_number(t->allocs, number);

	if (a == NULL)
		return false;
	turnd_end(t, a, STATS_END_KICKED);
	return true;
}

const struct turnd_stats *turnd_stats(const struct turnd *t)
{
	return &t->stats;
}
