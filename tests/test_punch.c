/* punch: whole trials, on a wire that is as bad as a test wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/punch/check.h"
#include "natprobe/punch/punch_wire.h"
#include "punch_rig.h"
#include "stun_msg.h"

#define SECOND UINT64_C(1000000)

static struct rig r;

static int setup(void **state)
{
	rig_init(&r);
	return 0;
}

static int teardown(void **state)
{
	rig_end(&r);
	return 0;
}

static void run(void)
{
	rig_start(&r);
	assert_true(rig_run(&r, 60 * SECOND));
}

static void assert_path(void)
{
	const struct punch_path *a = &rig_result(&r, 0)->path, *b = &rig_result(&r, 1)->path;

	assert_int_not_equal(a->strategy, PUNCH_NONE);
	assert_int_equal(a->strategy, b->strategy);
	assert_true(addr_equal(&a->outer, &b->remote));
	assert_true(addr_equal(&b->outer, &a->remote));
	assert_int_equal(rig_result(&r, 0)->step, rig_result(&r, 1)->step);
	assert_int_equal(rig_result(&r, 0)->overall.reason, REASON_NONE);
	assert_int_equal(rig_open(&r, 0), 1);
	assert_int_equal(rig_open(&r, 1), 1);
	for (uint8_t i = 0; i < 2; i++)
		assert_true(r.sides[i].slots[rig_result(&r, i)->path.slot].open);
}

static void two_hosts_meet(void **state)
{
	run();
	assert_path();
	for (uint8_t i = 0; i < 2; i++) {
		const struct punch_result *got = rig_result(&r, i);

		assert_true(got->has_theirs);
		assert_int_equal(got->path.strategy, PUNCH_SIMULTANEOUS);
		assert_in_range(got->to_path_us, 40000, 60000);
		assert_int_equal(got->quality.sent, 10);
		assert_int_equal(got->quality.answered, 10);
		assert_int_equal(got->quality.rtt_median_us, 40000);
		assert_int_equal(got->skew_us, 0);
		assert_int_equal(got->skew_error_us, 5000);
		assert_true(got->sent < 40);
		assert_true(got->elapsed_us < SECOND);
	}
}

static void a_lossy_wire_is_got_over(void **state)
{
	const struct punch_quality *q;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		rig_end(&r);
		rig_init(&r);
		r.rng = rng_seed(seed);
		r.loss_per_mille = 300;
		run();
		assert_path();
		/* Where half of the answers are missing, it asks anew, twice. */
		q = &rig_result(&r, 0)->quality;
		assert_true(q->sent == 10 || q->sent == 20 || q->sent == 30);
		assert_true(2 * q->answered >= q->sent || q->sent == 30);
	}
}

static bool b_has_sent;

/* B's NAT lets nobody in before. */
static bool until_b_sends(struct rig *w, uint8_t side, const struct addr *from,
			  const struct addr *to, struct bytes data)
{
	b_has_sent = b_has_sent || side == 1;
	return !b_has_sent;
}

static void who_hears_of_the_start_late_begins_late(void **state)
{
	r.tell_us = 700000;
	r.filter = until_b_sends;
	b_has_sent = false;
	run();
	assert_path();
	assert_in_range(rig_result(&r, 1)->skew_us, 490000, 510000);
	assert_int_equal(rig_result(&r, 0)->skew_us, rig_result(&r, 1)->skew_us);
	assert_int_equal(rig_result(&r, 0)->ours[0].began_us, 0);
	assert_in_range(rig_result(&r, 1)->ours[0].began_us, 490000, 510000);
}

static void a_check_tells_that_they_began(void **state)
{
	r.tell_us = 700000;
	run();
	assert_path();
	assert_int_equal(rig_result(&r, 1)->skew_us, 20000);
}

