/* peers: how long permissions and channels last, their limits, and thousands of them. */
#include "turnd/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc_count.h"
#include "rng.h"
#include "turn_chan.h"
#include "wire.h"

#define MINUTE UINT64_C(60000)

static struct addr peer(unsigned n, uint16_t port)
{
	return addr_ipv4(192, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, port);
}

static struct addr peer6(unsigned n, uint16_t port)
{
	struct addr a = { .family = ADDR_IPV6, .port = port, .ip = { 0x20, 1, 0xd, 0xb8 } };

	a.ip[14] = (uint8_t)(n >> 8);
	a.ip[15] = (uint8_t)n;
	return a;
}

static enum peers_result permit(struct peers *p, struct addr ip, uint32_t most, uint64_t now_ms)
{
	bool is_relay = false;

	return peers_permit(p, &ip, &is_relay, 1, most, now_ms);
}

static enum peers_result bind(struct peers *p, uint16_t number, struct addr to, uint64_t now_ms)
{
	return peers_bind(p, number, &to, false, 0, 0, now_ms);
}

static bool is_permitted(const struct peers *p, struct addr from, uint64_t now_ms)
{
	return peers_find_permission(p, &from, now_ms) != NULL;
}

static bool is_bound(const struct peers *p, uint16_t number, struct addr to, uint64_t now_ms)
{
	const struct peers_channel *c = peers_find_channel(p, number, now_ms);

	return c != NULL && addr_equal(&c->peer, &to) && peers_find_bound(p, &to, now_ms) == c;
}

static void an_empty_one_knows_nobody(void **state)
{
	struct peers p = { 0 };

	assert_false(is_permitted(&p, peer(1, 1), 0));
	assert_null(peers_find_channel(&p, TURN_CHAN_FIRST, 0));
	assert_int_equal(peers_count_permissions(&p, 0), 0);
	peers_clear(&p);
}

static void a_permission_lasts_300_s_and_knows_no_port(void **state)
{
	struct peers p = { 0 };

	assert_int_equal(permit(&p, peer(1, 5000), 0, 1000), PEERS_OK);
	assert_true(is_permitted(&p, peer(1, 0), 1000));
	assert_true(is_permitted(&p, peer(1, 65535), 1000 + 5 * MINUTE - 1));
	assert_false(is_permitted(&p, peer(1, 5000), 1000 + 5 * MINUTE));
	assert_false(is_permitted(&p, peer(2, 5000), 1000));
	assert_int_equal(permit(&p, peer(1, 5000), 0, 1000 + 4 * MINUTE), PEERS_OK);
	assert_true(is_permitted(&p, peer(1, 1), 1000 + 9 * MINUTE - 1));
	assert_false(is_permitted(&p, peer(1, 1), 1000 + 9 * MINUTE));
	assert_int_equal(peers_count_permissions(&p, 1000), 1);
	peers_clear(&p);
}

static void a_channel_lasts_600_s_and_its_permission_300_s(void **state)
{
	struct peers p = { 0 };

	assert_int_equal(bind(&p, 0x4000, peer(1, 7), 0), PEERS_OK);
	assert_true(is_permitted(&p, peer(1, 9), 5 * MINUTE - 1));
	assert_false(is_permitted(&p, peer(1, 7), 5 * MINUTE));
	assert_true(is_bound(&p, 0x4000, peer(1, 7), 10 * MINUTE - 1));
	assert_null(peers_find_channel(&p, 0x4000, 10 * MINUTE));
	assert_int_equal(bind(&p, 0x4000, peer(1, 7), 9 * MINUTE), PEERS_OK);
	assert_true(is_bound(&p, 0x4000, peer(1, 7), 19 * MINUTE - 1));
	assert_true(is_permitted(&p, peer(1, 7), 14 * MINUTE - 1));
	assert_int_equal(peers_count_channels(&p, 19 * MINUTE - 1), 1);
	assert_int_equal(peers_count_channels(&p, 19 * MINUTE), 0);
	peers_clear(&p);
}

