#include "punch.h"

#include <stdlib.h>

#include "punch_state.h"

/* What leaves at once: routers drop what comes in longer rows. */
#define BURST    64
#define BURST_US (5 * PU_MS)

void pu_enter(struct punch *p, enum pu_phase phase)
{
	p->phase = (uint8_t)phase;
	p->phase_us = p->now_us;
}

void pu_count(uint16_t *counter)
{
	if (*counter < UINT16_MAX)
		(*counter)++;
}

struct stun_tid pu_tid(struct punch *p)
{
	uint8_t random[12];

	p->config.random(p->config.random_arg, random, sizeof(random));
	return stun_tid_make(random);
}

struct punch_evidence *pu_evidence(struct punch *p, uint8_t step)
{
	return step < p->result.plan.count ? &p->result.ours[step] : NULL;
}

bool pu_may_burst(struct punch *p, uint64_t *deadline_us)
{
	if (p->now_us >= p->burst_us + BURST_US) {
		p->burst_us = p->now_us;
		p->burst = 0;
	}
	if (p->burst < BURST)
		return true;
	pu_by(deadline_us, p->burst_us + BURST_US);
	return false;
}

void pu_send(struct punch *p, uint16_t slot, const struct addr *to, size_t len,
	     struct punch_action *action)
{
	p->burst++;
	p->result.sent++;
	*action = (struct punch_action){
		.kind = PUNCH_SEND,
		.slot = slot,
		.path = p->slots[slot].path,
		.to = *to,
		.data = bytes_of(p->buf, len),
	};
}

static void copy_config(struct punch *p, const struct punch_config *config)
{
	p->config = *config;
	p->ours = *config->ours;
	p->theirs = *config->theirs;
	p->options = config->plan;
	p->hold_s = config->hold_s;
	if (p->config.server_count > PU_SERVERS_MAX)
		p->config.server_count = PU_SERVERS_MAX;
	for (size_t i = 0; i < p->config.server_count; i++)
		p->servers[i] = config->servers[i];
	if (config->their_offer != NULL) {
		p->their_offers[0] = *config->their_offer;
		p->has_their_offer = true;
		p->is_stand_in = true;
	}
	check_keys_make(&p->keys, config->key, config->is_a);
	explicit_bzero(p->config.key, sizeof(p->config.key));
	p->config.ours = &p->ours;
	p->config.theirs = &p->theirs;
	p->config.servers = p->servers;
	p->config.their_offer = NULL;
}

struct punch *punch_new(const struct punch_config *config)
{
	struct punch *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->sent = calloc(PU_SENT_MAX, sizeof(*p->sent));
	p->rtts = calloc(PU_PINGS_MAX, sizeof(*p->rtts));
	if (p->sent == NULL || p->rtts == NULL) {
		punch_free(p);
		return NULL;
	}
	copy_config(p, config);
	p->result.is_a = config->is_a;
	p->result.trial = config->trial;
	config->random(config->random_arg, &p->seed, sizeof(p->seed));
	for (size_t i = 0; i < PU_SENT_MAX; i++)
		p->sent[i].slot = PU_NO_SLOT;
	for (size_t i = 0; i < PU_PAIRS_MAX; i++)
		p->pairs[i].slot = PU_NO_SLOT;
	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		p->slots[i].step = PU_STEP_NONE;
	p->nominee = p->agreed = PU_PAIRS_MAX;
	p->nominee_tcp = PU_STEP_NONE;
	return p;
}

void punch_free(struct punch *p)
{
	if (p == NULL)
		return;
	pu_tcp_free(p);
	check_keys_wipe(&p->keys);
	free(p->sent);
	free(p->rtts);
	free(p);
}

/* What time alone changes. */
static void tick(struct punch *p, uint64_t *deadline_us)
{
	uint8_t phase;

	do { /* a phase may be over as it begins */
		phase = p->phase;
		if (phase == PU_GATHER)
			pu_gather_tick(p, deadline_us);
		else if (phase == PU_WAIT)
			pu_start_tick(p, deadline_us);
		else if (phase == PU_RUN)
			pu_run_tick(p, deadline_us);
		else if (phase == PU_MEASURE || phase == PU_HOLD)
			pu_measure_tick(p, deadline_us);
		else if (phase == PU_TELL)
			pu_end_tick(p, deadline_us);
		if (p->phase == PU_RUN)
			pu_agree_tick(p, deadline_us);
	} while (p->phase != phase);
}

static bool finish(struct punch *p, struct punch_action *action)
{
	if (p->phase != PU_OVER || p->is_told_finished)
		return false;
	p->is_told_finished = true;
	*action = (struct punch_action){ .kind = PUNCH_FINISHED };
	return true;
}

static bool close_next(struct punch *p, struct punch_action *action)
{
	return p->phase == PU_OVER && pu_tcp_close_next(p, action);
}