/* Without clocks B begins when the message comes, which takes its time. */
static void no_clock_is_needed(void **state)
{
	r.sides[0].clock.round_trip_us = 0;
	r.sides[1].clock.round_trip_us = 0;
	run();
	assert_path();
	assert_int_equal(rig_result(&r, 0)->skew_error_us, UINT32_MAX);
}

#define MOVED 1000

/* A's NAT gives the way to B another port than the way to the server. */
static bool another_mapping(struct rig *w, uint8_t side, const struct addr *from,
			    const struct addr *to, struct bytes data)
{
	struct addr other;

	if (side == 0) {
		other = addr_with_port(from, (uint16_t)(from->port + MOVED));
		rig_inject(w, 1, &other, to, data, w->delay_us);
		return true;
	}
	if (to->port < 40000 + MOVED)
		return true;
	other = addr_with_port(to, (uint16_t)(to->port - MOVED));
	rig_inject(w, 0, from, &other, data, w->delay_us);
	return true;
}

static void an_endpoint_that_nobody_announced_is_learned(void **state)
{
	r.filter = another_mapping;
	run();
	assert_path();
	assert_true(rig_result(&r, 0)->path.outer.port >= 40000 + MOVED);
	assert_int_equal(rig_result(&r, 0)->path.outer.port, rig_result(&r, 1)->ours[0].seen.port);
}

static void it_works_where_only_one_is_heard(void **state)
{
	for (uint8_t deaf = 0; deaf < 2; deaf++) {
		rig_end(&r);
		rig_init(&r);
		r.sides[deaf].loses_told = true;
		run();
		assert_path();
		assert_true(rig_result(&r, deaf)->has_theirs);
		assert_false(rig_result(&r, 1 - deaf)->has_theirs);
	}
}

static void an_offer_may_stand_in_for_theirs(void **state)
{
	static struct peer_offer offer;

	offer = (struct peer_offer){ .endpoint_count = 1 };
	offer.endpoints[0] = (struct peer_endpoint){ .kind = PEER_MAPPED,
						     .addr = addr_ipv4(20, 0, 1, 1, 51000),
						     .local_port = 51000 };
	r.sides[0].config.their_offer = &offer;
	r.sides[1].config.local_port = 51000;
	r.sides[1].loses_told = true;
	run();
	assert_path();
	assert_int_equal(rig_result(&r, 0)->path.remote.port, 51000);
	assert_true(rig_result(&r, 0)->elapsed_us < 5 * SECOND);
}

static void nobody_there_is_told_in_time(void **state)
{
	r.sides[0].loses_told = true;
	r.sides[1].loses_told = true;
	r.loss_per_mille = 1000;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(rig_result(&r, i)->path.strategy, PUNCH_NONE);
		assert_int_equal(rig_result(&r, i)->overall.reason, REASON_PEER_SILENT);
		assert_int_equal(rig_open(&r, i), 0);
	}
	assert_int_equal(rig_result(&r, 1)->overall.side, PUNCH_SIDE_A);
	assert_true(r.now_us < (1000 + 25) * SECOND);
}

static unsigned most_open;

static void look_what_is_open(struct rig *w)
{
	unsigned open = rig_open(w, 0);

	most_open = open > most_open ? open : most_open;
}

/* Nothing that comes or leaves spoils anything: one socket is enough, whatever makes the path. */
static void a_port_that_is_wanted_is_that_of_all_strategies(void **state)
{
	for (int i = 0; i < 2; i++) {
		r.sides[i].config.local_port = 51820;
		r.sides[i].config.plan.only = PUNCH_BIT(PUNCH_SIMULTANEOUS) |
					      PUNCH_BIT(PUNCH_LOW_TTL) | PUNCH_BIT(PUNCH_DELAYED);
	}
	most_open = 0;
	r.at_every_step = look_what_is_open;
	run();
	assert_path();
	assert_int_equal(most_open, 1);
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(rig_result(&r, i)->path.local.port, 51820);
		assert_int_equal(rig_result(&r, i)->path.wanted, 51820);
	}
}

