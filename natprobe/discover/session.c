#include "session.h"

#define CONFIRMATIONS_MAX 2

void session_endpoints(const struct addr *primary, const struct addr *other,
		       struct addr endpoints[FILTER_KINDS])
{
	endpoints[FILTER_CONTROL] = *primary;
	endpoints[FILTER_PORT] = addr_with_port(primary, other->port);
	endpoints[FILTER_ADDRESS] = addr_with_port(other, primary->port);
	endpoints[FILTER_BOTH] = *other;
}

void session_start(struct session *s, struct asks *asks, uint8_t index, uint8_t server,
		   const struct addr *primary, const struct addr *other, uint8_t mapping_slot,
		   uint8_t filter_slot, uint64_t now_us)
{
	*s = (struct session){ .server = server };
	session_endpoints(primary, other, s->endpoints);
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		s->asks[k] = asks_add(asks, mapping_slot, server, &s->endpoints[k]);
		s->confirms[k] = ASK_NONE;
	}
	filter_test_start(&s->filter, index, server, filter_slot, mapping_slot, s->endpoints,
			  now_us);
}

static enum ask_state state_of(const struct asks *asks, uint8_t index,
			       const struct probe_view *view)
{
	return index == ASK_NONE ? ASK_SILENT : asks_state(asks, index, view);
}

/* The state that holds the others up, or ASK_ANSWERED when all four are answered. */
static enum ask_state state_of_all(const uint8_t indexes[FILTER_KINDS], const struct asks *asks,
				   const struct probe_view *view)
{
	enum ask_state all = ASK_ANSWERED;

	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		enum ask_state state = state_of(asks, indexes[k], view);

		if (state == ASK_WAITING)
			return ASK_WAITING;
		if (state != ASK_ANSWERED)
			all = ASK_SILENT;
	}
	return all;
}

static bool is_translated(const struct session *s, const struct asks *asks)
{
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_sighting *seen = &asks->list[s->asks[k]].seen;

		if (!classify_same_endpoint(&seen->mapped, &seen->local))
			return true;
	}
	return false;
}

/* One socket can see a rule by chance, or while the NAT restarts; two of three do not. */
static bool is_doubtful(const struct asks *asks)
{
	struct verdict_sighting seen[VERDICT_SIGHTINGS_MAX];

	return classify_mapping_is_doubtful(seen, asks_sightings(asks, seen));
}

static void step_mapping(struct session *s, const struct asks *asks, const struct probe_view *view)
{
	enum ask_state state;

	if (s->mapping == SESSION_ASKING) {
		state = state_of_all(s->asks, asks, view);
		if (state == ASK_SILENT)
			s->mapping = SESSION_SHORT;
		else if (state == ASK_ANSWERED && s->confirmations > 0)
			s->mapping = SESSION_CONFIRMING;
		else if (state == ASK_ANSWERED)
			s->mapping = is_translated(s, asks) ? SESSION_ASKED : SESSION_MAPPED;
	}
	if (s->mapping == SESSION_CONFIRMING) { /* perhaps answered before the first socket was */
		if (state_of_all(s->confirms, asks, view) == ASK_WAITING)
			return;
		s->mapping = s->confirmations < CONFIRMATIONS_MAX && is_doubtful(asks)
				     ? SESSION_ASKED
				     : SESSION_MAPPED;
	}
}

static enum filter_source source_state(const struct session *s, enum verdict_filter_kind kind,
				       const struct asks *asks, const struct probe_view *view)
{
	enum ask_state primary = state_of(asks, s->asks[FILTER_CONTROL], view);
	enum ask_state state = state_of(asks, s->asks[kind], view);

	if (state == ASK_WAITING || primary == ASK_WAITING)
		return SOURCE_PENDING;
	if (state != ASK_ANSWERED)
		return SOURCE_SILENT;
	if (primary == ASK_ANSWERED &&
	    classify_same_endpoint(&asks->list[s->asks[kind]].seen.mapped,
				   &asks->list[s->asks[FILTER_CONTROL]].seen.mapped))
		return SOURCE_REACHABLE;
	return SOURCE_ALIVE;
}

void session_step(struct session *s, const struct asks *asks, const struct probe_view *view)
{
	step_mapping(s, asks, view);
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		enum verdict_filter_kind kind = (enum verdict_filter_kind)k;

		filter_test_set_source(&s->filter, kind, source_state(s, kind, asks, view));
		if (s->asks[k] != ASK_NONE)
			filter_test_set_fault(&s->filter, asks->list[s->asks[k]].fault);
	}
}

void session_confirm(struct session *s, struct asks *asks, uint8_t slot)
{
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		if (s->asks[k] == ASK_NONE)
			continue;
		s->confirms[k] = asks_add_follower(asks, s->asks[k], slot);
	}
	s->confirmations++;
	if (s->mapping == SESSION_ASKED)
		s->mapping = SESSION_CONFIRMING;
}

void session_skip_confirm(struct session *s)
{
	s->mapping = SESSION_MAPPED;
}

static bool is_overdue(const struct session *s, enum verdict_filter_kind kind,
		       const struct asks *asks, const struct probe_view *view)
{
	return s->asks[kind] == ASK_NONE || asks_is_overdue(asks, s->asks[kind], view);
}

bool session_is_suspect(const struct session *s, const struct asks *asks,
			const struct probe_view *view)
{
	if (s->mapping == SESSION_SHORT || filter_test_is_suspect(&s->filter, view))
		return true;
	return is_overdue(s, FILTER_ADDRESS, asks, view) && is_overdue(s, FILTER_BOTH, asks, view);
}

bool session_is_over(const struct session *s, const struct probe_view *view)
{
	return (s->mapping == SESSION_MAPPED || s->mapping == SESSION_SHORT) &&
	       filter_test_is_over(&s->filter, view);
}

const struct addr *session_silent_endpoint(const struct session *s, const struct asks *asks,
					   const struct probe_view *view)
{
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		enum ask_state state = state_of(asks, s->asks[k], view);

		if (state == ASK_SILENT)
			return &s->endpoints[k];
	}
	return NULL;
}
