/* tcp_open: two machines meet in a small TCP world, and in each other's NATs. */
#include "natprobe/punch/tcp_open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/tcp_world.h"

#define START_US    1000000
#define DURATION_US 3000000
#define PORT        50000
#define HOST_PORT   51000

struct side {
	struct peer_profile profile;
	struct peer_offer offer;
	struct check_keys keys;
	struct tcp_open *t;
	struct rng rng;
	unsigned connects, listens, writes, quiet, low_ttl;
	struct addr tried[64];
	uint64_t valid_us, agreed_us;
	bool is_mute; /* does nothing more by itself */
};

struct bench {
	struct tcp_world world;
	struct side sides[2];
	struct punch_step step;
	int64_t skew_us; /* of B's start */
	bool no_nomination;
};

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void on_connected(void *arg, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	tcp_open_on_connected(((struct side *)arg)->t, slot, local, now_us);
}

static void on_accepted(void *arg, uint16_t listener, uint16_t slot, const struct addr *remote,
			uint64_t now_us)
{
	tcp_open_on_accepted(((struct side *)arg)->t, listener, slot, remote, now_us);
}

static void on_stream(void *arg, uint16_t slot, enum punch_stream what, struct bytes data,
		      uint64_t now_us)
{
	tcp_open_on_stream(((struct side *)arg)->t, slot, what, data, now_us);
}

static void add_endpoint(struct side *s, uint8_t kind, uint16_t local_port, struct addr addr)
{
	s->offer.endpoints[s->offer.endpoint_count++] = (struct peer_endpoint){
		.kind = kind, .is_tcp = true, .local_port = local_port, .addr = addr
	};
}

static void set_up(struct bench *b)
{
	static const uint8_t key[32] = "a key for both";

	*b = (struct bench){ 0 };
	b->world.delay_us = 20000;
	b->world.rng = rng_seed(7);
	b->step = (struct punch_step){ .strategy = PUNCH_TCP,
				       .family = ADDR_IPV4,
				       .is_tcp = true,
				       .duration_us = DURATION_US };
	for (int i = 0; i < 2; i++) {
		struct side *s = &b->sides[i];
		struct tcp_world_host *h = &b->world.hosts[i];

		h->addr = addr_ipv4(10, (uint8_t)i, 0, 2, 0);
		h->nat.is_there = true;
		h->nat.external = addr_ipv4(20, 0, 0, (uint8_t)(10 + i), 0);
		s->rng = rng_seed(100 + (uint64_t)i);
		s->profile.path_count = 1;
		s->profile.paths[0] = (struct peer_path){ .family = ADDR_IPV4,
							  .local = h->addr,
							  .externals = { h->nat.external },
							  .external_count = 1,
							  .local_prefix_len = 24,
							  .rtt_us = 40000 };
		check_keys_make(&s->keys, key, i == 0);
		b->world.events[i] =
			(struct tcp_world_events){ on_connected, on_accepted, on_stream, s };
	}
}

static void make_offers(struct bench *b)
{
	static const struct addr server = { .family = ADDR_IPV4,
					    .ip = { 20, 9, 7, 1 },
					    .port = 3478 };

	for (int i = 0; i < 2; i++) {
		struct side *s = &b->sides[i];

		if (s->offer.endpoint_count > 0)
			continue;
		add_endpoint(s, PEER_MAPPED, PORT, tcp_world_map(&b->world, i, PORT, &server));
		add_endpoint(s, PEER_HOST, HOST_PORT,
			     addr_with_port(&b->world.hosts[i].addr, HOST_PORT));
	}
}

static void open_side(struct bench *b, int i)
{
	struct side *s = &b->sides[i], *other = &b->sides[1 - i];
	struct tcp_open_config config = {
		.step = &b->step,
		.step_number = 3,
		.ours = &s->profile,
		.theirs = &other->profile,
		.our_offer = &s->offer,
		.their_offer = &other->offer,
		.keys = &s->keys,
		.is_a = i == 0,
		.slot_count = 12,
		.start_us = START_US,
		.random = fill_random,
		.random_arg = &s->rng,
	};

	if (i == 1)
		config.start_us = (uint64_t)(START_US + b->skew_us);
	config.end_us = config.start_us + DURATION_US;
	s->t = tcp_open_new(&config);
	assert_non_null(s->t);
}

