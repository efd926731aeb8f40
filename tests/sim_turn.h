/*
 * sim_turn - a turnd of turnd_rig in the network of sim_net: its relayed addresses are reached
 * there, and what they send leaves from there; over TCP too, of which it has as much as a
 * connection needs that nothing is said on.
 */
#ifndef NATKIT_TESTS_SIM_TURN_H
#define NATKIT_TESTS_SIM_TURN_H

#include "sim_net.h"
#include "turnd_rig.h"

#define SIM_TURN_OUT_MAX   16
#define SIM_TURN_LINES     8
#define SIM_TURN_PEERS_MAX 16
#define SIM_TURN_HEARD_MAX 64

struct sim_turn_out {
	bool is_frame;
	uint8_t line;
	size_t len;
	uint8_t data[2048];
};

/* A connection to a peer that is being made. */
struct sim_turn_peer {
	struct tcp_peer *peer; /* NULL: none */
	struct addr local, remote;
	uint32_t first;
	unsigned syns;
	uint64_t next_us; /* when the SYN is sent again */
};

struct sim_turn_server {
	struct rig rig;
	struct rig_client client;                /* whoever speaks by UDP */
	struct rig_client lines[SIM_TURN_LINES]; /* those with a stream */
	struct sim_turn turn;                    /* for sim_config */
	struct addr leaves_as; /* what the relay sends has this IP address; ADDR_NONE: its own */
	bool only_answers;     /* it sends by UDP only to whom it has heard of */
	bool makes_no_connections; /* its SYNs leave for nowhere */
	/* Changes bytes on their way to clients; NULL: it does not. */
	void (*change)(void *arg, uint8_t *data, size_t *len);
	void *change_arg;
	struct sim_turn_peer peers[SIM_TURN_PEERS_MAX];
	struct sim_turn_heard {
		struct addr peer;
		uint16_t port; /* relayed */
	} heard[SIM_TURN_HEARD_MAX];
	size_t heard_count;
	struct sim_turn_out out[SIM_TURN_OUT_MAX];
	size_t out_count, out_next;
};

/* Of this profile's family; all may be changed until sim_turn_start. */
void sim_turn_init(struct sim_turn_server *s, const struct nat_profile *p);
void sim_turn_start(struct sim_turn_server *s);
void sim_turn_stop(struct sim_turn_server *s);

#endif
