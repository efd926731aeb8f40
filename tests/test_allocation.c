/* allocation: the ports of fresh sockets in, the rule of a NAT and a prediction out. */
#include "natprobe/allocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/port_box.h"
#include "wire.h"

#define ERROR_MAX 2e-4

static const struct {
	const char *why;
	struct port_box_config box;
	uint8_t delta; /* the truth */
	int32_t value;
	uint8_t parity; /* VERDICT_UNKNOWN: not looked at */
	uint8_t contiguity;
} rules[] = {
	{ "equal", { .rule = PORT_EQUAL }, DELTA_EQUAL, 0, VERDICT_YES, VERDICT_YES },
	{ "equal, 10 % loss",
	  { .rule = PORT_EQUAL, .loss = 0.1 },
	  DELTA_EQUAL,
	  0,
	  VERDICT_YES,
	  VERDICT_YES },
	{ "equal, 40 % overload",
	  { .rule = PORT_EQUAL, .overload = 0.4 },
	  DELTA_EQUAL,
	  0,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "equal, 60 % overload and loss",
	  { .rule = PORT_EQUAL, .overload = 0.6, .loss = 0.1 },
	  DELTA_EQUAL,
	  0,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "offset 1000",
	  { .rule = PORT_OFFSET, .value = 1000 },
	  DELTA_PRESERVING,
	  1000,
	  VERDICT_YES,
	  VERDICT_YES },
	{ "offset -20001",
	  { .rule = PORT_OFFSET, .value = -20001 },
	  DELTA_PRESERVING,
	  -20001,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1",
	  { .rule = PORT_COUNTER, .value = 1 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "-1",
	  { .rule = PORT_COUNTER, .value = -1 },
	  DELTA_INDEPENDENT,
	  -1,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "+1, 10 % loss",
	  { .rule = PORT_COUNTER, .value = 1, .loss = 0.1 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1, others 5/s",
	  { .rule = PORT_COUNTER, .value = 1, .background_per_s = 5 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1, others 20/s, 10 % loss",
	  { .rule = PORT_COUNTER, .value = 1, .background_per_s = 20, .loss = 0.1 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "-2, others 20/s, 10 % loss",
	  { .rule = PORT_COUNTER, .value = -2, .background_per_s = 20, .loss = 0.1 },
	  DELTA_INDEPENDENT,
	  -2,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "+7",
	  { .rule = PORT_COUNTER, .value = 7 },
	  DELTA_INDEPENDENT,
	  7,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "-300",
	  { .rule = PORT_COUNTER, .value = -300 },
	  DELTA_INDEPENDENT,
	  -300,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "+1 in a block of 64",
	  { .rule = PORT_COUNTER, .value = 1, .block = 64 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1 in a block of 1000, others",
	  { .rule = PORT_COUNTER, .value = 1, .block = 1000, .background_per_s = 5, .loss = 0.05 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1, swaps 10 %",
	  { .rule = PORT_COUNTER, .value = 1, .swap = 0.1 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "-1, swaps 50 %",
	  { .rule = PORT_COUNTER, .value = -1, .swap = 0.5 },
	  DELTA_INDEPENDENT,
	  -1,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "+1, shuffled",
	  { .rule = PORT_COUNTER, .value = 1, .shuffles = true },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1 by address",
	  { .rule = PORT_COUNTER_BY_ADDRESS, .value = 1, .addresses = 2 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+1, two addresses",
	  { .rule = PORT_COUNTER, .value = 1, .addresses = 2 },
	  DELTA_INDEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "+2 keeping parity",
	  { .rule = PORT_PARITY_COUNTER, .value = 2 },
	  DELTA_INDEPENDENT,
	  2,
	  VERDICT_YES,
	  VERDICT_NO },
	{ "+2 keeping parity, others, loss",
	  { .rule = PORT_PARITY_COUNTER, .value = 2, .background_per_s = 5, .loss = 0.1 },
	  DELTA_INDEPENDENT,
	  2,
	  VERDICT_YES,
	  VERDICT_NO },
	{ "+2 by parity",
	  { .rule = PORT_COUNTER_BY_PARITY, .value = 2 },
	  DELTA_INDEPENDENT,
	  2,
	  VERDICT_YES,
	  VERDICT_NO },
	{ "dependent +1",
	  { .rule = PORT_DEPENDENT, .value = 1 },
	  DELTA_DEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "dependent +1, 10 % loss",
	  { .rule = PORT_DEPENDENT, .value = 1, .loss = 0.1 },
	  DELTA_DEPENDENT,
	  1,
	  VERDICT_NO,
	  VERDICT_YES },
	{ "dependent -3",
	  { .rule = PORT_DEPENDENT, .value = -3 },
	  DELTA_DEPENDENT,
	  -3,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "random", { .rule = PORT_RANDOM }, DELTA_RANDOM, 0, VERDICT_NO, VERDICT_NO },
	{ "random, 10 % loss",
	  { .rule = PORT_RANDOM, .loss = 0.1 },
	  DELTA_RANDOM,
	  0,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "random in a block of 64",
	  { .rule = PORT_RANDOM, .block = 64 },
	  DELTA_RANDOM,
	  0,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "random in a block of 512",
	  { .rule = PORT_RANDOM, .block = 512, .loss = 0.1 },
	  DELTA_RANDOM,
	  0,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "random in a block of 2048",
	  { .rule = PORT_RANDOM, .block = 2048 },
	  DELTA_RANDOM,
	  0,
	  VERDICT_NO,
	  VERDICT_NO },
	{ "random, parity kept",
	  { .rule = PORT_PARITY_RANDOM },
	  DELTA_RANDOM,
	  0,
	  VERDICT_YES,
	  VERDICT_NO },
	{ "random, two addresses",
	  { .rule = PORT_RANDOM, .addresses = 2 },
	  DELTA_RANDOM,
	  0,
	  VERDICT_NO,
	  VERDICT_NO },
};

struct score {
	unsigned wrong, unknown, runs;
	double claimed; /* errors, added up */
	double samples;
	double predicted, hits;
};

static bool prediction_hits(const struct port_run *run)
{
	uint16_t base = run->prediction.follows_local ? run->next_local : run->last_external;

	for (size_t i = 0; i < run->prediction.count; i++) {
		if ((uint16_t)(base + run->prediction.candidates[i].offset) == run->next_external)
			return true;
	}
	return false;
}

static void add_run(struct score *s, size_t rule, uint64_t seed)
{
	struct port_run run;

	port_box_run(&rules[rule].box, seed, ERROR_MAX, &run);
	s->runs++;
	s->samples += (double)run.count;
	if (run.ports.delta == DELTA_UNKNOWN) {
		s->unknown++;
		return;
	}
	s->claimed += run.ports.error;
	s->wrong += run.ports.delta != rules[rule].delta || run.ports.value != rules[rule].value ||
		    run.ports.parity.value != rules[rule].parity ||
		    run.ports.contiguity.value != rules[rule].contiguity;
	if (run.prediction.count > 0) {
		s->predicted += run.prediction.chance;
		s->hits += prediction_hits(&run);
	}
}

static void each_rule_is_found(void **state)
{
	for (size_t r = 0; r < ARRAY_LEN(rules); r++) {
		struct score s = { 0 };

		for (unsigned i = 0; i < 100; i++)
			add_run(&s, r, 1000 * r + i);
		print_message("%-34s wrong %u unknown %u of %u, claimed %.3g, samples %.1f, "
			      "predicted %.3f hit %.3f\n",
			      rules[r].why, s.wrong, s.unknown, s.runs, s.claimed,
			      s.samples / s.runs, s.predicted / s.runs, (double)s.hits / s.runs);
		if (s.wrong > 0 || s.unknown > 10)
			fail_msg("%s: %u wrong, %u unknown", rules[r].why, s.wrong, s.unknown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
