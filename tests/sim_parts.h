/*
 * sim_parts - what the parts of sim_net have in common: the world, and what they ask of each
 * other. Only sim_*.c include this.
 *
 *	sim_net     the door: one run from start to end
 *	sim_queue   what happens when
 *	sim_host    discoveries, their sockets and interfaces
 *	sim_relay   the way to a TURN server
 *	sim_vantage what follows a discovery where there is a TURN server
 *	sim_tcp     a TCP that is good enough for a request and its answer
 *	sim_server  STUN servers, honest or not
 *	sim_path    links and boxes between host and servers
 *	sim_way     one direction of a link, and hops
 *	sim_trace   a line for each packet, for people
 */
#ifndef NATKIT_SIM_PARTS_H
#define NATKIT_SIM_PARTS_H

#include "natprobe/discover/floor.h"
#include "natprobe/vantage/vantage.h"
#include "packet.h"
#include "sim_net.h"
#include "sim_queue.h"
#include "sim_way.h"

#define SIM_SENDS_MAX 512 /* whose times are kept */
#define SIM_TCP_MAX   64  /* ends of connections, of hosts and servers together */
#define SIM_TCP_BYTES 640 /* of one direction of a connection */

enum sim_happening {
	SIM_AT_BOX,     /* a packet reaches box `who` on `side` */
	SIM_AT_HOST,    /* ... interface `who` */
	SIM_AT_SERVERS, /* ... the public network */
	SIM_REPLY,      /* a server that took its time sends */
	SIM_TCP_TIMER,  /* of end `who` */
	SIM_TICK,       /* of box `who` */
	SIM_FLUSH,
	SIM_NEW_ADDRESS,
	SIM_TURN_TIMER,
	SIM_TO_TURN, /* a frame on a line of interface `who` / VANTAGE_ENDS, end `who` % that */
	SIM_FROM_TURN,
};

struct sim_box {
	struct sim_world *world;
	size_t layer;
	struct nat *nat;
	uint64_t tick_us;
};

/* A TCP port that listens, and whoever calls it. */
struct sim_call {
	struct addr local; /* family ADDR_NONE: closed */
	struct addr remote;
	uint32_t first, expected;
};

struct sim_host {
	struct sim_world *world;
	uint16_t nic;
	struct addr addr;
	struct discover *discover;
	uint64_t vantage_since_us;
	struct vantage *vantage;        /* once the discovery is over; NULL: not yet */
	struct addr ends[VANTAGE_ENDS]; /* family ADDR_NONE: closed */
	struct sim_call calls[VANTAGE_CALLS];
	bool has_floor;
	struct rng rng;
	struct addr slots[DISCOVER_SLOTS_MAX]; /* family ADDR_NONE: closed */
	bool connections[DISCOVER_CONNECTIONS_MAX];
	unsigned open, opened;
	uint64_t deadline_us; /* to which its discovery waits */
	bool is_awake;        /* something happened that its discovery was told of */
	uint64_t sends_us[SIM_SENDS_MAX];
	struct sim_way up, down; /* to the first box, or to the public network */
	struct sim_result *result;
};

/* One end of a TCP connection. */
struct sim_tcp {
	uint8_t state; /* enum in sim_tcp.c; 0: not in use */
	bool is_server;
	uint16_t nic;   /* of a host's end */
	uint8_t slot;   /* ... its connection */
	size_t server;  /* of a server's end */
	uint8_t socket; /* ... as in sim_endpoint, SIM_PLAIN_SOCKET: plain */
	struct addr local, remote;
	uint32_t first, acked; /* of what we send: number of byte 0; bytes acknowledged */
	uint32_t expected;     /* the next number of the other side */
	uint64_t began_us, timer_us;
	uint32_t timeout_us;
	bool in_pieces; /* not sent yet: then in two pieces */
	uint8_t out[SIM_TCP_BYTES], in[SIM_TCP_BYTES];
	size_t out_len, in_len;
};

struct sim_world {
	const struct sim_config *config;
	const struct nat_profile *profile;
	size_t server_count;
	uint64_t now_us;
	struct rng rng; /* of links and servers */
	struct sim_host hosts[SIM_INTERFACES_MAX];
	size_t host_count;
	struct floor *floor; /* of several discoveries; NULL: one has it for itself */
	struct sim_box boxes[NAT_LAYERS_MAX]; /* the same order as the layers */
	struct sim_way out, in;               /* beyond the outermost box */
	struct sim_tcp tcp[SIM_TCP_MAX];
	uint64_t turn_due_us;
	struct sim_queue queue;
	void (*at_servers)(struct sim_world *w, struct bytes packet); /* NULL: as sim_server */
};

static inline bool sim_happens(struct sim_world *w, uint32_t per_mille)
{
	return per_mille > 0 && rng_below(&w->rng, 1000) < per_mille;
}

