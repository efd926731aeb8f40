/* hand_token - the answer to an offer by hand: one sealed invitation (meet.h) as text to paste. */
#ifndef NATPROBE_HAND_TOKEN_H
#define NATPROBE_HAND_TOKEN_H

#include "meet.h"
#include "paste.h"

#define HAND_TOKEN_SCHEME    "natkit-answer:"
#define HAND_TOKEN_BYTES_MAX MEET_ENVELOPE_MAX
#define HAND_TOKEN_TEXT_MAX  PASTE_TEXT_MAX

/* Length of the text, 0 where cap is too small. */
static inline size_t hand_token_print(struct bytes envelope, char *buf, size_t cap)
{
	return paste_print(HAND_TOKEN_SCHEME, envelope, buf, cap);
}

/* Length of the envelope; 0: a part is missing or mistyped. */
static inline size_t hand_token_parse(const char *text, uint8_t *buf, size_t cap)
{
	return paste_parse(HAND_TOKEN_SCHEME, text, buf, cap);
}

static inline bool hand_token_begins(const char *text)
{
	return paste_begins(HAND_TOKEN_SCHEME, text);
}

#endif
