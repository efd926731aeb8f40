#include "tcp_mapping.h"

#include <limits.h>

/* A SYN is sent again after a second; a server in another place is nearer than that. */
#define DRAWN_OUT_US 800000

#define SIGHTINGS (TCP_MAPPING_PORTS * FILTER_KINDS)

/* A silence that is not waited for any longer only makes a value unknown, not wrong. */
#define PATIENCE   0.0002
#define GIVE_UP_US 8000000
#define COPIES_MAX 4 /* TCP waits twice as long for each next one: the last comes after 7 s */

void tcp_mapping_start(struct tcp_mapping *m, uint8_t server,
		       const struct addr endpoints[FILTER_KINDS], uint16_t port)
{
	*m = (struct tcp_mapping){ .begun = true, .server = server };
	for (unsigned k = 0; k < FILTER_KINDS; k++)
		m->endpoints[k] = endpoints[k];
	tcp_mapping_add_port(m, port);
}

void tcp_mapping_add_port(struct tcp_mapping *m, uint16_t port)
{
	m->ports[m->port_count] = port;
	for (unsigned k = 0; k < FILTER_KINDS; k++)
		m->streams[m->port_count][k] = STREAM_NONE;
	m->port_count++;
}

/* The first endpoint of the last port that nobody was connected to; FILTER_KINDS: none. */
static unsigned next_kind(const struct tcp_mapping *m)
{
	unsigned k = 0;

	if (m->port_count == 0)
		return FILTER_KINDS;
	while (k < FILTER_KINDS && m->streams[m->port_count - 1][k] != STREAM_NONE)
		k++;
	return k;
}

bool tcp_mapping_next(const struct tcp_mapping *m, const struct streams *s, struct addr *to,
		      uint16_t *port)
{
	unsigned k = next_kind(m);

	if (k == FILTER_KINDS || s->count == STREAMS_MAX)
		return false;
	*to = m->endpoints[k];
	*port = m->ports[m->port_count - 1];
	return true;
}

void tcp_mapping_begun(struct tcp_mapping *m, uint8_t number)
{
	m->streams[m->port_count - 1][next_kind(m)] = number;
}

bool tcp_mapping_has(const struct tcp_mapping *m, uint8_t number)
{
	for (uint8_t p = 0; p < m->port_count; p++) {
		for (unsigned k = 0; k < FILTER_KINDS; k++) {
			if (m->streams[p][k] == number)
				return true;
		}
	}
	return false;
}

static size_t sightings(const struct tcp_mapping *m, const struct streams *s,
			struct verdict_sighting out[SIGHTINGS])
{
	size_t count = 0;

	for (uint8_t p = 0; p < m->port_count; p++) {
		for (unsigned k = 0; k < FILTER_KINDS; k++) {
			const struct stream *c;

			if (m->streams[p][k] == STREAM_NONE)
				continue;
			c = &s->list[m->streams[p][k]];
			out[count++] = (struct verdict_sighting){
				.endpoint = c->to,
				.local = c->local,
				.mapped = c->mapped,
				.server = m->server,
				.slot = p,
			};
		}
	}
	return count;
}

void tcp_mapping_set_dead(struct tcp_mapping *m, enum verdict_filter_kind kind)
{
	m->dead |= (uint8_t)(1u << kind);
}

/*
 * Mappings differ, and were not made at the same time, as a SYN was lost: the NAT may have
 * changed in between.
 */
static bool is_drawn_out(const struct tcp_mapping *m, const struct streams *s,
			 enum verdict_behaviour value)
{
	uint64_t first_us = UINT64_MAX, last_us = 0;

	if (value != BEHAVIOUR_ADDRESS_DEPENDENT && value != BEHAVIOUR_PORT_DEPENDENT &&
	    value != BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT)
		return false;
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		const struct stream *c = &s->list[m->streams[0][k]];

		if (m->streams[0][k] == STREAM_NONE || !c->connected)
			continue;
		first_us = c->connected_us < first_us ? c->connected_us : first_us;
		last_us = c->connected_us > last_us ? c->connected_us : last_us;
	}
	return last_us > first_us && last_us - first_us >= DRAWN_OUT_US;
}

/*
 * The second port only confirms what the first one told, for which three of its connections are
 * enough: nobody waits until TCP sends again.
 */
static bool is_second_look(const struct tcp_mapping *m, const struct streams *s)
{
	struct verdict_sighting seen[SIGHTINGS];
	size_t count = sightings(m, s, seen);
	unsigned answered = 0;

	for (size_t i = FILTER_KINDS; i < count; i++)
		answered += seen[i].mapped.family != ADDR_NONE;
	if (m->port_count < 2 || answered < FILTER_KINDS - 1)
		return false;
	if (count > FILTER_KINDS) /* the first port's come first */
		count = FILTER_KINDS;
	return is_drawn_out(m, s, (enum verdict_behaviour)classify_mapping(seen, count).value);
}

