/*
 * What RFC 8489 and RFC 8656 demand of turnd and no other test looks at; doc/conformance.md has
 * the whole list.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turn_story.h"
#include "turnd_kit.h"
#include "turnd/nonce.h"

static struct addr client_v6(void)
{
	return (struct addr){ .family = ADDR_IPV6,
			      .port = 4000,
			      .ip = { 0x26, 0x06, 0x47, 0, [15] = 1 } };
}

/* RFC 8489, section 11 */
static void classic_requests_over_dtls_are_500(void **state)
{
	uint8_t asked[] = "\x00\x01\x00\x00sechzehn bytes!!";
	struct bytes classic = bytes_of(asked, sizeof(asked) - 1);
	struct stun_error error = { 0 };
	struct bytes value;

	start();
	c.tuple.transport = STUN_DTLS;
	r.snapshot.stun.rfc3489 = true; /* for UDP alone */
	for (uint8_t method = STUN_BINDING; method <= TURN_CHANNEL_BIND; method++) {
		asked[1] = method;
		assert_int_equal(rig_give(&c, classic), TURND_TO_CLIENT);
		assert_int_equal(r.answer.class, STUN_ERROR);
		assert_int_equal(r.answer.method, method);
		assert_memory_equal(r.out.data.data + 4, asked + 4, 16);
		assert_true(rig_find(&r, STUN_ATTR_ERROR_CODE, &value));
		assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
		assert_int_equal(error.code, 500);
		asked[1] = method | 0x10; /* an indication */
		assert_int_equal(rig_give(&c, classic), TURND_NOTHING);
	}
	asked[1] = TURN_ALLOCATE;
	c.tuple.transport = STUN_UDP;
	assert_int_equal(rig_give(&c, classic), TURND_NOTHING);
}

static uint16_t allocate(struct story_allocate how)
{
	uint16_t code = story_allocate(&c, &how);

	if (code == 0) {
		rig_refresh(&c, 0);
		story_go(&c, 1);
	}
	return code;
}

static void is_refused_as_unknown(struct story_allocate how)
{
	struct bytes value;
	uint16_t types[2];
	size_t count;

	assert_int_equal(allocate(how), 420);
	assert_true(c.is_signed);
	assert_true(rig_find(&r, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
	assert_int_equal(stun_attr_get_types(value, types, ARRAY_LEN(types), &count), STUN_OK);
	assert_int_equal(count, 1);
	assert_int_equal(types[0], STUN_ATTR_DONT_FRAGMENT);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	how.dont_fragment = false;
	assert_int_equal(allocate(how), 0);
}

/* RFC 8656, section 3.7: a UDP socket does not tell DF of what it receives. */
static void dont_fragment_is_refused_where_df_would_be_lost(void **state)
{
	static const struct story_allocate kept = { .dont_fragment = true };
	static const struct story_allocate lost = { .dont_fragment = true, .family = ADDR_IPV6 };
	static const struct story_allocate half = { .dont_fragment = true,
						    .additional = ADDR_IPV6 };

	start();
	is_refused_as_unknown(lost);
	is_refused_as_unknown(half);
	assert_int_equal(allocate(kept), 0);
	c.tuple.transport = STUN_TCP; /* has no DF: the attribute decides alone */
	c.link = &c;
	assert_int_equal(allocate(lost), 0);
	c.tuple.transport = STUN_UDP;
	c.link = NULL;
	c.tuple.client = client_v6();
	c.challenged = false;
	assert_int_equal(allocate(lost), 0); /* nothing is translated from IPv4 */
	assert_int_equal(allocate(kept), 0);
}

/* The same for a port that was reserved, of which the request does not say the family. */
static void dont_fragment_is_refused_for_a_reserved_port_too(void **state)
{
	struct ports_token token;
	struct story_allocate how = { .family = ADDR_IPV6, .even_port = true, .reserve = true };

	start();
	assert_int_equal(story_allocate(&c, &how), 0);
	assert_true(story_token(&r, &token));
	story_go(&c, 1);
	how = (struct story_allocate){ .token = &token, .dont_fragment = true };
	assert_int_equal(story_allocate(&c, &how), 420);
	assert_int_equal(turnd_count(r.worker[0].turnd), 1);
}

/* RFC 8656, section 7.2, check 8: only a reservation does not go with two families. */
static void an_even_port_goes_with_both_families(void **state)
{
	struct story_allocate how = { .even_port = true, .additional = ADDR_IPV6 };

	start();
	assert_int_equal(story_allocate(&c, &how), 0);
	assert_int_equal(c.relayed[0].port % 2, 0);
	assert_int_equal(c.relayed[1].family, ADDR_IPV6);
	assert_int_equal(c.relayed[1].port % 2, 0);
	story_go(&c, 1);
	how.reserve = true;
	assert_int_equal(story_allocate(&c, &how), 400);
}

/* Nor does a token say a family, so that nobody asks for the one that is not here. */
static void a_reserved_port_has_its_own_family(void **state)
{
	struct story_allocate how = { .family = ADDR_IPV6, .even_port = true, .reserve = true };
	struct ports_token token;

	r.relays[0] = r.relays[1]; /* IPv6 only */
	r.snapshot.relay_count = 1;
	start();
	assert_int_equal(story_allocate(&c, &how), 0);
	assert_true(story_token(&r, &token));
	story_go(&c, 1);
	how = (struct story_allocate){ .token = &token };
	assert_int_equal(story_allocate(&c, &how), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV6);
}

/* RFC 8656, section 7.2, check 9: 440 is for what will not be there later either. */
static void neither_of_two_families_is_508_where_one_might_be_had_later(void **state)
{
	struct story_allocate both = { .additional = ADDR_IPV6 };
	struct story_allocate six = { .family = ADDR_IPV6 };

	r.relays[0] = r.relays[1]; /* IPv6 only */
	r.snapshot.relay_count = 1;
	r.low = 50000;
	r.high = 50001;
	start();
	for (int i = 0; i < 2; i++, story_go(&c, 1))
		assert_int_equal(story_allocate(&c, &six), 0);
	assert_int_equal(story_allocate(&c, &both), 508);
	assert_int_equal(turnd_count(r.worker[0].turnd), 2);
}

static void neither_of_two_families_is_440_where_there_is_none(void **state)
{
	r.snapshot.relay_count = 0;
	start();
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .additional = ADDR_IPV6 }),
			 440);
	assert_true(c.is_signed);
}