static void a_channel_has_one_peer_and_a_peer_one_channel(void **state)
{
	struct peers p = { 0 };

	assert_int_equal(bind(&p, 0x4000, peer(1, 7), 0), PEERS_OK);
	assert_int_equal(bind(&p, 0x4000, peer(2, 7), 0), PEERS_CONFLICT);
	assert_int_equal(bind(&p, 0x4001, peer(1, 7), 0), PEERS_CONFLICT);
	assert_false(is_permitted(&p, peer(2, 7), 0)); /* refused as a whole */
	assert_int_equal(bind(&p, 0x4001, peer(1, 8), 0), PEERS_OK);
	assert_int_equal(bind(&p, 0x4000, peer(1, 8), 0), PEERS_CONFLICT); /* both known */
	peers_clear(&p);
}

static void number_and_peer_rest_300_s_after_the_end(void **state)
{
	struct peers p = { 0 };
	uint64_t end = 10 * MINUTE, rest = end + 5 * MINUTE;

	assert_int_equal(bind(&p, 0x4000, peer(1, 7), 0), PEERS_OK);
	assert_int_equal(bind(&p, 0x4000, peer(2, 7), rest - 1), PEERS_CONFLICT);
	assert_int_equal(bind(&p, 0x4001, peer(1, 7), rest - 1), PEERS_CONFLICT);
	assert_int_equal(bind(&p, 0x4000, peer(2, 7), rest), PEERS_OK);
	assert_int_equal(bind(&p, 0x4001, peer(1, 7), rest), PEERS_OK);
	assert_true(is_bound(&p, 0x4000, peer(2, 7), rest));
	assert_true(is_bound(&p, 0x4001, peer(1, 7), rest));
	/* The same pair again needs no rest. */
	assert_int_equal(bind(&p, 0x4000, peer(2, 7), rest + 12 * MINUTE), PEERS_OK);
	peers_clear(&p);
}

static void several_permissions_are_all_or_nothing(void **state)
{
	struct addr many[4] = { peer(1, 0), peer(2, 5), peer(1, 9), peer6(1, 0) };
	bool is_relay[4] = { false, true, false, false };
	struct peers p = { 0 };

	assert_int_equal(peers_permit(&p, many, is_relay, 4, 2, 0), PEERS_FULL);
	assert_int_equal(peers_count_permissions(&p, 0), 0);
	assert_int_equal(peers_permit(&p, many, is_relay, 4, 3, 0), PEERS_OK); /* one is twice */
	assert_int_equal(peers_count_permissions(&p, 0), 3);
	assert_true(peers_find_permission(&p, &many[1], 0)->is_relay);
	assert_false(peers_find_permission(&p, &many[3], 0)->is_relay);
	is_relay[0] = true;
	is_relay[1] = false;
	assert_int_equal(peers_permit(&p, many, is_relay, 2, 3, 0), PEERS_OK);
	assert_true(peers_find_permission(&p, &many[0], 0)->is_relay);
	assert_false(peers_find_permission(&p, &many[1], 0)->is_relay);
	assert_int_equal(permit(&p, peer(3, 0), 3, 0), PEERS_FULL);
	assert_int_equal(permit(&p, peer(2, 0), 3, 0), PEERS_OK); /* a refresh fits */
	/* What is over makes room. */
	assert_int_equal(permit(&p, peer(3, 0), 3, 5 * MINUTE), PEERS_OK);
	assert_int_equal(peers_count_permissions(&p, 5 * MINUTE), 1);
	peers_clear(&p);
}

static void the_limit_of_channels_counts_the_living(void **state)
{
	struct addr a = peer(1, 1), b = peer(2, 1), c = peer(3, 1);
	struct peers p = { 0 };

	assert_int_equal(peers_bind(&p, 0x4000, &a, false, 2, 0, 0), PEERS_OK);
	assert_int_equal(peers_bind(&p, 0x4001, &b, false, 2, 0, 0), PEERS_OK);
	assert_int_equal(peers_bind(&p, 0x4002, &c, false, 2, 0, 0), PEERS_FULL);
	assert_int_equal(peers_bind(&p, 0x4001, &b, false, 2, 0, 1), PEERS_OK);
	assert_int_equal(peers_bind(&p, 0x4002, &c, false, 2, 0, 10 * MINUTE), PEERS_OK);
	/* One that ended cannot come back over the limit. */
	assert_int_equal(peers_bind(&p, 0x4000, &a, false, 2, 0, 10 * MINUTE), PEERS_FULL);
	assert_int_equal(peers_bind(&p, 0x4000, &a, false, 2, 0, 10 * MINUTE + 1), PEERS_OK);
	peers_clear(&p);
}