/* What a socket sends may end another one's mapping: each has its own, the first of them the port. */
static void a_port_that_is_wanted_spoils_nothing(void **state)
{
	for (int i = 0; i < 2; i++) {
		r.sides[i].config.local_port = 51820;
		r.sides[i].profile.paths[0].unexpected = PEER_WORD(DEEP_ENDS_MAPPING);
	}
	most_open = 0;
	r.at_every_step = look_what_is_open;
	run();
	assert_path();
	assert_true(most_open >= PEER_SETS);
	assert_int_equal(rig_result(&r, 0)->path.local.port, 51820);
}

static void a_port_that_is_taken_costs_no_path(void **state)
{
	for (int i = 0; i < 2; i++) {
		r.sides[i].config.local_port = r.sides[i].taken_port = 51820;
		r.sides[i].config.plan.only =
			PUNCH_BIT(PUNCH_SIMULTANEOUS) | PUNCH_BIT(PUNCH_LOW_TTL);
	}
	run();
	assert_path();
	assert_int_not_equal(rig_result(&r, 0)->path.local.port, 51820);
	assert_int_equal(rig_result(&r, 0)->path.wanted, 51820);
}

static bool loses_all(struct rig *w, uint8_t side, const struct addr *from, const struct addr *to,
		      struct bytes data)
{
	return true;
}

static void a_no_comes_in_time_and_with_evidence(void **state)
{
	r.sides[0].config.plan.only = r.sides[1].config.plan.only = 0;
	r.filter = loses_all;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		const struct punch_result *got = rig_result(&r, i);

		assert_int_equal(got->path.strategy, PUNCH_NONE);
		assert_true(got->has_theirs);
		assert_true(got->plan.count > 1);
		assert_true(got->elapsed_us <= PUNCH_LIMIT_US);
		assert_int_not_equal(got->overall.reason, REASON_NONE);
		assert_int_equal(rig_open(&r, i), 0);
		assert_true(got->ours[0].sent > 0);
		assert_int_equal(got->ours[0].received, 0);
		assert_true(addr_equal(&got->ours[0].mapped_after, &got->ours[0].announced));
		assert_memory_equal(&got->ours[0].mapped_after,
				    &rig_result(&r, 1 - i)->theirs[0].mapped_after,
				    sizeof(struct addr));
	}
}

static void nothing_to_try_is_told_at_once(void **state)
{
	struct peer_path *b = &r.sides[1].profile.paths[0];

	b->family = ADDR_IPV6;
	b->local = (struct addr){ .family = ADDR_IPV6, .ip = { 0x20, 1, 0x48, 0x60, [15] = 1 } };
	b->externals[0] = b->local;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(rig_result(&r, i)->overall.reason, REASON_NO_FAMILY);
		assert_int_equal(r.sides[i].finished_us, 1000 * SECOND);
	}
}

/* Whatever passes is repeated from elsewhere, with noise in between. */
static bool repeats_all(struct rig *w, uint8_t side, const struct addr *from, const struct addr *to,
			struct bytes data)
{
	struct addr other = addr_ipv4(20, 66, 6, (uint8_t)(rng_next(&w->rng) % 200 + 1), 6666);
	uint8_t noise[RIG_BYTES_MAX];

	rng_fill(&w->rng, noise, sizeof(noise));
	noise[0] &= 0x3f;
	rig_inject(w, (uint8_t)(1 - side), &other, to, data, w->delay_us + 500);
	rig_inject(w, (uint8_t)(1 - side), &other, to, data, w->delay_us + 60000);
	rig_inject(w, (uint8_t)(1 - side), from, to, bytes_of(noise, 40), w->delay_us);
	rig_inject(w, side, to, from, data, 1000); /* and reflected */
	return false;
}

