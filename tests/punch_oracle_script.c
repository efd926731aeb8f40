#include "punch_oracle_script.h"

#include <stdlib.h>

#include "addr_special.h"
#include "rng.h"
#include "sim_pair.h"
#include "sim_net.h"
#include "stun_attr.h"
#include "stun_stream.h"

#define PORT         40000
#define ASKS         4 /* s0 to both servers, then two fresh sockets */
#define ASK_AGAIN_US 1000000
#define ASKS_MOST    7
#define SAMPLES_GAP  1000
#define POLL_US      20000
#define INFORM_US    100000 /* until both sides know of each other */
#define LATER_US     1000000
#define MEET_US      1500000 /* from here on all send as usual */
#define AGAIN_US     500000
#define VOLLEYS      6
#define RETRY_US     50000
#define WINDOW       20
#define TARGETS_MAX  1024
#define SOCKET_FRESH 3 /* 0: the one that is known, 1 and 2: samples */
#define FIRST_LINE   5 /* of connections to the other side */
#define LINES        24
#define PATIENCE_US  9000000

/* What a side knows of itself, and tells. */
struct view {
	bool is_known, is_done; /* its addresses; its samples */
	struct addr local;
	struct addr seen[ASKS];
	uint16_t low, high; /* of many samples */
	unsigned samples;
	bool got_answer; /* it sent something, and heard the answer to it */
};

struct end {
	unsigned who;
	struct addr servers[2];
	struct rng rng;
	struct punch_action queue[8];
	size_t first, count;
	unsigned ask, tries; /* which is asked */
	uint64_t next_us;
	unsigned sampled;
	bool is_open[PUNCH_SLOTS_MAX];
	uint16_t to_open;
	uint64_t start_us; /* by its own clock; 0: not yet */
	uint64_t base_us;
	struct addr targets[TARGETS_MAX];
	unsigned target_count, volley, at;
	bool line_is_low[PUNCH_CONNECTIONS_MAX];
	uint64_t line_due_us[PUNCH_CONNECTIONS_MAX]; /* 0: it is under way, or stands */
	uint8_t in[PUNCH_CONNECTIONS_MAX][128];
	size_t in_len[PUNCH_CONNECTIONS_MAX];
};

static const struct oracle_schedule *schedule;
static const struct nat_profile *profiles[2];
static struct view views[2];
static uint64_t done_us; /* since the start, when the last samples came */
static uint64_t seed_of_run;
static uint8_t request[32];

static void put(struct end *e, const struct punch_action *a)
{
	if (e->count < ARRAY_LEN(e->queue))
		e->queue[(e->first + e->count++) % ARRAY_LEN(e->queue)] = *a;
}

static struct bytes build_request(uint8_t number)
{
	const struct stun_tid tid = { .bytes = { 0x21, 0x12, 0xa4, 0x42, number } };
	struct stun_builder b =
		stun_build(request, sizeof(request), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out = { 0 };

	(void)stun_build_finish(&b, &out);
	return out;
}

static void *make(const struct punch_config *config)
{
	struct sim_config c = { 0 };
	struct end *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	e->who = config->is_a ? 0 : 1;
	c.profile = profiles[profiles[1] != NULL ? e->who : 0];
	e->servers[0] = sim_endpoint(&c, 0, 0);
	e->servers[1] = sim_endpoint(&c, 0, 2);
	e->rng = rng_seed(seed_of_run ^ (0x77u + e->who));
	return e;
}

static unsigned samples_wanted(const struct end *e)
{
	return schedule->guesses[1 - e->who] > 0 ? 64 : 0;
}

static unsigned fresh_wanted(const struct end *e)
{
	unsigned n = schedule->sockets[e->who];

	if (schedule->way[e->who] == ORACLE_FRESH)
		n = 1;
	return n > samples_wanted(e) ? n : samples_wanted(e);
}

/* --- what is known before --- */

static uint16_t ask_slot(const struct end *e)
{
	if (schedule->is_tcp)
		return (uint16_t)(1 + e->ask);
	return (uint16_t)(e->ask < 2 ? 0 : e->ask - 1);
}

static void ask(struct end *e, struct punch_action *a)
{
	bool second = e->ask == 1;

	*a = (struct punch_action){ .kind = schedule->is_tcp ? PUNCH_CONNECT : PUNCH_SEND,
				    .slot = ask_slot(e),
				    .to = e->servers[second],
				    .port = (uint16_t)(PORT + (e->ask < 2 ? 0 : e->ask - 1)),
				    .data = build_request((uint8_t)e->ask) };
}

static void on_seen(struct end *e, struct bytes data, uint64_t now_us)
{
	struct view *v = &views[e->who];
	struct addr seen;
	struct stun_msg msg;
	struct bytes value;

	if (stun_msg_parse(data, &msg) != STUN_OK ||
	    !stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg.tid, &seen) != STUN_OK)
		return;
	if (msg.tid.bytes[4] >= ASKS) {
		if (v->samples++ == 0)
			v->low = v->high = seen.port;
		v->low = seen.port < v->low ? seen.port : v->low;
		v->high = seen.port > v->high ? seen.port : v->high;
		return;
	}
	if (msg.tid.bytes[4] != e->ask)
		return;
	v->seen[e->ask++] = seen;
	e->tries = 0;
	e->next_us = now_us;
	v->is_known = e->ask >= 2;
}

