#include "vantage.h"

#include <assert.h>
#include <stdlib.h>

#include "confidence.h"
#include "nat64.h"
#include "reach.h"
#include "turn_resolve.h"
#include "vantage_state.h"

#define SECOND_US  UINT64_C(1000000)
#define CLOSE_US   (SECOND_US / 2) /* a server that does not confirm an end is not waited for */
#define PERMIT_US  (8 * SECOND_US)
#define RTT_US     250000 /* where none is known */
#define LEAST_RATE 2      /* datagrams a second */

/* As natprobe relay has it: 7.6 seconds are plenty for any path that is of use. */
static const struct stun_txn_timing datagram_timing = { .rto_us = 400000, .rc = 5, .rm = 4 };
static const struct stun_txn_timing stream_timing = { .ti_us = 8000000, .reliable = true };

static void keep(struct vantage *v, struct bytes *view, size_t *used)
{
	assert(view->len <= sizeof(v->secrets) - *used);
	if (view->len > 0)
		memcpy(v->secrets + *used, view->data, view->len);
	*view = bytes_of(v->secrets + *used, view->len);
	*used += view->len;
}

static void keep_credentials(struct vantage *v, const struct turn_client_credentials *from)
{
	struct turn_client_credentials *c = &v->credentials;
	size_t used = 0;

	*c = *from;
	keep(v, &c->username, &used);
	if (c->access_token.len > 0) {
		c->password = (struct bytes){ 0 };
		keep(v, &c->mac_key, &used);
	} else {
		c->mac_key = (struct bytes){ 0 };
		keep(v, &c->password, &used);
	}
	keep(v, &c->access_token, &used);
}

static void add_external(struct vantage *v, const struct addr *a)
{
	if (a->family != v->family || a->family == ADDR_NONE ||
	    v->external_count == VT_EXTERNALS_MAX)
		return;
	for (size_t i = 0; i < v->external_count; i++) {
		if (addr_equal_ip(&v->externals[i], a))
			return;
	}
	v->externals[v->external_count++] = addr_with_port(a, a->port != 0 ? a->port : 9);
}

/* What the discovery knows of the way. */
static void learn(struct vantage *v, const struct verdict *seen)
{
	v->family = seen->mapped.family != ADDR_NONE       ? seen->mapped.family
		    : seen->mapped_tcp.family != ADDR_NONE ? seen->mapped_tcp.family
							   : seen->local.family;
	v->nat64_prefix = seen->nat64_prefix;
	v->nat64_len = seen->nat64_prefix_len;
	v->rtt_us = seen->rtt_max_us > 0 ? seen->rtt_max_us : RTT_US;
	for (size_t i = 0; i < seen->server_count; i++) {
		const struct verdict_server *s = &seen->servers[i];

		if (s->answered > 0)
			v->openers[v->opener_count++] = s->addr;
		if (s->answered > 0 || s->tcp_answered > 0)
			v->tcp_openers[v->tcp_opener_count++] = s->addr;
	}
	add_external(v, &seen->mapped);
	for (size_t i = 0; i < seen->pooling.external_count; i++)
		add_external(v, &seen->pooling.externals[i]);
	for (size_t i = 0; i < seen->sighting_count; i++)
		add_external(v, &seen->sightings[i].mapped);
	for (size_t i = 0; i < seen->sample_count; i++)
		add_external(v, &seen->samples[i].mapped);
	v->mapping.is_wanted = seen->mapping.value == BEHAVIOUR_UNKNOWN ||
			       seen->mapping.cause != CAUSE_NONE;
	v->timing = discover_timing_default();
	if (seen->rate_limit.value == VERDICT_YES) { /* a path that drops what is faster */
		uint16_t rate = (uint16_t)(seen->rate_limit_per_s / 2);

		v->timing.rate_per_s = rate > LEAST_RATE ? rate : LEAST_RATE;
		v->timing.burst = 1;
	}
	if (seen->udp_blocked.value != VERDICT_NO)
		v->useless = seen->udp_blocked.value == VERDICT_UNKNOWN ? seen->udp_blocked.cause
									: CAUSE_UDP_BLOCKED;
	v->error_max = confidence_allowance(seen->confidence_asked) * CONFIDENCE_SILENCE_SHARE;
}

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