static void repeats_and_noise_change_nothing(void **state)
{
	const struct punch_result *a;

	r.filter = repeats_all;
	run();
	assert_path();
	a = rig_result(&r, 0);
	assert_true(addr_equal_ip(&a->path.remote, &r.sides[1].profile.paths[0].local));
	assert_true(a->ours[0].stray > 20);
	assert_true(a->sent < 60);
	assert_true(a->ours[0].received <= rig_result(&r, 1)->ours[0].sent);
}

/* Even copies that are faster than what they are copied from. */
static bool overtakes(struct rig *w, uint8_t side, const struct addr *from, const struct addr *to,
		      struct bytes data)
{
	struct addr other = addr_ipv4(20, 66, 6, 6, 6666);

	rig_inject(w, (uint8_t)(1 - side), &other, to, data, w->delay_us / 2);
	return false;
}

static void a_faster_copy_steals_nothing(void **state)
{
	r.filter = overtakes;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		const struct addr *remote = &rig_result(&r, i)->path.remote;

		if (rig_result(&r, i)->path.strategy != PUNCH_NONE)
			assert_true(addr_equal_ip(remote, &r.sides[1 - i].profile.paths[0].local));
		assert_true(rig_result(&r, i)->sent < 400);
	}
	assert_path();
}

/* A second interface, which is as good. */
static void add_path(uint8_t side)
{
	struct peer_profile *p = &r.sides[side].profile;

	p->paths[1] = p->paths[0];
	p->paths[1].local = p->paths[1].externals[0] = addr_ipv4(20, 7, side, 1, 0);
	p->path_count = 2;
}

static void two_pairs_that_work_end_on_one(void **state)
{
	add_path(0);
	add_path(1);
	r.loss_per_mille = 200;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		rig_end(&r);
		for (uint8_t i = 0; i < 2; i++) {
			r.sides[i].finished = false;
			memset(r.sides[i].slots, 0, sizeof(r.sides[i].slots));
		}
		memset(r.events, 0, sizeof(r.events));
		r.rng = rng_seed(seed);
		run();
		assert_path();
	}
}

static struct addr dead[2];

/* The pair that is nominated first dies as it is. */
static bool kills_the_first(struct rig *w, uint8_t side, const struct addr *from,
			    const struct addr *to, struct bytes data)
{
	struct stun_msg msg;

	if (dead[0].port == 0 && stun_msg_parse(data, &msg) == STUN_OK &&
	    stun_msg_has(&msg, STUN_ATTR_USE_CANDIDATE)) {
		dead[0] = *from;
		dead[1] = *to;
	}
	return dead[0].port != 0 && ((addr_equal(from, &dead[0]) && addr_equal(to, &dead[1])) ||
				     (addr_equal(to, &dead[0]) && addr_equal(from, &dead[1])));
}

static void a_pair_that_dies_is_replaced(void **state)
{
	memset(dead, 0, sizeof(dead));
	add_path(0);
	add_path(1);
	r.filter = kills_the_first;
	run();
	assert_int_not_equal(dead[0].port, 0);
	assert_path();
	assert_false(addr_equal(&rig_result(&r, 0)->path.local, &dead[0]) &&
		     addr_equal(&rig_result(&r, 0)->path.remote, &dead[1]));
}

static uint8_t deaf;

/* Who is deaf gets no answers. */
static bool no_answers(struct rig *w, uint8_t side, const struct addr *from, const struct addr *to,
		       struct bytes data)
{
	struct stun_msg msg;

	return side != deaf && stun_msg_parse(data, &msg) == STUN_OK && msg.class == STUN_SUCCESS;
}

static void b_takes_the_word_of_a(void **state)
{
	r.filter = no_answers;
	deaf = 1;
	run();
	assert_path();
	assert_int_equal(rig_result(&r, 1)->quality.answered, 0);
	assert_int_equal(rig_result(&r, 0)->quality.answered, 10);
}

