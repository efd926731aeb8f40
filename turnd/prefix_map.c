#include "prefix_map.h"

#include <stdlib.h>

/* An address as a number of 128 bits; IPv4 is in the highest 32. */
struct key {
	uint64_t hi, lo;
};

/* From here up to the next range. */
struct range {
	struct key start;
	enum prefix_verdict verdict;
};

struct ranges {
	struct range *at; /* the first starts at 0 */
	size_t count;
};

struct prefix_map {
	struct ranges ipv4, ipv6;
};

/* The longest prefix of each kind around a place; -1: there is none. */
struct longest {
	int16_t of[PREFIX_DENY + 1];
};

#define KINDS (PREFIX_DENY + 1)

/* While the map is made: prefixes as a forest, each in the narrowest one around it. */
struct node {
	struct key first, last;
	uint8_t len;
	enum prefix_kind kind;
	struct node *around; /* NULL for none */
	struct longest longest;
};

static const struct longest nothing = { { -1, -1, -1 } };

static int compare_keys(struct key a, struct key b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo == b.lo ? 0 : a.lo < b.lo ? -1 : 1;
}

static struct key key_of(const uint8_t ip[static 16])
{
	struct key k = { 0, 0 };

	for (int i = 0; i < 8; i++) {
		k.hi = k.hi << 8 | ip[i];
		k.lo = k.lo << 8 | ip[8 + i];
	}
	return k;
}

/* All that is behind `len` bits set. */
static struct key last_of(struct key first, uint8_t len)
{
	return (struct key){
		.hi = len >= 64 ? first.hi : first.hi | UINT64_MAX >> len,
		.lo = len <= 64    ? UINT64_MAX
		      : len == 128 ? first.lo
				   : first.lo | UINT64_MAX >> (len - 64),
	};
}

/* Those around come before those inside. */
static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;
	int order = compare_keys(x->first, y->first);

	return order != 0 ? order : x->len - y->len;
}

static enum prefix_verdict judge(const struct longest *l)
{
	int special = l->of[PREFIX_SPECIAL], allow = l->of[PREFIX_ALLOW], deny = l->of[PREFIX_DENY];

	if (deny >= 0 && deny >= allow)
		return PREFIX_IS_DENIED;
	if (special >= 0 && special > allow)
		return PREFIX_IS_SPECIAL;
	return allow >= 0 ? PREFIX_IS_ALLOWED : PREFIX_UNLISTED;
}

static const struct longest *longest_at(const struct node *n)
{
	return n != NULL ? &n->longest : &nothing;
}

/* From `start` on this holds; starts never come down. */
static void put_range(struct ranges *r, struct key start, const struct longest *l)
{
	enum prefix_verdict verdict = judge(l);

	if (r->count > 0 && compare_keys(r->at[r->count - 1].start, start) == 0)
		r->count--;
	if (r->count > 0 && r->at[r->count - 1].verdict == verdict)
		return;
	r->at[r->count++] = (struct range){ start, verdict };
}

/* Behind the end of a prefix, what is around it holds again. Returns that. */
static struct node *leave(struct ranges *r, const struct node *n)
{
	struct key next = { n->last.hi, n->last.lo + 1 };

	if (next.lo == 0)
		next.hi++;
	if (next.hi != 0 || next.lo != 0) /* else that was the end of all addresses */
		put_range(r, next, longest_at(n->around));
	return n->around;
}

static void enter(struct ranges *r, struct node *n, struct node *around)
{
	n->around = around;
	n->longest = *longest_at(around);
	n->longest.of[n->kind] = n->len;
	put_range(r, n->first, &n->longest);
}

static size_t gather(struct node *nodes, uint8_t family, const struct prefix_entry *entries,
		     size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cidr *c = &entries[i].prefix;
		struct key first = key_of(c->ip);

		if (c->family != family)
			continue;
		nodes[n++] = (struct node){ .first = first,
					    .last = last_of(first, c->len),
					    .len = c->len,
					    .kind = entries[i].kind };
	}
	return n;
}

static bool build(struct ranges *r, uint8_t family, const struct prefix_entry *entries,
		  size_t count)
{
	struct node *nodes = calloc(count + 1, sizeof(*nodes)), *inside = NULL;

	/* Each prefix begins a range and ends one. */
	r->at = calloc(2 * count + 1, sizeof(*r->at));
	if (nodes == NULL || r->at == NULL) {
		free(nodes);
		return false;
	}
	count = gather(nodes, family, entries, count);
	qsort(nodes, count, sizeof(*nodes), compare_nodes);
	put_range(r, (struct key){ 0, 0 }, &nothing);
	for (size_t i = 0; i < count; i++) {
		while (inside != NULL && compare_keys(inside->last, nodes[i].first) < 0)
			inside = leave(r, inside);
		enter(r, &nodes[i], inside);
		inside = &nodes[i];
	}
	while (inside != NULL)
		inside = leave(r, inside);
	free(nodes);
	return true;
}

struct prefix_map *prefix_map_new(const struct prefix_entry *entries, size_t count)
{
	struct prefix_map *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if (!build(&m->ipv4, ADDR_IPV4, entries, count) ||
	    !build(&m->ipv6, ADDR_IPV6, entries, count)) {
		prefix_map_free(m);
		return NULL;
	}
	return m;
}

void prefix_map_free(struct prefix_map *m)
{
	if (m == NULL)
		return;
	free(m->ipv4.at);
	free(m->ipv6.at);
	free(m);
}

/* The last range that does not start behind the key. */
static enum prefix_verdict find(const struct ranges *r, struct key key)
{
	size_t low = 0, high = r->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (compare_keys(r->at[mid].start, key) <= 0)
			low = mid;
		else
			high = mid;
	}
	return r->at[low].verdict;
}

enum prefix_verdict prefix_map_find(const struct prefix_map *m, const struct addr *a)
{
	switch (a->family) {
	case ADDR_IPV4:
		return find(&m->ipv4, key_of(a->ip));
	case ADDR_IPV6:
		return find(&m->ipv6, key_of(a->ip));
	default:
		return PREFIX_UNLISTED;
	}
}