static void note(struct side *s, const struct punch_action *a)
{
	s->listens += a->kind == PUNCH_LISTEN;
	s->writes += a->kind == PUNCH_WRITE;
	s->quiet += a->kind == PUNCH_DISCONNECT && a->quiet;
	if (a->kind != PUNCH_CONNECT)
		return;
	s->low_ttl += a->ttl != 0;
	if (s->connects < ARRAY_LEN(s->tried))
		s->tried[s->connects] = a->to;
	s->connects++;
}

/* Lets one side do all that it wants to do now; returns when it wants to be asked again. */
static uint64_t step_side(struct bench *b, int i)
{
	struct side *s = &b->sides[i];
	struct punch_action action;
	struct punch_path path;

	if (s->is_mute || s->t == NULL)
		return UINT64_MAX;
	for (int n = 0; n < 1000; n++) {
		if (i == 0 && !b->no_nomination && tcp_open_is_valid(s->t))
			tcp_open_nominate(s->t, (uint8_t)(tcp_open_nomination(s->t) + 1),
					  b->world.now_us);
		if (tcp_open_is_valid(s->t) && s->valid_us == 0)
			s->valid_us = b->world.now_us;
		if (tcp_open_path(s->t, &path) && s->agreed_us == 0)
			s->agreed_us = b->world.now_us;
		if (tcp_open_next(s->t, b->world.now_us, &action) == PUNCH_WAIT)
			return action.deadline_us;
		note(s, &action);
		tcp_world_do(&b->world, i, &action);
	}
	fail_msg("side %d never waits", i);
	return 0;
}

static void run_until(struct bench *b, uint64_t end_us)
{
	while (b->world.now_us < end_us) {
		uint64_t next_us = end_us;

		for (int i = 0; i < 2; i++) {
			uint64_t at_us = step_side(b, i);

			if (at_us != UINT64_MAX && at_us <= b->world.now_us)
				fail_msg("side %d waits for what was", i);
			next_us = at_us < next_us ? at_us : next_us;
		}
		if (tcp_world_due_us(&b->world) < next_us)
			next_us = tcp_world_due_us(&b->world);
		b->world.now_us = next_us;
		if (tcp_world_due_us(&b->world) <= next_us)
			tcp_world_run(&b->world);
	}
}

static void run(struct bench *b)
{
	make_offers(b);
	for (int i = 0; i < 2; i++) {
		if (b->sides[i].t == NULL)
			open_side(b, i);
	}
	run_until(b, START_US + DURATION_US + 2000000);
}

static void end(struct bench *b)
{
	for (int i = 0; i < 2; i++)
		tcp_open_free(b->sides[i].t);
}

/* Both have one and the same connection, and nothing else is open. */
static void meets(struct bench *b, const char *why)
{
	struct punch_path path[2];

	for (int i = 0; i < 2; i++) {
		if (!tcp_open_path(b->sides[i].t, &path[i]))
			fail_msg("%s: side %d has no path", why, i);
		if (tcp_world_open(&b->world, i) != 1)
			fail_msg("%s: %u sockets of side %d are open", why,
				 tcp_world_open(&b->world, i), i);
		assert_true(path[i].is_tcp);
	}
	for (int i = 0; i < 2; i++) {
		if (!addr_equal(&path[i].outer, &path[1 - i].remote))
			fail_msg("%s: another connection", why);
	}
}

static void does_not_meet(struct bench *b, const char *why)
{
	struct punch_path path;

	for (int i = 0; i < 2; i++) {
		if (tcp_open_path(b->sides[i].t, &path))
			fail_msg("%s: side %d has a path", why, i);
		if (tcp_world_open(&b->world, i) != 0)
			fail_msg("%s: %u sockets of side %d are open", why,
				 tcp_world_open(&b->world, i), i);
	}
}

