#include "link_path.h"

#include <stdlib.h>

#include "link_path_state.h"

#define PACE_LEAST_US  (1 * S)
#define PACE_MOST_US   (15 * S)
#define PATIENCE_US    (500 * MS)  /* at least, until a request counts as unanswered */
#define QUIET_US       (1500 * MS) /* traffic out, and nothing in */
#define ASK_LEAST_US   (200 * MS)  /* between two requests in doubt */
#define ASK_SPREAD_US  (200 * MS)
#define ASKS_LEAST     8 /* in vain, before it is broken: time alone may have jumped */
#define RTT_MOST_US    (3 * S)
#define RTT_UNKNOWN_US (250 * MS)
#define ANSWERS_MAX    20 /* at once, and then one for each ANSWER_US */
#define ANSWER_US      (20 * MS)

static uint32_t below(struct link_path *p, uint32_t limit)
{
	uint8_t random[4] = { 0 };
	struct wire in = wire_read(bytes_of(random, sizeof(random)));

	p->c.random(p->c.arg, random, sizeof(random));
	return wire_get_u32(&in) % limit;
}

static uint64_t by(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t after(uint64_t at_us, uint64_t us)
{
	return at_us == NEVER ? NEVER : at_us + us;
}

uint64_t link_path_rtt(const struct link_path *p)
{
	return p->rtt_us != 0 ? p->rtt_us : RTT_UNKNOWN_US;
}

static uint64_t patience_us(const struct link_path *p)
{
	return 4 * link_path_rtt(p) > PATIENCE_US ? 4 * link_path_rtt(p) : PATIENCE_US;
}

struct link_path *link_path_new(const struct link_path_config *config, uint64_t now_us)
{
	struct link_path *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->c = *config;
	p->began_us = p->sent_us = p->last_us = now_us;
	p->open_us = p->unheard_us = NEVER;
	p->factor = 1000;
	p->answers = ANSWERS_MAX;
	p->answers_us = now_us;
	p->is_doubted = true;
	p->why = "the other side never answered";
	p->ask_us = now_us;
	link_path_width_init(p);
	return p;
}

void link_path_free(struct link_path *p)
{
	if (p == NULL)
		return;
	check_keys_wipe(&p->c.keys);
	free(p);
}

uint16_t link_path_frame_max(const struct link_path *p)
{
	return p->c.is_tcp ? LINK_PATH_FRAME_TCP : p->mtu.good;
}

uint32_t link_path_rtt_us(const struct link_path *p)
{
	return p->rtt_us;
}

struct asked *link_path_ask(struct link_path *p, uint16_t size, uint64_t now_us)
{
	struct asked *a = &p->asked[p->asked_next];
	uint8_t random[12];
	size_t len;

	p->asked_next = (uint8_t)((p->asked_next + 1) % ASKED_MAX);
	p->c.random(p->c.arg, random, sizeof(random));
	*a = (struct asked){
		.tid = stun_tid_make(random), .at_us = now_us, .size = size, .is_open = true
	};
	len = check_write_use(&p->c.keys, &a->tid, p->c.fingerprint, size, p->buf, sizeof(p->buf));
	p->sent_us = now_us;
	if (size == 0) {
		p->last_us = now_us;
		p->open_us = by(p->open_us, now_us);
		p->factor = (uint16_t)(800 + below(p, 401));
	}
	p->c.on_output(p->c.arg, bytes_of(p->buf, len), size > 0);
	return a;
}

static void begin_doubt(struct link_path *p, const char *why, uint64_t now_us)
{
	if (p->is_doubted)
		return;
	p->is_doubted = true;
	p->asks = p->open_us != NEVER;
	p->ask_us = now_us;
	p->why = why;
}

static void end_doubt(struct link_path *p, uint64_t now_us)
{
	p->is_doubted = false;
	link_path_width_doubted(p, now_us);
}

/* Both directions live. */
static void live(struct link_path *p, uint64_t now_us)
{
	p->is_answered = true;
	p->open_us = NEVER;
	if (p->is_doubted)
		end_doubt(p, now_us);
	p->asks = 0;
}

static void measure(struct link_path *p, uint64_t sample_us)
{
	if (sample_us > RTT_MOST_US)
		sample_us = RTT_MOST_US;
	if (sample_us == 0)
		sample_us = 1;
	p->rtt_us = (uint32_t)(p->rtt_us == 0 ? sample_us : (7 * p->rtt_us + sample_us) / 8);
}

static struct asked *find_asked(struct link_path *p, const struct stun_tid *tid)
{
	for (size_t i = 0; i < ASKED_MAX; i++) {
		if (p->asked[i].is_open && stun_tid_equal(&p->asked[i].tid, tid))
			return &p->asked[i];
	}
	return NULL;
}

static void hear(struct link_path *p, uint64_t now_us)
{
	p->unheard_us = NEVER;
	p->heard_us = now_us;
}

void link_path_heard(struct link_path *p, uint64_t now_us)
{
	hear(p, now_us);
	/* TCP carries nothing on in one direction while the other one is dead. */
	if (p->c.is_tcp && p->is_answered)
		live(p, now_us);
}

void link_path_sent(struct link_path *p, uint64_t now_us)
{
	p->sent_us = now_us;
	p->unheard_us = by(p->unheard_us, now_us);
	p->is_used = true;
}

static void take_answer(struct link_path *p, const struct check *c, uint64_t now_us)
{
	struct asked *a = find_asked(p, &c->tid);

	if (a == NULL)
		return;
	a->is_open = false;
	hear(p, now_us);
	if (a->size == 0)
		measure(p, now_us - a->at_us);
	link_path_width_answered(p, a);
	live(p, now_us);
}

static bool was_seen(struct link_path *p, const struct stun_tid *tid)
{
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (stun_tid_equal(&p->seen[i], tid))
			return true;
	}
	p->seen[p->seen_next] = *tid;
	p->seen_next = (uint8_t)((p->seen_next + 1) % SEEN_MAX);
	return false;
}

