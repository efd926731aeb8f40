/*
 * deep_state - the inside of a deep diagnosis, for the coordinator's own files:
 *
 *	deep.c         begin, end, and what the shell tells
 *	deep_next.c    what is to be done now
 *	deep_queue     actions on their way to the shell, in order
 *	deep_socket.c  sockets of trials, and what they send
 *	deep_order.c   orders to the cooperating server, and their reports
 *	deep_token.c   tokens: proof that we are where we seem to be
 *	deep_trials.c  the trials
 */
#ifndef NATPROBE_DEEP_STATE_H
#define NATPROBE_DEEP_STATE_H

#include "deep_queue.h"
#include "deep_trial.h"
#include "natprobe/discover/timing.h"

#define DEEP_TRIALS_MAX 40
#define DEEP_ORDERS_MAX 1024
#define DEEP_TOKENS_MAX VERDICT_EXTERNALS_MAX
#define DEEP_SEEN_MAX   DEEP_SLOTS_MAX
#define DEEP_NOBODY     UINT8_MAX /* no trial: deep itself */

enum deep_socket_state {
	DEEP_SOCKET_FREE = 0,
	DEEP_SOCKET_WANTED, /* the shell was, or will be, asked for it */
	DEEP_SOCKET_OPEN,
	DEEP_SOCKET_CLOSING, /* the shell will be asked to close it */
};

struct deep_socket {
	uint8_t state; /* enum deep_socket_state */
	uint8_t trial; /* whose it is */
	uint8_t token; /* which one its orders show; of the external address that it has */
	bool asks_token;
	bool is_seen;         /* its mapped address was noted, or is not to be */
	uint16_t first_order; /* which tells it: later ones may have other mappings */
	uint8_t attempts;     /* to open it */
	bool any_port;        /* another one may be tried */
	struct addr source;   /* asked for; ADDR_NONE: config.local */
	struct addr local;    /* ADDR_NONE: not yet */
};

struct deep_tcp {
	uint8_t state; /* enum deep_socket_state */
	uint8_t trial;
	bool listens;
	struct addr local;
};

/* An order that was placed, until its socket closes. */
struct deep_placed {
	bool used, is_settled; /* acknowledged, given up, or quiet and all copies sent */
	uint16_t socket;
	uint8_t trial;
	uint8_t sent, copies; /* so far; COOP_QUIET: wanted */
	uint8_t refusals;     /* for its token, or because the server was busy */
	bool waits_for_token;
	struct stun_tid tid;
	struct coop_order order;
	struct deep_shape shape;
	struct addr to;
	uint64_t due_us, wait_us;
	uint64_t first_us, last_us; /* when it left; 0: not yet */
};

struct deep_running {
	void *state;
	bool begun, over, poked;
};

enum deep_phase {
	DEEP_ASKING = 0, /* for a token */
	DEEP_TRYING,
	DEEP_CLOSING,
	DEEP_OVER,
};

/* Asking for a token from one socket. */
struct deep_asking {
	bool is_active;
	uint16_t socket;
	struct stun_tid tid;
	struct addr to;
	uint8_t sent;
	uint64_t due_us, last_us;
};
#define DEEP_ASKINGS_MAX 16

struct deep {
	struct deep_config config;
	struct verdict *verdict;
	struct discover_timing timing;
	struct pace pace;
	struct deep_queue queue;
	uint64_t now_us, started_us;
	uint8_t phase; /* enum deep_phase */
	bool is_started, is_stopped;
	uint64_t limit_us; /* what has not ended by then is cut short: a server may play tricks */
	uint8_t current;   /* the trial that is being called */

	struct deep_running trials[DEEP_TRIALS_MAX];
	struct deep_socket sockets[DEEP_SLOTS_MAX];
	uint16_t socket_count; /* not free */
	struct deep_tcp tcp[DEEP_CONNECTIONS_MAX];
	uint8_t used_ports[65536 / 8];  /* local ones: no mapping may be met twice */
	uint8_t taken_ports[65536 / 8]; /* outside, by mappings of ours */

	struct deep_placed orders[DEEP_ORDERS_MAX];
	size_t order_count; /* places ever used */
	uint16_t last_id;
	uint64_t orders_due_us;

	bool cooperates;
	uint8_t asked_servers; /* of the candidates */
	uint8_t asked_low;     /* low ports of the one that cooperates */
	bool asked_pool;
	uint8_t token_count;
	struct {
		struct addr external; /* port 0 */
		bool is_second;       /* of config.second alone */
		bool low;             /* of the low port, where another server may listen */
		struct coop_token token;
	} tokens[DEEP_TOKENS_MAX];
	uint64_t renew_us; /* 0: no token yet */
	struct deep_asking askings[DEEP_ASKINGS_MAX];
	struct addr other;
	uint64_t rtt_us;

	struct deep_sample seen[DEEP_SEEN_MAX];
	uint16_t seen_count;
	double alive_s; /* for progress */
	char waits_for[48];
	uint64_t ends_us;
};

/* deep_socket.c */
uint16_t deep_socket_open(struct deep *d, const struct addr *source, uint16_t port, uint8_t trial);
void deep_socket_close(struct deep *d, uint16_t socket);
bool deep_socket_is_usable(const struct deep *d, uint16_t socket);
bool deep_socket_send(struct deep *d, uint16_t socket, const struct deep_send *send,
		      uint16_t order);

/* deep_order.c */
void deep_order_step(struct deep *d);
void deep_order_left(struct deep *d, uint16_t order);
void deep_order_forget(struct deep *d, uint16_t socket);
/* The same for a socket that is not there: who placed them is told that they are lost. */
void deep_order_abandon(struct deep *d, uint16_t socket);
bool deep_order_answered(struct deep *d, uint16_t socket, const struct addr *from,
			 const struct stun_msg *m, const struct coop_answer *a);
/* Orders of this socket that waited for a token may leave. */
void deep_order_resume(struct deep *d, uint16_t socket);

/* deep_token.c */
/* Asks who is still to be asked; false: all have been. */
bool deep_token_search(struct deep *d);
void deep_token_step(struct deep *d);
uint64_t deep_token_deadline_us(const struct deep *d);
bool deep_token_answered(struct deep *d, uint16_t socket, const struct stun_msg *m,
			 const struct coop_answer *a);
/*
 * Another external address: asks for a token from this very socket, unless there is one. False:
 * not now.
 */
bool deep_token_for(struct deep *d, uint16_t socket, const struct addr *to,
		    const struct addr *mapped);
const struct coop_token *deep_token_of(const struct deep *d, uint16_t socket,
				       const struct addr *to);
/* For a socket whose external address is not known yet: which one, where there are several, is a
 * matter of chance. */
uint8_t deep_token_likely(struct deep *d);

/* deep_next.c: that trial may have something to do. */
void deep_poke(struct deep *d, uint8_t trial);

static inline uint64_t deep_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
