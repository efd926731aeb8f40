/* parting: two programs begin at one moment, and none of them hears a word of ours. */
#include "natprobe/pair/parting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "rng.h"

#define MS          1000u
#define IN_FLIGHT   64
#define LONGEST_US  (20000 * MS)
#define GUARD_STEPS 10000

struct packet {
	uint64_t at_us; /* 0: none */
	int to;
	size_t len;
	uint8_t data[PARTING_BYTES_MAX];
};

struct side {
	struct parting p;
	uint64_t begins_us, over_us; /* over: its program has the socket */
	bool is_begun, is_over;
};

struct world {
	struct side sides[2]; /* A, B */
	struct packet packets[IN_FLIGHT];
	uint64_t now_us, delay_us[2]; /* to A, to B */
	uint32_t loss;                /* of 100 */
	struct rng rng;
	int late; /* that met a program */
};

static const uint8_t key[PARTING_KEY_LEN] = { 1, 2, 3 };

static struct parting_config config_of(bool is_a, uint32_t rtt_us)
{
	struct parting_config c = { .is_a = is_a, .rtt_us = rtt_us };

	memcpy(c.key, key, sizeof(key));
	return c;
}

static void send_to(struct world *w, int to, struct bytes data)
{
	struct packet *free_one = NULL;

	if (rng_below(&w->rng, 100) < w->loss)
		return;
	for (size_t i = 0; i < IN_FLIGHT && free_one == NULL; i++) {
		if (w->packets[i].at_us == 0)
			free_one = &w->packets[i];
	}
	assert_non_null(free_one);
	free_one->at_us = w->now_us + w->delay_us[to];
	free_one->to = to;
	free_one->len = data.len;
	memcpy(free_one->data, data.data, data.len);
}

static void deliver(struct world *w)
{
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		struct packet *k = &w->packets[i];
		struct side *s = &w->sides[k->to];

		if (k->at_us == 0 || k->at_us > w->now_us)
			continue;
		k->at_us = 0;
		if (s->is_over)
			w->late++;
		else if (s->is_begun)
			(void)parting_hear(&s->p, bytes_of(k->data, k->len), w->now_us);
	}
}

static uint64_t drive(struct world *w, int i, const struct parting_config *c)
{
	struct side *s = &w->sides[i];
	uint8_t buf[PARTING_BYTES_MAX];
	uint64_t deadline_us = UINT64_MAX;
	struct bytes data;

	if (s->is_over)
		return UINT64_MAX;
	if (w->now_us < s->begins_us)
		return s->begins_us;
	if (!s->is_begun)
		parting_start(&s->p, c, w->now_us);
	s->is_begun = true;
	do {
		data = parting_next(&s->p, w->now_us, buf, &deadline_us);
		if (data.len > 0)
			send_to(w, 1 - i, data);
	} while (data.len > 0);
	if (s->p.phase == PARTING_OVER) {
		s->is_over = true;
		s->over_us = w->now_us;
	}
	return deadline_us;
}

static void run(struct world *w, const struct parting_config *a, const struct parting_config *b)
{
	w->now_us = 1;
	for (int step = 0; step < GUARD_STEPS && w->now_us < LONGEST_US; step++) {
		uint64_t next_us = UINT64_MAX;

		deliver(w);
		for (int i = 0; i < 2; i++) {
			uint64_t at_us = drive(w, i, i == 0 ? a : b);

			next_us = at_us < next_us ? at_us : next_us;
		}
		for (size_t i = 0; i < IN_FLIGHT; i++) {
			uint64_t at_us = w->packets[i].at_us;

			next_us = at_us != 0 && at_us < next_us ? at_us : next_us;
		}
		if (next_us == UINT64_MAX)
			return;
		assert_true(next_us > w->now_us || w->sides[0].is_over || w->sides[1].is_over);
		w->now_us = next_us;
	}
	fail_msg("it does not end");
}

static uint64_t apart(const struct world *w)
{
	uint64_t a_us = w->sides[0].over_us, b_us = w->sides[1].over_us;

	return a_us > b_us ? a_us - b_us : b_us - a_us;
}

