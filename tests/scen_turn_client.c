/*
 * Our client and our server, in virtual time: whoever has credentials relays for hours, whatever is
 * lost on the way, and leaves nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turn_client.h"
#include "turnd_rig.h"

#define S UINT64_C(1000000)

struct talk {
	struct turn_client_config config;
	struct turn_client *client;
	struct turn_client_allocated allocated;
	unsigned int told[16];
	struct turn_client_failure failure;
	unsigned int loss; /* percent, both ways */
	bool done;
};

static struct rig r;
static struct rig_client c; /* whence the client's datagrams come */
static struct talk talk;

static void draw(void *arg, void *buf, size_t len)
{
	rng_fill(&r.rng, buf, len);
}

static int prepare(void **state)
{
	rig_init(&r);
	talk = (struct talk){ 0 };
	talk.config = (struct turn_client_config){
		.server = addr_ipv4(RIG_SERVER_IP, STUN_PORT),
		.credentials = { .username = BYTES("alice"), .password = BYTES("open sesame") },
		.random = draw,
	};
	return 0;
}

static int stop(void **state)
{
	turn_client_free(talk.client);
	rig_stop(&r);
	return 0;
}

static void start(void)
{
	rig_start(&r);
	rig_client(&c, &r, 4000);
	assert_null(turn_client_check(&talk.config));
	talk.client = turn_client_new(&talk.config);
	assert_non_null(talk.client);
}

static bool is_lost(void)
{
	return rng_below(&r.rng, 100) < talk.loss;
}

static void to_server(struct bytes data)
{
	struct turn_client_data got;

	if (is_lost() || rig_give(&c, data) != TURND_TO_CLIENT || is_lost())
		return;
	(void)turn_client_on_bytes(talk.client, r.out.data, r.now.us, &got);
}

static void hear(const struct turn_client_event *e)
{
	talk.told[e->kind]++;
	if (e->allocated != NULL)
		talk.allocated = *e->allocated;
	if (e->failure != NULL)
		talk.failure = *e->failure;
}

/* Carries out what the client wants; returns when to look again. */
static uint64_t carry_out(void)
{
	struct turn_client_action a;

	for (;;) {
		switch (turn_client_next(talk.client, r.now.us, &a)) {
		case TURN_CLIENT_SEND:
			to_server(a.data);
			break;
		case TURN_CLIENT_TELL:
			hear(&a.event);
			break;
		case TURN_CLIENT_WAIT:
			return a.deadline_us;
		case TURN_CLIENT_DONE:
			talk.done = true;
			return UINT64_MAX;
		default:
			fail_msg("action %d", a.kind);
		}
	}
}

static void run(uint64_t us)
{
	uint64_t end = r.now.us + us;

	while (!talk.done) {
		uint64_t next = carry_out();

		if (next > end)
			break;
		rig_pass(&r, (next - r.now.us + 999) / 1000);
	}
	if (end > r.now.us)
		rig_pass(&r, (end - r.now.us) / 1000);
}

static bool reaches(int peer, const struct addr *expected)
{
	uint8_t buf[128];
	struct bytes raw;

	return turn_client_send(talk.client, peer, BYTES("to the peer"), false, r.now.us, buf,
				sizeof(buf), &raw) == TURN_CLIENT_FRAMED &&
	       rig_give(&c, raw) == TURND_TO_PEER && addr_equal(&r.out.peer, expected) &&
	       bytes_equal(r.out.data, BYTES("to the peer"));
}

static bool hears(int peer, const struct addr *from)
{
	struct relay_end *end = rig_end_of(&r, &talk.allocated.relayed[0]);
	struct turn_client_data got;

	return end != NULL &&
	       rig_from_peer(&r, end, from, BYTES("to the client")) == TURND_TO_CLIENT &&
	       turn_client_on_bytes(talk.client, r.out.data, r.now.us, &got) == TURN_CLIENT_DATA &&
	       got.peer == peer && bytes_equal(got.data, BYTES("to the client"));
}

static void finish(void)
{
	turn_client_close(talk.client, r.now.us);
	run(4 * S);
	assert_true(talk.done);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	assert_int_equal(talk.told[TURN_CLIENT_FAILED], 0);
}

/* Two peers, one with a channel, for as long as it takes nonces to end a dozen times. */
static void relay_for_hours(void)
{
	struct addr bound = addr_ipv4(91, 80, 9, 1, 7001), sent = addr_ipv4(91, 80, 9, 2, 7002);
	int first, second;

	run(2 * S);
	assert_int_equal(talk.told[TURN_CLIENT_ALLOCATED], 1);
	assert_true(addr_equal(&talk.allocated.mapped, &c.tuple.client));
	first = turn_client_add_peer(talk.client, &bound, true, r.now.us);
	second = turn_client_add_peer(talk.client, &sent, false, r.now.us);
	run(30 * S);
	for (int i = 0; i < 72; i++) {
		assert_true(reaches(first, &bound) && reaches(second, &sent));
		assert_true(hears(first, &bound) && hears(second, &sent));
		run(100 * S);
	}
	assert_int_equal(talk.told[TURN_CLIENT_LOST], 0);
	assert_int_equal(talk.told[TURN_CLIENT_CHANNEL_BOUND], 1);
	assert_true(talk.told[TURN_CLIENT_REFRESHED] >= 10);
	finish();
}

