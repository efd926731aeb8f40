/*
 * coop_table - orders by transaction id and 5-tuple: those that wait, and for a while those that
 * are done, so that what is sent again is not done again. Only coop_*.c include this.
 *
 * Of a fixed size. Where it is full, the oldest of those that are done makes room.
 */
#ifndef NATKIT_COOP_TABLE_H
#define NATKIT_COOP_TABLE_H

#include "coop_server.h"
#include "siphash.h"
#include "wheel.h"

enum coop_state {
	COOP_FREE = 0,
	COOP_WAITS,      /* for its time */
	COOP_CONNECTING, /* for what becomes of the connection */
	COOP_REPORTS,    /* its outcome is to be told */
	COOP_FINISHED,   /* remembered */
};

struct coop_entry {
	struct wheel_node timer;
	struct list chain; /* of the hash table, or of those that are free */
	struct list age;   /* of those that are finished, the oldest first */
	uint8_t state;     /* enum coop_state */
	bool is_charged, has_fingerprint;
	uint8_t socket, source; /* that was asked; that it leaves from */
	uint8_t sent;           /* answers so far */
	uint16_t turn;          /* how often the place was used: part of its handle */
	uint16_t received;
	uint16_t datagram_len;
	const struct stun_site *site;
	struct stun_tid tid;
	struct addr from, local;
	struct coop_order order;
	struct coop_cost cost;
	uint64_t came_us, began_us, due_ms;
	struct coop_report result; /* outcome 0: not known yet */
	uint8_t datagram[COOP_ICMP_MAX];
};

struct coop_table {
	struct wheel wheel;
	struct siphash hash;
	struct coop_entry *entries;
	struct list *buckets, unused, finished;
	uint32_t size, used, mask;
};

/* size: orders, at least 1. False when memory runs out; the table can be closed in any case. */
bool coop_table_open(struct coop_table *t, uint32_t size, const uint8_t key[static 16]);
void coop_table_close(struct coop_table *t);

/* The order that such a request made; NULL: none. */
struct coop_entry *coop_table_find(struct coop_table *t, const struct stun_query *q,
				   const struct stun_tid *tid);

/* A place for it, zeroed but for what the table needs; NULL: full of orders that wait. */
struct coop_entry *coop_table_add(struct coop_table *t, const struct stun_query *q,
				  const struct stun_tid *tid);

/* It is done: remembered until `until_ms`. */
void coop_table_finish(struct coop_table *t, struct coop_entry *e, uint64_t until_ms);

/* Forgets it. */
void coop_table_remove(struct coop_table *t, struct coop_entry *e);

/* Numbers for the shell, never 0; NULL for one that is forgotten. */
uint32_t coop_table_handle(const struct coop_table *t, const struct coop_entry *e);
struct coop_entry *coop_table_at(struct coop_table *t, uint32_t handle);

#endif
