/*
 * sim_turn - a turnd of turnd_rig in the network of sim_net: its relayed addresses are reached
 * there, and what they send leaves from there.
 */
#ifndef NATKIT_TESTS_SIM_TURN_H
#define NATKIT_TESTS_SIM_TURN_H

#include "sim_net.h"
#include "turnd_rig.h"

#define SIM_TURN_OUT_MAX 8

struct sim_turn_out {
	struct addr from, to;
	size_t len;
	uint8_t data[2048];
};

struct sim_turn_server {
	struct rig rig;
	struct rig_client client; /* whoever speaks */
	struct sim_turn turn;     /* for sim_config */
	struct addr leaves_as;    /* what the relay sends has this IP address; ADDR_NONE: its own */
	struct sim_turn_out out[SIM_TURN_OUT_MAX];
	size_t out_count, out_next;
};

/* Of this profile's family; all may be changed until sim_turn_start. */
void sim_turn_init(struct sim_turn_server *s, const struct nat_profile *p);
void sim_turn_start(struct sim_turn_server *s);
void sim_turn_stop(struct sim_turn_server *s);

#endif
