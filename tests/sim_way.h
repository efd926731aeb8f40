/* sim_way - one direction of a way through a simulated network, and what a hop does to a TTL. */
#ifndef NATKIT_SIM_WAY_H
#define NATKIT_SIM_WAY_H

#include "nat_link.h"
#include "nat_model.h"
#include "packet.h"
#include "sim_queue.h"

/* What the profile does to packets, then what the test asks for. */
struct sim_way {
	struct nat_link links[2];
	size_t count;
};

/* One more link, with that much delay on top; config NULL: delay alone. */
void sim_way_add(struct sim_way *way, const struct nat_link_config *config, uint32_t delay_us);

/*
 * Sends a packet down a way, at event.at_us; it becomes an event once it arrives. A link that
 * duplicates is followed by one more at most, so that four copies arrive at most. Returns how many
 * do.
 */
size_t sim_way_send(struct sim_way *way, struct rng *rng, struct sim_queue *queue,
		    struct sim_event event, struct bytes packet);

/*
 * Takes one off the TTL. Where that was the last one, returns false, and writes to `error` what
 * is said about it; nothing where `self` has no address.
 */
bool sim_way_hop(uint8_t *packet, size_t len, const struct addr *self,
		 uint8_t error[PACKET_ERROR_MAX], size_t *error_len);

/*
 * The same at a NAT that a packet comes to from that side, unless the packet is for the NAT
 * itself. False, with nothing to say, for what is no packet.
 */
bool sim_way_enter(const struct nat_config *config, enum nat_side side, uint8_t *packet, size_t len,
		   uint8_t error[PACKET_ERROR_MAX], size_t *error_len);

#endif
