/*
 * sim_world - one discovery, a NAT, a lossy path and a few STUN servers, on a virtual clock.
 *
 * Everything follows from the seed. Honest servers are lib/stun_server; the others bend what it
 * says.
 */
#ifndef NATKIT_SIM_WORLD_H
#define NATKIT_SIM_WORLD_H

#include "natprobe/discover.h"
#include "sim_nat.h"

#define SIM_SERVERS_MAX 6
#define SIM_START_US    1000000 /* what the clock shows when a run begins */

/* What servers answer over TCP. */
enum sim_tcp_answer {
	SIM_TCP_XOR_MAPPED = 0,
	SIM_TCP_MAPPED,  /* as RFC 3489 has it */
	SIM_TCP_NOTHING, /* a success without an address */
	SIM_TCP_ERROR,   /* 400 */
	SIM_TCP_FAMILY,  /* an address of the other family */
};

enum sim_misdeed {
	SIM_HONEST = 0,
	SIM_ONE_ADDRESS,       /* no OTHER-ADDRESS */
	SIM_DEAD,              /* answers nothing */
	SIM_TCP_ONLY,          /* answers nothing by UDP */
	SIM_REFUSES_BINDING,   /* answers 400 */
	SIM_IGNORES_CHANGE,    /* answers from where it was asked */
	SIM_IGNORES_ADDRESS,   /* changes the port, never the address */
	SIM_REFUSES_CHANGE,    /* answers 420 */
	SIM_DROPS_CHANGE,      /* does not answer those */
	SIM_WRONG_SOURCE,      /* change-both comes from A2:P1 */
	SIM_WRONG_PLAIN,       /* answers plain requests from another port */
	SIM_ONE_VOICE,         /* answers everything from A1:P1 */
	SIM_SAME_ADDRESS,      /* OTHER-ADDRESS has the same address */
	SIM_SAME_PORT,         /* OTHER-ADDRESS has the same port */
	SIM_PRIVATE_ALTERNATE, /* OTHER-ADDRESS is 10.0.0.1 */
	SIM_DEAD_ALTERNATE,    /* the second address answers nothing, and nothing leaves from it */
	SIM_SLOW_CHANGE,       /* changed answers take a second longer */
};

struct sim_server {
	enum sim_misdeed misdeed;
	uint32_t extra_rtt_us;
};

struct sim_config {
	uint64_t seed;
	enum verdict_behaviour mapping, filtering;
	bool preserves_port, pools;
	uint32_t port_span;
	bool ipv6;
	uint32_t rtt_us;
	uint32_t jitter_us;      /* each way, uniform */
	uint32_t loss_per_mille; /* each way */
	uint32_t duplicates_per_mille;
	uint32_t limit_per_s;    /* of datagrams that the NAT forwards outwards; 0: none */
	uint32_t wakes_after_us; /* what is sent before waits until then: ARP, a radio */
	bool udp_blocked;
	uint32_t refused_per_mille; /* datagrams that the system refuses to send */
	bool tcp_blocked;
	bool tcp_refused;
	enum sim_tcp_answer tcp_answer;
	bool tcp_hides_local;   /* the system does not tell our end of a connection */
	bool keeps_ip;          /* the NAT has no address but ours */
	bool forges;            /* an off-path attacker answers everything with wrong ids */
	bool open_fails;        /* no slot but the first can be opened */
	bool no_sockets;        /* none at all */
	uint64_t forgets_at_us; /* the NAT loses all its state, once; 0: never */
	struct sim_server servers[SIM_SERVERS_MAX];
	size_t server_count;
	const struct discover_timing *timing; /* NULL: default */
};

struct sim_result {
	struct verdict verdict;
	bool ended;
	uint64_t elapsed_us;
	unsigned datagrams;   /* that left */
	unsigned burst;       /* most of them within 10 ms */
	unsigned per_second;  /* most of them within a second */
	unsigned open_at_end; /* slots and connections that nobody closed */
	unsigned calls;       /* of discover_next */
};

struct sim_result sim_run(const struct sim_config *config);

/* The endpoint of a server: socket as in stun_server.h. */
struct addr sim_endpoint(const struct sim_config *config, size_t server, uint8_t socket);

#endif
