/*
 * probe_turn - the sockets, connections and timer of a vantage, on libevent: what follows a
 * discovery where the user has a TURN server.
 */
#ifndef NATPROBE_PROBE_TURN_H
#define NATPROBE_PROBE_TURN_H

#include <event2/event.h>
#include <openssl/types.h>

#include "natprobe/net/probe_socket.h"
#include "natprobe/net/server.h"
#include "vantage.h"

/* A TURN server, resolved, and what it takes to speak to it. */
struct turn_server {
	const char *name;   /* as the user wrote it */
	const char *domain; /* that its certificate must name */
	struct turn_client_credentials credentials;
	struct vantage_target targets[SERVER_FAMILIES][VANTAGE_TARGETS_MAX];
	size_t target_counts[SERVER_FAMILIES];
	SSL_CTX *tls, *dtls; /* NULL where no target needs it */
	bool insecure;       /* any certificate will do */
};

struct probe_turn_config {
	struct event_base *base;
	struct probe_source source;
	const struct turn_server *server;
	uint64_t timeout_ms;
	void (*on_rest)(void *arg); /* it has nothing to do now */
	void (*on_done)(void *arg); /* once */
	void *arg;
};

struct probe_turn;

/*
 * Begins when the base runs. What the configuration points to must live until probe_turn_free.
 * seen  what the discovery from the same source has found
 * Returns NULL when memory runs out.
 */
struct probe_turn *probe_turn_new(const struct probe_turn_config *config,
				  const struct verdict *seen);

/* Closes what is still open. NULL is fine. Not from on_rest or on_done. */
void probe_turn_free(struct probe_turn *t);

/* Ends with what is known; on_done follows, within a second. */
void probe_turn_stop(struct probe_turn *t);

bool probe_turn_wants_floor(const struct probe_turn *t);

/* Completes that verdict, once on_done was called. */
void probe_turn_conclude(const struct probe_turn *t, struct verdict *verdict);

#endif
