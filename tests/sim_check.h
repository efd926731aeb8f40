/*
 * sim_check - discoveries behind one box in sim_net, and whether what came of them is right: for
 * the tests of discover.
 */
#ifndef NATKIT_SIM_CHECK_H
#define NATKIT_SIM_CHECK_H

#include "sim_net.h"

/* One box, and the network around it: the profile is made of the box when it runs. */
struct sim_case {
	struct sim_config net;
	struct nat_config box; /* externals and gateway are those of its family, if it has none */
	bool ipv6;
};

extern const uint8_t sim_mappings[5]; /* enum nat_rule */
extern const uint8_t sim_filterings[4];

/* A home router in front of one honest server: the others differ from it in something. */
extern const struct sim_case sim_home;

/* Whatever the world: a discovery ends, keeps to its budget, and leaves nothing open. */
struct sim_result sim_check(const struct sim_case *c);

/* Every value is what the NAT is. */
bool sim_is_exact(const struct sim_case *c, const struct sim_result *r);
/* Some value is not what the NAT is, and not unknown either. */
bool sim_is_wrong(const struct sim_case *c, const struct sim_result *r);
/* Fails the test, and tells the world and the verdict. */
void sim_fail(const struct sim_case *c, const struct sim_result *r);

/* How long it may take where nothing is lost, as discover.h says it. */
uint64_t sim_promised_us(const struct sim_case *c, const struct sim_result *r);

/* What a rule is called in a verdict. */
enum verdict_behaviour sim_behaviour(uint8_t rule);

const char *sim_mapping_word(const struct sim_result *r);
const char *sim_filtering_word(const struct sim_result *r);
const char *sim_filtering_cause(const struct sim_result *r);

#endif