/* They are no secret and have our key behind them: still nobody makes us send without a bound. */
static bool may_answer(struct link_path *p, uint64_t now_us)
{
	uint64_t more = (now_us - p->answers_us) / ANSWER_US;

	p->answers_us += more * ANSWER_US;
	p->answers = more + p->answers > ANSWERS_MAX ? ANSWERS_MAX : (uint32_t)(more + p->answers);
	if (p->answers == 0)
		return false;
	p->answers--;
	return true;
}

/*
 * Its link has begun: only now do our requests tell it who we are. What was asked before may have been
 * answered by its trial.
 */
static void meet(struct link_path *p, const struct check *c, uint64_t now_us)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		p->asked[i].is_open = false;
	p->open_us = NEVER;
	p->has_peer = true;
	begin_doubt(p, "the other side stopped answering", now_us);
	p->ask_us = now_us;
	if (p->c.on_identity != NULL)
		p->c.on_identity(p->c.arg, c->identity);
}

static void take_request(struct link_path *p, const struct check *c, uint64_t now_us)
{
	size_t len;

	if (was_seen(p, &c->tid) || !may_answer(p, now_us))
		return;
	len = check_write_answer(&p->c.keys, &c->tid, &p->c.remote, p->buf);
	p->sent_us = now_us;
	p->c.on_output(p->c.arg, bytes_of(p->buf, len), false);
	hear(p, now_us);
	if (c->has_identity && !p->has_peer)
		meet(p, c, now_us);
}

bool link_path_input(struct link_path *p, struct bytes frame, uint64_t now_us)
{
	struct check c;

	if (p->is_broken || frame.len == 0 || frame.data[0] > 3)
		return false;
	check_read_use(&p->c.keys, frame, &c);
	if (c.kind == CHECK_REQUEST)
		take_request(p, &c, now_us);
	else if (c.kind == CHECK_ANSWER)
		take_answer(p, &c, now_us);
	return c.kind != CHECK_FOREIGN;
}

