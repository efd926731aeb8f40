#include "asks.h"

#include "classify.h"

/* Copies to a server that has not answered, once another one has. */
#define COPIES_TO_LATE_SERVER 4

uint8_t asks_add(struct asks *asks, uint8_t slot, uint8_t server, const struct addr *endpoint)
{
	for (size_t i = 0; i < asks->count; i++) {
		const struct verdict_sighting *seen = &asks->list[i].seen;

		if (seen->slot == slot && classify_same_endpoint(&seen->endpoint, endpoint))
			return (uint8_t)i;
	}
	if (asks->count == ARRAY_LEN(asks->list))
		return ASK_NONE;
	asks->list[asks->count] = (struct ask){
		.seen = { .endpoint = *endpoint, .server = server, .slot = slot },
	};
	return (uint8_t)asks->count++;
}

uint8_t asks_add_follower(struct asks *asks, uint8_t leader, uint8_t slot)
{
	const struct verdict_sighting *seen = &asks->list[leader].seen;
	uint8_t index = asks_add(asks, slot, seen->server, &seen->endpoint);

	if (index != ASK_NONE) {
		asks->list[index].follows = true;
		asks->list[index].leader = leader;
	}
	return index;
}

uint8_t asks_add_opening(struct asks *asks, uint8_t slot, uint8_t server,
			 const struct addr *endpoint)
{
	uint8_t index = asks_add(asks, slot, server, endpoint);

	if (index != ASK_NONE && !asks->list[index].opening) {
		asks->list[index].opening = true;
		asks->opening_count++;
	}
	return index;
}

uint8_t asks_add_detour(struct asks *asks, uint8_t slot, uint8_t server,
			const struct addr *endpoint)
{
	uint8_t index = asks_add(asks, slot, server, endpoint);

	if (index != ASK_NONE)
		asks->list[index].detour = true;
	return index;
}

void asks_restart(struct asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		struct ask *a = &asks->list[i];

		if (a->seen.mapped.family == ADDR_NONE && !a->opening)
			a->retry.copies = 0;
	}
}

/* How many copies are sent at most; 0: as many as it takes. */
static uint8_t copies_max(const struct asks *asks, const struct ask *a,
			  const struct probe_view *view)
{
	uint8_t copies = view->timing->copies;

	if (a->detour)
		return asks->somebody_answered ? a->retry.copies : asks->detour_copies;
	if (a->opening)
		return asks->somebody_answered ? COPIES_TO_LATE_SERVER : 0;
	while (copies < view->timing->copies_max &&
	       probe_view_silence(view, a->seen.server, copies) > view->error_max)
		copies++;
	return copies;
}

static bool is_silent(const struct asks *asks, const struct ask *a, const struct probe_view *view)
{
	uint8_t max = copies_max(asks, a, view);
	uint64_t rtt_us = probe_view_rtt_us(view, a->seen.server);

	if (view->exhausted)
		max = a->retry.copies;
	if (max == 0 && !view->exhausted && !a->detour)
		return false;
	return retry_is_silent(&a->retry, view->timing, max, rtt_us, view->now_us);
}

enum ask_state asks_state(const struct asks *asks, uint8_t index, const struct probe_view *view)
{
	const struct ask *a = &asks->list[index];

	if (a->seen.mapped.family != ADDR_NONE)
		return ASK_ANSWERED;
	if (a->fault != CAUSE_NONE)
		return ASK_REFUSED;
	if (a->follows && asks_state(asks, a->leader, view) == ASK_SILENT)
		return ASK_SILENT;
	return is_silent(asks, a, view) ? ASK_SILENT : ASK_WAITING;
}

bool asks_are_unsent(const struct asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		const struct ask *a = &asks->list[i];

		if (a->retry.copies == 0 && a->fault == CAUSE_NONE)
			return true;
	}
	return false;
}

bool asks_are_waiting(const struct asks *asks, const struct probe_view *view)
{
	for (uint8_t i = 0; i < asks->count; i++) {
		if (asks_state(asks, i, view) == ASK_WAITING)
			return true;
	}
	return false;
}

bool asks_is_overdue(const struct asks *asks, uint8_t index, const struct probe_view *view)
{
	const struct ask *a = &asks->list[index];

	return asks_state(asks, index, view) != ASK_ANSWERED &&
	       retry_is_overdue(&a->retry, probe_view_rtt_us(view, a->seen.server), view->now_us);
}

