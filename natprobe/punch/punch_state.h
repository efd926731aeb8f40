/*
 * punch_state - the inside of a trial, for punch*.c alone.
 *
 *	punch.c          what arrives, what is next, and when one phase becomes the other
 *	punch_slots.c    sockets: which are wanted, open, to be closed
 *	punch_port.c     which of them has the port that the user wants
 *	punch_asks.c     questions to STUN servers
 *	punch_gather.c   the sockets of the offer, and the offer
 *	punch_start.c    offers and the start: what is told, and what the other side tells
 *	punch_hand.c     the wait for a start that nobody tells
 *	punch_run.c      the steps of the plan
 *	punch_tcp.c      those of them that are of TCP
 *	punch_checks.c   checks out and in, and their answers
 *	punch_agree.c    which of the pairs it is to be
 *	punch_measure.c  how good that one is
 *	punch_end.c      evidence, reasons, the end
 *	punch_wire.c     messages to the other side, as bytes
 */
#ifndef NATPROBE_PUNCH_STATE_H
#define NATPROBE_PUNCH_STATE_H

#include "check.h"
#include "punch.h"
#include "punch_wire.h"
#include "reason.h"
#include "natprobe/planning/shots.h"
#include "tcp_open.h"

#define PU_MS    UINT64_C(1000)
#define PU_NEVER UINT64_MAX

/* Slots of UDP sockets. */
enum {
	PU_SLOT_SETS = 0,                                 /* path by path, PEER_SETS of each */
	PU_SLOT_LOCAL = PEER_PATHS_MAX * PEER_SETS,       /* of each path, for host endpoints */
	PU_SLOT_PORTMAP = PU_SLOT_LOCAL + PEER_PATHS_MAX, /* of each path, for the gateway's port */
	PU_SLOT_RELAY = PU_SLOT_PORTMAP + PEER_PATHS_MAX,
	PU_SLOT_FRESH = PU_SLOT_RELAY + 1, /* up to PUNCH_SLOTS_MAX: samples, and those of steps */
};
#define PU_NO_SLOT UINT16_MAX

/* Slots of TCP connections. */
#define PU_TCP_GATHER 12 /* the first ones are tcp_gather's, the others the steps' */

#define PU_STEP_NONE   UINT8_MAX
#define PU_ASKS_MAX    96
#define PU_SENT_MAX    2048 /* checks that may still be answered */
#define PU_SEEN_MAX    512  /* requests that were taken: none counts twice */
#define PU_PAIRS_MAX   48
#define PU_ANSWERS_MAX 64
#define PU_PINGS_MAX   1000
#define PU_SERVERS_MAX PUNCH_SERVERS_MAX

enum pu_phase {
	PU_GATHER, /* our sockets, our offer */
	PU_WAIT,   /* for their offer, and for the start */
	PU_RUN,
	PU_MEASURE, /* there is a path */
	PU_HOLD,
	PU_TELL, /* evidence */
	PU_OVER,
};

enum pu_slot_state {
	PU_CLOSED = 0,
	PU_WANTED,
	PU_OPENING,
	PU_OPEN,
	PU_UNWANTED,
	PU_FAILED,
};

struct pu_slot {
	uint8_t state; /* enum pu_slot_state */
	uint8_t path;
	uint8_t step;  /* that sent from it last, PU_STEP_NONE: none */
	uint16_t port; /* wanted */
	bool is_mapped_asked, is_asked;
	struct addr local;
	struct addr mapped[2]; /* IPv4, IPv6 */
};

/* Of a path: where the port is that the user wants, and what else of it is offered. */
struct pu_port {
	uint16_t slot;
	bool is_shared; /* that socket is the one of all sets, of the own network and of the gateway */
	bool is_mapped; /* ... of the first set, and of the gateway */
	bool has_host, has_map;
};

/* What a question to a server is for. */
enum pu_ask_kind {
	PU_ASK_NONE = 0,
	PU_ASK_GATHER,
	PU_ASK_SAMPLE,
	PU_ASK_REFRESH,
	PU_ASK_AFTER, /* a step, from its set's socket */
	PU_ASK_ALIVE, /* ... from a fresh one */
	PU_ASK_NEXT,  /* while it runs: a destination more */
};

#define PU_ASK_TRIES 5

struct pu_ask {
	uint8_t kind;   /* enum pu_ask_kind */
	uint8_t family; /* that the server sees */
	uint8_t step;
	uint8_t tries;
	bool is_answered;
	uint16_t slot;
	uint64_t began_us, next_us, until_us;
	struct stun_tid tids[PU_ASK_TRIES];
};

