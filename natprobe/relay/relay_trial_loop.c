/* Packets from one client through the relay to the other, and back. */
#include <stdlib.h>

#include "relay_state.h"

#define CHANNEL_US  (2 * RT_SECOND)     /* that a channel is waited for */
#define PATIENCE_US (5 * RT_SECOND / 2) /* that nothing at all may come */
#define TAIL_US     RT_SECOND           /* that the last one may take */

bool rt_loop_new(struct relay_trial *t)
{
	for (size_t f = 0; f < RELAY_FAMILIES; f++) {
		struct rt_flow *flow = &t->flows[f];

		flow->rtt_us = calloc(t->config.count, sizeof(*flow->rtt_us));
		flow->has_arrived = calloc(t->config.count, sizeof(*flow->has_arrived));
		if (flow->rtt_us == NULL || flow->has_arrived == NULL)
			return false;
	}
	return true;
}

void rt_loop_free(struct relay_trial *t)
{
	for (size_t f = 0; f < RELAY_FAMILIES; f++) {
		free(t->flows[f].rtt_us);
		free(t->flows[f].has_arrived);
	}
}

void rt_loop_begin(struct relay_trial *t, uint64_t now_us)
{
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		struct addr a = rt_relayed(&t->ends[0], f), b = rt_relayed(&t->ends[1], f);

		if (a.family == ADDR_NONE || b.family == ADDR_NONE)
			continue;
		rt_add_peer(t, 0, &t->ends[0].peers[f], &b, true, now_us);
		rt_add_peer(t, 1, &t->ends[1].peers[f], &a, true, now_us);
		t->flows[f].state = RT_FLOW_ASKING;
		t->flows[f].since_us = now_us;
	}
}

static void take_ping(struct relay_trial *t, const struct rt_packet *p, uint64_t now_us)
{
	struct rt_flow *flow = &t->flows[p->family];

	if (p->number >= flow->sent)
		return;
	if (!flow->has_arrived[p->number]) {
		flow->has_arrived[p->number] = true;
		flow->arrived++;
		if (flow->first_arrived_us == 0)
			flow->first_arrived_us = now_us;
		flow->last_arrived_us = now_us;
	}
	if (t->echo_count == RT_ECHOES_MAX)
		return; /* is lost, as in any queue */
	t->echoes[(t->echo_first + t->echo_count++) % RT_ECHOES_MAX] = *p;
}

static void take_pong(struct relay_trial *t, const struct rt_packet *p, uint64_t now_us)
{
	struct rt_flow *flow = &t->flows[p->family];
	uint64_t took_us;

	if (p->number >= flow->sent || flow->rtt_us[p->number] != 0 || p->sent_us > now_us)
		return;
	took_us = now_us - p->sent_us;
	flow->rtt_us[p->number] = took_us == 0           ? 1
				  : took_us < UINT32_MAX ? (uint32_t)took_us
							 : UINT32_MAX;
	flow->returned++;
}

void rt_loop_on_packet(struct relay_trial *t, uint8_t end, const struct rt_packet *p,
		       uint64_t now_us)
{
	if (p->kind == RT_PING && end == 1)
		take_ping(t, p, now_us);
	else if (p->kind == RT_PONG && end == 0)
		take_pong(t, p, now_us);
}

static bool echo_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out)
{
	while (t->echo_count > 0) {
		struct rt_packet p = t->echoes[t->echo_first];

		t->echo_first = (t->echo_first + 1) % RT_ECHOES_MAX;
		t->echo_count--;
		p.kind = RT_PONG;
		if (rt_send(t, 1, &t->ends[1].peers[p.family], rt_packet_make(t, &p), now_us, out))
			return true;
	}
	return false;
}

static bool is_permitted(const struct relay_trial *t, int f)
{
	return t->ends[0].peers[f].permission == RT_PERMITTED &&
	       t->ends[1].peers[f].permission == RT_PERMITTED;
}