static void end_asks(struct end *e, uint64_t now_us)
{
	views[e->who].is_done = true;
	done_us = now_us - e->base_us > done_us ? now_us - e->base_us : done_us;
}

/* The next question, or none. */
static bool next_ask(struct end *e, uint64_t now_us, struct punch_action *a)
{
	if (e->ask == 2 && !views[1 - e->who].is_known) {
		e->next_us = now_us + POLL_US;
		return false; /* the samples shall be young */
	}
	if (e->ask < ASKS) {
		if (e->tries++ == ASKS_MOST || (schedule->is_tcp && e->tries > 1)) {
			e->ask++; /* it stays unknown */
			e->tries = 0;
			views[e->who].is_known = e->ask >= 2;
			return false;
		}
		e->next_us = now_us + (schedule->is_tcp ? PATIENCE_US / 3 : ASK_AGAIN_US);
		ask(e, a);
		return true;
	}
	if (e->sampled < samples_wanted(e)) {
		*a = (struct punch_action){ .kind = PUNCH_SEND,
					    .slot = (uint16_t)(SOCKET_FRESH + e->sampled++),
					    .to = e->servers[0],
					    .data = build_request(ASKS) };
		e->next_us = now_us +
			     (e->sampled == samples_wanted(e) ? 1000 * SAMPLES_GAP : SAMPLES_GAP);
		return true;
	}
	end_asks(e, now_us);
	return false;
}

/* --- where to --- */

static bool reach(const struct end *e, const struct addr *to, struct addr *out)
{
	const struct nat_profile *p = profiles[profiles[1] != NULL ? e->who : 0];
	const struct sim_config c = { .profile = p };
	bool has_nat64 = false;

	for (size_t i = 0; i < p->layer_count; i++)
		has_nat64 = has_nat64 || p->layers[i].nat64_prefix.family == ADDR_IPV6;
	if (to->family == ADDR_NONE || to->port == 0 || (to->family != p->family && !has_nat64))
		return false;
	if (to->family != p->family && to->family != ADDR_IPV4)
		return false;
	*out = sim_reach(&c, to);
	return true;
}

static void aim(struct end *e, const struct addr *at, long port)
{
	struct addr to = *at;

	to.port = (uint16_t)port;
	if (port <= 0 || port > UINT16_MAX || e->target_count == TARGETS_MAX ||
	    !reach(e, &to, &e->targets[e->target_count]))
		return;
	e->target_count++;
}

static void aim_steps(struct end *e, const struct addr *last, long step)
{
	if (step == 0)
		return;
	for (long i = 1; i <= WINDOW; i++)
		aim(e, last, last->port + i * step);
}

/* Of two ports, one after the other: what was added; a jump is none. */
static long step_of(const struct addr *a, const struct addr *b)
{
	long step = (long)b->port - a->port;

	return step > 256 || step < -256 ? 0 : step;
}