static void what_a_cannot_prove_is_no_path_for_b(void **state)
{
	r.filter = no_answers;
	deaf = 0;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(rig_result(&r, i)->path.strategy, PUNCH_NONE);
		assert_int_not_equal(rig_result(&r, i)->overall.reason, REASON_NONE);
		assert_int_equal(rig_open(&r, i), 0);
	}
}

static bool stops_after;

static void stop_a(struct rig *w)
{
	if (stops_after && w->sides[0].told == 2 && w->now_us > 1001 * SECOND) {
		stops_after = false;
		punch_stop(w->sides[0].punch, rig_clock(w, 0));
	}
}

static void a_stop_is_told_to_the_other_side(void **state)
{
	r.filter = loses_all;
	r.at_every_step = stop_a;
	stops_after = true;
	run();
	assert_true(r.sides[1].finished_us < 1002 * SECOND);
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(rig_result(&r, i)->path.strategy, PUNCH_NONE);
		assert_int_equal(rig_open(&r, i), 0);
	}
}

static void stop_a_early(struct rig *w)
{
	if (!stops_after || rig_result(w, 0)->quality.answered < 4)
		return;
	stops_after = false;
	punch_stop(w->sides[0].punch, rig_clock(w, 0));
}

static void what_is_underway_at_a_stop_is_not_lost(void **state)
{
	r.at_every_step = stop_a_early;
	stops_after = true;
	run();
	assert_false(stops_after);
	for (uint8_t i = 0; i < 2; i++) {
		const struct punch_quality *q = &rig_result(&r, i)->quality;

		assert_int_not_equal(rig_result(&r, i)->path.strategy, PUNCH_NONE);
		assert_in_range(q->answered, 4 - 4 * i, 10);
		assert_in_range(q->sent, q->answered, q->answered + 1);
	}
	assert_in_range(rig_result(&r, 0)->quality.rtt_median_us, 1, SECOND);
}

static void b_is_gone(struct rig *w)
{
	if (w->now_us > 1000 * SECOND + 300000)
		punch_on_peer_gone(w->sides[0].punch, rig_clock(w, 0));
}

static bool lose_between_hosts(struct rig *rig, uint8_t from_side, const struct addr *from,
			       const struct addr *to, struct bytes data)
{
	return !addr_equal(from, &rig->server) && !addr_equal(to, &rig->server);
}

/* A goes on without B's offer, in case that B hears it; once B is missed there is no reason to. */
static void alone_it_goes_on_until_the_peer_is_gone(void **state)
{
	r.sides[1].loses_told = true;
	r.filter = lose_between_hosts;
	rig_start(&r);
	assert_true(punch_is_waiting(r.sides[0].punch));
	(void)rig_run(&r, 7 * SECOND);
	assert_false(punch_is_waiting(r.sides[0].punch));
	assert_false(r.sides[0].finished);
	punch_on_peer_gone(r.sides[0].punch, rig_clock(&r, 0));
	(void)rig_run(&r, 1);
	assert_true(r.sides[0].finished);
	assert_int_equal(rig_result(&r, 0)->overall.reason, REASON_PEER_SILENT);
	assert_int_equal(rig_open(&r, 0), 0);
}

static void a_peer_that_is_gone_is_not_waited_for(void **state)
{
	r.sides[1].loses_told = true;
	r.loss_per_mille = 1000;
	r.at_every_step = b_is_gone;
	rig_start(&r);
	(void)rig_run(&r, 2 * SECOND);
	assert_true(r.sides[0].finished);
	assert_int_equal(rig_result(&r, 0)->overall.reason, REASON_PEER_SILENT);
	assert_int_equal(rig_result(&r, 0)->overall.side, PUNCH_SIDE_B);
}

static uint64_t dies_at_us;

static bool dies(struct rig *w, uint8_t side, const struct addr *from, const struct addr *to,
		 struct bytes data)
{
	return w->now_us > dies_at_us;
}

