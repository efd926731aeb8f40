/*
 * sim_pair_parts - what the parts of sim_pair have in common; only sim_pair*.c include this.
 *
 *	sim_pair          the door: one run from start to end, the clock, the meeting
 *	sim_pair_place    where the two sides' addresses lie, and what a diagnosis says of them
 *	sim_pair_path     links and boxes of both sides, and the public network between them
 *	sim_pair_host     what a shell does: sockets, datagrams, the relay
 *	sim_pair_gateway  what it asks of the gateway
 *	sim_pair_tcp      connections, of hosts and servers (sim_flow: their data)
 *	sim_pair_server   STUN servers
 *	sim_pair_log      what boxes and links did: the truth
 */
#ifndef NATKIT_SIM_PAIR_PARTS_H
#define NATKIT_SIM_PAIR_PARTS_H

#include "packet.h"
#include "sim_flow.h"
#include "sim_net.h"
#include "sim_pair.h"
#include "sim_queue.h"
#include "sim_way.h"

#define SIM_PAIR_TCP_MAX       128
#define SIM_PAIR_MESSAGES_MAX  64
#define SIM_PAIR_SERVERS       2 /* the number of the servers as an owner of TCP ends */
#define SIM_PAIR_INSIDE_US     200
#define SIM_PAIR_RTT_US        50000
#define SIM_PAIR_CARRIER_US    60000
#define SIM_PAIR_PREFIX_LEN4   24
#define SIM_PAIR_PREFIX_LEN6   64
#define SIM_PAIR_PUBLIC_HOPS   3 /* routers between the two outermost boxes */
#define SIM_PAIR_PERMISSIONS   64
#define SIM_PAIR_GATEWAY_TRIES 5

enum sim_pair_happening {
	SIM_PAIR_AT_BOX,  /* of network `who` / NAT_LAYERS_MAX, on `side` */
	SIM_PAIR_AT_HOST, /* `who` */
	SIM_PAIR_AT_CORE, /* from network `who` */
	SIM_PAIR_AT_SERVERS,
	SIM_PAIR_TICK,       /* of a box */
	SIM_PAIR_MESSAGE,    /* of the meeting, number `who` */
	SIM_PAIR_TO_RELAY,   /* what host `who` sends through it */
	SIM_PAIR_FROM_RELAY, /* ... is relayed to it */
	SIM_PAIR_RELAY_OPEN, /* to host `who` / 1024, slot `who` % 1024 */
	SIM_PAIR_MAP_TIMER,  /* the same */
};

struct sim_pair_world;

struct sim_pair_box {
	struct sim_pair_world *world;
	uint8_t net, layer;
	struct nat *nat;
	uint64_t tick_us;
};

struct sim_pair_net {
	struct nat_profile profile; /* where its addresses are in this world */
	struct sim_pair_box boxes[NAT_LAYERS_MAX];
	struct sim_way out, in; /* beyond the outermost box */
};

struct sim_pair_slot {
	bool open, is_relay;
	struct addr local; /* of a relay: the relayed address */
	uint8_t map_tries; /* requests to the gateway; 0: none waits */
	bool map_has_external;
	struct addr map_external;
	uint8_t map_nonce[12];
};

/* A TCP end. */
struct sim_pair_tcp {
	uint8_t state; /* enum in sim_pair_tcp.c; 0: not in use */
	bool is_passive, is_told;
	uint16_t slot;
	uint16_t listener;
	struct addr local, remote;
	uint32_t first;    /* number of the SYN */
	uint64_t timer_us; /* until it is open */
	uint64_t gives_up_us;
	uint32_t timeout_us;
	uint64_t syn_us; /* when the last one left */
	uint8_t syns;
	uint8_t ttl; /* of the next SYN */
	struct sim_flow flow;
	size_t in_len; /* of a server: what is no whole request yet */
	uint8_t in[SIM_FLOW_BYTES];
};

struct sim_pair_stack {
	struct sim_pair_world *world;
	uint8_t who; /* a host, or SIM_PAIR_SERVERS */
	struct sim_pair_tcp ends[SIM_PAIR_TCP_MAX];
	struct addr listeners[PUNCH_CONNECTIONS_MAX]; /* by slot; ADDR_NONE: none */
	bool used[PUNCH_CONNECTIONS_MAX];             /* slots */
};

struct sim_pair_host {
	struct sim_pair_world *world;
	uint8_t who;
	struct sim_pair_net *net;
	struct addr addr;
	struct addr gateway;
	struct rng rng;
	int64_t clock_us; /* its own clock is this much ahead of the world's */
	void *end;        /* of the driver */
	bool is_awake, is_finished;
	uint64_t deadline_us; /* by the world's clock */
	struct sim_pair_slot slots[PUNCH_SLOTS_MAX];
	struct sim_way up, down; /* to the first box, or to the public network */
	uint16_t relays;
	struct addr permitted[SIM_PAIR_PERMISSIONS]; /* peers of its relayed addresses */
	uint8_t permitted_count;
	uint64_t last_message_us; /* of the meeting, from here: when it arrives */
	unsigned icmp_sent;       /* port unreachable; the system sends few */
	unsigned calls;
	uint64_t ended_us;
	bool has_port_mapping;     /* a public one */
	struct sim_pair_stack tcp; /* last, since it is large and begun by itself */
};

