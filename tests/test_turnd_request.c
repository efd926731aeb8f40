/* What turnd does with a message of a client before a method sees it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd/request.h"
#include "turnd_kit.h"

static struct bytes reason(void)
{
	struct stun_error error = { 0 };
	struct bytes value;

	assert_true(rig_find(&r, STUN_ATTR_ERROR_CODE, &value));
	assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
	return error.reason;
}

static void a_realm_without_users_relays_nothing(void **state)
{
	static const uint16_t asked[] = { TURN_ALLOCATE, TURN_REFRESH, TURN_CREATE_PERMISSION,
					  TURN_CHANNEL_BIND };

	r.realms[0].users = NULL;
	start();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		(void)rig_request(&c, asked[i]);
		assert_int_equal(rig_ask(&c), 403);
		assert_int_equal(r.out.data.len, 28);
	}
	assert_int_equal(rig_allocate(&c), 403);
	assert_int_equal(r.opened, 0);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	c.realm_id = snapshot_realm_id(RIG_OTHER);
	c.password = BYTES("close sesame");
	assert_int_equal(rig_allocate(&c), 0);
	c.realm_id = 12345; /* there is no such realm any more */
	assert_int_equal(rig_refresh(&c, 600), 403);
}

static void a_realm_of_tokens_alone_relays(void **state)
{
	static const uint8_t key[USERS_KEY_LEN] = "a key";
	struct token_keys *tokens = token_keys_new(BYTES("turn.example"));
	struct users *nobody;
	uint32_t line;

	assert_int_equal(users_new(RIG_REALM, key, &nobody), USERS_OK);
	assert_int_equal(users_finish(nobody, &line), USERS_OK);
	r.realms[0].users = nobody;
	start();
	assert_int_equal(rig_challenge(&c), 403);
	r.realms[0].tokens = tokens;
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 401); /* Alice is not among them */
	r.realms[0].tokens = NULL;
	token_keys_free(tokens);
	users_free(nobody);
}

static void unknown_attributes_are_named_to_who_is_known(void **state)
{
	static const uint16_t expected[] = { 0x7777, STUN_ATTR_CHANGE_REQUEST };
	struct stun_builder *b;
	struct bytes value;
	uint16_t types[4];
	size_t count;

	start();
	b = rig_request(&c, TURN_ALLOCATE);
	(void)stun_build_attr(b, 0x7777, 0);
	assert_int_equal(rig_ask(&c), 401);
	assert_int_equal(rig_challenge(&c), 401);
	b = rig_request(&c, TURN_ALLOCATE);
	memset(stun_build_attr(b, 0x7777, 4), 0, 4);
	memset(stun_build_attr(b, 0xf777, 4), 0, 4); /* may be ignored */
	memset(stun_build_attr(b, STUN_ATTR_CHANGE_REQUEST, 4), 0, 4);
	memset(stun_build_attr(b, 0x7777, 4), 0, 4);
	assert_int_equal(rig_ask(&c), 420);
	assert_true(c.is_signed);
	assert_true(rig_find(&r, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
	assert_int_equal(stun_attr_get_types(value, types, ARRAY_LEN(types), &count), STUN_OK);
	assert_int_equal(count, ARRAY_LEN(expected));
	assert_memory_equal(types, expected, sizeof(expected));
}

static void attributes_that_do_not_read_are_400(void **state)
{
	static const struct {
		uint16_t type;
		size_t len;
	} cases[] = {
		{ STUN_ATTR_LIFETIME, 3 },
		{ STUN_ATTR_LIFETIME, 8 },
		{ STUN_ATTR_CHANNEL_NUMBER, 2 },
		{ STUN_ATTR_XOR_PEER_ADDRESS, 0 },
		{ STUN_ATTR_XOR_PEER_ADDRESS, 8 }, /* of family 0 */
		{ STUN_ATTR_REQUESTED_TRANSPORT, 1 },
		{ STUN_ATTR_REQUESTED_ADDRESS_FAMILY, 8 },
		{ STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, 0 },
		{ STUN_ATTR_EVEN_PORT, 0 },
		{ STUN_ATTR_EVEN_PORT, 4 },
		{ STUN_ATTR_DONT_FRAGMENT, 1 },
		{ STUN_ATTR_RESERVATION_TOKEN, 7 },
		{ STUN_ATTR_RESERVATION_TOKEN, 9 },
		{ STUN_ATTR_CONNECTION_ID, 2 },
	};

	start();
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_builder *b = rig_request(&c, TURN_REFRESH);
		uint8_t *value = stun_build_attr(b, cases[i].type, cases[i].len);
		uint16_t code;

		memset(value, 0, cases[i].len);
		code = rig_ask(&c);
		if (code != 400 || !c.is_signed)
			fail_msg("%s of %zu bytes: %d", stun_attr_name(cases[i].type), cases[i].len,
				 code);
	}
	assert_int_equal(turnd_count(r.worker[0].turnd), 1);
}

static void more_peers_than_a_request_may_name_are_508(void **state)
{
	struct addr peer = addr_ipv4(91, 80, 9, 1, 7000);
	struct stun_builder *b;

	start();
	assert_int_equal(rig_allocate(&c), 0);
	for (int most = REQUEST_PEERS_MAX; most <= REQUEST_PEERS_MAX + 1; most++) {
		b = rig_request(&c, TURN_CREATE_PERMISSION);
		for (int i = 0; i < most; i++) {
			peer.ip[3] = (uint8_t)i;
			(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		}
		assert_int_equal(rig_ask(&c), most <= REQUEST_PEERS_MAX ? 0 : 508);
	}
}

static void of_duplicates_the_first_one_counts(void **state)
{
	struct stun_builder *b;

	start();
	assert_int_equal(rig_allocate(&c), 0);
	b = rig_request(&c, TURN_REFRESH);
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, 900);
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, 0);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(turnd_count(r.worker[0].turnd), 1);
}

