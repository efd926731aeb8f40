/*
 * worker - threads that each own an event base, and messages between them.
 *
 * A worker owns what its start hook makes: sockets, timers, counters. Others reach it only
 * by a message, which runs in its thread between two events. A snapshot (configuration,
 * certificates) is published by worker_pool_run: afterwards no worker uses the old one.
 */
#ifndef NATKIT_WORKER_H
#define NATKIT_WORKER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct worker;
struct worker_pool;
struct worker_message;

struct worker_hooks {
	/* In the worker's thread, before its loop. Returns 0, or -errno: no pool then. */
	int (*start)(struct worker *w, void *arg);
	/* In the worker's thread, behind its loop, where start returned 0. NULL: nothing to do. */
	void (*stop)(struct worker *w, void *arg);
	void *arg;
};

/*
 * Makes libevent ready for threads, and has it log by log_event: before the first event base
 * of the process that other threads shall wake. Returns 0, or -ENOMEM.
 */
int worker_setup(void);

/*
 * Starts `count` threads, in which all signals are blocked, and waits until each has run
 * its start hook. Threads inherit what is dropped before (priv.h), not what comes after.
 * Returns 0, or -errno: then all are stopped again, and *out is untouched.
 */
int worker_pool_start(size_t count, const struct worker_hooks *hooks, struct worker_pool **out);

/* Ends all loops, waits for the threads, and frees. Messages sent before still run. NULL is fine. */
void worker_pool_stop(struct worker_pool *pool);

size_t worker_pool_count(const struct worker_pool *pool);
struct worker *worker_pool_at(struct worker_pool *pool, size_t i);

/*
 * Runs `run` in the worker's thread, soon and in the order of posting. From any thread.
 * Returns false when memory runs out: then it will not run.
 */
bool worker_post(struct worker *w, void (*run)(struct worker *w, void *arg), void *arg);

/*
 * The same with a message that was made before: sending it cannot fail. It is freed once it has
 * run; worker_message_free is for one that was not sent.
 */
struct worker_message *worker_message_new(void (*run)(struct worker *w, void *arg),
					  void *arg); /* NULL when memory runs out */
void worker_message_free(struct worker_message *m);   /* NULL is fine */
void worker_send(struct worker *w, struct worker_message *m);

/*
 * Runs `run` once in each worker, all at the same time, and returns when all are done. From
 * one thread only, and that is no worker's. Returns false when memory runs out: then it has run in none.
 */
bool worker_pool_run(struct worker_pool *pool, void (*run)(struct worker *w, void *arg), void *arg);

/* For hooks and messages, in the worker's own thread. */
struct event_base *worker_base(struct worker *w);
size_t worker_index(const struct worker *w); /* 0 to count - 1 */
void worker_set_data(struct worker *w, void *data);
void *worker_data(const struct worker *w);

#endif