static void a_user_relays_for_hours(void **state)
{
	start();
	relay_for_hours();
}

static void whoever_has_time_limited_credentials_does_too(void **state)
{
	static const uint8_t key[USERS_KEY_LEN] = "a key";
	struct users_credential timed;
	uint32_t line;

	users_free(r.users[0]);
	assert_int_equal(users_new(RIG_REALM, key, &r.users[0]), USERS_OK);
	assert_int_equal(users_add_secret(r.users[0], BYTES("north"), USERS_SHA256), USERS_OK);
	assert_int_equal(users_finish(r.users[0], &line), USERS_OK);
	r.realms[0].users = r.users[0];
	assert_int_equal(users_make_timed(BYTES("north"), USERS_SHA256, ':', BYTES("carol"),
					  RIG_WALL_S + 600, &timed),
			 USERS_OK);
	talk.config.credentials.username = bytes_of_str(timed.username);
	talk.config.credentials.password = bytes_of_str(timed.password);
	start();
	relay_for_hours(); /* they end, and are good for what exists */
}

static void it_does_so_though_much_is_lost(void **state)
{
	struct addr peer = rig_peer();
	int number;

	talk.loss = 25;
	start();
	run(60 * S);
	assert_int_equal(talk.told[TURN_CLIENT_ALLOCATED], 1);
	number = turn_client_add_peer(talk.client, &peer, true, r.now.us);
	run(60 * S);
	for (int i = 0; i < 36; i++) {
		assert_true(reaches(number, &peer));
		run(100 * S);
	}
	talk.loss = 0;
	finish();
}

static void a_token_relays_until_it_ends(void **state)
{
	static const uint8_t nonce[SEAL_NONCE_LEN] = "never twice";
	struct token_content content = {
		.mac_key = BYTES("a key of twenty bytes"),
		.timestamp = RIG_WALL_S << 16,
		.lifetime_s = 900,
	};
	struct addr peer = rig_peer();
	uint8_t value[TOKEN_LEN_MAX];
	size_t len;
	int number;

	rig_use_tokens(&r);
	len = token_make(r.tokens, RIG_KID, &content, nonce, value, sizeof(value));
	talk.config.credentials = (struct turn_client_credentials){
		.username = RIG_KID,
		.access_token = bytes_of(value, len),
		.mac_key = content.mac_key,
	};
	start();
	run(2 * S);
	assert_int_equal(talk.told[TURN_CLIENT_ALLOCATED], 1);
	number = turn_client_add_peer(talk.client, &peer, true, r.now.us);
	run(2 * S);
	assert_true(reaches(number, &peer));
	run(850 * S);
	assert_true(reaches(number, &peer));
	run(100 * S);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	assert_false(reaches(number, &peer));
}

static void it_gets_both_families_and_moves(void **state)
{
	struct addr peer = rig_peer();
	int number;

	r.snapshot.mobility = true;
	talk.config.options.families = TURN_CLIENT_FAMILY_BOTH;
	talk.config.options.mobile = true;
	start();
	run(2 * S);
	assert_int_equal(talk.told[TURN_CLIENT_ALLOCATED], 1);
	assert_int_equal(talk.allocated.relayed[0].family, ADDR_IPV4);
	assert_int_equal(talk.allocated.relayed[1].family, ADDR_IPV6);
	assert_true(talk.allocated.mobile);
	number = turn_client_add_peer(talk.client, &peer, true, r.now.us);
	run(2 * S);
	for (int i = 0; i < 20; i++) {
		c.tuple.client = addr_ipv4(91, 80, 1, (uint8_t)(i % 3 + 2), (uint16_t)(5000 + i));
		assert_true(turn_client_move(talk.client, r.now.us));
		run(60 * S);
		assert_int_equal(talk.told[TURN_CLIENT_MOVED], i + 1);
		assert_true(reaches(number, &peer) && hears(number, &peer));
	}
	finish();
}

static void a_wrong_password_is_told(void **state)
{
	talk.config.credentials.password = BYTES("open sesam");
	start();
	run(10 * S);
	assert_true(talk.done);
	assert_int_equal(talk.told[TURN_CLIENT_FAILED], 1);
	assert_int_equal(talk.failure.cause, TURN_CLIENT_CREDENTIALS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_relays_for_hours),
		TEST(whoever_has_time_limited_credentials_does_too),
		TEST(it_does_so_though_much_is_lost),
		TEST(a_token_relays_until_it_ends),
		TEST(it_gets_both_families_and_moves),
		TEST(a_wrong_password_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
