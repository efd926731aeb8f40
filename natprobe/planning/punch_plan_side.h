/*
 * punch_plan_side - what a path means for the strategies: judgements that the steps, their chances
 * and the shots share. Pure; unknown counts as what is common.
 */
#ifndef NATPROBE_PUNCH_PLAN_SIDE_H
#define NATPROBE_PUNCH_PLAN_SIDE_H

#include "punch_plan.h"

#define PLAN_AGE_S 2.0 /* from the last sample to the step, as a rule */

/* How the port of a mapping that does not exist yet follows from what was seen. */
enum plan_ports {
	PLAN_PORTS_ANNOUNCED, /* it is the one that a server saw, for whomever */
	PLAN_PORTS_LOCAL,     /* local port + value, for the first destination of a socket */
	PLAN_PORTS_COUNTED,   /* the last one + value */
	PLAN_PORTS_RANDOM,
};

struct plan_range {
	uint16_t low, high;
};

/* TCP as if it were UDP; what nobody looked at is as UDP has it. */
struct peer_path plan_tcp_view(const struct peer_path *p);
/* Towards the peer another port is used than the one that was announced. */
bool plan_is_hard(const struct peer_path *p);
/* Everybody may send to the mapped endpoint. */
bool plan_is_open(const struct peer_path *p);
/* Whoever was sent to may answer from any port. */
bool plan_admits_address(const struct peer_path *p);
/* One socket has one port for all ports of a peer: it may search from there. */
bool plan_keeps_port_of_peer(const struct peer_path *p);
/* A packet that comes before ours may spoil the mapping: known, or not excluded. */
bool plan_is_spoilt_early(const struct peer_path *p);
bool plan_may_be_spoilt_early(const struct peer_path *p);

enum plan_ports plan_ports(const struct peer_path *p);
/*
 * From one port that a NAT which counts gives to the next, signed; 0: it does not count, or not so
 * that one tells the other. fresh: of a new socket's first destinations; else of a further
 * destination of one socket.
 */
int32_t plan_next_step(const struct peer_path *p, bool fresh);
/* The signed step, or offset, of what is foretold. */
int32_t plan_ports_value(const struct peer_path *p);
/* Where its ports lie, as far as is known. */
struct plan_range plan_range_of(const struct peer_path *p);
uint32_t plan_range_width(struct plan_range r);
/* Each port is of its socket's parity, and by lot otherwise. */
bool plan_is_lot_of_parity(const struct peer_path *p);
/* How many ports there are to search for: of one parity alone, if sockets can be. */
uint32_t plan_searched_width(const struct peer_path *p);

/* How many addresses its packets may come from: all of them have to be let in. */
uint32_t plan_address_count(const struct peer_path *p);
/* The next port is the last one + value where the local port is the next one, too. */
bool plan_ports_follow_local(const struct peer_path *p);
/* It counts, and leaves out ports of the wrong parity: a plain row for sockets of one parity alone. */
bool plan_ports_follow_parity(const struct peer_path *p);
/* It is foretold to the port, whatever others do meanwhile. */
bool plan_is_exact(const struct peer_path *p);

/* Bit of ADDR_IPV4 and ADDR_IPV6: kinds of external addresses, 1u << family. */
unsigned plan_families(const struct peer_path *p);
/* A host of IPv6 whose way to IPv4 is a NAT64. */
bool plan_uses_nat64(const struct peer_path *p, uint8_t family);

/* There and back between both hosts, by way of the servers that told. */
uint32_t plan_round_trip_us(const struct peer_path *a, const struct peer_path *b);
/* Packets a second that a search may send from the one to the other. */
uint32_t plan_pace_per_s(const struct peer_path *a, const struct peer_path *b);
/* Mappings of others per second; what is common, where it is not known. */
double plan_background(const struct peer_path *p);
/* The chance that one packet gets from the one to the other. */
double plan_through(const struct peer_path *a, const struct peer_path *b);

#endif
