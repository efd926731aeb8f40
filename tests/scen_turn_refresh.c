/* Stories of Refresh: lifetimes, deletion, one family of two, credentials and tokens that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_one.h"

static void dual(void)
{
	rig_start(&r);
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .additional = ADDR_IPV6 }),
			 0);
	assert_int_equal(r.open, 2);
}

static struct addr peer6(uint16_t port)
{
	struct addr a;

	assert_true(addr_parse_ip("2606:2800:220:1::7", port, &a));
	return a;
}

static void it_lives_as_long_as_it_is_refreshed(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	for (int i = 0; i < 5; i++) {
		rig_pass(&r, 599 * 1000);
		assert_int_equal(rig_refresh(&c, 600), 0);
		assert_int_equal(c.lifetime_s, 600);
	}
	rig_pass(&r, 600 * 1000 - 1);
	assert_int_equal(r.open, 1);
	rig_pass(&r, 1);
	assert_int_equal(r.open, 0);
	assert_int_equal(rig_refresh(&c, 600), 437);
	assert_true(c.is_signed);
}

static void lifetimes_have_the_bounds_of_allocate(void **state)
{
	static const struct {
		uint32_t asked, given;
	} cases[] = { { 1, 600 }, { 601, 601 }, { 3601, 3600 }, { UINT32_MAX, 3600 } };

	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(rig_refresh(&c, cases[i].asked), 0);
		assert_int_equal(c.lifetime_s, cases[i].given);
		assert_int_equal(story_alloc_of(&c)->until_ms - r.now.us / 1000,
				 cases[i].given * 1000);
	}
	/* Without LIFETIME it is the default; a longer one may get shorter. */
	(void)rig_request(&c, TURN_REFRESH);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(story_alloc_of(&c)->until_ms - r.now.us / 1000, 600 * 1000);
}

static void zero_deletes_at_once(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(c.lifetime_s, 0);
	assert_int_equal(r.open, 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	assert_int_equal(ports_count_free(r.ports[0]), 100);
	/* Sent again, as the RFC has it: for the client that is as good as a success. */
	assert_int_equal(story_repeat(&c), 437);
	assert_int_equal(rig_allocate(&c), 0); /* the 5-tuple is free */
	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->ended[STATS_END_REFRESH]),
			 1);
}

static void other_users_are_441(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	c.user = BYTES("bob");
	c.password = BYTES("swordfish");
	assert_int_equal(rig_refresh(&c, 0), 441);
	assert_true(c.is_signed);
	assert_int_equal(r.open, 1);
}

static void a_family_that_it_has_not_is_443(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(story_refresh_family(&c, 600, ADDR_IPV6), 443);
	assert_int_equal(story_refresh_family(&c, 0, ADDR_IPV6), 443);
	assert_int_equal(story_refresh_family(&c, 600, 7), 443);
	assert_int_equal(story_refresh_family(&c, 600, ADDR_NONE), 443);
	assert_int_equal(story_refresh_family(&c, 600, ADDR_IPV4), 0);
	assert_int_equal(story_refresh_family(&c, 0, ADDR_IPV4), 0);
	assert_int_equal(r.open, 0);
}

static void one_family_of_two_may_be_deleted(void **state)
{
	struct addr four = story_peer(7, 7), six = peer6(7);

	dual();
	assert_int_equal(rig_bind(&c, 0x4000, &four), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &six), 0);
	assert_int_equal(story_refresh_family(&c, 0, ADDR_IPV4), 0);
	assert_int_equal(r.open, 1);
	assert_null(rig_end_of(&r, &c.relayed[0]));
	assert_non_null(rig_end_of(&r, &c.relayed[1]));
	/* Its permissions and channels are gone; the other's are not touched. */
	assert_int_equal(peers_count_channels(&story_alloc_of(&c)->flow.peers, r.now.us / 1000), 1);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("lost")), TURND_NOTHING);
	assert_int_equal(rig_channel(&c, 0x4001, BYTES("there")), TURND_TO_PEER);
	assert_int_equal(rig_permit(&c, &four), 443);
	assert_int_equal(rig_permit(&c, &six), 0);
	assert_int_equal(story_refresh_family(&c, 600, ADDR_IPV4), 443);
	assert_int_equal(quota_alive(r.shared.quota), 1);
	assert_int_equal(story_refresh_family(&c, 0, ADDR_IPV6), 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
}

