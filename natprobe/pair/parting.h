/*
 * parting - how two sides let go of a path over UDP at one moment, so that their programs can take it:
 * B asks, A says go, B says bye; all of it over the path itself. No socket, no clock.
 *
 *	B  asks again and again until A says go, waits until all it asked must be answered, says bye
 *	   (twice at once), and starts its program half a round trip later
 *	A  answers each question, and starts its program when it hears bye, or nothing more
 *
 * Who hears the last word keeps its socket until then, so that none of them gets to a program. What
 * may still happen: the network holds a packet back for longer than it did before, or loses both
 * good-byes. Messages are Binding indications (RFC 8489, section 5) with MESSAGE-INTEGRITY and
 * FINGERPRINT; kind, flags and number stand in the transaction id (doc/punch.md).
 */
#ifndef NATPROBE_PARTING_H
#define NATPROBE_PARTING_H

#include "stun_auth.h"

#define PARTING_KEY_LEN   32
#define PARTING_BYTES_MAX 64
#define PARTING_LIMIT_US  5000000 /* for the first word of the other side */

struct parting_config {
	uint8_t key[PARTING_KEY_LEN]; /* of the meeting, for this alone */
	uint8_t random[8];
	bool is_a;
	bool serves; /* our program wants to be there before theirs */
	uint32_t rtt_us;
	uint64_t limit_us; /* 0: PARTING_LIMIT_US */
};

enum parting_phase {
	PARTING_TALKS = 0,
	PARTING_SETTLES, /* B: A says go; answers to other questions may be on their way */
	PARTING_LEAVES,  /* the last word was said: what comes now may be a program's */
	PARTING_OVER,
};

struct parting {
	struct stun_key ours, theirs;
	uint8_t random[8];
	uint8_t phase; /* enum parting_phase */
	bool is_a, serves, they_serve;
	bool is_heard;   /* they said something */
	bool is_starved; /* once it is over: they never did */
	uint16_t number; /* B: of the last question; A: of the question to answer */
	uint8_t due;     /* messages to send now */
	uint64_t asked_us, next_us, until_us, again_us, rtt_us;
};

void parting_start(struct parting *p, const struct parting_config *config, uint64_t now_us);
void parting_clear(struct parting *p);

/* What to send now; empty: nothing before *deadline_us, or until something is heard. */
struct bytes parting_next(struct parting *p, uint64_t now_us, uint8_t buf[static PARTING_BYTES_MAX],
			  uint64_t *deadline_us);

enum parting_heard {
	PARTING_FOREIGN = 0, /* not ours: leave it alone once phase is PARTING_LEAVES */
	PARTING_OURS,
};

/*
 * A datagram of the other side's address. One that is no STUN message is their program's: it is
 * over then.
 */
enum parting_heard parting_hear(struct parting *p, struct bytes datagram, uint64_t now_us);

#endif
