/*
 * server - the workers of turnd: each with its sockets, its turnd, its timers.
 */
#ifndef NATKIT_TURND_SERVER_H
#define NATKIT_TURND_SERVER_H

#include "five_tuple.h"
#include "metrics.h"
#include "settings.h"

struct server;

/*
 * Opens all listening sockets and starts to serve.
 * conf  must outlive the server
 * Returns 0 with *out set, or -errno; what could not be opened stands in the log.
 */
int server_start(const struct turnd_conf *conf, struct settings *settings, struct server **out);

/* Ends all allocations. NULL is fine. */
void server_stop(struct server *s);

/*
 * Hands new settings to all workers; when it returns no worker uses the ones before.
 * Returns false when memory runs out: then none has taken them.
 */
bool server_use_settings(struct server *s, struct settings *settings);

/* No new allocations from now on, or new ones again, whatever settings come. */
bool server_drain(struct server *s, bool on);

size_t server_worker_count(const struct server *s);
size_t server_allocation_count(const struct server *s); /* alive now */

/* Appends the counters of all workers. From any thread. */
void server_report(const struct server *s, struct metrics *m);

/* One allocation, for whoever lists them. */
struct server_session {
	uint16_t worker;
	uint64_t number;
	struct five_tuple tuple;
	struct addr relayed[2];
	uint64_t user, realm;
	uint32_t age_s, left_s; /* since when, and until when unless refreshed */
	uint32_t permissions, channels;
	uint64_t to_peer_packets, to_peer_bytes, to_client_packets, to_client_bytes;
	char country[3];
};

/*
 * Lists all allocations, each worker's in its own thread, and waits for it. For the main thread.
 * out  an array to be freed by the caller
 * Returns how many there are, or -ENOMEM.
 */
long server_list(struct server *s, struct server_session **out);

/* Ends one; false: there is none. For the main thread. */
bool server_kick(struct server *s, uint16_t worker, uint64_t number);

#endif
