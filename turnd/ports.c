#include "ports.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

/*
 * A port of the share has a slot: twice the index of its pair, plus one for the odd one. A bit a
 * slot says whether it is free. To find the n-th free port, blocks of words are counted, then
 * words, then bits: three short walks that do not depend on how many are free.
 */
#define WORD_BITS   64
#define BLOCK_WORDS 32
#define EVEN_SLOTS  0x5555555555555555u

/* Also counted: even ports whose neighbour is free as well. */
enum kind { ANY = PORTS_ANY, EVEN = PORTS_EVEN, PAIR, KINDS };

struct block {
	uint16_t fit[KINDS];
};

struct reservation {
	struct list link; /* in waiting, the oldest first, or in unused */
	uint64_t until_ms;
	struct ports_token token;
	uint16_t port;
};

struct ports {
	struct ports_share share;
	uint16_t first_pair; /* the first port of the share, halved */
	uint32_t words;
	uint32_t count, fit[KINDS];
	uint64_t *free;
	_Atomic uint64_t *live, *streams;
	struct block *blocks;
	struct reservation *reservations;
	struct list waiting, unused;
};

static uint64_t fitting(uint64_t free, enum kind kind)
{
	switch (kind) {
	case EVEN:
		return free & EVEN_SLOTS;
	case PAIR:
		return free & free >> 1 & EVEN_SLOTS;
	default:
		return free;
	}
}

static uint32_t count_bits(uint64_t word)
{
	return (uint32_t)__builtin_popcountll(word);
}

static void set_word(struct ports *p, uint32_t at, uint64_t free)
{
	struct block *b = &p->blocks[at / BLOCK_WORDS];

	for (enum kind k = ANY; k < KINDS; k++) {
		uint32_t before = count_bits(fitting(p->free[at], k));
		uint32_t after = count_bits(fitting(free, k));

		b->fit[k] = (uint16_t)(b->fit[k] - before + after);
		p->fit[k] = p->fit[k] - before + after;
	}
	p->free[at] = free;
}

static void set_free(struct ports *p, uint32_t slot, bool free)
{
	uint64_t bit = (uint64_t)1 << slot % WORD_BITS;
	uint32_t at = slot / WORD_BITS;

	set_word(p, at, free ? p->free[at] | bit : p->free[at] & ~bit);
}

static uint64_t bit_of(uint32_t slot)
{
	return (uint64_t)1 << slot % WORD_BITS;
}

static bool is_set(const _Atomic uint64_t *words, uint32_t slot)
{
	return (atomic_load_explicit(&words[slot / WORD_BITS], memory_order_relaxed) &
		bit_of(slot)) != 0;
}

/* Only this thread writes, so nothing is lost between load and store. */
static void set_live(struct ports *p, uint32_t slot, bool live)
{
	uint64_t bit = bit_of(slot);
	_Atomic uint64_t *word = &p->live[slot / WORD_BITS];
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);

	atomic_store_explicit(word, live ? old | bit : old & ~bit, memory_order_relaxed);
}

static uint16_t port_of(const struct ports *p, uint32_t slot)
{
	return (uint16_t)((p->first_pair + slot / 2 * p->share.workers) * 2 + slot % 2);
}

static bool is_in_share(const struct ports *p, uint16_t port)
{
	return port >= p->share.low && port <= p->share.high &&
	       ports_worker_of(port, p->share.workers) == p->share.worker;
}

static uint32_t slot_of(const struct ports *p, uint16_t port)
{
	return (uint32_t)(port / 2 - p->first_pair) / p->share.workers * 2 + port % 2;
}

uint8_t ports_worker_of(uint16_t port, uint8_t workers)
{
	return (uint8_t)(port / 2 % workers);
}

/* The pairs of the share, those included that lie half outside the range. */
static uint32_t count_pairs(struct ports *p)
{
	unsigned pair = p->share.low / 2, last = p->share.high / 2;

	while (pair % p->share.workers != p->share.worker)
		pair++;
	p->first_pair = (uint16_t)pair;
	return pair > last ? 0 : (last - pair) / p->share.workers + 1;
}

static void fill(struct ports *p, uint32_t pairs)
{
	for (uint32_t slot = 0; slot < pairs * 2; slot++) {
		if (is_in_share(p, port_of(p, slot)))
			set_free(p, slot, true);
	}
	p->count = p->fit[ANY];
	list_init(&p->waiting);
	list_init(&p->unused);
	for (size_t i = 0; i < p->share.reservations_max; i++) {
		list_init(&p->reservations[i].link);
		list_append(&p->unused, &p->reservations[i].link);
	}
}

struct ports *ports_new(const struct ports_share *share)
{
	struct ports *p = calloc(1, sizeof(*p));
	uint32_t pairs;

	assert(share->low != 0 && share->low <= share->high);
	assert(share->workers != 0 && share->worker < share->workers);
	if (p == NULL)
		return NULL;
	p->share = *share;
	pairs = count_pairs(p);
	p->words = pairs * 2 / WORD_BITS + 1;
	p->free = calloc(p->words, sizeof(*p->free));
	p->live = calloc(p->words, sizeof(*p->live));
	p->streams = calloc(p->words, sizeof(*p->streams));
	p->blocks = calloc(p->words / BLOCK_WORDS + 1, sizeof(*p->blocks));
	p->reservations = calloc(share->reservations_max + 1u, sizeof(*p->reservations));
	if (p->free == NULL || p->live == NULL || p->streams == NULL || p->blocks == NULL ||
	    p->reservations == NULL) {
		ports_free(p);
		return NULL;
	}
	fill(p, pairs);
	return p;
}

