/*
 * turnd_kit - one turnd on a rig with one client, for tests of what it does with a message.
 */
#ifndef NATKIT_TURND_KIT_H
#define NATKIT_TURND_KIT_H

#include "turnd_rig.h"

extern struct rig r;
extern struct rig_client c;

/* Before and after each test: a rig to be changed; and nothing is left of it. */
int prepare(void **state);
int stop(void **state);

/* From here on the rig is as it is, and the client is at port 4000. */
void start(void);

/* Asks without anything that a method needs. As rig_ask. */
uint16_t ask(struct rig_client *who, uint16_t method);

/* The client has a connection, of that transport. */
extern int link_of_a_client;
#define LINK ((void *)&link_of_a_client)
void over(uint8_t transport);

/* What the client has built, whole. */
struct bytes built(void);

/* The last answer has an attribute of that type. */
bool has(uint16_t type);

/* Of the first worker. */
const struct turnd_stats *stats(void);
uint64_t dropped(enum stats_drop why);
uint64_t refused(uint16_t code);

#endif
