/*
 * admin - an HTTP listener for the operator: /metrics for Prometheus, /healthz and
 * /readyz for whoever starts and stops programs. It reads and never changes anything.
 *
 * Belongs on a loopback address: it knows no password. A stranger on it gets small limits,
 * not service: short headers, no bodies, few connections.
 */
#ifndef NATKIT_ADMIN_H
#define NATKIT_ADMIN_H

#include <event2/event.h>
#include <stdbool.h>

#include "addr.h"
#include "metrics.h"

/* When one more comes, the oldest connection is closed. */
#define ADMIN_CONNECTIONS_MAX 16

struct admin;

/* All are called in the thread that runs the base. */
struct admin_hooks {
	/* Appends everything there is to tell. */
	void (*metrics)(struct metrics *m, void *arg);
	/* The program does its work: 200, else 503. */
	bool (*is_healthy)(void *arg);
	/* /readyz: it takes new work: 200, else 503. NULL: there is no such page. */
	bool (*is_ready)(void *arg);
	void *arg;
};

/*
 * Listens.
 * base   one that has not been shared with other threads, or of a process after worker_setup
 * bound  set to the address with the port that the system chose; NULL: not wanted
 * Returns 0 and sets *out, or -errno.
 */
int admin_open(struct event_base *base, const struct addr *local, const struct admin_hooks *hooks,
	       struct addr *bound, struct admin **out);

/* Closes all connections. NULL is fine. */
void admin_close(struct admin *a);

#endif
