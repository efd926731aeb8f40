#include "meet.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "meet_state.h"

#define PATIENCE_US 600000000
#define FIRST_US    300000
/* For an answer, and two round trips more: a TCP that has to send a segment again five times. */
#define ANSWER_US       7000000
#define UNKNOWN_TRIP_US 1500000

struct meet *meet_blank(uint64_t now_us, void (*random)(void *arg, void *buf, size_t len),
			void *random_arg)
{
	struct meet *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->started_us = m->now_us = m->budget_us = now_us;
	m->patience_us = PATIENCE_US;
	m->budget = MEET_BUDGET;
	m->random = random;
	m->random_arg = random_arg;
	m->code.hello.due_us = UINT64_MAX;
	m->code.reply.due_us = UINT64_MAX;
	channel_init(&m->channel, now_us);
	return m;
}

static bool init(struct meet *m, const struct meet_config *config, uint64_t now_us)
{
	m->mode = config->mode;
	if (config->patience_us > 0)
		m->patience_us = config->patience_us;
	switch (config->mode) {
	case MEET_CODE:
		return meet_code_init(m, config->code, config->stretch, now_us);
	case MEET_ACCEPT:
		return meet_accept_init(m, config->private_key);
	case MEET_INVITE:
		return meet_invite_init(m, config->public_key, config->first, now_us);
	default:
		return false;
	}
}

struct meet *meet_new(const struct meet_config *config, uint64_t now_us)
{
	struct meet *m = meet_blank(now_us, config->random, config->random_arg);

	if (m == NULL || init(m, config, now_us))
		return m;
	meet_free(m);
	return NULL;
}

void meet_free(struct meet *m)
{
	if (m == NULL)
		return;
	channel_drop(m->given);
	channel_free(&m->channel);
	OPENSSL_cleanse(m, sizeof(*m));
	free(m);
}

void meet_timer_start(struct meet_timer *t, uint64_t now_us)
{
	*t = (struct meet_timer){ .due_us = now_us };
}

void meet_timer_sent(struct meet_timer *t, uint64_t now_us, uint64_t slowest_us)
{
	uint64_t after = (uint64_t)FIRST_US << (t->tries < 16 ? t->tries : 16);

	t->due_us = now_us + (after < slowest_us ? after : slowest_us);
	if (t->tries < UINT8_MAX)
		t->tries++;
}

void meet_timer_within(struct meet_timer *t, uint64_t now_us, uint64_t delay_us)
{
	if (t->due_us > now_us + delay_us)
		t->due_us = now_us + delay_us;
}

void meet_fail(struct meet *m, enum meet_failure failure)
{
	if (m->stage == MEET_OVER)
		return;
	m->stage = MEET_OVER;
	m->failure = (uint8_t)failure;
}

bool meet_allows(struct meet *m, uint64_t now_us)
{
	uint64_t more = now_us > m->budget_us ? (now_us - m->budget_us) / MEET_BUDGET_EACH_US : 0;

	m->budget_us += more * MEET_BUDGET_EACH_US;
	m->budget = more > MEET_BUDGET - m->budget ? MEET_BUDGET : m->budget + (uint32_t)more;
	if (m->budget == 0)
		return false;
	m->budget--;
	return true;
}

static void tell_clock(struct meet *m, const struct peer_clock_server *s)
{
	uint8_t buf[PEER_CLOCK_NAME_MAX + 32];
	struct wire_out w = wire_write(buf, sizeof(buf));
	size_t len = strlen(s->name);

	wire_put_u8(&w, (uint8_t)len);
	wire_put_mem(&w, s->name, len);
	wire_put_u64(&w, (uint64_t)s->ours.offset_us);
	wire_put_u64(&w, s->ours.error_us);
	wire_put_u64(&w, s->ours.at_us);
	(void)channel_queue(&m->channel, CHANNEL_CLOCK, wire_written(&w), m->now_us);
}

void meet_start_sharing(struct meet *m, bool is_a, uint64_t now_us)
{
	m->stage = MEET_SHARING;
	m->is_a = is_a;
	m->says_ready = true;
	m->channel.wants_hearing = is_a;
	m->channel.waits_us = now_us;
	m->channel.due_us = now_us;
	for (size_t i = 0; i < PEER_CLOCK_SERVERS; i++) {
		if (m->channel.clock.servers[i].ours.known)
			tell_clock(m, &m->channel.clock.servers[i]);
	}
}