/* Its socket as it was seen, on all addresses that it was seen at. */
static void aim_announced(struct end *e, const struct view *v)
{
	aim(e, &v->seen[0], v->seen[0].port);
	for (size_t i = 1; i < ASKS; i++) {
		bool is_new = v->seen[i].family != ADDR_NONE;

		for (size_t k = 0; k < i; k++)
			is_new = is_new && !addr_equal_ip(&v->seen[i], &v->seen[k]);
		if (is_new)
			aim(e, &v->seen[i], v->seen[0].port);
	}
}

static void aim_guesses(struct end *e, const struct view *v, unsigned n)
{
	unsigned span = v->high - v->low + 1u;
	uint64_t bits[1024] = { 0 };

	if (v->samples < 8)
		return;
	for (unsigned i = 0; i < n && i < span / 2; i++) {
		uint32_t k;

		do {
			k = rng_below(&e->rng, span);
		} while ((bits[k / 64] >> k % 64 & 1) != 0);
		bits[k / 64] |= (uint64_t)1 << k % 64;
		aim(e, &v->seen[0], (long)v->low + k);
	}
}

static void choose_targets(struct end *e)
{
	const struct view *v = &views[1 - e->who];

	e->target_count = 0;
	if (schedule->guesses[e->who] > 0) {
		aim_guesses(e, v, schedule->guesses[e->who]);
		return;
	}
	switch (schedule->way[1 - e->who]) {
	case ORACLE_HOST:
		aim(e, &v->local, PORT);
		break;
	case ORACLE_NEXT:
	case ORACLE_FRESH:
		aim_steps(e, &v->seen[3], step_of(&v->seen[2], &v->seen[3]));
		break;
	case ORACLE_FURTHER:
		aim_steps(e, &v->seen[1], step_of(&v->seen[0], &v->seen[1]));
		break;
	default:
		aim_announced(e, v);
		break;
	}
}

/* --- the schedule --- */

static uint8_t opener_ttl(const struct end *e)
{
	return (uint8_t)(profiles[profiles[1] != NULL ? e->who : 0]->layer_count + 1);
}

static uint64_t volley_us(const struct end *e, unsigned n)
{
	bool is_second = schedule->first == (e->who == 0 ? ORACLE_B : ORACLE_A);

	if (n == 0)
		return e->start_us + (is_second ? LATER_US : 0);
	return e->start_us + MEET_US + (n - 1) * AGAIN_US;
}

static unsigned first_socket(const struct end *e)
{
	bool is_fresh = schedule->sockets[e->who] > 0 || schedule->way[e->who] == ORACLE_FRESH;

	return is_fresh ? SOCKET_FRESH : 0;
}

static unsigned socket_count(const struct end *e)
{
	return schedule->sockets[e->who] > 0 ? schedule->sockets[e->who] : 1;
}

/* With several sockets that guess each has its own share of the targets. */
static bool next_shot(struct end *e, uint64_t now_us, struct punch_action *a)
{
	unsigned sockets = socket_count(e), shots;
	bool shares = schedule->guesses[e->who] > 0 && sockets > 1;

	shots = shares ? e->target_count : e->target_count * sockets;
	if (schedule->waits[e->who] || e->volley >= VOLLEYS || shots == 0 ||
	    (sockets * e->target_count > 64 && e->volley >= 2)) {
		e->next_us = e->start_us + PATIENCE_US / 2;
		return false;
	}
	if (now_us < volley_us(e, e->volley)) {
		e->next_us = volley_us(e, e->volley);
		return false;
	}
	*a = (struct punch_action){
		.kind = PUNCH_SEND,
		.slot = (uint16_t)(first_socket(e) + e->at % sockets),
		.to = e->targets[shares ? e->at : e->at / sockets],
		.ttl = e->volley == 0 && schedule->low[e->who] ? opener_ttl(e) : 0,
		.data = bytes_of_str("Q"),
	};
	e->next_us = now_us + 300;
	if (++e->at == shots) {
		e->at = 0;
		e->volley++;
	}
	return true;
}