void ports_free(struct ports *p)
{
	if (p == NULL)
		return;
	free(p->free);
	free(p->live);
	free(p->streams);
	free(p->blocks);
	free(p->reservations);
	free(p);
}

/* The slot of the n-th that fits; there are more than n. */
static uint32_t find_nth(const struct ports *p, enum kind kind, uint32_t n)
{
	uint32_t at = 0;
	uint64_t word;

	for (; n >= p->blocks[at].fit[kind]; at++)
		n -= p->blocks[at].fit[kind];
	for (at *= BLOCK_WORDS; n >= count_bits(fitting(p->free[at], kind)); at++)
		n -= count_bits(fitting(p->free[at], kind));
	word = fitting(p->free[at], kind);
	for (; n > 0; n--)
		word &= word - 1;
	return at * WORD_BITS + (uint32_t)__builtin_ctzll(word);
}

/* 48 random bits make a number below `limit` (at most 2^16): the bias is below 2^-32. */
static uint32_t number_below(uint64_t random, uint32_t limit)
{
	return (uint32_t)((random >> 16) * limit >> 48);
}

static uint16_t take_slot(struct ports *p, uint32_t slot)
{
	set_free(p, slot, false);
	set_live(p, slot, true);
	return port_of(p, slot);
}

static uint16_t take(struct ports *p, enum kind kind, uint64_t random)
{
	if (p->fit[kind] == 0)
		return 0;
	return take_slot(p, find_nth(p, kind, number_below(random, p->fit[kind])));
}

uint16_t ports_take(struct ports *p, enum ports_want want, uint64_t random)
{
	return take(p, want == PORTS_EVEN ? EVEN : ANY, random);
}

/* In a time that does not tell how many bytes are alike. */
static bool same_token(const struct ports_token *a, const struct ports_token *b)
{
	uint64_t x, y;

	memcpy(&x, a->bytes, sizeof(x));
	memcpy(&y, b->bytes, sizeof(y));
	return x == y;
}

static struct reservation *find_reservation(const struct ports *p, const struct ports_token *token)
{
	for (struct list *l = p->waiting.next; l != &p->waiting; l = l->next) {
		struct reservation *r = LIST_OF(l, struct reservation, link);

		if (same_token(&r->token, token))
			return r;
	}
	return NULL;
}

uint16_t ports_take_pair(struct ports *p, uint64_t random,
			 const uint8_t token_random[static PORTS_TOKEN_LEN], uint64_t now_ms,
			 struct ports_token *token)
{
	struct ports_token made;
	struct reservation *r;
	uint16_t port;

	memcpy(made.bytes, token_random, sizeof(made.bytes));
	made.bytes[0] = p->share.worker;
	if (list_is_empty(&p->unused) || find_reservation(p, &made) != NULL)
		return 0;
	port = take(p, PAIR, random);
	if (port == 0)
		return 0;
	set_free(p, slot_of(p, port) + 1, false);
	r = LIST_OF(p->unused.next, struct reservation, link);
	r->until_ms = now_ms + PORTS_RESERVED_MS;
	r->token = made;
	r->port = (uint16_t)(port + 1);
	list_append(&p->waiting, &r->link);
	*token = made;
	return port;
}

uint8_t ports_token_worker(const struct ports_token *token)
{
	return token->bytes[0];
}

static void end_reservation(struct ports *p, struct reservation *r)
{
	set_free(p, slot_of(p, r->port), true);
	list_append(&p->unused, &r->link);
}

uint16_t ports_claim(struct ports *p, const struct ports_token *token, uint64_t now_ms)
{
	struct reservation *r = find_reservation(p, token);

	if (r == NULL || now_ms >= r->until_ms)
		return 0;
	end_reservation(p, r);
	return take_slot(p, slot_of(p, r->port));
}

void ports_cancel(struct ports *p, const struct ports_token *token)
{
	struct reservation *r = find_reservation(p, token);

	if (r != NULL)
		end_reservation(p, r);
}

void ports_release(struct ports *p, uint16_t port)
{
	uint32_t slot = slot_of(p, port);

	assert(is_set(p->live, slot));
	set_live(p, slot, false);
	atomic_fetch_and(&p->streams[slot / WORD_BITS], ~bit_of(slot));
	set_free(p, slot, true);
}

void ports_set_stream(struct ports *p, uint16_t port)
{
	uint32_t slot = slot_of(p, port);

	assert(is_in_share(p, port));
	atomic_fetch_or(&p->streams[slot / WORD_BITS], bit_of(slot));
}

uint64_t ports_expire(struct ports *p, uint64_t now_ms)
{
	while (!list_is_empty(&p->waiting)) {
		struct reservation *r = LIST_OF(p->waiting.next, struct reservation, link);

		if (r->until_ms > now_ms)
			return r->until_ms;
		end_reservation(p, r);
	}
	return UINT64_MAX;
}

bool ports_is_live(const struct ports *p, uint16_t port, enum ports_kind kind)
{
	uint32_t slot;

	if (!is_in_share(p, port))
		return false;
	slot = slot_of(p, port);
	return is_set(p->live, slot) && is_set(p->streams, slot) == (kind == PORTS_STREAMS);
}

uint32_t ports_count_free(const struct ports *p)
{
	return p->fit[ANY];
}

uint32_t ports_count(const struct ports *p)
{
	return p->count;
}
