/*
 * A peer that names somebody else as itself: how much would be sent there, whatever it says of its
 * networks? doc/punch.md tells these bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/planning/shots.h"
#include "punch_paths.h"
#include "rng.h"

#define ROUNDS     200
#define SHOTS_MOST 4000 /* of a trial, of one side */
#define TENTH_MOST 200  /* ... within 0.1 s */
#define TENTHS     101

struct tally {
	uint32_t shots, tenths[TENTHS];
};

/* What would make us send the most is as likely as anything else. */
static uint16_t pick_number(struct rng *rng)
{
	static const uint16_t telling[] = { 0, 1, 1024, 65535 };

	return rng_below(rng, 2) == 0 ? telling[rng_below(rng, 4)] : (uint16_t)rng_next(rng);
}

static struct addr victim(struct rng *rng, uint8_t family)
{
	struct addr a = addr_ipv4(20, 0, 9, (uint8_t)(1 + rng_below(rng, 4)), 0);

	if (family == ADDR_IPV6) {
		a = (struct addr){ .family = ADDR_IPV6, .ip = { 0x26, 0x00 } };
		a.ip[15] = (uint8_t)(1 + rng_below(rng, 4));
	}
	a.port = (uint16_t)(1 + rng_below(rng, 65535));
	return a;
}

static void lie_of_path(struct rng *rng, struct peer_path *p)
{
	*p = (struct peer_path){ .family = rng_below(rng, 2) == 0 ? ADDR_IPV4 : ADDR_IPV6 };
	p->local = addr_with_port(&(struct addr){ .family = p->family, .ip = { 20, 1, 2, 3 } }, 0);
	p->external_count = (uint8_t)rng_below(rng, PEER_EXTERNALS_MAX + 1);
	for (uint8_t i = 0; i < p->external_count; i++)
		p->externals[i] = victim(rng, rng_below(rng, 4) == 0 ? ADDR_IPV6 : p->family);
	p->mapping = (uint8_t)rng_below(rng, BEHAVIOURS);
	p->filtering = (uint8_t)rng_below(rng, BEHAVIOURS);
	p->pooling = (uint8_t)rng_below(rng, POOLINGS);
	p->delta = (uint8_t)rng_below(rng, DELTAS);
	p->delta_value = (int32_t)pick_number(rng) - 30000;
	p->background_per_s = pick_number(rng);
	p->chance = rng_below(rng, 2);
	p->port_low = pick_number(rng);
	p->port_high = p->port_low == 0 ? 0 : 65535;
	p->mapping_cap = pick_number(rng);
	p->rate_per_s = pick_number(rng);
	p->nats = (uint8_t)rng_below(rng, 20);
	p->opener_ttl = (uint8_t)rng_below(rng, 20);
	p->early_inbound = (uint8_t)rng_below(rng, 4);
	p->unexpected = (uint8_t)rng_below(rng, 4);
	p->portmap = (uint8_t)rng_below(rng, 3);
	p->rtt_us = rng_below(rng, 2) == 0 ? UINT32_MAX : 1;
}

static void lie(struct rng *rng, struct peer_profile *profile, struct peer_offer *offer)
{
	*profile =
		(struct peer_profile){ .path_count = (uint8_t)(1 + rng_below(rng, PEER_PATHS_MAX)),
				       .has_relay = true };
	*offer = (struct peer_offer){ .endpoint_count = PEER_ENDPOINTS_MAX };
	for (uint8_t i = 0; i < profile->path_count; i++)
		lie_of_path(rng, &profile->paths[i]);
	for (uint8_t i = 0; i < PEER_ENDPOINTS_MAX; i++) {
		struct peer_endpoint *e = &offer->endpoints[i];

		e->kind = (uint8_t)rng_below(rng, PEER_ENDPOINT_KINDS);
		e->path = (uint8_t)rng_below(rng, profile->path_count);
		e->set = (uint8_t)rng_below(rng, PEER_SETS);
		e->local_port = (uint16_t)(1 + rng_below(rng, 65535));
		e->addr = victim(rng, rng_below(rng, 4) == 0 ? ADDR_IPV6 : ADDR_IPV4);
	}
}

static void count_step(const struct shots_view *v, struct tally *t)
{
	struct shot s;

	for (uint32_t i = 0; shots_get(v, i, &s); i++) {
		t->shots++;
		t->tenths[(v->step->start_us + s.at_us) / 100000 % TENTHS]++;
	}
}

static void count_trial(struct rng *rng, struct tally *t)
{
	const struct punch_plan_options options = { .has_relay = true };
	struct peer_profile ours = punch_row_profile((enum punch_row)rng_below(rng, PUNCH_ROWS), 0);
	struct peer_offer our_offer = punch_offer_of(&ours), their_offer;
	struct peer_profile theirs;
	struct punch_plan plan;
	bool is_a = rng_below(rng, 2) == 0;

	lie(rng, &theirs, &their_offer);
	punch_plan_make(is_a ? &ours : &theirs, is_a ? &theirs : &ours, &options, &plan);
	for (size_t i = 0; i < plan.count; i++) {
		const struct shots_view v = { .step = &plan.steps[i],
					      .ours = &ours,
					      .theirs = &theirs,
					      .our_offer = &our_offer,
					      .their_offer = &their_offer,
					      .is_a = is_a,
					      .seed = rng_next(rng) };

		count_step(&v, t);
	}
}

static void a_victim_gets_no_more_than_this(void **state)
{
	struct rng rng = rng_seed(20);
	uint32_t most = 0, most_tenth = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct tally t = { 0 };

		count_trial(&rng, &t);
		most = t.shots > most ? t.shots : most;
		for (size_t k = 0; k < TENTHS; k++)
			most_tenth = t.tenths[k] > most_tenth ? t.tenths[k] : most_tenth;
	}
	print_message("at most %u, within 0.1 s %u\n", most, most_tenth);
	assert_in_range(most, 1000, SHOTS_MOST);
	assert_in_range(most_tenth, 1, TENTH_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_victim_gets_no_more_than_this),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
