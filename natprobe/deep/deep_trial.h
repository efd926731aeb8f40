/*
 * deep_trial - one question of a deep diagnosis: a small state machine with a file of its own
 * (deep_x.c). Only deep*.c include this.
 *
 * A trial asks `deep` for sockets and orders, and is told what came of them by handle. It holds its
 * state in a struct of its own, which deep keeps for it. All it concludes it writes in end().
 */
#ifndef NATPROBE_DEEP_TRIAL_H
#define NATPROBE_DEEP_TRIAL_H

#include "deep.h"
#include "coop.h"

#define DEEP_NO_SOCKET UINT16_MAX

struct deep_trial {
	const char *name; /* for progress and traces */
	size_t state_size;
	/* Spoiled by others' mappings: nothing else begins before it is over. */
	bool alone;
	/*
	 * Applies here? Asked once, when it is known whether a server cooperates. False: the values
	 * stay as end() sets them for a trial that never began. NULL: always.
	 */
	bool (*applies)(const struct deep *d);
	void (*start)(struct deep *d, void *state);
	/* Time has come, or something has happened to any of its handles. */
	void (*step)(struct deep *d, void *state);
	/* Any may be NULL. */
	void (*on_open)(struct deep *d, void *state, uint16_t socket, bool opened);
	void (*on_datagram)(struct deep *d, void *state, uint16_t socket, const struct addr *from,
			    struct bytes data);
	void (*on_icmp)(struct deep *d, void *state, uint16_t socket, const struct deep_icmp *icmp);
	void (*on_send_error)(struct deep *d, void *state, uint16_t socket, int err);
	/* An answer or report to an order, from whichever socket of the server it came. */
	void (*on_report)(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
			  const struct addr *from, const struct coop_answer *answer);
	/* An order was not acknowledged in spite of all copies (not for COOP_QUIET ones). */
	void (*on_order_lost)(struct deep *d, void *state, uint16_t socket, uint16_t order_id);
	void (*on_connected)(struct deep *d, void *state, uint16_t tcp);
	void (*on_accepted)(struct deep *d, void *state, uint16_t listener, uint16_t tcp,
			    const struct addr *from);
	void (*on_stream)(struct deep *d, void *state, uint16_t tcp, struct bytes data);
	void (*on_closed)(struct deep *d, void *state, uint16_t tcp, int err);
	/* When it wants a step; UINT64_MAX: only when something happens. */
	uint64_t (*deadline_us)(const struct deep *d, const void *state);
	bool (*is_over)(const struct deep *d, const void *state);
	/* Concludes, with what is known; early: why it was cut short, or CAUSE_NONE. state is
	 * zeroed where it never began. */
	void (*end)(struct deep *d, void *state, enum verdict_cause early, struct verdict *v);
};

/* All trials, in the order in which they begin. Some wait for others: deep_trial_is_over. */
extern const struct deep_trial *const deep_trials[];
extern const size_t deep_trial_count;
bool deep_trial_is_over(const struct deep *d, const struct deep_trial *t);
/* Zeroed where it never began; NULL: it is none of deep_trials. */
const void *deep_trial_state(const struct deep *d, const struct deep_trial *t);

/*
 * Services; of the trial that is being called. step() is called after anything that happened to one
 * of its handles, and as it begins, right after start(). The port of a fresh socket was never used
 * before in this run, and is not used again.
 */
uint64_t deep_now_us(const struct deep *d);
const struct deep_config *deep_config(const struct deep *d);
const struct verdict *deep_verdict(const struct deep *d); /* of the discovery, and what is known */
uint64_t deep_rtt_us(const struct deep *d);               /* to the cooperating server */
bool deep_cooperates(const struct deep *d);               /* a token was had */
const struct addr *deep_other(const struct deep *d);      /* its OTHER-ADDRESS; ADDR_NONE */
void deep_random(struct deep *d, void *buf, size_t len);

/* A fresh UDP socket on that port (0: any fresh one). DEEP_NO_SOCKET: none left, or the cap of
 * mappings is reached. */
uint16_t deep_open(struct deep *d, uint16_t port);
uint16_t deep_open_at(struct deep *d, const struct addr *local, uint16_t port);
const struct addr *deep_local(const struct deep *d, uint16_t socket); /* ADDR_NONE: not yet */
void deep_close(struct deep *d, uint16_t socket);

struct deep_send {
	struct addr to;
	struct bytes data; /* copied; up to COOP_SIZE_MAX */
	uint8_t ttl;
	uint8_t flags; /* DEEP_SEND_* */
};
/* False: the budget is used up. */
bool deep_send(struct deep *d, uint16_t socket, const struct deep_send *send);

/*
 * Sends an order from that socket to the server (to: NULL, or another endpoint of it), again until
 * it is acknowledged (copies: at most; 0: 8), with COOP_QUIET `copies` times 40 ms apart. o->id is
 * set. Returns that id; 0: it cannot be placed. A refusal because of the token, or because the
 * server is busy, is met by deep itself; what lasts is reported, and all that a quiet order is refused for.
 */
uint16_t deep_order(struct deep *d, uint16_t socket, const struct addr *to, struct coop_order *o,
		    uint8_t copies);

/* The same, as a datagram of a size or with a TTL of your choice. */
struct deep_shape {
	uint16_t size; /* bytes of the UDP payload; 0: as short as can be */
	uint8_t ttl;
	uint8_t flags; /* DEEP_SEND_* */
};
uint16_t deep_order_shaped(struct deep *d, uint16_t socket, const struct addr *to,
			   struct coop_order *o, uint8_t copies, const struct deep_shape *shape);

/* For progress: the longest that a mapping was seen alive, what is waited for, and until when. */
void deep_tell(struct deep *d, double alive_s, double awaits_s, uint64_t ends_us);

/* Sockets that may still be opened; time that what is queued takes to leave at our pace. */
size_t deep_room(const struct deep *d);
uint64_t deep_backlog_us(const struct deep *d);

/*
 * An order of that socket: when its first and its last copy left (0: not yet), and whether no
 * further one will. False: there is no such order.
 */
struct deep_order_times {
	uint64_t first_us, last_us;
	bool is_settled;
};
bool deep_order_times(const struct deep *d, uint16_t socket, uint16_t order_id,
		      struct deep_order_times *out);

/* Of fresh sockets of all trials: local port, and what the server saw. Returns how many. */
struct deep_sample {
	uint16_t local_port;
	struct addr mapped;
};
size_t deep_samples(const struct deep *d, struct deep_sample *out, size_t cap);

/* TCP. */
uint16_t deep_listen(struct deep *d, uint16_t port);
uint16_t deep_connect(struct deep *d, uint16_t port, const struct addr *to);
const struct addr *deep_tcp_local(const struct deep *d, uint16_t tcp);
void deep_write(struct deep *d, uint16_t tcp, struct bytes data);
void deep_disconnect(struct deep *d, uint16_t tcp);

#endif