static void a_channel_needs_room_for_its_permission(void **state)
{
	struct addr a = peer(1, 1), b = peer(2, 1), same_ip = peer(1, 2);
	struct peers p = { 0 };

	assert_int_equal(peers_bind(&p, 0x4000, &a, false, 0, 1, 0), PEERS_OK);
	assert_int_equal(peers_bind(&p, 0x4001, &b, false, 0, 1, 0), PEERS_FULL);
	assert_null(peers_find_channel(&p, 0x4001, 0));
	assert_int_equal(peers_bind(&p, 0x4001, &same_ip, false, 0, 1, 0), PEERS_OK);
	peers_clear(&p);
}

static void families_do_not_meet(void **state)
{
	struct addr v4 = { .family = ADDR_IPV4, .port = 1, .ip = { 0x20, 1, 0xd, 0xb8 } };
	struct addr v6 = { .family = ADDR_IPV6, .port = 1, .ip = { 0x20, 1, 0xd, 0xb8 } };
	struct peers p = { 0 };

	assert_int_equal(bind(&p, 0x4000, v4, 0), PEERS_OK);
	assert_false(is_permitted(&p, v6, 0));
	assert_null(peers_find_bound(&p, &v6, 0));
	peers_clear(&p);
}

static bool is_odd(void *arg, const struct addr *a)
{
	++*(int *)arg;
	return a->ip[3] % 2 == 1;
}

static void a_review_takes_out_whom_it_does_not_want(void **state)
{
	static const unsigned counts[] = { 4, 200 };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct peers p = { .seed = 1 };
		int asked = 0;

		for (unsigned n = 0; n < counts[i]; n++)
			assert_int_equal(bind(&p, (uint16_t)(0x4000 + n), peer(n, 9), 0), PEERS_OK);
		peers_review(&p, is_odd, &asked);
		assert_int_equal(asked, counts[i] * 2);
		for (unsigned n = 0; n < counts[i]; n++) {
			assert_int_equal(is_permitted(&p, peer(n, 9), 0), n % 2);
			assert_int_equal(is_bound(&p, (uint16_t)(0x4000 + n), peer(n, 9), 0),
					 n % 2);
		}
		peers_clear(&p);
	}
}

static void thousands_are_found_and_nothing_is_left(void **state)
{
	enum { CHANNELS = 4096, PERMISSIONS = 20000 };
	struct peers p = { .seed = 42 };

	for (unsigned n = 0; n < CHANNELS; n++) {
		uint16_t number = (uint16_t)(TURN_CHAN_FIRST + n);

		assert_int_equal(bind(&p, number, peer(n, (uint16_t)n), 0), PEERS_OK);
	}
	for (unsigned n = 0; n < PERMISSIONS; n++)
		assert_int_equal(permit(&p, peer6(n, 0), 0, 0), PEERS_OK);
	for (unsigned n = 0; n < CHANNELS; n++)
		assert_true(is_bound(&p, (uint16_t)(TURN_CHAN_FIRST + n), peer(n, (uint16_t)n), 0));
	for (unsigned n = 0; n < PERMISSIONS; n++)
		assert_true(is_permitted(&p, peer6(n, 3), 0));
	assert_false(is_permitted(&p, peer(CHANNELS, 0), 0));
	assert_int_equal(peers_count_permissions(&p, 0), CHANNELS + PERMISSIONS);
	peers_clear(&p);
	assert_null(p.permissions);
	assert_null(p.channels);
}

static void without_limits_there_is_one(void **state)
{
	struct peers p = { .seed = 42 };

	for (unsigned n = 0; n < PEERS_MOST; n++)
		assert_int_equal(permit(&p, peer(n, 0), 0, 0), PEERS_OK);
	assert_int_equal(permit(&p, peer(PEERS_MOST, 0), 0, 0), PEERS_FULL);
	assert_true(is_permitted(&p, peer(PEERS_MOST - 1, 0), 0));
	peers_clear(&p);
}