/* RFC 8656, section 21.4 */
static void who_comes_through_a_tunnel_gets_neither_relay_nor_channel(void **state)
{
	static const struct addr tunneled[] = {
		{ .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 0x02, 91, 80, 1, 1 } },
		{ .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 0x01, 0, 0, 91, 80, 1, 1 } },
	};
	struct addr peer = rig_peer();

	start();
	for (size_t i = 0; i < ARRAY_LEN(tunneled); i++) {
		c.tuple.client = tunneled[i];
		c.challenged = false;
		assert_int_equal(rig_allocate(&c), 403);
		assert_true(c.is_signed);
		(void)rig_request(&c, STUN_BINDING);
		assert_int_equal(rig_give(&c, bytes_of(c.request, STUN_HEADER_LEN)),
				 TURND_TO_CLIENT);
	}
	c.tuple.client = client_v6();
	c.challenged = false;
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(tunneled); i++) {
		story_go(&c, 1);
		assert_int_equal(
			story_allocate(&c, &(struct story_allocate){ .family = ADDR_IPV6 }), 0);
		assert_int_equal(rig_bind(&c, 0x4001, &tunneled[i]), 403);
		assert_int_equal(rig_permit(&c, &tunneled[i]), 403);
	}
	assert_int_equal(rig_bind(&c, 0x4001, &peer), 443);
}

/* Whoever moves into a tunnel keeps what there is, and gets no more channels. */
static void who_moves_into_a_tunnel_gets_no_channel(void **state)
{
	struct story_ticket ticket;
	struct addr peer = rig_peer();

	r.snapshot.mobility = true;
	start();
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	c.tuple.client = (struct addr){ .family = ADDR_IPV6,
					.port = 4000,
					.ip = { 0x20, 0x02, 91, 80, 1, 1 } };
	c.challenged = false;
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(story_move(&c, &ticket, 600), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &peer), 403);
	assert_true(c.is_signed);
	assert_int_equal(rig_permit(&c, &peer), 0);
	assert_int_equal(rig_refresh(&c, 600), 0);
}

/* Other addresses with an IPv4 address inside are no tunnels. */
static void a_translator_is_no_tunnel(void **state)
{
	static const struct addr translated[] = {
		{ .family = ADDR_IPV6,
		  .port = 4000,
		  .ip = { 0, 0x64, 0xff, 0x9b, [12] = 91, 80, 1, 1 } },
		{ .family = ADDR_IPV6, .port = 4000, .ip = { [10] = 0xff, 0xff, 91, 80, 1, 1 } },
		{ .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 0x01, 0, 1, [15] = 1 } },
		{ .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 0x03, [15] = 1 } },
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(translated); i++) {
		c.tuple.client = translated[i];
		c.challenged = false;
		assert_int_equal(rig_allocate(&c), 0);
	}
}