void link_path_doubt(struct link_path *p, uint64_t now_us)
{
	if (p->is_broken || p->is_doubted ||
	    (p->doubt_us != 0 && now_us < p->doubt_us + LINK_PATH_DOUBT_LEAST_US))
		return;
	p->doubt_us = now_us;
	begin_doubt(p, "it was reported unreachable, and nothing answered", now_us);
}

/*
 * Traffic keeps mappings as well as a request does; but whether the other side lives is asked every
 * so often in any case (RFC 7675, section 5.1: from 0.8 to 1.2 of the interval).
 */
static uint64_t keepalive_us(const struct link_path *p)
{
	uint64_t pace_us = PACE_MOST_US, most_us = PACE_MOST_US * p->factor / 1000;

	if (p->c.lifetime_s != 0 && !p->c.is_tcp)
		pace_us = (uint64_t)p->c.lifetime_s * S / 3;
	if (pace_us > PACE_MOST_US)
		pace_us = PACE_MOST_US;
	if (pace_us < PACE_LEAST_US)
		pace_us = PACE_LEAST_US;
	return by(p->sent_us + pace_us * p->factor / 1000, p->last_us + most_us);
}

/* Until the other side's link is known to be there. */
static uint64_t greeting_us(const struct link_path *p)
{
	if (p->has_peer || p->last_us >= p->began_us + LINK_PATH_MEET_US)
		return NEVER;
	return p->last_us + ASK_LEAST_US + ASK_SPREAD_US * (p->factor - 800u) / 400;
}

/*
 * TCP repeats what was lost by itself. And where the other side still is heard, answers may be behind
 * seconds of data in a queue; should it not hear us, it finds out.
 */
static bool is_patient(const struct link_path *p)
{
	return p->c.is_tcp || p->heard_us + QUIET_US >= p->open_us + LINK_PATH_SILENCE_US;
}

static uint64_t broken_us(const struct link_path *p)
{
	if (!p->is_doubted || p->asks < ASKS_LEAST || p->open_us == NEVER)
		return NEVER;
	return p->open_us + (is_patient(p) ? 2u : 1u) * LINK_PATH_SILENCE_US;
}

static uint64_t doubt_at_us(const struct link_path *p)
{
	return by(after(p->open_us, patience_us(p)), after(p->unheard_us, QUIET_US));
}

static void look_for_doubt(struct link_path *p, uint64_t now_us)
{
	if (p->is_doubted)
		return;
	if (now_us >= after(p->open_us, patience_us(p)))
		begin_doubt(p, "the other side stopped answering", now_us);
	else if (now_us >= after(p->unheard_us, QUIET_US))
		begin_doubt(p, "nothing came back", now_us);
}

static void ask_in_doubt(struct link_path *p, uint64_t now_us)
{
	if (now_us < p->ask_us)
		return;
	p->asks++;
	p->ask_us = now_us + ASK_LEAST_US + below(p, ASK_SPREAD_US);
	(void)link_path_ask(p, 0, now_us);
}

uint64_t link_path_next_us(const struct link_path *p)
{
	uint64_t next_us;

	if (p->is_broken)
		return NEVER;
	if (p->is_doubted)
		return by(p->ask_us, broken_us(p));
	next_us = by(doubt_at_us(p), greeting_us(p));
	next_us = by(next_us, link_path_width_next_us(p));
	return by(next_us, keepalive_us(p));
}

void link_path_on_time(struct link_path *p, uint64_t now_us)
{
	if (p->is_broken)
		return;
	look_for_doubt(p, now_us);
	if (now_us >= broken_us(p)) {
		p->is_broken = true;
		p->c.on_broken(p->c.arg, p->why);
		return;
	}
	if (p->is_doubted) {
		ask_in_doubt(p, now_us);
		return;
	}
	link_path_width_on_time(p, now_us);
	if (now_us >= greeting_us(p) || now_us >= keepalive_us(p))
		(void)link_path_ask(p, 0, now_us);
}
