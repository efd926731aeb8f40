/*
 * discover_state - the inside of a discovery, for discover*.c alone.
 *
 *	discover.c         the door: what came of the actions comes in
 *	discover_next.c    the next action
 *	discover_run.c     what to do next: which server to measure with, and when it is enough
 *	discover_beside.c  the tests beside mapping and filtering
 *	discover_silent.c  while nobody answers by UDP
 *	discover_end.c     the verdict, from all that was seen
 *	discover_look.c    how long it has had the floor
 *	discover_state.c   what all of these ask
 */
#ifndef NATPROBE_DISCOVER_STATE_H
#define NATPROBE_DISCOVER_STATE_H

#include "discover_action.h"
#include "hairpin.h"
#include "natprobe/map/portmap.h"
#include "rate_limit.h"
#include "samples.h"
#include "session.h"
#include "tcp_control.h"
#include "tcp_mapping.h"

_Static_assert(STREAMS_MAX <= DISCOVER_CONNECTIONS_MAX, "each has a slot in the shell");

#define SESSIONS_MAX 3
#define MAPPING_SLOT 0

/* Silence, while we have the floor, after which others need not wait for us any more. */
#define YIELD_US 600000

/* As much of it at a time, where others wait: most round trips are shorter. */
#define LOOK_US 200000

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
	struct addr local, gateway;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
	struct discover_timing timing;
	double confidence, allowance; /* asked for; the chance of being wrong that it leaves */
	bool sees_own_source;
	struct server servers[VERDICT_SERVERS_MAX];
	uint8_t server_count;

	uint8_t slots[DISCOVER_SLOTS_MAX]; /* enum slot_state */
	uint16_t ports[DISCOVER_SLOTS_MAX];
	bool open[DISCOVER_SLOTS_MAX];
	struct addr slot_local[DISCOVER_SLOTS_MAX];
	struct pace pace;
	struct probe_log log;
	struct asks asks;
	struct streams streams;
	struct tcp_control tcp;
	struct tcp_mapping tcp_mapping;
	struct session sessions[SESSIONS_MAX];
	uint8_t session_count;
	uint8_t second_slot; /* asks all servers again; 0: none yet, the first being another's */
	struct samples samples;
	struct hairpin hairpin;
	struct rate_limit rate;
	struct portmap portmap;
	uint8_t portmap_slot; /* 0: none */
	uint16_t portmap_sent, portmap_answered, portmap_refused;
	bool only_rate; /* all is known but whether our pace was too much */

	bool started, finished;
	bool has_floor;
	uint64_t now_us, started_us;
	uint64_t begun_us;      /* when the first probe was allowed to leave; 0: not yet */
	uint64_t look_since_us; /* since when we have the floor without an answer; 0: we have not */
	uint64_t looked_us;     /* how long before that, all together */
	struct addr nat64_prefix; /* family ADDR_NONE: none is known */
	uint8_t nat64_len;
	uint64_t answered_us; /* first answer by UDP, of any kind; 0: none */
	double blocked_error; /* chance that UDP is not blocked, where it is called so */
	struct verdict verdict;
	uint8_t request[PROBE_LEN];
};

struct probe_view discover_view(const struct discover *d);

/* Takes a slot for a fresh socket on that port (0: any); DISCOVER_SLOTS_MAX: there is none. */
uint8_t discover_take_slot(struct discover *d, uint16_t port);

/* A random number. */
uint16_t discover_random(struct discover *d);

/* Datagrams that may still be sent. */
size_t discover_budget_left(const struct discover *d);

/* Is there a NAT, as far as is known by now? */
enum verdict_answer discover_nat(const struct discover *d);

void discover_start(struct discover *d);

/* From and until when it has the floor. */
void discover_begin_look(struct discover *d);
void discover_end_look(struct discover *d);

/* Has it had the floor for that long, all together, while nobody answered? */
bool discover_has_looked_for(const struct discover *d, uint64_t us);

/* It has had the floor for a moment and nobody answered: others who wait go first. */
bool discover_has_looked(const struct discover *d);

/* Nobody has answered for so long that others need not wait for this discovery any more. */
bool discover_yields(const struct discover *d);

/* The next action, after discover_run. */
enum discover_kind discover_act(struct discover *d, struct discover_action *action);

/* Moves everything on to d->now_us; sets d->finished once it is enough. */
void discover_run(struct discover *d);

/* May this OTHER-ADDRESS of a server be measured with? */
enum verdict_cause discover_judge_other(const struct addr *server, const struct addr *other);

/* Mapping or filtering is still looked at. */
bool discover_sessions_are_running(const struct discover *d, const struct probe_view *view);

/* The same while nobody has answered by UDP. */
void discover_run_silent(struct discover *d);
uint64_t discover_silent_deadline_us(const struct discover *d);

/* A server answered on a port that is open where its own is not. */
bool discover_detour_is_answered(const struct discover *d);

/* TCP, samples, hairpin, gateway and pace: starts and moves on what is due. */
void discover_run_beside(struct discover *d);
bool discover_others_are_over(const struct discover *d, const struct probe_view *view);

/* Port samples are still to be had: there may be a NAT, and somebody to ask. */
bool discover_samples_are_due(const struct discover *d);

/* Everything that makes a mapping before the samples do has left. */
bool discover_others_are_out(const struct discover *d, const struct probe_view *view);

/* A local port that nobody else is likely to have, among those that systems hand out. */
uint16_t discover_fresh_port(struct discover *d);

/* Gives the mapping over TCP a second port where it needs one. */
void discover_step_tcp_mapping(struct discover *d, const struct probe_view *view);

/* Ends now. `cause` is for what is unknown; CAUSE_NONE: each has a cause of its own. */
void discover_end(struct discover *d, enum verdict_cause cause);

/* A server's first answer arrived: may it be measured with? */
void discover_judge_server(struct discover *d, uint8_t server);

/* When discover_run may do something new, apart from what the tests wait for. */
uint64_t discover_run_deadline_us(const struct discover *d);

#endif
