/*
 * rendezvous_io - the rendezvous behind its sockets: HTTP, and HTTPS where there is a certificate,
 * in a thread of its own.
 */
#ifndef NATKIT_RENDEZVOUS_IO_H
#define NATKIT_RENDEZVOUS_IO_H

#include "metrics.h"
#include "policy.h"

struct rendezvous_io;

/*
 * Listens where `conf` says; it must outlive the rendezvous. Returns 0 with *out set (NULL: none is wanted), or
 * -errno; what could not be opened stands in the log.
 */
int rendezvous_io_start(const struct stund_conf *conf, const struct policy *policy,
			struct rendezvous_io **out);
void rendezvous_io_stop(struct rendezvous_io *io); /* NULL is fine */

/* New connections are served with this certificate. NULL is fine. False: no memory. */
bool rendezvous_io_use_policy(struct rendezvous_io *io, const struct policy *policy);

/* From any thread. NULL is fine. */
void rendezvous_io_report(const struct rendezvous_io *io, struct metrics *m);

#endif
