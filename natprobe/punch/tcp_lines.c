#include "tcp_state.h"

/* An attempt that was refused may begin again after this long; less would be a flood. */
#define AGAIN_MIN_US 2000
#define AGAIN_MAX_US 8000
/* What is refused again and again is asked ever more slowly. */
#define PATIENT_TRIES 60
#define SLOW_MIN_US   20000
#define SLOW_MAX_US   250000
/* Silence: longer than a round trip, since an answer that comes late would meet no socket. */
#define SILENCE_MIN_US 600000
#define SILENCE_MAX_US 3000000
#define SYN_AGAIN_US   1000000 /* systems send a SYN again after that */
#define RTT_UNKNOWN_US 200000
#define SEARCH_US      150000

#define OPENERS         3
#define OPENER_AGAIN_US 60000
/* All openers have left by then, and with them what they open; unless the plan knows better. */
#define SETTLE_US 300000

static const struct peer_path *our_path(const struct tcp_open *t)
{
	return &t->c.ours->paths[t->ours->path];
}

static const struct peer_path *their_path(const struct tcp_open *t)
{
	return &t->c.theirs->paths[t->theirs->path];
}

static void add_line(struct tcp_open *t, uint16_t port, uint8_t target, uint8_t stride)
{
	t->lines[t->line_count] = (struct tcp_line){
		.target = target,
		.stride = stride,
		.port = port,
		.is_local = t->targets[target].is_local,
		.slot = (uint16_t)(t->c.first_slot + TCP_PORTS + t->line_count),
		.next_us = t->c.start_us,
	};
	t->line_count++;
}

/* How many lines there may be. */
static size_t room(const struct tcp_open *t)
{
	size_t slots = t->c.slot_count > TCP_PORTS ? t->c.slot_count - TCP_PORTS : 0;

	return slots < TCP_LINES_MAX ? slots : TCP_LINES_MAX;
}

/* Those of the own network come first, with a line each. */
static uint8_t add_local_lines(struct tcp_open *t)
{
	struct tcp_target sorted[TCP_TARGETS_MAX];
	uint8_t locals = 0, others = 0;

	for (size_t i = 0; i < t->target_count; i++)
		locals = (uint8_t)(locals + t->targets[i].is_local);
	for (size_t i = 0, at = 0; i < t->target_count; i++) {
		const struct tcp_target *from = &t->targets[i];

		sorted[from->is_local ? at++ : locals + others++] = *from;
	}
	memcpy(t->targets, sorted, t->target_count * sizeof(sorted[0]));
	for (uint8_t i = 0; i < locals && t->line_count < room(t); i++)
		add_line(t, t->ports[1], i, 0);
	return locals;
}

void tcp_lines_make(struct tcp_open *t)
{
	uint8_t first;
	size_t each, rest;

	t->rtt_us = (uint64_t)our_path(t)->rtt_us + their_path(t)->rtt_us;
	if (our_path(t)->rtt_us == 0 || their_path(t)->rtt_us == 0)
		t->rtt_us += RTT_UNKNOWN_US;
	tcp_targets_make(t);
	first = add_local_lines(t);
	rest = (size_t)t->target_count - first;
	each = (room(t) - t->line_count) / t->source_count;
	each = each < rest ? each : rest;
	if (t->is_following && each > 1)
		each = 1;
	for (uint8_t i = 0; i < each; i++) {
		for (size_t s = 0; s < t->source_count; s++)
			add_line(t, t->sources[s], (uint8_t)(first + i),
				 rest > each ? (uint8_t)each : 0);
	}
}

struct tcp_line *tcp_lines_next(struct tcp_open *t)
{
	struct tcp_line *next = NULL;

	for (size_t i = 0; i < t->line_count; i++) {
		struct tcp_line *l = &t->lines[i];

		if (t->conns[l->slot].state != TCP_CONN_FREE || l->next_us >= t->c.end_us)
			continue;
		if (next == NULL || l->next_us < next->next_us)
			next = l;
	}
	return next;
}

