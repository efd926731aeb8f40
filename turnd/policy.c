#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "nat64.h"
#include "policy_rules.h"
#include "wire.h"

/* The peer itself, what it embeds, and what translators make of it. */
#define READINGS_MAX (1 + ADDR_EMBEDDED_MAX + POLICY_NAT64_MAX)

struct policy {
	struct prefix_map *prefixes;
	struct policy_endpoints own, relays; /* sorted */
	struct policy_countries countries[POLICY_LISTS];
	struct policy_networks networks[POLICY_LISTS]; /* sorted */
	struct cidr nat64[POLICY_NAT64_MAX];
	size_t nat64_count;
	const struct geo *geo; /* NULL: neither countries nor networks matter */
};

/* What is asked: one address, with the port or without. */
struct question {
	const struct policy_live *live;
	bool has_port;
};

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Zones do not count: a peer has none. */
static int compare_endpoints(const void *a, const void *b)
{
	const struct addr *x = a, *y = b;
	int order = x->family - y->family;

	if (order == 0)
		order = memcmp(x->ip, y->ip, sizeof(x->ip));
	return order != 0 ? order : x->port - y->port;
}

/* A sorted copy; NULL when memory runs out. There is one for none as well. */
static void *sorted(const void *from, size_t count, size_t size,
		    int (*compare)(const void *, const void *))
{
	void *copy = calloc(count + 1, size);

	if (copy == NULL || count == 0)
		return copy;
	memcpy(copy, from, count * size);
	qsort(copy, count, size, compare);
	return copy;
}

static bool sort_endpoints(struct policy_endpoints *to, const struct policy_endpoints *from)
{
	to->at = sorted(from->at, from->count, sizeof(*to->at), compare_endpoints);
	to->count = from->count;
	return to->at != NULL;
}

static bool sort_networks(struct policy_networks *to, const struct policy_networks *from)
{
	to->asn = sorted(from->asn, from->count, sizeof(*to->asn), compare_numbers);
	to->count = from->count;
	return to->asn != NULL;
}

static bool needs_geo(const struct policy_rules *r)
{
	for (int list = 0; list < POLICY_LISTS; list++) {
		if (r->countries[list].any || r->networks[list].count > 0)
			return true;
	}
	return false;
}

static bool fill(struct policy *p, const struct policy_rules *r)
{
	bool ok = sort_endpoints(&p->own, &r->own) && sort_endpoints(&p->relays, &r->relays);

	for (int list = 0; list < POLICY_LISTS; list++)
		ok = ok && sort_networks(&p->networks[list], &r->networks[list]);
	memcpy(p->countries, r->countries, sizeof(p->countries));
	memcpy(p->nat64, r->nat64, sizeof(p->nat64));
	p->nat64_count = r->nat64_count;
	p->prefixes = prefix_map_new(r->prefixes, r->prefix_count);
	return ok && p->prefixes != NULL;
}

struct policy *policy_new(const struct policy_rules *r, const struct geo *geo, const char **why)
{
	struct policy *p;

	if (needs_geo(r) && geo == NULL) {
		*why = "rules about countries or networks need a database";
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL || !fill(p, r)) {
		*why = "the rules do not fit into memory";
		policy_free(p);
		return NULL;
	}
	p->geo = needs_geo(r) ? geo : NULL;
	return p;
}

void policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	prefix_map_free(p->prefixes);
	for (int list = 0; list < POLICY_LISTS; list++)
		free(p->networks[list].asn);
	free(p->own.at);
	free(p->relays.at);
	free(p);
}

static bool has_endpoint(const struct policy_endpoints *e, const struct addr *a, uint16_t port)
{
	struct addr key = *a;

	key.port = port;
	return bsearch(&key, e->at, e->count, sizeof(*e->at), compare_endpoints) != NULL;
}

/* An endpoint with port 0 stands for all of them. */
static bool is_own(const struct policy *p, const struct addr *a, const struct question *q)
{
	return has_endpoint(&p->own, a, 0) || (q->has_port && has_endpoint(&p->own, a, a->port));
}

static enum policy_verdict judge_relay(const struct addr *a, const struct question *q)
{
	if (!q->has_port)
		return POLICY_ALLOWED; /* the port is judged when there is one */
	if (q->live == NULL || !q->live->is_live(q->live->arg, a))
		return POLICY_RELAY_PORT;
	return POLICY_ALLOWED;
}

static bool has_network(const struct policy_networks *n, uint32_t asn)
{
	return bsearch(&asn, n->asn, n->count, sizeof(*n->asn), compare_numbers) != NULL;
}

/*
 * Whoever is on a deny list is denied. Where there are allow lists, one of them has to name the
 * country or the network; what the database does not know is on none.
 */
static enum policy_verdict judge_place(const struct policy *p, const struct addr *a)
{
	const struct policy_countries *countries = p->countries;
	const struct policy_networks *networks = p->networks;
	struct geo_answer at;

