/*
 * port_cases - boxes with a known rule, for the test of allocation and its long run
 * (tests/bench/ports).
 */
#ifndef NATKIT_PORT_CASES_H
#define NATKIT_PORT_CASES_H

#include "tests/port_box.h"

struct port_case {
	const char *why;
	struct port_box_config box;
	uint8_t delta; /* the truth */
	int32_t value;
	uint8_t parity;
	uint8_t contiguity;
};

extern const struct port_case port_cases[];
extern const size_t port_case_count;

/* What became of many runs. */
struct port_score {
	unsigned runs, wrong, unknown, parity_unknown, samples;
	double claimed;                    /* errors, added up */
	double predicted, predicted_first; /* chances, added up */
	unsigned hits, hits_first;         /* predictions that came true */
};

void port_case_run(const struct port_case *c, uint64_t seed, double error_max,
		   struct port_score *s);

#endif
