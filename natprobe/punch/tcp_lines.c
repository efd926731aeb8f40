#include "tcp_state.h"

#include "addr_special.h"
#include "nat64.h"

/* An attempt that was refused may begin again after this long; less would be a flood. */
#define AGAIN_MIN_US 2000
#define AGAIN_MAX_US 8000
/* What is refused again and again is asked ever more slowly. */
#define PATIENT_TRIES 60
#define SLOW_MIN_US   20000
#define SLOW_MAX_US   250000
/* Silence: longer than a round trip, since an answer that comes late would meet no socket. */
#define SILENCE_MIN_US 600000
#define SILENCE_MAX_US 1500000
#define RTT_UNKNOWN_US 200000

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

static bool is_of(const struct peer_endpoint *e, const struct punch_step *step, uint8_t path)
{
	return e->is_tcp && e->set == step->set && e->path == path && e->kind != PEER_RELAYED;
}

static void find_ports(struct tcp_open *t)
{
	const struct peer_offer *offer = t->c.our_offer;

	for (size_t i = 0; i < offer->endpoint_count; i++) {
		const struct peer_endpoint *e = &offer->endpoints[i];
		bool is_local = e->kind == PEER_HOST;

		if (!is_of(e, &t->step, t->ours->path) || t->ports[is_local] != 0)
			continue;
		t->ports[is_local] = e->local_port;
		if (e->kind == PEER_MAPPED) {
			t->seen.announced = e->addr;
			t->seen.local = addr_with_port(&our_path(t)->local, e->local_port);
		}
	}
}

/* As our host has to write it: behind a NAT64 IPv4 has another look. */
static bool reachable_as(const struct tcp_open *t, const struct addr *a, struct addr *out)
{
	const struct peer_path *path = our_path(t);

	*out = *a;
	if (a->port == 0 || addr_is_any(a))
		return false;
	if (a->family == path->family)
		return true;
	return path->nat64_prefix.family != ADDR_NONE &&
	       nat64_embed(&path->nat64_prefix, path->nat64_prefix_len, a, out);
}

/* A peer must not make us knock at the doors of our own network, unless it may be there. */
static bool may_be_tried(const struct tcp_open *t, const struct peer_endpoint *e)
{
	struct addr_special_hit hit;

	if (addr_is_loopback(&e->addr))
		return false;
	if (e->kind == PEER_HOST && !t->step.is_local)
		return false;
	if (e->kind != PEER_HOST && !addr_special_judge(&e->addr, &hit))
		return true;
	return peer_may_be_ours(our_path(t), their_path(t));
}

static bool has_line(const struct tcp_open *t, const struct addr *to, uint16_t port)
{
	for (size_t i = 0; i < t->line_count; i++) {
		if (t->lines[i].port == port && addr_equal(&t->lines[i].to, to))
			return true;
	}
	return false;
}

static void add_line(struct tcp_open *t, const struct peer_endpoint *e)
{
	bool is_local = e->kind == PEER_HOST;
	size_t room = t->c.slot_count > TCP_PORTS ? t->c.slot_count - TCP_PORTS : 0;
	struct addr to;

	if (t->line_count == TCP_LINES_MAX || t->line_count >= room || !may_be_tried(t, e) ||
	    !reachable_as(t, &e->addr, &to) || has_line(t, &to, t->ports[is_local]))
		return;
	t->lines[t->line_count] = (struct tcp_line){
		.to = to,
		.port = t->ports[is_local],
		.is_local = is_local,
		.slot = (uint16_t)(t->c.first_slot + TCP_PORTS + t->line_count),
		.next_us = t->c.start_us,
	};
	t->line_count++;
}

void tcp_lines_make(struct tcp_open *t)
{
	const struct peer_offer *offer = t->c.their_offer;

	t->rtt_us = (uint64_t)our_path(t)->rtt_us + their_path(t)->rtt_us;
	if (our_path(t)->rtt_us == 0 || their_path(t)->rtt_us == 0)
		t->rtt_us += RTT_UNKNOWN_US;
	find_ports(t);
	for (size_t i = 0; i < offer->endpoint_count; i++) {
		if (is_of(&offer->endpoints[i], &t->step, t->theirs->path))
			add_line(t, &offer->endpoints[i]);
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
	return t->step.strategy == PUNCH_TCP_LOW_TTL && t->ours->opener_ttl != 0 && !l->is_local;
}

/* The TTL of its next SYN: where it is not known how many hops it takes, it climbs; 0: as usual. */
static uint8_t ttl_of(const struct tcp_open *t, const struct tcp_line *l, uint64_t now_us)
{
	if (!has_openers(t, l) || l->tries >= OPENERS || now_us >= settled_us(t))
		return 0;
	return (uint8_t)(t->ours->opener_ttl +
			 (l->tries < t->ours->opener_rungs ? l->tries : t->ours->opener_rungs));
}

static uint64_t patience_us(const struct tcp_open *t)
{
	uint64_t us = 2 * t->rtt_us + 200000;

	if (us < SILENCE_MIN_US)
		us = SILENCE_MIN_US;
	if (us > SILENCE_MAX_US)
		us = SILENCE_MAX_US;
	/* Never in step with the other side for long. */
	return us + tcp_random(t, (uint32_t)us / 4);
}

void tcp_line_begin(struct tcp_open *t, struct tcp_line *l, uint64_t now_us,
		    struct punch_action *action)
{
	uint8_t ttl = ttl_of(t, l, now_us);

	l->until_us = now_us + (ttl != 0 ? OPENER_AGAIN_US : patience_us(t));
	if (ttl != 0 && l->until_us > settled_us(t))
		l->until_us = settled_us(t);
	l->tries++;
	t->seen.tcp_connects++;
	t->conns[l->slot] = (struct tcp_conn){
		.state = TCP_CONN_CONNECTING,
		.line = (uint8_t)(l - t->lines),
		.remote = l->to,
		.began_us = now_us,
	};
	*action = (struct punch_action){
		.kind = PUNCH_CONNECT,
		.path = t->ours->path,
		.slot = l->slot,
		.port = l->port,
		.to = l->to,
		.ttl = ttl,
	};
}

static uint64_t between(const struct tcp_open *t, uint32_t low, uint32_t high)
{
	return low + tcp_random(t, high - low);
}

void tcp_line_again(struct tcp_open *t, struct tcp_line *l, enum punch_stream what, uint64_t now_us)
{
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
