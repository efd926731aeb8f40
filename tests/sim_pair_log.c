#include "natprobe/map/portmap_wire.h"
#include "sim_pair_parts.h"
#include "sim_trace.h"

static struct sim_pair_event events[SIM_PAIR_EVENTS_MAX];
static size_t count;

void sim_pair_log_reset(void)
{
	count = 0;
}

const struct sim_pair_event *sim_pair_events(size_t *n)
{
	*n = count;
	return events;
}

bool sim_pair_is_infrastructure(const struct addr *a)
{
	struct addr relays[2] = { sim_pair_relay_addr(0), sim_pair_relay_addr(1) };

	return sim_pair_is_server(a) || addr_equal_ip(a, &relays[0]) ||
	       addr_equal_ip(a, &relays[1]) || a->port == PORTMAP_PORT;
}

static void add(const struct sim_pair_event *e)
{
	if (count < SIM_PAIR_EVENTS_MAX)
		events[count++] = *e;
}

void sim_pair_trace(const struct sim_pair_world *w, const char *what, size_t who,
		    struct bytes packet)
{
	if (w->config->trace != NULL)
		sim_trace_print_packet(w->config->trace, w->now_us, what, who, packet);
}

static bool is_word(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static unsigned truth_of_drop(const struct nat_event *e)
{
	if (is_word(e->why, "blocked"))
		return SIM_PAIR_BLOCKED;
	if (is_word(e->why, "rate-limit"))
		return SIM_PAIR_RATE_LIMIT;
	if (is_word(e->why, "subscriber-limit") || is_word(e->why, "no-port") ||
	    is_word(e->why, "table-full"))
		return SIM_PAIR_MAPPING_LIMIT;
	if (is_word(e->why, "simultaneous-open"))
		return SIM_PAIR_NO_SIMULTANEOUS_OPEN;
	if (is_word(e->why, "no-mapping") && e->side == NAT_OUTSIDE)
		return SIM_PAIR_NO_MAPPING;
	if (e->side == NAT_INSIDE)
		return is_word(e->why, "hairpin") ? SIM_PAIR_NO_HAIRPIN : SIM_PAIR_HAIRPIN_FILTERED;
	return SIM_PAIR_FILTERED;
}

static unsigned truth_of(const struct nat_event *e)
{
	switch (e->kind) {
	case NAT_EVENT_DROPPED:
		return truth_of_drop(e);
	case NAT_EVENT_REMAPPED:
		return SIM_PAIR_REMAPPED;
	case NAT_EVENT_REMOVED:
		return SIM_PAIR_MAPPING_ENDED;
	case NAT_EVENT_MAPPED:
		return SIM_PAIR_MAPPED;
	default:
		return 0;
	}
}

void sim_pair_log_decision(const struct sim_pair_box *box, const struct nat_event *e)
{
	struct sim_pair_event event = { .at_us = e->now_us,
					.truth = truth_of(e),
					.side = box->net,
					.layer = box->layer,
					.is_outbound = e->side == NAT_INSIDE,
					.protocol = e->protocol,
					.internal = e->internal,
					.external = e->external,
					.remote = e->remote };

	if (box->world->config->trace != NULL)
		sim_trace_print_decision(box->world->config->trace,
					 (size_t)box->net * NAT_LAYERS_MAX + box->layer, e);
	if (event.truth != 0)
		add(&event);
}

/* What a link or a router did not let through. */
static void log_packet(const struct sim_pair_world *w, uint8_t side, struct bytes packet,
		       unsigned truth)
{
	struct packet p;

	if (!packet_parse(packet, &p))
		return;
	add(&(struct sim_pair_event){ .at_us = w->now_us,
				      .truth = truth,
				      .side = side,
				      .protocol = p.protocol,
				      .is_outbound = true,
				      .internal = p.source,
				      .external = p.source,
				      .remote = p.destination });
}

void sim_pair_log_lost(struct sim_pair_world *w, uint8_t side, struct bytes packet)
{
	if (w->config->trace != NULL)
		sim_trace_print_packet(w->config->trace, w->now_us, "LOST by link", side, packet);
	log_packet(w, side, packet, SIM_PAIR_LOST);
}

void sim_pair_log_ended(struct sim_pair_world *w, uint8_t side, struct bytes packet)
{
	if (w->config->trace != NULL)
		sim_trace_print_packet(w->config->trace, w->now_us, "TTL ends", side, packet);
	log_packet(w, side, packet, SIM_PAIR_TTL_ENDED);
}