static bool next_line(struct end *e, uint64_t now_us, struct punch_action *a)
{
	e->next_us = e->start_us + PATIENCE_US;
	for (unsigned i = 0; i < e->target_count && i < LINES && !schedule->waits[e->who]; i++) {
		unsigned slot = FIRST_LINE + i;

		if (e->line_due_us[slot] == 0)
			continue;
		if (e->line_due_us[slot] > now_us) {
			e->next_us = e->line_due_us[slot] < e->next_us ? e->line_due_us[slot]
								       : e->next_us;
			continue;
		}
		e->line_due_us[slot] = 0;
		*a = (struct punch_action){ .kind = PUNCH_CONNECT,
					    .slot = (uint16_t)slot,
					    .port = schedule->way[e->who] == ORACLE_FRESH ? PORT + 3
											  : PORT,
					    .to = e->targets[i],
					    .ttl = e->line_is_low[slot] ? opener_ttl(e) : 0 };
		e->next_us = now_us;
		return true;
	}
	return false;
}

static void start(struct end *e)
{
	e->start_us = e->base_us + done_us + INFORM_US;
	e->next_us = e->start_us;
	choose_targets(e);
	for (unsigned i = FIRST_LINE; i < FIRST_LINE + LINES; i++) {
		e->line_is_low[i] = schedule->low[e->who];
		e->line_due_us[i] = volley_us(e, 0);
	}
}

static bool open_next(struct end *e, struct punch_action *a)
{
	unsigned sockets = schedule->is_tcp ? 1 : SOCKET_FRESH + fresh_wanted(e);

	if (e->to_open == sockets)
		return false;
	*a = (struct punch_action){ .kind = schedule->is_tcp ? PUNCH_LISTEN : PUNCH_OPEN,
				    .slot = e->to_open,
				    .port = (uint16_t)(PORT + e->to_open) };
	if (schedule->is_tcp && schedule->way[e->who] == ORACLE_FRESH)
		a->port = PORT + 3;
	e->to_open++;
	return true;
}

static enum punch_kind next(void *end, uint64_t now_us, struct punch_action *a)
{
	struct end *e = end;

	if (e->base_us == 0)
		e->base_us = e->next_us = now_us;
	if (e->count > 0) {
		*a = e->queue[e->first];
		e->first = (e->first + 1) % ARRAY_LEN(e->queue);
		e->count--;
		return (enum punch_kind)a->kind;
	}
	if (open_next(e, a))
		return (enum punch_kind)a->kind;
	if ((views[0].got_answer && views[1].got_answer) ||
	    (e->start_us != 0 && now_us >= e->start_us + PATIENCE_US))
		return PUNCH_FINISHED;
	if (!views[e->who].is_done && now_us >= e->next_us && next_ask(e, now_us, a))
		return (enum punch_kind)a->kind;
	if (views[0].is_done && views[1].is_done && e->start_us == 0)
		start(e);
	if (e->start_us != 0 && now_us >= e->next_us &&
	    (schedule->is_tcp ? next_line(e, now_us, a) : next_shot(e, now_us, a)))
		return (enum punch_kind)a->kind;
	if (e->start_us != 0 && e->next_us <= now_us)
		e->next_us = e->start_us + PATIENCE_US;
	if (e->start_us == 0 && e->next_us < now_us + POLL_US)
		e->next_us = now_us + POLL_US;
	*a = (struct punch_action){ .kind = PUNCH_WAIT, .deadline_us = e->next_us };
	return PUNCH_WAIT;
}

/* --- what comes in --- */

static void on_open(void *end, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct end *e = end;

	(void)slot;
	(void)now_us;
	if (addr_special_find(local) == NULL)
		views[e->who].local = *local;
}

static void on_datagram(void *end, uint16_t slot, const struct addr *from, struct bytes data,
			uint64_t now_us)
{
	struct punch_action answer = { .kind = PUNCH_SEND, .slot = slot, .to = *from };
	struct end *e = end;

	if (data.len != 1) {
		on_seen(e, data, now_us);
		return;
	}
	if (data.data[0] == 'R') {
		views[e->who].got_answer = true;
		return;
	}
	answer.data = bytes_of_str("R");
	put(e, &answer);
	if (!views[e->who].got_answer) {
		answer.data = bytes_of_str("Q");
		put(e, &answer);
	}
}

static void on_connected(void *end, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct punch_action a = { .kind = PUNCH_WRITE, .slot = slot };
	struct end *e = end;

	if (slot == 0) { /* listens */
		on_open(end, slot, local, now_us);
		return;
	}
	a.data = slot >= FIRST_LINE ? bytes_of_str("Q") : build_request((uint8_t)(slot - 1));
	put(e, &a);
}

