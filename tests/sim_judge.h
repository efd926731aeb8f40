/*
 * sim_judge - discoveries in sim_world, and whether what came of them is right: for the tests
 * of discover.
 */
#ifndef NATKIT_SIM_JUDGE_H
#define NATKIT_SIM_JUDGE_H

#include "sim_world.h"

#define SIM_BUDGET 120 /* datagrams of one discovery at most */

extern const enum verdict_behaviour sim_mappings[5];
extern const enum verdict_behaviour sim_filterings[4];

/* A home router in front of one honest server: the others differ from it in something. */
extern const struct sim_config sim_home;

/* Whatever the world: a discovery ends, keeps to its budget, and leaves nothing open. */
struct sim_result sim_judge(const struct sim_config *config);

/* Every value is what the NAT is. */
bool sim_is_exact(const struct sim_config *c, const struct sim_result *r);
/* Some value is not what the NAT is, and not unknown either. */
bool sim_is_wrong(const struct sim_config *c, const struct sim_result *r);
/* Fails the test, and tells the world and the verdict. */
void sim_fail(const struct sim_config *c, const struct sim_result *r);

const char *sim_mapping_word(const struct sim_result *r);
const char *sim_filtering_word(const struct sim_result *r);
const char *sim_filtering_cause(const struct sim_result *r);

#endif