static void without_an_allocation_there_is_nothing_to_ask_for(void **state)
{
	struct addr peer = addr_ipv4(91, 80, 9, 1, 7000);

	start();
	assert_int_equal(rig_refresh(&c, 600), 437);
	assert_true(c.is_signed);
	assert_int_equal(rig_permit(&c, &peer), 437);
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 437);
	assert_int_equal(rig_refresh(&c, 0), 437);
	assert_int_equal(refused(437), 4);
	assert_int_equal(counter_read(&stats()->requests[STATS_REFRESH]), 2);

	/* A ticket leads a Refresh elsewhere, and nothing else. */
	r.snapshot.mobility = true;
	(void)stun_attr_put_bytes(rig_request(&c, TURN_CREATE_PERMISSION),
				  STUN_ATTR_MOBILITY_TICKET, BYTES("ticket"));
	(void)stun_attr_put_xor_addr(&c.b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	assert_int_equal(rig_ask(&c), 437);
	(void)stun_attr_put_bytes(rig_request(&c, TURN_REFRESH), STUN_ATTR_MOBILITY_TICKET,
				  BYTES("ticket"));
	assert_int_equal(rig_ask(&c), 400);
}

/* What another worker gave comes with the same request once more. */
static void a_request_counts_once(void **state)
{
	struct turnd_gift none = { .kind = TURND_ASK_PORT, .code = 508 };

	start();
	assert_int_equal(rig_allocate(&c), 0);
	c.gift = &none;
	assert_int_equal(rig_refresh(&c, 600), 0);
	assert_int_equal(counter_read(&stats()->requests[STATS_REFRESH]), 0);
	assert_int_equal(counter_read(&stats()->successes[STATS_REFRESH]), 1);
}

/* A bare header is answered with no more than 3.6 times its length; and leads to the rest. */
static void a_bare_header_gets_a_short_answer(void **state)
{
	start();
	(void)rig_request(&c, TURN_ALLOCATE);
	assert_int_equal(built().len, 20);
	assert_int_equal(rig_ask(&c), 401);
	assert_in_range(r.out.data.len, 20, 72);
	assert_true(has(STUN_ATTR_REALM) && has(STUN_ATTR_NONCE));
	assert_false(has(STUN_ATTR_PASSWORD_ALGORITHMS));
	rig_learn(&c);
	assert_int_equal(rig_allocate(&c), 438);
	assert_true(c.is_signed);
	assert_true(has(STUN_ATTR_PASSWORD_ALGORITHMS));
	rig_learn(&c);
	c.sha256 = true;
	assert_int_equal(rig_allocate(&c), 0);

	over(STUN_TCP);
	(void)rig_request(&c, TURN_ALLOCATE);
	c.challenged = false;
	assert_int_equal(rig_ask(&c), 401);
	assert_true(has(STUN_ATTR_PASSWORD_ALGORITHMS));
}

static void an_answer_to_a_stranger_is_short(void **state)
{
	r.snapshot.stun.software = NULL;
	start();
	(void)stun_attr_put_u8(rig_request(&c, TURN_ALLOCATE), STUN_ATTR_REQUESTED_TRANSPORT, 17);
	assert_int_equal(built().len, 28);
	assert_int_equal(rig_ask(&c), 401);
	assert_int_equal(reason().len, 0);
	assert_true(r.out.data.len <= 108);
	rig_learn(&c);

	/* Who signs wrongly, or with what is no nonce, has sent more than he gets. */
	c.password = BYTES("wrong");
	(void)rig_request(&c, TURN_ALLOCATE);
	assert_int_equal(rig_ask(&c), 401);
	assert_true(r.out.data.len < built().len);
	c.password = BYTES("open sesame");
	c.nonce_len = 40;
	(void)rig_request(&c, TURN_ALLOCATE);
	assert_int_equal(rig_ask(&c), 438);

	(void)stun_attr_put_bytes(rig_request(&c, TURN_ALLOCATE), STUN_ATTR_NONCE, BYTES("x"));
	(void)stun_auth_put_integrity(&c.b, &c.key);
	assert_int_equal(rig_send_request(&c), 400);
	assert_int_equal(r.out.data.len, 28);
}

