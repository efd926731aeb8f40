/* Stories of CreatePermission and ChannelBind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_one.h"

#define MINUTE UINT64_C(60000)

static void allocate(void)
{
	rig_start(&r);
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .lifetime_s = 3600 }), 0);
}

static uint16_t permit_all(const struct addr *peers, size_t count)
{
	struct stun_builder *b = rig_request(&c, TURN_CREATE_PERMISSION);

	for (size_t i = 0; i < count; i++)
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peers[i]);
	return rig_ask(&c);
}

static uint32_t permissions(void)
{
	return peers_count_permissions(&story_alloc_of(&c)->flow.peers, r.now.us / 1000);
}

static enum turnd_step from(const struct addr *peer)
{
	return rig_from_peer(&r, rig_end_of(&r, &c.relayed[0]), peer, BYTES("hello"));
}

static void several_peers_are_permitted_at_once(void **state)
{
	struct addr peers[3] = { story_peer(1, 0), story_peer(2, 7), story_peer(3, 65535) };
	struct addr other_port = story_peer(1, 999), other = story_peer(4, 7);

	allocate();
	assert_int_equal(permit_all(peers, 3), 0);
	assert_int_equal(permissions(), 3);
	assert_int_equal(from(&other_port), TURND_TO_CLIENT);
	assert_int_equal(from(&other), TURND_NOTHING);
	rig_pass(&r, 5 * MINUTE - 1);
	assert_int_equal(from(&other_port), TURND_TO_CLIENT);
	rig_pass(&r, 1);
	assert_int_equal(from(&other_port), TURND_NOTHING);
}

static void one_bad_peer_refuses_them_all(void **state)
{
	struct addr six, peers[3] = { story_peer(1, 1), story_peer(2, 2), story_peer(3, 3) };

	allocate();
	assert_true(addr_parse_ip("2606:2800:220:1::7", 1, &six));
	peers[2] = six;
	assert_int_equal(permit_all(peers, 3), 443);
	peers[2] = addr_ipv4(10, 1, 2, 3, 80);
	assert_int_equal(permit_all(peers, 3), 403);
	assert_true(c.is_signed);
	peers[2] = addr_ipv4(169, 254, 169, 254, 80);
	assert_int_equal(permit_all(peers, 3), 403);
	assert_int_equal(permissions(), 0);
	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->denied[POLICY_SPECIAL]), 2);
}

static void no_peer_and_a_broken_peer_are_400(void **state)
{
	struct addr peer = story_peer(1, 1);
	struct stun_builder *b;

	allocate();
	assert_int_equal(permit_all(&peer, 0), 400);
	b = rig_request(&c, TURN_CREATE_PERMISSION);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	memset(stun_build_attr(b, STUN_ATTR_XOR_PEER_ADDRESS, 7), 0, 7);
	assert_int_equal(rig_ask(&c), 400);
	b = rig_request(&c, TURN_CREATE_PERMISSION);
	memset(stun_build_attr(b, STUN_ATTR_XOR_PEER_ADDRESS, 8), 0, 8); /* family 0 */
	assert_int_equal(rig_ask(&c), 400);
	assert_int_equal(permissions(), 0);
}

static void too_many_permissions_are_508(void **state)
{
	struct addr peers[3] = { story_peer(1, 1), story_peer(2, 2), story_peer(3, 3) };

	r.realms[0].limits.permissions = 2;
	allocate();
	assert_int_equal(permit_all(peers, 3), 508);
	assert_int_equal(permissions(), 0);
	assert_int_equal(permit_all(peers, 2), 0);
	assert_int_equal(permit_all(peers + 1, 1), 0); /* a refresh */
	assert_int_equal(permit_all(peers + 2, 1), 508);
	assert_int_equal(rig_bind(&c, 0x4000, &peers[2]), 508);
	rig_pass(&r, 5 * MINUTE);
	assert_int_equal(permit_all(peers + 2, 1), 0);
}

static void without_an_allocation_it_is_437(void **state)
{
	struct addr peer = story_peer(1, 1);

	rig_start(&r);
	assert_int_equal(rig_permit(&c, &peer), 437);
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 437);
}

static void another_user_is_441(void **state)
{
	struct addr peer = story_peer(1, 1);

	allocate();
	c.user = BYTES("bob");
	c.password = BYTES("swordfish");
	assert_int_equal(rig_permit(&c, &peer), 441);
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 441);
	c.user = BYTES("alice");
	c.password = BYTES("open sesame");
	assert_int_equal(permissions(), 0);
}