/* What a request of the table below says, and what is wrong with it. */
struct faulty {
	const char *why;
	bool has_integrity, has_realm, has_choice, has_list, has_user, is_right, is_fresh;
	uint16_t expected;
};

static void put_faulty(const struct faulty *f)
{
	static const uint8_t list[] = { 0, 2, 0, 0, 0, 1, 0, 0 };
	struct stun_builder *b = &c.b;

	rig_prepare(&c, TURN_REFRESH);
	assert_true(stun_key_long_term(&c.key, STUN_PASSWORD_SHA256, c.user,
				       bytes_of(c.realm, c.realm_len),
				       f->is_right ? c.password : BYTES("wrong")));
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, f->has_user ? c.user : BYTES("nobody"));
	if (f->has_realm)
		(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, bytes_of(c.realm, c.realm_len));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
	if (f->has_list)
		memcpy(stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHMS, sizeof(list)), list,
		       sizeof(list));
	if (f->has_choice)
		memcpy(stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHM, 4), list, 4);
	memset(stun_build_attr(b, 0x7777, 4), 0, 4); /* 420, once all else is right */
	if (f->has_integrity)
		(void)stun_auth_put_sha256(b, &c.key, STUN_SHA256_FULL);
}

/* RFC 8489, section 9.2.4: each request has all faults that come after the one it is about. */
static void checks_come_in_the_order_of_the_rfc(void **state)
{
	static const struct faulty cases[] = {
		{ "no integrity", false, false, false, true, false, false, false, 401 },
		{ "no realm", true, false, false, true, false, false, false, 400 },
		{ "no choice", true, true, false, true, false, false, false, 400 },
		{ "no such user", true, true, true, true, false, false, false, 401 },
		{ "wrong password", true, true, true, true, true, false, false, 401 },
		{ "stale nonce", true, true, true, true, true, true, false, 438 },
		{ "unknown attribute", true, true, true, true, true, true, true, 420 },
	};

	start();
	assert_int_equal(rig_challenge(&c), 401);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint16_t code;

		if (cases[i].is_fresh)
			assert_int_equal(rig_challenge(&c), 401);
		else
			r.now.wall_s += 3600;
		put_faulty(&cases[i]);
		code = rig_send_request(&c);
		if (code != cases[i].expected)
			fail_msg("%s: %d", cases[i].why, code);
		assert_int_equal(c.is_signed, cases[i].is_right);
	}
}

/* An answer, whatever it says, to a request that named an algorithm or not. */
static void check_signature(bool by_sha256, uint16_t code)
{
	static const uint16_t never[] = { STUN_ATTR_USERNAME, STUN_ATTR_USERHASH };

	if (!c.is_signed)
		fail_msg("%d is not signed", code);
	assert_int_equal(has(STUN_ATTR_MESSAGE_INTEGRITY_SHA256), by_sha256);
	assert_int_equal(has(STUN_ATTR_MESSAGE_INTEGRITY), !by_sha256);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_false(has(never[i]));
	assert_int_equal(has(STUN_ATTR_REALM) || has(STUN_ATTR_NONCE), code == 438);
}

/* RFC 8489, section 9.2.4, at its end */
static void answers_are_signed_as_the_request_was_understood(void **state)
{
	start();
	for (int i = 0; i < 2; i++) {
		bool by_sha256 = i == 1;

		story_go(&c, 1);
		c.sha256 = by_sha256;
		assert_int_equal(rig_allocate(&c), 0);
		check_signature(by_sha256, 0);
		assert_int_equal(rig_allocate(&c), 437);
		check_signature(by_sha256, 437);
		rig_prepare(&c, TURN_CREATE_PERMISSION);
		memset(stun_build_attr(&c.b, 0x7777, 4), 0, 4);
		assert_int_equal(rig_ask(&c), 420);
		check_signature(by_sha256, 420);
		r.now.wall_s += 3600;
		assert_int_equal(rig_refresh(&c, 600), 438);
		check_signature(by_sha256, 438);
	}
	/* SHA-256 alone, and nothing named: understood as MD5. */
	story_go(&c, 1);
	c.sha256 = false;
	assert_int_equal(rig_challenge(&c), 401);
	rig_prepare(&c, TURN_ALLOCATE);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_USERNAME, c.user);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_REALM, bytes_of(c.realm, c.realm_len));
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
	assert_true(stun_key_long_term(&c.key, STUN_PASSWORD_MD5, c.user,
				       bytes_of(c.realm, c.realm_len), c.password));
	(void)stun_auth_put_sha256(&c.b, &c.key, STUN_SHA256_FULL);
	assert_int_equal(rig_send_request(&c), 0);
	check_signature(false, 0);
}

