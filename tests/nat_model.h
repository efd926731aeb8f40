/*
 * nat_model - a NAT or firewall as RFC 4787, 5382 and 5508 describe them, with every behaviour
 * a knob of its own: IP packets, a side and the time in, IP packets out.
 *
 * Pure: no socket, no clock, no thread; all chance comes from the seed. tests/sim_net.c runs it
 * on a virtual clock, tests/natlab on TUN devices.
 *
 * Packets are whole IPv4 or IPv6 packets without link header. Checksums of what comes out are
 * right where those of what went in were. TTL is not touched: the shell that routes does that.
 */
#ifndef NATKIT_NAT_MODEL_H
#define NATKIT_NAT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "wire.h"

#define NAT_EXTERNALS_MAX 8
#define NAT_PACKET_MAX    65535

/* What a mapping, or a filter, depends on. */
enum nat_rule {
	/*
	 * Mapping: no translation. Filtering: nothing is dropped, mapped or not; what is not goes
	 * to the first host seen inside.
	 */
	NAT_NONE = 0,
	NAT_EI,  /* endpoint-independent */
	NAT_AD,  /* address-dependent */
	NAT_APD, /* address-and-port-dependent */
	NAT_PD,  /* on the port alone */
};

enum nat_allocation {
	NAT_PRESERVING = 0,    /* external = local, if free */
	NAT_OFFSET,            /* external = local + offset */
	NAT_SEQUENTIAL,        /* external = last + step, one counter for all */
	NAT_PER_DESTINATION,   /* first of a socket = local, each further destination + step */
	NAT_DEPENDENT,         /* last + step where local = last local + 1, else random */
	NAT_PARITY_RANDOM,     /* random of the same parity */
	NAT_PARITY_SEQUENTIAL, /* last + step, and one more where the parity would be wrong */
	NAT_CONTIGUOUS,        /* neighbour of local - 1's port if that is mapped, else random */
	NAT_RANDOM,
	NAT_LINUX, /* preserving per tuple; an early inbound packet may have taken it */
};

enum nat_pooling {
	NAT_POOL_PAIRED = 0,     /* an internal address always gets the same external one */
	NAT_POOL_ARBITRARY,      /* by mapping, or by flow where the port is kept, at random */
	NAT_POOL_BY_DESTINATION, /* the sum of the remote address's bytes: neighbours differ */
};

enum nat_hairpin {
	NAT_HAIRPIN_NONE = 0,
	NAT_HAIRPIN_EXTERNAL,
	NAT_HAIRPIN_INTERNAL, /* shows the internal source (violates RFC 4787, REQ-9a) */
};

/* What becomes of a packet that nobody asked for. */
enum nat_reaction {
	NAT_DROP = 0,
	NAT_ICMP,   /* port unreachable, or administratively prohibited */
	NAT_RST,    /* TCP; UDP as NAT_DROP */
	NAT_ACCEPT, /* NAT_LINUX: the box itself takes it, and the tuple with it, and answers as a
		     * host does where nobody listens */
};

/* What extends a mapping's life. */
enum nat_refresh {
	NAT_REFRESH_OUT = 0,
	NAT_REFRESH_IN,
	NAT_REFRESH_BOTH,
	NAT_REFRESH_NONE, /* it lasts as long as it was given at first */
};

enum nat_fragments {
	NAT_FRAGMENTS_ANY_ORDER = 0,
	NAT_FRAGMENTS_IN_ORDER,
	NAT_FRAGMENTS_DROP,
};

/* Zeroed: no translation, no filter, nothing special: a plain router. */
struct nat_config {
	/* Mapping and filtering, of UDP and TCP. */
	uint8_t mapping, filtering;         /* enum nat_rule */
	uint8_t tcp_mapping, tcp_filtering; /* where they differ from UDP: has_tcp_rules */
	bool has_tcp_rules;

	/* Addresses. */
	struct addr externals[NAT_EXTERNALS_MAX]; /* port 0; of both families, if need be */
	uint8_t external_count;
	uint8_t pooling;          /* enum nat_pooling */
	struct addr nat64_prefix; /* family ADDR_IPV6: translates to IPv4 (RFC 6146, 6052) */
	uint8_t nat64_prefix_len; /* 32, 40, 48, 56, 64 or 96 */
	struct addr nptv6_inside, nptv6_outside; /* prefixes that are exchanged (RFC 6296), whatever
						    else the box does */
	uint8_t nptv6_len;                       /* of both, up to 64; 0: they are not */

	/* Ports. */
	uint8_t allocation;           /* enum nat_allocation */
	uint16_t port_low, port_high; /* 0: 1024 to 65535 */
	int32_t offset;
	int32_t step;
	double background_per_s;   /* mappings of others, that move a sequential counter */
	double overload;           /* share of local ports that are taken: these get random ones */
	uint32_t block_width;      /* > 0: ports of one internal address come from a block of this
				    width, chosen by the seed inside port_low to port_high */
	uint32_t subscriber_limit; /* mappings of one internal address; 0: no limit */