static void start_end(struct vantage *v, uint8_t end)
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

struct vantage *vantage_new(const struct vantage_config *config, const struct verdict *seen,
			    uint64_t now_us)
{
	struct vantage *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	keep_credentials(v, &config->credentials);
	v->name = config->name;
	v->random = config->random;
	v->random_arg = config->random_arg;
	v->random(v->random_arg, v->run_id, sizeof(v->run_id));
	v->deadline_us = now_us + config->timeout_us;
	v->far.slot = v->near.slot = VT_NO_SLOT;
	for (size_t i = 0; i < config->target_count && i < VANTAGE_TARGETS_MAX; i++)
		v->targets[v->target_count++] = config->targets[i];
	learn(v, seen);
	if (v->target_count > 0 && v->useless == CAUSE_NONE)
		start_end(v, 0);
	else
		v->phase = VT_WAITING;
	return v;
}

void vantage_free(struct vantage *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < VANTAGE_ENDS; i++)
		turn_end_clear(&v->ends[i]);
	explicit_bzero(v->secrets, sizeof(v->secrets));
	free(v);
}

struct addr vt_beyond(const struct vantage *v, const struct addr *a)
{
	struct addr out = *a;

	if (a->family != v->family)
		(void)nat64_extract(a, v->nat64_len, &out);
	out.scope = 0;
	return out;
}

struct addr vt_reachable(const struct vantage *v, const struct addr *a)
{
	const struct addr *server = &v->targets[v->target].to;
	struct addr out = *a;

	if (a->family != server->family && !nat64_embed(&v->nat64_prefix, v->nat64_len, a, &out))
		return (struct addr){ 0 };
	if (out.family != server->family || out.port == 0 || !reach_allows(server, &out))
		return (struct addr){ 0 };
	out.scope = server->scope;
	return out;
}

uint8_t vt_take_slot(struct vantage *v)
{
	for (uint8_t i = 0; i < VANTAGE_SLOTS; i++) {
		if (v->slots[i] == VT_UNUSED) {
			v->slots[i] = VT_WANTED;
			return i;
		}
	}
	return VT_NO_SLOT;
}

static bool is_settled(const struct turn_end *e)
{
	return e->is_allocated || e->is_failed;
}

/* All is known of UDP that will be. */
static void end_udp(struct vantage *v, uint64_t now_us)
{
	v->phase = VT_WAITING;
	v->ended_us = now_us;
}

static void begin_closing(struct vantage *v, uint64_t now_us)
{
	if (v->phase < VT_MAPPING)
		end_udp(v, now_us);
	vt_tcp_stop(v, now_us);
	v->phase = VT_CLOSING;
	v->close_by_us = now_us + CLOSE_US;
	for (uint8_t i = 0; i < VANTAGE_SLOTS; i++) {
		if (v->slots[i] == VT_WANTED)
			v->slots[i] = VT_UNUSED;
	}
	for (size_t i = 0; i < VANTAGE_ENDS; i++) {
		if (v->ends[i].state != TURN_END_IDLE)
			turn_end_close(&v->ends[i], now_us);
	}
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
	add_external(v, &v->ends[0].allocated.mapped);
	for (size_t i = 0; i < v->external_count; i++) {
		for (size_t e = 0; e < VT_UDP_ENDS; e++)
			v->external_peers[i][e] =
				turn_end_peer(&v->ends[e], &v->externals[i], now_us);
	}
}