/* Ever new peers, each for its time: arrays stay as large as those that are alive need. */
static void churn_does_not_grow_it(void **state)
{
	struct peers p = { .seed = 7 };
	uint64_t now = 0;

	for (unsigned n = 0; n < 20000; n++, now += MINUTE) {
		uint16_t number = (uint16_t)(TURN_CHAN_FIRST + n % 4096);

		assert_int_equal(bind(&p, number, peer(n, 9), now), PEERS_OK);
		assert_int_equal(permit(&p, peer6(n, 0), 0, now), PEERS_OK);
	}
	assert_in_range(p.channel_cap, 1, 64);
	assert_in_range(p.permission_cap, 1, 64);
	peers_clear(&p);
}

static void lookups_and_refreshes_do_not_allocate(void **state)
{
	struct peers p = { .seed = 7 };
	size_t before;

	for (unsigned n = 0; n < 100; n++)
		assert_int_equal(bind(&p, (uint16_t)(0x4000 + n), peer(n, 9), 0), PEERS_OK);
	before = alloc_count();
	for (unsigned n = 0; n < 100; n++) {
		assert_true(is_bound(&p, (uint16_t)(0x4000 + n), peer(n, 9), 0));
		assert_int_equal(bind(&p, (uint16_t)(0x4000 + n), peer(n, 9), 1), PEERS_OK);
	}
	assert_int_equal(alloc_count(), before);
	peers_clear(&p);
}

/* A model that remembers each pair; a thousand random histories. */
struct model {
	uint64_t until[16];
	int peer[16]; /* of each number; -1 none */
};

static bool model_binds(struct model *m, int number, int to, uint64_t now)
{
	for (int n = 0; n < 16; n++) {
		bool rests = m->peer[n] >= 0 && now < m->until[n] + PEERS_CHANNEL_REST_MS;

		if (rests && (n == number) != (m->peer[n] == to))
			return false;
		if (!rests)
			m->peer[n] = -1;
	}
	m->peer[number] = to;
	m->until[number] = now + PEERS_CHANNEL_MS;
	return true;
}

static void it_does_as_a_model_does(void **state)
{
	struct rng rng = { 0 };

	for (int round = 0; round < 300; round++) {
		struct peers p = { .seed = rng_next(&rng) };
		struct model m;
		uint64_t now = 0;

		memset(m.peer, 0xff, sizeof(m.peer));
		for (int step = 0; step < 300; step++) {
			int n = (int)(rng_next(&rng) % 16), to = (int)(rng_next(&rng) % 20);
			struct addr a = peer((unsigned)to, 9);
			bool ok = bind(&p, (uint16_t)(0x4000 + n), a, now) == PEERS_OK;

			assert_int_equal(ok, model_binds(&m, n, to, now));
			now += rng_next(&rng) % (2 * MINUTE);
			for (int i = 0; i < 16; i++)
				assert_int_equal(
					peers_find_channel(&p, (uint16_t)(0x4000 + i), now) != NULL,
					m.peer[i] >= 0 && now < m.until[i]);
		}
		peers_clear(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_knows_nobody),
		cmocka_unit_test(a_permission_lasts_300_s_and_knows_no_port),
		cmocka_unit_test(a_channel_lasts_600_s_and_its_permission_300_s),
		cmocka_unit_test(a_channel_has_one_peer_and_a_peer_one_channel),
		cmocka_unit_test(number_and_peer_rest_300_s_after_the_end),
		cmocka_unit_test(several_permissions_are_all_or_nothing),
		cmocka_unit_test(the_limit_of_channels_counts_the_living),
		cmocka_unit_test(a_channel_needs_room_for_its_permission),
		cmocka_unit_test(families_do_not_meet),
		cmocka_unit_test(a_review_takes_out_whom_it_does_not_want),
		cmocka_unit_test(thousands_are_found_and_nothing_is_left),
		cmocka_unit_test(without_limits_there_is_one),
		cmocka_unit_test(churn_does_not_grow_it),
		cmocka_unit_test(lookups_and_refreshes_do_not_allocate),
		cmocka_unit_test(it_does_as_a_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
