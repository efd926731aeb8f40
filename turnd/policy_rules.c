#include "policy_rules.h"

#include <stdlib.h>
#include <string.h>

#include "nat64.h"

static const char no_memory[] = "does not fit into memory";

struct policy_rules *policy_rules_new(bool deny_special)
{
	struct policy_rules *r = calloc(1, sizeof(*r));
	const struct addr_special *special;
	size_t count;

	if (r == NULL || !deny_special)
		return r;
	special = addr_special_table(&count);
	r->prefixes = calloc(count, sizeof(*r->prefixes));
	if (r->prefixes == NULL) {
		policy_rules_free(r);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		r->prefixes[i].prefix = special[i].prefix;
		r->prefixes[i].kind = PREFIX_SPECIAL;
	}
	r->prefix_count = count;
	return r;
}

void policy_rules_free(struct policy_rules *r)
{
	if (r == NULL)
		return;
	free(r->prefixes);
	for (int list = 0; list < POLICY_LISTS; list++)
		free(r->networks[list].asn);
	free(r->own.at);
	free(r->relays.at);
	free(r);
}

/* The array with room for one more; NULL, and all as it was, when memory runs out. */
static void *grown(void *array, size_t count, size_t size, const char **why)
{
	void *larger = count < SIZE_MAX / size - 1 ? realloc(array, (count + 1) * size) : NULL;

	if (larger == NULL)
		*why = no_memory;
	return larger;
}

bool policy_rules_add(struct policy_rules *r, enum policy_list list, const char *prefix,
		      const char **why)
{
	struct prefix_entry e = { .kind = list == POLICY_ALLOW ? PREFIX_ALLOW : PREFIX_DENY };
	struct prefix_entry *larger;

	if (!cidr_parse(prefix, &e.prefix, why))
		return false;
	larger = grown(r->prefixes, r->prefix_count, sizeof(*larger), why);
	if (larger == NULL)
		return false;
	r->prefixes = larger;
	r->prefixes[r->prefix_count++] = e;
	return true;
}

/* 0 to 25, whatever the case; -1 for no letter of ASCII. */
static int letter(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}

bool policy_rules_add_country(struct policy_rules *r, enum policy_list list, const char *country,
			      const char **why)
{
	struct policy_countries *c = &r->countries[list];
	int first = letter(country[0]), second = first < 0 ? -1 : letter(country[1]);

	if (second < 0 || country[2] != '\0') {
		*why = "is no country: write its two letters, such as DE";
		return false;
	}
	c->bits[first] |= 1u << second;
	c->any = true;
	return true;
}

bool policy_country_is_in(const struct policy_countries *c, const char country[static 3])
{
	int first = letter(country[0]), second = first < 0 ? -1 : letter(country[1]);

	return second >= 0 && (c->bits[first] >> second & 1) != 0;
}

/* "AS64500" or "64500"; 0 for anything else. */
static uint32_t parse_asn(const char *text)
{
	uint64_t v = 0;
	size_t digits;

	if ((text[0] == 'A' || text[0] == 'a') && (text[1] == 'S' || text[1] == 's'))
		text += 2;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10 || text[digits] != '\0' || text[0] == '0')
		return 0;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

bool policy_rules_add_network(struct policy_rules *r, enum policy_list list, const char *network,
			      const char **why)
{
	struct policy_networks *n = &r->networks[list];
	uint32_t asn = parse_asn(network), *larger;

	if (asn == 0) {
		*why = "is no number of a network such as AS64500";
		return false;
	}
	larger = grown(n->asn, n->count, sizeof(*larger), why);
	if (larger == NULL)
		return false;
	n->asn = larger;
	n->asn[n->count++] = asn;
	return true;
}

bool policy_rules_add_nat64(struct policy_rules *r, const char *prefix, const char **why)
{
	struct cidr c;

	if (!cidr_parse(prefix, &c, why))
		return false;
	if (c.family != ADDR_IPV6 || !nat64_is_length(c.len)) {
		*why = "is no translator prefix: IPv6, of length 32, 40, 48, 56, 64 or 96";
		return false;
	}
	if (r->nat64_count == POLICY_NAT64_MAX) {
		*why = "is one translator prefix too many";
		return false;
	}
	r->nat64[r->nat64_count++] = c;
	return true;
}

static bool add_endpoint(struct policy_endpoints *e, const struct addr *a, uint16_t port,
			 const char **why)
{
	struct addr plain = addr_unmap(a), *larger;

	if (addr_ip_len(plain.family) == 0 || addr_is_any(&plain)) {
		*why = "is no address of its own: name those of the interfaces";
		return false;
	}
	larger = grown(e->at, e->count, sizeof(*larger), why);
	if (larger == NULL)
		return false;
	plain.port = port;
	e->at = larger;
	e->at[e->count++] = plain;
	return true;
}

bool policy_rules_add_own(struct policy_rules *r, const struct addr *endpoint, const char **why)
{
	return add_endpoint(&r->own, endpoint, endpoint->port, why);
}

bool policy_rules_add_relay(struct policy_rules *r, const struct addr *relay, const char **why)
{
	return add_endpoint(&r->relays, relay, 0, why);
}
