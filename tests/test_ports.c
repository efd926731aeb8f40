/* ports: fair picks, pairs and their tokens, full ranges; and against a model with one byte a port. */
#include "turnd/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"
#include "wire.h"

#define LOW  49152
#define HIGH 65535

static struct rng rng;

static struct ports *pool(uint16_t low, uint16_t high)
{
	struct ports_share share = {
		.low = low, .high = high, .workers = 1, .reservations_max = 100
	};
	struct ports *p = ports_new(&share);

	assert_non_null(p);
	return p;
}

static uint16_t take(struct ports *p)
{
	return ports_take(p, PORTS_ANY, rng_next(&rng));
}

static uint16_t take_pair(struct ports *p, uint64_t now_ms, struct ports_token *token)
{
	uint8_t random[PORTS_TOKEN_LEN];

	rng_fill(&rng, random, sizeof(random));
	return ports_take_pair(p, rng_next(&rng), random, now_ms, token);
}

static bool is_live(const struct ports *p, uint16_t port)
{
	return ports_is_live(p, port, PORTS_DATAGRAMS);
}

static void a_full_range_says_so(void **state)
{
	struct ports *p = pool(LOW, HIGH);
	static uint8_t seen[65536];

	for (int i = 0; i < HIGH - LOW + 1; i++) {
		uint16_t port = take(p);

		assert_true(port >= LOW);
		assert_int_equal(seen[port]++, 0); /* never twice */
		assert_true(is_live(p, port));
	}
	assert_int_equal(ports_count_free(p), 0);
	assert_int_equal(take(p), 0);
	assert_int_equal(ports_take(p, PORTS_EVEN, 1), 0);
	ports_release(p, 50001);
	assert_int_equal(ports_take(p, PORTS_EVEN, 1), 0); /* an odd one does not do */
	assert_int_equal(take(p), 50001);
	ports_free(p);
}

static void ranges_of_any_edge_hold_what_is_in_them(void **state)
{
	static const struct {
		uint16_t low, high;
		unsigned even, pairs;
	} cases[] = {
		{ 1, 1, 0, 0 },
		{ 2, 2, 1, 0 },
		{ 2, 3, 1, 1 },
		{ 3, 4, 1, 0 },
		{ 65535, 65535, 0, 0 },
		{ 65534, 65535, 1, 1 },
		{ 1, 65535, 32767, 32767 },
		{ 1001, 1128, 64, 63 },
		{ 1000, 1127, 64, 64 },
		{ 1000, 1128, 65, 64 },
		{ 4097, 8193, 2048, 2048 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ports_share share = { cases[i].low, cases[i].high, 0, 1, 65535 };
		struct ports *p = ports_new(&share);
		struct ports_token token;
		unsigned n = 0;

		while (ports_take(p, PORTS_EVEN, rng_next(&rng)) != 0)
			n++;
		assert_int_equal(n, cases[i].even);
		assert_int_equal(ports_count_free(p), ports_count(p) - n);
		ports_free(p);

		/* One reservation after the other: tests of the table's limit are elsewhere. */
		p = ports_new(&share);
		for (n = 0; take_pair(p, n, &token) != 0; n++)
			assert_int_not_equal(ports_claim(p, &token, n), 0);
		assert_int_equal(n, cases[i].pairs);
		assert_int_equal(ports_count(p), cases[i].high - cases[i].low + 1);
		for (n = ports_count_free(p); n > 0; n--)
			assert_int_not_equal(take(p), 0);
		assert_int_equal(take(p), 0);
		ports_free(p);
	}
}

/*
 * Chi-square over `n` ports: its mean is the degrees of freedom, its variance twice as much. Six
 * standard deviations; the seed is fixed, so that the test is right always or never.
 */
static void expect_uniform(const uint32_t *counts, uint32_t n, double total)
{
	double expected = total / n, chi = 0, df = n - 1.0, off;

	for (uint32_t i = 0; i < n; i++) {
		double d = counts[i] - expected;

		chi += d * d / expected;
	}
	off = chi - df;
	if (off * off > 36 * 2 * df)
		fail_msg("chi-square %f with %f degrees of freedom", chi, df);
}

static void picks_are_uniform_over_the_range(void **state)
{
	static uint32_t counts[4000];
	struct ports *p = pool(20001, 24000);

	rng = rng_seed(1);
	for (int i = 0; i < 400000; i++) {
		uint16_t port = take(p);

		counts[port - 20001]++;
		ports_release(p, port);
	}
	expect_uniform(counts, ARRAY_LEN(counts), 400000);
	ports_free(p);
}

static void picks_are_uniform_over_what_is_left(void **state)
{
	static uint32_t counts[3000];
	static uint32_t left[3000];
	struct ports *p = pool(30000, 32999);
	uint32_t n = 0;

	rng = rng_seed(2);
	for (int i = 0; i < 2900; i++)
		take(p);
	for (int i = 0; i < 50000; i++) {
		uint16_t port = take(p);

		counts[port - 30000]++;
		ports_release(p, port);
	}
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		assert_int_equal(counts[i] == 0, is_live(p, (uint16_t)(30000 + i)));
		if (counts[i] != 0)
			left[n++] = counts[i];
	}
	assert_int_equal(n, 100);
	expect_uniform(left, n, 50000);
	ports_free(p);
}

