/* relay_state - what relay_trial*.c share. */
#ifndef NATPROBE_RELAY_STATE_H
#define NATPROBE_RELAY_STATE_H

#include "relay_trial.h"
#include "stun_msg.h"
#include "turn_resolve.h"

#define RT_SECOND     UINT64_C(1000000)
#define RT_ECHOES_MAX 256
#define RT_NO_PEER    (-1)

enum rt_packet_kind {
	RT_PING, /* from end 0 to end 1 */
	RT_PONG, /* back */
	RT_IN,   /* from our own socket to the relay */
	RT_OUT,  /* back */
};

/* What all our packets begin with. */
struct rt_packet {
	uint8_t kind; /* enum rt_packet_kind */
	uint8_t family;
	uint32_t number;
	uint64_t sent_us;
};

enum rt_end_state { RT_END_CLOSED, RT_END_TO_OPEN, RT_END_OPENING, RT_END_OPEN, RT_END_OVER };

/* What became of the permission for a peer. */
enum rt_permission { RT_PERMISSION_NONE, RT_PERMISSION_ASKED, RT_PERMITTED, RT_PERMISSION_REFUSED };

struct rt_peer {
	int number; /* RT_NO_PEER: none */
	uint8_t permission;
	uint16_t code;
	bool is_settled; /* its channel is bound, or will not be */
};

struct rt_end {
	struct turn_client *client;
	uint8_t state;          /* enum rt_end_state */
	uint8_t families;       /* enum turn_client_families that is asked for */
	uint16_t other_refused; /* with which code it would not give two */
	bool is_allocated, is_failed;
	bool must_close; /* before it is opened again */
	bool is_open_relay;
	bool was_answered; /* anything at all came */
	struct addr to;
	bool has_domain;
	char domain[TURN_CLIENT_DOMAIN_MAX + 1];
	uint64_t opened_us;
	struct turn_client_allocated allocated;
	struct turn_client_failure failure;
	struct dial_failure dial;
	struct rt_peer peers[RELAY_FAMILIES]; /* the other end's relayed addresses */
};

enum rt_flow_state { RT_FLOW_NONE, RT_FLOW_ASKING, RT_FLOW_RUNNING, RT_FLOW_ENDED };

struct rt_flow {
	uint8_t state; /* enum rt_flow_state */
	uint64_t since_us, next_us, last_sent_us;
	uint64_t first_arrived_us, last_arrived_us;
	uint32_t sent, arrived, returned;
	uint32_t *rtt_us; /* by number; 0: not back */
	bool *has_arrived;
};

enum rt_local_state {
	RT_LOCAL_NONE,
	RT_LOCAL_BINDING, /* waits for the answer to a Binding request */
	RT_LOCAL_ASKING,  /* waits for the permission */
	RT_LOCAL_PROBING,
	RT_LOCAL_ENDED,
};

struct rt_local {
	uint8_t state; /* enum rt_local_state */
	uint8_t lead;  /* the end whose relayed address is tried */
	uint8_t family;
	struct stun_tid tid;
	unsigned int bindings;
	struct addr server, mapped, relayed;
	struct rt_peer peer;
	struct rt_peer answer; /* where a packet came from, if that is another port */
	unsigned int rounds;
	bool is_out_due; /* in this round the one to us is still to be sent */
	uint64_t since_us, next_us;
};

enum rt_phase { RT_ALLOCATING, RT_TESTING, RT_CLOSING, RT_OVER };

struct relay_trial {
	struct relay_trial_config config;
	struct turn_client_config client_config;
	struct rt_end ends[RELAY_ENDS];
	uint8_t phase; /* enum rt_phase */
	uint64_t deadline_us, close_by_us;
	bool is_cut;       /* stopped before it was through */
	bool has_new_peer; /* its client has something to send */
	uint8_t run_id[8];
	struct rt_flow flows[RELAY_FAMILIES];
	struct rt_packet echoes[RT_ECHOES_MAX];
	size_t echo_first, echo_count;
	struct rt_local local;
	struct relay_result result;
	/* The bytes that credentials show: the longest that turn_client takes. */
	uint8_t secrets[508 + 763 + TURN_CLIENT_TOKEN_MAX];
	uint8_t packet[RELAY_LENGTH_MAX];
	uint8_t out[RELAY_LENGTH_MAX + 64];
};

int rt_family(uint8_t family);      /* RELAY_IPV4, RELAY_IPV6 */
uint8_t rt_addr_family(int family); /* the reverse */

/* The address of this family that was allocated; ADDR_NONE: none. */
struct addr rt_relayed(const struct rt_end *e, int family);

/* Writes one of our packets to t->packet, filled up to the configured length. */
struct bytes rt_packet_make(struct relay_trial *t, const struct rt_packet *p);

/* False: it is none of this run. */
bool rt_packet_read(const struct relay_trial *t, struct bytes in, struct rt_packet *out);

/* Frames data for a peer into an action; false where it may not be sent now. */
bool rt_send(struct relay_trial *t, uint8_t end, const struct rt_peer *peer, struct bytes data,
	     uint64_t now_us, struct relay_action *out);

void rt_add_peer(struct relay_trial *t, uint8_t end, struct rt_peer *peer, const struct addr *addr,
		 bool channel, uint64_t now_us);

/* What a client wants done; else the deadline is moved forward to when it wants something. */
bool rt_ends_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		  uint64_t *deadline_us);

/* The packets between the clients. */
bool rt_loop_new(struct relay_trial *t);
void rt_loop_free(struct relay_trial *t);
void rt_loop_begin(struct relay_trial *t, uint64_t now_us);
void rt_loop_on_packet(struct relay_trial *t, uint8_t end, const struct rt_packet *p,
		       uint64_t now_us);
/* Each sends the next packet that is due, or moves the deadline forward. */
bool rt_loop_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		  uint64_t *deadline_us);
bool rt_loop_is_over(const struct relay_trial *t);

/* The packets of our own socket. */
void rt_local_begin(struct relay_trial *t, uint8_t lead, uint64_t now_us);
void rt_local_on_relayed(struct relay_trial *t, const struct addr *from, uint64_t now_us);
void rt_local_on_datagram(struct relay_trial *t, struct bytes in, const struct addr *from,
			  uint64_t now_us);
bool rt_local_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		   uint64_t *deadline_us);
bool rt_local_is_over(const struct relay_trial *t);

/* Fills t->result from all that is known. */
void rt_judge(struct relay_trial *t);

#endif