static struct punch_evidence evidence(const struct bench *b, int i)
{
	struct punch_evidence e = { 0 };

	tcp_open_evidence(b->sides[i].t, &e);
	return e;
}

struct meeting {
	const char *why;
	struct tcp_world_nat nats[2];
	uint32_t delay_us;
	int32_t skew_us;
	uint8_t strategy, opener_ttl;
	bool fails;
};

#define HERE .is_there = true

static const struct meeting meetings[] = {
	{ "no NATs", { { 0 }, { 0 } }, 20000, 0, PUNCH_TCP, 0, false },
	{ "A behind a NAT", { { HERE }, { 0 } }, 20000, 0, PUNCH_TCP, 0, false },
	{ "B behind a NAT, late", { { 0 }, { HERE } }, 20000, 200000, PUNCH_TCP, 0, false },
	{ "A behind a NAT that differs",
	  { { HERE, .differs = true }, { 0 } },
	  20000,
	  0,
	  PUNCH_TCP,
	  0,
	  false },
	{ "silent NATs", { { HERE }, { HERE } }, 20000, 0, PUNCH_TCP, 0, false },
	{ "silent NATs, B late", { { HERE }, { HERE } }, 20000, 150000, PUNCH_TCP, 0, false },
	{ "refusing NATs",
	  { { HERE, TCP_WORLD_RST }, { HERE, TCP_WORLD_RST } },
	  20000,
	  0,
	  PUNCH_TCP,
	  0,
	  false },
	{ "refusing NATs, B late",
	  { { HERE, TCP_WORLD_RST }, { HERE, TCP_WORLD_RST } },
	  20000,
	  111111,
	  PUNCH_TCP,
	  0,
	  false },
	{ "refusing NATs next to each other",
	  { { HERE, TCP_WORLD_RST }, { HERE, TCP_WORLD_RST } },
	  500,
	  70000,
	  PUNCH_TCP,
	  0,
	  false },
	{ "refusing NATs far away",
	  { { HERE, TCP_WORLD_RST }, { HERE, TCP_WORLD_RST } },
	  150000,
	  -99999,
	  PUNCH_TCP,
	  0,
	  false },
	{ "NATs with ICMP",
	  { { HERE, TCP_WORLD_ICMP }, { HERE, TCP_WORLD_ICMP } },
	  20000,
	  33333,
	  PUNCH_TCP,
	  0,
	  false },
	{ "one refuses, one is silent",
	  { { HERE, TCP_WORLD_RST }, { HERE } },
	  20000,
	  120000,
	  PUNCH_TCP,
	  0,
	  false },
	{ "low TTL, refusing NATs",
	  { { HERE, TCP_WORLD_RST }, { HERE, TCP_WORLD_RST } },
	  20000,
	  30000,
	  PUNCH_TCP_LOW_TTL,
	  2,
	  false },
	{ "low TTL, no ICMP",
	  { { HERE, TCP_WORLD_RST, .hides_icmp = true }, { HERE, TCP_WORLD_RST } },
	  20000,
	  30000,
	  PUNCH_TCP_LOW_TTL,
	  2,
	  false },
	{ "one takes no simultaneous open",
	  { { HERE, .no_simultaneous_open = true }, { HERE } },
	  20000,
	  10000,
	  PUNCH_TCP,
	  0,
	  false },
	{ "neither takes it",
	  { { HERE, .no_simultaneous_open = true }, { HERE, .no_simultaneous_open = true } },
	  20000,
	  0,
	  PUNCH_TCP,
	  0,
	  true },
	{ "both differ",
	  { { HERE, .differs = true }, { HERE, .differs = true } },
	  20000,
	  0,
	  PUNCH_TCP,
	  0,
	  true },
};

