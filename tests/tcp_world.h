/*
 * tcp_world - two hosts, a NAT in front of each, and what TCP does between them, on a virtual clock.
 *
 *	host 0 --- NAT 0 --- router --- router --- NAT 1 --- host 1
 *
 * Segments are plain values. The hosts do as Linux does: a SYN that meets one of their own is a
 * simultaneous open, one that nobody waits for is answered with a RST, and so is the answer to a
 * SYN that is forgotten.
 */
#ifndef NATKIT_TCP_WORLD_H
#define NATKIT_TCP_WORLD_H

#include "natprobe/punch/punch_action.h"
#include "rng.h"

#define TCP_WORLD_SEGMENTS 512
#define TCP_WORLD_FLOWS    256
#define TCP_WORLD_BYTES    2048

/* What a NAT does with a SYN that it did not wait for. */
enum tcp_world_reaction {
	TCP_WORLD_DROP = 0,
	TCP_WORLD_RST,
	TCP_WORLD_ICMP,
};

struct tcp_world_nat {
	bool is_there;
	uint8_t reaction;
	bool is_open;              /* no filter */
	bool differs;              /* another port for each destination */
	bool counts;               /* ... which is the next one */
	bool follows;              /* ... which is the next one but two, where the local port is the
				      one next to that of the mapping before; else any */
	bool keeps_first;          /* ... but the first of a local port is always local + 1000 */
	bool no_simultaneous_open; /* a SYN that meets one of its own is dropped */
	bool hides_icmp;           /* about a TTL that ended */
	bool forgets;              /* a mapping that somebody meets who may not come in */
	struct addr external;      /* port 0 */
};

struct tcp_world_flow {
	uint16_t local, external;
	struct addr remote;
	bool is_syn_sent; /* a SYN went out, and nothing came in */
};

struct tcp_world_socket {
	uint8_t state; /* enum in tcp_world.c */
	bool is_accepted;
	uint16_t listener;
	struct addr local, remote;
	uint32_t first, expected;     /* numbers of the two SYNs */
	uint32_t acked, taken;        /* bytes */
	uint8_t out[TCP_WORLD_BYTES]; /* not acknowledged */
	size_t out_len;
	uint64_t timer_us;
	uint32_t timeout_us;
};

struct tcp_world_segment {
	uint64_t at_us, order;
	uint8_t kind; /* enum in tcp_world.c */
	uint8_t host; /* that it goes to */
	uint8_t ttl;
	uint32_t seq, ack;
	struct addr from, to;
	struct addr about; /* ICMP: whom it was sent to */
	uint8_t data[TCP_WORLD_BYTES];
	size_t len;
};

struct tcp_world_host {
	struct addr addr; /* port 0 */
	struct tcp_world_nat nat;
	struct tcp_world_flow flows[TCP_WORLD_FLOWS];
	size_t flow_count;
	struct tcp_world_socket sockets[PUNCH_CONNECTIONS_MAX];
	unsigned syns;
};

/* What a host's program is told. */
struct tcp_world_events {
	void (*on_connected)(void *arg, uint16_t slot, const struct addr *local, uint64_t now_us);
	void (*on_accepted)(void *arg, uint16_t listener, uint16_t slot, const struct addr *remote,
			    uint64_t now_us);
	void (*on_stream)(void *arg, uint16_t slot, enum punch_stream what, struct bytes data,
			  uint64_t now_us);
	void *arg;
};

struct tcp_world {
	struct tcp_world_host hosts[2];
	struct tcp_world_events events[2];
	uint64_t now_us;
	uint32_t delay_us, jitter_us; /* one way */
	uint32_t loss_per_mille;
	struct rng rng;
	struct tcp_world_segment segments[TCP_WORLD_SEGMENTS];
	size_t segment_count;
	uint64_t order;
};

/* All but WAIT; ports are those of the host itself. */
void tcp_world_do(struct tcp_world *w, int host, const struct punch_action *action);
/* When something happens by itself; UINT64_MAX: never. */
uint64_t tcp_world_due_us(const struct tcp_world *w);
/* Lets it happen; now_us is that time. */
void tcp_world_run(struct tcp_world *w);
/* The endpoint that the NAT of a host shows to `remote`; it is mapped from now on. */
struct addr tcp_world_map(struct tcp_world *w, int host, uint16_t local_port,
			  const struct addr *remote);
/* Sockets of a host that are not closed. */
unsigned tcp_world_open(const struct tcp_world *w, int host);

#endif
