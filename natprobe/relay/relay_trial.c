#include "relay_trial.h"

#include <assert.h>
#include <stdlib.h>

#include "relay_state.h"

#define CLOSE_US (3500000)

/* A diagnosis does not wait for 39.5 seconds: 7.6 are plenty for any path that is of use. */
static const struct stun_txn_timing datagram_timing = { .rto_us = 400000, .rc = 5, .rm = 4 };
static const struct stun_txn_timing stream_timing = { .ti_us = 8000000, .reliable = true };

static void keep(struct relay_trial *t, struct bytes *view, size_t *used)
{
	assert(view->len <= sizeof(t->secrets) - *used);
	if (view->len > 0)
		memcpy(t->secrets + *used, view->data, view->len);
	*view = bytes_of(t->secrets + *used, view->len);
	*used += view->len;
}

static void configure_client(struct relay_trial *t)
{
	bool is_stream = turn_transport_is_stream(t->config.transport);
	struct turn_client_credentials *c = &t->config.credentials;
	size_t used = 0;

	keep(t, &c->username, &used);
	keep(t, c->access_token.len > 0 ? &c->mac_key : &c->password, &used);
	if (c->access_token.len == 0)
		c->mac_key = (struct bytes){ 0 };
	else
		c->password = (struct bytes){ 0 };
	keep(t, &c->access_token, &used);
	t->client_config = (struct turn_client_config){
		.server = t->config.to,
		.reliable = is_stream,
		.secure = turn_transport_is_secure(t->config.transport),
		.credentials = *c,
		.timing = is_stream ? &stream_timing : &datagram_timing,
		.random = t->config.random,
		.random_arg = t->config.random_arg,
	};
	assert(turn_client_check(&t->client_config) == NULL);
}

struct relay_trial *relay_trial_new(const struct relay_trial_config *config, uint64_t now_us)
{
	struct relay_trial *t = calloc(1, sizeof(*t));

	assert(config->rate > 0 && config->rate <= RELAY_RATE_MAX && config->count > 0 &&
	       config->count <= RELAY_COUNT_MAX && config->length >= RELAY_LENGTH_MIN &&
	       config->length <= RELAY_LENGTH_MAX);
	if (t == NULL)
		return NULL;
	t->config = *config;
	configure_client(t);
	config->random(config->random_arg, t->run_id, sizeof(t->run_id));
	t->deadline_us = now_us + config->timeout_us;
	t->result.transport = config->transport;
	t->result.to = config->to;
	t->result.packet_len = config->length;
	t->result.verdict = RELAY_INCONCLUSIVE;
	t->local.peer.number = t->local.answer.number = RT_NO_PEER;
	for (size_t i = 0; i < RELAY_ENDS; i++) {
		t->ends[i].state = RT_END_TO_OPEN;
		t->ends[i].to = config->to;
		t->ends[i].families = TURN_CLIENT_FAMILY_BOTH;
		for (size_t f = 0; f < RELAY_FAMILIES; f++)
			t->ends[i].peers[f].number = RT_NO_PEER;
	}
	if (!rt_loop_new(t)) {
		relay_trial_free(t);
		return NULL;
	}
	return t;
}

void relay_trial_free(struct relay_trial *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < RELAY_ENDS; i++)
		turn_client_free(t->ends[i].client);
	rt_loop_free(t);
	explicit_bzero(t->secrets, sizeof(t->secrets));
	free(t);
}

static bool is_settled(const struct rt_end *e)
{
	return e->is_allocated || e->is_failed;
}

static void begin_closing(struct relay_trial *t, uint64_t now_us)
{
	t->phase = RT_CLOSING;
	t->close_by_us = now_us + CLOSE_US;
	for (size_t i = 0; i < RELAY_ENDS; i++) {
		struct rt_end *e = &t->ends[i];

		if (e->state == RT_END_OPEN) {
			turn_client_close(e->client, now_us);
		} else if (e->state != RT_END_OVER) {
			e->must_close = e->must_close || e->state == RT_END_OPENING;
			e->state = RT_END_OVER;
		}
	}
}