/* A row of fresh sockets of one path, one after the other. */
struct pu_sampling {
	bool is_wanted, is_over;
	uint16_t slot; /* of the one that asks, PU_NO_SLOT: none */
	uint8_t asked;
	uint64_t sent_us; /* first */
};

struct pu_sent {
	struct stun_tid tid;
	uint64_t at_us;
	struct addr to;
	uint16_t slot; /* PU_NO_SLOT: answered, or never used */
	uint8_t step, nomination;
	uint8_t strays; /* answers from elsewhere */
	bool is_ping;
};

struct pu_seen {
	struct stun_tid tid;
	struct addr from;
};

struct pu_answer {
	uint16_t slot;
	struct addr to;
	struct stun_tid tid;
};

struct pu_pair {
	uint16_t slot; /* PU_NO_SLOT: not used */
	uint8_t step;
	uint8_t tries;           /* checks since it was heard of */
	uint8_t extra;           /* checks that still have to follow its first success */
	bool is_valid;           /* a check of ours to it was answered */
	bool is_dead;            /* its nomination was not */
	uint8_t nomination;      /* the latest of it; 0: none */
	uint8_t nomination_step; /* ... and the step that it names */
	struct addr remote, outer;
	uint64_t valid_us, heard_us, sent_us, next_us;
};

enum pu_step_state { PU_STEP_PENDING, PU_STEP_RUNS, PU_STEP_ASKS, PU_STEP_OVER };

struct pu_step {
	uint8_t state; /* enum pu_step_state */
	bool is_prepared, has_shot, has_no_more, has_asked_next;
	uint32_t index;
	struct shot shot;
	const struct peer_offer *their_offer;
	uint16_t fresh[PUNCH_SOCKETS_MAX];
	uint16_t fresh_count;
	uint64_t asks_until_us;
	uint64_t heard_us; /* when the first check of theirs came to a fresh socket; 0: none did */
	uint64_t held_us;  /* by so much its shots are later, since one came */
	struct tcp_open *tcp;
	bool is_tcp_dead; /* what it had did not carry */
	bool is_tcp_late; /* its nomination was not answered in time: it is not nominated again */
	uint16_t tcp_first, tcp_count;
};

struct punch {
	struct punch_config config;
	struct peer_profile ours, theirs;
	struct addr servers[PU_SERVERS_MAX];
	struct punch_plan_options options;
	struct check_keys keys;
	uint64_t seed;
	struct punch_result result;

	uint8_t phase; /* enum pu_phase */
	bool has_begun, is_told_finished;
	uint64_t now_us, began_us, phase_us;

	struct pu_slot slots[PUNCH_SLOTS_MAX];
	uint16_t wanted, unwanted;                /* slots in these states */
	uint8_t tcp_owner[PUNCH_CONNECTIONS_MAX]; /* step + 2, 1: tcp_gather's, 0: nobody's */

	struct pu_ask asks[PU_ASKS_MAX];
	uint8_t server[2]; /* that is asked first, of each family: it answered */

	/* gather */
	struct punch_plan needs; /* the plan with what is known before the offers */
	uint8_t portmaps_pending;
	bool is_relay_pending, is_sampling;
	struct pu_sampling sampling[PEER_PATHS_MAX];
	uint64_t sampling_us;
	struct tcp_gather *tcp_gather;
	struct addr portmaps[PEER_PATHS_MAX];
	struct pu_port ports[PEER_PATHS_MAX];
	uint16_t relay_code;
	uint64_t refresh_us;

	/* start */
	struct peer_offer our_offer,
		their_offers[2]; /* theirs: at the start, and what came later */
	uint8_t their_offer;     /* the one that counts */
	bool has_their_offer, is_stand_in;
	uint64_t our_offer_us;   /* our clock */
	uint64_t their_offer_us; /* our clock, when it was made */
	struct punch_clock clock;
	bool has_clock;
	bool has_start;
	uint64_t start_us, ran_us; /* what was agreed, and when we began */
	bool tells_offer, tells_start, tells_evidence, tells_bye;
	bool is_peer_gone, is_stopped;
	bool is_heard; /* by hand */
	uint8_t hand_step;
	uint32_t hand_index;
	uint64_t hand_next_us;

	/* run */
	struct pu_step steps[PUNCH_STEPS_MAX];
	struct pu_sent *sent;
	uint16_t sent_next;
	struct pu_seen seen[PU_SEEN_MAX];
	uint16_t seen_next;
	struct pu_answer answers[PU_ANSWERS_MAX];
	uint8_t answer_first, answer_count;
	struct pu_pair pairs[PU_PAIRS_MAX];
	uint64_t burst_us;
	uint16_t burst;
	bool has_valid;
	uint64_t valid_us;