/* Connections that may still be answered: how many, and the fewest copies sent on any by then. */
static unsigned waiting(const struct tcp_mapping *m, const struct streams *s, uint64_t then_us,
			unsigned *copies)
{
	bool second_look = is_second_look(m, s);
	unsigned count = 0;

	*copies = UINT_MAX;
	for (uint8_t p = 0; p < m->port_count; p++) {
		for (unsigned k = 0; k < FILTER_KINDS; k++) {
			const struct stream *c;

			if (m->streams[p][k] == STREAM_NONE)
				continue;
			c = &s->list[m->streams[p][k]];
			if (c->answered || c->closed)
				continue;
			if ((m->dead & 1u << k) != 0 && streams_copies(c, then_us) > 0)
				continue;
			if (then_us >= c->begun_us + GIVE_UP_US)
				continue;
			if (p > 0 && second_look && streams_copies(c, then_us) > 0)
				continue;
			count++;
			if (streams_copies(c, then_us) < *copies)
				*copies = streams_copies(c, then_us);
		}
	}
	return count;
}

/* Waiting longer would tell little. */
static bool is_settled(const struct tcp_mapping *m, const struct streams *s,
		       const struct probe_view *view)
{
	uint64_t tail_us = timing_tail_us(view->timing, probe_view_rtt_us(view, m->server));
	uint64_t then_us = view->now_us > tail_us ? view->now_us - tail_us : 0;
	unsigned copies, count;

	if (next_kind(m) < FILTER_KINDS && s->count < STREAMS_MAX)
		return false;
	count = waiting(m, s, then_us, &copies);
	return count == 0 || copies >= COPIES_MAX ||
	       probe_view_any_silence(view, copies * count) <= PATIENCE;
}

static bool all_closed(const struct tcp_mapping *m, const struct streams *s)
{
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		uint8_t number = m->streams[0][k];

		if (number == STREAM_NONE || !s->list[number].closed || s->list[number].connected)
			return false;
	}
	return true;
}

bool tcp_mapping_wants_port(const struct tcp_mapping *m, const struct streams *s,
			    const struct probe_view *view)
{
	struct verdict_sighting seen[SIGHTINGS];

	if (!m->begun || m->port_count != 1 || s->count + FILTER_KINDS > STREAMS_MAX ||
	    !is_settled(m, s, view))
		return false;
	uint8_t value = classify_mapping(seen, sightings(m, s, seen)).value;

	return all_closed(m, s) || value == BEHAVIOUR_MIXED ||
	       is_drawn_out(m, s, (enum verdict_behaviour)value);
}

bool tcp_mapping_is_over(const struct tcp_mapping *m, const struct streams *s,
			 const struct probe_view *view)
{
	return !m->begun || (is_settled(m, s, view) && !tcp_mapping_wants_port(m, s, view));
}

uint64_t tcp_mapping_deadline_us(const struct tcp_mapping *m, const struct streams *s,
				 const struct probe_view *view)
{
	uint64_t tail_us = timing_tail_us(view->timing, probe_view_rtt_us(view, m->server));
	uint64_t deadline = UINT64_MAX;

	for (uint8_t p = 0; p < m->port_count; p++) {
		for (unsigned k = 0; k < FILTER_KINDS; k++) {
			const struct stream *c;
			uint64_t at_us;

			if (m->streams[p][k] == STREAM_NONE)
				continue;
			c = &s->list[m->streams[p][k]];
			if (c->answered || c->closed)
				continue;
			at_us = (c->connected ? c->connected_us : c->begun_us) + tail_us;
			if (at_us <= view->now_us)
				at_us = streams_next_copy_us(c, view->now_us - tail_us) + tail_us;
			if (at_us > c->begun_us + GIVE_UP_US + tail_us)
				at_us = c->begun_us + GIVE_UP_US + tail_us;
			if (at_us > view->now_us && at_us < deadline)
				deadline = at_us;
		}
	}
	return deadline;
}

struct verdict_property tcp_mapping_result(const struct tcp_mapping *m, const struct streams *s)
{
	struct verdict_sighting seen[SIGHTINGS];
	size_t count = sightings(m, s, seen);
	struct verdict_property p = classify_mapping(seen, count);
	size_t answered = 0;

	for (size_t i = 0; i < count; i++)
		answered += seen[i].mapped.family != ADDR_NONE;
	p.server = m->server;
	if (is_drawn_out(m, s, (enum verdict_behaviour)p.value) &&
	    classify_mapping_is_doubtful(seen, count)) {
		p.value = BEHAVIOUR_UNKNOWN;
		p.cause = CAUSE_CHANGED;
		p.possible = CLASSIFY_ANY;
	}
	if (answered == 0) /* there may be no NAT at all */
		p.possible |= BEHAVIOUR_BIT(BEHAVIOUR_NONE);
	if (p.cause != CAUSE_NONE && answered < count) { /* several values fit, so none is told */
		p.value = BEHAVIOUR_UNKNOWN;
		p.cause = CAUSE_TCP_SILENT;
	}
	return p;
}
