#include "discover_state.h"

#include "confidence.h"
#include "natprobe/lead.h"

struct probe_view discover_view(const struct discover *d)
{
	bool samples = samples_are_going_out(&d->samples, d->now_us);
	struct probe_view view = {
		.timing = &d->timing,
		.log = &d->log,
		.open = d->open,
		.error_max = d->allowance * CONFIDENCE_SILENCE_SHARE,
		.exhausted = discover_budget_left(d) == 0,
		.holds = samples || (!d->has_floor && !discover_yields(d)),
		.stream_rtt_us = d->streams.rtt_us,
		.now_us = d->now_us,
	};

	probe_log_loss(&d->log, d->rate.since_us, d->now_us, view.loss);
	return view;
}

size_t discover_budget_left(const struct discover *d)
{
	size_t used = d->log.count + d->portmap_sent;
	size_t budget = d->timing.budget < PROBE_LOG_MAX ? d->timing.budget : PROBE_LOG_MAX;

	return used < budget ? budget - used : 0;
}

uint8_t discover_take_slot(struct discover *d, uint16_t port)
{
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (d->slots[i] == SLOT_UNUSED) {
			d->slots[i] = SLOT_WANTED;
			d->ports[i] = port;
			return i;
		}
	}
	return DISCOVER_SLOTS_MAX;
}

uint16_t discover_random(struct discover *d)
{
	uint8_t random[2];

	d->random(d->random_arg, random, sizeof(random));
	return (uint16_t)(random[0] << 8 | random[1]);
}

enum verdict_answer discover_nat(const struct discover *d)
{
	struct verdict_sighting seen[VERDICT_SIGHTINGS_MAX];
	size_t count = asks_sightings(&d->asks, seen);

	for (size_t i = 0; i < count; i++)
		seen[i].local = d->slot_local[seen[i].slot];
	return classify_nat(seen, count);
}

bool discover_sessions_are_running(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		if (!session_is_over(&d->sessions[i], view))
			return true;
	}
	return false;
}

bool discover_detour_is_answered(const struct discover *d)
{
	for (size_t i = 0; i < d->asks.count; i++) {
		if (d->asks.list[i].detour && d->asks.list[i].seen.mapped.family != ADDR_NONE)
			return true;
	}
	return false;
}

/* One that this server may have as well, and that differs as RFC 5780, section 7.4 wants. */
enum verdict_cause discover_judge_other(const struct addr *server, const struct addr *other)
{
	if (other->family == ADDR_NONE)
		return CAUSE_NO_OTHER_ADDRESS;
	if (other->family != server->family || !lead_allows(server, other))
		return CAUSE_ALTERNATE_UNUSABLE;
	if (addr_equal_ip(other, server))
		return CAUSE_SAME_ADDRESS;
	if (other->port == server->port)
		return CAUSE_SAME_PORT;
	return CAUSE_NONE;
}
