/*
 * peer - what one party of a punch trial tells the other: a profile, made once from a diagnosis,
 * and for each trial an offer, the endpoints of sockets that are open for it.
 *
 * Plain values. peer_wire has them as bytes, peer_facts makes a profile of verdicts.
 */
#ifndef NATPROBE_PEER_H
#define NATPROBE_PEER_H

#include "natprobe/verdict.h"

#define PEER_PATHS_MAX     6 /* an interface and an address family each */
#define PEER_EXTERNALS_MAX 4
#define PEER_SETS          4  /* groups of fresh sockets in one offer: a strategy spoils its own */
#define PEER_SAMPLES_MAX   12 /* ports that fresh sockets just got, of one path */
#define PEER_ENDPOINTS_MAX 48

/* Unknown in facts that are words of verdict_deep.h: place + 1, so that zeroed means unknown. */
#define PEER_WORD_UNKNOWN 0
#define PEER_WORD(word)   ((uint8_t)((word) + 1))

/* A path: one interface, one family, and the NATs in front of it. Zero means unknown. */
struct peer_path {
	uint8_t family;                            /* enum addr_family, of the host's address */
	struct addr local;                         /* port 0 */
	uint8_t local_prefix_len;                  /* of its network */
	struct addr externals[PEER_EXTERNALS_MAX]; /* port 0; equal to local without a NAT. Behind a
						      NAT64: what IPv4 peers see */
	uint8_t external_count;

	uint8_t mapping, filtering;         /* enum verdict_behaviour, of UDP */
	uint8_t tcp_mapping, tcp_filtering; /* the same of TCP */
	uint8_t udp_blocked;                /* enum verdict_answer */
	uint8_t tcp_blocked;
	uint8_t pooling; /* enum verdict_pooling */
	uint8_t hairpin; /* enum verdict_hairpin */

	uint8_t delta;           /* enum verdict_delta */
	int32_t delta_value;     /* signed step or offset */
	int32_t per_destination; /* step of one socket's ports by destination; 0: none */
	bool keeps_parity;
	double background_per_s;      /* mappings of others that move the counter; < 0: not known */
	double overload;              /* share of local ports that are taken; < 0: not known */
	double chance;                /* that the next port is the foretold one, in [0, 1] */
	uint16_t port_low, port_high; /* where ports lie, both included; 0: not known */
	uint16_t mapping_cap;         /* mappings that may be open at once; 0: none known */
	uint16_t rate_per_s;          /* packets that the path takes; 0: no limit known */

	uint8_t nats;          /* translators on the path; 0: not known, or none (mapping tells) */
	uint8_t opener_ttl;    /* smallest TTL that makes a mapping in the outermost NAT;
				     0: not known */
	uint8_t early_inbound; /* PEER_WORD(enum deep_early) */
	uint8_t unexpected;    /* PEER_WORD(enum deep_survival) */
	uint8_t icmp_error;    /* PEER_WORD(enum deep_survival) */
	uint8_t syn_reaction;  /* PEER_WORD(enum deep_syn) */
	uint8_t portmap;       /* enum verdict_answer: the gateway opens ports, and that helps */
	uint16_t lifetime_s;   /* of a mapping after traffic both ways; 0: not known */
	struct addr nat64_prefix; /* family ADDR_NONE: none */
	uint8_t nat64_prefix_len;
	uint32_t rtt_us; /* to the server that told; 0: not known */
	double loss;     /* share of round trips lost; < 0: not known */
};

struct peer_profile {
	struct peer_path paths[PEER_PATHS_MAX];
	uint8_t path_count;
	bool has_relay;   /* offers may have a relayed endpoint */
	uint8_t host[16]; /* HMAC of the machine's id with the meeting's key: same machine? */
};

enum peer_endpoint_kind {
	PEER_HOST,    /* a local address, on a socket that is for this network only */
	PEER_MAPPED,  /* as a STUN server saw it; without NAT the local address */
	PEER_PORTMAP, /* opened by the gateway */
	PEER_RELAYED,
	PEER_ENDPOINT_KINDS,
};

struct peer_endpoint {
	uint8_t kind; /* enum peer_endpoint_kind */
	uint8_t path; /* index into the profile */
	uint8_t set;  /* group of sockets, 0 to PEER_SETS - 1 */
	bool is_tcp;
	uint16_t local_port; /* of the socket */
	struct addr addr;
};

/* One fresh socket and the port it got, in the order of sending. */
struct peer_sample {
	uint16_t local_port, external_port;
	uint32_t ago_us; /* before the offer was made */
};

struct peer_offer {
	uint32_t trial; /* counts from 0; both sides' offers of one trial have the same number */
	struct peer_endpoint endpoints[PEER_ENDPOINTS_MAX];
	uint8_t endpoint_count;
	struct peer_sample samples[PEER_PATHS_MAX][PEER_SAMPLES_MAX];
	uint8_t sample_counts[PEER_PATHS_MAX];
};

/* Both have one external address in common, so the way between them may be inside of a NAT. */
bool peer_shares_external(const struct peer_path *a, const struct peer_path *b);

/* ... and their local address is one of our network's: rarely are these two networks. */
bool peer_is_neighbour(const struct peer_path *ours, const struct peer_path *theirs);

/*
 * May a private address of the peer's be one of our own network? Only then something is sent there:
 * both have an external address in common, or it lies within the prefix of our own address.
 */
bool peer_may_be_ours(const struct peer_path *ours, const struct peer_path *theirs);

#endif
