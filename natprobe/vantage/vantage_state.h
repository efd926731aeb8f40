/* vantage_state - what vantage*.c share. */
#ifndef NATPROBE_VANTAGE_STATE_H
#define NATPROBE_VANTAGE_STATE_H

#include "natprobe/discover/classify.h"
#include "stun_msg.h"
#include "natprobe/discover/timing.h"
#include "turn_end.h"
#include "vantage.h"

#define VT_UDP_ENDS      2 /* the first ones; the last one relays TCP */
#define VT_TCP_END       2
#define VT_EXTERNALS_MAX 16 /* addresses of ours that are permitted beforehand */
#define VT_PACKET_LEN    32
#define VT_ROUNDS        4 /* at least, before a silence counts */
#define VT_ROUNDS_MAX    24
#define VT_COPIES        2   /* of each datagram by way of the relay, in a round */
#define VT_COPIES_SLOW   5   /* the same where rounds take long */
#define VT_SENT_MAX      128 /* of one kind */
#define VT_ANSWER_MAX    512 /* of a Binding answer over TCP */
#define VT_NO_SLOT       VANTAGE_SLOTS

/* Of UDP; VT_WAITING: for TCP. */
enum vt_phase {
	VT_ALLOCATING,
	VT_PERMITTING,
	VT_PROBING,
	VT_MAPPING,
	VT_WAITING,
	VT_CLOSING,
	VT_OVER
};

enum vt_slot { VT_UNUSED = 0, VT_WANTED, VT_OPENING, VT_OPEN, VT_FAILED, VT_CLOSED };

enum vt_packet_kind {
	VT_OUT,               /* from `near` to R1 */
	VT_CONTROL,           /* from R1 to `near` */
	VT_PORT,              /* from R2 to `near` */
	VT_BOTH,              /* from R1 to `far` */
	VT_PACKETS,           /* those that are counted */
	VT_LOOK = VT_PACKETS, /* to a relayed address, which is its number */
	VT_KINDS,
};

struct vt_packet {
	uint8_t kind; /* enum vt_packet_kind */
	uint8_t round;
	uint8_t number; /* of its kind */
	uint64_t sent_us;
};

/* Datagrams of one kind, and those of this round that are still to be sent. */
struct vt_count {
	uint16_t sent, arrived;
	uint8_t left;
	uint64_t last_us;
	uint64_t seen[VT_SENT_MAX / 64]; /* which of them arrived, as bits */
};

/* A fresh socket, and where it is seen. */
struct vt_socket {
	uint8_t slot; /* VT_NO_SLOT: none */
	struct addr mapped;
	int peers[VT_UDP_ENDS];   /* its number as a peer of each end */
	bool is_due, is_answered; /* in this round */
	uint16_t asked, answered;
};

enum vt_call_state {
	VT_CALL_NONE = 0,
	VT_CALL_TO_CONNECT,
	VT_CALL_CONNECTING, /* to a STUN server */
	VT_CALL_ASKING,     /* that, for our mapped address */
	VT_CALL_MAPPED,
	VT_CALLING, /* the relay connects to us there */
	VT_CALL_OVER,
};

/* A port of ours that is connected to a STUN server and listens, and the relay that calls it. */
struct vt_call {
	uint8_t state; /* enum vt_call_state */
	uint8_t kind; /* enum verdict_filter_kind; FILTER_CONTROL: the STUN server itself is called */
	uint8_t cause; /* enum verdict_cause: it came to nothing */
	bool is_open;  /* in the shell */
	bool arrived;  /* the relay's connection */
	bool refused;  /* it was answered with something else */
	struct addr to;
	struct addr mapped; /* whom the relay calls */
	int link;
	uint64_t begun_us, called_us;
	struct stun_tid tid;
	uint8_t in[VT_ANSWER_MAX];
	size_t in_len;
};

