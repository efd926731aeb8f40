/*
 * sim_pair - two hosts on a virtual clock, each behind the NATs of a profile, with STUN servers and
 * a TURN relay between them: real natprobe machines (punch) meet real nat_models.
 *
 *	host A --- boxes of A --- public network (servers, relay) --- boxes of B --- host B
 *
 * Where both are behind the same NAT (`same_nat`), they share the boxes. Everything follows from
 * the seed; the logs of all boxes are the truth that reasons are judged by.
 */
#ifndef NATKIT_SIM_PAIR_H
#define NATKIT_SIM_PAIR_H

#include <stdio.h>

#include "nat_profile.h"
#include "natprobe/punch/punch.h"

/* Bits: what boxes and links did to packets of the trial. */
enum sim_pair_truth {
	SIM_PAIR_FILTERED = 1 << 0,
	SIM_PAIR_REMAPPED = 1 << 1,
	SIM_PAIR_MAPPING_ENDED = 1 << 2,
	SIM_PAIR_NO_HAIRPIN = 1 << 3,
	SIM_PAIR_RATE_LIMIT = 1 << 4,
	SIM_PAIR_MAPPING_LIMIT = 1 << 5,
	SIM_PAIR_BLOCKED = 1 << 6,
	SIM_PAIR_LOST = 1 << 7,             /* links */
	SIM_PAIR_NO_MAPPING = 1 << 8,       /* it came to an external port that is nobody's */
	SIM_PAIR_HAIRPIN_FILTERED = 1 << 9, /* turned round, and not let in */
	SIM_PAIR_NO_SIMULTANEOUS_OPEN = 1 << 10,
	SIM_PAIR_TTL_ENDED = 1 << 11, /* at a router; not a fault */
	SIM_PAIR_MAPPED = 1 << 12,    /* neither */
};

#define SIM_PAIR_EVENTS_MAX 16384

/* One decision of a box, or of a link. */
struct sim_pair_event {
	uint64_t at_us;
	unsigned truth;      /* enum sim_pair_truth */
	uint8_t side, layer; /* of a box; with same_nat all are A's */
	bool is_outbound;    /* the packet came from inside */
	uint8_t protocol;
	struct addr internal, external, remote; /* what is known of: source inside, source or
						   destination outside, the other end */
};

/* Of a server, a relay or a gateway: what is sent there is no attempt at the other side. */
bool sim_pair_is_infrastructure(const struct addr *a);

/* Of the last trial, in the order of time. */
const struct sim_pair_event *sim_pair_events(size_t *count);

struct sim_pair_config {
	const struct nat_profile *profiles[2]; /* of A and B */
	bool same_nat;                         /* B's profile is not used */
	uint64_t seed;
	uint32_t rtt_us;         /* host to server and back; 0: 50 ms */
	uint32_t loss_per_mille; /* each way of each side */
	bool has_relay;
	uint32_t only;           /* PUNCH_BIT, as punch_plan_options has it */
	uint16_t local_ports[2]; /* that the users of A and B want; 0: any */
	int64_t start_skew_us;   /* how wrong the clocks are that punch is told, within the error */
	uint64_t clock_error_us;
	uint32_t carrier_delay_us;           /* of the meeting, one way; 0: 60 ms */
	uint32_t carrier_loss_per_mille;     /* ... of copies: what is lost comes a second later */
	bool one_way;                        /* A's messages arrive at B, B's never at A */
	const struct peer_profile *known[2]; /* profiles of an earlier diagnosis; NULL: diagnosed in
						this very world first, as a user's run is */
	uint32_t trials;                     /* 0: 1 */
	FILE *trace;
};

struct sim_pair_side {
	struct punch_result result;
	struct peer_profile profile;
	unsigned truth[PUNCH_STEPS_MAX]; /* enum sim_pair_truth, of the boxes of this side */
	unsigned open_at_end;            /* sockets but that of the path */
	bool has_port_mapping;           /* its gateway opened a public port */
	uint64_t ended_us;               /* by the clock of the events */
};

/* What a deep diagnosis says of that side's network: for `known`, if it is used again. */
void sim_pair_diagnose(const struct sim_pair_config *config, unsigned side,
		       struct peer_profile *out);

/* What runs on a host: punch, or a script in its place. Functions as in punch.h. */
struct sim_pair_driver {
	void *(*make)(const struct punch_config *config);
	void (*free)(void *end);
	enum punch_kind (*next)(void *end, uint64_t now_us, struct punch_action *action);
	void (*on_open)(void *end, uint16_t slot, const struct addr *local, uint64_t now_us);
	void (*on_open_failed)(void *end, uint16_t slot, int err, uint64_t now_us);
	void (*on_send_failed)(void *end, uint16_t slot, int err, uint64_t now_us);
	void (*on_datagram)(void *end, uint16_t slot, const struct addr *from, struct bytes data,
			    uint64_t now_us);
	void (*on_icmp)(void *end, uint16_t slot, const struct addr *to, enum punch_icmp what,
			uint64_t now_us);
	void (*on_mapped)(void *end, uint16_t slot, const struct addr *external, uint64_t now_us);
	void (*on_relay)(void *end, uint16_t slot, const struct addr *relayed, uint16_t code,
			 uint64_t now_us);
	void (*on_connected)(void *end, uint16_t slot, const struct addr *local, uint64_t now_us);
	void (*on_accepted)(void *end, uint16_t listener, uint16_t slot, const struct addr *remote,
			    uint64_t now_us);
	void (*on_stream)(void *end, uint16_t slot, enum punch_stream what, struct bytes data,
			  uint64_t now_us);
	void (*on_told)(void *end, struct bytes data, uint64_t now_us);
	void (*set_clock)(void *end, const struct punch_clock *clock);
	void (*get_result)(const void *end, struct punch_result *out);
};

/* With something else in place of punch: config->known has to be there. */
bool sim_pair_drive(const struct sim_pair_config *config, const struct sim_pair_driver *driver,
		    struct sim_pair_side sides[2]);

/*
 * The trial that bench/punch_matrix has for two profiles, in the order of its list, with this seed
 * and loss: who is A, the relay and the skew come from the seed. second NULL: behind one NAT.
 */
struct sim_pair_config sim_pair_drawn(const struct nat_profile *first,
				      const struct nat_profile *second, uint64_t seed,
				      uint32_t loss_per_mille, uint32_t clock_error_us);

/* Returns false where a side did not finish. */
bool sim_pair_run(const struct sim_pair_config *config, struct sim_pair_side sides[2]);

#endif
