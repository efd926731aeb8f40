/*
 * listen - what one worker relays with: its sockets, its turnd, its clock.
 *
 * Opened and used by the worker's thread alone. Every worker has a socket of its own for each
 * listening address (SO_REUSEPORT), and the kernel gives all of a 5-tuple to one of them.
 */
#ifndef NATKIT_TURND_LISTEN_H
#define NATKIT_TURND_LISTEN_H

#include <stdatomic.h>

#include "dtls.h"
#include "settings.h"
#include "stream.h"
#include "turnd.h"
#include "turnd_conf.h"
#include "worker.h"

struct listen;

/* What the workers have in common; outlives them. */
struct listen_common {
	const struct turnd_conf *conf;
	struct turnd_listener listeners[TURND_LISTENERS_MAX];
	size_t listener_count;
	uint16_t workers;
	struct turnd_shared shared;
	struct per_source *connections, *sessions; /* who is there, over TCP and over DTLS */
	_Atomic(struct worker *) threads[TURND_WORKERS_MAX]; /* NULL: has not started yet */
};

/* What a worker counts beside its turnd; readable by any thread. */
struct listen_stats {
	_Atomic uint64_t receive_errors;
	_Atomic uint64_t send_errors;  /* to clients: what the system did not take */
	_Atomic uint64_t relay_errors; /* to peers: the same */
	_Atomic uint64_t truncated;
	_Atomic uint64_t unwanted;    /* DTLS or plain where it is not served */
	_Atomic uint64_t client_slow; /* data for clients that do not take it fast enough */
	_Atomic uint64_t no_descriptors;
	_Atomic uint64_t handed_over; /* requests that took another worker */
};

/*
 * settings  are retained
 * w         worker_data is set to what is opened
 * Returns 0 with *out set, or -errno; the first worker says in the log what failed.
 */
int listen_open(struct worker *w, struct listen_common *common, struct settings *settings,
		struct listen **out);

/* Ends all allocations. NULL is fine. Not while the worker's loop runs. */
void listen_close(struct listen *l);

/* Takes no more of clients and peers; messages of other workers are still answered. */
void listen_quiesce(struct listen *l);

/* Takes new settings over, in the worker's thread. */
void listen_use_settings(struct listen *l, struct settings *settings,
			 const struct turnd_budgets *budgets);

/* No new allocations from now on, or new ones again. */
void listen_drain(struct listen *l, bool on);

struct turnd *listen_turnd(struct listen *l);

/* May be read by any thread while `l` lives; NULL where there is no TCP, no DTLS. */
const struct listen_stats *listen_stats(const struct listen *l);
const struct stream_stats *listen_stream_stats(const struct listen *l);
const struct dtls_stats *listen_dtls_stats(const struct listen *l);

#endif
