/*
 * nat_state - what the files of nat_model share: the tables and who does which step.
 *
 *	nat_model      the door: packets in, the order of checks, packets out
 *	nat_translate  finds or makes the mapping of a packet, judges inbound ones
 *	nat_map        tables of mappings, flows and subscribers
 *	nat_alloc      external addresses and ports
 *	nat_react      ICMP and RST to what nobody asked for, now or later
 *
 * A mapping ties an internal endpoint to an external one; a flow is a remote endpoint that talks
 * through it. Flows are found by both ends' addresses, from both sides. A mapping lives as long
 * as the flow of it that lives longest.
 *
 * Without translation (firewalls, families without an external address) mappings are there as
 * well: the external endpoint is the internal one.
 */
#ifndef NATKIT_NAT_STATE_H
#define NATKIT_NAT_STATE_H

#include "nat_model.h"
#include "packet.h"
#include "rng.h"

#define NAT_MAPPINGS_MAX    16384
#define NAT_FLOWS_MAX       32768
#define NAT_SUBSCRIBERS_MAX 4096
#define NAT_DELAYED_MAX     64
#define NAT_DATAGRAMS_MAX   64 /* in fragments, at a time */
#define NAT_HELD_MAX        16 /* fragments of one that wait for its first */
#define NAT_S               ((uint64_t)1000000)

/* A member of a hash chain or list, removable without knowing which. */
struct nat_chain {
	struct nat_chain *next, **prev;
};

#define NAT_ENTRY(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

static inline void nat_chain_add(struct nat_chain **head, struct nat_chain *link)
{
	link->next = *head;
	link->prev = head;
	if (link->next != NULL)
		link->next->prev = &link->next;
	*head = link;
}

static inline void nat_chain_remove(struct nat_chain *link)
{
	*link->prev = link->next;
	if (link->next != NULL)
		link->next->prev = link->prev;
}

enum nat_tcp_state {
	NAT_TCP_NEW = 0,
	NAT_TCP_SYN_OUT,
	NAT_TCP_SYN_IN,
	NAT_TCP_SIMULTANEOUS, /* a SYN each way */
	NAT_TCP_ESTABLISHED,
	NAT_TCP_FIN_OUT,
	NAT_TCP_FIN_IN,
	NAT_TCP_CLOSING, /* a FIN each way */
	NAT_TCP_CLOSED,  /* reset */
};

/* What is common to the packets of a flow, whatever their direction. */
struct nat_tuple {
	uint8_t protocol;
	struct addr internal, remote;
};

struct nat_mapping {
	struct nat_chain by_key, by_socket, by_external, alive;
	struct nat_chain *flows;
	struct nat_subscriber *subscriber;
	struct addr internal, external;
	struct addr remote; /* what of it is part of the key; the rest is 0 */
	uint64_t expires_us;
	uint64_t granted_until_us; /* by PCP or NAT-PMP; 0: not */
	uint8_t nonce[12];         /* of the PCP request */
	uint8_t protocol;
	uint8_t pool; /* the external address that the flow chose; part of the key */
	bool translated;
};

struct nat_flow {
	struct nat_chain by_internal, by_external, of_mapping;
	struct nat_mapping *mapping; /* NULL: the box itself took it */
	struct addr internal, external, remote;
	uint64_t refreshed_us, expires_us;
	uint8_t protocol;
	uint8_t tcp; /* enum nat_tcp_state */
	bool sent;   /* outbound packets went this way */
	bool answered;
};

/* An internal address. */
struct nat_subscriber {
	struct nat_chain by_address;
	struct addr address;
	uint32_t mappings;
	uint32_t block; /* number of its port block */
	bool has_block, has_last;
	uint16_t counter;                   /* of sequential allocation inside a block */
	uint16_t last_local, last_external; /* of the last mapping */
};

/* An answer that waits. */
struct nat_delayed {
	uint64_t due_us;       /* 0: free */
	struct nat_tuple seen; /* `internal` is the external endpoint here */
	uint16_t len;
	uint8_t packet[600];
};

/* A fragment that came before the first of its datagram. */
struct nat_held {
	uint8_t *data;
	size_t len;
};

/* A datagram in fragments: where the first one went, the others follow. */
struct nat_fragments_of {
	uint64_t expires_us; /* 0: free */
	struct addr source, destination;
	struct addr new_source, new_destination;
	uint32_t id;
	uint8_t protocol;
	enum nat_side side, leaves_on;
	bool known; /* the first one has passed */
	uint8_t held_count;
	struct nat_held held[NAT_HELD_MAX];
};