static bool wants_copy(const struct asks *asks, const struct ask *a, const struct probe_view *view)
{
	uint8_t max = copies_max(asks, a, view);

	if (a->seen.mapped.family != ADDR_NONE || a->fault != CAUSE_NONE ||
	    !view->open[a->seen.slot])
		return false;
	if (a->follows && a->retry.copies > 0 &&
	    asks->list[a->leader].seen.mapped.family == ADDR_NONE)
		return false;
	return (max == 0 && !a->detour) || a->retry.copies < max;
}

bool asks_next(const struct asks *asks, const struct probe_view *view, struct probe_want *want)
{
	const struct ask *best = NULL;

	if (view->holds) /* what is not answered may not have reached the NAT */
		return false;
	for (size_t i = 0; i < asks->count; i++) {
		const struct ask *a = &asks->list[i];

		if (a->retry.next_us > view->now_us || !wants_copy(asks, a, view))
			continue;
		if (best == NULL || a->retry.copies < best->retry.copies)
			best = a;
	}
	if (best == NULL)
		return false;
	*want = (struct probe_want){
		.test = PROBE_ASK,
		.index = (uint8_t)(best - asks->list),
		.slot = best->seen.slot,
		.server = best->seen.server,
		.to = best->seen.endpoint,
		.source = best->seen.endpoint,
	};
	return true;
}

uint64_t asks_deadline_us(const struct asks *asks, const struct probe_view *view)
{
	uint64_t deadline = UINT64_MAX;

	for (size_t i = 0; i < asks->count; i++) {
		const struct ask *a = &asks->list[i];
		uint64_t rtt_us = probe_view_rtt_us(view, a->seen.server);
		uint64_t due = UINT64_MAX;

		if (!view->exhausted && wants_copy(asks, a, view))
			due = a->retry.next_us;
		else if (asks_state(asks, (uint8_t)i, view) == ASK_WAITING)
			due = a->retry.last_us + timing_tail_us(view->timing, rtt_us);
		if (due > view->now_us && due < deadline)
			deadline = due;
	}
	return deadline;
}

size_t asks_sightings(const struct asks *asks, struct verdict_sighting *out)
{
	for (size_t i = 0; i < asks->count; i++)
		out[i] = asks->list[i].seen;
	return asks->count;
}

void asks_sent(struct asks *asks, uint8_t index, const struct probe_view *view)
{
	struct ask *a = &asks->list[index];
	uint64_t rtt_us = probe_view_rtt_us(view, a->seen.server);

	a->seen.sent++;
	if (a->opening || rtt_us == 0)
		retry_sent_blind(&a->retry, view->timing, a->seen.server, asks->opening_count,
				 view->now_us);
	else
		retry_sent(&a->retry, view->timing, rtt_us, view->now_us);
}

void asks_slot_failed(struct asks *asks, uint8_t slot)
{
	for (size_t i = 0; i < asks->count; i++) {
		if (asks->list[i].seen.slot == slot)
			asks->list[i].fault = CAUSE_LOCAL_ERROR;
	}
}

void asks_withdrawn(struct asks *asks, uint8_t index)
{
	asks->list[index].seen.sent--;
}

static enum verdict_cause fault_of(enum probe_match match)
{
	switch (match) {
	case PROBE_REFUSED:
	case PROBE_NO_ADDRESS:
		return CAUSE_SERVER_ERROR;
	case PROBE_FROM_ASKED:
	case PROBE_FROM_ANOTHER:
		return CAUSE_WRONG_SOURCE;
	default:
		return CAUSE_NONE;
	}
}

void asks_on_answer(struct asks *asks, enum probe_match match, const struct probe_answer *answer)
{
	struct ask *a = &asks->list[answer->probe->want.index];

	if (!a->detour)
		asks->somebody_answered = true;
	if (match != PROBE_ANSWER) {
		a->fault = (uint8_t)fault_of(match);
		return;
	}
	a->seen.answered++;
	if (a->seen.mapped.family == ADDR_NONE)
		a->seen.mapped = answer->mapped;
	else if (!classify_same_endpoint(&a->seen.mapped, &answer->mapped))
		a->seen.unstable = true;
}