static void families_are_refreshed_apart(void **state)
{
	dual();
	rig_pass(&r, 500 * 1000);
	assert_int_equal(story_refresh_family(&c, 600, ADDR_IPV6), 0);
	rig_pass(&r, 100 * 1000);
	assert_int_equal(r.open, 1);
	assert_null(rig_end_of(&r, &c.relayed[0]));
	assert_int_equal(ports_count_free(r.ports[0]), 100);
	assert_int_equal(rig_refresh(&c, 600), 0); /* all that there is */
	rig_pass(&r, 599 * 1000);
	assert_int_equal(r.open, 1);
	rig_pass(&r, 1000);
	assert_int_equal(r.open, 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
}

static void without_a_family_both_are_refreshed_and_deleted(void **state)
{
	dual();
	rig_pass(&r, 500 * 1000);
	assert_int_equal(rig_refresh(&c, 600), 0);
	rig_pass(&r, 599 * 1000);
	assert_int_equal(r.open, 2);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(r.open, 0);
}

/* Data in the last millisecond passes, in the next one it does not; and no memory is touched. */
static void refresh_and_data_race_the_end(void **state)
{
	struct addr peer = story_peer(7, 7);
	struct relay_end *relay;

	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	rig_pass(&r, 400 * 1000);
	assert_int_equal(rig_bind(&c, 0x4000, &peer), 0);
	relay = rig_end_of(&r, &c.relayed[0]);
	rig_pass(&r, 200 * 1000 - 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("late")), TURND_TO_CLIENT);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("late")), TURND_TO_PEER);
	rig_pass(&r, 1);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("too late")), TURND_NOTHING);
	assert_int_equal(rig_refresh(&c, 600), 437);
	/* A new one on the same 5-tuple knows nothing of the channels before. */
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("of before")), TURND_NOTHING);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(rig_channel(&c, 0x4000, BYTES("deleted")), TURND_NOTHING);
}

static void the_timer_says_when_it_ends(void **state)
{
	rig_start(&r);
	assert_int_equal(turnd_on_time(r.worker[0].turnd, &r.now), UINT64_MAX);
	assert_int_equal(rig_allocate(&c), 0);
	for (int steps = 0; r.open > 0; steps++) {
		uint64_t next = turnd_on_time(r.worker[0].turnd, &r.now);

		assert_true(next > r.now.us && steps < 12);
		rig_pass(&r, (next - r.now.us) / 1000);
	}
	assert_int_equal(r.now.us, UINT64_C(1600000000));
}

/* RFC 7635: a token whose time is over refreshes nothing, and no lifetime goes beyond it. */
static struct token_keys *token_keys;
static uint8_t token_value[TOKEN_LEN_MAX];
static const struct bytes mac_key = { (const uint8_t *)"0123456789abcdef0123", 20 };

static void use_token(struct rig_client *of, struct bytes key_of_token, uint32_t lifetime_s)
{
	static const uint8_t nonce[SEAL_NONCE_LEN] = { 1 };
	struct token_key key = {
		.kid = BYTES("kid-1"),
		.algorithm = TOKEN_A256GCM,
		.secret = BYTES("0123456789abcdef0123456789abcdef"),
		.until_s = UINT64_MAX,
	};
	struct token_content content = {
		.mac_key = key_of_token,
		.timestamp = r.now.wall_s << 16,
		.lifetime_s = lifetime_s,
	};

	if (token_keys == NULL) {
		token_keys = token_keys_new(BYTES("turn.example.org"));
		assert_true(token_keys_add(token_keys, &key));
		r.realms[0].tokens = token_keys;
	}
	of->user = BYTES("kid-1");
	of->mac_key = key_of_token;
	of->token = bytes_of(token_value, token_make(token_keys, of->user, &content, nonce,
						     token_value, sizeof(token_value)));
	assert_true(of->token.len > 0);
}

static int end_tokens(void **state)
{
	one_end(state);
	token_keys_free(token_keys);
	token_keys = NULL;
	return 0;
}

