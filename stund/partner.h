/*
 * partner - two servers with one address each act as one with two (RFC 5780): what one of them
 * decides about the other (doc/partner.md).
 *
 * Both share a key. They make a session of fresh nonces, tell each other every half second how
 * clients see them, and send for each other what has to leave from the other's address. A partner
 * of whom nothing is heard, or who hears nothing of us, for PARTNER_DEAD_MS is no partner any more
 * until both have proven again that they live.
 *
 * Pure: datagrams, randomness and a clock that only has to rise come in; datagrams and the time
 * of the next call go out. Nothing is allocated. Of one thread; other threads hand over with a
 * copy of struct partner_view, and numbers of their own that never repeat.
 */
#ifndef NATKIT_PARTNER_H
#define NATKIT_PARTNER_H

#include "limit.h"
#include "partner_judge.h"
#include "partner_window.h"
#include "partner_wire.h"

#define PARTNER_BEAT_MS    500
#define PARTNER_DEAD_MS    4000
#define PARTNER_ASK_MS     250 /* first pause between INITs; doubles up to: */
#define PARTNER_ASK_MAX_MS 2000
#define PARTNER_RETIRE_MS  60000 /* a session made with the key before the last one */
#define PARTNER_SENT       16    /* BEATs that wait to be heard of */

struct partner_setup {
	struct addr peer; /* datagrams come from there, and go there */
	struct partner_face own[PARTNER_FACES];
	bool classic;                 /* RFC 3489 is answered */
	uint8_t key[PARTNER_KEY_LEN]; /* shared */
	uint8_t random[32];           /* from a CSPRNG, of this run only */
	uint32_t rate;                /* messages per second that are sent for the partner */
	struct limit *limit;          /* of each destination; NULL: none. Borrowed */
};

/* Why there is no session, or what it lacks. */
enum partner_why {
	PARTNER_NEW = 0, /* none has been there yet */
	PARTNER_LIVE,
	PARTNER_UNTOLD,  /* the partner has not told its addresses yet */
	PARTNER_SILENT,  /* nothing was heard of it */
	PARTNER_DEAF,    /* it does not hear us */
	PARTNER_LEFT,    /* it said goodbye */
	PARTNER_RETIRED, /* our key has changed, and its has not */
};

/* What came of a datagram. */
enum partner_took {
	PARTNER_TAKEN = 0, /* about the session itself */
	PARTNER_REPLY,     /* the same; out->datagram is to be sent to the partner */
	PARTNER_SEND,      /* out->hand is to be sent */
	PARTNER_STRANGER,  /* from another address */
	PARTNER_FORGED,    /* not signed with our key, or malformed */
	PARTNER_REPLAYED,  /* has come before, or too late */
	PARTNER_STALE,     /* of no session that is, or may come to be */
	PARTNER_REFUSED,   /* signed, but nothing that we send */
	PARTNER_LIMITED,   /* too much of that */
	PARTNER_TOOKS,
};

struct partner_out {
	struct bytes datagram;    /* a view of the caller's buffer */
	struct partner_hand hand; /* a view of the datagram that came */
};

struct partner_sent {
	uint64_t number, at_ms;
};

struct partner_session {
	bool up, is_asker;
	bool confirmed; /* something came that was signed with its keys */
	struct partner_nonces nonces;
	struct partner_keys keys;
	struct partner_window control, hand; /* of what came */
	uint64_t number;                     /* of the last message of control that left */
	uint64_t beat_ms;                    /* when to send the next one */
	uint64_t heard_ms;                   /* when the partner last proved to live */
	uint64_t acked_ms;                   /* when we sent what it last said to have heard */
	struct partner_sent sent[PARTNER_SENT];
};

struct partner {
	struct partner_setup setup;
	struct stun_key hello, root, draw;
	uint64_t drawn;      /* nonces so far */
	uint64_t generation; /* of sessions that we may be asked into: rises with each session */
	bool asks;
	unsigned int tries;
	uint64_t ask_ms; /* when to send the next INIT */
	struct partner_nonces asking;
	struct partner_session session;
	enum partner_why why;
	bool told; /* theirs is set */
	struct partner_state theirs;
	uint64_t retire_ms;
	uint64_t budget_ms; /* of what is sent for the partner: paid up to this time */
};

/* setup is copied; wipe the original. */
void partner_init(struct partner *p, const struct partner_setup *setup, uint64_t now_ms);
void partner_wipe(struct partner *p);

/* A new shared key. The session goes on until the partner has it too, PARTNER_RETIRE_MS at most. */
void partner_use_key(struct partner *p, const uint8_t key[static PARTNER_KEY_LEN], uint64_t now_ms);

/*
 * One datagram from the partner's port.
 * buf  where an answer is built
 * out  set for PARTNER_REPLY and PARTNER_SEND
 * Whoever proves nothing gets nothing: an answer is as long as what asked for it, and goes to the
 * partner's address alone.
 */
enum partner_took partner_input(struct partner *p, struct bytes datagram, const struct addr *from,
				uint64_t now_ms, uint8_t buf[static PARTNER_CONTROL_MAX],
				struct partner_out *out);

/* Ends what is over by now, and returns the next datagram that is due to the partner, or none. */
struct bytes partner_next(struct partner *p, uint64_t now_ms,
			  uint8_t buf[static PARTNER_CONTROL_MAX]);

/* When to call partner_next. */
uint64_t partner_deadline(const struct partner *p);

/* The last word of a session; empty where there is none. */
struct bytes partner_bye(struct partner *p, uint8_t buf[static PARTNER_CONTROL_MAX]);

/* What others need to know: a value. As secret as the keys in it. */
struct partner_view {
	enum partner_why why;
	bool classic;                             /* the partner sends RFC 3489 as well */
	enum partner_fit fits[PARTNER_FACES];     /* where live */
	struct partner_face faces[PARTNER_FACES]; /* the partner's, those that fit; else none */
	struct stun_key hand_out;
};

void partner_view(const struct partner *p, struct partner_view *out);

/*
 * Signs what the partner shall send.
 * number  one that was never used before in this run
 * Returns the datagram for the partner, or nothing where the partner would refuse it.
 */
struct bytes partner_hand_over(const struct partner_view *v, const struct partner_hand *h,
			       uint64_t number, uint8_t buf[static PARTNER_DATAGRAM_MAX]);

/* Words for counters and log lines. Never NULL. */
const char *partner_took_name(enum partner_took t);

#endif