struct nat {
	struct nat_config config;
	struct nat_io io;
	struct rng rng;
	uint8_t key[16];

	struct nat_chain **by_key, **by_socket, **by_external; /* of mappings */
	struct nat_chain **by_internal, **by_outside;          /* of flows */
	struct nat_chain **by_address;                         /* of subscribers */
	struct nat_mapping *mappings;
	struct nat_flow *flows;
	struct nat_subscriber *subscribers;
	struct nat_chain *alive, *free_mappings, *free_flows, *box_flows;
	size_t mappings_used, flows_used, subscribers_used; /* high-water marks */
	size_t mapping_count;
	uint64_t next_sweep_us; /* nothing expires before */
	uint64_t full_sweep_us; /* the last one for want of room */

	uint16_t counter;            /* last port of sequential allocation */
	uint64_t bucket_ns;          /* of the rate limit: when it is full again */
	uint64_t epoch_us;           /* of the last boot, for PCP and NAT-PMP */
	bool has_grants;             /* by PCP or NAT-PMP, now or once */
	uint64_t background_us;      /* up to when others' mappings are counted */
	struct addr default_host[3]; /* by family: who gets what is not mapped or filtered */

	struct nat_delayed delayed[NAT_DELAYED_MAX];
	struct nat_fragments_of datagrams[NAT_DATAGRAMS_MAX];
	struct nat_fragments_of *tracking;      /* whose first fragment is at work */
	uint8_t out[NAT_PACKET_MAX + 64];       /* the packet at work */
	uint8_t converted[NAT_PACKET_MAX + 64]; /* by NAT64, before it is put to work */
	uint8_t reply[PACKET_ERROR_MAX];        /* answers of the box */
};

/* ---- nat_model.c ---- */
void nat_emit(struct nat *n, enum nat_side side, struct bytes packet);
void nat_log(struct nat *n, enum nat_event_kind kind, enum nat_side side, uint8_t protocol,
	     const struct addr *internal, const struct addr *external, const struct addr *remote,
	     const char *why, uint64_t now_us);
/* Logs that the packet ends here. */
void nat_drop(struct nat *n, enum nat_side side, const struct packet *p, const char *why,
	      uint64_t now_us);

/* ---- nat_map.c ---- */
bool nat_map_open(struct nat *n); /* false when memory runs out */
void nat_map_close(struct nat *n);

/* `remote` already masked. Drops an expired one that it meets. */
struct nat_mapping *nat_mapping_find(struct nat *n, uint8_t protocol, const struct addr *internal,
				     const struct addr *remote, uint8_t pool, uint64_t now_us);
/* The newest of an internal endpoint. */
struct nat_mapping *nat_mapping_newest(struct nat *n, uint8_t protocol, const struct addr *internal,
				       uint64_t now_us);
/* One behind the external endpoint; `after` NULL: the first. */
struct nat_mapping *nat_mapping_external(struct nat *n, uint8_t protocol,
					 const struct addr *external,
					 const struct nat_mapping *after, uint64_t now_us);
/* Takes a filled key, external endpoint and subscriber. NULL when the table is full. */
struct nat_mapping *nat_mapping_add(struct nat *n, const struct nat_mapping *filled,
				    uint64_t now_us);
void nat_mapping_remove(struct nat *n, struct nat_mapping *m, enum nat_event_kind kind,
			const char *why, uint64_t now_us);

/* Says anew when it ends. */
void nat_mapping_reckon(struct nat *n, struct nat_mapping *m);

struct nat_flow *nat_flow_find(struct nat *n, const struct nat_tuple *t, uint64_t now_us);
struct nat_flow *nat_flow_find_external(struct nat *n, uint8_t protocol,
					const struct addr *external, const struct addr *remote,
					uint64_t now_us);
/* mapping NULL: the box's own, at `external`. NULL when the table is full. */
struct nat_flow *nat_flow_add(struct nat *n, struct nat_mapping *m, const struct nat_tuple *t,
			      uint64_t now_us);
void nat_flow_remove(struct nat *n, struct nat_flow *f);
/* Sets when flow and mapping end, at the earliest that of the mapping. */
void nat_flow_lives_until(struct nat *n, struct nat_flow *f, uint64_t expires_us);

