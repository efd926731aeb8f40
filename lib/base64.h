/*
 * base64 - RFC 4648, section 4: the alphabet with "+" and "/".
 *
 * What stands for a secret may pass through here: no table is indexed with it.
 */
#ifndef NATKIT_BASE64_H
#define NATKIT_BASE64_H

#include "wire.h"

/* Characters for `len` bytes, with padding and without NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_LEN(in.len) characters, no NUL. */
void base64_put(struct bytes in, char *out);

/*
 * Decodes `text`, padded to a multiple of four. Only what base64_put writes is accepted: no
 * white space, no other alphabet, no bits that are set beside the bytes.
 * out, cap  where the bytes go; `cap` 3 * (text.len / 4) is always enough
 * len       set when true is returned; `out` may have been written to when it is not
 */
bool base64_get(struct bytes text, uint8_t *out, size_t cap, size_t *len);

#endif
