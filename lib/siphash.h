/*
 * siphash - a keyed hash for tables that strangers fill (Aumasson and Bernstein, 2012).
 *
 * Fed by words: a message of n bytes is n / 8 little-endian words, then one more with the
 * bytes that are left, and n in its highest byte. SipHash-c-d does c rounds a word and d
 * at the end: 2-4 is the authors' choice, 1-3 enough where nobody sees the hash.
 */
#ifndef NATKIT_SIPHASH_H
#define NATKIT_SIPHASH_H

#include <stdint.h>

struct siphash {
	uint64_t v[4];
};

static inline uint64_t siphash_load_le64(const uint8_t p[static 8])
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static inline uint64_t siphash_rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline void siphash_rounds(struct siphash *s, int count)
{
	uint64_t *v = s->v;

	for (int i = 0; i < count; i++) {
		v[0] += v[1];
		v[1] = siphash_rotl(v[1], 13) ^ v[0];
		v[0] = siphash_rotl(v[0], 32);
		v[2] += v[3];
		v[3] = siphash_rotl(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = siphash_rotl(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = siphash_rotl(v[1], 17) ^ v[2];
		v[2] = siphash_rotl(v[2], 32);
	}
}

static inline struct siphash siphash_start(const uint8_t key[static 16])
{
	uint64_t k0 = siphash_load_le64(key);
	uint64_t k1 = siphash_load_le64(key + 8);

	return (struct siphash){ .v = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
					k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u } };
}

static inline void siphash_word(struct siphash *s, uint64_t word, int rounds)
{
	s->v[3] ^= word;
	siphash_rounds(s, rounds);
	s->v[0] ^= word;
}

static inline uint64_t siphash_end(struct siphash *s, int rounds)
{
	s->v[2] ^= 0xff;
	siphash_rounds(s, rounds);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

#endif
