/*
 * channel_word - what the two ends of a stream say to each other beside its bytes: text messages
 * on the same channel, so in order with them.
 *
 *	grant N       N more bytes may be sent
 *	end           nothing more comes from here
 *	abort TEXT    the channel is broken off; why, for people
 *
 * Pure. A word that is not known changes nothing: later versions may have more of them.
 */
#ifndef NATPROBE_CHANNEL_WORD_H
#define NATPROBE_CHANNEL_WORD_H

#include "wire.h"

#define CHANNEL_WORD_TEXT 96                      /* of an abort, cut where it is longer */
#define CHANNEL_WORD_MAX  (6 + CHANNEL_WORD_TEXT) /* of a word that we write */
#define CHANNEL_GRANT_MAX 0x7fffffffU

enum channel_word_kind {
	CHANNEL_WORD_NONE = 0, /* of another version */
	CHANNEL_WORD_GRANT,
	CHANNEL_WORD_END,
	CHANNEL_WORD_ABORT,
	CHANNEL_WORD_BAD, /* a grant of no number, or of one that is too large */
};

struct channel_word {
	uint8_t kind; /* enum channel_word_kind */
	uint32_t grant;
	char text[CHANNEL_WORD_TEXT + 1]; /* printable ASCII */
};

void channel_word_read(struct bytes message, struct channel_word *out);
size_t channel_word_write(const struct channel_word *word, uint8_t buf[static CHANNEL_WORD_MAX]);

#endif
