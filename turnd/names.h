/*
 * names - what DNS says of the names in relay-address.
 *
 * Looking up blocks, so it is done in the main thread at the start only, and later in a thread of
 * its own (renew.h); the answers are plain data.
 */
#ifndef NATKIT_TURND_NAMES_H
#define NATKIT_TURND_NAMES_H

#include "turnd_conf.h"

#define NAMES_MAX (2 * TURND_RELAYS_MAX)

struct name {
	char text[TURND_WORD_MAX];
	struct addr ipv4, ipv6; /* port 0; family ADDR_NONE: none of it is known */
};

struct names {
	struct name list[NAMES_MAX];
	size_t count;
};

/* NULL: not in there. */
const struct name *names_find(const struct names *n, const char *text);

/* Adds a name without addresses, unless it is there. False: there is no room. */
bool names_add(struct names *n, const char *text);

/* Asks for one name; blocks. What cannot be found out stays as it is. */
void names_look_up(struct name *n);

/* The same names with the same addresses. */
bool names_equal(const struct names *a, const struct names *b);

#endif