static void begin_meeting(struct bench *b, const struct meeting *m)
{
	set_up(b);
	b->world.delay_us = m->delay_us;
	b->skew_us = m->skew_us;
	b->step.strategy = m->strategy;
	b->step.a.opener_ttl = b->step.b.opener_ttl = m->opener_ttl;
	for (int i = 0; i < 2; i++) {
		struct addr external = b->world.hosts[i].nat.external;

		b->world.hosts[i].nat = m->nats[i];
		b->world.hosts[i].nat.external = external;
		b->sides[i].profile.paths[0].rtt_us = 2 * m->delay_us;
		if (m->nats[i].is_there)
			continue;
		b->world.hosts[i].addr = external;
		b->sides[i].profile.paths[0].local = external;
	}
}

static void meets_wherever_it_can(void **state)
{
	static struct bench b;

	for (size_t i = 0; i < ARRAY_LEN(meetings); i++) {
		const struct meeting *m = &meetings[i];

		begin_meeting(&b, m);
		run(&b);
		if (m->fails)
			does_not_meet(&b, m->why);
		else
			meets(&b, m->why);
		end(&b);
	}
}

static void is_quick_between_silent_nats(void **state)
{
	static struct bench b;

	begin_meeting(&b, &meetings[4]);
	run(&b);
	meets(&b, meetings[4].why);
	/* A SYN, the answer to it, a check each way, the nomination and its answer. */
	assert_true(b.sides[0].agreed_us <= START_US + 6 * b.world.delay_us);
	assert_true(b.sides[0].connects <= 2);
	end(&b);
}

static void survives_loss(void **state)
{
	static struct bench b;

	for (uint64_t seed = 0; seed < 40; seed++) {
		begin_meeting(&b, &meetings[seed % 2 == 0 ? 4 : 7]);
		b.world.rng = rng_seed(seed);
		b.world.loss_per_mille = 100;
		b.world.jitter_us = 5000;
		run(&b);
		for (int i = 0; i < 2; i++) {
			struct punch_path path;

			if (!tcp_open_path(b.sides[i].t, &path))
				fail_msg("seed %u: side %d has no path", (unsigned)seed, i);
		}
		end(&b);
	}
}

/* So that TCP learns soon what was lost; where the answer is there soon, nothing is said twice. */
static void copies_follow_over_long_ways(void **state)
{
	static struct bench b;

	for (int far = 0; far < 2; far++) {
		begin_meeting(&b, &meetings[4]);
		b.world.delay_us = far ? 200000 : 20000;
		for (int i = 0; i < 2; i++)
			b.sides[i].profile.paths[0].rtt_us = b.world.delay_us;
		run(&b);
		meets(&b, "near or far");
		/* The check and the nomination; five of each at most. */
		assert_in_range(evidence(&b, 0).sent, far ? 6 : 2, far ? 10 : 2);
		assert_in_range(evidence(&b, 1).sent, far ? 3 : 1, far ? 5 : 1);
		end(&b);
	}
}

static void low_ttl_comes_first(void **state)
{
	static struct bench b;

	begin_meeting(&b, &meetings[12]);
	b.world.hosts[0].nat.reaction = b.world.hosts[1].nat.reaction = TCP_WORLD_RST;
	run(&b);
	meets(&b, "low TTL");
	for (int i = 0; i < 2; i++) {
		struct punch_evidence e = evidence(&b, i);

		assert_in_range(b.sides[i].low_ttl, 1, 3);
		assert_int_equal(e.tcp_icmp, b.sides[i].low_ttl);
		assert_int_equal(e.tcp_refused, 0); /* nothing reached the other NAT too early */
	}
	end(&b);
}

static void attempts_are_bounded(void **state)
{
	static struct bench b;

	/* The other side never begins: its NAT refuses for the whole time, at once. */
	begin_meeting(&b, &meetings[8]);
	b.world.delay_us = 50;
	b.sides[1].is_mute = true;
	run(&b);
	assert_in_range(b.sides[0].connects, 20, 200);
	assert_int_equal(tcp_world_open(&b.world, 0), 0);
	assert_int_equal(evidence(&b, 0).tcp_refused, b.sides[0].connects);
	end(&b);
}