static void test_both_begin_within_a_round_trip(void **state)
{
	static const struct {
		uint32_t to_a_ms, to_b_ms, skew_ms, guess_ms;
	} cases[] = {
		{ 1, 1, 0, 2 },       { 20, 20, 0, 40 },     { 20, 20, 700, 40 },
		{ 5, 95, 30, 100 },   { 95, 5, 30, 100 },    { 300, 300, 0, 600 },
		{ 300, 300, 0, 100 }, { 500, 500, 0, 1000 }, { 20, 20, 3000, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int first = 0; first < 2; first++) {
			uint32_t guess_us = cases[i].guess_ms * MS;
			struct parting_config a = config_of(true, guess_us);
			struct parting_config b = config_of(false, guess_us);
			struct world w = { .delay_us = { cases[i].to_a_ms * MS,
							 cases[i].to_b_ms * MS } };
			uint64_t rtt_us = w.delay_us[0] + w.delay_us[1];

			b.serves = true;
			w.sides[first].begins_us = cases[i].skew_ms * MS;
			run(&w, &a, &b);
			assert_true(apart(&w) <= rtt_us);
			assert_int_equal(w.late, 0);
			assert_true(w.sides[0].p.is_heard && w.sides[1].p.is_heard);
			assert_true(w.sides[0].p.they_serve && !w.sides[1].p.they_serve);
		}
	}
}

/* What is left: a question in the program of A, who took six lost rounds for a good-bye. */
static void test_loss_is_survived(void **state)
{
	int late = 0, alone = 0;

	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct parting_config a = config_of(true, 40 * MS), b = config_of(false, 40 * MS);
		struct world w = { .delay_us = { 20 * MS, 20 * MS }, .loss = 10 };

		w.rng = rng_seed(seed);
		run(&w, &a, &b);
		late += w.late;
		alone += !w.sides[0].p.is_heard || !w.sides[1].p.is_heard;
		assert_true(apart(&w) <= 1000 * MS);
	}
	assert_true(late <= 3);
	assert_int_equal(alone, 0);
}

static void test_nobody_is_waited_for_for_ever(void **state)
{
	for (int is_a = 0; is_a < 2; is_a++) {
		struct parting_config c = config_of(is_a, 0);
		struct parting p;
		uint8_t buf[PARTING_BYTES_MAX];
		uint64_t now_us = 5;
		int sent = 0;

		parting_start(&p, &c, now_us);
		while (p.phase != PARTING_OVER) {
			uint64_t deadline_us;

			if (parting_next(&p, now_us, buf, &deadline_us).len > 0)
				sent++;
			else if (p.phase != PARTING_OVER)
				now_us = deadline_us;
		}
		assert_true(p.is_starved && !p.is_heard);
		assert_int_equal(now_us, 5 + PARTING_LIMIT_US);
		assert_int_equal(sent > 0, is_a == 0);
		assert_true(sent < 60);
	}
}

static struct bytes first_word(struct parting *p, const struct parting_config *c,
			       uint8_t buf[static PARTING_BYTES_MAX])
{
	uint64_t deadline_us;

	parting_start(p, c, 1);
	return parting_next(p, 1, buf, &deadline_us);
}

static void test_strangers_are_not_believed(void **state)
{
	const struct parting_config ca = config_of(true, 40 * MS), cb = config_of(false, 40 * MS);
	struct parting_config foreign = cb;
	struct parting a, b, stranger;
	uint8_t buf[PARTING_BYTES_MAX], other[PARTING_BYTES_MAX];
	uint64_t deadline_us;
	struct bytes ask, strange;

	foreign.key[0] ^= 1;
	parting_start(&a, &ca, 1);
	strange = first_word(&stranger, &foreign, other);
	ask = first_word(&b, &cb, buf);
	assert_int_equal(parting_hear(&a, strange, 2), PARTING_FOREIGN);
	assert_int_equal(parting_hear(&a, bytes_of_str("no STUN at all"), 2), PARTING_FOREIGN);
	assert_int_equal(a.phase, PARTING_TALKS);
	assert_false(a.is_heard);
	assert_int_equal(parting_hear(&b, ask, 2), PARTING_FOREIGN); /* our own, come back */
	assert_int_equal(b.phase, PARTING_TALKS);
	for (size_t at = 0; at < ask.len; at++) {
		buf[at] ^= 0x10;
		assert_int_equal(parting_hear(&a, ask, 2), PARTING_FOREIGN);
		buf[at] ^= 0x10;
	}
	assert_false(a.is_heard);
	assert_int_equal(parting_hear(&a, ask, 2), PARTING_OURS);
	assert_true(parting_next(&a, 3, other, &deadline_us).len > 0);
	/* A word of their program: they are through. */
	assert_int_equal(parting_hear(&a, bytes_of_str("hello"), 4), PARTING_FOREIGN);
	assert_int_equal(a.phase, PARTING_OVER);
	assert_false(a.is_starved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_begin_within_a_round_trip),
		cmocka_unit_test(test_loss_is_survived),
		cmocka_unit_test(test_nobody_is_waited_for_for_ever),
		cmocka_unit_test(test_strangers_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
