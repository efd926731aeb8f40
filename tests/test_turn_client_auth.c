/* Credentials of the TURN client, and which answers it believes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turn_fake.h"

static struct fake f;

static int setup(void **state)
{
	fake_init(&f);
	return 0;
}

static int teardown(void **state)
{
	fake_end(&f);
	return 0;
}

static void start_and_run(uint64_t for_us)
{
	fake_start(&f);
	fake_run(&f, for_us);
}

static void is_allocated(void)
{
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
	assert_int_equal(f.told[TURN_CLIENT_FAILED], 0);
}

static void has_failed_for(enum turn_client_cause cause)
{
	assert_true(f.done);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 0);
	assert_int_equal(f.failure.cause, cause);
}

static void an_open_server_is_used_unsigned(void **state)
{
	f.open = true;
	f.config.credentials = (struct turn_client_credentials){ 0 };
	start_and_run(FAKE_SECOND);
	is_allocated();
	assert_int_equal(f.requests[TURN_ALLOCATE], 1);
}

static void sha256_and_a_hashed_name_are_used_where_wanted(void **state)
{
	f.sha256 = true;
	start_and_run(FAKE_SECOND);
	is_allocated();
	f.nonce++;
	fake_run(&f, 600 * FAKE_SECOND);
	assert_true(f.told[TURN_CLIENT_REFRESHED] > 0);
	fake_end(&f);

	fake_init(&f);
	f.sha256 = f.userhash = true;
	start_and_run(FAKE_SECOND);
	is_allocated();
	fake_end(&f);

	fake_init(&f);
	f.userhash = true;
	start_and_run(FAKE_SECOND);
	is_allocated();
}

static void a_missing_list_of_algorithms_is_noticed(void **state)
{
	f.bid_down = true;
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_BID_DOWN);
}

static void sha256_is_not_given_up_once_offered(void **state)
{
	f.sha256 = true;
	start_and_run(FAKE_SECOND);
	is_allocated();
	f.sha256 = false; /* the 438 that comes now is of another server */
	f.nonce++;
	fake_run(&f, 700 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_REFRESHED], 0);
	assert_int_equal(f.failure.cause, TURN_CLIENT_EXPIRED);
}

static void an_unknown_algorithm_ends_it(void **state)
{
	f.unknown_algorithm = true;
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_ALGORITHM);
}

static void a_wrong_password_is_told_after_one_attempt(void **state)
{
	f.password = "another";
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_CREDENTIALS);
	assert_int_equal(f.requests[TURN_ALLOCATE], 2);
	assert_int_equal(f.failure.code, 401);
}

static void without_credentials_the_server_says_who_gives_them(void **state)
{
	f.config.credentials = (struct turn_client_credentials){ 0 };
	f.third_party = true;
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_ANONYMOUS);
	assert_string_equal(f.failure.reason, "auth.example");
}

static void an_access_token_signs_with_its_key(void **state)
{
	f.mac_key = BYTES("0123456789abcdef0123456789abcdef");
	f.config.credentials = (struct turn_client_credentials){
		.username = BYTES("kid"),
		.access_token = BYTES("\0\4nonceblock"),
		.mac_key = f.mac_key,
	};
	start_and_run(700 * FAKE_SECOND);
	is_allocated();
	assert_true(f.told[TURN_CLIENT_REFRESHED] > 0);
	(void)turn_client_add_peer(f.client, &f.config.server, true, f.now_us);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_BOUND], 1);

	/* The old one ends, the caller has got another one. */
	f.mac_key = BYTES("fedcba9876543210");
	f.config.credentials.mac_key = f.mac_key;
	turn_client_use(f.client, &f.config.credentials);
	fake_run(&f, 700 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_FAILED], 0);
	assert_true(f.exists && f.expires_us > f.now_us);
}

static void a_new_nonce_and_a_new_realm_are_taken(void **state)
{
	start_and_run(FAKE_SECOND);
	f.nonce++;
	fake_run(&f, 400 * FAKE_SECOND);
	assert_true(f.told[TURN_CLIENT_REFRESHED] > 0);
	f.realm = "example.net";
	fake_run(&f, 1200 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_FAILED], 0);
	assert_true(f.exists && f.expires_us > f.now_us);
}

