/*
 * punch_plan_chance - how likely a strategy is to make a path between two paths of hosts. What is
 * certain is near one or zero; the rest is arithmetic of nets with holes.
 */
#ifndef NATPROBE_PUNCH_PLAN_CHANCE_H
#define NATPROBE_PUNCH_PLAN_CHANCE_H

#include "punch_plan_side.h"

/* Both sides, in no order: the chance is the same when they are exchanged. */
struct plan_pair {
	const struct peer_path *a, *b;
	uint8_t path_a, path_b;          /* indices */
	uint8_t family;                  /* of the way between them */
	bool same_host, same_nat, local; /* local: one may be in the other's network */
	uint32_t start_error_us;
};

/* Is it excluded that UDP, or TCP, goes both ways? */
bool plan_udp_is_blocked(const struct peer_path *p);
bool plan_tcp_is_blocked(const struct peer_path *p);

/* `from` sends to the announced endpoint of `to`, and what comes back reaches it. */
bool plan_reaches(const struct peer_path *from, const struct peer_path *to);
/* Both send to what the other one announced, and answer to what they see. */
bool plan_meets(const struct peer_path *a, const struct peer_path *b);

double plan_chance_direct(const struct plan_pair *p);
double plan_chance_port_mapping(const struct plan_pair *p);
double plan_chance_local(const struct plan_pair *p);
double plan_chance_simultaneous(const struct plan_pair *p);
double plan_chance_low_ttl(const struct plan_pair *p, bool known_ttls);
double plan_chance_delayed(const struct plan_pair *p);
double plan_chance_tcp(const struct plan_pair *p, bool low_ttl);
/* `step` has its parts. */
double plan_chance_prediction(const struct plan_pair *p, const struct punch_step *step);
double plan_chance_search(const struct plan_pair *p, const struct punch_step *step);

#endif