static void even_ports_and_pairs_are_uniform_as_well(void **state)
{
	static uint32_t even[1000], pairs[1000];
	struct ports *p = pool(40000, 41999);
	struct ports_token token;

	rng = rng_seed(3);
	for (int i = 0; i < 100000; i++) {
		uint16_t port = ports_take(p, PORTS_EVEN, rng_next(&rng));

		assert_int_equal(port % 2, 0);
		even[(port - 40000) / 2]++;
		ports_release(p, port);
		port = take_pair(p, 0, &token);
		assert_int_equal(port % 2, 0);
		pairs[(port - 40000) / 2]++;
		ports_release(p, port);
		ports_cancel(p, &token);
	}
	expect_uniform(even, ARRAY_LEN(even), 100000);
	expect_uniform(pairs, ARRAY_LEN(pairs), 100000);
	assert_int_equal(ports_count_free(p), ports_count(p));
	ports_free(p);
}

/* The ends of what randomness can be give the ends of the range. */
static void all_randomness_gives_a_port(void **state)
{
	struct ports *p = pool(1, 65535);

	assert_int_equal(ports_take(p, PORTS_ANY, 0), 1);
	assert_int_equal(ports_take(p, PORTS_ANY, UINT64_MAX), 65535);
	assert_int_equal(ports_take(p, PORTS_EVEN, 0), 2);
	assert_int_equal(ports_take(p, PORTS_EVEN, UINT64_MAX), 65534);
	ports_free(p);
}

static void a_pair_holds_its_second_port(void **state)
{
	struct ports *p = pool(5000, 5001);
	struct ports_token token;

	assert_int_equal(take_pair(p, 1000, &token), 5000);
	assert_true(is_live(p, 5000));
	assert_false(is_live(p, 5001)); /* nobody may be led to it yet */
	assert_int_equal(ports_count_free(p), 0);
	assert_int_equal(take(p), 0);
	assert_int_equal(ports_claim(p, &token, 1000), 5001);
	assert_true(is_live(p, 5001));
	assert_int_equal(ports_claim(p, &token, 1000), 0); /* good once */
	ports_release(p, 5000);
	ports_release(p, 5001);
	assert_int_equal(ports_count_free(p), 2);
	ports_free(p);
}

static void the_second_port_outlives_the_first(void **state)
{
	struct ports *p = pool(5000, 5001);
	struct ports_token token;

	assert_int_equal(take_pair(p, 0, &token), 5000);
	ports_release(p, 5000);
	assert_int_equal(take(p), 5000);
	assert_int_equal(take(p), 0);
	assert_int_equal(ports_claim(p, &token, PORTS_RESERVED_MS - 1), 5001);
	ports_free(p);
}

static void a_token_is_good_for_30_s(void **state)
{
	for (uint64_t late = 0; late < 2; late++) {
		struct ports *p = pool(5000, 5001);
		uint64_t then = 1000 + PORTS_RESERVED_MS - 1 + late;
		struct ports_token token;

		assert_int_equal(take_pair(p, 1000, &token), 5000);
		assert_int_equal(ports_claim(p, &token, then), late ? 0 : 5001);
		ports_free(p);
	}
}

static void an_unused_reservation_ends(void **state)
{
	struct ports *p = pool(5000, 5003);
	struct ports_token first, second;
	uint16_t a = take_pair(p, 1000, &first);

	assert_int_not_equal(take_pair(p, 1007, &second), 0);
	assert_int_equal(ports_expire(p, 30999), 31000);
	assert_int_equal(ports_count_free(p), 0);
	assert_int_equal(ports_expire(p, 31000), 31007);
	assert_int_equal(take(p), a + 1);
	assert_true(ports_expire(p, 31007) == UINT64_MAX);
	assert_int_equal(ports_count_free(p), 1);
	assert_int_equal(ports_claim(p, &first, 31000), 0);
	ports_cancel(p, &first); /* no harm, also to who has the port now */
	assert_true(is_live(p, (uint16_t)(a + 1)));
	ports_free(p);
}