/* Made if need be; NULL when there are too many. */
struct nat_subscriber *nat_subscriber_of(struct nat *n, const struct addr *internal);

/* Removes what has expired; returns when to look again. */
uint64_t nat_sweep(struct nat *n, uint64_t now_us);

/* ---- nat_alloc.c ---- */
/* The number of an external address of the family: by the pooling rule. False: there is none. */
bool nat_pool_pick(struct nat *n, const struct addr *internal, const struct addr *remote,
		   uint8_t family, uint8_t *pick);
/* The `pick`th of the family. */
const struct addr *nat_pool_address(const struct nat *n, uint8_t family, uint8_t pick);
size_t nat_pool_size(const struct nat *n, uint8_t family);
/*
 * Chooses m->external.port on m->external's address, towards `remote`, as the rule says or (for
 * a port that somebody else has) at random. False when no port is left.
 */
bool nat_alloc_port(struct nat *n, struct nat_mapping *m, const struct addr *remote,
		    uint64_t now_us);
bool nat_alloc_random(struct nat *n, struct nat_mapping *m, const struct addr *remote,
		      uint64_t now_us);
/* That very port, if it is in range and free. */
bool nat_alloc_wish(struct nat *n, struct nat_mapping *m, uint16_t port, uint64_t now_us);
/* Whether nobody has m->external with that port yet. */
bool nat_alloc_is_free(struct nat *n, const struct nat_mapping *m, uint16_t port,
		       const struct addr *remote, uint64_t now_us);
/* Places the counters by the seed. */
void nat_alloc_start(struct nat *n);
/* A share of 0 to 1, uniform. */
double nat_share(struct nat *n);
uint64_t nat_hash(const struct nat *n, const struct addr *a, uint64_t salt);

/* ---- nat_translate.c ---- */
/* Whether the NAT changes addresses of this family's packets of this protocol. */
bool nat_translates(const struct nat *n, uint8_t protocol, uint8_t family);
uint8_t nat_mapping_rule(const struct nat *n, uint8_t protocol);
uint8_t nat_filtering_rule(const struct nat *n, uint8_t protocol);

/* The flow of a packet from inside, made if need be; NULL, with a reason, if it must not pass. */
struct nat_flow *nat_outbound_flow(struct nat *n, const struct packet *p, const char **why,
				   uint64_t now_us);
/* The mapping of a packet to our external side, if its filter lets it in; else NULL. */
struct nat_mapping *nat_inbound_mapping(struct nat *n, const struct packet *p, const char **why,
					uint64_t now_us);
void nat_touch_out(struct nat *n, struct nat_flow *f, const struct packet *p, uint64_t now_us);
void nat_touch_in(struct nat *n, struct nat_flow *f, const struct packet *p, uint64_t now_us);

/* Notes that the packet came in: its flow, which TCP may make here. */
void nat_inbound_note(struct nat *n, struct nat_mapping *m, const struct packet *p,
		      uint64_t now_us);

/* ---- nat_tcp.c ---- */
bool nat_tcp_is_syn(const struct packet *p); /* without ACK */
void nat_tcp_follow(struct nat_flow *f, const struct packet *p, bool out);
uint64_t nat_tcp_lifetime_s(const struct nat *n, const struct nat_flow *f);
/* Why an inbound segment must not pass although the filter lets it; NULL: it may. f may be NULL */
const char *nat_tcp_objects(const struct nat *n, const struct nat_flow *f, const struct packet *p);

/* ---- nat_frag.c ---- */
/*
 * A fragment in n->out: the first goes through `translate`, the others follow it, or wait.
 * Returns why it is dropped, NULL if it is not.
 */
const char *nat_fragment(struct nat *n, enum nat_side side, struct packet *p, uint64_t now_us,
			 void (*translate)(struct nat *n, struct packet *p, uint64_t now_us));
/* Says where the packet at work goes; others may follow. */
void nat_fragment_known(struct nat *n, enum nat_side leaves_on, const struct packet *p);
void nat_fragments_close(struct nat *n);
/* Sends the IPv4 packet in n->out outside in pieces of `mtu` bytes at most. */
void nat_split(struct nat *n, const struct packet *p, size_t mtu);

/* ---- nat_alg.c ---- */
/* Puts `to` in place of `from` where a STUN message says it; base: what `p` views. */
void nat_alg(uint8_t *base, const struct packet *p, const struct addr *from, const struct addr *to);