/* The first allocation stands or not; the second follows from it. True: something changed. */
static bool step_allocating(struct vantage *v, uint64_t now_us)
{
	if (!is_settled(&v->ends[0]))
		return false;
	if (v->ends[0].is_failed) {
		bool may_help = v->ends[0].failure.cause == TURN_CLIENT_TRANSPORT ||
				v->ends[0].failure.cause == TURN_CLIENT_TIMEOUT;

		if (v->ends[0].state != TURN_END_OVER || v->ends[0].must_close) {
			turn_end_abort(&v->ends[0]);
			return v->ends[0].must_close;
		}
		if (!may_help || v->target + 1 == v->target_count) {
			end_udp(v, now_us);
			return true;
		}
		v->target++;
		turn_end_clear(&v->ends[0]);
		start_end(v, 0);
		return true;
	}
	v->relayed[0] = vt_relayed_by(v, &v->ends[0]);
	if (v->relayed[0].family == ADDR_NONE) {
		end_udp(v, now_us);
		return true;
	}
	if (v->ends[1].state == TURN_END_IDLE) {
		start_end(v, 1);
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
static bool step_permitting(struct vantage *v, uint64_t now_us)
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

static bool step_closing(struct vantage *v, uint64_t now_us)
{
	bool is_late = now_us >= v->close_by_us, is_over = true;

	for (size_t i = 0; i < VANTAGE_ENDS; i++) {
		struct turn_end *e = &v->ends[i];

		if (is_late && e->state != TURN_END_OVER)
			turn_end_abort(e);
		if (e->must_close)
			return true;
		is_over = is_over && (e->state == TURN_END_OVER || e->state == TURN_END_IDLE);
	}
	if (is_over || is_late)
		v->phase = VT_OVER;
	return is_over || is_late;
}

/* Goes on where it is time. True: something may be due now. */
static bool advance(struct vantage *v, uint64_t now_us)
{
	if (v->phase < VT_CLOSING && now_us >= v->deadline_us) {
		v->is_cut = true;
		begin_closing(v, now_us);
		return true;
	}
	switch (v->phase) {
	case VT_ALLOCATING:
		return step_allocating(v, now_us);
	case VT_PERMITTING:
		return step_permitting(v, now_us);
	case VT_PROBING:
		if (!vt_is_decided(v, now_us) && !v->ends[0].is_failed)
			return false;
		v->ended_us = now_us;
		if (vt_mapping_begin(v, now_us))
			v->phase = VT_MAPPING;
		else
			v->phase = VT_WAITING;
		return true;
	case VT_MAPPING:
		if (!vt_mapping_is_over(v, now_us))
			return false;
		v->phase = VT_WAITING;
		return true;
	case VT_WAITING:
		if (!v->tcp.is_over)
			return false;
		begin_closing(v, now_us);
		return true;
	case VT_CLOSING:
		return step_closing(v, now_us);
	default:
		return false;
	}
}

static bool ends_next(struct vantage *v, uint64_t now_us, struct vantage_action *out,
		      uint64_t *deadline_us)
{
	static const uint8_t kinds[] = { [TURN_END_DIAL] = VANTAGE_DIAL,
					 [TURN_END_HANG_UP] = VANTAGE_HANG_UP,
					 [TURN_END_SAY] = VANTAGE_SAY };

	for (uint8_t i = 0; i < VANTAGE_ENDS; i++) {
		struct turn_end_action x = { 0 };
		enum turn_end_kind kind = turn_end_next(&v->ends[i], now_us, &x, deadline_us);

		if (kind == TURN_END_WAIT)
			continue;
		*out = (struct vantage_action){ .kind = kinds[kind],
						.end = i,
						.transport =
							i == VT_TCP_END
								? v->tcp.transport
								: v->targets[v->target].transport,
						.to = x.to,
						.domain = x.domain,
						.data = x.data };
		return true;
	}
	return false;
}

static bool slots_next(struct vantage *v, struct vantage_action *out)
{
	bool ends = v->phase >= VT_CLOSING;

	for (uint8_t i = 0; i < VANTAGE_SLOTS; i++) {
		if (v->slots[i] == (ends ? VT_OPEN : VT_WANTED)) {
			v->slots[i] = ends ? VT_CLOSED : VT_OPENING;
			*out = (struct vantage_action){ .kind = ends ? VANTAGE_CLOSE : VANTAGE_OPEN,
							.slot = i };
			return true;
		}
	}
	return false;
}

static void sooner(uint64_t *deadline_us, uint64_t at_us)
{
	if (at_us < *deadline_us)
		*deadline_us = at_us;
}

enum vantage_kind vantage_next(struct vantage *v, uint64_t now_us, struct vantage_action *out)
{
	uint64_t deadline_us;

	do {
		deadline_us = v->phase == VT_CLOSING ? v->close_by_us : v->deadline_us;
		if (ends_next(v, now_us, out, &deadline_us) || slots_next(v, out) ||
		    vt_tcp_next(v, now_us, out) ||
		    (v->phase == VT_PROBING && vt_rounds_next(v, now_us, out, &deadline_us)) ||
		    (v->phase == VT_MAPPING && vt_mapping_next(v, now_us, out, &deadline_us)))
			return out->kind;
	} while (vt_tcp_step(v, now_us) || advance(v, now_us));
	if (v->phase == VT_OVER) {
		*out = (struct vantage_action){ .kind = VANTAGE_DONE };
		return VANTAGE_DONE;
	}
	vt_tcp_deadline(v, now_us, &deadline_us);
	if (v->phase == VT_PERMITTING)
		sooner(&deadline_us, v->permit_by_us);
	*out = (struct vantage_action){ .kind = VANTAGE_WAIT };
	out->deadline_us = deadline_us > now_us ? deadline_us : now_us + 1;
	return VANTAGE_WAIT;
}

void vantage_on_dialled(struct vantage *v, uint8_t end, uint64_t now_us)
{
	turn_end_on_open(&v->ends[end], now_us);
}

void vantage_on_hung_up(struct vantage *v, uint8_t end, const struct dial_failure *why,
			uint64_t now_us)
{
	turn_end_on_close(&v->ends[end], why);
}

void vantage_on_frame(struct vantage *v, uint8_t end, struct bytes in, uint64_t now_us)
{
	struct turn_client_data data;

	if (turn_end_on_bytes(&v->ends[end], in, now_us, &data) != TURN_CLIENT_DATA)
		return;
	if (v->phase == VT_PROBING)
		vt_rounds_on_relayed(v, end, &data.from, data.data, now_us);
	else if (v->phase == VT_MAPPING)
		vt_mapping_on_relayed(v, end, &data.from, data.data);
}

void vantage_on_open(struct vantage *v, uint8_t slot, const struct addr *local)
{
	if (slot >= VANTAGE_SLOTS || v->slots[slot] != VT_OPENING)
		return;
	v->slots[slot] = VT_OPEN;
	v->locals[slot] = *local;
}

void vantage_on_open_failed(struct vantage *v, uint8_t slot)
{
	if (slot < VANTAGE_SLOTS && v->slots[slot] == VT_OPENING)
		v->slots[slot] = VT_FAILED;
}

void vantage_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from, struct bytes in,
			 uint64_t now_us)
{
	if (slot >= VANTAGE_SLOTS || v->slots[slot] != VT_OPEN)
		return;
	if (v->phase == VT_PROBING)
		vt_rounds_on_datagram(v, slot, from, in, now_us);
	else if (v->phase == VT_MAPPING)
		vt_mapping_on_datagram(v, slot, from, in);
}

void vantage_stop(struct vantage *v, uint64_t now_us)
{
	if (v->phase < VT_CLOSING) {
		v->is_cut = true;
		begin_closing(v, now_us);
	}
}

bool vantage_wants_floor(const struct vantage *v)
{
	if (v->phase < VT_CLOSING && vt_tcp_wants_floor(v))
		return true;
	if (v->phase >= VT_WAITING)
		return false;
	/* Whoever has it keeps it until mapping is looked at. */
	return v->mapping.is_wanted || v->phase < VT_PROBING || v->near.answered == 0 ||
	       (v->far.slot != VT_NO_SLOT && v->far.answered == 0);
}
