/*
 * meet_channel - whole messages, each once and in order, over a carrier that may lose, repeat and
 * reorder: what stands inside of a sealed envelope, and when the next envelope is due.
 *
 * Every envelope says how far we have heard, carries what is not acknowledged as far as it fits,
 * from the first on, and has time stamps. It is repeated, later and later, until it is answered.
 * Nothing is sent while nothing is outstanding.
 *
 * The other side has proven who it is; it may still lie. What it can make us keep is bounded.
 */
#ifndef NATPROBE_MEET_CHANNEL_H
#define NATPROBE_MEET_CHANNEL_H

#include "peer_clock.h"

#define CHANNEL_MESSAGE_MAX 4096
#define CHANNEL_QUEUE_MAX   64    /* messages, in each direction */
#define CHANNEL_BYTES_MAX   65536 /* of them */
#define CHANNEL_HEAD_LEN    34
#define CHANNEL_FIRST_US    300000
#define CHANNEL_SLOWEST_US  8000000
#define CHANNEL_UNHEARD_US  30000000 /* the slowest, while nobody was ever heard */
#define CHANNEL_EAGER_US    4000000 /* ... at first: who hears us and is not heard misses us soon */
#define CHANNEL_GONE_US     60000000

enum channel_kind {
	CHANNEL_USER = 1, /* the shell's */
	CHANNEL_CLOCK,    /* what a time server told */
};

struct channel_message {
	struct channel_message *next;
	uint16_t len;
	uint8_t kind;
	uint8_t data[];
};

struct channel_queue {
	struct channel_message *first, **last;
	uint32_t count;
	size_t bytes;
};

struct meet_channel {
	struct channel_queue out, in;
	uint32_t out_first; /* number of the first in `out` */
	uint32_t out_sent;  /* messages before this number were sent at least once */
	uint32_t in_next;   /* number of the next message of theirs */
	struct peer_clock clock;

	uint64_t due_us;   /* of the next envelope; UINT64_MAX: none */
	uint64_t waits_us; /* since when nothing came while something is outstanding */
	uint8_t tries;
	uint8_t pings;      /* exchanges that are still wanted, for the clock */
	bool is_heard;      /* at least once */
	bool wants_hearing; /* until heard, an envelope is outstanding though it has no message */
	bool asks;          /* ... until something comes */
	bool leaves, they_left;

	uint64_t newest;                /* counter of theirs, + 1 */
	uint64_t window;                /* which of the 64 before came */
	uint64_t stamp_us, stamp_at_us; /* theirs, of the newest; when it came by our clock */
	uint64_t ping_us;               /* our stamp of the last ping; 0: none is underway */
};

void channel_init(struct meet_channel *c, uint64_t now_us);
void channel_free(struct meet_channel *c); /* wipes what is queued */

/* False: too much is queued, or too long. */
bool channel_queue(struct meet_channel *c, enum channel_kind kind, struct bytes data,
		   uint64_t now_us);
/* Has the other side answer: something is outstanding until anything of theirs comes. */
void channel_ask(struct meet_channel *c, uint64_t now_us);
/* The next message of theirs, which the caller frees with channel_drop; or NULL. */
struct channel_message *channel_pop(struct meet_channel *c);
void channel_drop(struct channel_message *m);

/* Writes what an envelope has inside, and counts it as sent; the cursor's cap is the bound. */
void channel_put(struct meet_channel *c, uint64_t now_us, struct wire_out *out);

/* A counter of theirs, before the envelope is opened: may it be a new one? */
bool channel_is_new(const struct meet_channel *c, uint64_t counter);
/* What was inside of an authentic envelope. False: it is malformed. */
bool channel_take(struct meet_channel *c, uint64_t counter, struct bytes plain, uint64_t now_us);

/* Since when something waits for an answer, and nothing at all came; UINT64_MAX: nothing waits. */
uint64_t channel_waits_us(const struct meet_channel *c);
/* When something has waited for an answer for CHANNEL_GONE_US; UINT64_MAX: never, as it is. */
uint64_t channel_gone_at(const struct meet_channel *c);

#endif