static inline void sim_put(struct sim_world *w, enum sim_happening kind, size_t who, uint64_t at_us,
			   struct bytes packet)
{
	sim_queue_put(
		&w->queue,
		(struct sim_event){ .at_us = at_us, .kind = (uint8_t)kind, .who = (uint16_t)who },
		packet);
}

/*
 * Seeds of a run, in the order: world, hosts, boxes. Each network has chances of its own: else one
 * bad seed would be bad for all of them.
 */
struct rng sim_seeds(const struct sim_config *c);

/* Prints a packet, or what a box decided, where config.trace is there. */
void sim_trace_packet(const struct sim_world *w, const char *what, size_t who, struct bytes packet);
void sim_trace_decision(const struct sim_world *w, size_t layer, const struct nat_event *e);

/* The way between hosts and servers. */
void sim_path_start(struct sim_world *w, struct rng *seeds);
void sim_path_end(struct sim_world *w);
/* A packet leaves an interface, or the servers. */
void sim_path_from_host(struct sim_world *w, struct sim_host *h, struct bytes packet);
void sim_path_from_servers(struct sim_world *w, struct bytes packet);
/* What reaches the servers has one router more to pass. */
void sim_path_at_servers(struct sim_world *w, struct bytes packet);
/* What reaches a box, or is due there. */
void sim_path_at_box(struct sim_world *w, const struct sim_event *e, struct bytes packet);
void sim_path_tick(struct sim_world *w, const struct sim_event *e);
void sim_path_flush(struct sim_world *w);
void sim_path_new_address(struct sim_world *w);

/* Hosts. */
void sim_host_start(struct sim_world *w, struct sim_host *h, const struct discover_config *config);
/* Lets its discovery do what it wants to do now. */
void sim_host_run(struct sim_host *h);
void sim_host_on_packet(struct sim_host *h, struct bytes packet);
/* What came of a connection; `local` is NULL where it is not told. */
void sim_host_on_connected(struct sim_host *h, uint8_t slot, const struct addr *local);
void sim_host_on_stream(struct sim_host *h, uint8_t slot, enum discover_stream what,
			struct bytes data);

bool sim_host_wants_floor(const struct sim_host *h);
void sim_host_take_floor(struct sim_host *h, bool granted);
uint16_t sim_host_pick_port(struct sim_host *h);
void sim_host_note_send(struct sim_host *h);

/* All is over for it. */
void sim_host_end(struct sim_host *h);

/* What follows its discovery, where there is a TURN server. */
void sim_vantage_start(struct sim_host *h);
void sim_vantage_run(struct sim_host *h);
void sim_vantage_on_udp(struct sim_host *h, const struct packet *p);
/* True where it is for a port that listens. */
bool sim_vantage_on_segment(struct sim_host *h, const struct packet *p);
void sim_vantage_on_frame(struct sim_host *h, uint8_t end, struct bytes frame);

/* The TURN server. Its number as one that answers Binding requests by TCP: */
#define SIM_TURN_SERVER SIM_SERVERS_MAX
bool sim_turn_is_at(const struct sim_world *w, const struct addr *to);
void sim_turn_on_packet(struct sim_world *w, const struct packet *p);
void sim_turn_on_frame(struct sim_world *w, uint8_t line, struct bytes frame);
void sim_turn_on_line_closed(struct sim_world *w, uint8_t line);
void sim_turn_on_time(struct sim_world *w, const struct sim_event *e);

/* TCP. */
void sim_tcp_connect(struct sim_host *h, uint8_t slot, uint16_t port, const struct addr *to,
		     struct bytes request);
void sim_tcp_close(struct sim_host *h, uint8_t slot);
void sim_tcp_at_host(struct sim_host *h, const struct packet *p);
/* socket: of a server that listens; it refuses where `refuses` */
void sim_tcp_at_server(struct sim_world *w, size_t server, uint8_t socket, bool refuses,
		       const struct packet *p);
void sim_tcp_timer(struct sim_world *w, const struct sim_event *e);

/* Servers. Sockets are those of stun_server.h, and one more: */
#define SIM_PLAIN_SOCKET 4 /* UDP 443 of the first address */
/* As the public network knows it. */
struct addr sim_server_addr(const struct sim_world *w, size_t server, uint8_t socket);
void sim_server_on_packet(struct sim_world *w, struct bytes packet);
/* The answer to a request over TCP, written to buf; empty: none. */
struct bytes sim_server_answer_tcp(struct sim_world *w, const struct sim_tcp *t,
				   struct bytes request, uint8_t *buf, size_t cap);
/* How much longer than others it takes for an answer. */
uint32_t sim_server_extra_us(const struct sim_world *w, size_t server);

#endif
