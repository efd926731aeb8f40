/*
 * rng - repeatable random numbers for tests (SplitMix64). The same seed gives the same run
 * everywhere; never for anything that must be secret.
 */
#ifndef NATKIT_TEST_RNG_H
#define NATKIT_TEST_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline struct rng rng_seed(uint64_t seed)
{
	return (struct rng){ .state = seed };
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A number below `limit`, which is not 0. */
static inline uint32_t rng_below(struct rng *r, uint32_t limit)
{
	return (uint32_t)((rng_next(r) >> 32) * limit >> 32);
}

static inline void rng_fill(struct rng *r, void *to, size_t len)
{
	uint8_t *p = to;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_next(r);
}

#endif
