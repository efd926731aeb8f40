/* vantage_state - what vantage*.c share. */
#ifndef NATPROBE_VANTAGE_STATE_H
#define NATPROBE_VANTAGE_STATE_H

#include "classify.h"
#include "stun_msg.h"
#include "timing.h"
#include "turn_end.h"
#include "vantage.h"

#define VT_EXTERNALS_MAX 16 /* addresses of ours that are permitted beforehand */
#define VT_PACKET_LEN    32
#define VT_ROUNDS        4 /* at least, before a silence counts */
#define VT_ROUNDS_MAX    24
#define VT_COPIES        2   /* of each datagram by way of the relay, in a round */
#define VT_COPIES_SLOW   5   /* the same where rounds take long */
#define VT_SENT_MAX      128 /* of one kind */
#define VT_NO_SLOT       VANTAGE_SLOTS

enum vt_phase { VT_ALLOCATING, VT_PERMITTING, VT_PROBING, VT_CLOSING, VT_OVER };

enum vt_slot { VT_UNUSED = 0, VT_WANTED, VT_OPENING, VT_OPEN, VT_FAILED, VT_CLOSED };

enum vt_packet_kind {
	VT_OUT,     /* from `near` to R1 */
	VT_CONTROL, /* from R1 to `near` */
	VT_PORT,    /* from R2 to `near` */
	VT_BOTH,    /* from R1 to `far` */
	VT_PACKETS,
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
	int peers[VANTAGE_ENDS];  /* its number as a peer of each end */
	bool is_due, is_answered; /* in this round */
	uint16_t asked, answered;
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
	struct addr openers[VERDICT_SERVERS_MAX]; /* STUN servers that answered */
	size_t opener_count;
	struct addr externals[VT_EXTERNALS_MAX];
	size_t external_count;
	int external_peers[VT_EXTERNALS_MAX][VANTAGE_ENDS];

	uint8_t phase; /* enum vt_phase */
	uint64_t deadline_us, close_by_us, permit_by_us, ended_us;
	uint8_t useless; /* enum verdict_cause: the discovery found why not to try; CAUSE_NONE: it did not */
	bool is_cut; /* stopped before it was through */
	struct turn_end ends[VANTAGE_ENDS];
	struct addr relayed[VANTAGE_ENDS]; /* as others see them; ADDR_NONE: none */
	uint8_t slots[VANTAGE_SLOTS];      /* enum vt_slot */
	uint8_t run_id[8];
	struct addr opener; /* that `far` asks; ADDR_NONE: none is of use */
	struct vt_socket far, near;
	struct vt_count counts[VT_PACKETS];
	uint8_t rounds, unseen_rounds;
	bool is_slow; /* in pace: too much was lost */
	uint64_t round_us, rtt_us;
	struct addr odd_source; /* whence something came by way of the relay; ADDR_NONE: nothing */
	uint8_t packet[VT_PACKET_LEN];
	uint8_t framed[VT_PACKET_LEN + 64];
};

/* Is this another address and port, as a filter sees it? */
bool vt_is_far(const struct addr *a, const struct addr *b);

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

/* A fresh socket; VT_NO_SLOT: there is none left. */
uint8_t vt_take_slot(struct vantage *v);

/* What is known of each gate by now; `pending`: more rounds, or time, may tell. */
struct vt_gate {
	uint8_t gate;  /* enum classify_gate */
	uint8_t cause; /* enum verdict_cause */
	bool pending;
};
struct vt_gate vt_judge(const struct vantage *v, enum verdict_filter_kind kind, uint64_t now_us);

/* Another round would tell something: as soon as it may begin, or once loss is known. */
enum vt_want { VT_NO_ROUND, VT_SOON, VT_LATER };
enum vt_want vt_wants_round(const struct vantage *v, uint64_t now_us);

/* Waiting longer, or sending more, would tell nothing. */
bool vt_is_decided(const struct vantage *v, uint64_t now_us);

/* When silence may count, apart from rounds to come. */
uint64_t vt_tail_us(const struct vantage *v);

#endif