static void a_reason_stands_where_nobody_can_be_hit_by_it(void **state)
{
	static const uint8_t transports[] = { STUN_TCP, STUN_TLS, STUN_DTLS };

	start();
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		over(transports[i]);
		assert_int_equal(rig_challenge(&c), 401);
		assert_true(bytes_equal(reason(), bytes_of_str(stun_error_reason(401))));
	}
	over(STUN_UDP);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_refresh(&c, 600), 437); /* a known user */
	assert_true(bytes_equal(reason(), bytes_of_str(stun_error_reason(437))));
}

static void errors_to_strangers_have_a_budget_and_users_need_none(void **state)
{
	struct rig_client other;

	r.snapshot.error_rate = 1;
	r.snapshot.error_burst = 5;
	start();
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_challenge(&c), 401);
	c.password = BYTES("wrong");
	assert_int_equal(rig_allocate(&c), 401);
	assert_int_equal(rig_allocate(&c), RIG_NOTHING);
	assert_int_equal(rig_challenge(&c), RIG_NOTHING);
	(void)rig_request(&c, TURN_REFRESH); /* as a stranger, with half of the credentials */
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_USERNAME, BYTES("alice"));
	(void)stun_auth_put_integrity(&c.b, &c.key);
	assert_int_equal(rig_send_request(&c), RIG_NOTHING);
	assert_int_equal(dropped(STATS_DROP_LIMITED), 3);

	/* The same source with the right password, its errors included. */
	c.challenged = true;
	c.password = BYTES("open sesame");
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 437);
	assert_true(c.is_signed);
	(void)rig_request(&c, STUN_BINDING);
	assert_int_equal(rig_send_request(&c), 0);

	/* Another source; and this one, a second later. */
	rig_client(&other, &r, 4000);
	other.tuple.client = addr_ipv4(91, 80, 1, 2, 4000);
	assert_int_equal(rig_challenge(&other), 401);
	rig_pass(&r, 1000);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_challenge(&c), RIG_NOTHING);
}

/* How many of ten guesses at a name are answered, each from an address of its own. */
static int answered_guesses(struct bytes user, bool by_hash)
{
	static uint8_t host;
	int answered = 0;

	for (int i = 0; i < 10; i++) {
		struct rig_client guesser;

		rig_client(&guesser, &r, 4000);
		guesser.tuple.client = addr_ipv4(91, 81, 0, ++host, 4000);
		guesser.user = user;
		guesser.password = BYTES("wrong");
		guesser.userhash = by_hash;
		assert_int_equal(rig_challenge(&guesser), 401);
		if (rig_allocate(&guesser) == 401)
			answered++;
	}
	return answered;
}

static void guesses_at_a_name_have_a_budget_wherever_they_come_from(void **state)
{
	r.snapshot.error_rate = 1;
	r.snapshot.error_burst = 5;
	start();
	assert_int_equal(answered_guesses(BYTES("alice"), false), 5);
	assert_int_equal(answered_guesses(BYTES("alice"), true), 0); /* by any of her names */
	/* Nobody has this one, and nobody learns that from the budget. */
	assert_int_equal(answered_guesses(BYTES("mallory"), true), 5);
	assert_int_equal(answered_guesses(BYTES("mallory"), false), 0);
	assert_int_equal(answered_guesses(BYTES("bob"), false), 5);

	/* The right password is not locked out, nor are its errors. */
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 437);
	rig_pass(&r, 2000);
	assert_int_equal(answered_guesses(BYTES("alice"), false), 2);
}