static void a_path_that_is_held_is_asked_again(void **state)
{
	static const uint8_t expected[] = { VERDICT_YES, VERDICT_NO };

	for (int i = 0; i < 2; i++) {
		rig_end(&r);
		rig_init(&r);
		r.sides[0].config.hold_s = 30;
		r.filter = dies;
		dies_at_us = i == 0 ? UINT64_MAX : 1020 * SECOND;
		run();
		assert_path();
		for (uint8_t k = 0; k < 2; k++) {
			assert_int_equal(rig_result(&r, k)->quality.survived, expected[i]);
			assert_int_equal(rig_result(&r, k)->quality.held_s, 30);
		}
	}
}

static uint64_t every_us, next_check_us, number;
static uint8_t nomination, told_step;

/* A goes on with checks, signed as they have to be, that no honest A would send. */
static void a_goes_on(struct rig *w)
{
	const struct punch_path *path = &rig_result(w, 1)->path;
	uint8_t buf[CHECK_BYTES_MAX], random[12] = { 0xa5 };
	struct check_keys keys;
	struct stun_tid tid;
	size_t len;

	if (path->strategy == PUNCH_NONE || w->now_us < next_check_us)
		return;
	next_check_us = w->now_us + every_us;
	number++;
	memcpy(random + 4, &number, sizeof(number));
	tid = stun_tid_make(random);
	check_keys_make(&keys, w->sides[0].config.key, true);
	len = check_write_request(&keys, &tid, told_step != 0 ? told_step : number % 2, nomination,
				  buf);
	rig_inject(w, 1, &path->remote, &path->local, bytes_of(buf, len), 1000);
}

static void a_peer_that_goes_on_holds_nobody_for_ever(void **state)
{
	static const struct {
		uint64_t every_us;
		uint8_t nomination;
		uint32_t hold_s;
	} cases[] = {
		{ 5 * SECOND, 0, 30 }, /* "you began to hold too early" */
		{ 100000, 255, 0 },    /* "no, let us take this one" */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_end(&r);
		rig_init(&r);
		r.sides[0].config.hold_s = cases[i].hold_s;
		every_us = cases[i].every_us;
		nomination = cases[i].nomination;
		next_check_us = 0;
		r.at_every_step = a_goes_on;
		rig_start(&r);
		assert_true(rig_run(&r, 90 * SECOND));
	}
}

/* ... and says that this is a path to it. */
static void a_lies_of_a_step(struct rig *w)
{
	static struct punch_told_evidence lie;
	uint8_t buf[PUNCH_TELL_MAX];
	struct bytes told;

	a_goes_on(w);
	if (rig_result(w, 1)->path.strategy == PUNCH_NONE)
		return;
	lie.has_path = true;
	lie.strategy = PUNCH_SIMULTANEOUS;
	lie.step = told_step != 0 ? told_step : number % 2;
	lie.outer = rig_result(w, 1)->path.remote;
	told = bytes_of(buf, punch_write_evidence(0, &lie, buf, sizeof(buf)));
	punch_on_told(w->sides[1].punch, told, rig_clock(w, 1));
}

static void another_step_each_time_is_not_followed_for_ever(void **state)
{
	static const uint8_t steps[] = { 0, PUNCH_STEPS_MAX - 1 }; /* 0: now this, now that one */

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		rig_end(&r);
		rig_init(&r);
		every_us = 100000;
		next_check_us = 0;
		nomination = 255;
		told_step = steps[i];
		r.at_every_step = a_lies_of_a_step;
		rig_start(&r);
		assert_true(rig_run(&r, 90 * SECOND));
		assert_true(rig_result(&r, 1)->plan.count < PUNCH_STEPS_MAX - 1);
		assert_in_range(r.sides[1].told, 1, 5);
	}
	told_step = 0;
}

