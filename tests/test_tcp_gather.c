/* tcp_gather: how a server sees our ports, over connections that stay open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "natprobe/punch/tcp_open.h"
#include "nat64.h"
#include "tests/tcp_world.h"

#define DEADLINE_US 2000000
#define FIRST_SLOT  4
#define SLOTS       16

struct bench {
	struct tcp_world world;
	struct peer_profile profile;
	struct addr servers[2];
	struct tcp_gather *g;
	struct rng rng;
	bool is_silent, is_odd; /* the servers */
	uint8_t samples;
	unsigned connects, quiet, written;
	uint16_t ports[64];
	uint64_t done_us;
};

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void on_connected(void *arg, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	tcp_gather_on_connected(((struct bench *)arg)->g, slot, local, now_us);
}

static void on_accepted(void *arg, uint16_t listener, uint16_t slot, const struct addr *remote,
			uint64_t now_us)
{
}

static void on_stream(void *arg, uint16_t slot, enum punch_stream what, struct bytes data,
		      uint64_t now_us)
{
	tcp_gather_on_stream(((struct bench *)arg)->g, slot, what, data, now_us);
}

/* A server answers what it sees. */
static void on_request(void *arg, uint16_t slot, enum punch_stream what, struct bytes data,
		       uint64_t now_us)
{
	struct bench *b = arg;
	struct punch_action write = { .kind = PUNCH_WRITE, .slot = slot };
	struct stun_builder builder;
	struct stun_msg msg;
	uint8_t buf[128];

	if (what != PUNCH_STREAM_DATA || b->is_silent)
		return;
	if (b->is_odd) {
		write.data = BYTES("HTTP/1.1 400 Bad Request\r\n\r\n");
		tcp_world_do(&b->world, 1, &write);
		return;
	}
	assert_int_equal(stun_msg_parse(data, &msg), STUN_OK);
	builder = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &msg.tid);
	(void)stun_attr_put_xor_addr(&builder, STUN_ATTR_XOR_MAPPED_ADDRESS,
				     &b->world.hosts[1].sockets[slot].remote);
	assert_int_equal(stun_build_finish(&builder, &write.data), STUN_OK);
	/* In two pieces: a stream has no borders. */
	struct bytes whole = write.data;
	write.data = bytes_of(whole.data, 9);
	tcp_world_do(&b->world, 1, &write);
	write.data = bytes_of(whole.data + 9, whole.len - 9);
	tcp_world_do(&b->world, 1, &write);
}

static void set_up(struct bench *b)
{
	*b = (struct bench){ .rng = rng_seed(3) };
	b->world.rng = rng_seed(4);
	b->world.delay_us = 20000;
	b->world.hosts[0].addr = addr_ipv4(10, 0, 0, 2, 0);
	b->world.hosts[0].nat = (struct tcp_world_nat){
		.is_there = true,
		.external = addr_ipv4(20, 0, 0, 10, 0),
	};
	b->world.hosts[1].addr = addr_ipv4(20, 9, 7, 1, 0);
	b->servers[0] = addr_ipv4(20, 9, 7, 1, 3478);
	b->servers[1] = addr_ipv4(20, 9, 7, 1, 3479);
	b->profile.path_count = 1;
	b->profile.paths[0] = (struct peer_path){ .family = ADDR_IPV4,
						  .local = b->world.hosts[0].addr,
						  .rtt_us = 40000 };
	b->world.events[0] = (struct tcp_world_events){ on_connected, on_accepted, on_stream, b };
	b->world.events[1] = (struct tcp_world_events){ on_connected, on_accepted, on_request, b };
	for (uint16_t i = 0; i < 2; i++) {
		struct punch_action listen = { .kind = PUNCH_LISTEN,
					       .slot = i,
					       .port = b->servers[i].port };

		tcp_world_do(&b->world, 1, &listen);
	}
}

static void begin(struct bench *b, uint8_t sets, uint16_t local_port)
{
	struct tcp_gather_config config = {
		.ours = &b->profile,
		.servers = b->servers,
		.server_count = 2,
		.local_port = local_port,
		.sets = sets,
		.samples = b->samples,
		.first_slot = FIRST_SLOT,
		.slot_count = SLOTS,
		.deadline_us = DEADLINE_US,
		.random = fill_random,
		.random_arg = &b->rng,
	};

	b->g = tcp_gather_new(&config);
	assert_non_null(b->g);
}

static uint64_t step(struct bench *b)
{
	struct punch_action a;

	for (int n = 0; n < 1000; n++) {
		if (tcp_gather_is_done(b->g, b->world.now_us) && b->done_us == 0)
			b->done_us = b->world.now_us;
		if (tcp_gather_next(b->g, b->world.now_us, &a) == PUNCH_WAIT)
			return a.deadline_us;
		assert_in_range(a.slot, FIRST_SLOT, FIRST_SLOT + SLOTS - 1);
		if (a.kind == PUNCH_CONNECT && b->connects < ARRAY_LEN(b->ports))
			b->ports[b->connects++] = a.port;
		b->quiet += a.kind == PUNCH_DISCONNECT && a.quiet;
		tcp_world_do(&b->world, 0, &a);
	}
	fail_msg("it never waits");
	return 0;
}