void meet_on_message(struct meet *m, const char *topic, struct bytes data, uint64_t now_us)
{
	struct wire in = wire_read(data);
	enum meet_type type;
	const uint8_t *tag;

	m->now_us = now_us;
	if (data.len > MEET_ENVELOPE_MAX ||
	    (strcmp(topic, m->topics[0]) != 0 && strcmp(topic, m->topics[1]) != 0))
		return;
	type = meet_get_head(&in);
	if (type == MEET_TYPES)
		m->saw_foreign = true;
	if (type == 0 || type == MEET_TYPES || m->stage == MEET_OVER)
		return;
	if (type != MEET_CHANNEL) {
		if (m->mode == MEET_CODE)
			meet_code_take(m, type, data, &in, now_us);
		else
			(void)meet_invite_take(m, type, data, &in, now_us);
		return;
	}
	tag = wire_take(&in, MEET_TAG_LEN);
	if (m->stage == MEET_SHARING && m->mode != MEET_INVITE && tag != NULL &&
	    memcmp(tag, m->theirs.tag, MEET_TAG_LEN) == 0)
		(void)meet_open_envelope(m, data, &in, now_us);
}

static bool is_unheard(const struct meet *m)
{
	return m->stage == MEET_SEARCHING ||
	       (m->mode == MEET_INVITE && m->stage == MEET_SHARING && !m->channel.is_heard);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When time alone ends something. */
static uint64_t ends_at(const struct meet *m)
{
	if (is_unheard(m))
		return m->started_us + m->patience_us;
	return m->stage == MEET_SHARING ? channel_gone_at(&m->channel) : UINT64_MAX;
}

static void tick(struct meet *m, uint64_t now_us)
{
	if (m->mode == MEET_CODE)
		meet_code_tick(m, now_us);
	if (m->channel.they_left && m->channel.in.count == 0)
		meet_fail(m, MEET_LEFT);
	if (now_us < ends_at(m))
		return;
	if (is_unheard(m))
		meet_fail(m, m->saw_foreign ? MEET_BROKEN : MEET_NOBODY);
	else
		meet_fail(m, MEET_GONE);
}

static bool subscribe(struct meet *m, struct meet_action *action)
{
	int which = (m->listens & 1) != 0 ? 0 : 1;

	if (m->listens == 0)
		return false;
	m->listens = (uint8_t)(m->listens & ~(1u << which));
	action->topic = m->topics[which];
	return true;
}

static struct bytes due_message(struct meet *m, uint64_t now_us)
{
	struct bytes data;

	if (m->stage != MEET_SHARING)
		return meet_code_put(m, now_us);
	if (m->channel.due_us > now_us)
		return (struct bytes){ 0 };
	data = meet_put_channel(m, now_us);
	if (m->channel.leaves)
		meet_fail(m, MEET_LEFT);
	return data;
}

/* Where what we say is heard now. */
static const char *topic_of(const struct meet *m, bool was_heard)
{
	if (m->mode == MEET_CODE || (m->mode == MEET_INVITE && !was_heard))
		return m->topics[0];
	return m->topics[1];
}

static enum meet_kind wait_or_publish(struct meet *m, uint64_t now_us, struct meet_action *action)
{
	uint64_t due;

	action->data = due_message(m, now_us);
	if (action->data.len > 0) {
		action->topic = topic_of(m, m->channel.is_heard);
		return MEET_PUBLISH;
	}
	due = m->stage == MEET_SHARING ? m->channel.due_us : meet_code_due(m);
	action->deadline_us = earlier(due, ends_at(m));
	return MEET_WAIT;
}

static enum meet_kind next(struct meet *m, uint64_t now_us, struct meet_action *action)
{
	if (subscribe(m, action))
		return MEET_SUBSCRIBE;
	if (m->says_ready) {
		m->says_ready = false;
		return MEET_READY;
	}
	m->given = channel_pop(&m->channel);
	if (m->given != NULL) {
		action->data = bytes_of(m->given->data, m->given->len);
		return MEET_MESSAGE;
	}
	tick(m, now_us);
	if (m->failure != MEET_FINE) {
		action->failure = m->failure;
		m->failure = MEET_FINE;
		return MEET_FAILED;
	}
	action->deadline_us = UINT64_MAX;
	return m->stage == MEET_OVER ? MEET_WAIT : wait_or_publish(m, now_us, action);
}

enum meet_kind meet_next(struct meet *m, uint64_t now_us, struct meet_action *action)
{
	m->now_us = now_us;
	channel_drop(m->given);
	m->given = NULL;
	*action = (struct meet_action){ 0 };
	action->kind = (uint8_t)next(m, now_us, action);
	return (enum meet_kind)action->kind;
}

bool meet_send(struct meet *m, struct bytes message, uint64_t now_us)
{
	m->now_us = now_us;
	return m->stage == MEET_SHARING &&
	       channel_queue(&m->channel, CHANNEL_USER, message, now_us);
}

void meet_leave(struct meet *m, uint64_t now_us)
{
	m->now_us = now_us;
	if (m->stage != MEET_SHARING) {
		meet_fail(m, MEET_LEFT);
		return;
	}
	m->channel.leaves = true;
	m->channel.due_us = now_us;
}

bool meet_is_a(const struct meet *m)
{
	return m->is_a;
}

void meet_key(const struct meet *m, const char *purpose, uint8_t out[static MEET_KEY_LEN])
{
	(void)kdf_expand(m->root, "key for ", bytes_of_str(purpose), out, MEET_KEY_LEN);
}

void meet_ask(struct meet *m, uint64_t now_us)
{
	m->now_us = now_us;
	if (m->stage == MEET_SHARING)
		channel_ask(&m->channel, now_us);
}

bool meet_has_come(const struct meet *m)
{
	return m->stage == MEET_SHARING && !is_unheard(m);
}

uint64_t meet_gone_at_us(const struct meet *m)
{
	const uint64_t waits_us = channel_waits_us(&m->channel);
	uint64_t trip_us = peer_clock_longest_trip_us(&m->channel.clock);

	if (!meet_has_come(m) || waits_us == UINT64_MAX)
		return UINT64_MAX;
	if (trip_us == 0)
		trip_us = UNKNOWN_TRIP_US;
	return waits_us + ANSWER_US + 2 * trip_us;
}

bool meet_clock(const struct meet *m, int64_t *offset_us, uint64_t *error_us,
		uint64_t *round_trip_us)
{
	struct peer_clock_view v;

	if (!peer_clock_view(&m->channel.clock, m->now_us, &v))
		return false;
	*offset_us = v.offset_us;
	*error_us = v.error_us;
	*round_trip_us = v.round_trip_us;
	return true;
}

void meet_set_server_clock(struct meet *m, const char *server, int64_t offset_us, uint64_t error_us)
{
	struct peer_clock_told told = { true, offset_us, error_us, m->now_us };

	peer_clock_server_told(&m->channel.clock, server, true, &told);
	for (size_t i = 0; i < PEER_CLOCK_SERVERS && m->stage == MEET_SHARING; i++) {
		if (strcmp(m->channel.clock.servers[i].name, server) == 0)
			tell_clock(m, &m->channel.clock.servers[i]);
	}
}

uint32_t meet_knocks(const struct meet *m)
{
	return m->knocks;
}

const char *meet_failure_text(enum meet_failure f)
{
	static const char *const texts[MEET_FAILURES] = {
		[MEET_FINE] = "all is well",
		[MEET_NOBODY] = "the other side did not come: is it running, with the same code or "
				"address, and the same rendezvous?",
		[MEET_WRONG_CODE] =
			"somebody came with another code; a code is good for one guess, "
			"so start again on both sides with a new one",
		[MEET_BROKEN] = "what came is none of our messages: has the other side another "
				"version of natprobe?",
		[MEET_GONE] = "the other side came and was not heard again: start again on both "
			      "sides, with a new code",
		[MEET_LEFT] = "the other side left",
	};

	return (unsigned int)f < MEET_FAILURES ? texts[f] : "it failed";
}
