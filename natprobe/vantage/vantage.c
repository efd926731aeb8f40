#include "vantage.h"

#include <stdlib.h>

#include "vantage_state.h"

#define SECOND_US UINT64_C(1000000)
#define CLOSE_US  (SECOND_US / 2) /* a server that does not confirm an end is not waited for */

struct vantage *vantage_new(const struct vantage_config *config, const struct verdict *seen,
			    uint64_t now_us)
{
	struct vantage *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	vt_keep_credentials(v, &config->credentials);
	v->name = config->name;
	v->random = config->random;
	v->random_arg = config->random_arg;
	v->random(v->random_arg, v->run_id, sizeof(v->run_id));
	v->deadline_us = now_us + config->timeout_us;
	v->far.slot = v->near.slot = VT_NO_SLOT;
	for (size_t i = 0; i < config->target_count && i < VANTAGE_TARGETS_MAX; i++)
		v->targets[v->target_count++] = config->targets[i];
	vt_learn(v, seen);
	if (v->target_count > 0 && v->useless == CAUSE_NONE)
		vt_start_end(v, 0);
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

void vt_end_udp(struct vantage *v, uint64_t now_us)
{
	v->phase = VT_WAITING;
	v->ended_us = now_us;
}

static void begin_closing(struct vantage *v, uint64_t now_us)
{
	if (v->phase < VT_MAPPING)
		vt_end_udp(v, now_us);
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
		return vt_step_allocating(v, now_us);
	case VT_PERMITTING:
		return vt_step_permitting(v, now_us);
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