static void who_fails_a_check_gets_no_signature_and_no_name(void **state)
{
	static const struct {
		struct bytes user, password;
	} cases[] = {
		{ BYTES("nobody"), BYTES("open sesame") },
		{ BYTES("alice"), BYTES("wrong") },
	};

	start();
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		c.sha256 = i >= ARRAY_LEN(cases);
		assert_int_equal(rig_challenge(&c), 401);
		rig_become(&c, cases[i % 2].user, cases[i % 2].password);
		assert_int_equal(rig_allocate(&c), 401);
		assert_false(has(STUN_ATTR_MESSAGE_INTEGRITY));
		assert_false(has(STUN_ATTR_MESSAGE_INTEGRITY_SHA256));
		assert_false(has(STUN_ATTR_USERNAME));
		assert_false(has(STUN_ATTR_USERHASH));
		assert_true(has(STUN_ATTR_NONCE));
		assert_true(has(STUN_ATTR_REALM));
		assert_true(has(STUN_ATTR_PASSWORD_ALGORITHMS));
	}
}

/* RFC 8489, section 9.2.4: what 401 and 438 hand out is taken. */
static void the_nonce_that_a_438_gives_is_valid(void **state)
{
	start();
	assert_int_equal(rig_allocate(&c), 0);
	r.now.wall_s += 3600;
	assert_int_equal(rig_refresh(&c, 600), 438);
	rig_learn(&c);
	assert_int_equal(rig_refresh(&c, 600), 0);
}

/* RFC 8656, section 6 */
static void every_relayed_address_is_another(void **state)
{
	struct addr seen[60];

	start();
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		assert_int_equal(rig_allocate(&c), 0);
		seen[i] = c.relayed[0];
		for (size_t k = 0; k < i; k++)
			assert_false(addr_equal(&seen[i], &seen[k]));
		story_go(&c, 1);
	}
}

/* RFC 8489, section 14: what pads an attribute counts for nothing, but for the integrity. */
static void padding_of_any_bytes_is_ignored(void **state)
{
	struct stun_builder *b;
	uint8_t *software;

	start();
	assert_int_equal(rig_challenge(&c), 401);
	b = rig_request(&c, TURN_ALLOCATE);
	software = stun_build_attr(b, STUN_ATTR_SOFTWARE, 5);
	memcpy(software, "odd\xc3\xa9\xff\xff\xff", 8);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	assert_int_equal(rig_ask(&c), 0);
}

/* Signs with any key, which is not what this is about. */
static void put_claim(struct bytes name, struct bytes choice)
{
	static const uint8_t list[] = { 0, 2, 0, 0, 0, 1, 0, 0 };

	rig_prepare(&c, TURN_ALLOCATE);
	/* Longer than what we would write ourselves. */
	memcpy(stun_build_attr(&c.b, STUN_ATTR_USERNAME, name.len), name.data, name.len);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_REALM, bytes_of(c.realm, c.realm_len));
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
	memcpy(stun_build_attr(&c.b, STUN_ATTR_PASSWORD_ALGORITHMS, sizeof(list)), list,
	       sizeof(list));
	memcpy(stun_build_attr(&c.b, STUN_ATTR_PASSWORD_ALGORITHM, choice.len), choice.data,
	       choice.len);
	(void)stun_auth_put_sha256(&c.b, &c.key, STUN_SHA256_FULL);
}

/* RFC 8489, section 14.3: nobody has such a name, but it is no bad request. */
static void a_name_of_763_bytes_is_read(void **state)
{
	uint8_t name[763];

	memset(name, 'n', sizeof(name));
	start();
	assert_int_equal(rig_challenge(&c), 401);
	stun_key_make(&c.key, BYTES("any"));
	put_claim(bytes_of(name, sizeof(name)), BYTES("\0\2\0\0"));
	assert_int_equal(rig_send_request(&c), 401);
}

