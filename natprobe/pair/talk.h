/*
 * talk - what the two sides of a run of trials say in the channel of their meeting (meet.h), as
 * bytes (doc/rendezvous.md). What is read comes from a peer that has the key and may lie.
 *
 *	terms  each once, first: what it wants of the run, and its profile
 *	tell   a message of one trial, for punch_on_told
 *	done   a trial is over here
 *	again  links: this trial is wanted, after one whose path broke or that made none
 *	started  connect: the program that has the path is there
 */
#ifndef NATPROBE_TALK_H
#define NATPROBE_TALK_H

#include "natprobe/peer/peer.h"
#include "natprobe/punch/punch_wire.h"
#include "wire.h"

#define TALK_BYTES_MAX       4096
#define TALK_HEAD_MAX        8 /* before the data of a tell */
#define TALK_TRIALS_MAX      1000
#define TALK_HOLD_MAX_S      PUNCH_HOLD_MAX_S
#define TALK_FINGERPRINT_LEN 32

/* What a side wants; both then do what talk_agree makes of it. */
struct talk_terms {
	uint32_t only;        /* PUNCH_BIT; 0: all */
	uint32_t trials;      /* 1 to TALK_TRIALS_MAX */
	uint32_t hold_s;      /* 0: not held */
	uint16_t sockets_max; /* 0: no wish */
	bool has_relay;
	bool has_fingerprint; /* of a certificate, for what uses the path; nothing is agreed on */
	uint8_t fingerprint[TALK_FINGERPRINT_LEN];
};

enum talk_kind {
	TALK_FOREIGN = 0,
	TALK_TERMS,
	TALK_TELL,
	TALK_DONE,
	TALK_STARTED,
	TALK_AGAIN,
};

struct talk {
	uint8_t kind; /* enum talk_kind */
	struct talk_terms terms;
	struct peer_profile profile; /* TALK_TERMS */
	uint32_t trial;
	struct bytes data; /* TALK_TELL: a view of the input */
};

/* Return the length, 0 where cap is too small. */
size_t talk_write_terms(const struct talk_terms *terms, const struct peer_profile *profile,
			uint8_t *buf, size_t cap);
size_t talk_write_tell(uint32_t trial, struct bytes data, uint8_t *buf, size_t cap);
size_t talk_write_done(uint32_t trial, uint8_t *buf, size_t cap);
size_t talk_write_again(uint32_t trial, uint8_t *buf, size_t cap);
size_t talk_write_started(uint32_t trial, uint8_t *buf, size_t cap);

/* *out is large: a profile. */
void talk_read(struct bytes in, struct talk *out);

/* What both do. False: they allow no strategy in common. */
bool talk_agree(const struct talk_terms *a, const struct talk_terms *b, struct talk_terms *out);

#endif
