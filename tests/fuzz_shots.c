/*
 * Whatever a peer says of itself: what we would send is bounded in packets and time, goes to no
 * address that it may not go to, and to no port 0; and both sides make the same plan.
 *
 * Input: who we are, which strategies, the length of the peer's profile, the profile, its offer.
 */
#include <string.h>

#include "addr_special.h"
#include "natprobe/peer/peer_wire.h"
#include "tests/fuzz_check.h"
#include "tests/punch_paths.h"

#define SHOTS_BOUND 12000 /* of one side and plan */

static void check_shot(const struct shots_view *v, const struct shot *s)
{
	const struct peer_path *ours = &v->ours->paths[0];
	const struct punch_part *their_part = v->is_a ? &v->step->b : &v->step->a;
	const struct peer_path *theirs = &v->theirs->paths[their_part->path];
	bool same_host = memcmp(v->ours->host, v->theirs->host, sizeof(v->ours->host)) == 0;
	struct addr_special_hit hit;

	FUZZ_CHECK(s->at_us < v->step->duration_us);
	FUZZ_CHECK(s->to.port != 0 && !addr_is_any(&s->to));
	FUZZ_CHECK(s->socket < SHOTS_SOCKET_FRESH + shots_sockets(v) ||
		   s->socket == SHOTS_SOCKET_RELAY);
	if (addr_is_loopback(&s->to)) {
		FUZZ_CHECK(same_host);
		return;
	}
	if (s->socket == SHOTS_SOCKET_LOCAL)
		FUZZ_CHECK(same_host || peer_may_be_ours(ours, theirs));
	else
		FUZZ_CHECK(!addr_special_judge(&s->to, &hit));
}

static uint32_t check_side(const struct shots_view *v)
{
	uint32_t count = 0, last_us = 0;
	struct shot s;

	FUZZ_CHECK(shots_sockets(v) <= PUNCH_SOCKETS_MAX);
	for (; shots_get(v, count, &s); count++) {
		FUZZ_CHECK(s.at_us >= last_us && count < SHOTS_BOUND);
		last_us = s.at_us;
		check_shot(v, &s);
	}
	for (uint16_t i = 0; i < shots_sockets(v); i++)
		(void)shots_local_port(v, i);
	return count;
}

static void check_plan(const struct punch_plan *plan)
{
	FUZZ_CHECK(plan->count <= PUNCH_STEPS_MAX);
	FUZZ_CHECK(plan->chance >= 0 && plan->chance <= plan->chance_relay);
	FUZZ_CHECK(plan->chance_relay <= 1);
	for (size_t i = 0; i < plan->count; i++) {
		const struct punch_step *s = &plan->steps[i];

		FUZZ_CHECK(s->strategy > PUNCH_NONE && s->strategy < PUNCH_STRATEGIES);
		FUZZ_CHECK(s->set < PEER_SETS && s->chance >= 0 && s->chance <= 1);
		if (s->strategy != PUNCH_RELAY)
			FUZZ_CHECK(s->start_us + s->duration_us <= PUNCH_PLAN_LIMIT_US);
	}
}

static void check_pair(const struct peer_profile *ours, const struct peer_profile *theirs,
		       const struct peer_offer *their_offer, uint8_t bits)
{
	struct punch_plan_options options = { .only = bits >> 4 != 0 ? PUNCH_BIT(bits >> 4) : 0,
					      .start_error_us = 20000,
					      .has_relay = true };
	struct peer_offer our_offer = punch_offer_of(ours);
	bool is_a = (bits & 1) != 0;
	struct punch_plan plan;
	uint32_t shots = 0;

	punch_plan_make(is_a ? ours : theirs, is_a ? theirs : ours, &options, &plan);
	check_plan(&plan);
	for (size_t i = 0; i < plan.count; i++) {
		struct shots_view v = { .step = &plan.steps[i],
					.ours = ours,
					.theirs = theirs,
					.our_offer = &our_offer,
					.their_offer = their_offer,
					.is_a = is_a,
					.seed = (uint64_t)bits * 0x9e3779b97f4a7c15u };

		shots += check_side(&v);
	}
	FUZZ_CHECK(shots < SHOTS_BOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct peer_profile ours, theirs;
	struct peer_offer offer;
	size_t profile_len;

	if (len < 4)
		return 0;
	profile_len = (size_t)data[2] << 8 | data[3];
	if (profile_len > len - 4 || !peer_profile_read(bytes_of(data + 4, profile_len), &theirs) ||
	    !peer_offer_read(bytes_of(data + 4 + profile_len, len - 4 - profile_len), &offer))
		return 0;
	ours = punch_row_profile((enum punch_row)(data[0] % PUNCH_ROWS), 0);
	check_pair(&ours, &theirs, &offer, data[1]);
	return 0;
}