static void a_relay_address_is_permitted_and_its_ports_are_judged(void **state)
{
	struct addr us = r.relays[0].seen_as, other;
	struct rig_client d;

	allocate();
	rig_client(&d, &r, 2000);
	assert_int_equal(rig_allocate(&d), 0);
	other = d.relayed[0];
	us.port = other.port == r.low ? (uint16_t)(r.low + 1) : r.low;
	if (us.port == c.relayed[0].port)
		us.port = (uint16_t)(us.port + 2);
	assert_int_equal(rig_permit(&c, &us), 0);
	assert_int_equal(rig_bind(&c, 0x4000, &us), 403); /* nobody is there */
	assert_int_equal(rig_bind(&c, 0x4000, &other), 0);
	us.port = STUN_PORT;
	assert_int_equal(rig_bind(&c, 0x4001, &us), 403);
	/* The channel outlives whom it was for, and must not reach who comes next there. */
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("x")), TURND_TO_PEER);
	assert_int_equal(rig_refresh(&d, 0), 0);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("x")), TURND_NOTHING);
}

static void channel_numbers_have_their_range(void **state)
{
	static const struct {
		uint16_t number;
		bool in_8656, in_5766;
	} cases[] = {
		{ 0x3FFF, false, false }, { 0x4000, true, true },   { 0x4FFF, true, true },
		{ 0x5000, false, true },  { 0x7FFE, false, true },  { 0x7FFF, false, false },
		{ 0x0000, false, false }, { 0xFFFF, false, false }, { 0x8000, false, false },
	};

	allocate();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr peer = story_peer(1, (uint16_t)(100 + i));

		r.snapshot.rfc5766_channels = false;
		assert_int_equal(rig_bind(&c, cases[i].number, &peer), cases[i].in_8656 ? 0 : 400);
		r.snapshot.rfc5766_channels = true;
		assert_int_equal(rig_bind(&c, cases[i].number, &peer), cases[i].in_5766 ? 0 : 400);
	}
}

static void a_channel_needs_number_and_peer(void **state)
{
	struct addr peer = story_peer(1, 1);

	allocate();
	(void)stun_attr_put_u16(rig_request(&c, TURN_CHANNEL_BIND), STUN_ATTR_CHANNEL_NUMBER,
				0x4000);
	assert_int_equal(rig_ask(&c), 400);
	(void)stun_attr_put_xor_addr(rig_request(&c, TURN_CHANNEL_BIND), STUN_ATTR_XOR_PEER_ADDRESS,
				     &peer);
	assert_int_equal(rig_ask(&c), 400);
}

static void a_channel_stays_with_its_peer(void **state)
{
	struct addr a = story_peer(1, 1), b = story_peer(2, 1), port = story_peer(1, 2);

	allocate();
	assert_int_equal(rig_bind(&c, 0x4000, &a), 0);
	assert_int_equal(story_repeat(&c), 0);
	assert_int_equal(rig_bind(&c, 0x4000, &b), 400);
	assert_int_equal(rig_bind(&c, 0x4001, &a), 400);
	assert_int_equal(rig_bind(&c, 0x4001, &port), 0); /* another port is another peer */
	rig_pass(&r, 14 * MINUTE + 59999);
	assert_int_equal(rig_bind(&c, 0x4000, &b), 400);
	rig_pass(&r, 1);
	assert_int_equal(rig_bind(&c, 0x4000, &b), 0);
}

static void channels_live_twice_as_long_as_permissions(void **state)
{
	struct addr peer = story_peer(1, 1);

	allocate();
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 0);
	rig_pass(&r, 5 * MINUTE);
	assert_int_equal(from(&peer), TURND_NOTHING); /* its permission is over */
	assert_int_equal(rig_permit(&c, &peer), 0);
	assert_int_equal(from(&peer), TURND_TO_CLIENT);
	rig_pass(&r, 5 * MINUTE - 1);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("x")), TURND_TO_PEER);
	rig_pass(&r, 1);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("x")), TURND_NOTHING);
}

