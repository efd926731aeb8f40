/*
 * lease_io - leases on real sockets: those of one family at one gateway, with one socket to its port
 * 5351, and UPnP in threads.
 */
#ifndef NATPROBE_LEASE_IO_H
#define NATPROBE_LEASE_IO_H

#include <event2/event.h>

#include "lease.h"
#include "own_path.h"

#define LEASE_IO_MAX 32 /* leases */

struct lease_io_config {
	struct event_base *base;
	const struct own_path *path;  /* to the gateway; borrowed */
	const struct own_path *upnp;  /* of IPv4; NULL: no UPnP; borrowed */
	bool listens;                 /* for what gateways announce */
	void (*on_change)(void *arg); /* something came of a lease: it may be settled, or changed */
	void *arg;
};

struct lease_io;

/* NULL when memory runs out. */
struct lease_io *lease_io_new(const struct lease_io_config *config);
void lease_io_free(struct lease_io *io); /* NULL is fine */

/* Begins to ask for one more; gateway and has_upnp are set here. Borrowed: its state. */
const struct lease *lease_io_add(struct lease_io *io, const struct lease_config *config);

/* Has one back that was granted before, to remove it. */
const struct lease *lease_io_resume(struct lease_io *io, const struct lease_config *config,
				    const struct lease_grant *grant);

/* Gives all of them back. */
void lease_io_remove_all(struct lease_io *io);

size_t lease_io_count(const struct lease_io *io);
const struct lease *lease_io_get(const struct lease_io *io, size_t i);
bool lease_io_is_settled(const struct lease_io *io); /* all of them */
bool lease_io_is_ended(const struct lease_io *io);   /* all of them, or refused */

#endif
