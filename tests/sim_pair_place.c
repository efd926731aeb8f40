#include <stdlib.h>

#include "addr_special.h"
#include "natprobe/peer/peer_facts.h"
#include "sim_deep.h"
#include "sim_pair_parts.h"
#include "sim_parts.h"

#define OTHER_SIDE 0x40 /* of the second byte of IPv4 addresses, the fifth of IPv6 ones */

/* Public addresses of B are others than those of A; private ones are the same on both sides. */
static void move_public(struct addr *a)
{
	if (a->family == ADDR_NONE || addr_special_find(a) != NULL)
		return;
	a->ip[a->family == ADDR_IPV4 ? 1 : 4] ^= OTHER_SIDE;
}

/* Half of all pairs have the same private network at home, as happens. */
static void move_home(struct addr *a)
{
	if (a->family == ADDR_IPV4 && a->ip[0] == 192 && a->ip[1] == 168)
		a->ip[2] ^= 3;
}

static void move(struct nat_config *c, bool moves_home)
{
	struct addr *const all[] = { &c->gateway, &c->claims_external, &c->nptv6_outside };

	for (size_t i = 0; i < c->external_count; i++) {
		move_public(&c->externals[i]);
		if (moves_home)
			move_home(&c->externals[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		move_public(all[i]);
		if (moves_home)
			move_home(all[i]);
	}
}

void sim_pair_place(const struct sim_pair_config *c, unsigned side, struct nat_profile *out)
{
	*out = *c->profiles[c->same_nat ? 0 : side];
	if (side == 0 || c->same_nat)
		return;
	for (size_t i = 0; i < out->layer_count; i++)
		move(&out->layers[i], (c->seed & 1) == 0);
}

uint64_t sim_pair_seed(const struct sim_pair_config *c, unsigned side)
{
	return 2 * c->seed + (c->same_nat ? 0 : side);
}

struct rng sim_pair_seeds(const struct sim_config *c)
{
	struct rng seeds = sim_seeds(c);
	size_t before = c->profile->two_nics ? 3 : 2; /* links, hosts */

	for (size_t i = 0; i < before; i++)
		(void)rng_next(&seeds);
	return seeds;
}

/* The address of a host follows that of its gateway. */
static void take_next_host(struct nat_profile *p)
{
	struct addr *gateway = &p->layers[p->layer_count - 1u].gateway;

	if (p->layer_count == 0)
		abort();
	gateway->ip[addr_ip_len(gateway->family) - 1]++;
}

void sim_pair_diagnose(const struct sim_pair_config *c, unsigned side, struct peer_profile *out)
{
	static struct sim_deep_result found; /* too large for a stack */
	struct nat_profile placed;
	struct sim_deep_config dc = {
		.net = { .profile = &placed,
			 .seed = sim_pair_seed(c, side),
			 .rtt_us = c->rtt_us,
			 .access = { .loss = c->loss_per_mille / 1000.0 },
			 .server_count = 1 },
	};

	sim_pair_place(c, side, &placed);
	if (c->same_nat && side == 1)
		take_next_host(&placed);
	sim_deep_run(&dc, &found);
	*out = (struct peer_profile){ .path_count = 1, .has_relay = c->has_relay };
	peer_path_of_verdict(&found.verdict,
			     placed.family == ADDR_IPV4 ? SIM_PAIR_PREFIX_LEN4
							: SIM_PAIR_PREFIX_LEN6,
			     &out->paths[0]);
	out->host[0] = (uint8_t)(side + 1);
}