	/* Hairpin, and what else meets unexpected packets. */
	uint8_t hairpin;         /* enum nat_hairpin */
	uint8_t unsolicited;     /* enum nat_reaction: inbound without mapping, or filtered */
	uint8_t unsolicited_syn; /* the same for TCP SYN, after syn_delay_ms */
	uint32_t syn_delay_ms;
	bool dies_on_unexpected; /* inbound that the filter drops removes the mapping (REQ-11) */
	bool dies_on_icmp;       /* an ICMP error about a mapping removes it (REQ-12) */
	bool drops_icmp_errors;
	bool no_simultaneous_open; /* an inbound SYN on a half-open TCP mapping is dropped */

	/* Lifetimes of UDP mappings, in s; 0: 300. */
	uint32_t lifetime_s;          /* after traffic both ways */
	uint32_t lifetime_one_way_s;  /* before an answer; 0: the same */
	uint32_t lifetime_low_port_s; /* towards remote ports below 1024; 0: the same */
	uint8_t refresh;              /* enum nat_refresh */
	uint32_t tcp_transitory_s, tcp_established_s; /* 0: 240, 7440 */

	/* What it does to packets. */
	bool alg;              /* rewrites its own external address in STUN payloads, both ways:
				    MAPPED-ADDRESS shows the internal one */
	uint8_t fragments;     /* enum nat_fragments, inbound */
	uint8_t fragments_out; /* the same, outbound */
	uint32_t max_inbound;  /* drops larger inbound packets, silently; 0: no limit */
	uint32_t mtu;          /* outside; larger with DF: ICMP too big; 0: 1500 */
	bool fragments_df;     /* fragments despite DF */
	bool silent_too_big;   /* drops without ICMP */
	bool silent_hop;       /* tells nobody that a TTL ended; for shells, which count it */
	uint32_t rate_per_s;   /* outbound packets of all kinds; 0: no limit */
	uint32_t rate_burst;   /* 0: 1 */
	bool udp_blocked, tcp_blocked, icmp_blocked; /* through the box, both ways */
	uint16_t udp_ports_allowed[4];               /* outbound remote ports; first 0: all */

	/* Changes under load: from this many mappings on, `loaded_mapping` applies to new ones. */
	uint32_t load_limit; /* 0: never */
	uint8_t loaded_mapping;

	/* The box itself, on its inside address (family ADDR_NONE: it has none). */
	struct addr gateway;
	bool pcp, nat_pmp;
	struct addr claims_external; /* what PCP and NAT-PMP say; ADDR_NONE: externals[0] */
	bool gateway_rejects;        /* ICMP port unreachable where no service listens */
};

enum nat_side {
	NAT_INSIDE,
	NAT_OUTSIDE,
};

/* One decision, for the log: what was mapped, dropped, why. */
enum nat_event_kind {
	NAT_EVENT_MAPPED, /* a new mapping */
	NAT_EVENT_EXPIRED,
	NAT_EVENT_REMOVED, /* by flush, ICMP, RST, unexpected inbound */
	NAT_EVENT_DROPPED,
	NAT_EVENT_REMAPPED, /* NAT_LINUX: the tuple was taken */
	NAT_EVENT_PORTMAP,  /* by PCP or NAT-PMP */
};

struct nat_event {
	uint8_t kind;     /* enum nat_event_kind */
	uint8_t protocol; /* 17, 6, 1, 58 */
	uint8_t side;     /* enum nat_side, of the packet */
	struct addr internal, external, remote;
	const char *why; /* a stable word: "filtered", "no-mapping", "rate-limit", ... */
	uint64_t now_us;
};

struct nat_io {
	/* A packet leaves on that side; bytes are good during the call only. Must not call back. */
	void (*emit)(void *arg, enum nat_side side, struct bytes packet);
	void (*log)(void *arg, const struct nat_event *event); /* may be NULL */
	void *arg;
};

struct nat;

/* NULL when memory runs out. The configuration is copied. */
struct nat *nat_new(const struct nat_config *config, uint64_t seed, const struct nat_io *io);
void nat_free(struct nat *n); /* NULL is fine */

/* A packet comes in on `from`. What is not IP, or broken, is dropped. */
void nat_input(struct nat *n, enum nat_side from, struct bytes packet, uint64_t now_us);

/* Does what is due by itself (delayed reactions, expiry). Returns when to call again. */
uint64_t nat_tick(struct nat *n, uint64_t now_us);

/* Mappings alive. */
size_t nat_mapping_count(const struct nat *n);

void nat_flush(struct nat *n, uint64_t now_us); /* forgets all mappings: a reboot */
void nat_new_address(struct nat *n, const struct addr *external, uint64_t now_us); /* replaces the
						first of its family; mappings are forgotten */

/* Whether the NAT answers for this address on its outside: the shell routes it there. */
bool nat_owns(const struct nat *n, const struct addr *external);

#endif
