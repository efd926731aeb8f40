#include "nat64_search.h"

#include <stdlib.h>

#include "natprobe/net/dns.h"
#include "nat64.h"

#define WELL_KNOWN_NAME "ipv4only.arpa"

struct nat64_search {
	struct dns *dns;
	nat64_search_fn on_known;
	void *arg;
	bool is_told, is_closing;
	bool ipv4_answered, ipv6_answered;
	bool is_usable; /* DNS answers: the name has its addresses of IPv4 */
};

static void tell(struct nat64_search *s, const struct addr *prefix, uint8_t len)
{
	if (s->is_told || s->is_closing)
		return;
	s->is_told = true;
	s->on_known(s->arg, prefix, len);
}

/* That there is no NAT64 only one can say who knows the name. */
static void conclude(struct nat64_search *s)
{
	const struct addr none = { 0 };

	if (s->ipv4_answered && s->ipv6_answered && s->is_usable)
		tell(s, &none, 0);
}

static void on_ipv6(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct nat64_search *s = arg;
	struct addr prefix;
	uint8_t len = nat64_discover(found, count, &prefix);

	s->ipv6_answered = true;
	if (len != 0)
		tell(s, &prefix, len);
	conclude(s);
}

static void on_ipv4(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct nat64_search *s = arg;

	s->ipv4_answered = true;
	s->is_usable = count > 0;
	conclude(s);
}

struct nat64_search *nat64_search_new(struct event_base *base, nat64_search_fn on_known, void *arg)
{
	struct nat64_search *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->on_known = on_known;
	s->arg = arg;
	if (dns_open(base, &s->dns) != 0) {
		free(s);
		return NULL;
	}
	dns_find_addr(s->dns, WELL_KNOWN_NAME, ADDR_IPV6, on_ipv6, s);
	dns_find_addr(s->dns, WELL_KNOWN_NAME, ADDR_IPV4, on_ipv4, s);
	return s;
}

void nat64_search_free(struct nat64_search *s)
{
	if (s == NULL)
		return;
	s->is_closing = true; /* what is still open is answered now */
	dns_close(s->dns);
	free(s);
}
