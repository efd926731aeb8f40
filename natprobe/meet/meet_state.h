/*
 * meet_state - what the files of meet share. meet.c hands out actions; meet_code comes from a code
 * to keys, meet_invite from an address to keys; meet_envelope seals what meet_channel writes.
 */
#ifndef NATPROBE_MEET_STATE_H
#define NATPROBE_MEET_STATE_H

#include "code.h"
#include "meet.h"
#include "meet_channel.h"
#include "meet_seal.h"
#include "spake2.h"

#define MEET_MAGIC   0x6e6b /* "nk" */
#define MEET_VERSION 1

#define MEET_NONCE_LEN      16
#define MEET_CANDIDATES     8
#define MEET_SEED_LEN       32
#define MEET_CODE_PATIENCE  30000000 /* after our confirmation left, for theirs */
#define MEET_WRONG_TIMES    3        /* the other side is told that its guess was wrong */
#define MEET_BUDGET         32       /* of what strangers can make us do, at once */
#define MEET_BUDGET_EACH_US 125000   /* ... and in the long run */

enum meet_type {
	MEET_HELLO = 1,
	MEET_SHARE,
	MEET_REPLY,
	MEET_CONFIRM,
	MEET_CHANNEL,
	MEET_INVITATION,
	MEET_ANSWER,
	MEET_TYPES,
};

enum meet_stage {
	MEET_SEARCHING, /* nobody has proven anything */
	MEET_REPLIED,   /* side B: our confirmation is out, theirs is not here */
	MEET_REFUSING,  /* side A: theirs was wrong; ours tells them so */
	MEET_SHARING,   /* there are keys */
	MEET_OVER,
};

/* When something is published again: later and later. */
struct meet_timer {
	uint64_t due_us; /* UINT64_MAX: not */
	uint8_t tries;
};

/* Somebody whose hello is larger than ours: we are side A to it. */
struct meet_candidate {
	bool used;
	uint8_t nonce[MEET_NONCE_LEN];
	uint64_t heard_us;
	struct meet_timer timer;
};

/* From a code to keys. */
struct meet_code {
	uint8_t nonce[MEET_NONCE_LEN]; /* our hello */
	uint8_t seed[MEET_SEED_LEN];   /* of our numbers: one for each hello that we answer */
	uint8_t w[SPAKE2_NUMBER_LEN];
	struct meet_timer hello;
	struct meet_candidate candidates[MEET_CANDIDATES];
	uint8_t seen[MEET_CANDIDATES][MEET_NONCE_LEN]; /* smaller hellos, to whom we are side B */
	uint8_t seen_count;
	uint8_t theirs[MEET_NONCE_LEN]; /* from MEET_REPLIED or MEET_SHARING on */
	uint8_t share[SPAKE2_SHARE_LEN];
	uint8_t their_share[SPAKE2_SHARE_LEN];
	struct spake2_keys keys;
	struct meet_timer reply;
	uint64_t replied_us;
};

/* From an address to keys. */
struct meet_invite {
	uint8_t private_key[MEET_CURVE_LEN];
	uint8_t public_key[MEET_CURVE_LEN]; /* of the address */
	uint8_t ephemeral[MEET_CURVE_LEN];  /* the inviter's, public */
	uint8_t salt[MEET_SALT_LEN];        /* the acceptor's, for its key */
	bool has_salt;
};

struct meet {
	uint8_t mode, stage;
	bool is_a;
	bool says_ready;                /* MEET_READY is to be told */
	uint8_t failure;                /* MEET_FINE: none is to be told */
	uint32_t knocks;                /* of others, once there are keys */
	bool saw_foreign;               /* messages of another version */
	uint8_t listens;                /* topics to subscribe to: bits of their index */
	char topics[2][MEET_TOPIC_MAX]; /* where strangers meet; where the two of us are alone */
	uint64_t started_us, patience_us;
	uint64_t now_us; /* of the last call */
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;

	uint32_t budget;
	uint64_t budget_us;

	struct meet_code code;
	struct meet_invite invite;

	uint8_t root[KDF_LEN];
	struct meet_way ours, theirs;
	uint64_t counter; /* of our next envelope */
	struct meet_channel channel;

	struct channel_message *given; /* lent out by the last action */
	uint8_t buf[MEET_ENVELOPE_MAX];
};

/* -- meet.c -- */
struct meet *meet_blank(uint64_t now_us, void (*random)(void *arg, void *buf, size_t len),
			void *random_arg);
void meet_fail(struct meet *m, enum meet_failure failure);
/* May a stranger have us do something that costs? */
bool meet_allows(struct meet *m, uint64_t now_us);
void meet_start_sharing(struct meet *m, bool is_a, uint64_t now_us);
void meet_timer_start(struct meet_timer *t, uint64_t now_us);
void meet_timer_sent(struct meet_timer *t, uint64_t now_us, uint64_t slowest_us);
void meet_timer_within(struct meet_timer *t, uint64_t now_us, uint64_t delay_us);

/* -- meet_code.c -- */
bool meet_code_init(struct meet *m, struct bytes code, uint8_t stretch, uint64_t now_us);
/* in: behind the head of `whole`. */
void meet_code_take(struct meet *m, enum meet_type type, struct bytes whole, struct wire *in,
		    uint64_t now_us);
/* The next message that is due, into m->buf; empty: none is. */
struct bytes meet_code_put(struct meet *m, uint64_t now_us);
uint64_t meet_code_due(const struct meet *m);
/* Takes care of time that has passed. */
void meet_code_tick(struct meet *m, uint64_t now_us);

/* -- meet_invite.c -- */
bool meet_invite_init(struct meet *m, const uint8_t public_key[static MEET_CURVE_LEN],
		      struct bytes first, uint64_t now_us);
bool meet_accept_init(struct meet *m, const uint8_t private_key[static MEET_CURVE_LEN]);
/* in: behind the head of `whole`. True: it was authentic, and took effect. */
bool meet_invite_take(struct meet *m, enum meet_type type, struct bytes whole, struct wire *in,
		      uint64_t now_us);

/* -- meet_envelope.c -- */
void meet_put_head(struct wire_out *w, enum meet_type type);
/* 0: none of ours; MEET_TYPES: of another version. `in` is behind the head then. */
enum meet_type meet_get_head(struct wire *in);
/* An envelope behind `in`, which stands in `whole`. False: not authentic, or not new. */
bool meet_open_envelope(struct meet *m, struct bytes whole, struct wire *in, uint64_t now_us);
/* The envelope that is due, in the message that fits how far we are. */
struct bytes meet_put_channel(struct meet *m, uint64_t now_us);

#endif
