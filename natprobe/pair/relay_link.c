#include "relay_link.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "natprobe/net/dial_io.h"
#include "natprobe/net/random.h"
#include "natprobe/vantage/turn_end.h"

#define ENDS_MAX   6 /* transports and addresses that are tried */
#define STAGGER_US 500000
#define SETTLE_US  6000000
#define OPEN_MS    5000
#define HELD_MAX   512 /* bytes of a datagram that waits for permission */
#define FRAME_MAX  (2048 + 64)

struct held {
	uint16_t len; /* 0: none */
	uint8_t data[HELD_MAX];
};

struct end {
	struct relay_link *link;
	struct turn_end turn;
	struct vantage_target target;
	uint8_t number;
	bool is_started;
};

struct relay_link {
	struct relay_link_config config;
	struct end ends[ENDS_MAX];
	uint8_t count;
	struct dial_io dials; /* as many, with the same numbers */
	struct dial_io_place dial_places[ENDS_MAX];
	struct end *chosen; /* NULL: none has an address */
	struct held held[TURN_END_PEERS_MAX];
	struct event *timer;
	uint64_t next_start_us, settle_us;
	uint16_t denied_code;
	bool is_settled, is_closing, is_over_told, is_denied_told, is_permitted, is_pumping;
};

static void pump(struct relay_link *l);

static void on_open(void *arg, uint8_t number)
{
	struct relay_link *l = arg;

	turn_end_on_open(&l->ends[number].turn, clock_us());
}

static void on_frame(void *arg, uint8_t number, struct bytes frame)
{
	struct relay_link *l = arg;
	struct end *e = &l->ends[number];
	struct turn_client_data data;

	if (turn_end_on_bytes(&e->turn, frame, clock_us(), &data) == TURN_CLIENT_DATA &&
	    e == l->chosen)
		l->config.on_data(l->config.arg, &data.from, data.data);
}

static void on_close(void *arg, uint8_t number, const struct dial_failure *why)
{
	struct relay_link *l = arg;

	turn_end_on_close(&l->ends[number].turn, why);
}

static void on_rest(void *arg)
{
	pump(arg);
}

static void init_dials(struct relay_link *l)
{
	static const struct dial_io_calls calls = {
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.on_rest = on_rest,
	};
	const struct turn_server *s = l->config.server;

	l->dials = (struct dial_io){ .base = l->config.base,
				     .tls = s->tls,
				     .dtls = s->dtls,
				     .domain = s->domain,
				     .insecure = s->insecure,
				     .timeout_ms = OPEN_MS,
				     .calls = &calls,
				     .arg = l,
				     .places = l->dial_places,
				     .count = ENDS_MAX };
	dial_io_init(&l->dials);
}

static void start(struct end *e)
{
	const struct turn_client_config config = {
		.server = e->target.to,
		.reliable = e->target.transport == TURN_OVER_TCP ||
			    e->target.transport == TURN_OVER_TLS,
		.secure = turn_transport_is_secure(e->target.transport),
		.credentials = e->link->config.server->credentials,
		.random = random_draw,
	};

	e->is_started = true;
	turn_end_start(&e->turn, &config);
	if (turn_client_check(&config) != NULL)
		turn_end_abort(&e->turn);
}

static bool is_over(const struct end *e)
{
	return e->is_started && e->turn.state == TURN_END_OVER && !e->turn.must_close;
}

/* Something may still come of it. */
static bool has_hope(const struct end *e)
{
	return !e->is_started || (e->turn.state != TURN_END_OVER && !e->turn.is_failed);
}

static void start_next(struct relay_link *l, uint64_t now_us)
{
	bool all_failed = true;

	for (size_t i = 0; i < l->count; i++)
		all_failed = all_failed && (!l->ends[i].is_started || !has_hope(&l->ends[i]));
	if (l->chosen != NULL || l->is_closing || (!all_failed && now_us < l->next_start_us))
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (l->ends[i].is_started)
			continue;
		start(&l->ends[i]);
		l->next_start_us = now_us + STAGGER_US;
		return;
	}
	l->next_start_us = UINT64_MAX;
}

static void choose(struct relay_link *l, uint64_t now_us)
{
	for (size_t i = 0; i < l->count && l->chosen == NULL && !l->is_settled; i++) {
		if (l->ends[i].turn.is_allocated && !l->ends[i].turn.is_failed)
			l->chosen = &l->ends[i];
	}
	for (size_t i = 0; i < l->count && l->chosen != NULL; i++) {
		if (&l->ends[i] != l->chosen && l->ends[i].is_started)
			turn_end_close(&l->ends[i].turn, now_us);
	}
}

static void send_framed(struct relay_link *l, int peer, struct bytes data)
{
	uint8_t buf[FRAME_MAX];
	struct bytes out;

	if (turn_client_send(l->chosen->turn.client, peer, data, false, clock_us(), buf,
			     sizeof(buf), &out) == TURN_CLIENT_FRAMED)
		dial_io_send(&l->dials, l->chosen->number, out);
}

static void send_held(struct relay_link *l)
{
	for (int i = 0; l->chosen != NULL && i < TURN_END_PEERS_MAX; i++) {
		struct held *h = &l->held[i];

		const struct turn_end_peer *p = &l->chosen->turn.peers[i];

		if (h->len == 0 || p->permission == TURN_END_ASKED)
			continue;
		if (p->permission == TURN_END_PERMITTED)
			send_framed(l, i, bytes_of(h->data, h->len));
		else
			l->denied_code = p->code;
		l->is_permitted = l->is_permitted || p->permission == TURN_END_PERMITTED;
		h->len = 0;
	}
}

