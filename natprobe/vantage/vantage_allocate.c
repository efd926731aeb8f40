/* The relayed addresses of UDP, and who may send to them. */
#include <assert.h>

#include "turn_resolve.h"
#include "vantage_state.h"

#define PERMIT_US 8000000

/* As natprobe relay has it: 7.6 seconds are plenty for any path that is of use. */
static const struct stun_txn_timing datagram_timing = { .rto_us = 400000, .rc = 5, .rm = 4 };
static const struct stun_txn_timing stream_timing = { .ti_us = 8000000, .reliable = true };

struct turn_client_config vt_client_config(const struct vantage *v,
					   const struct vantage_target *target)
{
	bool is_stream = turn_transport_is_stream(target->transport);

	return (struct turn_client_config){
		.server = target->to,
		.reliable = is_stream,
		.secure = turn_transport_is_secure(target->transport),
		.credentials = v->credentials,
		.timing = is_stream ? &stream_timing : &datagram_timing,
		.random = v->random,
		.random_arg = v->random_arg,
	};
}

void vt_start_end(struct vantage *v, uint8_t end)
{
	const struct turn_end *first = &v->ends[0];
	struct turn_client_config config = vt_client_config(v, &v->targets[v->target]);

	if (end > 0 && first->allocated.has_reservation) {
		config.options.use_reservation = true;
		memcpy(config.options.reservation, first->allocated.reservation,
		       sizeof(config.options.reservation));
	} else if (v->family == ADDR_IPV6) {
		config.options.families = TURN_CLIENT_FAMILY_IPV6;
	}
	if (end == 0)
		config.options.even_port = TURN_CLIENT_PORT_EVEN_RESERVE;
	assert(turn_client_check(&config) == NULL);
	turn_end_start(&v->ends[end], &config);
}

static bool is_settled(const struct turn_end *e)
{
	return e->is_allocated || e->is_failed;
}

struct addr vt_relayed_by(const struct vantage *v, const struct turn_end *e)
{
	for (size_t i = 0; e->is_allocated && i < ARRAY_LEN(e->allocated.relayed); i++) {
		const struct addr *a = &e->allocated.relayed[i];

		if (a->family == v->family && vt_reachable(v, a).family != ADDR_NONE)
			return *a;
	}
	return (struct addr){ 0 };
}

static void permit_externals(struct vantage *v, uint64_t now_us)
{
	v->phase = VT_PERMITTING;
	v->permit_by_us = now_us + PERMIT_US;
	vt_add_external(v, &v->ends[0].allocated.mapped);
	for (size_t i = 0; i < v->external_count; i++) {
		for (size_t e = 0; e < VT_UDP_ENDS; e++)
			v->external_peers[i][e] =
				turn_end_peer(&v->ends[e], &v->externals[i], now_us);
	}
}

/* Another way to the server may be better, where this one was none. */
static bool step_failed(struct vantage *v, uint64_t now_us)
{
	struct turn_end *e = &v->ends[0];
	bool may_help = e->failure.cause == TURN_CLIENT_TRANSPORT ||
			e->failure.cause == TURN_CLIENT_TIMEOUT;

	if (e->state != TURN_END_OVER || e->must_close) {
		turn_end_abort(e);
		return e->must_close;
	}
	if (!may_help || v->target + 1 == v->target_count) {
		vt_end_udp(v, now_us);
		return true;
	}
	v->target++;
	turn_end_clear(e);
	vt_start_end(v, 0);
	return true;
}

/* The first allocation stands or not; the second follows from it. */
bool vt_step_allocating(struct vantage *v, uint64_t now_us)
{
	if (!is_settled(&v->ends[0]))
		return false;
	if (v->ends[0].is_failed)
		return step_failed(v, now_us);
	v->relayed[0] = vt_relayed_by(v, &v->ends[0]);
	if (v->relayed[0].family == ADDR_NONE) {
		vt_end_udp(v, now_us);
		return true;
	}
	if (v->ends[1].state == TURN_END_IDLE) {
		vt_start_end(v, 1);
		return true;
	}
	if (!is_settled(&v->ends[1]))
		return false;
	v->relayed[1] = vt_relayed_by(v, &v->ends[1]);
	if (v->ends[0].allocated.rtt_us > v->rtt_us)
		v->rtt_us = v->ends[0].allocated.rtt_us;
	permit_externals(v, now_us);
	return true;
}

/* Every permission is granted or denied. */
bool vt_step_permitting(struct vantage *v, uint64_t now_us)
{
	bool is_waiting = false;

	for (size_t i = 0; i < v->external_count; i++) {
		for (size_t e = 0; e < VT_UDP_ENDS; e++) {
			int peer = v->external_peers[i][e];

			is_waiting =
				is_waiting || (peer != TURN_END_NO_PEER &&
					       v->ends[e].peers[peer].permission == TURN_END_ASKED);
		}
	}
	if (is_waiting && now_us < v->permit_by_us)
		return false;
	v->phase = VT_PROBING;
	vt_rounds_begin(v, now_us);
	return true;
}
