/* utf8 - where a character ends (RFC 3629). */
#ifndef NATKIT_UTF8_H
#define NATKIT_UTF8_H

#include "wire.h"

static inline bool utf8_is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Length of the character that s starts with: 1 to 4, or 0 when it is none: overlong, a
 * surrogate, beyond U+10FFFF, cut, or no bytes at all.
 */
static inline size_t utf8_len(struct bytes s)
{
	uint8_t c = s.len > 0 ? s.data[0] : 0xff;
	size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4 || s.len < len)
		return 0;
	if (c == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (c == 0xed)
		high = 0x9f; /* surrogates */
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (s.data[1] < low || s.data[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (!utf8_is_continuation(s.data[i]))
			return 0;
	}
	return len;
}

#endif
