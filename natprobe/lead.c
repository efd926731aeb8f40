#include "lead.h"

#include "nat64.h"

#define WELL_KNOWN_LEN 96

static struct addr plain(const struct addr *a)
{
	struct addr out = addr_unmap(a);

	if (nat64_is_well_known(&out))
		(void)nat64_extract(&out, WELL_KNOWN_LEN, &out);
	return out;
}

/* "This network" (RFC 1122), multicast, reserved and broadcast: nobody in particular. */
static bool is_nobody(const struct addr *a)
{
	if (addr_is_any(a))
		return true;
	if (a->family == ADDR_IPV4)
		return a->ip[0] == 0 || a->ip[0] >= 224;
	return a->ip[0] == 0xff;
}

bool lead_allows(const struct addr *server, const struct addr *named)
{
	struct addr from = plain(server), to = plain(named);

	if (to.port == 0 || is_nobody(&to))
		return false;
	if (addr_is_loopback(&to) != addr_is_loopback(&from) ||
	    addr_is_link_local(&to) != addr_is_link_local(&from))
		return false;
	return !addr_is_private(&to) || addr_is_private(&from);
}