/* Filtering of TCP (RFC 6062). */
struct vt_tcp {
	bool has_started;
	bool is_over;
	uint8_t cause; /* enum verdict_cause: why no call was made */
	uint8_t transport;
	uint64_t ended_us;
	struct addr relayed;
	struct vt_call calls[VANTAGE_CALLS];
	bool has_begun;
};

/* Where one socket is seen by one endpoint. */
struct vt_look {
	struct addr endpoint; /* family ADDR_NONE: there is none */
	struct addr mapped;   /* family ADDR_NONE: no answer */
	bool is_due, is_unstable;
	uint16_t sent, answered;
};

#define VT_LOOKS      (VT_UDP_ENDS + 1) /* the relayed addresses, and a STUN server */
#define VT_FIRST_SLOT 64 /* of ours, in a verdict: those of the discovery are below */

struct vt_mapping {
	bool is_wanted; /* the discovery did not find it, or not for sure */
	uint8_t slot;
	uint8_t rounds;
	uint64_t round_us;
	struct vt_look looks[VT_LOOKS];
};

/* Does a relayed address reach anybody whom it has not heard of? The STUN server would answer. */
struct vt_verify {
	int peer; /* TURN_END_NO_PEER: it cannot be asked */
	uint16_t sent;
	bool is_due, is_answered;
};

struct vantage {
	struct vantage_target targets[VANTAGE_TARGETS_MAX];
	size_t target_count, target;
	const char *name;
	struct turn_client_credentials credentials;
	/* The bytes that credentials show: the longest that turn_client takes. */
	uint8_t secrets[508 + 763 + TURN_CLIENT_TOKEN_MAX];
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
	struct discover_timing timing;
	struct pace pace;
	double error_max;
	uint8_t family; /* of the addresses that others see us with */
	struct addr nat64_prefix;
	uint8_t nat64_len;
	struct addr openers[VERDICT_SERVERS_MAX]; /* STUN servers that answered, by UDP */
	size_t opener_count, opener_next;
	struct addr tcp_openers[VERDICT_SERVERS_MAX]; /* ... or by TCP */
	size_t tcp_opener_count;
	struct addr externals[VT_EXTERNALS_MAX];
	size_t external_count;
	int external_peers[VT_EXTERNALS_MAX][VT_UDP_ENDS];

	uint8_t phase; /* enum vt_phase */
	uint64_t deadline_us, close_by_us, permit_by_us, ended_us;
	uint8_t useless; /* enum verdict_cause: the discovery found why not to try; CAUSE_NONE: it did not */
	bool is_cut; /* stopped before it was through */
	struct turn_end ends[VANTAGE_ENDS];
	struct vt_tcp tcp;
	struct vt_mapping mapping;
	struct addr relayed[VT_UDP_ENDS];  /* as others see them; ADDR_NONE: none */
	uint8_t slots[VANTAGE_SLOTS];      /* enum vt_slot */
	struct addr locals[VANTAGE_SLOTS]; /* where they are bound */
	uint8_t run_id[8];
	struct addr opener; /* that `far` asks; ADDR_NONE: none is of use */
	struct vt_socket far, near;
	struct vt_count counts[VT_PACKETS];
	struct vt_verify verify[VT_UDP_ENDS];
	uint8_t rounds, unseen_rounds;
	bool is_slow; /* in pace: too much was lost */
	uint64_t round_us, rtt_us;
	struct addr odd_source; /* whence something came by way of the relay; ADDR_NONE: nothing */
	uint8_t packet[VT_PACKET_LEN];
	uint8_t framed[VT_PACKET_LEN + 64];
};

/* Is this another address and port, as a filter sees it? */
bool vt_is_far(const struct addr *a, const struct addr *b);

/* One of our packets, a view of v->packet; and read again. */
struct bytes vt_packet_make(struct vantage *v, uint8_t kind, uint8_t number, uint64_t now_us);
bool vt_packet_read(const struct vantage *v, struct bytes in, struct vt_packet *out);

/* Mapping: false where nothing is to be found, or there is no socket for it. */
bool vt_mapping_begin(struct vantage *v, uint64_t now_us);
bool vt_mapping_is_over(const struct vantage *v, uint64_t now_us);
bool vt_mapping_next(struct vantage *v, uint64_t now_us, struct vantage_action *out,
		     uint64_t *deadline_us);
