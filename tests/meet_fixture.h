/* meet_fixture - the meet_kit of a cmocka test, and what holds of two that have met. */
#ifndef TESTS_MEET_FIXTURE_H
#define TESTS_MEET_FIXTURE_H

#include "meet_kit.h"

/* There is one; close_kit, a teardown, copes with what was never opened. */
struct meet_kit *open_kit(uint64_t seed);
int close_kit(void **state);

const struct meet_kit_party *party(int i);

/* Both are ready, one of them is A, and each key that they derive is of both and of one purpose. */
void assert_met(int a, int b);

#endif