static void begins_when_it_is_time(void **state)
{
	static struct bench b;

	begin_meeting(&b, &meetings[4]);
	make_offers(&b);
	open_side(&b, 0);
	open_side(&b, 1);
	run_until(&b, START_US - 1);
	assert_int_equal(b.sides[0].connects, 0);
	assert_int_equal(b.sides[0].listens, 2); /* which harms nobody */
	end(&b);
}

/* What a diagnosis says of a NAT whose ports differ, and such a NAT. */
struct search {
	const char *why;
	struct tcp_world_nat nat;
	uint8_t filtering, delta;
	int32_t value;
	bool fails;
};

static const struct search searches[] = {
	{ "counted",
	  { HERE, .counts = true },
	  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	  DELTA_INDEPENDENT,
	  1,
	  false },
	{ "by the local port",
	  { HERE, .differs = true, .keeps_first = true },
	  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	  DELTA_PRESERVING,
	  1000,
	  false },
	{ "by the last mapping and the local port",
	  { HERE, .follows = true },
	  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	  DELTA_DEPENDENT,
	  3,
	  false },
	{ "open",
	  { HERE, .differs = true, .is_open = true },
	  BEHAVIOUR_ENDPOINT_INDEPENDENT,
	  DELTA_RANDOM,
	  0,
	  false },
	{ "at random",
	  { HERE, .differs = true },
	  BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	  DELTA_RANDOM,
	  0,
	  true },
};

static void add_sample(struct bench *b, int i, uint16_t local_port, const struct addr *server)
{
	b->sides[i].offer.sample_counts[0] = 1;
	b->sides[i].offer.samples[0][0] = (struct peer_sample){
		.local_port = local_port,
		.external_port = tcp_world_map(&b->world, i, local_port, server).port,
	};
}

/* Side `hard` is behind that NAT. */
static void begin_search(struct bench *b, const struct search *s, int hard)
{
	struct peer_path *path = &b->sides[hard].profile.paths[0];
	struct addr server = addr_ipv4(20, 9, 7, 1, 3479);

	begin_meeting(b, &meetings[4]);
	b->world.hosts[hard].nat = s->nat;
	b->world.hosts[hard].nat.external = addr_ipv4(20, 0, 0, (uint8_t)(10 + hard), 0);
	path->tcp_mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	path->tcp_filtering = s->filtering;
	path->delta = s->delta;
	path->delta_value = s->value;
	path->background_per_s = 0;
	make_offers(b);
	/* Others have moved the counter on, since. */
	for (uint16_t port = 1; port < 6; port++)
		(void)tcp_world_map(&b->world, hard, port, &server);
	if (s->delta == DELTA_DEPENDENT)
		add_sample(b, hard, 52000, &server);
}

static void finds_ports_that_differ(void **state)
{
	static struct bench b;

	for (size_t i = 0; i < 2 * ARRAY_LEN(searches); i++) {
		const struct search *s = &searches[i / 2];

		begin_search(&b, s, i % 2);
		run(&b);
		if (s->fails)
			does_not_meet(&b, s->why);
		else
			meets(&b, s->why);
		end(&b);
	}
}

/*
 * A port that everybody may come to, and that nothing leaves from: what left from another one would
 * end the mapping it meets. One connection at a time, since all would lead to one socket.
 */
static void waits_where_it_is_found(void **state)
{
	static struct bench b;

	for (int i = 0; i < 2; i++) {
		struct side *hard = &b.sides[i], *other = &b.sides[1 - i];
		struct addr second = addr_ipv4(20, 9, 7, 2, 3478);

		begin_meeting(&b, &meetings[4]);
		b.world.hosts[i].nat.differs = b.world.hosts[i].nat.is_open = true;
		b.world.hosts[1 - i].nat.forgets = true;
		hard->profile.paths[0].tcp_mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
		hard->profile.paths[0].tcp_filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
		other->profile.paths[0].tcp_filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
		make_offers(&b);
		add_endpoint(hard, PEER_MAPPED, PORT, tcp_world_map(&b.world, i, PORT, &second));
		run(&b);
		meets(&b, "waits");
		assert_int_equal(hard->connects, 0);
		assert_int_equal(other->connects, 1);
		assert_true(b.sides[0].agreed_us <= START_US + 8 * b.world.delay_us);
		end(&b);
	}
}

