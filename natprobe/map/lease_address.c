#include "lease_address.h"

#include "addr_special.h"
#include "wire.h"

static bool is_in(const struct addr *a, uint8_t first, uint8_t second, uint8_t mask)
{
	return a->family == ADDR_IPV4 && a->ip[0] == first && (a->ip[1] & mask) == second;
}

static bool is_shared(const struct addr *a)
{
	bool is_ds_lite = is_in(a, 192, 0, 0xff) && a->ip[2] == 0 && a->ip[3] < 8;

	return is_in(a, 100, 64, 0xc0) || is_ds_lite;
}

enum lease_address lease_address_judge(const struct addr *external, const struct addr *seen)
{
	bool is_seen = seen->family == external->family;
	struct addr_special_hit hit;

	if (external->family == ADDR_NONE || addr_is_any(external))
		return LEASE_ADDRESS_UNTOLD;
	if (is_seen && addr_equal_ip(seen, external))
		return LEASE_ADDRESS_PUBLIC;
	if (is_shared(external))
		return LEASE_ADDRESS_SHARED;
	if (addr_is_private(external))
		return LEASE_ADDRESS_PRIVATE;
	if (addr_special_judge(external, &hit))
		return LEASE_ADDRESS_SPECIAL;
	return is_seen ? LEASE_ADDRESS_OTHER : LEASE_ADDRESS_UNSEEN;
}

bool lease_address_is_behind(enum lease_address a)
{
	return a == LEASE_ADDRESS_PRIVATE || a == LEASE_ADDRESS_SHARED ||
	       a == LEASE_ADDRESS_SPECIAL || a == LEASE_ADDRESS_OTHER;
}

const char *lease_address_word(enum lease_address a)
{
	static const char *const words[LEASE_ADDRESSES] = {
		"untold", "unseen", "public", "private", "shared", "special", "other",
	};

	return words[a];
}
