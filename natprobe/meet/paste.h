/*
 * paste - bytes as one string for people to carry over: a scheme and base64url of the bytes and their
 * CRC-32. White space that comes into it on the way does not matter.
 */
#ifndef NATPROBE_PASTE_H
#define NATPROBE_PASTE_H

#include "base64.h"

#define PASTE_BYTES_MAX 9216
#define PASTE_TEXT_MAX  (BASE64_LEN(PASTE_BYTES_MAX + 4) + 32)

/* Length of the text, 0 where cap is too small. */
size_t paste_print(const char *scheme, struct bytes data, char *buf, size_t cap);
/* Length of the bytes; 0: a part is missing or mistyped, or cap is too small. */
size_t paste_parse(const char *scheme, const char *text, uint8_t *buf, size_t cap);
bool paste_begins(const char *scheme, const char *text);

#endif