/* The second step of a trial goes on where the first one ended, and loss changes nothing. */
static void each_step_has_a_port_of_its_own(void **state)
{
	static struct bench b;
	struct addr server = addr_ipv4(20, 9, 7, 1, 3479);

	for (uint64_t seed = 0; seed < 20; seed++) {
		struct peer_path *path = &b.sides[1].profile.paths[0];

		begin_meeting(&b, &meetings[4]);
		b.world.rng = rng_seed(seed);
		b.world.loss_per_mille = 50;
		b.world.hosts[1].nat.follows = true;
		path->tcp_mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
		path->delta = DELTA_DEPENDENT;
		path->delta_value = 3;
		b.step.set = 1;
		make_offers(&b);
		for (int i = 0; i < 2; i++) {
			for (uint8_t k = 0; k < b.sides[i].offer.endpoint_count; k++)
				b.sides[i].offer.endpoints[k].set = 1;
		}
		add_sample(&b, 1, 52000, &server);
		(void)tcp_world_map(&b.world, 1, 52001, &server); /* the first step's */
		run(&b);
		meets(&b, "in the second step");
		end(&b);
	}
}

static void says_nothing_to_strangers(void **state)
{
	static const struct punch_step step = { .strategy = PUNCH_TCP, .family = ADDR_IPV4 };
	static struct bench b;
	struct punch_action action;
	struct addr stranger = addr_ipv4(20, 66, 66, 66, 1234);
	struct side *s = &b.sides[1];
	struct bytes junk[] = { BYTES("GET / HTTP/1.1\r\n\r\n"),
				BYTES("\0\x14"
				      "01234567890123456789"),
				BYTES("\0\0") };

	set_up(&b);
	b.step = step;
	make_offers(&b);
	b.sides[0].is_mute = true;
	open_side(&b, 0);
	open_side(&b, 1);
	b.world.now_us = 1000;
	(void)step_side(&b, 1);
	for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
		uint16_t slot = (uint16_t)(PUNCH_ACCEPTED_FIRST + i);

		tcp_open_on_accepted(s->t, 0, slot, &stranger, 1000);
		assert_int_equal(tcp_open_next(s->t, 1000, &action), PUNCH_WAIT);
		tcp_open_on_stream(s->t, slot, PUNCH_STREAM_DATA, junk[i], 1000);
		assert_int_equal(tcp_open_next(s->t, 1000, &action), PUNCH_DISCONNECT);
		assert_int_equal(action.slot, slot);
	}
	/* Nor to one who says nothing. */
	tcp_open_on_accepted(s->t, 0, PUNCH_ACCEPTED_FIRST, &stranger, 1000);
	assert_int_equal(tcp_open_next(s->t, 1000, &action), PUNCH_WAIT);
	assert_true(action.deadline_us < START_US + DURATION_US);
	assert_int_equal(evidence(&b, 1).stray, ARRAY_LEN(junk));
	assert_int_equal(evidence(&b, 1).tcp_accepted, ARRAY_LEN(junk) + 1);
	end(&b);
}

static void another_key_is_a_stranger(void **state)
{
	static const uint8_t other[32] = "another key";
	static struct bench b;

	begin_meeting(&b, &meetings[4]);
	check_keys_make(&b.sides[1].keys, other, false);
	run(&b);
	does_not_meet(&b, "another key");
	assert_int_equal(evidence(&b, 0).received, 0);
	assert_true(evidence(&b, 0).stray > 0);
	end(&b);
}