static void carry_out(struct end *e, uint64_t now_us, uint64_t *deadline_us)
{
	struct dial_io *dials = &e->link->dials;
	struct turn_end_action a;

	while (e->is_started) {
		switch (turn_end_next(&e->turn, now_us, &a, deadline_us)) {
		case TURN_END_DIAL:
			dial_io_open(dials, e->number, e->target.transport, &a.to, a.domain);
			break;
		case TURN_END_HANG_UP:
			dial_io_close(dials, e->number);
			break;
		case TURN_END_SAY:
			dial_io_send(dials, e->number, a.data);
			break;
		default:
			return;
		}
	}
}

static bool are_all_hopeless(const struct relay_link *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (has_hope(&l->ends[i]))
			return false;
	}
	return true;
}

bool relay_link_is_over(const struct relay_link *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->ends[i].is_started && !is_over(&l->ends[i]))
			return false;
	}
	return true;
}

static void tell(struct relay_link *l, uint64_t now_us)
{
	if (!l->is_settled &&
	    (l->chosen != NULL || are_all_hopeless(l) || now_us >= l->settle_us)) {
		l->is_settled = true;
		l->config.on_settled(l->config.arg);
	}
	if (l->denied_code != 0 && !l->is_permitted && !l->is_denied_told && !l->is_closing) {
		l->is_denied_told = true;
		l->config.on_denied(l->config.arg, l->denied_code);
	}
	if (l->is_closing && !l->is_over_told && relay_link_is_over(l)) {
		l->is_over_told = true;
		l->config.on_over(l->config.arg);
	}
}

static void set_timer(struct relay_link *l, uint64_t deadline_us)
{
	if (l->chosen == NULL && l->next_start_us < deadline_us)
		deadline_us = l->next_start_us;
	if (!l->is_settled && l->settle_us < deadline_us)
		deadline_us = l->settle_us;
	await_moment(l->timer, deadline_us);
}

/* What it tells may make the caller send, which comes back here. */
static void pump(struct relay_link *l)
{
	uint64_t now_us = clock_us(), deadline_us = UINT64_MAX;

	if (l->is_pumping)
		return;
	l->is_pumping = true;
	start_next(l, now_us);
	for (size_t i = 0; i < l->count; i++)
		carry_out(&l->ends[i], now_us, &deadline_us);
	choose(l, now_us);
	send_held(l);
	tell(l, now_us);
	deadline_us = UINT64_MAX;
	for (size_t i = 0; i < l->count; i++)
		carry_out(&l->ends[i], now_us, &deadline_us);
	set_timer(l, deadline_us);
	l->is_pumping = false;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	pump(arg);
}

/* UDP first, as it relays best, and both families of each transport. */
static void list_targets(struct relay_link *l)
{
	const struct turn_server *s = l->config.server;

	for (size_t i = 0; i < VANTAGE_TARGETS_MAX; i++) {
		for (int f = 0; f < SERVER_FAMILIES; f++) {
			if (i >= s->target_counts[f] || l->count == ENDS_MAX)
				continue;
			l->ends[l->count] = (struct end){ .link = l,
							  .target = s->targets[f][i],
							  .number = l->count };
			l->count++;
		}
	}
}

struct relay_link *relay_link_new(const struct relay_link_config *config)
{
	struct relay_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->config = *config;
	l->settle_us = clock_us() + SETTLE_US;
	init_dials(l);
	list_targets(l);
	l->timer = evtimer_new(config->base, on_timer, l);
	if (l->timer == NULL) {
		relay_link_free(l);
		return NULL;
	}
	event_active(l->timer, EV_TIMEOUT, 0);
	return l;
}

void relay_link_free(struct relay_link *l)
{
	if (l == NULL)
		return;
	dial_io_close_all(&l->dials);
	for (size_t i = 0; i < l->count; i++) {
		if (l->ends[i].is_started)
			turn_end_clear(&l->ends[i].turn);
	}
	if (l->timer != NULL)
		event_free(l->timer);
	free(l);
}

struct addr relay_link_address(const struct relay_link *l, uint16_t *code)
{
	const struct addr none = { 0 };

	*code = 0;
	if (l->chosen != NULL)
		return l->chosen->turn.allocated.relayed[0];
	for (size_t i = 0; i < l->count && *code == 0; i++)
		*code = l->ends[i].turn.failure.code;
	return none;
}

void relay_link_send(struct relay_link *l, const struct addr *to, struct bytes data)
{
	int peer;

	if (l->chosen == NULL || l->is_closing)
		return;
	peer = turn_end_peer(&l->chosen->turn, to, clock_us());
	if (peer == TURN_END_NO_PEER)
		return;
	if (l->chosen->turn.peers[peer].permission == TURN_END_PERMITTED) {
		send_framed(l, peer, data);
	} else if (data.len <= HELD_MAX) {
		memcpy(l->held[peer].data, data.data, data.len);
		l->held[peer].len = (uint16_t)data.len;
		pump(l);
	}
}

void relay_link_close(struct relay_link *l)
{
	l->is_closing = true;
	for (size_t i = 0; i < l->count; i++) {
		if (l->ends[i].is_started)
			turn_end_close(&l->ends[i].turn, clock_us());
	}
	event_active(l->timer, EV_TIMEOUT, 0);
}
