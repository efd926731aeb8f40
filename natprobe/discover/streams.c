#include "streams.h"

#include "stun_stream.h"

/* How much longer than the handshake took the answer on a connection is waited for. */
#define ANSWER_TAIL_US 2000000

/*
 * After which TCP sends again (RFC 6298): a SYN; data, three round trips at first. Each next
 * wait is twice as long.
 */
#define SYN_AGAIN_US      1000000
#define DATA_AGAIN_US     200000
#define DATA_AGAIN_MAX_US 3000000

uint8_t streams_connect(struct streams *s, uint8_t server, const struct addr *to, uint16_t port,
			const uint8_t random[static 12], uint64_t now_us, struct bytes *request)
{
	struct stream *c = &s->list[s->count];
	struct stun_builder b;

	*c = (struct stream){
		.to = *to,
		.port = port,
		.server = server,
		.begun_us = now_us,
		.tid = stun_tid_make(random),
	};
	b = stun_build(s->request, sizeof(s->request), STUN_BINDING, STUN_REQUEST, &c->tid);
	*request = (struct bytes){ 0 };
	(void)stun_build_finish(&b, request);
	return s->count++;
}

void streams_on_connected(struct streams *s, uint8_t number, const struct addr *local,
			  uint64_t now_us)
{
	struct stream *c = &s->list[number];

	if (c->connected || c->closed)
		return;
	c->connected = true;
	c->local = *local;
	c->connected_us = now_us;
}

/* Any answer shows that somebody is there; only a success tells an address. */
static void read_answer(struct stream *c, struct bytes frame)
{
	struct probe_answer answer = { .from = c->to };
	struct stun_msg msg;

	if (stun_msg_parse(frame, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    (msg.class != STUN_SUCCESS && msg.class != STUN_ERROR) ||
	    !stun_tid_equal(&msg.tid, &c->tid))
		return;
	c->answered = true;
	if (msg.class == STUN_ERROR)
		return;
	probe_read_answer(&msg, &answer);
	if (probe_answer_fits(&answer, &c->to))
		c->mapped = answer.mapped;
	c->other = answer.other;
	c->nat64_len = answer.nat64_len;
}

static void note_rtt(struct streams *s, const struct stream *c)
{
	uint64_t handshake_us = c->connected_us - c->begun_us;
	uint64_t answer_us = c->answered_us - c->connected_us;
	uint64_t rtt_us = handshake_us > answer_us ? handshake_us : answer_us;

	if (rtt_us == 0)
		rtt_us = 1;
	if (s->rtt_us == 0 || rtt_us < s->rtt_us)
		s->rtt_us = rtt_us;
}

void streams_on_data(struct streams *s, uint8_t number, struct bytes data, uint64_t now_us)
{
	struct stream *c = &s->list[number];
	size_t room = sizeof(c->data) - c->len;
	size_t n = data.len < room ? data.len : room;
	struct bytes frame;
	size_t used;

	if (n == 0 || !c->connected || c->closed || c->answered)
		return;
	memcpy(c->data + c->len, data.data, n);
	c->len += n;
	if (stun_stream_next(bytes_of(c->data, c->len), sizeof(c->data), &frame, &used) == STUN_OK)
		read_answer(c, frame);
	if (!c->answered)
		return;
	c->answered_us = now_us;
	note_rtt(s, c);
}

void streams_on_closed(struct streams *s, uint8_t number)
{
	s->list[number].closed = true;
}

bool streams_are_answered(const struct streams *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].answered)
			return true;
	}
	return false;
}

bool streams_have_failed(const struct streams *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (!s->list[i].closed)
			return false;
	}
	return s->count > 0;
}

bool streams_are_hopeful(const struct streams *s, uint64_t now_us)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct stream *c = &s->list[i];
		uint64_t handshake_us = c->connected_us - c->begun_us;

		if (c->connected && !c->closed && !c->answered &&
		    now_us < c->connected_us + handshake_us + ANSWER_TAIL_US)
			return true;
	}
	return false;
}

/* Copies that were sent within this time, and when the next one follows. */
static unsigned copies_within(uint64_t time_us, uint64_t first_us, uint64_t *next_us)
{
	unsigned copies = 1;
	uint64_t at_us = first_us, wait_us = first_us;

	while (at_us <= time_us) {
		copies++;
		wait_us *= 2;
		at_us += wait_us;
	}
	*next_us = at_us;
	return copies;
}

static uint64_t data_again_us(const struct stream *c)
{
	uint64_t again_us = 3 * (c->connected_us - c->begun_us);

	if (again_us < DATA_AGAIN_US)
		return DATA_AGAIN_US;
	return again_us < DATA_AGAIN_MAX_US ? again_us : DATA_AGAIN_MAX_US;
}

unsigned streams_copies(const struct stream *c, uint64_t now_us)
{
	uint64_t next_us;

	if (now_us < (c->connected ? c->connected_us : c->begun_us))
		return 0;
	if (c->connected)
		return copies_within(now_us - c->connected_us, data_again_us(c), &next_us);
	return copies_within(now_us - c->begun_us, SYN_AGAIN_US, &next_us);
}

uint64_t streams_next_copy_us(const struct stream *c, uint64_t now_us)
{
	uint64_t next_us;

	if (c->connected) {
		(void)copies_within(now_us - c->connected_us, data_again_us(c), &next_us);
		return c->connected_us + next_us;
	}
	(void)copies_within(now_us - c->begun_us, SYN_AGAIN_US, &next_us);
	return c->begun_us + next_us;
}

/* Copies before the one that got through, over a path of that round trip. */
static unsigned lost_within(uint64_t took_us, uint64_t rtt_us, uint64_t first_us)
{
	uint64_t next_us;

	if (took_us < rtt_us + first_us / 2)
		return 0;
	return copies_within(took_us - rtt_us + first_us / 10, first_us, &next_us) - 1;
}

struct probe_loss streams_loss(const struct streams *s)
{
	struct probe_loss loss = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		const struct stream *c = &s->list[i];

		if (!c->connected)
			continue;
		loss.answered++;
		loss.lost += lost_within(c->connected_us - c->begun_us, s->rtt_us, SYN_AGAIN_US);
		if (!c->answered)
			continue;
		loss.answered++;
		loss.lost +=
			lost_within(c->answered_us - c->connected_us, s->rtt_us, data_again_us(c));
	}
	return loss;
}

bool streams_hang_up(struct streams *s, bool all, uint8_t *number)
{
	for (uint8_t i = 0; i < s->count; i++) {
		struct stream *c = &s->list[i];

		if (c->closed || c->hung_up || (!all && !c->unwanted))
			continue;
		c->hung_up = true;
		*number = i;
		return true;
	}
	return false;
}
