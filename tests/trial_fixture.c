#include "trial_fixture.h"

#include <stdlib.h>

static const struct peer_profile home = {
	.paths = { { .family = ADDR_IPV4,
		     .mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT,
		     .filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		     .delta = DELTA_EQUAL,
		     .chance = 0.99,
		     .nats = 1 } },
	.path_count = 1,
};

static const struct peer_profile by_lot = {
	.paths = { { .family = ADDR_IPV4,
		     .mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		     .filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		     .delta = DELTA_RANDOM,
		     .port_low = 1024,
		     .port_high = 65535 },
		   { .family = ADDR_IPV6,
		     .mapping = BEHAVIOUR_NONE,
		     .filtering = BEHAVIOUR_ADDRESS_DEPENDENT } },
	.path_count = 2,
};

struct trial_run fixture_run(bool is_a)
{
	struct trial_run run = { .program = "natprobe 0.1.0",
				 .time = "2026-01-02T03:04:05Z",
				 .id = "00112233445566778899aabbccddeeff",
				 .carrier = "https",
				 .is_a = is_a };

	trial_networks_make(is_a ? &home : &by_lot, &run.ours);
	trial_networks_make(is_a ? &by_lot : &home, &run.theirs);
	return run;
}

static void fill_evidence(struct punch_evidence *e, uint8_t strategy, uint16_t sent,
			  uint16_t received)
{
	*e = (struct punch_evidence){
		.strategy = strategy,
		.began_us = -1500,
		.sockets = 1,
		.sent = sent,
		.received = received,
		.answers = received,
		.stray = 2,
		.icmp = { 1, 2, 3 },
		.local = addr_ipv4(192, 168, 1, 2, 40000),
		.announced = addr_ipv4(21, 0, 0, 2, 40000),
		.mapped_after = addr_ipv4(21, 0, 0, 2, 40001),
		.alive_asked = 4,
		.alive_answered = 3,
		.tried_low = 1024,
		.tried_high = 65535,
		.tcp_connects = 1,
		.tcp_refused = 1,
		.has_portmap = true,
	};
}

/* Three steps, of which `made` makes the path, or none (3). */
static struct punch_result three_steps(const struct trial_run *run, uint8_t made)
{
	static const uint8_t strategies[] = { PUNCH_SIMULTANEOUS, PUNCH_BIRTHDAY, PUNCH_RELAY };
	struct punch_result r = { .is_a = run->is_a,
				  .trial = (uint32_t)run->count,
				  .plan = { .count = 3, .chance = 0.75, .chance_relay = 1 },
				  .elapsed_us = 2500000,
				  .skew_us = -1250,
				  .skew_error_us = 3000,
				  .sent = 60,
				  .received = 20,
				  .step = made < 3 ? made : 0,
				  .has_theirs = true };

	for (uint8_t i = 0; i < 3; i++) {
		bool is_reached = i <= made;

		r.plan.steps[i] = (struct punch_step){ .strategy = strategies[i],
						       .family = ADDR_IPV4,
						       .chance = 0.5 };
		r.verdicts[i].reason = i > made    ? REASON_NOT_TRIED
				       : i == made ? REASON_NONE
						   : REASON_MAPPING_DIFFERS;
		if (i < made) {
			r.verdicts[i].side = PUNCH_SIDE_B;
			r.verdicts[i].detail = 6 + i;
		}
		if (!is_reached)
			continue;
		fill_evidence(&r.ours[i], strategies[i], (uint16_t)(10 * (i + 1)), i == made);
		fill_evidence(&r.theirs[i], strategies[i], 30, i == made);
	}
	return r;
}

static void set_path(struct punch_result *r, uint8_t strategy, uint32_t to_path_us)
{
	r->path = (struct punch_path){ .strategy = strategy,
				       .is_relayed = strategy == PUNCH_RELAY,
				       .slot = 3,
				       .local = addr_ipv4(192, 168, 1, 2, 40000),
				       .outer = addr_ipv4(21, 0, 0, 2, 40000),
				       .remote = addr_ipv4(21, 0, 0, 3, 50007) };
	r->to_path_us = to_path_us;
	r->quality = (struct punch_quality){ .sent = 10,
					     .answered = 9,
					     .rtt_min_us = 40000,
					     .rtt_median_us = 41000,
					     .rtt_max_us = 52000,
					     .jitter_us = 750,
					     .held_s = 30,
					     .survived = VERDICT_YES };
}

static void add(struct trial_run *run, const struct punch_result *r)
{
	struct trial_record record;

	trial_record_make(r, run->is_a ? &home : &by_lot, run->is_a ? &by_lot : &home, &record);
	if (!trial_run_add(run, &record))
		abort();
}

void fixture_add_simultaneous(struct trial_run *run, uint32_t to_path_us)
{
	struct punch_result r = three_steps(run, 0);

	set_path(&r, PUNCH_SIMULTANEOUS, to_path_us);
	add(run, &r);
}

void fixture_add_birthday(struct trial_run *run)
{
	struct punch_result r = three_steps(run, 1);

	set_path(&r, PUNCH_BIRTHDAY, 1800000);
	add(run, &r);
}

void fixture_add_relayed(struct trial_run *run)
{
	struct punch_result r = three_steps(run, 2);

	set_path(&r, PUNCH_RELAY, 2200000);
	add(run, &r);
}

void fixture_add_failure(struct trial_run *run)
{
	struct punch_result r = three_steps(run, 3);

	r.verdicts[2] = (struct punch_verdict){ .reason = REASON_NO_RELAY };
	r.overall = r.verdicts[0];
	add(run, &r);
}

struct trial_run fixture_trials(void)
{
	struct trial_run run = fixture_run(true);

	fixture_add_simultaneous(&run, 132500);
	fixture_add_birthday(&run);
	fixture_add_failure(&run);
	fixture_add_relayed(&run);
	return run;
}