	/* agree */
	uint8_t nominee;    /* A: a pair, PU_PAIRS_MAX: none */
	uint8_t nomination; /* its number; B: the highest that came */
	uint8_t nomination_tries;
	uint64_t nominated_us, nominate_next_us;
	uint8_t nominee_tcp; /* step whose connection is nominated, PU_STEP_NONE: none */
	uint8_t agreed;      /* the pair of the path, PU_PAIRS_MAX: none */
	bool is_followed;    /* A: B's checks say so */

	/* measure */
	uint32_t *rtts;
	uint64_t measure_until_us;       /* at the latest, of all paths; 0: there was none yet */
	bool is_path_heard;              /* by a check of theirs, once it was agreed on */
	uint16_t pings_wanted;           /* grows, where many are lost */
	uint16_t pings_sent, pings_past; /* past: up to the last one that was answered */
	uint64_t ping_next_us, ping_last_us, ping_heard_us;
	uint64_t tcp_ping_us;
	uint64_t hold_us; /* since when nothing was sent */
	uint32_t hold_s;
	uint8_t hold_asked;
	bool hold_heard;

	/* end */
	struct punch_told_evidence their_evidence;
	bool is_evidence_whole;
	uint8_t buf[PUNCH_TELL_MAX];
};

/* punch.c */
void pu_enter(struct punch *p, enum pu_phase phase);
void pu_count(uint16_t *counter);
struct stun_tid pu_tid(struct punch *p);
/* No more than a burst at once: *deadline is moved where it has to wait. */
bool pu_may_burst(struct punch *p, uint64_t *deadline_us);
void pu_send(struct punch *p, uint16_t slot, const struct addr *to, size_t len,
	     struct punch_action *action);
static inline void pu_by(uint64_t *deadline_us, uint64_t at_us)
{
	if (at_us < *deadline_us)
		*deadline_us = at_us;
}
struct punch_evidence *pu_evidence(struct punch *p, uint8_t step); /* NULL: no such step */

/* punch_slots.c */
void pu_slot_want(struct punch *p, uint16_t slot, uint8_t path, uint16_t port);
void pu_slot_leave(struct punch *p, uint16_t slot);
uint16_t pu_slot_fresh(struct punch *p); /* a closed one, PU_NO_SLOT: there is none */
bool pu_slot_is_open(const struct punch *p, uint16_t slot);
void pu_slot_opened(struct punch *p, uint16_t slot, const struct addr *local);
void pu_slots_leave_but(struct punch *p, uint16_t keep); /* PU_NO_SLOT: none is kept */
bool pu_slots_next(struct punch *p, struct punch_action *action);

/* punch_port.c */
void pu_port_choose(struct punch *p, uint8_t path);
/* It cannot be had. True: others have to be opened for what that socket was for. */
bool pu_port_lost(struct punch *p, uint16_t slot);
uint16_t pu_port_of(const struct punch *p, uint16_t slot, uint8_t path); /* to open it on; 0: any */
/* The sockets of a path, which may be one. */
uint16_t pu_set_slot(const struct punch *p, uint8_t path, uint8_t set);
uint16_t pu_local_slot(const struct punch *p, uint8_t path);
uint16_t pu_portmap_slot(const struct punch *p, uint8_t path);

/* punch_asks.c */
bool pu_has_server(const struct punch *p, uint8_t path, uint8_t family);
struct pu_ask *pu_ask(struct punch *p, enum pu_ask_kind kind, uint16_t slot, uint8_t family,
		      uint64_t patience_us);
bool pu_asks_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
/* True: it was an answer to one. */
bool pu_asks_on_datagram(struct punch *p, uint16_t slot, const struct addr *from,
			 struct bytes data);
/* Is one of that kind under way? */
bool pu_asks_open(const struct punch *p, enum pu_ask_kind kind);
void pu_asks_end(struct punch *p);

/* punch_gather.c */
void pu_gather_begin(struct punch *p);
void pu_gather_tick(struct punch *p, uint64_t *deadline_us);
bool pu_gather_next(struct punch *p, struct punch_action *action);
void pu_gather_on_open(struct punch *p, uint16_t slot);
void pu_gather_on_open_failed(struct punch *p, uint16_t slot);
void pu_gather_on_portmap(struct punch *p, uint16_t slot, const struct addr *external);
void pu_gather_on_mapped(struct punch *p, const struct pu_ask *ask, const struct addr *mapped);
void pu_gather_refresh(struct punch *p, uint64_t *deadline_us);
void pu_gather_offer(struct punch *p);

