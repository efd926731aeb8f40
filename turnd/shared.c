#include "shared.h"

#include <stdatomic.h>
#include <stdlib.h>

struct shared {
	atomic_uint holders;
	void *thing;
	void (*free_thing)(void *thing);
};

struct shared *shared_new(void *thing, void (*free_thing)(void *thing))
{
	struct shared *s = malloc(sizeof(*s));

	if (s == NULL) {
		free_thing(thing);
		return NULL;
	}
	atomic_init(&s->holders, 1);
	s->thing = thing;
	s->free_thing = free_thing;
	return s;
}

struct shared *shared_retain(struct shared *s)
{
	if (s != NULL)
		atomic_fetch_add(&s->holders, 1);
	return s;
}

void shared_release(struct shared *s)
{
	if (s == NULL || atomic_fetch_sub(&s->holders, 1) != 1)
		return;
	s->free_thing(s->thing);
	free(s);
}