static void bad_peers_get_no_channel(void **state)
{
	struct addr six, denied = addr_ipv4(127, 0, 0, 1, 80), nowhere = story_peer(1, 0);

	allocate();
	assert_true(addr_parse_ip("2606:2800:220:1::7", 1, &six));
	assert_int_equal(rig_bind(&c, 0x4000, &six), 443);
	assert_int_equal(rig_bind(&c, 0x4000, &denied), 403);
	assert_int_equal(rig_bind(&c, 0x4000, &nowhere), 403); /* port 0 */
	assert_int_equal(rig_permit(&c, &nowhere), 0);         /* has no meaning there */
	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->denied[POLICY_SPECIAL]), 1);
	assert_int_equal(peers_count_channels(&story_alloc_of(&c)->flow.peers, r.now.us / 1000), 0);
}

static void too_many_channels_are_508(void **state)
{
	struct addr a = story_peer(1, 1), b = story_peer(2, 1);

	r.realms[0].limits.channels = 1;
	allocate();
	assert_int_equal(rig_bind(&c, 0x4000, &a), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &b), 508);
	assert_int_equal(rig_bind(&c, 0x4000, &a), 0);
	assert_int_equal(permissions(), 1);
	rig_pass(&r, 10 * MINUTE);
	assert_int_equal(rig_bind(&c, 0x4001, &b), 0);
}

static void tcp_allocations_have_no_channels(void **state)
{
	struct addr peer = story_peer(1, 1);

	r.snapshot.tcp_relay = true;
	rig_start(&r);
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .transport = 6 }), 0);
	assert_int_equal(rig_permit(&c, &peer), 0);
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 403);
}

/* Takes what the rules come to in place of what there was, and frees them. */
static void reload(struct policy_rules *rules)
{
	struct policy *before = r.peers;
	const char *why;

	r.realms[0].peers = r.realms[1].peers = r.peers = policy_new(rules, NULL, &why);
	policy_free(before);
	policy_rules_free(rules);
	turnd_use_snapshot(r.worker[0].turnd, &r.snapshot, r.now.us);
}

static void a_reload_that_denies_a_peer_takes_its_permission(void **state)
{
	struct addr bad = story_peer(1, 1), good = story_peer(2, 1);
	struct policy_rules *rules = policy_rules_new(true);
	const char *why;

	allocate();
	assert_int_equal(rig_bind(&c, 0x4000, &bad), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &good), 0);
	assert_true(policy_rules_add(rules, POLICY_DENY, "93.184.216.1", &why));
	reload(rules);
	assert_int_equal(from(&bad), TURND_NOTHING);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("x")), TURND_NOTHING);
	assert_int_equal(rig_channel(&c, 0x4001, BYTES("x")), TURND_TO_PEER);
	assert_int_equal(rig_permit(&c, &bad), 403);
}

/* The permission stays, since it is for an address; the port is judged from then on. */
static void a_reload_that_puts_turnd_to_a_peers_address_shuts_its_port(void **state)
{
	struct addr own = story_peer(1, 3478), beside = story_peer(1, 3479);
	struct policy_rules *rules = policy_rules_new(true);
	const char *why;

	allocate();
	assert_int_equal(rig_permit(&c, &own), 0);
	assert_int_equal(rig_send(&c, &own, BYTES("x")), TURND_TO_PEER);
	assert_int_equal(from(&own), TURND_TO_CLIENT);
	assert_true(policy_rules_add_own(rules, &own, &why));
	reload(rules);
	assert_int_equal(rig_send(&c, &own, BYTES("x")), TURND_NOTHING);
	assert_int_equal(from(&own), TURND_NOTHING);
	assert_int_equal(rig_send(&c, &beside, BYTES("x")), TURND_TO_PEER);
	assert_int_equal(from(&beside), TURND_TO_CLIENT);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, one_begin, one_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(several_peers_are_permitted_at_once),
		STORY(one_bad_peer_refuses_them_all),
		STORY(no_peer_and_a_broken_peer_are_400),
		STORY(too_many_permissions_are_508),
		STORY(without_an_allocation_it_is_437),
		STORY(another_user_is_441),
		STORY(a_relay_address_is_permitted_and_its_ports_are_judged),
		STORY(channel_numbers_have_their_range),
		STORY(a_channel_needs_number_and_peer),
		STORY(a_channel_stays_with_its_peer),
		STORY(channels_live_twice_as_long_as_permissions),
		STORY(bad_peers_get_no_channel),
		STORY(too_many_channels_are_508),
		STORY(tcp_allocations_have_no_channels),
		STORY(a_reload_that_denies_a_peer_takes_its_permission),
		STORY(a_reload_that_puts_turnd_to_a_peers_address_shuts_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
