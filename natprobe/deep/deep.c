#include "deep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "deep_state.h"

#define LONGEST_S   600
#define LONGEST_MAX (COOP_DELAY_MAX_MS / 1000)
#define MAPPINGS    200
#define BURST       8
#define MARGIN_US   10000000
#define RATE_PER_S  80 /* servers limit what one source may ask, and hosts share an address */

static void choose_pace(struct deep *d)
{
	const struct verdict *v = d->verdict;

	d->timing = discover_timing_default();
	d->timing.rate_per_s = RATE_PER_S;
	d->timing.burst = BURST;
	if (v->rate_limit.value != VERDICT_YES)
		return;
	/* Well below what passes: what is dropped for its rate would look like a dead mapping. */
	d->timing.rate_per_s =
		(uint16_t)(v->rate_limit_per_s > 20 ? v->rate_limit_per_s * 6 / 10 : 12);
	d->timing.burst = 2;
}

static bool make_states(struct deep *d)
{
	for (size_t i = 0; i < deep_trial_count; i++) {
		d->trials[i].state = calloc(1, deep_trials[i]->state_size + 1);
		if (d->trials[i].state == NULL)
			return false;
	}
	return true;
}

static void mark_used_ports(struct deep *d)
{
	const struct verdict *v = d->verdict;

	for (size_t i = 0; i < v->sample_count; i++) {
		uint16_t port = v->samples[i].local_port;

		d->used_ports[port / 8] |= (uint8_t)(1u << port % 8);
	}
	for (size_t i = 0; i < v->sighting_count; i++) {
		uint16_t port = v->sightings[i].local.port;

		d->used_ports[port / 8] |= (uint8_t)(1u << port % 8);
	}
}

struct deep *deep_new(const struct deep_config *config, struct verdict *verdict)
{
	struct deep *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->config = *config;
	d->verdict = verdict;
	if (d->config.longest_s == 0)
		d->config.longest_s = LONGEST_S;
	if (d->config.longest_s > LONGEST_MAX)
		d->config.longest_s = LONGEST_MAX;
	if (d->config.server_count > VERDICT_SERVERS_MAX)
		d->config.server_count = VERDICT_SERVERS_MAX;
	if (d->config.mappings == 0)
		d->config.mappings = MAPPINGS;
	if (d->config.mappings > DEEP_SLOTS_MAX)
		d->config.mappings = DEEP_SLOTS_MAX;
	d->orders_due_us = UINT64_MAX;
	verdict->deep = (struct verdict_deep){ .tried = true };
	for (unsigned i = 0; i < DEEP_PROPERTIES; i++)
		deep_set_unknown(&verdict->deep, (enum deep_property)i, CAUSE_NOT_TRIED);
	choose_pace(d);
	mark_used_ports(d);
	if (make_states(d))
		return d;
	deep_free(d);
	return NULL;
}

void deep_free(struct deep *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < deep_trial_count; i++)
		free(d->trials[i].state);
	free(d);
}

void deep_on_nat64(struct deep *d, const struct addr *prefix, uint8_t len)
{
	d->config.nat64_asked = true;
	d->config.nat64_prefix = *prefix;
	d->config.nat64_prefix_len = len;
}

void deep_stop(struct deep *d, uint64_t now_us)
{
	if (now_us > d->now_us)
		d->now_us = now_us;
	d->is_stopped = true;
}

bool deep_is_to_count(const struct deep *d)
{
	for (size_t i = 0; i < deep_trial_count && d->phase <= DEEP_TRYING; i++) {
		if (deep_trials[i]->alone && !d->trials[i].over)
			return true;
	}
	return false;
}

void deep_take_turn(struct deep *d, enum deep_turn turn)
{
	d->config.turn = (uint8_t)turn;
}

