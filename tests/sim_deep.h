/*
 * sim_deep - a deep diagnosis on a virtual clock: the discovery of sim_net first, then `deep` in
 * the same network, with a server that cooperates (stund/coop_server) at the endpoints of server 0.
 *
 *	sim_deep.c         the door: one run from start to end, and the clock
 *	sim_deep_host.c    what a shell does: sockets, datagrams, what comes back
 *	sim_deep_server.c  the cooperating server and its shell
 *	sim_deep_pieces.c  fragments, and what becomes of them
 *	sim_deep_tcp.c     connections, of either side
 *	sim_deep_parts.h   what they share
 *
 * Boxes, links and routers are those of sim_path: they count hops and answer with ICMP. The boxes
 * are fresh: what the discovery left in them is forgotten.
 */
#ifndef NATKIT_SIM_DEEP_H
#define NATKIT_SIM_DEEP_H

#include "natprobe/deep/deep.h"
#include "sim_net.h"

struct sim_deep_config {
	struct sim_config net;
	uint32_t longest_s; /* as deep_config has them */
	uint16_t mappings;
	bool no_cooperation; /* the server is an ordinary one */
	bool server_has_no_raw_sockets;
	bool has_no_raw_sockets, hides_icmp; /* the host */
	bool has_no_second;                  /* ... no second address */
	bool dns_is_silent;                  /* ... nobody who tells of a NAT64 */
	uint64_t stops_at_us;                /* the user interrupts; 0: never */
	uint64_t turn_us; /* its turn to count comes after so long, and so long after that all */
	uint64_t sleeps_for_us;   /* the host does nothing for so long, once, after 10 s */
	uint16_t taken_per_mille; /* local ports that somebody else has */
};

struct sim_deep_result {
	struct verdict verdict;
	bool ended;
	uint64_t discovery_us; /* how long that took */
	uint64_t first_us;     /* when the first datagram of the deeper look left */
	unsigned out_of_turn;  /* datagrams after it had counted, before it could go on */
	uint64_t elapsed_us;   /* of the deeper look */
	unsigned datagrams;
	unsigned burst;                /* most datagrams within 10 ms */
	unsigned most_open;            /* sockets at a time */
	unsigned open_at_end;          /* that nobody closed */
	unsigned calls;                /* of deep_next */
	struct deep_progress progress; /* at the end */
};

/* Of the first interface. */
void sim_deep_run(const struct sim_deep_config *config, struct sim_deep_result *result);

#endif