static void hours_and_ages_are_refused(void **state)
{
	static const uint64_t times[] = { 1, INT64_MAX, UINT64_MAX };
	static const uint32_t holds[] = { PUNCH_HOLD_MAX_S, PUNCH_HOLD_MAX_S + 1, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		for (size_t k = 0; k < ARRAY_LEN(holds); k++) {
			struct punch_told_offer offer = { .made_us = times[i], .hold_s = holds[k] };
			struct punch_told_start start = { .start_us = times[i],
							  .hold_s = holds[k] };
			uint8_t buf[128];
			struct punch_told told;

			assert_true(punch_read_told(
				bytes_of(buf, punch_write_offer(0, &offer, buf, sizeof(buf))),
				&told));
			assert_int_equal(punch_read_offer(told.body, &offer), i + k == 0);
			assert_true(punch_read_told(
				bytes_of(buf, punch_write_start(0, &start, buf, sizeof(buf))),
				&told));
			assert_int_equal(punch_read_start(told.body, &start), i + k == 0);
		}
	}
}

static void many_sockets_leave_in_small_bursts(void **state)
{
	struct peer_path *a = &r.sides[0].profile.paths[0], *b = &r.sides[1].profile.paths[0];

	a->mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	a->delta = DELTA_RANDOM;
	b->mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	r.sides[0].config.plan.only = r.sides[1].config.plan.only = PUNCH_BIT(PUNCH_BIRTHDAY);
	r.filter = loses_all;
	run();
	for (uint8_t i = 0; i < 2; i++) {
		assert_true(r.sides[i].most_5ms <= 128); /* two windows of ours may share one */
		assert_int_equal(rig_open(&r, i), 0);
	}
	assert_true(rig_result(&r, 0)->ours[0].sockets > 100);
	assert_true(rig_result(&r, 0)->ours[0].alive_asked > 8);
	assert_int_equal(rig_result(&r, 0)->ours[0].alive_answered,
			 rig_result(&r, 0)->ours[0].alive_asked);
	assert_true(rig_result(&r, 1)->ours[0].tried_high > rig_result(&r, 1)->ours[0].tried_low);
}

static void a_silent_server_is_no_hindrance_without_nat(void **state)
{
	r.server_is_silent = true;
	run();
	assert_path();
}

static unsigned asked;

static void count_open(struct rig *w)
{
	asked = rig_result(w, 0)->sent;
}

static void mappings_are_kept_while_nobody_comes(void **state)
{
	r.sides[0].config.patience_us = 400 * SECOND;
	r.sides[1].loses_told = true;
	r.sides[0].profile.paths[0].lifetime_s = 30;
	r.at_every_step = count_open;
	rig_start(&r);
	(void)rig_run(&r, 95 * SECOND);
	assert_in_range(asked, PEER_SETS * 10, PEER_SETS * 11);
}

/* What A tells takes as long as people do; nothing comes back. */
static void meet_by_hand(uint32_t after_s, struct peer_offer *of_b)
{
	const uint16_t port = 5000;

	*of_b = (struct peer_offer){ .endpoint_count = 1 };
	of_b->endpoints[0] =
		(struct peer_endpoint){ .kind = PEER_MAPPED,
					.local_port = port,
					.addr = addr_with_port(&r.sides[1].profile.paths[0].local,
							       port) };
	r.sides[0].config.their_offer = of_b;
	r.sides[1].config.local_port = port;
	r.sides[1].loses_told = true;
	r.tell_us = after_s * SECOND;
	for (int i = 0; i < 2; i++) {
		r.sides[i].config.by_hand = true;
		r.sides[i].config.patience_us = 120 * SECOND;
		r.sides[i].config.plan.only = PUNCH_BY_HAND;
	}
}

static void by_hand_one_side_waits_until_the_other_begins(void **state)
{
	struct peer_offer of_b;
	uint64_t began_us;

	meet_by_hand(40, &of_b);
	rig_start(&r);
	began_us = r.now_us;
	assert_true(rig_run(&r, 120 * SECOND));
	assert_path();
	assert_in_range(rig_result(&r, 0)->sent, 20, 400);
	/* Nobody waits for a word that cannot come. */
	assert_in_range(r.now_us - began_us, 0, 2 * SECOND);
}