struct sim_pair_message {
	size_t len;
	uint8_t data[PUNCH_TELL_MAX];
	int to; /* host */
	bool used;
};

struct sim_pair_world {
	const struct sim_pair_config *config;
	const struct sim_pair_driver *driver;
	uint64_t now_us;
	struct rng rng;
	struct sim_pair_net nets[2];
	size_t net_count;
	struct sim_pair_host hosts[2];
	struct sim_pair_stack servers;
	struct sim_queue queue;
	struct sim_pair_message messages[SIM_PAIR_MESSAGES_MAX];
};

static inline uint64_t sim_pair_clock(const struct sim_pair_host *h)
{
	return (uint64_t)((int64_t)h->world->now_us + h->clock_us);
}

static inline void sim_pair_put(struct sim_pair_world *w, enum sim_pair_happening kind, size_t who,
				uint64_t at_us, struct bytes packet)
{
	sim_queue_put(
		&w->queue,
		(struct sim_event){ .at_us = at_us, .kind = (uint8_t)kind, .who = (uint16_t)who },
		packet);
}

/* ---- sim_pair_place ---- */
/* The profile as it is in the world of a pair: two sides have no public address in common. */
void sim_pair_place(const struct sim_pair_config *c, unsigned side, struct nat_profile *out);
uint64_t sim_pair_seed(const struct sim_pair_config *c, unsigned side);
/* What seeds the boxes of a network, as a diagnosis of it has it (sim_parts.h, sim_seeds). */
struct rng sim_pair_seeds(const struct sim_config *c);

/* ---- sim_pair_path ---- */
void sim_pair_path_start(struct sim_pair_world *w);
void sim_pair_path_end(struct sim_pair_world *w);
void sim_pair_from_host(struct sim_pair_host *h, struct bytes packet);
/* To the public network from a server or the relay. */
void sim_pair_from_core(struct sim_pair_world *w, struct bytes packet);
void sim_pair_at_box(struct sim_pair_world *w, const struct sim_event *e, struct bytes packet);
void sim_pair_at_core(struct sim_pair_world *w, struct bytes packet);
void sim_pair_tick(struct sim_pair_world *w, const struct sim_event *e);
/* Whether somebody in the network is known by that address outside. */
bool sim_pair_net_owns(const struct sim_pair_world *w, size_t net, const struct addr *a);

/* ---- sim_pair_host ---- */
void sim_pair_host_run(struct sim_pair_host *h);
void sim_pair_host_on_packet(struct sim_pair_host *h, struct bytes packet);
void sim_pair_host_on_relayed(struct sim_pair_host *h, struct bytes packet);
void sim_pair_host_on_relay_open(struct sim_pair_host *h, uint16_t slot);
uint16_t sim_pair_pick_port(struct sim_pair_host *h, bool is_tcp);
unsigned sim_pair_host_open(const struct sim_pair_host *h);

/* ---- sim_pair_gateway ---- */
void sim_pair_gateway_map(struct sim_pair_host *h, const struct punch_action *a);
void sim_pair_gateway_on_packet(struct sim_pair_host *h, const struct packet *p);
void sim_pair_gateway_on_timer(struct sim_pair_host *h, uint16_t slot);

/* ---- the relay, in sim_pair_host ---- */
struct addr sim_pair_relay_addr(unsigned side);
/* A packet to a relayed address. */
void sim_pair_at_relay(struct sim_pair_world *w, unsigned side, const struct packet *p);

/* ---- sim_pair_tcp ---- */
void sim_pair_tcp_start(struct sim_pair_stack *s, struct sim_pair_world *w, uint8_t who);
void sim_pair_tcp_listen(struct sim_pair_stack *s, uint16_t slot, const struct addr *local);
void sim_pair_tcp_connect(struct sim_pair_stack *s, uint16_t slot, const struct addr *local,
			  const struct addr *to, uint8_t ttl);
void sim_pair_tcp_write(struct sim_pair_stack *s, uint16_t slot, struct bytes data);
void sim_pair_tcp_close(struct sim_pair_stack *s, uint16_t slot, bool quiet);
void sim_pair_tcp_on_segment(struct sim_pair_stack *s, const struct packet *p);
void sim_pair_tcp_on_error(struct sim_pair_stack *s, const struct packet *about);
void sim_pair_tcp_run(struct sim_pair_stack *s);
uint64_t sim_pair_tcp_due_us(const struct sim_pair_stack *s);

/* ---- sim_pair_server ---- */
struct addr sim_pair_server(uint8_t family, unsigned which); /* 0 to 3, as in stun_server.h */
bool sim_pair_is_server(const struct addr *a);
void sim_pair_server_on_packet(struct sim_pair_world *w, struct bytes packet);
/* The answer to a request over TCP; empty: none. */
struct bytes sim_pair_server_answer(const struct addr *from, const struct addr *at,
				    struct bytes request, bool is_tcp, uint8_t *buf, size_t cap,
				    struct addr *source);

/* ---- sim_pair_log ---- */
void sim_pair_log_reset(void);
void sim_pair_log_decision(const struct sim_pair_box *box, const struct nat_event *e);
void sim_pair_log_lost(struct sim_pair_world *w, uint8_t side, struct bytes packet);
void sim_pair_log_ended(struct sim_pair_world *w, uint8_t side, struct bytes packet);
void sim_pair_trace(const struct sim_pair_world *w, const char *what, size_t who,
		    struct bytes packet);

#endif
