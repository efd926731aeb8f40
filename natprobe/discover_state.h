/*
 * discover_state - the inside of a discovery, for discover*.c alone.
 *
 *	discover.c      the door: actions out, inputs in
 *	discover_run.c  what to do next: which server to measure with, and when it is enough
 *	discover_end.c  the verdict, from all that was seen
 */
#ifndef NATPROBE_DISCOVER_STATE_H
#define NATPROBE_DISCOVER_STATE_H

#include "discover.h"
#include "session.h"
#include "tcp_control.h"

_Static_assert(TCP_CONTROL_MAX <= DISCOVER_CONNECTIONS_MAX, "each has a slot in the shell");

#define SESSIONS_MAX 3
#define MAPPING_SLOT 0

enum slot_state {
	SLOT_UNUSED = 0,
	SLOT_WANTED,  /* DISCOVER_OPEN is due */
	SLOT_OPENING, /* handed out */
	SLOT_OPEN,
	SLOT_FAILED,
	SLOT_CLOSED,
};

struct server {
	struct addr addr;
	const char *name;
	struct addr other; /* of its first answer */
	uint8_t ask;       /* the opening one */
	bool judged;       /* it has answered */
	uint8_t unfit;     /* enum verdict_cause: why RFC 5780 cannot be done with it; 0: it can */
	bool in_session;
};

struct discover {
	struct addr local;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
	struct discover_timing timing;
	struct server servers[VERDICT_SERVERS_MAX];
	uint8_t server_count;

	uint8_t slots[DISCOVER_SLOTS_MAX]; /* enum slot_state */
	bool open[DISCOVER_SLOTS_MAX];
	struct addr slot_local[DISCOVER_SLOTS_MAX];
	struct pace pace;
	struct probe_log log;
	struct asks asks;
	struct tcp_control tcp;
	struct session sessions[SESSIONS_MAX];
	uint8_t session_count;
	uint8_t second_slot; /* asks all servers again; 0: none yet, the first being another's */

	bool started, finished;
	uint64_t now_us, started_us;
	uint64_t answered_us; /* first answer by UDP, of any kind; 0: none */
	struct verdict verdict;
	uint8_t request[PROBE_LEN];
};

struct probe_view discover_view(const struct discover *d);

/* Takes a slot for a fresh socket; DISCOVER_SLOTS_MAX when there is none. */
uint8_t discover_take_slot(struct discover *d);

/* Moves everything on to d->now_us; sets d->finished once it is enough. */
void discover_run(struct discover *d);

/* Ends now. `cause` is for what is unknown; CAUSE_NONE: each has a cause of its own. */
void discover_end(struct discover *d, enum verdict_cause cause);

/* A server's first answer arrived: may it be measured with? */
void discover_judge_server(struct discover *d, uint8_t server);

/* When discover_run may do something new, apart from what the tests wait for. */
uint64_t discover_run_deadline_us(const struct discover *d);

#endif