/* In the order of what cannot wait. */
static bool take(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	return pu_slots_next(p, action) || pu_gather_next(p, action) || pu_tell_next(p, action) ||
	       close_next(p, action) || finish(p, action) ||
	       pu_checks_next(p, action, deadline_us) || pu_agree_next(p, action, deadline_us) ||
	       pu_measure_next(p, action, deadline_us) || pu_run_next(p, action, deadline_us) ||
	       pu_hand_next(p, action, deadline_us) || pu_asks_next(p, action, deadline_us) ||
	       pu_tcp_next(p, action, deadline_us);
}

enum punch_kind punch_next(struct punch *p, uint64_t now_us, struct punch_action *action)
{
	uint64_t deadline_us = PU_NEVER;

	p->now_us = now_us;
	if (!p->has_begun) {
		p->has_begun = true;
		p->began_us = p->phase_us = p->their_offer_us = now_us;
		if (p->phase == PU_GATHER) /* not stopped before */
			pu_gather_begin(p);
	}
	tick(p, &deadline_us);
	if (!take(p, action, &deadline_us))
		*action = (struct punch_action){ .kind = PUNCH_WAIT, .deadline_us = deadline_us };
	return action->kind;
}

void punch_on_open(struct punch *p, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	p->now_us = now_us;
	if (slot >= PUNCH_SLOTS_MAX)
		return;
	pu_slot_opened(p, slot, local);
	pu_gather_on_open(p, slot);
}

void punch_on_open_failed(struct punch *p, uint16_t slot, int err, uint64_t now_us)
{
	p->now_us = now_us;
	if (slot >= PUNCH_SLOTS_MAX)
		return;
	pu_slot_opened(p, slot, &(struct addr){ 0 });
	pu_gather_on_open_failed(p, slot);
}

void punch_on_send_failed(struct punch *p, uint16_t slot, int err, uint64_t now_us)
{
	struct punch_evidence *e;

	p->now_us = now_us;
	if (slot >= PUNCH_SLOTS_MAX)
		return;
	e = pu_evidence(p, p->slots[slot].step);
	if (e != NULL && err != 0)
		pu_count(&e->send_errors);
}

void punch_on_datagram(struct punch *p, uint16_t slot, const struct addr *from, struct bytes data,
		       uint64_t now_us)
{
	p->now_us = now_us;
	if (p->phase == PU_OVER || !pu_slot_is_open(p, slot))
		return;
	p->result.received++;
	if (!pu_asks_on_datagram(p, slot, from, data))
		pu_checks_on_datagram(p, slot, from, data);
}

void punch_on_icmp(struct punch *p, uint16_t slot, const struct addr *to, enum punch_icmp what,
		   uint64_t now_us)
{
	struct punch_evidence *e;

	p->now_us = now_us;
	if (slot >= PUNCH_SLOTS_MAX || what >= PUNCH_ICMP_KINDS)
		return;
	e = pu_evidence(p, p->slots[slot].step);
	if (e != NULL)
		pu_count(&e->icmp[what]);
}

void punch_on_mapped(struct punch *p, uint16_t slot, const struct addr *external, uint64_t now_us)
{
	p->now_us = now_us;
	pu_gather_on_portmap(p, slot, external);
}

void punch_on_relay(struct punch *p, uint16_t slot, const struct addr *relayed, uint16_t code,
		    uint64_t now_us)
{
	p->now_us = now_us;
	if (slot != PU_SLOT_RELAY)
		return;
	pu_slot_opened(p, slot, relayed);
	p->relay_code = code;
	p->is_relay_pending = false;
}

void punch_set_peer(struct punch *p, const struct peer_profile *theirs,
		    const uint8_t key[static PUNCH_KEY_LEN])
{
	if (p->phase >= PU_RUN)
		return;
	p->theirs = *theirs;
	check_keys_make(&p->keys, key, p->config.is_a);
}

void punch_set_clock(struct punch *p, const struct punch_clock *clock)
{
	if (p->has_start)
		return;
	p->clock = *clock;
	p->has_clock = true;
}

bool punch_is_waiting(const struct punch *p)
{
	return p->phase < PU_RUN;
}

void punch_on_peer_gone(struct punch *p, uint64_t now_us)
{
	p->now_us = now_us;
	p->is_peer_gone = true;
}

void punch_stop(struct punch *p, uint64_t now_us)
{
	p->now_us = now_us;
	if (p->phase == PU_OVER || p->is_stopped)
		return;
	p->is_stopped = p->result.is_cut = true;
	p->tells_bye = true;
	p->tells_offer = p->tells_start = false;
	if (p->phase < PU_RUN)
		pu_end_now(p, REASON_NOT_TRIED, PUNCH_SIDE_NONE);
	pu_measure_cut(p);
	if (p->phase >= PU_RUN && p->phase < PU_TELL)
		pu_end_tell(p);
}

const struct punch_result *punch_result(const struct punch *p)
{
	return &p->result;
}