static void a_token_of_a_stranger_is_worth_nothing(void **state)
{
	struct ports *p = pool(5000, 5099);
	struct ports_token token, forged;

	assert_int_not_equal(take_pair(p, 0, &token), 0);
	for (int bit = 0; bit < PORTS_TOKEN_LEN * 8; bit++) {
		forged = token;
		forged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(ports_claim(p, &forged, 0), 0);
		ports_cancel(p, &forged);
	}
	assert_int_not_equal(ports_claim(p, &token, 0), 0);
	ports_free(p);
}

static void reservations_have_a_limit_that_is_released(void **state)
{
	struct ports_share share = { 5000, 5999, 0, 1, 3 };
	struct ports *p = ports_new(&share);
	struct ports_token token[4];

	for (int i = 0; i < 3; i++)
		assert_int_not_equal(take_pair(p, 0, &token[i]), 0);
	memset(&token[3], 0x5a, sizeof(token[3]));
	assert_int_equal(take_pair(p, 0, &token[3]), 0);
	assert_int_equal(token[3].bytes[0], 0x5a); /* untouched */
	assert_int_equal(ports_count_free(p), 994);
	assert_int_not_equal(ports_claim(p, &token[1], 0), 0);
	assert_int_not_equal(take_pair(p, 0, &token[3]), 0);
	ports_cancel(p, &token[0]);
	assert_int_not_equal(take_pair(p, 0, &token[3]), 0);
	ports_free(p);

	share.reservations_max = 0;
	p = ports_new(&share);
	assert_int_equal(take_pair(p, 0, &token[0]), 0);
	ports_free(p);
}

static void the_same_token_is_not_given_out_twice(void **state)
{
	struct ports *p = pool(5000, 5999);
	static const uint8_t random[PORTS_TOKEN_LEN] = "1234567";
	struct ports_token a, b;

	assert_int_not_equal(ports_take_pair(p, 1, random, 0, &a), 0);
	assert_int_equal(ports_take_pair(p, 1, random, 0, &b), 0);
	assert_int_equal(ports_count_free(p), 998);
	ports_free(p);
}

static void workers_share_a_range_without_overlap(void **state)
{
	static const uint8_t workers[] = { 1, 2, 3, 4, 7, 64, 255 };

	for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
		static uint8_t seen[65536];
		unsigned total = 0;

		memset(seen, 0, sizeof(seen));
		for (unsigned w = 0; w < workers[i]; w++) {
			struct ports_share share = { 1025, 3000, (uint8_t)w, workers[i], 1 };
			struct ports *p = ports_new(&share);
			struct ports_token token;
			uint16_t port;

			if (take_pair(p, 0, &token) != 0) {
				assert_int_equal(ports_token_worker(&token), w);
				port = ports_claim(p, &token, 0);
				ports_release(p, port);
				ports_release(p, (uint16_t)(port - 1));
			}
			while ((port = take(p)) != 0) {
				assert_int_equal(seen[port]++, 0);
				assert_int_equal(ports_worker_of(port, workers[i]), w);
				total++;
			}
			assert_int_equal(is_live(p, 1026), w == ports_worker_of(1026, workers[i]));
			ports_free(p);
		}
		assert_int_equal(total, 3000 - 1025 + 1);
	}
}

static void a_range_smaller_than_the_workers_leaves_some_without(void **state)
{
	struct ports_share share = { 5000, 5003, 0, 4, 1 };

	for (share.worker = 0; share.worker < 4; share.worker++) {
		struct ports *p = ports_new(&share);

		/* Pairs 2500 and 2501: workers 0 and 1. */
		assert_int_equal(ports_count(p), share.worker < 2 ? 2 : 0);
		assert_int_equal(take(p) != 0, share.worker < 2);
		ports_free(p);
	}
}

static void ports_of_others_are_not_live(void **state)
{
	struct ports *p = pool(5001, 5002);

	take(p);
	take(p);
	assert_true(is_live(p, 5001) && is_live(p, 5002));
	assert_false(is_live(p, 5000) || is_live(p, 5003));
	assert_false(is_live(p, 0) || is_live(p, 65535));
	ports_free(p);
}

/* The model: a byte a port, and a list of tokens. */
enum state { FREE, LIVE, RESERVED };

#define MODEL_PORTS  500
#define MODEL_TOKENS 100

struct model {
	enum state port[MODEL_PORTS];
	struct held {
		struct ports_token token;
		uint64_t until;
		uint16_t port; /* 0: this place is empty */
	} held[MODEL_TOKENS];
	uint64_t now;
};

static enum state *of(struct model *m, uint16_t port)
{
	assert_true(port >= 7001 && port < 7001 + MODEL_PORTS);
	return &m->port[port - 7001];
}

static bool has(const struct model *m, bool even, bool pair)
{
	for (int i = 0; i < MODEL_PORTS; i++) {
		if (m->port[i] != FREE || (even && i % 2 == 0))
			continue;
		if (!pair || (i + 1 < MODEL_PORTS && m->port[i + 1] == FREE))
			return true;
	}
	return false;
}

