/* utf8 - where a character ends (RFC 3629). */
#ifndef NATKIT_UTF8_H
#define NATKIT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Length of the character that s, a text that ends with NUL, starts with: 1 to 4, or 0 when
 * it is none: overlong, a surrogate, beyond U+10FFFF, or cut.
 */
static inline size_t utf8_len(const uint8_t *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || !utf8_is_continuation(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
	    !utf8_is_continuation(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return 3;
	return utf8_is_continuation(s[3]) ? 4 : 0;
}

#endif
