/*
 * forward_wire - what natprobe forward says to the other side's about one connection (doc/link.md).
 * Each message stands behind its length (2 bytes), and begins with its kind (1 byte):
 *
 *	open     port (2 bytes), length of the host (1 byte), the host; of datagrams, what is to be sent
 *	ok       empty: the target was reached
 *	refused  a word: why not
 *	data     of datagrams: what is to be sent
 *
 * TCP is a stream: open, answered by ok or refused, and then pieces (pipe_wire.h) both ways. UDP has
 * datagrams, each of which is a message; as they may be lost, those of who asks are open until
 * something was heard.
 */
#ifndef NATPROBE_FORWARD_WIRE_H
#define NATPROBE_FORWARD_WIRE_H

#include "forward_spec.h"
#include "natprobe/pipe/pipe_wire.h"

#define FORWARD_SERVICE  "forward"
#define FORWARD_HEAD     2
#define FORWARD_MSG_MAX  65535                             /* without its length */
#define FORWARD_SHORT    (4 + FORWARD_HOST_MAX)            /* the longest without data */
#define FORWARD_DATA_MAX (FORWARD_MSG_MAX - FORWARD_SHORT) /* in an open */

enum forward_kind {
	FORWARD_NONE = 0,
	FORWARD_OPEN,
	FORWARD_OK,
	FORWARD_REFUSED,
	FORWARD_DATA,
	FORWARD_KINDS,
};

struct forward_msg {
	uint8_t kind;                 /* enum forward_kind */
	struct forward_target target; /* open */
	struct bytes data;            /* what is to be sent, or the word; a view */
};

/* A message without its length. False: it is malformed, or does not belong there. */
bool forward_msg_read(struct bytes in, bool is_udp, struct forward_msg *out);
/* With its length. Returns how long it is, 0 where cap is too small. */
size_t forward_msg_write(const struct forward_msg *m, uint8_t *buf, size_t cap);

/* Words of a refusal. */
#define FORWARD_NOT_ALLOWED  "not-allowed"
#define FORWARD_NO_HOST      "no-such-host"
#define FORWARD_CONN_REFUSED "refused"
#define FORWARD_TIMEOUT      "timeout"
#define FORWARD_UNREACHABLE  "unreachable"
#define FORWARD_BUSY         "busy"
#define FORWARD_RESET        "reset" /* an abort: the connection was */

/* For people: what a refusal means, and what helps. */
const char *forward_word_text(const char *word);

#endif