/* A Refresh without ACCESS-TOKEN, signed with the key of the one before. */
static uint16_t refresh_by_key(struct rig_client *of, uint32_t lifetime_s)
{
	struct stun_builder *b = rig_request(of, TURN_REFRESH);

	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, lifetime_s);
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, of->user);
	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, bytes_of(of->realm, of->realm_len));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(of->nonce, of->nonce_len));
	stun_key_make(&of->key, of->mac_key);
	(void)stun_auth_put_integrity(b, &of->key);
	return rig_send_request(of);
}

static uint32_t seconds_left(void)
{
	return (uint32_t)((story_alloc_of(&c)->until_ms - r.now.us / 1000) / 1000);
}

static void no_lifetime_goes_beyond_the_access_token(void **state)
{
	use_token(&c, mac_key, 700);
	rig_start(&r);
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .lifetime_s = 3600 }), 0);
	assert_in_range(c.lifetime_s, 601, 700);
	rig_pass(&r, 400 * 1000);
	assert_int_equal(rig_refresh(&c, 3600), 0);
	assert_in_range(c.lifetime_s, 201, 300);
	/* The same where the token is not shown again, as its key is known. */
	rig_pass(&r, 100 * 1000);
	assert_int_equal(refresh_by_key(&c, 3600), 0);
	assert_in_range(seconds_left(), 101, 200);
	/* A newer token helps. */
	use_token(&c, mac_key, 1000);
	assert_int_equal(rig_refresh(&c, 3600), 0);
	assert_in_range(c.lifetime_s, 900, 1000);
	rig_pass(&r, 100 * 1000);
	assert_int_equal(refresh_by_key(&c, 3600), 0);
	assert_in_range(seconds_left(), 800, 900);
}

static void a_token_that_ended_refreshes_nothing(void **state)
{
	use_token(&c, mac_key, 600);
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	rig_pass(&r, 598 * 1000);
	assert_int_equal(rig_refresh(&c, 3600), 0);
	assert_in_range(c.lifetime_s, 1, 2);
	rig_pass(&r, 10 * 1000);
	assert_int_equal(r.open, 0);
	assert_int_equal(rig_allocate(&c), 401);
	/* Nor does its key, where the server is late. */
	use_token(&c, mac_key, 600);
	assert_int_equal(rig_allocate(&c), 0);
	r.now.wall_s += 601;
	assert_int_equal(refresh_by_key(&c, 600), 401);
	/* Clocks may differ a little, so it opens; but there is no time left to give. */
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 401);
}

/* RFC 8016 too: the newer token was shown where the client has come to. */
static void a_token_that_is_shown_with_a_ticket_is_known_there(void **state)
{
	static struct rig_client away;
	struct story_ticket ticket;

	r.workers = 2;
	r.snapshot.mobility = true;
	use_token(&c, mac_key, 1000);
	rig_start(&r);
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	rig_client(&away, &r, 2000);
	away.worker = 1;
	use_token(&away, BYTES("another key, of 20 b"), 2000);
	assert_int_equal(story_move(&away, &ticket, UINT32_MAX), 0);
	assert_int_equal(refresh_by_key(&away, 3600), 0);
	assert_int_equal(turnd_count(r.worker[1].turnd), 1);
	assert_int_equal(rig_refresh(&away, 1900), 0);
	assert_int_equal(away.lifetime_s, 1900);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, one_begin, one_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(it_lives_as_long_as_it_is_refreshed),
		STORY(lifetimes_have_the_bounds_of_allocate),
		STORY(zero_deletes_at_once),
		STORY(other_users_are_441),
		STORY(a_family_that_it_has_not_is_443),
		STORY(one_family_of_two_may_be_deleted),
		STORY(families_are_refreshed_apart),
		STORY(without_a_family_both_are_refreshed_and_deleted),
		STORY(refresh_and_data_race_the_end),
		STORY(the_timer_says_when_it_ends),
		cmocka_unit_test_setup_teardown(no_lifetime_goes_beyond_the_access_token, one_begin,
						end_tokens),
		cmocka_unit_test_setup_teardown(a_token_that_ended_refreshes_nothing, one_begin,
						end_tokens),
		cmocka_unit_test_setup_teardown(a_token_that_is_shown_with_a_ticket_is_known_there,
						one_begin, end_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