/* punch_start.c */
void pu_start_tick(struct punch *p, uint64_t *deadline_us);
bool pu_tell_next(struct punch *p, struct punch_action *action);
/* A check of theirs came while we wait for the start: they began. */
void pu_start_on_check(struct punch *p, uint8_t step);
const struct peer_offer *pu_their_offer(const struct punch *p);

/* punch_hand.c */
/* By hand, side A: the other side did not begin yet. */
bool pu_hand_waits(const struct punch *p);
void pu_hand_begin(struct punch *p);
void pu_hand_tick(struct punch *p, uint64_t *deadline_us);
bool pu_hand_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
/* It began. */
void pu_hand_on_check(struct punch *p, uint8_t step);

/* punch_run.c */
struct shots_view pu_run_view(const struct punch *p, uint8_t step);
uint16_t pu_run_slot(const struct punch *p, uint8_t step, uint16_t socket);
void pu_run_begin(struct punch *p);
void pu_run_tick(struct punch *p, uint64_t *deadline_us);
bool pu_run_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
const struct punch_part *pu_part(const struct punch *p, const struct punch_step *s);
/* What is known of that step as it begins, or makes a path before that. */
void pu_run_note(struct punch *p, uint8_t step);
/* A check of theirs came in that step, to that socket. */
void pu_run_on_check(struct punch *p, uint8_t step, uint16_t slot);
/* After that nothing is agreed on any more: a no has to be told. */
uint64_t pu_run_last_us(const struct punch *p);
/* A: it nominates a connection that is about to be proven, before it says that there is nothing. */
bool pu_run_is_hopeful(const struct punch *p);
/* What that step makes is not nominated before. */
uint64_t pu_run_nominate_us(const struct punch *p, uint8_t step);

/* punch_tcp.c */
void pu_tcp_begin(struct punch *p, uint8_t step);
bool pu_tcp_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
bool pu_tcp_close_next(struct punch *p, struct punch_action *action);
void pu_tcp_free(struct punch *p);

/* punch_checks.c */
void pu_checks_on_datagram(struct punch *p, uint16_t slot, const struct addr *from,
			   struct bytes data);
bool pu_checks_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
/* Makes the action of one check. */
void pu_check_send(struct punch *p, const struct pu_sent *what, uint8_t ttl,
		   struct punch_action *action);
struct pu_pair *pu_pair_find(struct punch *p, uint16_t slot, const struct addr *remote);
/* The other side answered a check of it. */
bool pu_slot_is_proven(const struct punch *p, uint16_t slot);

/* punch_agree.c */
void pu_agree_tick(struct punch *p, uint64_t *deadline_us);
bool pu_agree_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
/* B: that pair was nominated; A: B follows. */
void pu_agree_on_nomination(struct punch *p, struct pu_pair *pair, const struct check *c);
void pu_agree_on_answer(struct punch *p, struct pu_pair *pair, const struct pu_sent *sent);
/* B, after its steps: A's nomination came late, or another one than that of the path, and our answer
 * to it has left. True: that is the path now. */
bool pu_agree_take_late(struct punch *p);
/* They say that there is a path, though little of ours was answered there. */
bool pu_agree_follow_word(struct punch *p);
/* The path carries nothing. */
void pu_agree_drop(struct punch *p);
/* Is something about to be agreed on, so that steps need not go on? */
bool pu_agree_is_near(const struct punch *p);
bool pu_is_relayed(const struct punch *p, const struct pu_pair *pair);

/* punch_measure.c */
void pu_measure_begin(struct punch *p);
void pu_measure_cut(struct punch *p); /* it ends here, if it is underway */
void pu_measure_tick(struct punch *p, uint64_t *deadline_us);
bool pu_measure_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us);
/* The longest one of the path so far; as both profiles have it, until it is known. */
uint64_t pu_measure_round_trip_us(const struct punch *p);
void pu_measure_on_pong(struct punch *p, uint32_t rtt_us);
void pu_measure_on_heard(struct punch *p, const struct pu_pair *pair);

/* punch_end.c */
void pu_end_tell(struct punch *p);
/* Does what their evidence says; false: it says nothing new. */
bool pu_end_follow(struct punch *p);
void pu_end_tick(struct punch *p, uint64_t *deadline_us);
/* At once, with one reason for all. */
void pu_end_now(struct punch *p, enum punch_reason reason, enum punch_side side);
enum punch_side pu_side(const struct punch *p, bool ours);

#endif
