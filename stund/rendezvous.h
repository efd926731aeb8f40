/*
 * rendezvous - mailboxes for peers that do not know each other's address: topics, with a few
 * opaque messages each. All memory is there from the start; nobody has proven anything.
 *
 * Who brings more than its share pushes out its own: where room is needed, it is made at the
 * expense of the source that has most. A source is an IPv4 address or an IPv6 /64.
 *
 *	rendezvous.c        publish, read, wait
 *	rendezvous_store.c  where it lies, and what goes when there is no room
 */
#ifndef NATKIT_RENDEZVOUS_H
#define NATKIT_RENDEZVOUS_H

#include "addr.h"
#include "list.h"
#include "rendezvous_wire.h"

#define RENDEZVOUS_BLOCK     512 /* messages lie in so many bytes, or several times as many */
#define RENDEZVOUS_PER_TOPIC 16  /* messages; one more takes the place of an old one */

struct rendezvous_config {
	size_t topics;              /* at once */
	size_t bytes;               /* of messages, in whole blocks */
	uint32_t topics_per_source; /* in which a source has messages */
	size_t bytes_per_source;
	uint64_t expiry_us;
	uint64_t first_number; /* of messages; above all that a server before this one gave */
	uint8_t key[16];       /* random, for the tables */
};

struct rendezvous;

/* NULL when memory runs out. */
struct rendezvous *rendezvous_new(const struct rendezvous_config *config);
void rendezvous_free(struct rendezvous *r); /* NULL is fine; nobody waits any more */

/* All the memory that there will ever be of it, in bytes. */
size_t rendezvous_footprint(const struct rendezvous_config *config);

/* One who waits; lies in the shell's connection. */
struct rendezvous_waiter {
	struct list link;
	uint64_t after;
	char topic[RENDEZVOUS_TOPIC_MAX + 1];
};

/* A waiter that waits for nothing. Every one needs this once. */
void rendezvous_waiter_init(struct rendezvous_waiter *w);

/*
 * Puts a message into a topic, and wakes who waits for it. The same bytes by the same source
 * again take the place of the first.
 * topic  is one (rendezvous_is_topic)
 * data   1 to RENDEZVOUS_MESSAGE_MAX bytes
 */
void rendezvous_publish(struct rendezvous *r, const char *topic, const struct addr *from,
			struct bytes data, uint64_t now_us);

/*
 * Writes the list of the messages behind number `after`, as far as there is room, the oldest
 * first. A number that was never given counts as 0. Returns its length; 0: there are none.
 */
size_t rendezvous_read(struct rendezvous *r, const char *topic, uint64_t after, uint64_t now_us,
		       uint8_t *buf, size_t cap);

/* Waits until something is published to the topic; rendezvous_woken tells. */
void rendezvous_wait(struct rendezvous *r, struct rendezvous_waiter *w, const char *topic,
		     uint64_t after);
/* Does not wait any more; one that does not stays so. */
void rendezvous_cancel(struct rendezvous_waiter *w);
/* The next one that is to read now, and waits no more; NULL: there is none. */
struct rendezvous_waiter *rendezvous_woken(struct rendezvous *r);

/* Drops what has expired; returns when to call again, UINT64_MAX for never. */
uint64_t rendezvous_expire(struct rendezvous *r, uint64_t now_us);

struct rendezvous_stats {
	size_t topics, messages, bytes, sources; /* now; bytes in whole blocks */
	uint64_t published, repeated, expired;
	uint64_t pushed_out; /* by newer ones */
};
const struct rendezvous_stats *rendezvous_stats(const struct rendezvous *r);

#endif
