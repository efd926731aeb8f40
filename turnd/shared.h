/*
 * shared - something that several hold, and the last one frees. From any thread.
 */
#ifndef NATKIT_TURND_SHARED_H
#define NATKIT_TURND_SHARED_H

struct shared;

/* Takes `thing` over; returns NULL when memory runs out: then it is freed at once. */
struct shared *shared_new(void *thing, void (*free_thing)(void *thing));

struct shared *shared_retain(struct shared *s); /* NULL is fine, and stays NULL */
void shared_release(struct shared *s);          /* NULL is fine */

#endif