static bool is_refused(const struct relay_trial *t, int f)
{
	return t->ends[0].peers[f].permission == RT_PERMISSION_REFUSED ||
	       t->ends[1].peers[f].permission == RT_PERMISSION_REFUSED;
}

static void ask(struct relay_trial *t, int f, uint64_t now_us)
{
	struct rt_flow *flow = &t->flows[f];
	bool has_channels = t->ends[0].peers[f].is_settled && t->ends[1].peers[f].is_settled;

	if (is_refused(t, f) || t->ends[0].is_failed || t->ends[1].is_failed) {
		flow->state = RT_FLOW_ENDED;
		return;
	}
	if (!is_permitted(t, f)) {
		flow->since_us = now_us;
		return;
	}
	if (!has_channels && now_us < flow->since_us + CHANNEL_US)
		return;
	flow->state = RT_FLOW_RUNNING;
	flow->since_us = flow->next_us = now_us;
}

static bool is_at_end(const struct relay_trial *t, const struct rt_flow *flow, uint64_t now_us)
{
	if (t->ends[0].is_failed || t->ends[1].is_failed)
		return true;
	if (flow->arrived == 0 && now_us >= flow->since_us + PATIENCE_US)
		return true;
	if (flow->sent < t->config.count)
		return false;
	return flow->returned == flow->sent || now_us >= flow->last_sent_us + TAIL_US;
}

/* When something changes by itself. */
static uint64_t flow_deadline(const struct relay_trial *t, const struct rt_flow *flow)
{
	uint64_t at_us =
		flow->sent < t->config.count ? flow->next_us : flow->last_sent_us + TAIL_US;

	if (flow->state == RT_FLOW_ASKING)
		return flow->since_us + CHANNEL_US;
	if (flow->arrived == 0 && flow->since_us + PATIENCE_US < at_us)
		return flow->since_us + PATIENCE_US;
	return at_us;
}

static bool ping_next(struct relay_trial *t, int f, uint64_t now_us, struct relay_action *out)
{
	struct rt_flow *flow = &t->flows[f];
	struct rt_packet p = { RT_PING, (uint8_t)f, flow->sent, now_us };

	if (flow->sent == t->config.count || now_us < flow->next_us)
		return false;
	flow->next_us += RT_SECOND / t->config.rate;
	if (flow->next_us + RT_SECOND < now_us) /* no burst after a standstill of this host */
		flow->next_us = now_us;
	if (!rt_send(t, 0, &t->ends[0].peers[f], rt_packet_make(t, &p), now_us, out))
		return false;
	flow->sent++;
	flow->last_sent_us = now_us;
	return true;
}

static bool flow_next(struct relay_trial *t, int f, uint64_t now_us, struct relay_action *out,
		      uint64_t *deadline_us)
{
	struct rt_flow *flow = &t->flows[f];
	uint64_t at_us;

	if (flow->state == RT_FLOW_ASKING)
		ask(t, f, now_us);
	if (flow->state == RT_FLOW_RUNNING) {
		if (ping_next(t, f, now_us, out))
			return true;
		if (is_at_end(t, flow, now_us))
			flow->state = RT_FLOW_ENDED;
	}
	if (flow->state != RT_FLOW_ASKING && flow->state != RT_FLOW_RUNNING)
		return false;
	at_us = flow_deadline(t, flow);
	*deadline_us = at_us < *deadline_us ? at_us : *deadline_us;
	return false;
}

bool rt_loop_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		  uint64_t *deadline_us)
{
	if (echo_next(t, now_us, out))
		return true;
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		if (flow_next(t, f, now_us, out, deadline_us))
			return true;
	}
	return false;
}

bool rt_loop_is_over(const struct relay_trial *t)
{
	for (size_t f = 0; f < RELAY_FAMILIES; f++) {
		if (t->flows[f].state == RT_FLOW_ASKING || t->flows[f].state == RT_FLOW_RUNNING)
			return false;
	}
	return true;
}