static void by_hand_nobody_may_begin(void **state)
{
	struct peer_offer of_b;

	meet_by_hand(300, &of_b);
	r.filter = lose_between_hosts;
	rig_start(&r);
	assert_true(rig_run(&r, 200 * SECOND));
	assert_int_equal(rig_result(&r, 0)->path.strategy, PUNCH_NONE);
	assert_int_equal(rig_result(&r, 0)->overall.reason, REASON_PEER_SILENT);
	assert_int_equal(rig_result(&r, 0)->overall.side, PUNCH_SIDE_B);
	assert_in_range(rig_result(&r, 0)->sent, 20, 1000);
}

static void who_it_is_may_be_known_late(void **state)
{
	const struct peer_profile known = r.sides[0].profile;
	struct peer_offer of_b;
	uint8_t key[PUNCH_KEY_LEN];

	meet_by_hand(20, &of_b);
	memcpy(key, r.sides[1].config.key, sizeof(key));
	memset(r.sides[1].config.key, 7, sizeof(r.sides[1].config.key));
	rig_start(&r);
	assert_false(rig_run(&r, 10 * SECOND));
	punch_set_peer(r.sides[1].punch, &known, key);
	assert_true(rig_run(&r, 60 * SECOND));
	assert_path();
}

static void what_is_told_in_pieces_is_refused(void **state)
{
	static const uint8_t told[][8] = { { 0 }, { 1, 1 }, { 1, 3, 0, 0, 0, 0, 9 }, { 9, 9, 9 } };

	rig_start(&r);
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		punch_on_told(r.sides[0].punch, bytes_of(told[i], 7), rig_clock(&r, 0));
	assert_true(rig_run(&r, 60 * SECOND));
	assert_path();
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(two_hosts_meet),
		STORY(a_lossy_wire_is_got_over),
		STORY(who_hears_of_the_start_late_begins_late),
		STORY(a_check_tells_that_they_began),
		STORY(no_clock_is_needed),
		STORY(an_endpoint_that_nobody_announced_is_learned),
		STORY(it_works_where_only_one_is_heard),
		STORY(an_offer_may_stand_in_for_theirs),
		STORY(a_port_that_is_wanted_is_that_of_all_strategies),
		STORY(a_port_that_is_wanted_spoils_nothing),
		STORY(a_port_that_is_taken_costs_no_path),
		STORY(nobody_there_is_told_in_time),
		STORY(a_no_comes_in_time_and_with_evidence),
		STORY(nothing_to_try_is_told_at_once),
		STORY(repeats_and_noise_change_nothing),
		STORY(a_faster_copy_steals_nothing),
		STORY(two_pairs_that_work_end_on_one),
		STORY(a_pair_that_dies_is_replaced),
		STORY(b_takes_the_word_of_a),
		STORY(what_a_cannot_prove_is_no_path_for_b),
		STORY(a_stop_is_told_to_the_other_side),
		STORY(what_is_underway_at_a_stop_is_not_lost),
		STORY(a_peer_that_is_gone_is_not_waited_for),
		STORY(alone_it_goes_on_until_the_peer_is_gone),
		STORY(a_path_that_is_held_is_asked_again),
		STORY(a_peer_that_goes_on_holds_nobody_for_ever),
		STORY(another_step_each_time_is_not_followed_for_ever),
		STORY(hours_and_ages_are_refused),
		STORY(many_sockets_leave_in_small_bursts),
		STORY(a_silent_server_is_no_hindrance_without_nat),
		STORY(mappings_are_kept_while_nobody_comes),
		STORY(by_hand_one_side_waits_until_the_other_begins),
		STORY(by_hand_nobody_may_begin),
		STORY(who_it_is_may_be_known_late),
		STORY(what_is_told_in_pieces_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