static void begin_testing(struct relay_trial *t, uint64_t now_us)
{
	uint8_t lead = t->ends[0].is_allocated && !t->ends[0].is_failed ? 0 : 1;

	t->phase = RT_TESTING;
	if (t->ends[0].is_allocated && t->ends[1].is_allocated)
		rt_loop_begin(t, now_us);
	rt_local_begin(t, lead, now_us);
}

static bool all_failed(const struct relay_trial *t)
{
	return t->ends[0].is_failed && t->ends[1].is_failed;
}

/* Goes to the next phase where it is time. True: it did. */
static bool advance(struct relay_trial *t, uint64_t now_us)
{
	bool is_late = now_us >= t->deadline_us;

	switch (t->phase) {
	case RT_ALLOCATING:
		if (!is_settled(&t->ends[0]) || !is_settled(&t->ends[1])) {
			t->is_cut = is_late;
			if (!is_late)
				return false;
		}
		if (t->is_cut || all_failed(t))
			begin_closing(t, now_us);
		else
			begin_testing(t, now_us);
		return true;
	case RT_TESTING:
		if (!(rt_loop_is_over(t) && rt_local_is_over(t)) && !all_failed(t)) {
			t->is_cut = is_late;
			if (!is_late)
				return false;
		}
		begin_closing(t, now_us);
		return true;
	case RT_CLOSING:
		if (t->ends[0].state == RT_END_OVER && t->ends[1].state == RT_END_OVER) {
			t->phase = RT_OVER;
		} else if (now_us >= t->close_by_us) {
			for (size_t i = 0; i < RELAY_ENDS; i++) {
				t->ends[i].must_close = t->ends[i].state != RT_END_OVER;
				t->ends[i].state = RT_END_OVER;
			}
		} else {
			return false;
		}
		return true;
	default:
		return false;
	}
}

static uint64_t own_deadline(const struct relay_trial *t)
{
	return t->phase == RT_CLOSING ? t->close_by_us : t->deadline_us;
}

static bool tests_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		       uint64_t *deadline_us)
{
	return rt_loop_next(t, now_us, out, deadline_us) ||
	       rt_local_next(t, now_us, out, deadline_us);
}

enum relay_action_kind relay_trial_next(struct relay_trial *t, uint64_t now_us,
					struct relay_action *out)
{
	uint64_t deadline_us;

	do {
		deadline_us = UINT64_MAX;
		t->has_new_peer = false;
		if (rt_ends_next(t, now_us, out, &deadline_us) ||
		    (t->phase == RT_TESTING && tests_next(t, now_us, out, &deadline_us)))
			return out->kind;
	} while (advance(t, now_us) || t->has_new_peer);
	if (t->phase == RT_OVER) {
		rt_judge(t);
		*out = (struct relay_action){ .kind = RELAY_DONE };
		return RELAY_DONE;
	}
	if (own_deadline(t) < deadline_us)
		deadline_us = own_deadline(t);
	*out = (struct relay_action){ .kind = RELAY_WAIT,
				      .deadline_us =
					      deadline_us > now_us ? deadline_us : now_us + 1 };
	return RELAY_WAIT;
}

void relay_trial_on_local(struct relay_trial *t, struct bytes in, const struct addr *from,
			  uint64_t now_us)
{
	if (t->phase == RT_TESTING)
		rt_local_on_datagram(t, in, from, now_us);
}

void relay_trial_stop(struct relay_trial *t, uint64_t now_us)
{
	if (t->phase == RT_ALLOCATING || t->phase == RT_TESTING) {
		t->is_cut = true;
		begin_closing(t, now_us);
	}
}

const struct relay_result *relay_trial_result(const struct relay_trial *t)
{
	return &t->result;
}
