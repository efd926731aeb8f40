/*
 * daemon - what the servers do alike at their start: the event loop with its signals, descriptors,
 * ports, privileges, the admin listener. What goes wrong stands in the log.
 */
#ifndef NATKIT_DAEMON_H
#define NATKIT_DAEMON_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin.h"

/* Exit codes of daemons (doc/architecture.md). */
#define DAEMON_STOPPED 0
#define DAEMON_RUNTIME 1
#define DAEMON_CONFIG  2

/* The base of the main thread, where others follow. NULL when it cannot be made. */
struct event_base *daemon_base_new(void);

/* Calls `call` on a signal. False: no memory; *out is to be freed in either case, if not NULL. */
bool daemon_on_signal(struct event_base *base, int sig, event_callback_fn call, void *arg,
		      struct event **out);

/* How many workers: as many as wanted; 0: one per core, up to `most`. */
size_t daemon_workers(int64_t wanted, size_t most);

/*
 * SO_REUSEPORT would let a second server of the same user share our ports, each with half of the
 * clients; so every port is tried once without.
 * streams  over TCP: there is no UDP here
 * Returns 0 or -EADDRINUSE; what else may be wrong with an address shows when it is opened.
 */
int daemon_check_unused(const struct addr *local, bool streams);

/*
 * Tells why an address is not listened on, and what may help.
 * what     would be served there: "UDP"
 * rc       -errno
 * missing  nothing is wrong: others stand for it
 */
void daemon_tell_not_opened(const struct addr *local, const char *what, int rc, bool missing);

/*
 * Many a shell allows 1024 descriptors: raises that to `need`, as far as the system allows.
 * what  takes them, for the warning: "max-connections takes"
 * cure  what else to do: "lower max-connections"
 */
void daemon_raise_descriptors(uint64_t need, const char *what, const char *cure);

/* Before other threads: no new privileges, which they inherit. */
void daemon_forbid_privileges(void);

/*
 * With the sockets open: becomes `user`, where this is root.
 * user  NULL: nobody to become
 * Returns false where the program must not go on.
 */
bool daemon_drop_privileges(const char *user);

/*
 * Opens the admin listener.
 * where  as addr_parse_loopback reads it; NULL: none is wanted
 * Returns false where it cannot be opened. *out may be NULL on success.
 */
bool daemon_open_admin(struct event_base *base, const char *where, const struct admin_hooks *hooks,
		       struct admin **out);

#endif