static void run(struct bench *b, struct peer_offer *offer)
{
	uint64_t end_us = b->world.now_us + DEADLINE_US + 500000;

	while (b->world.now_us < end_us) {
		uint64_t next_us = step(b), due_us = tcp_world_due_us(&b->world);

		if (next_us <= b->world.now_us)
			fail_msg("waits for what was");
		if (due_us < next_us)
			next_us = due_us;
		if (next_us == UINT64_MAX)
			break;
		b->world.now_us = next_us;
		if (due_us <= next_us)
			tcp_world_run(&b->world);
	}
	*offer = (struct peer_offer){ 0 };
	tcp_gather_add(b->g, offer, b->world.now_us);
	for (size_t i = 0; i < offer->endpoint_count; i++)
		assert_true(offer->endpoints[i].is_tcp);
}

static unsigned count(const struct peer_offer *offer, enum peer_endpoint_kind kind, uint8_t set)
{
	unsigned n = 0;

	for (size_t i = 0; i < offer->endpoint_count; i++)
		n += offer->endpoints[i].kind == kind && offer->endpoints[i].set == set;
	return n;
}

static const struct peer_endpoint *find(const struct peer_offer *offer,
					enum peer_endpoint_kind kind, uint8_t set)
{
	for (size_t i = 0; i < offer->endpoint_count; i++) {
		if (offer->endpoints[i].kind == kind && offer->endpoints[i].set == set)
			return &offer->endpoints[i];
	}
	fail_msg("no endpoint of kind %d in set %u", kind, set);
	return NULL;
}

static void tells_what_servers_see(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	set_up(&b);
	begin(&b, 3, 40000);
	run(&b, &offer);
	for (uint8_t set = 0; set < 3; set++) {
		const struct peer_endpoint *mapped = find(&offer, PEER_MAPPED, set);
		const struct peer_endpoint *host = find(&offer, PEER_HOST, set);

		assert_int_equal(count(&offer, PEER_MAPPED, set), 1);
		assert_true(addr_equal_ip(&mapped->addr, &b.world.hosts[0].nat.external));
		assert_int_equal(mapped->addr.port, mapped->local_port + 1000);
		assert_true(addr_equal_ip(&host->addr, &b.world.hosts[0].addr));
		assert_int_equal(host->addr.port, host->local_port);
		assert_int_not_equal(host->local_port, mapped->local_port);
	}
	assert_int_equal(find(&offer, PEER_MAPPED, 0)->local_port, 40000);
	assert_true(b.done_us > 0 && b.done_us < 200000);
	assert_true(tcp_gather_has_all(b.g));
	/* All connections stand: a FIN could end what was learnt. */
	assert_int_equal(tcp_world_open(&b.world, 0), 6);
	tcp_gather_free(b.g);
}

static void tells_all_that_differ(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	set_up(&b);
	b.world.hosts[0].nat.differs = true;
	begin(&b, 1, 0);
	run(&b, &offer);
	assert_int_equal(count(&offer, PEER_MAPPED, 0), 2);
	tcp_gather_free(b.g);
}

/* The sample is the last mapping of all, and nobody uses the ports that follow it. */
static void samples_when_all_else_is_known(void **state)
{
	static struct bench b;
	const struct tcp_world_flow *last;
	struct peer_offer offer;

	for (uint64_t seed = 0; seed < 20; seed++) {
		set_up(&b);
		b.world.rng = rng_seed(seed);
		b.world.loss_per_mille = seed > 0 ? 50 : 0;
		b.world.hosts[0].nat.follows = true;
		b.samples = 1;
		begin(&b, PEER_SETS, 0);
		run(&b, &offer);
		assert_true(tcp_gather_is_done(b.g, b.world.now_us));
		assert_int_equal(offer.sample_counts[0], 0);
		tcp_gather_sample(b.g, b.world.now_us + DEADLINE_US);
		assert_false(tcp_gather_is_done(b.g, b.world.now_us));
		run(&b, &offer);
		assert_true(tcp_gather_is_done(b.g, b.world.now_us));
		if (offer.sample_counts[0] != 1)
			fail_msg("seed %u: no sample", (unsigned)seed);
		last = &b.world.hosts[0].flows[b.world.hosts[0].flow_count - 1];
		assert_int_equal(offer.samples[0][0].local_port, last->local);
		assert_int_equal(offer.samples[0][0].external_port, last->external);
		for (unsigned i = 0; i < b.connects; i++)
			assert_false(b.ports[i] > last->local &&
				     b.ports[i] <= last->local + PEER_SETS);
		tcp_gather_free(b.g);
	}
}

