/*
 * opaque - the OpaqueString profile of PRECIS (RFC 8265, section 4.2; RFC 8264): the form in
 * which user names, realms and passwords are hashed and compared.
 *
 * Letters, digits, symbols, punctuation and spaces of all scripts are fine; controls,
 * invisible, unassigned and private characters are not. Spaces become U+0020, the rest is
 * brought to Unicode Normalization Form C; case stays. Preparing what is prepared changes
 * nothing. What is unassigned depends on the Unicode version of libunistring.
 */
#ifndef NATKIT_OPAQUE_H
#define NATKIT_OPAQUE_H

#include "wire.h"

#define OPAQUE_MAX 763 /* longest input and output in bytes (RFC 8489, section 14.3) */

enum opaque_result {
	OPAQUE_OK = 0,
	OPAQUE_EMPTY,
	OPAQUE_TOO_LONG, /* before or after preparation; or `cap` is too small */
	OPAQUE_NOT_UTF8,
	OPAQUE_DISALLOWED, /* holds a character that has no place in it, or not at this one */
};

/*
 * Prepares `in`, UTF-8 that need not end in NUL.
 * buf, cap  where the result goes, without NUL; OPAQUE_MAX bytes are always enough
 * out       set on OPAQUE_OK only, a view of buf
 * Keeps no copy of `in`: what it works on is wiped.
 */
enum opaque_result opaque_prepare(struct bytes in, void *buf, size_t cap, struct bytes *out);

/* What is wrong, for people, without capital and full stop. Never NULL. */
const char *opaque_why(enum opaque_result result);

#endif