static void clients_are_sent_to_an_alternate_of_their_kind(void **state)
{
	struct snapshot_alternate list[3] = {
		{ .addr = addr_ipv4(91, 80, 7, 7, 3478), .transport = STUN_UDP },
		{ .addr = addr_ipv4(91, 80, 7, 8, 5349),
		  .transport = STUN_TLS,
		  .domain = "other.example" },
		{ .transport = STUN_UDP },
	};
	struct addr got;
	struct bytes value;

	assert_true(addr_parse_ip("2a01:4f8::99", 3478, &list[2].addr));
	start();
	assert_int_equal(rig_allocate(&c), 0);
	r.snapshot.alternates = list;
	r.snapshot.alternate_count = ARRAY_LEN(list);
	assert_int_equal(rig_refresh(&c, 600), 0); /* who is here stays */

	c.tuple.client.port++;
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 300);
	assert_true(c.is_signed);
	assert_true(rig_find(&r, STUN_ATTR_ALTERNATE_SERVER, &value));
	assert_int_equal(stun_attr_get_addr(value, &got), STUN_OK);
	assert_true(addr_equal(&got, &list[0].addr));
	assert_false(has(STUN_ATTR_ALTERNATE_DOMAIN));

	over(STUN_TLS);
	assert_int_equal(rig_allocate(&c), 300);
	assert_true(rig_find(&r, STUN_ATTR_ALTERNATE_DOMAIN, &value));
	assert_true(bytes_equal(value, BYTES("other.example")));
	over(STUN_TCP); /* there is none for that */
	assert_int_equal(rig_allocate(&c), 0);
	over(STUN_UDP);
	r.snapshot.alternates = &list[2]; /* and none for IPv4 */
	r.snapshot.alternate_count = 1;
	assert_int_equal(rig_allocate(&c), 0);
}

static void alternates_take_turns(void **state)
{
	struct snapshot_alternate list[] = {
		{ .addr = addr_ipv4(91, 80, 7, 7, 3478), .transport = STUN_UDP },
		{ .addr = addr_ipv4(91, 80, 7, 8, 3478), .transport = STUN_UDP },
		{ .addr = addr_ipv4(91, 80, 7, 9, 3478), .transport = STUN_UDP },
	};
	int seen[3] = { 0 };
	struct bytes value;
	struct addr got;

	r.snapshot.alternates = list;
	r.snapshot.alternate_count = ARRAY_LEN(list);
	start();
	for (int i = 0; i < 300; i++) {
		assert_int_equal(rig_allocate(&c), 300);
		assert_true(rig_find(&r, STUN_ATTR_ALTERNATE_SERVER, &value));
		assert_int_equal(stun_attr_get_addr(value, &got), STUN_OK);
		seen[got.ip[3] - 7]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_in_range(seen[i], 60, 140);
}

static void a_draining_server_takes_nobody_new(void **state)
{
	start();
	assert_int_equal(rig_allocate(&c), 0);
	r.snapshot.draining = true;
	assert_int_equal(rig_give(&c, built()), TURND_TO_CLIENT);
	assert_int_equal(r.answer.class, STUN_SUCCESS); /* it was sent once more */
	assert_int_equal(rig_refresh(&c, 600), 0);
	c.tuple.client.port++;
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 508);
	assert_true(c.is_signed);
	r.snapshot.draining = false;
	r.shared.drains = true; /* by the operator's word, which no reload changes */
	assert_int_equal(rig_allocate(&c), 508);
	assert_int_equal(turnd_count(r.worker[0].turnd), 1);
	r.shared.drains = false;
	assert_int_equal(rig_allocate(&c), 0);
}

static void software_is_named_where_it_is_set(void **state)
{
	struct bytes value;

	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_false(has(STUN_ATTR_SOFTWARE));
	r.snapshot.stun.software = "turnd 1";
	assert_int_equal(rig_refresh(&c, 600), 0);
	assert_true(rig_find(&r, STUN_ATTR_SOFTWARE, &value));
	assert_true(bytes_equal(value, BYTES("turnd 1")));
}

static void counters_tell_what_happened(void **state)
{
	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(counter_read(&stats()->requests[STATS_ALLOCATE]), 2);
	assert_int_equal(counter_read(&stats()->successes[STATS_ALLOCATE]), 1);
	assert_int_equal(refused(401), 1);
	assert_int_equal(counter_read(&stats()->allocations), 1);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(counter_read(&stats()->successes[STATS_REFRESH]), 1);
	assert_int_equal(counter_read(&stats()->allocations), 0);
	assert_int_equal(counter_read(&stats()->ended[STATS_END_REFRESH]), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_realm_without_users_relays_nothing),
		TEST(a_realm_of_tokens_alone_relays),
		TEST(unknown_attributes_are_named_to_who_is_known),
		TEST(attributes_that_do_not_read_are_400),
		TEST(more_peers_than_a_request_may_name_are_508),
		TEST(of_duplicates_the_first_one_counts),
		TEST(without_an_allocation_there_is_nothing_to_ask_for),
		TEST(a_request_counts_once),
		TEST(a_bare_header_gets_a_short_answer),
		TEST(an_answer_to_a_stranger_is_short),
		TEST(a_reason_stands_where_nobody_can_be_hit_by_it),
		TEST(errors_to_strangers_have_a_budget_and_users_need_none),
		TEST(guesses_at_a_name_have_a_budget_wherever_they_come_from),
		TEST(clients_are_sent_to_an_alternate_of_their_kind),
		TEST(alternates_take_turns),
		TEST(a_draining_server_takes_nobody_new),
		TEST(software_is_named_where_it_is_set),
		TEST(counters_tell_what_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