static void endless_438_ends(void **state)
{
	f.error[TURN_ALLOCATE] = 438;
	f.errors[TURN_ALLOCATE] = -1;
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_PROTOCOL);
	assert_in_range(f.requests[TURN_ALLOCATE], 2, 6);
}

static void unsigned_and_wrongly_signed_answers_are_not_believed(void **state)
{
	for (int wrongly = 0; wrongly < 2; wrongly++) {
		for (int fails = 0; fails < 2; fails++) {
			fake_init(&f);
			f.signs_wrongly = wrongly != 0;
			f.signs_nothing = wrongly == 0;
			f.error[TURN_ALLOCATE] = 486;
			f.errors[TURN_ALLOCATE] = -fails;
			start_and_run(39 * FAKE_SECOND);
			assert_false(f.done);
			fake_run(&f, 2 * FAKE_SECOND);
			has_failed_for(TURN_CLIENT_INTEGRITY);
			assert_int_equal(f.failure.code, fails != 0 ? 486 : 0);
			fake_end(&f);
		}
	}
}

static void on_a_stream_that_is_told_at_once(void **state)
{
	f.config.reliable = true;
	f.signs_wrongly = true;
	start_and_run(FAKE_SECOND);
	has_failed_for(TURN_CLIENT_INTEGRITY);
}

/* But a 400 that nobody signed never came. */
static void an_unsigned_400_does_not_end_a_stream(void **state)
{
	f.config.reliable = true;
	f.signs_nothing = true;
	f.error[TURN_ALLOCATE] = 400;
	f.errors[TURN_ALLOCATE] = -1;
	start_and_run(FAKE_SECOND);
	assert_false(f.done);
	fake_run(&f, 40 * FAKE_SECOND);
	has_failed_for(TURN_CLIENT_INTEGRITY);
	assert_int_equal(f.failure.code, 400);
}

/* A 400 needs a signature (RFC 8489, section 9.2.5); then the true answer still counts. */
static void a_forged_error_does_not_end_a_request(void **state)
{
	static const uint16_t codes[] = { 300, 400, 403, 437, 441, 500 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		fake_init(&f);
		start_and_run(FAKE_SECOND);
		f.alternate = addr_ipv4(91, 80, 7, 7, 3478);
		f.error[TURN_REFRESH] = codes[i];
		f.errors[TURN_REFRESH] = 1;
		f.signs_nothing = true;
		while (f.requests[TURN_REFRESH] == 0)
			fake_run(&f, FAKE_DELAY_US);
		f.signs_nothing = false;
		fake_run(&f, 5 * FAKE_SECOND);
		if (f.told[TURN_CLIENT_REFRESHED] != 1 || f.reconnects != 0)
			fail_msg("%u: believed", codes[i]);
		fake_end(&f);
	}
}

static void noise_is_nothing(void **state)
{
	uint8_t buf[64];
	struct turn_client_data data;

	start_and_run(FAKE_SECOND);
	for (unsigned int i = 0; i < 20000; i++) {
		size_t len = i % sizeof(buf);

		f.config.random(&f, buf, sizeof(buf));
		if (i % 2 == 0 && len >= 20)
			memcpy(buf, "\1\3\0\0\x21\x12\xa4\x42", 8);
		assert_int_equal(
			turn_client_on_bytes(f.client, bytes_of(buf, len), f.now_us, &data),
			TURN_CLIENT_NOTHING);
	}
	fake_run(&f, FAKE_SECOND);
	is_allocated();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_open_server_is_used_unsigned),
		TEST(sha256_and_a_hashed_name_are_used_where_wanted),
		TEST(a_missing_list_of_algorithms_is_noticed),
		TEST(sha256_is_not_given_up_once_offered),
		TEST(an_unknown_algorithm_ends_it),
		TEST(a_wrong_password_is_told_after_one_attempt),
		TEST(without_credentials_the_server_says_who_gives_them),
		TEST(an_access_token_signs_with_its_key),
		TEST(a_new_nonce_and_a_new_realm_are_taken),
		TEST(endless_438_ends),
		TEST(unsigned_and_wrongly_signed_answers_are_not_believed),
		TEST(on_a_stream_that_is_told_at_once),
		TEST(an_unsigned_400_does_not_end_a_stream),
		TEST(a_forged_error_does_not_end_a_request),
		TEST(noise_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
