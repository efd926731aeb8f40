/*
 * servers - what stands outside: one stund with two addresses and two ports (RFC 5780), over UDP
 * and TCP and both families, and one more on UDP port 443 for plain Binding.
 */
#ifndef NATLAB_SERVERS_H
#define NATLAB_SERVERS_H

#include "processes.h"

struct servers;

struct servers_config {
	struct event_base *base;
	struct processes *processes;
	int space;         /* where they run */
	bool ipv6;         /* they have such addresses, too */
	const char *stund; /* path of the program; NULL: found beside us */
	/* All are ready, or *why says that one is not. */
	void (*on_ready)(void *arg, const char *why);
	void *arg;
};

/* NULL, and *err, where they cannot be started. */
struct servers *servers_start(const struct servers_config *config, struct lab_error *err);
void servers_free(struct servers *s); /* NULL is fine; they go on */

/* Looks for the program that came with natlab: before namespaces, which may hide where we are. */
void servers_find(void);

#endif
