#include "meet_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz_check.h"

#define ACTIONS_MAX  2000 /* without a wait: nobody is that busy */
#define TCP_AGAIN_US 250000

void meet_kit_draw(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

uint64_t meet_kit_clock(const struct meet_kit *k, int party)
{
	return k->now_us + (uint64_t)k->parties[party].clock_us;
}

void meet_kit_open(struct meet_kit *k, uint64_t seed)
{
	*k = (struct meet_kit){ .rng = rng_seed(seed), .now_us = 5000000, .delay_us = 50000 };
	k->flying = malloc(MEET_KIT_FLYING * sizeof(k->flying[0]));
	k->kept = malloc(MEET_KIT_KEPT * sizeof(k->kept[0]));
	FUZZ_CHECK(k->flying != NULL && k->kept != NULL);
	for (int i = 0; i < MEET_KIT_PARTIES; i++)
		k->parties[i].clock_us = (int64_t)i * 1000000007;
}

void meet_kit_stop(struct meet_kit *k, int party)
{
	struct meet_kit_party *p = &k->parties[party];

	meet_free(p->m);
	*p = (struct meet_kit_party){ .clock_us = p->clock_us, .failure = -1 };
}

void meet_kit_close(struct meet_kit *k)
{
	for (int i = 0; i < MEET_KIT_PARTIES; i++)
		meet_kit_stop(k, i);
	free(k->flying);
	free(k->kept);
}

void meet_kit_start(struct meet_kit *k, int party, struct meet_config config)
{
	struct meet_kit_party *p = &k->parties[party];

	meet_kit_stop(k, party);
	config.random = meet_kit_draw;
	config.random_arg = &k->rng;
	config.stretch = MEET_KIT_STRETCH;
	p->m = meet_new(&config, meet_kit_clock(k, party));
	FUZZ_CHECK(p->m != NULL);
}

void meet_kit_code(struct meet_kit *k, int party, const char *code)
{
	meet_kit_start(k, party, (struct meet_config){ .code = bytes_of_str(code) });
}

static bool listens(const struct meet_kit_party *p, const char *topic)
{
	for (int i = 0; i < p->topic_count; i++) {
		if (strcmp(p->topics[i], topic) == 0)
			return p->m != NULL;
	}
	return false;
}

/* When what leaves then has come through one connection. */
static uint64_t through_tcp(struct meet_kit *k, uint64_t *free_us, uint64_t at_us)
{
	uint64_t again_us = TCP_AGAIN_US;

	for (; rng_below(&k->rng, 100) < k->tcp_loss_percent; again_us *= 2)
		at_us += again_us;
	if (at_us < *free_us)
		at_us = *free_us;
	*free_us = at_us;
	return at_us;
}

static void fly(struct meet_kit *k, struct meet_kit_message m)
{
	uint64_t jitter = k->jitter_us > 0 ? rng_below(&k->rng, (uint32_t)k->jitter_us) : 0;

	if (rng_below(&k->rng, 100) < k->loss_percent || k->flying_count == MEET_KIT_FLYING)
		return;
	m.at_us = k->now_us + (m.from >= 0 ? k->delay_us + jitter : 0);
	if (k->tcp_loss_percent > 0 && m.from >= 0) {
		m.at_us = through_tcp(k, &k->tcp_free_us[m.from][0], m.at_us);
		m.at_us = through_tcp(k, &k->tcp_free_us[m.to][1], m.at_us);
	}
	k->flying[k->flying_count++] = m;
}

static void carry(struct meet_kit *k, struct meet_kit_message m)
{
	if (k->kept_count < MEET_KIT_KEPT)
		k->kept[k->kept_count++] = m;
	for (m.to = 0; m.to < MEET_KIT_PARTIES; m.to++) {
		if (!listens(&k->parties[m.to], m.topic))
			continue;
		fly(k, m);
		if (rng_below(&k->rng, 100) < k->repeat_percent)
			fly(k, m);
	}
}

static struct meet_kit_message message(int from, const char *topic, struct bytes data)
{
	struct meet_kit_message m = { .from = from, .len = (uint16_t)data.len };

	FUZZ_CHECK(data.len <= sizeof(m.bytes));
	(void)snprintf(m.topic, sizeof(m.topic), "%s", topic);
	memcpy(m.bytes, data.data, data.len);
	return m;
}

void meet_kit_forge(struct meet_kit *k, const char *topic, struct bytes data)
{
	carry(k, message(-1, topic, data));
}

static void subscribe(struct meet_kit *k, int party, const char *topic)
{
	struct meet_kit_party *p = &k->parties[party];

	FUZZ_CHECK(p->topic_count < 2);
	(void)snprintf(p->topics[p->topic_count++], MEET_TOPIC_MAX, "%s", topic);
	for (int i = 0; i < k->kept_count && k->keeps; i++) {
		struct meet_kit_message m = k->kept[i];

		m.to = party;
		if (strcmp(m.topic, topic) == 0)
			fly(k, m);
	}
}

static void note(struct meet_kit_party *p, struct bytes data)
{
	FUZZ_CHECK(p->is_ready && data.len <= MEET_MESSAGE_MAX);
	if (p->received + 1 < (int)sizeof(p->received_text))
		p->received_text[p->received] = data.len > 0 ? (char)data.data[0] : '0';
	p->received++;
	p->last_len = (uint16_t)data.len;
}

/* True: there may be more. */
static bool act(struct meet_kit *k, int party)
{
	struct meet_kit_party *p = &k->parties[party];
	struct meet_action a;

	switch (meet_next(p->m, meet_kit_clock(k, party), &a)) {
	case MEET_SUBSCRIBE:
		subscribe(k, party, a.topic);
		return true;
	case MEET_PUBLISH:
		FUZZ_CHECK(a.data.len > 0 && p->failure < 0);
		p->published++;
		carry(k, message(party, a.topic, a.data));
		return true;
	case MEET_READY:
		FUZZ_CHECK(!p->is_ready && p->failure < 0);
		p->is_ready = true;
		p->ready_at_us = k->now_us;
		return true;
	case MEET_MESSAGE:
		note(p, a.data);
		return true;
	case MEET_FAILED:
		FUZZ_CHECK(p->failure < 0 && a.failure != MEET_FINE && a.failure < MEET_FAILURES);
		p->failure = a.failure;
		p->failed_at_us = k->now_us;
		return true;
	default:
		FUZZ_CHECK(a.deadline_us > meet_kit_clock(k, party));
		p->deadline_us = a.deadline_us == UINT64_MAX
					 ? UINT64_MAX
					 : a.deadline_us - (uint64_t)p->clock_us;
		return false;
	}
}

static void act_all(struct meet_kit *k)
{
	for (int i = 0; i < MEET_KIT_PARTIES; i++) {
		int count = 0;

		while (k->parties[i].m != NULL && act(k, i))
			FUZZ_CHECK(++count < ACTIONS_MAX);
	}
}

static void arrive(struct meet_kit *k)
{
	for (int i = 0; i < k->flying_count;) {
		struct meet_kit_message m = k->flying[i];
		struct meet_kit_party *p = &k->parties[m.to];

		if (m.at_us > k->now_us) {
			i++;
			continue;
		}
		k->flying[i] = k->flying[--k->flying_count];
		if (p->m != NULL && (k->lie == NULL || k->lie(k, &m)))
			meet_on_message(p->m, m.topic, bytes_of(m.bytes, m.len),
					meet_kit_clock(k, m.to));
	}
}

static uint64_t next_event(const struct meet_kit *k)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < MEET_KIT_PARTIES; i++) {
		if (k->parties[i].m != NULL && k->parties[i].deadline_us < next)
			next = k->parties[i].deadline_us;
	}
	for (int i = 0; i < k->flying_count; i++) {
		if (k->flying[i].at_us < next)
			next = k->flying[i].at_us;
	}
	return next;
}

void meet_kit_run(struct meet_kit *k, uint64_t for_us)
{
	uint64_t end = k->now_us + for_us, next;

	for (;;) {
		arrive(k);
		act_all(k);
		next = next_event(k);
		if (next > end)
			break;
		if (next > k->now_us)
			k->now_us = next;
	}
	k->now_us = end;
}

bool meet_kit_say(struct meet_kit *k, int party, char letter, size_t len)
{
	uint8_t text[MEET_MESSAGE_MAX + 1];

	memset(text, letter, sizeof(text));
	return meet_send(k->parties[party].m, bytes_of(text, len), meet_kit_clock(k, party));
}
