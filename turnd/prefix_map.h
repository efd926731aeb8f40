/*
 * prefix_map - what lists of prefixes say about an address: allowed, denied, special.
 *
 * The longest prefix of an allow or deny list decides, deny where both are as long. What is
 * special is denied, unless an allow names that prefix or a narrower one. All this is decided when
 * the map is made: it is a sorted array of ranges, and a lookup is one binary search.
 */
#ifndef NATKIT_TURND_PREFIX_MAP_H
#define NATKIT_TURND_PREFIX_MAP_H

#include "addr.h"
#include "cidr.h"

enum prefix_kind {
	PREFIX_SPECIAL,
	PREFIX_ALLOW,
	PREFIX_DENY,
};

struct prefix_entry {
	struct cidr prefix;
	enum prefix_kind kind;
};

/* What holds for an address. */
enum prefix_verdict {
	PREFIX_UNLISTED = 0,
	PREFIX_IS_ALLOWED,
	PREFIX_IS_DENIED,
	PREFIX_IS_SPECIAL,
};

struct prefix_map;

/* In any order, both families, the same one several times. NULL when memory runs out. */
struct prefix_map *prefix_map_new(const struct prefix_entry *entries, size_t count);
void prefix_map_free(struct prefix_map *m); /* NULL is fine */

/* Whatever the port and zone; no address at all is unlisted. */
enum prefix_verdict prefix_map_find(const struct prefix_map *m, const struct addr *a);

#endif