void vt_mapping_on_relayed(struct vantage *v, uint8_t end, const struct addr *from,
			   struct bytes in);
void vt_mapping_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from,
			    struct bytes in);
void vt_mapping_conclude(const struct vantage *v, struct verdict *out);

void vt_rounds_begin(struct vantage *v, uint64_t now_us);

/* What is due to be sent; else the deadline is moved forward. */
bool vt_rounds_next(struct vantage *v, uint64_t now_us, struct vantage_action *out,
		    uint64_t *deadline_us);

/* What came by way of the relay, to `end`. */
void vt_rounds_on_relayed(struct vantage *v, uint8_t end, const struct addr *from, struct bytes in,
			  uint64_t now_us);
void vt_rounds_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from,
			   struct bytes in, uint64_t now_us);

/* How a server or relayed address is reached from here; ADDR_NONE: not at all. */
struct addr vt_reachable(const struct vantage *v, const struct addr *a);

/* Copies credentials to where they live as long as `v`. */
void vt_keep_credentials(struct vantage *v, const struct turn_client_credentials *from);

/* What the discovery knows of the way. */
void vt_learn(struct vantage *v, const struct verdict *seen);

/* An address that others may see us with. */
void vt_add_external(struct vantage *v, const struct addr *a);

/* Begins the client at an end, 0 or 1. */
void vt_start_end(struct vantage *v, uint8_t end);

/* Go on to the next phase where it is time. True: something may be due now. */
bool vt_step_allocating(struct vantage *v, uint64_t now_us);
bool vt_step_permitting(struct vantage *v, uint64_t now_us);

/* All is known of UDP that will be. */
void vt_end_udp(struct vantage *v, uint64_t now_us);

/* As the public network knows it, where a NAT64 stands in for it here. */
struct addr vt_beyond(const struct vantage *v, const struct addr *a);

/* The address of an allocation that others see packets from, where it is of use; else ADDR_NONE. */
struct addr vt_relayed_by(const struct vantage *v, const struct turn_end *e);

/* What a client of one of the targets is made of. */
struct turn_client_config vt_client_config(const struct vantage *v,
					   const struct vantage_target *target);

/* The chance that loss alone silenced so many datagrams; `more` is what arrived besides. */
double vt_silence(const struct vantage *v, unsigned copies, unsigned more);

/* A filter by port alone looks like one by address and port from here, and hardly any is. */
void vt_settle_ports(struct verdict_property *p);

/* TCP: goes on, where something changed; the next action, or when one is due. */
bool vt_tcp_step(struct vantage *v, uint64_t now_us);
bool vt_tcp_next(struct vantage *v, uint64_t now_us, struct vantage_action *out);
void vt_tcp_deadline(const struct vantage *v, uint64_t now_us, uint64_t *deadline_us);
void vt_tcp_stop(struct vantage *v, uint64_t now_us);
bool vt_tcp_wants_floor(const struct vantage *v);
void vt_tcp_conclude(const struct vantage *v, struct verdict *out);

/* A fresh socket; VT_NO_SLOT: there is none left. */
uint8_t vt_take_slot(struct vantage *v);

/* What is known of each gate by now; `pending`: more rounds, or time, may tell. */
struct vt_gate {
	uint8_t gate;  /* enum classify_gate */
	uint8_t cause; /* enum verdict_cause */
	bool pending;
};

/* Another round would tell something: as soon as it may begin, or once loss is known. */
enum vt_want { VT_NO_ROUND, VT_SOON, VT_LATER };
enum vt_want vt_wants_round(const struct vantage *v, uint64_t now_us);

/* Waiting longer, or sending more, would tell nothing. */
bool vt_is_decided(const struct vantage *v, uint64_t now_us);

/* When silence may count, apart from rounds to come. */
uint64_t vt_tail_us(const struct vantage *v);

#endif
