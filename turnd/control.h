/*
 * control - a Unix socket by which the operator lists and ends allocations, and drains.
 *
 * Who may open the socket (mode 0600) may do all of it. A client sends one line, gets lines, and
 * the connection ends:
 *	sessions        "ok", then each allocation as a JSON object
 *	kick ID         "ok"; ID is one of `sessions`
 *	drain, undrain  "ok"
 * and "error: WHY" for what does not work. No command takes a path.
 */
#ifndef NATKIT_TURND_CONTROL_H
#define NATKIT_TURND_CONTROL_H

#include <event2/event.h>

#include "server.h"

#define CONTROL_LINE_MAX        64
#define CONTROL_CONNECTIONS_MAX 16

struct control;

/* All are called in the thread that runs the base. */
struct control_hooks {
	/* As server_list. */
	long (*list)(void *arg, struct server_session **out);
	bool (*kick)(void *arg, uint16_t worker, uint64_t number);
	/* Returns false, with `why` set, where that does not work. */
	bool (*drain)(void *arg, bool on, struct opt_error *why);
	/* The name of a realm; NULL: there is none of that id any more. */
	const char *(*realm_name)(void *arg, uint64_t id);
	void *arg;
};

/*
 * Listens. A socket that nobody serves any more is replaced.
 * Returns 0 with *out set, or -errno; -EADDRINUSE: another turnd serves it.
 */
int control_open(struct event_base *base, const char *path, const struct control_hooks *hooks,
		 struct control **out);

/* Closes all connections, and removes the socket. NULL is fine. */
void control_close(struct control *c);

/*
 * The client's side: sends a line, and prints what comes behind "ok". Blocks, for so long at most.
 * Returns false with *err set.
 */
bool control_ask(const char *path, const char *line, unsigned timeout_s, FILE *out,
		 struct opt_error *err);

#endif