/* ---- nat_64.c ---- */
/* Whether an address stands for an IPv4 one. */
bool nat_64_contains(const struct nat *n, const struct addr *a);
/* Makes the packet in n->out one of IPv4, with its flow; NULL, with a reason, if it cannot pass. */
struct nat_flow *nat_64_outbound(struct nat *n, struct packet *p, const char **why,
				 uint64_t now_us);
/* Makes it one of IPv6. */
bool nat_64_inbound(struct nat *n, struct packet *p, const struct addr *source,
		    const struct addr *internal);
/* The same for ICMP errors. */
bool nat_64_error_out(struct nat *n, struct packet *p, const struct packet *about,
		      const struct nat_mapping *m);
bool nat_64_error_in(struct nat *n, struct packet *p, const struct packet *about,
		     const struct nat_mapping *m);
struct nat_tuple nat_64_tuple(const struct nat *n, const struct packet *about);

/* ---- nat_66.c ---- */
/* Whether an address begins with the prefix that NPTv6 shows (RFC 6296). */
bool nat_66_is_outside(const struct nat *n, const struct addr *a);
/* Changes the prefix of what leaves, or comes in; base: what `p` views. */
void nat_66_leave(const struct nat *n, uint8_t *base, struct packet *p);
void nat_66_enter(const struct nat *n, uint8_t *base, struct packet *p);

/* ---- nat_icmp.c ---- */
/* An ICMP error in n->out, about a flow of ours, to whom it belongs. */
void nat_error_out(struct nat *n, struct packet *p, uint64_t now_us);
void nat_error_in(struct nat *n, struct packet *p, uint64_t now_us);

/* ---- nat_box.c ---- */
/* A packet from inside to the box itself; false when it is not. */
bool nat_box_input(struct nat *n, struct packet *p, uint64_t now_us);

/* ---- nat_portmap.c ---- */
#define NAT_PORTMAP_MAX 1104

struct nat_grant {
	struct addr internal;
	uint16_t port; /* suggested, 0: any */
	uint8_t protocol;
	bool or_nothing;     /* no other port than the suggested one */
	uint32_t lifetime_s; /* 0: an end; what is given, at most what is asked for */
	uint8_t nonce[12];   /* zero for NAT-PMP */
};

enum nat_grant_result {
	NAT_GRANTED = 0,
	NAT_GRANT_NO_PORT,
	NAT_GRANT_QUOTA,
	NAT_GRANT_NOT_SUGGESTED,
	NAT_GRANT_NOT_YOURS,
};

/* Makes, prolongs or ends a mapping that lets everybody in. *granted: NULL unless it is there. */
enum nat_grant_result nat_grant(struct nat *n, struct nat_grant *g, struct nat_mapping **granted,
				uint64_t now_us);
/* What the box says its address is: of a mapping, or (NULL) at all. */
struct addr nat_claimed_external(const struct nat *n, const struct nat_mapping *m, uint8_t family);
uint32_t nat_epoch_s(const struct nat *n, uint64_t now_us);
/* The answer to what came to port 5351, by PCP or NAT-PMP; empty for none. */
struct bytes nat_portmap(struct nat *n, const struct addr *host, struct bytes in,
			 uint8_t answer[NAT_PORTMAP_MAX], uint64_t now_us);

/* ---- nat_pcp.c ---- */
/* The same for PCP (RFC 6887) and for versions nobody knows. */
struct bytes nat_pcp(struct nat *n, const struct addr *host, struct bytes in,
		     uint8_t answer[NAT_PORTMAP_MAX], uint64_t now_us);

/* ---- nat_react.c ---- */
/* Build into n->reply; return the length. */
size_t nat_build_reset(struct nat *n, const struct packet *p);
size_t nat_build_unreachable(struct nat *n, const struct packet *p, bool filtered);
size_t nat_build_echo_reply(struct nat *n, const struct packet *p);

/* What is due to a packet from outside that does not get in. */
void nat_react(struct nat *n, const struct packet *p, const char *why, uint64_t now_us);
/* Sends what has waited; returns when the next is due. */
uint64_t nat_react_tick(struct nat *n, uint64_t now_us);
/* An ICMP error to whom `p` came from, said by `from` (NULL: its destination). */
void nat_send_error(struct nat *n, enum nat_side to_side, const struct packet *p,
		    const struct addr *from, uint8_t type, uint8_t code, uint32_t rest);

#endif
