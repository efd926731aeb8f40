/*
 * nat_rig - a NAT on the bench: sends packets through it and looks at what comes out, whose
 * checksums must be right.
 */
#ifndef NATKIT_NAT_RIG_H
#define NATKIT_NAT_RIG_H

#include "tests/nat_model.h"
#include "tests/packet.h"

#define RIG_PACKETS_MAX 64
#define RIG_EVENTS_MAX  512

struct rig_packet {
	enum nat_side side;
	uint8_t bytes[2048];
	struct packet packet; /* views `bytes` */
};

struct rig {
	struct nat *nat;
	uint64_t now_us;
	struct rig_packet out[RIG_PACKETS_MAX]; /* of the last input or tick */
	size_t out_count;
	struct nat_event events[RIG_EVENTS_MAX]; /* all, as long as there is room */
	size_t event_count;
};

/* A home router with external address 203.0.113.1 and 2001:db8:1::1: EIM, APDF, preserving. */
struct nat_config rig_config(void);

void rig_open(struct rig *r, const struct nat_config *config, uint64_t seed);
void rig_close(struct rig *r);

/* The second host, the third remote port ... : addresses of the plan used in tests. */
struct addr rig_host(unsigned which, uint16_t port);   /* 192.168.1.(10 + which) */
struct addr rig_remote(unsigned which, uint16_t port); /* 198.51.100.(10 + which) */
struct addr rig_host6(unsigned which, uint16_t port);
struct addr rig_remote6(unsigned which, uint16_t port);

/* Sends one packet in; returns what came out first, NULL for nothing. */
const struct rig_packet *rig_input(struct rig *r, enum nat_side side, struct bytes packet);
const struct rig_packet *rig_udp(struct rig *r, enum nat_side side, struct addr from,
				 struct addr to);
const struct rig_packet *rig_tcp(struct rig *r, enum nat_side side, struct addr from,
				 struct addr to, uint8_t flags);
const struct rig_packet *rig_icmp(struct rig *r, enum nat_side side, struct addr from,
				  struct addr to, uint8_t type, uint8_t code, uint32_t rest,
				  struct bytes data);

/* UDP from inside: the endpoint it shows outside, family ADDR_NONE when it did not get out. */
struct addr rig_map(struct rig *r, struct addr host, struct addr remote);
/* Whether UDP from `remote` to `external` gets in, to `host` if that is not NULL. */
bool rig_gets_in(struct rig *r, struct addr remote, struct addr external, const struct addr *host);

/* Time passes; what is due happens, and is in `out`. */
void rig_wait(struct rig *r, uint64_t us);

/* How many events of the kind, with that reason (NULL: any), there were so far. */
size_t rig_events(const struct rig *r, enum nat_event_kind kind, const char *why);

#endif
