/* trial_fixture - results of trials as punch tells them, for tests of what is made of them. */
#ifndef TESTS_TRIAL_FIXTURE_H
#define TESTS_TRIAL_FIXTURE_H

#include "natprobe/trial/trial_record.h"

/* A home router (A) and a NAT by lot (B), of which we are `is_a`. */
struct trial_run fixture_run(bool is_a);

/* A path at once; one that a birthday search made; none; one through the relay. */
void fixture_add_simultaneous(struct trial_run *run, uint32_t to_path_us);
void fixture_add_birthday(struct trial_run *run);
void fixture_add_failure(struct trial_run *run);
void fixture_add_relayed(struct trial_run *run);

/* One of each. */
struct trial_run fixture_trials(void);

#endif