static void model_take(struct model *m, struct ports *p, bool even)
{
	uint16_t port = ports_take(p, even ? PORTS_EVEN : PORTS_ANY, rng_next(&rng));

	assert_int_equal(port != 0, has(m, even, false));
	if (port == 0)
		return;
	assert_true(!even || port % 2 == 0);
	assert_int_equal(*of(m, port), FREE);
	*of(m, port) = LIVE;
}

static void model_pair(struct model *m, struct ports *p)
{
	struct held *h = NULL;
	struct ports_token token;
	uint16_t port;

	for (int i = 0; i < MODEL_TOKENS; i++) {
		if (m->held[i].port == 0)
			h = &m->held[i];
	}
	port = take_pair(p, m->now, &token);
	assert_int_equal(port != 0, h != NULL && has(m, true, true));
	if (port == 0)
		return;
	assert_int_equal(*of(m, port), FREE);
	assert_int_equal(*of(m, (uint16_t)(port + 1)), FREE);
	*of(m, port) = LIVE;
	*of(m, (uint16_t)(port + 1)) = RESERVED;
	*h = (struct held){ token, m->now + 30000, (uint16_t)(port + 1) };
}

static void model_claim(struct model *m, struct ports *p)
{
	struct held *h = &m->held[rng_below(&rng, MODEL_TOKENS)];
	uint16_t port;

	if (h->port == 0)
		return;
	port = ports_claim(p, &h->token, m->now);
	assert_int_equal(port, m->now < h->until ? h->port : 0);
	if (port == 0)
		return;
	*of(m, port) = LIVE;
	h->port = 0;
}

static void model_expire(struct model *m, struct ports *p)
{
	uint64_t next = UINT64_MAX, said;

	m->now += rng_below(&rng, 4000);
	said = ports_expire(p, m->now);
	for (int i = 0; i < MODEL_TOKENS; i++) {
		struct held *h = &m->held[i];

		if (h->port != 0 && h->until <= m->now) {
			*of(m, h->port) = FREE;
			h->port = 0;
		}
		if (h->port != 0 && h->until < next)
			next = h->until;
	}
	assert_true(said == next);
}

static void model_release(struct model *m, struct ports *p)
{
	uint16_t port = (uint16_t)(7001 + rng_below(&rng, MODEL_PORTS));

	assert_int_equal(is_live(p, port), *of(m, port) == LIVE);
	if (*of(m, port) != LIVE)
		return;
	ports_release(p, port);
	*of(m, port) = FREE;
}

static void it_does_what_a_naive_pool_does(void **state)
{
	struct model m = { .now = 1 };
	struct ports *p = pool(7001, 7001 + MODEL_PORTS - 1);

	rng = rng_seed(4);
	for (int i = 0; i < 60000; i++) {
		unsigned n = 0;

		switch (rng_below(&rng, 12)) {
		case 0:
			model_pair(&m, p);
			break;
		case 1:
			model_claim(&m, p);
			break;
		case 2:
			model_expire(&m, p);
			break;
		case 3:
			model_take(&m, p, true);
			break;
		case 4:
		case 5:
			model_take(&m, p, false);
			break;
		default:
			/* Full for a while, then empty for a while. */
			if (i / 5000 % 2 == 1)
				model_release(&m, p);
			else
				model_take(&m, p, false);
		}
		for (int k = 0; k < MODEL_PORTS; k++)
			n += m.port[k] == FREE;
		assert_int_equal(ports_count_free(p), n);
	}
	ports_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_range_says_so),
		cmocka_unit_test(ranges_of_any_edge_hold_what_is_in_them),
		cmocka_unit_test(picks_are_uniform_over_the_range),
		cmocka_unit_test(picks_are_uniform_over_what_is_left),
		cmocka_unit_test(even_ports_and_pairs_are_uniform_as_well),
		cmocka_unit_test(all_randomness_gives_a_port),
		cmocka_unit_test(a_pair_holds_its_second_port),
		cmocka_unit_test(the_second_port_outlives_the_first),
		cmocka_unit_test(a_token_is_good_for_30_s),
		cmocka_unit_test(an_unused_reservation_ends),
		cmocka_unit_test(a_token_of_a_stranger_is_worth_nothing),
		cmocka_unit_test(reservations_have_a_limit_that_is_released),
		cmocka_unit_test(the_same_token_is_not_given_out_twice),
		cmocka_unit_test(workers_share_a_range_without_overlap),
		cmocka_unit_test(a_range_smaller_than_the_workers_leaves_some_without),
		cmocka_unit_test(ports_of_others_are_not_live),
		cmocka_unit_test(it_does_what_a_naive_pool_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
