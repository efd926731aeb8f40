/*
 * sim_expect - what a test says of a diagnosis in sim_net, in the words of an expectation file.
 */
#ifndef NATKIT_SIM_EXPECT_H
#define NATKIT_SIM_EXPECT_H

#include "natprobe/report/expect.h"
#include "sim_net.h"

#define SIM_EXPECT_SEEDS 5

/* A profile of its own for a test: the one of that name, to be changed. */
struct nat_profile sim_profile(const char *name);

/*
 * Runs `c` with SIM_EXPECT_SEEDS seeds from c->seed on. Fails the test, naming `c` and the line,
 * where one line is not met by a verdict, or a run does not end or breaks its budget.
 */
void sim_expect(const struct sim_config *c, const char *lines);

/* No line is missed; values may be unknown. Returns how many are, of all. */
double sim_expect_none_wrong(const struct sim_config *c, const char *lines, unsigned seeds);

/* The same for the truth of the profile. */
void sim_expect_truth(const struct sim_config *c);

/* A verdict of one run, with the checks of sim_expect. */
struct verdict sim_verdict(const struct sim_config *c);

#endif