static void knocks_only_where_it_may(void **state)
{
	static struct bench b;

	begin_meeting(&b, &meetings[4]);
	make_offers(&b);
	add_endpoint(&b.sides[1], PEER_MAPPED, PORT, addr_ipv4(192, 168, 1, 1, 80));
	add_endpoint(&b.sides[1], PEER_MAPPED, PORT, addr_ipv4(127, 0, 0, 1, 80));
	add_endpoint(&b.sides[1], PEER_MAPPED, PORT, addr_ipv4(20, 0, 0, 11, 0));
	b.step.is_local = true;
	run(&b);
	for (size_t i = 0; i < b.sides[0].connects; i++)
		assert_true(addr_equal_ip(&b.sides[0].tried[i], &b.world.hosts[1].nat.external));
	end(&b);
}

/* Nothing turns round at their NAT. */
static void begin_one_network(struct bench *b)
{
	begin_meeting(b, &meetings[0]);
	for (int i = 0; i < 2; i++) {
		b->world.hosts[i].addr = addr_ipv4(192, 168, 1, (uint8_t)(10 + i), 0);
		b->sides[i].profile.paths[0].local = b->world.hosts[i].addr;
		b->sides[i].profile.paths[0].externals[0] = addr_ipv4(20, 0, 0, 9, 0);
		add_endpoint(&b->sides[i], PEER_MAPPED, PORT, addr_ipv4(20, 0, 0, 9, PORT));
		add_endpoint(&b->sides[i], PEER_HOST, HOST_PORT,
			     addr_with_port(&b->world.hosts[i].addr, HOST_PORT));
	}
	b->step.is_local = true;
}

static void meets_in_one_network(void **state)
{
	static struct bench b;
	struct punch_path path;

	begin_one_network(&b);
	run(&b);
	meets(&b, "one network");
	assert_true(tcp_open_path(b.sides[0].t, &path));
	assert_int_equal(path.local.port, HOST_PORT); /* not the one whose mapping matters */
	end(&b);
}

/* Whoever has the other side's address in the own network may be somebody else. */
static void own_network_tells_nothing_of_a_nat(void **state)
{
	static struct bench b;

	begin_one_network(&b);
	b.sides[1].is_mute = true;
	run(&b);
	assert_int_equal(evidence(&b, 0).tcp_refused, 0);
	assert_in_range(evidence(&b, 0).tcp_connects, 1, b.sides[0].connects - 1);
	end(&b);
}

static void measures_round_trips(void **state)
{
	static struct bench b;
	uint32_t rtt_us;

	begin_meeting(&b, &meetings[0]);
	run(&b);
	meets(&b, "ping");
	for (int i = 0; i < 2; i++) {
		(void)tcp_open_take_heard(b.sides[1 - i].t);
		for (int n = 0; n < 3; n++)
			tcp_open_ping(b.sides[i].t, b.world.now_us);
		run_until(&b, b.world.now_us + 30000);
		assert_true(tcp_open_take_heard(b.sides[1 - i].t));
		assert_false(tcp_open_take_heard(b.sides[1 - i].t));
		assert_false(tcp_open_take_pong(b.sides[i].t, &rtt_us));
		run_until(&b, b.world.now_us + 30000);
		for (int n = 0; n < 3; n++) {
			assert_true(tcp_open_take_pong(b.sides[i].t, &rtt_us));
			assert_int_equal(rtt_us, 2 * b.world.delay_us);
		}
		assert_false(tcp_open_take_pong(b.sides[i].t, &rtt_us));
	}
	end(&b);
}

/* A ping whose answer is late over a long way is followed by copies, so that TCP notices what is
 * missing; it is one ping all the same. */
