/* Every error code that turnd answers with, each signed where somebody has proven who he is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_story.h"

static struct rig r;
static struct rig_client c;
static struct addr peer;

static int begin(void **state)
{
	rig_init(&r);
	rig_client(&c, &r, 1000);
	peer = story_peer(7, 7);
	return 0;
}

static int end(void **state)
{
	rig_stop(&r);
	return 0;
}

static uint16_t allocate(struct story_allocate how)
{
	return story_allocate(&c, &how);
}

/* What leads to each code; the rig runs, and the client has been challenged. */

static uint16_t to_300(void)
{
	static const struct snapshot_alternate other = {
		.addr = { .family = ADDR_IPV4, .port = 3478, .ip = { 91, 80, 0, 9 } },
	};

	r.snapshot.alternates = &other;
	r.snapshot.alternate_count = 1;
	return rig_allocate(&c);
}

static uint16_t to_400(void)
{
	return allocate((struct story_allocate){ .no_transport = true });
}

static uint16_t to_401(void)
{
	c.password = BYTES("open barley");
	return rig_allocate(&c);
}

static uint16_t to_403(void)
{
	struct addr bad = addr_ipv4(10, 0, 0, 1, 80);

	assert_int_equal(rig_allocate(&c), 0);
	return rig_permit(&c, &bad);
}

static uint16_t to_405(void)
{
	return allocate((struct story_allocate){ .mobile = true });
}

static uint16_t to_420(void)
{
	(void)stun_attr_put_flag(rig_request(&c, TURN_ALLOCATE), 0x7ABC);
	return rig_ask(&c);
}

static uint16_t to_437(void)
{
	return rig_refresh(&c, 600);
}

static uint16_t to_438(void)
{
	rig_pass(&r, 3600 * 1000);
	return rig_allocate(&c);
}

static uint16_t to_440(void)
{
	return allocate((struct story_allocate){ .family = 9 });
}

static uint16_t to_441(void)
{
	assert_int_equal(rig_allocate(&c), 0);
	c.user = BYTES("bob");
	c.password = BYTES("swordfish");
	return rig_refresh(&c, 600);
}

static uint16_t to_442(void)
{
	return allocate((struct story_allocate){ .transport = 6 });
}

static uint16_t to_443(void)
{
	struct addr six;

	assert_true(addr_parse_ip("2606:2800:220:1::7", 1, &six));
	assert_int_equal(rig_allocate(&c), 0);
	return rig_permit(&c, &six);
}

static uint16_t to_486(void)
{
	r.realms[0].limits.user_allocations = 1;
	assert_int_equal(rig_allocate(&c), 0);
	story_go(&c, 1);
	return rig_allocate(&c);
}

static uint16_t to_508(void)
{
	static const struct ports_token token;

	return allocate((struct story_allocate){ .token = &token });
}

static void each_code_is_answered_and_signed(void **state)
{
	static const struct {
		uint16_t code;
		uint16_t (*lead)(void);
		bool is_unsigned; /* nobody has proven anything */
	} cases[] = {
		{ 300, to_300, false }, { 400, to_400, false }, { 401, to_401, true },
		{ 403, to_403, false }, { 405, to_405, false }, { 420, to_420, false },
		{ 437, to_437, false }, { 438, to_438, false }, { 440, to_440, false },
		{ 441, to_441, false }, { 442, to_442, false }, { 443, to_443, false },
		{ 486, to_486, false }, { 508, to_508, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint16_t code;

		begin(state);
		rig_start(&r);
		assert_int_equal(rig_challenge(&c), 401);
		code = cases[i].lead();
		if (code != cases[i].code)
			fail_msg("%u instead of %u", code, cases[i].code);
		if (c.is_signed == cases[i].is_unsigned)
			fail_msg("%u: %s", code, c.is_signed ? "signed" : "not signed");
		assert_int_equal(
			counter_read(&turnd_stats(r.worker[0].turnd)->errors[stats_code(code)]),
			code == 401 ? 2 : 1);
		end(state);
	}
}

enum who { NOBODY, WRONG, OTHER, GOOD, WHOS };

static void become(enum who who)
{
	c.challenged = who != NOBODY;
	c.user = who == OTHER ? BYTES("bob") : BYTES("alice");
	c.password = who == OTHER   ? BYTES("swordfish")
		     : who == WRONG ? BYTES("open barley")
				    : BYTES("open sesame");
}

static void begin_refresh(void)
{
	(void)stun_attr_put_u32(rig_request(&c, TURN_REFRESH), STUN_ATTR_LIFETIME, 700);
}

static void begin_delete(void)
{
	(void)stun_attr_put_u32(rig_request(&c, TURN_REFRESH), STUN_ATTR_LIFETIME, 0);
}

static void begin_permission(void)
{
	(void)stun_attr_put_xor_addr(rig_request(&c, TURN_CREATE_PERMISSION),
				     STUN_ATTR_XOR_PEER_ADDRESS, &peer);
}

static void begin_channel(void)
{
	struct stun_builder *b = rig_request(&c, TURN_CHANNEL_BIND);

	(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, 0x4000);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
}

/* Who has proven nothing does not learn whether there is an allocation. */
static void without_an_allocation_credentials_come_first(void **state)
{
	static void (*const begins[])(void) = { begin_refresh, begin_delete, begin_permission,
						begin_channel };
	static const uint16_t codes[WHOS] = { 401, 401, 437, 437 };

	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	for (size_t m = 0; m < ARRAY_LEN(begins); m++) {
		for (enum who who = NOBODY; who < WHOS; who++) {
			become(who);
			begins[m]();
			assert_int_equal(rig_ask(&c), codes[who]);
		}
	}
	assert_int_equal(r.opened, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_is_answered_and_signed),
		STORY(without_an_allocation_credentials_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
