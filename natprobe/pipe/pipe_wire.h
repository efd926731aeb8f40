/*
 * pipe_wire - a stream of bytes in pieces, so that an end is told from a break: the socket by which a
 * program is attached to a link cannot do that (doc/link.md). natprobe pipe speaks so, and natprobe
 * forward once a connection stands.
 *
 * A piece is its kind (1 byte), the length of what follows (3 bytes, the highest first), and that:
 *
 *	data      1 to PIPE_DATA_MAX bytes
 *	end       empty: nothing more will come
 *	received  empty: all up to the end has left for where it was meant to go
 *	abort     a word that says why: it is broken off, and nothing follows
 */
#ifndef NATPROBE_PIPE_WIRE_H
#define NATPROBE_PIPE_WIRE_H

#include "wire.h"

#define PIPE_HEAD     4
#define PIPE_DATA_MAX 65536
#define PIPE_WORD_MAX 31 /* small letters and '-' */

enum pipe_kind {
	PIPE_NONE = 0,
	PIPE_DATA,
	PIPE_END,
	PIPE_RECEIVED,
	PIPE_ABORT,
	PIPE_KINDS,
};

struct pipe_head {
	uint8_t kind; /* enum pipe_kind */
	uint32_t len; /* of what follows */
};

/* False: no kind of ours, or a length that it cannot have. */
bool pipe_head_read(const uint8_t in[static PIPE_HEAD], struct pipe_head *out);
void pipe_head_write(const struct pipe_head *head, uint8_t out[static PIPE_HEAD]);

/* Words of an abort. Others are fine as well, for people. */
#define PIPE_PROTOCOL    "protocol"      /* the other side breaks the rules */
#define PIPE_INPUT       "input"         /* what was to be sent could not be read */
#define PIPE_OUTPUT      "output"        /* what came could not be written */
#define PIPE_CLOSED      "output-closed" /* nobody reads what comes */
#define PIPE_INTERRUPTED "interrupted"
#define PIPE_MEMORY      "memory"
#define PIPE_LOST        "lost" /* never said: it broke without a word */

/* Whether it may be the word of an abort. */
bool pipe_is_word(struct bytes word);

/* Who has said what. Zero at the beginning. */
struct pipe_flow {
	bool has_receipts; /* set by who begins: `received` is said, and waited for */
	bool we_ended, they_ended;
	bool we_received, they_received;
	bool is_broken; /* one of the two aborted */
};

/* A piece came: false where it may not come now. */
bool pipe_flow_heard(struct pipe_flow *f, uint8_t kind);
void pipe_flow_said(struct pipe_flow *f, uint8_t kind);
/* Both have said all, in good order. */
bool pipe_flow_is_over(const struct pipe_flow *f);

#endif
