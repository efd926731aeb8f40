/*
 * sim_net - a whole network on a virtual clock: hosts that run natprobe's discoveries, the NATs
 * of a profile (nat_model), links with loss and delay, and STUN servers that may misbehave.
 *
 * Everything follows from the seed. Honest servers are lib/stun_server; the others bend what it
 * says. Packets are real IP packets, so what the simulation says the laboratory can repeat.
 */
#ifndef NATKIT_SIM_NET_H
#define NATKIT_SIM_NET_H

#include <stdio.h>

#include "nat_profile.h"
#include "natprobe/discover/discover.h"
#include "turn_client.h"

#define SIM_SERVERS_MAX    6
#define SIM_INTERFACES_MAX 2
#define SIM_START_US       1000000 /* what the clock shows when a run begins */
#define SIM_BUDGET         120     /* datagrams of one discovery at most */
#define SIM_TCP_BUDGET     8

enum sim_misdeed {
	SIM_HONEST = 0,
	SIM_ONE_ADDRESS,       /* no OTHER-ADDRESS */
	SIM_DEAD,              /* answers nothing */
	SIM_TCP_ONLY,          /* answers nothing by UDP */
	SIM_NO_TCP,            /* refuses TCP */
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
	SIM_SLOW,              /* all answers take extra_rtt_us longer */
	SIM_LOSSY,             /* drops 30 % of what it would answer */
	SIM_ECHOES,            /* answers twice, the second time with another mapped address */
	SIM_GARBLES,           /* answers with a wrong id first */
	SIM_OLD,               /* tells MAPPED-ADDRESS and CHANGED-ADDRESS only (RFC 3489) */
	SIM_VERBOSE,           /* answers have 1200 bytes */
	SIM_MISDEEDS,
};

/* What servers answer over TCP. */
enum sim_tcp_answer {
	SIM_TCP_HONEST = 0,
	SIM_TCP_MAPPED,  /* as RFC 3489 has it */
	SIM_TCP_NOTHING, /* a success without an address */
	SIM_TCP_ERROR,   /* 400 */
	SIM_TCP_FAMILY,  /* an address of the other family */
};

struct sim_server {
	uint8_t misdeed; /* enum sim_misdeed */
	uint32_t extra_rtt_us;
	uint8_t tcp_answer; /* enum sim_tcp_answer */
};

/* What a TURN server sends. */
struct sim_turn_item {
	bool is_frame; /* to the client on `line`; else an IP packet */
	uint8_t line;
	struct bytes data;
};

struct packet;

/*
 * A TURN server; sim_turn.h has one. Over UDP it is a part of the network. Streams to it are lines
 * of their own, that lose nothing: what NATs do to them is not what is tested.
 */
struct sim_turn {
	struct addr addr; /* where it is asked, as the public network knows it */
	struct turn_client_credentials credentials;
	bool has_lines;
	void *arg;
	/* A packet to its IP address. */
	void (*on_packet)(void *arg, const struct packet *p, uint64_t now_us);
	void (*on_frame)(void *arg, uint8_t line, struct bytes frame, uint64_t now_us);
	void (*on_line_closed)(void *arg, uint8_t line, uint64_t now_us);
	/* Does what is due; returns when to call again. */
	uint64_t (*on_time)(void *arg, uint64_t now_us);
	/* What it sends because of that, one after the other; false: no more. */
	bool (*next)(void *arg, struct sim_turn_item *out);
};

struct sim_config {
	const struct nat_profile *profile;
	uint64_t seed;
	uint32_t rtt_us;                  /* host to server and back; 0: 50 ms */
	struct nat_link_config access;    /* each way, on top of the profile's; no delay in here */
	bool loses_inside;                /* loss between host and first box; otherwise beyond it */
	bool loss_out_only, loss_in_only; /* loss one way only */
	uint32_t loses_until_us;          /* what the host sends before is lost */
	struct sim_server servers[SIM_SERVERS_MAX];
	size_t server_count;            /* 0: one, honest */
	bool no_servers;                /* the discoveries are told of none */
	bool tells_alternate;           /* ... of one more: the second address of the first */
	bool forges;                    /* an off-path attacker answers everything with wrong ids */
	bool hides_own_source;          /* the host drops packets that show its own address */
	uint64_t flush_at_us;           /* the innermost box reboots; 0: never */
	uint64_t address_changes_at_us; /* the outermost box gets another address; 0: never */
	uint32_t refused_per_mille;     /* datagrams that the system refuses to send */
	uint32_t wakes_after_us;        /* what is sent before waits until then: ARP, a radio */
	bool open_fails;                /* no slot but the first can be opened */
	bool no_sockets;                /* none at all */
	bool tcp_hides_local;           /* the system does not tell our end of a connection */
	double confidence;              /* 0: default */
	uint16_t local_port;            /* as discover_config has it */
	const struct discover_timing *timing; /* NULL: default */
	const struct sim_turn *turn;  /* asked once a discovery is over; NULL: there is none */
	uint32_t turn_stops_after_us; /* the user has enough then; 0: never */
	FILE *trace; /* all packets and decisions of boxes, a line each; NULL: none */
};

struct sim_result {
	struct verdict verdict;
	bool ended;
	uint64_t elapsed_us;
	unsigned datagrams;   /* that left */
	unsigned connections; /* TCP, tried */
	unsigned burst;       /* most datagrams within 10 ms */
	unsigned per_second;  /* most within a second */
	unsigned open_at_end; /* slots and connections that nobody closed */
	unsigned calls;       /* of discover_next */
};

/*
 * One complete diagnosis; results[0..SIM_INTERFACES_MAX-1]. Returns how many interfaces ran.
 * Two interfaces run side by side, as natprobe does it, and take turns where mappings are made.
 */
size_t sim_run(const struct sim_config *config, struct sim_result results[SIM_INTERFACES_MAX]);

/*
 * The endpoint of a server as the host addresses it (behind a NAT64: synthesised); socket as in
 * stun_server.h.
 */
struct addr sim_endpoint(const struct sim_config *config, size_t server, uint8_t socket);

/* Any address of the public network, as the host addresses it. */
struct addr sim_reach(const struct sim_config *config, const struct addr *a);

#endif