/* RFC 8489, section 14.12 */
static void padding_of_an_algorithm_is_ignored(void **state)
{
	static const struct {
		struct bytes choice;
		uint16_t expected;
	} cases[] = {
		{ BYTES("\0\2\0\0"), 0 },
		{ BYTES("\0\2\0\1pxyz"), 400 },    /* with parameters, which were not offered */
		{ BYTES("\0\2\0\5pxyzpxy"), 400 }, /* and cut */
	};
	struct stun_algorithm read;

	start();
	assert_int_equal(rig_challenge(&c), 401);
	assert_true(stun_key_long_term(&c.key, STUN_PASSWORD_SHA256, c.user,
				       bytes_of(c.realm, c.realm_len), c.password));
	for (size_t i = ARRAY_LEN(cases); i-- > 0;) {
		put_claim(c.user, cases[i].choice);
		assert_int_equal(rig_send_request(&c), cases[i].expected);
	}
	assert_int_equal(stun_attr_get_algorithm(BYTES("\0\2\0\1pxyz"), &read), STUN_OK);
	assert_true(bytes_equal(read.params, BYTES("p")));
	assert_int_equal(stun_attr_get_algorithm(BYTES("\0\2\0\1p\0\0\0"), &read), STUN_OK);
	assert_true(bytes_equal(read.params, BYTES("p")));
}

static void algorithms_are_padded_with_zeros(void **state)
{
	static const struct stun_algorithm with_params = { .number = 3, .params = BYTES("p") };
	const struct stun_algorithm list[] = { with_params, { .number = STUN_PASSWORD_MD5 } };
	struct bytes value;
	struct stun_msg msg;

	start();
	memset(c.request, 0xff, sizeof(c.request));
	(void)stun_attr_put_algorithm(rig_request(&c, TURN_ALLOCATE), &with_params);
	(void)stun_attr_put_algorithms(&c.b, list, ARRAY_LEN(list));
	assert_int_equal(stun_build_finish(&c.b, &value), STUN_OK);
	assert_int_equal(stun_msg_parse(value, &msg), STUN_OK);
	assert_true(stun_msg_find(&msg, STUN_ATTR_PASSWORD_ALGORITHM, &value));
	assert_memory_equal(value.data, "\0\3\0\1p\0\0\0", 8);
	assert_true(stun_msg_find(&msg, STUN_ATTR_PASSWORD_ALGORITHMS, &value));
	assert_int_equal(value.len, 12);
	assert_memory_equal(value.data, "\0\3\0\1p\0\0\0\0\1\0\0", 12);
}

/* RFC 8656, sections 18.1, 18.6 and 18.8: what is reserved may hold anything. */
static void reserved_bits_of_requests_are_ignored(void **state)
{
	struct addr peer = rig_peer();
	struct stun_builder *b;

	start();
	assert_int_equal(rig_challenge(&c), 401);
	b = rig_request(&c, TURN_ALLOCATE);
	memcpy(stun_build_attr(b, STUN_ATTR_REQUESTED_TRANSPORT, 4), "\x11\xff\xff\xff", 4);
	memcpy(stun_build_attr(b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, 4), "\x02\xff\xff\xff", 4);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(story_alloc_of(&c)->flow.ends[0].relayed.family, ADDR_IPV6);
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 0);
	b = rig_request(&c, TURN_CHANNEL_BIND);
	memcpy(stun_build_attr(b, STUN_ATTR_CHANNEL_NUMBER, 4), "\x40\x01\xff\xff", 4);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(rig_channel(&c, 0x4001, BYTES("x")), TURND_TO_PEER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(classic_requests_over_dtls_are_500),
		TEST(dont_fragment_is_refused_where_df_would_be_lost),
		TEST(dont_fragment_is_refused_for_a_reserved_port_too),
		TEST(an_even_port_goes_with_both_families),
		TEST(a_reserved_port_has_its_own_family),
		TEST(neither_of_two_families_is_508_where_one_might_be_had_later),
		TEST(neither_of_two_families_is_440_where_there_is_none),
		TEST(who_comes_through_a_tunnel_gets_neither_relay_nor_channel),
		TEST(who_moves_into_a_tunnel_gets_no_channel),
		TEST(a_translator_is_no_tunnel),
		TEST(checks_come_in_the_order_of_the_rfc),
		TEST(answers_are_signed_as_the_request_was_understood),
		TEST(who_fails_a_check_gets_no_signature_and_no_name),
		TEST(the_nonce_that_a_438_gives_is_valid),
		TEST(every_relayed_address_is_another),
		TEST(padding_of_any_bytes_is_ignored),
		TEST(a_name_of_763_bytes_is_read),
		TEST(padding_of_an_algorithm_is_ignored),
		TEST(algorithms_are_padded_with_zeros),
		TEST(reserved_bits_of_requests_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
