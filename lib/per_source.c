#include "per_source.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct place {
	struct addr source;
	uint32_t count; /* 0: empty */
};

/* Open addressing, at most half full. */
struct per_source {
	size_t mask;
	size_t total, alive;
	uint32_t most;
	uint8_t key[16];
	pthread_mutex_t lock; /* guards alive and places */
	struct place places[];
};

struct per_source *per_source_new(size_t total, uint32_t most, const uint8_t key[static 16])
{
	size_t places = 2;
	struct per_source *p;

	while (places < 2 * total)
		places *= 2;
	p = calloc(1, sizeof(*p) + places * sizeof(p->places[0]));
	if (p == NULL)
		return NULL;
	p->mask = places - 1;
	p->total = total;
	p->most = most;
	memcpy(p->key, key, sizeof(p->key));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void per_source_free(struct per_source *p)
{
	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct addr source_of(const struct addr *from)
{
	struct addr source = addr_with_port(from, 0);

	if (source.family == ADDR_IPV6)
		memset(source.ip + 8, 0, 8);
	return source;
}

static size_t home_of(const struct per_source *p, const struct addr *source)
{
	return (size_t)addr_hash(source, p->key) & p->mask;
}

/* The place of a source, or the empty one where it would go. */
static size_t place_of(const struct per_source *p, const struct addr *source)
{
	size_t i = home_of(p, source);

	while (p->places[i].count > 0 && !addr_equal(&p->places[i].source, source))
		i = (i + 1) & p->mask;
	return i;
}

/* With the lock held. */
static enum per_source_result add(struct per_source *p, const struct addr *source)
{
	struct place *at = &p->places[place_of(p, source)];

	if (p->alive >= p->total)
		return PER_SOURCE_FULL;
	if (at->count >= p->most)
		return PER_SOURCE_MOST;
	at->source = *source;
	at->count++;
	p->alive++;
	return PER_SOURCE_OK;
}

enum per_source_result per_source_add(struct per_source *p, const struct addr *from)
{
	struct addr source = source_of(from);
	enum per_source_result result;

	pthread_mutex_lock(&p->lock);
	result = add(p, &source);
	pthread_mutex_unlock(&p->lock);
	return result;
}

size_t per_source_alive(struct per_source *p)
{
	size_t alive;

	pthread_mutex_lock(&p->lock);
	alive = p->alive;
	pthread_mutex_unlock(&p->lock);
	return alive;
}

/* Moves later entries up, so that no search ends at the hole before it finds them. */
static void close_gap(struct per_source *p, size_t hole)
{
	for (size_t i = (hole + 1) & p->mask; p->places[i].count > 0; i = (i + 1) & p->mask) {
		size_t home = home_of(p, &p->places[i].source);

		if (((i - home) & p->mask) < ((i - hole) & p->mask))
			continue; /* its home lies behind the hole */
		p->places[hole] = p->places[i];
		p->places[i].count = 0;
		hole = i;
	}
}

void per_source_remove(struct per_source *p, const struct addr *from)
{
	struct addr source = source_of(from);

	pthread_mutex_lock(&p->lock);
	size_t i = place_of(p, &source);
	assert(p->places[i].count > 0);
	p->alive--;
	if (--p->places[i].count == 0)
		close_gap(p, i);
	pthread_mutex_unlock(&p->lock);
}