static uint64_t settled_us(const struct tcp_open *t)
{
	return t->c.start_us + (t->step.settle_us != 0 ? t->step.settle_us : SETTLE_US);
}

static bool has_openers(const struct tcp_open *t, const struct tcp_line *l)
{
	return t->step.strategy == PUNCH_TCP_LOW_TTL && t->ours->opener_ttl != 0 && !l->is_local &&
	       l->stride == 0;
}

/* The TTL of its next SYN: where it is not known how many hops it takes, it climbs; 0: as usual. */
static uint8_t ttl_of(const struct tcp_open *t, const struct tcp_line *l, uint64_t now_us)
{
	if (!has_openers(t, l) || l->tries >= OPENERS || now_us >= settled_us(t))
		return 0;
	return (uint8_t)(t->ours->opener_ttl +
			 (l->tries < t->ours->opener_rungs ? l->tries : t->ours->opener_rungs));
}

static uint64_t patience_us(const struct tcp_open *t, const struct tcp_line *l)
{
	uint64_t us = 2 * t->rtt_us + 200000;

	if (l->stride != 0) /* there are other ports to be tried */
		return t->rtt_us + SEARCH_US;
	if (us < SILENCE_MIN_US)
		us = SILENCE_MIN_US;
	/* Theirs may be under way when ours is sent again: what one of both lost costs no more. */
	if (us > SYN_AGAIN_US)
		us += SYN_AGAIN_US;
	if (us > SILENCE_MAX_US)
		us = SILENCE_MAX_US;
	/* Never in step with the other side for long. */
	return us + tcp_random(t, (uint32_t)us / 4);
}

void tcp_line_begin(struct tcp_open *t, struct tcp_line *l, uint64_t now_us,
		    struct punch_action *action)
{
	uint8_t ttl = ttl_of(t, l, now_us);

	l->until_us = now_us + (ttl != 0 ? OPENER_AGAIN_US : patience_us(t, l));
	if (ttl != 0 && l->until_us > settled_us(t))
		l->until_us = settled_us(t);
	l->tries++;
	t->seen.tcp_connects = (uint16_t)(t->seen.tcp_connects + !l->is_local);
	t->conns[l->slot] = (struct tcp_conn){
		.state = TCP_CONN_CONNECTING,
		.line = (uint8_t)(l - t->lines),
		.remote = t->targets[l->target].to,
		.began_us = now_us,
	};
	*action = (struct punch_action){
		.kind = PUNCH_CONNECT,
		.path = t->ours->path,
		.slot = l->slot,
		.port = l->port,
		.to = t->targets[l->target].to,
		.ttl = ttl,
	};
}

static uint64_t between(const struct tcp_open *t, uint32_t low, uint32_t high)
{
	return low + tcp_random(t, high - low);
}

/* The next port that is searched: each line has every so many. */
static void move_on(const struct tcp_open *t, struct tcp_line *l)
{
	uint8_t first = 0;

	while (first < t->target_count && t->targets[first].is_local)
		first++;
	if (l->target + l->stride < t->target_count)
		l->target = (uint8_t)(l->target + l->stride);
	else
		l->target = (uint8_t)(first + (l->target - first) % l->stride);
}

void tcp_line_again(struct tcp_open *t, struct tcp_line *l, enum punch_stream what, uint64_t now_us)
{
	if (l->stride != 0)
		move_on(t, l);
	/* Both have to be underway at once: who waits long between two attempts, misses it. */
	if (what == PUNCH_STREAM_REFUSED)
		l->refused++;
	if (l->refused > PATIENT_TRIES || what == PUNCH_STREAM_FAILED)
		l->next_us = now_us + between(t, SLOW_MIN_US, SLOW_MAX_US);
	else
		l->next_us = now_us + between(t, AGAIN_MIN_US, AGAIN_MAX_US);
	/* An opener has done its work: now the other side's have to be waited for. */
	if (has_openers(t, l) && l->tries >= OPENERS && l->next_us < settled_us(t))
		l->next_us = settled_us(t);
}
