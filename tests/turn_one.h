/* turn_one - one client at one worker of a rig, and what it asks for; for cmocka. */
#ifndef NATKIT_TURN_ONE_H
#define NATKIT_TURN_ONE_H

#include "turn_story.h"

/* Of the story that is told. */
extern struct rig r;
extern struct rig_client c;

/* For cmocka: nothing has begun, and nonces live for a day; nothing is left. */
int one_begin(void **state);
int one_end(void **state);

/* Returns as story_allocate. */
uint16_t one_allocate(struct story_allocate how);

/* The client's allocation, which is there. */
const struct alloc *one_alloc(void);

/* Ports of the first worker that are free, of that relay address. */
size_t one_ports_free(size_t relay);

#endif
