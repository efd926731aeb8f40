/* Stories of four workers: ports, and reserved ones, that another worker has. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_move.h"

static bool reaches_through(struct rig_client *c)
{
	struct relay_end *e = rig_end_of(&r, &c->relayed[0]);

	return rig_permit(c, &peer) == 0 &&
	       rig_from_peer(&r, e, &peer, BYTES("in")) == TURND_TO_CLIENT &&
	       five_tuple_equal(&r.out.tuple, &c->tuple);
}

static void a_token_is_good_at_any_worker(void **state)
{
	rig_start(&r);
	for (uint16_t i = 0; i < r.workers; i++) {
		struct ports_token token = move_reserve();
		uint32_t before = ports_count_free(r.ports[0]);
		size_t opened = r.opened;

		away.worker = i;
		assert_int_equal(r.reserved, 1);
		assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }),
				 0);
		assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
		assert_int_equal(r.opened, opened); /* it gets the socket that there is */
		assert_int_equal(r.reserved, 0);
		assert_true(reaches_through(&away));
		assert_int_equal(story_repeat(&away), 0);
		assert_int_equal(rig_refresh(&away, 0), 0);
		/* The port goes back to the worker whose share it is of. */
		assert_int_equal(ports_count_free(r.ports[0]), before + 1);
		assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }),
				 508);
		assert_int_equal(rig_refresh(&home, 0), 0);
	}
}

static void expect_all_ports_free(void)
{
	for (uint16_t i = 0; i < r.workers; i++)
		assert_int_equal(ports_count_free(r.ports[i]), ports_count(r.ports[i]));
}

/* Two ports are of each worker, and the kernel may send all clients to one. */
static void a_range_is_full_when_no_worker_has_a_port(void **state)
{
	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 8; i++, story_go(&home, 1))
		assert_int_equal(rig_allocate(&home), 0);
	assert_int_equal(rig_allocate(&home), 508);
	for (int i = 0; i < 8; i++) {
		story_go(&home, -1);
		assert_int_equal(rig_refresh(&home, 0), 0);
	}
	expect_all_ports_free();
}

static void a_pair_of_another_worker_is_reserved_there(void **state)
{
	struct ports_token token, last;

	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	(void)move_reserve();
	story_go(&home, 1);
	token = move_reserve();
	assert_int_equal(home.relayed[0].port % 2, 0);
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }), 0);
	assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
	story_go(&home, 1);
	(void)move_reserve();
	story_go(&home, 1);
	last = move_reserve();
	story_go(&away, 1);
	assert_int_equal(rig_allocate(&away), 508); /* what is reserved is nobody's */
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &last }), 0);
	assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
}

static void both_families_may_come_from_another_worker(void **state)
{
	struct story_allocate both = { .additional = ADDR_IPV6 };

	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 2; i++, story_go(&home, 1))
		assert_int_equal(story_allocate(&home, &both), 0);
	assert_int_equal(story_allocate(&home, &both), 0);
	assert_int_equal(home.relayed[0].family, ADDR_IPV4);
	assert_int_equal(rig_refresh(&home, 0), 0);
}

static void a_port_that_cannot_be_used_goes_back(void **state)
{
	struct ports_token token;

	r.snapshot.total_allocations = 1;
	rig_start(&r);
	token = move_reserve();
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }), 508);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	expect_all_ports_free();
}

/* A range of which only another worker has ports left. */
static void fill_the_share_of_worker_0(void)
{
	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 2; i++, story_go(&home, 1))
		assert_int_equal(rig_allocate(&home), 0);
	assert_int_equal(rig_challenge(&home), 401);
}

static size_t ports_free_of_all(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++)
		count += ports_count_free(r.ports[i]);
	return count;
}

static bool even_ports(const struct addr *local)
{
	return local->port % 2 == 0;
}

static bool odd_ports(const struct addr *local)
{
	return local->port % 2 != 0;
}

static void a_pair_that_the_system_refuses_goes_back_whole(void **state)
{
	static bool (*const foreign[])(const struct addr *local) = { even_ports, odd_ports };
	struct story_allocate how = { .even_port = true, .reserve = true };

	fill_the_share_of_worker_0();
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		r.is_foreign = foreign[i];
		assert_int_equal(story_allocate(&home, &how), 508);
		assert_int_equal(r.open, 2);
		assert_int_equal(r.reserved, 0);
		assert_int_equal(quota_alive(r.shared.quota), 2);
		assert_int_equal(ports_free_of_all(), 6);
	}
}

static void a_pair_that_comes_too_late_goes_back_whole(void **state)
{
	struct stun_builder *b;
	struct letter l, lost;

	fill_the_share_of_worker_0();
	b = rig_request(&home, TURN_ALLOCATE);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	(void)stun_attr_put_even_port(b, true);
	letter_post(&home, &l);
	lost = l;
	letter_answer(&lost);
	assert_int_equal(r.reserved, 1);
	letter_give_back(&lost);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_free_of_all(), 6);
	letter_answer(&l);
	assert_int_equal(rig_allocate(&home), 0); /* meanwhile, with another port */
	assert_int_equal(letter_come_back(&l), 437);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_free_of_all(), 5);
}

/* Other workers would fare no better. */
static void a_lack_of_descriptors_is_508_at_once(void **state)
{
	r.open_error = EMFILE;
	rig_start(&r);
	assert_int_equal(rig_challenge(&home), 401);
	r.open_errors = 1;
	assert_int_equal(rig_allocate(&home), 508);
	r.open_errors = 2;
	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .additional = ADDR_IPV6 }),
			 508);
	assert_int_equal(r.opened, 0);
}

static void a_port_that_comes_too_late_goes_back(void **state)
{
	struct letter l, twice;
	struct ports_token token;

	rig_start(&r);
	token = move_reserve();
	move_request_port(&away, &token);
	letter_post(&away, &l);
	letter_post(&away, &twice); /* sent again meanwhile */
	letter_answer(&l);
	letter_answer(&twice);
	assert_int_equal(l.gift.code, 0);
	assert_int_equal(twice.gift.code, 508);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(letter_come_back(&l), 0);
	assert_int_equal(letter_come_back(&twice), 0); /* the same answer */
	assert_int_equal(move_alive(), 2);
	/* The client has gone before the port came. */
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	token = move_reserve();
	move_request_port(&away, &token);
	letter_post(&away, &l);
	letter_answer(&l);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 2);
	assert_int_equal(r.reserved, 1);
	letter_give_back(&l);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 1);
	/* Or it has got another allocation. */
	assert_int_equal(rig_refresh(&home, 0), 0);
	token = move_reserve();
	move_request_port(&away, &token);
	letter_post(&away, &l);
	assert_int_equal(rig_allocate(&away), 0);
	letter_answer(&l);
	assert_int_equal(letter_come_back(&l), 437);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 1);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, move_begin_workers, move_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_token_is_good_at_any_worker),
		STORY(a_range_is_full_when_no_worker_has_a_port),
		STORY(a_pair_of_another_worker_is_reserved_there),
		STORY(both_families_may_come_from_another_worker),
		STORY(a_port_that_cannot_be_used_goes_back),
		STORY(a_pair_that_the_system_refuses_goes_back_whole),
		STORY(a_pair_that_comes_too_late_goes_back_whole),
		STORY(a_lack_of_descriptors_is_508_at_once),
		STORY(a_port_that_comes_too_late_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
