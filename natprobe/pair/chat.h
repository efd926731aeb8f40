/*
 * chat - lines of text over a path that may lose, repeat and reorder, sealed with a key that both
 * sides share (AES-256-GCM): for natprobe demo. No socket, no clock; nothing unsealed is believed.
 *
 * A line is sent again until the other side has said that it is there; it has one underway at a time.
 */
#ifndef NATPROBE_CHAT_H
#define NATPROBE_CHAT_H

#include <stdbool.h>

#include "wire.h"

#define CHAT_KEY_LEN   32
#define CHAT_LINE_MAX  1000
#define CHAT_BYTES_MAX (CHAT_LINE_MAX + 64)
#define CHAT_AGAIN_US  300000   /* until a line is sent once more */
#define CHAT_IDLE_US   10000000 /* until something is sent that keeps the path */
#define CHAT_GONE_US   35000000 /* nothing was heard for so long: they are gone */

struct chat {
	uint8_t keys[2][CHAT_KEY_LEN]; /* ours, theirs */
	uint64_t counter;              /* of our datagrams: none is sealed twice with one */
	uint64_t newest;               /* of theirs */
	uint32_t line;                 /* number of the line that is underway, or was last */
	uint32_t heard;                /* number of their last line */
	uint8_t text[CHAT_LINE_MAX];   /* of ours */
	size_t len;                    /* 0: none is underway */
	uint64_t send_us, heard_us;    /* when to send next; when they were heard */
	bool is_leaving, has_left;     /* we; they */
};

/* key: the same on both sides. False where OpenSSL fails. */
bool chat_start(struct chat *c, const uint8_t key[static CHAT_KEY_LEN], bool is_a, uint64_t now_us);
void chat_clear(struct chat *c);

/* False: one is underway still, or it is too long. */
bool chat_say(struct chat *c, struct bytes line, uint64_t now_us);
/* Says good-bye; what chat_next returns then is the last one. */
void chat_leave(struct chat *c, uint64_t now_us);

/* What to send now; empty: nothing before *deadline_us. */
struct bytes chat_next(struct chat *c, uint64_t now_us, uint8_t buf[static CHAT_BYTES_MAX],
		       uint64_t *deadline_us);

/* A datagram. Returns a line that is new, in `buf`; empty: none. */
struct bytes chat_hear(struct chat *c, struct bytes datagram, uint64_t now_us,
		       uint8_t buf[static CHAT_BYTES_MAX]);

/* A stranger's line for our terminal: what is no character that can be printed becomes '?'. */
size_t chat_clean(uint8_t *line, size_t len);

/* They left, or were not heard for long. */
bool chat_is_over(const struct chat *c, uint64_t now_us);

#endif
