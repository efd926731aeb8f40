/* rendezvous_state - the inside of a rendezvous, shared by rendezvous*.c only. */
#ifndef NATKIT_RENDEZVOUS_STATE_H
#define NATKIT_RENDEZVOUS_STATE_H

#include "rendezvous.h"

#define RENDEZVOUS_WAITING_BUCKETS 1024
#define RENDEZVOUS_WEIGHTS         48 /* classes of sources by what they have: powers of two */

struct rendezvous_block {
	uint8_t data[RENDEZVOUS_BLOCK];
};

struct rendezvous_topic {
	struct list chain; /* of its bucket, or free */
	struct list messages;
	uint32_t count;
	char name[RENDEZVOUS_TOPIC_MAX + 1];
};

struct rendezvous_source {
	struct list chain;     /* of its bucket, or free */
	struct list by_weight; /* of its class; who was active last is last */
	struct list letters;   /* the oldest first */
	struct addr addr;
	uint32_t topics; /* in which it has letters */
	size_t blocks;
};

/* A message that lies in a topic. */
struct rendezvous_letter {
	struct list in_topic; /* or free */
	struct list in_source;
	struct list by_age;
	struct rendezvous_topic *topic;
	struct rendezvous_source *source;
	uint64_t number, at_us, hash;
	uint32_t first; /* block; the others follow in r->next */
	uint16_t len;
};

struct rendezvous {
	struct rendezvous_config config;
	struct rendezvous_stats stats;
	uint64_t number; /* of the next message */
	size_t blocks_count, blocks_free, buckets;
	uint32_t free_block;
	struct list free_topics, free_sources, free_letters, by_age;
	struct list weights[RENDEZVOUS_WEIGHTS];
	struct list waiting[RENDEZVOUS_WAITING_BUCKETS], woken;
	struct rendezvous_block *blocks;
	uint32_t *next; /* of each block: the block behind it */
	struct rendezvous_topic *topics;
	struct rendezvous_source *sources;
	struct rendezvous_letter *letters;
	struct list *topic_buckets, *source_buckets;
};

uint64_t rendezvous_hash(const struct rendezvous *r, struct bytes text);

/* NULL: there is none. */
struct rendezvous_topic *rendezvous_find_topic(struct rendezvous *r, const char *name);

/* Puts a letter where there may be no room yet. */
struct rendezvous_letter *rendezvous_store(struct rendezvous *r, const char *topic,
					   const struct addr *from, struct bytes data,
					   uint64_t now_us);
void rendezvous_drop(struct rendezvous *r, struct rendezvous_letter *l);

/* The bytes of a letter, behind each other. */
void rendezvous_copy(const struct rendezvous *r, const struct rendezvous_letter *l,
		     struct wire_out *out);

#endif