static void copies_follow_a_late_ping(void **state)
{
	static struct bench b;
	uint64_t sent_us;
	unsigned before;
	uint32_t rtt_us;

	begin_meeting(&b, &meetings[4]);
	b.world.delay_us = 200000;
	for (int i = 0; i < 2; i++)
		b.sides[i].profile.paths[0].rtt_us = b.world.delay_us;
	run(&b);
	meets(&b, "ping");

	b.sides[1].is_mute = true;
	before = b.sides[0].writes;
	sent_us = b.world.now_us;
	tcp_open_ping(b.sides[0].t, sent_us);
	run_until(&b, sent_us + 5 * b.world.delay_us / 2);
	assert_int_equal(b.sides[0].writes, before + 1);
	run_until(&b, sent_us + 9 * b.world.delay_us / 2);
	assert_int_equal(b.sides[0].writes, before + 3);
	run_until(&b, sent_us + 100 * b.world.delay_us);
	assert_int_equal(b.sides[0].writes, before + 8);

	b.sides[1].is_mute = false;
	run_until(&b, sent_us + 102 * b.world.delay_us);
	assert_true(tcp_open_take_pong(b.sides[0].t, &rtt_us));
	assert_int_equal(rtt_us, b.world.now_us - sent_us - b.world.delay_us);
	assert_false(tcp_open_take_pong(b.sides[0].t, &rtt_us));
	end(&b);
}

/* One more SYN may move the mapping of a connection that is about to be agreed on. */
static void rests_once_one_is_proven(void **state)
{
	static struct bench b;
	unsigned connects;

	begin_search(&b, &searches[0], 1);
	b.no_nomination = true;
	open_side(&b, 0);
	open_side(&b, 1);
	while (b.sides[0].valid_us == 0 && b.world.now_us < START_US + DURATION_US)
		run_until(&b, b.world.now_us + 1000);
	connects = b.sides[0].connects;
	run_until(&b, b.sides[0].valid_us + 1000000);
	assert_int_equal(b.sides[0].connects, connects);
	/* Nobody agrees: there may be a better one. */
	run_until(&b, b.sides[0].valid_us + 1500000);
	assert_true(b.sides[0].connects > connects);
	end(&b);
}

static void takes_another_when_the_nominated_one_ends(void **state)
{
	static struct bench b;
	struct punch_path path;

	begin_meeting(&b, &meetings[4]);
	make_offers(&b);
	open_side(&b, 0);
	open_side(&b, 1);
	b.no_nomination = true;
	run_until(&b, START_US + 6 * b.world.delay_us);
	assert_true(tcp_open_is_valid(b.sides[0].t));
	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		struct tcp_world_socket *k = &b.world.hosts[0].sockets[slot];

		if (k->remote.family == ADDR_NONE || k->state == 0)
			continue;
		tcp_open_nominate(b.sides[0].t, 1, b.world.now_us);
		k->state = 0;
		tcp_open_on_stream(b.sides[0].t, slot, PUNCH_STREAM_CLOSED, (struct bytes){ 0 },
				   b.world.now_us);
	}
	assert_false(tcp_open_is_valid(b.sides[0].t));
	assert_false(tcp_open_path(b.sides[0].t, &path));
	b.no_nomination = false;
	run_until(&b, START_US + DURATION_US + 2000000);
	meets(&b, "again");
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meets_wherever_it_can),
		cmocka_unit_test(is_quick_between_silent_nats),
		cmocka_unit_test(survives_loss),
		cmocka_unit_test(copies_follow_over_long_ways),
		cmocka_unit_test(low_ttl_comes_first),
		cmocka_unit_test(attempts_are_bounded),
		cmocka_unit_test(begins_when_it_is_time),
		cmocka_unit_test(finds_ports_that_differ),
		cmocka_unit_test(waits_where_it_is_found),
		cmocka_unit_test(each_step_has_a_port_of_its_own),
		cmocka_unit_test(says_nothing_to_strangers),
		cmocka_unit_test(another_key_is_a_stranger),
		cmocka_unit_test(knocks_only_where_it_may),
		cmocka_unit_test(meets_in_one_network),
		cmocka_unit_test(own_network_tells_nothing_of_a_nat),
		cmocka_unit_test(measures_round_trips),
		cmocka_unit_test(copies_follow_a_late_ping),
		cmocka_unit_test(rests_once_one_is_proven),
		cmocka_unit_test(takes_another_when_the_nominated_one_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