static void samples_nothing_where_no_server_answers(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	set_up(&b);
	b.is_silent = true;
	b.samples = 1;
	begin(&b, 1, 0);
	run(&b, &offer);
	tcp_gather_sample(b.g, b.world.now_us + DEADLINE_US);
	assert_true(tcp_gather_is_done(b.g, b.world.now_us));
	run(&b, &offer);
	assert_int_equal(offer.sample_counts[0], 0);
	tcp_gather_free(b.g);
}

static void asks_again_after_loss(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	for (uint64_t seed = 0; seed < 30; seed++) {
		set_up(&b);
		b.world.rng = rng_seed(seed);
		b.world.loss_per_mille = 100;
		begin(&b, 2, 0);
		run(&b, &offer);
		for (uint8_t set = 0; set < 2; set++) {
			if (count(&offer, PEER_MAPPED, set) == 0)
				fail_msg("seed %u: nothing about set %u", (unsigned)seed, set);
		}
		tcp_gather_free(b.g);
	}
}

static void is_done_by_the_deadline(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	for (int odd = 0; odd < 3; odd++) {
		set_up(&b);
		b.is_silent = odd == 0;
		b.is_odd = odd == 1;
		if (odd == 2)
			b.world.loss_per_mille = 1000;
		begin(&b, 2, 0);
		run(&b, &offer);
		assert_true(b.done_us <= DEADLINE_US);
		assert_int_equal(count(&offer, PEER_MAPPED, 0), 0);
		assert_int_equal(count(&offer, PEER_HOST, 0), 1);
		assert_false(tcp_gather_has_all(b.g));
		assert_in_range(b.connects, 4, 12);
		tcp_gather_free(b.g);
	}
}

static void local_address_is_the_mapped_one_without_a_nat(void **state)
{
	static struct bench b;
	struct peer_offer offer;

	set_up(&b);
	b.is_silent = true;
	b.profile.paths[0].mapping = BEHAVIOUR_NONE;
	begin(&b, 1, 40000);
	run(&b, &offer);
	assert_int_equal(find(&offer, PEER_MAPPED, 0)->addr.port, 40000);
	assert_true(addr_equal_ip(&find(&offer, PEER_MAPPED, 0)->addr, &b.world.hosts[0].addr));
	tcp_gather_free(b.g);
}

static void stays_within_its_slots(void **state)
{
	static struct bench b;
	struct peer_offer offer;
	struct tcp_gather_config config = {
		.ours = &b.profile,
		.servers = b.servers,
		.server_count = 2,
		.sets = PEER_SETS + 9,
		.first_slot = FIRST_SLOT,
		.slot_count = 5,
		.deadline_us = DEADLINE_US,
		.random = fill_random,
		.random_arg = &b.rng,
	};

	set_up(&b);
	b.g = tcp_gather_new(&config);
	run(&b, &offer);
	assert_int_equal(b.connects, 5);
	/* Each port asks one server at least, before one asks both. */
	for (uint8_t set = 0; set < PEER_SETS; set++)
		assert_int_equal(count(&offer, PEER_MAPPED, set), 1);
	tcp_gather_free(b.g);
}

static void asks_through_a_nat64(void **state)
{
	static struct bench b;
	struct punch_action a;
	struct addr ipv4;

	set_up(&b);
	b.profile.paths[0].family = ADDR_IPV6;
	assert_true(addr_parse_ip("2001:470::2", 0, &b.profile.paths[0].local));
	begin(&b, 1, 0);
	assert_int_equal(tcp_gather_next(b.g, 0, &a), PUNCH_WAIT); /* no way there */
	assert_true(tcp_gather_is_done(b.g, 0));
	tcp_gather_free(b.g);
	assert_true(addr_parse_ip("64:ff9b::", 0, &b.profile.paths[0].nat64_prefix));
	b.profile.paths[0].nat64_prefix_len = 96;
	begin(&b, 1, 0);
	assert_int_equal(tcp_gather_next(b.g, 0, &a), PUNCH_CONNECT);
	assert_true(nat64_extract(&a.to, 96, &ipv4));
	assert_true(addr_equal(&ipv4, &b.servers[0]));
	tcp_gather_free(b.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_servers_see),
		cmocka_unit_test(tells_all_that_differ),
		cmocka_unit_test(samples_when_all_else_is_known),
		cmocka_unit_test(samples_nothing_where_no_server_answers),
		cmocka_unit_test(asks_again_after_loss),
		cmocka_unit_test(is_done_by_the_deadline),
		cmocka_unit_test(local_address_is_the_mapped_one_without_a_nat),
		cmocka_unit_test(stays_within_its_slots),
		cmocka_unit_test(asks_through_a_nat64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
