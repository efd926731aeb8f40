#include "floor.h"

#include <assert.h>
#include <stdlib.h>

struct member {
	uint64_t ticket; /* lower ones came earlier; 0: does not want the floor */
	uint8_t group;
	bool has;
};

struct floor {
	struct member *members;
	size_t count, cap;
	uint64_t last_ticket;
};

struct floor *floor_new(size_t cap)
{
	struct floor *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->members = calloc(cap + 1, sizeof(*f->members));
	f->cap = cap;
	if (f->members == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void floor_free(struct floor *f)
{
	if (f == NULL)
		return;
	free(f->members);
	free(f);
}

size_t floor_add(struct floor *f, uint8_t group)
{
	assert(f->count < f->cap);
	f->members[f->count] = (struct member){ .group = group };
	return f->count++;
}

/* Gives the floor of a group to who waits longest, unless somebody has it. */
static size_t pass_on(struct floor *f, uint8_t group)
{
	size_t first = FLOOR_NOBODY;

	for (size_t i = 0; i < f->count; i++) {
		const struct member *m = &f->members[i];

		if (m->group != group)
			continue;
		if (m->has)
			return FLOOR_NOBODY;
		if (m->ticket != 0 &&
		    (first == FLOOR_NOBODY || m->ticket < f->members[first].ticket))
			first = i;
	}
	if (first != FLOOR_NOBODY)
		f->members[first].has = true;
	return first;
}

size_t floor_want(struct floor *f, size_t member, bool wants)
{
	struct member *m = &f->members[member];

	assert(member < f->count);
	if (wants == (m->ticket != 0))
		return FLOOR_NOBODY;
	m->ticket = wants ? ++f->last_ticket : 0;
	m->has = false;
	return pass_on(f, m->group);
}

bool floor_has(const struct floor *f, size_t member)
{
	assert(member < f->count);
	return f->members[member].has;
}

bool floor_is_wanted(const struct floor *f, size_t member)
{
	assert(member < f->count);
	for (size_t i = 0; i < f->count; i++) {
		if (f->members[i].group == f->members[member].group && f->members[i].ticket != 0)
			return true;
	}
	return false;
}