/* Whom something happened to; NULL: nobody is to know. */
static const struct deep_trial *turn_to(struct deep *d, uint8_t trial, uint64_t now_us)
{
	if (now_us > d->now_us)
		d->now_us = now_us;
	if (trial == DEEP_NOBODY || d->phase != DEEP_TRYING || d->trials[trial].over)
		return NULL;
	d->current = trial;
	deep_poke(d, trial);
	return deep_trials[trial];
}

void deep_on_send_error(struct deep *d, uint16_t slot, int err, uint64_t now_us)
{
	const struct deep_trial *t = NULL;

	if (deep_socket_is_usable(d, slot))
		t = turn_to(d, d->sockets[slot].trial, now_us);
	if (t != NULL && t->on_send_error != NULL)
		t->on_send_error(d, d->trials[d->current].state, slot, err);
}

void deep_on_datagram(struct deep *d, uint16_t slot, const struct addr *from, struct bytes data,
		      uint64_t now_us)
{
	const struct deep_trial *t;
	struct coop_answer answer;
	struct stun_msg m;

	if (!deep_socket_is_usable(d, slot) || d->phase > DEEP_TRYING)
		return;
	if (now_us > d->now_us)
		d->now_us = now_us;
	if (stun_msg_parse(data, &m) == STUN_OK && coop_read_answer(&m, &answer)) {
		if (deep_token_answered(d, slot, &m, &answer))
			return;
		if (d->phase == DEEP_TRYING && deep_order_answered(d, slot, from, &m, &answer))
			return;
	}
	t = turn_to(d, d->sockets[slot].trial, now_us);
	if (t != NULL && t->on_datagram != NULL)
		t->on_datagram(d, d->trials[d->current].state, slot, from, data);
}

void deep_on_icmp(struct deep *d, uint16_t slot, const struct deep_icmp *icmp, uint64_t now_us)
{
	const struct deep_trial *t = NULL;

	if (deep_socket_is_usable(d, slot))
		t = turn_to(d, d->sockets[slot].trial, now_us);
	if (t != NULL && t->on_icmp != NULL)
		t->on_icmp(d, d->trials[d->current].state, slot, icmp);
}

static const struct deep_trial *turn_to_tcp(struct deep *d, uint16_t slot, uint64_t now_us)
{
	const struct deep_tcp *c = slot < DEEP_CONNECTIONS_MAX ? &d->tcp[slot] : NULL;

	if (c == NULL || (c->state != DEEP_SOCKET_WANTED && c->state != DEEP_SOCKET_OPEN))
		return NULL;
	return turn_to(d, c->trial, now_us);
}

void deep_on_connected(struct deep *d, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	const struct deep_trial *t = turn_to_tcp(d, slot, now_us);

	if (t == NULL)
		return;
	d->tcp[slot].state = DEEP_SOCKET_OPEN;
	if (local != NULL)
		d->tcp[slot].local = *local;
	if (t->on_connected != NULL)
		t->on_connected(d, d->trials[d->current].state, slot);
}

void deep_on_accepted(struct deep *d, uint16_t listener, uint16_t accepted, const struct addr *from,
		      uint64_t now_us)
{
	const struct deep_trial *t = turn_to_tcp(d, listener, now_us);
	struct deep_action a = { .kind = DEEP_DISCONNECT, .slot = accepted };

	if (accepted < DEEP_ACCEPTED_FIRST || accepted >= DEEP_CONNECTIONS_MAX ||
	    d->tcp[accepted].state != DEEP_SOCKET_FREE)
		return;
	d->tcp[accepted] = (struct deep_tcp){ .state = DEEP_SOCKET_OPEN, .trial = d->current };
	if (t != NULL && t->on_accepted != NULL) {
		t->on_accepted(d, d->trials[d->current].state, listener, accepted, from);
		return;
	}
	d->tcp[accepted].state = DEEP_SOCKET_CLOSING;
	(void)deep_queue_put(&d->queue, &a, DEEP_NO_ORDER);
}