	if (p->geo == NULL)
		return POLICY_ALLOWED;
	geo_find(p->geo, a, &at);
	if (policy_country_is_in(&countries[POLICY_DENY], at.country))
		return POLICY_COUNTRY;
	if (has_network(&networks[POLICY_DENY], at.asn))
		return POLICY_NETWORK;
	if (policy_country_is_in(&countries[POLICY_ALLOW], at.country) ||
	    has_network(&networks[POLICY_ALLOW], at.asn))
		return POLICY_ALLOWED;
	if (countries[POLICY_ALLOW].any)
		return POLICY_COUNTRY;
	return networks[POLICY_ALLOW].count > 0 ? POLICY_NETWORK : POLICY_ALLOWED;
}

/* One address, as if it hid nothing: the list in policy.h, in its order. */
static enum policy_verdict judge_one(const struct policy *p, const struct addr *a,
				     const struct question *q)
{
	enum prefix_verdict listed = prefix_map_find(p->prefixes, a);

	if (is_own(p, a, q))
		return POLICY_OWN;
	if (listed == PREFIX_IS_DENIED)
		return POLICY_RULE;
	if (has_endpoint(&p->relays, a, 0))
		return judge_relay(a, q);
	if (listed == PREFIX_IS_SPECIAL)
		return POLICY_SPECIAL;
	if (listed == PREFIX_IS_ALLOWED)
		return POLICY_ALLOWED;
	return judge_place(p, a);
}

/* What the translators that were named make of it. */
static size_t translate(const struct policy *p, const struct addr *a, struct addr_embedded *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nat64_count; i++) {
		if (!cidr_contains(&p->nat64[i], a))
			continue;
		out[n].disguise = ADDR_NAT64;
		n += nat64_extract(a, p->nat64[i].len, &out[n].ipv4);
	}
	return n;
}

/* The address itself, and every IPv4 address that may be meant by it. */
static size_t read_all(const struct policy *p, const struct addr *a,
		       struct addr_embedded out[static READINGS_MAX])
{
	struct addr_embedded found[ADDR_EMBEDDED_MAX];
	size_t count = addr_find_embedded(a, found), translated;
	size_t n = 1;

	out[0] = (struct addr_embedded){ ADDR_PLAIN, *a };
	translated = translate(p, a, out + n);
	n += translated;
	for (size_t i = 0; i < count; i++) {
		/* A translator that was named knows where the address stands. */
		if (found[i].disguise != ADDR_NAT64_LOCAL || translated == 0)
			out[n++] = found[i];
	}
	return n;
}

static void explain(struct policy_why *why, const struct addr_embedded *reading,
		    enum policy_verdict v)
{
	why->addr = reading->ipv4;
	why->disguise = reading->disguise;
	why->special = v == POLICY_SPECIAL ? addr_special_find(&reading->ipv4) : NULL;
}

static enum policy_verdict judge(const struct policy *p, const struct addr *peer,
				 const struct question *q, struct policy_why *why)
{
	struct addr_embedded readings[READINGS_MAX];
	enum policy_verdict v = POLICY_NO_ADDRESS;
	size_t n, i;

	readings[0] = (struct addr_embedded){ ADDR_PLAIN, *peer };
	n = addr_ip_len(peer->family) != 0 ? read_all(p, peer, readings) : 0;
	for (i = 0; i < n; i++) {
		v = judge_one(p, &readings[i].ipv4, q);
		if (v != POLICY_ALLOWED)
			break;
	}
	if (v != POLICY_ALLOWED && why != NULL)
		explain(why, &readings[i], v);
	return v;
}

enum policy_verdict policy_judge(const struct policy *p, const struct addr *peer,
				 const struct policy_live *live, struct policy_why *why)
{
	return judge(p, peer, &(struct question){ live, true }, why);
}

enum policy_verdict policy_judge_address(const struct policy *p, const struct addr *peer,
					 struct policy_why *why)
{
	return judge(p, peer, &(struct question){ NULL, false }, why);
}

/* Whatever the port. */
static bool has_address(const struct policy_endpoints *e, const struct addr *a)
{
	size_t low = 0, high = e->count;
	struct addr key = *a;

	key.port = 0;
	while (low < high) { /* the first one that is not before port 0 of that address */
		size_t middle = low + (high - low) / 2;

		if (compare_endpoints(&e->at[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	key.port = low < e->count ? e->at[low].port : 0;
	return low < e->count && compare_endpoints(&e->at[low], &key) == 0;
}

bool policy_wants_port(const struct policy *p, const struct addr *peer)
{
	struct addr_embedded readings[READINGS_MAX];
	size_t n = addr_ip_len(peer->family) != 0 ? read_all(p, peer, readings) : 0;

	for (size_t i = 0; i < n; i++) {
		if (has_address(&p->own, &readings[i].ipv4) ||
		    has_address(&p->relays, &readings[i].ipv4))
			return true;
	}
	return false;
}

const char *policy_word(enum policy_verdict v)
{
	static const char *const words[POLICY_VERDICTS] = {
		[POLICY_ALLOWED] = "allowed",
		[POLICY_NO_ADDRESS] = "no-address",
		[POLICY_OWN] = "own",
		[POLICY_RULE] = "rule",
		[POLICY_RELAY_PORT] = "relay-port",
		[POLICY_SPECIAL] = "special",
		[POLICY_COUNTRY] = "country",
		[POLICY_NETWORK] = "network",
	};

	return words[v];
}
