/* sim_deep_parts - what the parts of sim_deep share; only sim_deep*.c include this. */
#ifndef NATKIT_SIM_DEEP_PARTS_H
#define NATKIT_SIM_DEEP_PARTS_H

#include "sim_deep.h"
#include "sim_parts.h"
#include "stund/coop_server.h"

#define SIM_DEEP_SENDS_MAX 16384 /* whose times are kept */

struct sim_deep {
	struct sim_world world; /* the first: packets find their way back by it */
	const struct sim_deep_config *config;
	struct sim_deep_result *result;
	struct deep *deep;
	uint64_t deadline_us;
	bool is_awake;
	struct addr slots[DEEP_SLOTS_MAX]; /* family ADDR_NONE: closed */
	unsigned open;
	uint64_t sends_us[SIM_DEEP_SENDS_MAX];

	struct coop *coop;
	struct coop_token_key key;
	struct stun_site site;
	struct addr plain; /* its endpoint on a low port */
};

/* Lets the diagnosis do what it wants to do now. */
void sim_deep_host_run(struct sim_deep *s);
void sim_deep_host_on_packet(struct sim_deep *s, struct bytes packet);

void sim_deep_server_start(struct sim_deep *s);
void sim_deep_server_end(struct sim_deep *s);
void sim_deep_server_on_packet(struct sim_world *w, struct bytes packet);
/* Does what is due by now, and says when it wants to be asked again. */
void sim_deep_server_run(struct sim_deep *s);
uint64_t sim_deep_server_deadline_us(const struct sim_deep *s);

#endif
