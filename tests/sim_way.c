#include "sim_way.h"

#include "natlab/hop.h"

static bool does_anything(const struct nat_link_config *c)
{
	return c->loss > 0 || c->duplicate > 0 || c->reorder > 0 || c->delay_us > 0 ||
	       c->jitter_us > 0 || c->rate_bit_s > 0;
}

void sim_way_add(struct sim_way *way, const struct nat_link_config *config, uint32_t delay_us)
{
	struct nat_link_config c = config != NULL ? *config : (struct nat_link_config){ 0 };

	c.delay_us += delay_us;
	if (does_anything(&c))
		way->links[way->count++].config = c;
}

static size_t travel(struct sim_way *way, size_t link, struct rng *rng, struct sim_queue *queue,
		     const struct sim_event *event, struct bytes packet)
{
	struct sim_event next = *event;
	uint64_t arrivals[2];
	size_t n, copies = 0;

	if (link == way->count) {
		sim_queue_put(queue, *event, packet);
		return 1;
	}
	n = nat_link_send(&way->links[link], rng, packet.len, event->at_us, arrivals);
	for (size_t i = 0; i < n; i++) {
		next.at_us = arrivals[i];
		copies += travel(way, link + 1, rng, queue, &next, packet);
	}
	return copies;
}

size_t sim_way_send(struct sim_way *way, struct rng *rng, struct sim_queue *queue,
		    struct sim_event event, struct bytes packet)
{
	return travel(way, 0, rng, queue, &event, packet);
}

bool sim_way_hop(uint8_t *packet, size_t len, const struct addr *self,
		 uint8_t error[PACKET_ERROR_MAX], size_t *error_len)
{
	*error_len = 0;
	if (packet_hop(packet, len))
		return true;
	if (self->family != ADDR_NONE)
		*error_len =
			hop_time_exceeded(bytes_of(packet, len), self, error, PACKET_ERROR_MAX);
	return false;
}

/* Whom a box is to those on that side; ADDR_NONE: it does not say. */
static struct addr box_address(const struct nat_config *c, enum nat_side side)
{
	if (c->silent_hop)
		return (struct addr){ 0 };
	return side == NAT_OUTSIDE && c->external_count > 0 ? c->externals[0] : c->gateway;
}

bool sim_way_enter(const struct nat_config *config, enum nat_side side, uint8_t *packet, size_t len,
		   uint8_t error[PACKET_ERROR_MAX], size_t *error_len)
{
	struct addr self = box_address(config, side);
	struct hop_ends ends;

	*error_len = 0;
	if (!hop_ends(bytes_of(packet, len), &ends))
		return false;
	if (side == NAT_INSIDE && addr_equal_ip(&ends.destination, &config->gateway))
		return true;
	return sim_way_hop(packet, len, &self, error, error_len);
}