static void on_accepted(void *end, uint16_t listener, uint16_t slot, const struct addr *remote,
			uint64_t now_us)
{
	(void)listener;
	(void)remote;
	on_connected(end, slot, remote, now_us);
}

static void on_line(struct end *e, uint16_t slot, struct bytes data)
{
	for (size_t i = 0; i < data.len; i++) {
		if (data.data[i] == 'R')
			views[e->who].got_answer = true;
		else
			put(e, &(struct punch_action){ .kind = PUNCH_WRITE,
						       .slot = slot,
						       .data = bytes_of_str("R") });
	}
}

static void on_stream(void *end, uint16_t slot, enum punch_stream what, struct bytes data,
		      uint64_t now_us)
{
	struct end *e = end;
	struct bytes frame;
	size_t used;

	if (what != PUNCH_STREAM_DATA) {
		uint64_t due_us = now_us + RETRY_US;

		e->in_len[slot] = 0;
		if (slot < FIRST_LINE || slot >= PUNCH_ACCEPTED_FIRST)
			return;
		if (e->line_is_low[slot] && due_us < e->start_us + MEET_US)
			due_us = e->start_us + MEET_US;
		e->line_is_low[slot] = false;
		e->line_due_us[slot] = due_us;
		e->next_us = now_us;
		return;
	}
	if (slot >= FIRST_LINE) {
		on_line(e, slot, data);
		return;
	}
	if (data.len > sizeof(e->in[slot]) - e->in_len[slot])
		return;
	memcpy(e->in[slot] + e->in_len[slot], data.data, data.len);
	e->in_len[slot] += data.len;
	if (stun_stream_next(bytes_of(e->in[slot], e->in_len[slot]), sizeof(e->in[slot]), &frame,
			     &used) == STUN_OK)
		on_seen(e, frame, now_us);
}

static void on_failed(void *end, uint16_t slot, int err, uint64_t now_us)
{
	(void)end;
	(void)slot;
	(void)err;
	(void)now_us;
}

static void on_icmp(void *end, uint16_t slot, const struct addr *to, enum punch_icmp what,
		    uint64_t now_us)
{
	(void)end;
	(void)slot;
	(void)to;
	(void)what;
	(void)now_us;
}

static void on_mapped(void *end, uint16_t slot, const struct addr *external, uint64_t now_us)
{
	(void)end;
	(void)slot;
	(void)external;
	(void)now_us;
}

static void on_relay(void *end, uint16_t slot, const struct addr *relayed, uint16_t code,
		     uint64_t now_us)
{
	(void)code;
	on_mapped(end, slot, relayed, now_us);
}

static void on_told(void *end, struct bytes data, uint64_t now_us)
{
	(void)end;
	(void)data;
	(void)now_us;
}

static void set_clock(void *end, const struct punch_clock *clock)
{
	(void)end;
	(void)clock;
}

static void get_result(const void *end, struct punch_result *out)
{
	(void)end;
	memset(out, 0, sizeof(*out));
}

static const struct sim_pair_driver driver = {
	.make = make,
	.free = free,
	.next = next,
	.on_open = on_open,
	.on_open_failed = on_failed,
	.on_send_failed = on_failed,
	.on_datagram = on_datagram,
	.on_icmp = on_icmp,
	.on_mapped = on_mapped,
	.on_relay = on_relay,
	.on_connected = on_connected,
	.on_accepted = on_accepted,
	.on_stream = on_stream,
	.on_told = on_told,
	.set_clock = set_clock,
	.get_result = get_result,
};

bool oracle_script_run(const struct oracle_schedule *s, const struct nat_profile *a,
		       const struct nat_profile *b, uint64_t seed)
{
	static const struct peer_profile unknown = { .path_count = 1 };
	static struct sim_pair_side sides[2]; /* too large for a stack */
	struct sim_pair_config c = { .profiles = { a, b },
				     .same_nat = b == NULL,
				     .seed = seed,
				     .known = { &unknown, &unknown } };

	schedule = s;
	profiles[0] = a;
	profiles[1] = b;
	memset(views, 0, sizeof(views));
	done_us = 0;
	seed_of_run = seed;
	(void)sim_pair_drive(&c, &driver, sides);
	return views[0].got_answer && views[1].got_answer;
}