void deep_on_stream(struct deep *d, uint16_t slot, struct bytes data, uint64_t now_us)
{
	const struct deep_trial *t = turn_to_tcp(d, slot, now_us);

	if (t != NULL && t->on_stream != NULL)
		t->on_stream(d, d->trials[d->current].state, slot, data);
}

void deep_on_closed(struct deep *d, uint16_t slot, int err, uint64_t now_us)
{
	const struct deep_trial *t = turn_to_tcp(d, slot, now_us);

	if (slot >= DEEP_CONNECTIONS_MAX)
		return;
	/* What was to close it comes too late, and may meet another one. */
	deep_queue_drop(&d->queue, DEEP_DISCONNECT, slot);
	d->tcp[slot].state = DEEP_SOCKET_FREE;
	if (t != NULL && t->on_closed != NULL)
		t->on_closed(d, d->trials[d->current].state, slot, err);
}

uint64_t deep_now_us(const struct deep *d)
{
	return d->now_us;
}

const struct deep_config *deep_config(const struct deep *d)
{
	return &d->config;
}

const struct verdict *deep_verdict(const struct deep *d)
{
	return d->verdict;
}

uint64_t deep_rtt_us(const struct deep *d)
{
	if (d->rtt_us != 0)
		return d->rtt_us;
	return d->verdict->rtt_min_us != 0 ? d->verdict->rtt_min_us : 250000;
}

bool deep_cooperates(const struct deep *d)
{
	return d->cooperates;
}

const struct addr *deep_other(const struct deep *d)
{
	return &d->other;
}

void deep_random(struct deep *d, void *buf, size_t len)
{
	d->config.random(d->config.random_arg, buf, len);
}

bool deep_trial_is_over(const struct deep *d, const struct deep_trial *t)
{
	for (size_t i = 0; i < deep_trial_count; i++) {
		if (deep_trials[i] == t)
			return d->trials[i].over;
	}
	return true;
}

const void *deep_trial_state(const struct deep *d, const struct deep_trial *t)
{
	for (size_t i = 0; i < deep_trial_count; i++) {
		if (deep_trials[i] == t)
			return d->trials[i].state;
	}
	return NULL;
}

size_t deep_samples(const struct deep *d, struct deep_sample *out, size_t cap)
{
	size_t count = d->seen_count < cap ? d->seen_count : cap;

	memcpy(out, d->seen, count * sizeof(*out));
	return count;
}

void deep_tell(struct deep *d, double alive_s, double awaits_s, uint64_t ends_us)
{
	if (alive_s > d->alive_s)
		d->alive_s = alive_s;
	if (awaits_s > 0)
		(void)snprintf(d->waits_for, sizeof(d->waits_for), "lifetime above %.0f s",
			       awaits_s);
	if (ends_us > d->ends_us)
		d->ends_us = ends_us;
}

/* When all is over, at the latest; a lifetime that ends sooner ends it sooner. */
static uint64_t last_moment_us(const struct deep *d)
{
	uint64_t us = d->started_us + (uint64_t)d->config.longest_s * 1250000 + MARGIN_US;

	return us > d->ends_us ? us : d->ends_us;
}

void deep_progress(const struct deep *d, uint64_t now_us, struct deep_progress *out)
{
	uint64_t last_us = last_moment_us(d);

	*out = (struct deep_progress){ .alive_s = d->alive_s, .waits_for = "a server" };
	if (d->phase > DEEP_ASKING)
		out->waits_for = d->waits_for[0] != '\0' ? d->waits_for : "answers";
	if (d->phase >= DEEP_CLOSING) {
		out->share = 1;
		return;
	}
	if (!d->is_started || now_us < d->started_us)
		return;
	out->share = fmin(1, (double)(now_us - d->started_us) / (double)(last_us - d->started_us));
	out->ends_in_us = last_us > now_us ? last_us - now_us : 0;
}
