#include "nat64.h"

#include <string.h>

#include "wire.h"

#define RESERVED 8 /* the byte that stays zero */

static const uint8_t lengths[] = { 96, 64, 56, 48, 40, 32 };

bool nat64_is_length(uint8_t len)
{
	return memchr(lengths, len, sizeof(lengths)) != NULL;
}

/* Where byte `i` of the IPv4 address stands. */
static size_t place(uint8_t len, size_t i)
{
	size_t at = len / 8u + i;

	return len <= 64 && at >= RESERVED ? at + 1 : at;
}

struct addr nat64_prefix(const struct addr *ipv6, uint8_t len)
{
	struct addr out = { .family = ADDR_IPV6 };

	if (ipv6->family != ADDR_IPV6 || !nat64_is_length(len))
		return (struct addr){ 0 };
	memcpy(out.ip, ipv6->ip, len / 8u);
	return out;
}

bool nat64_embed(const struct addr *prefix, uint8_t len, const struct addr *ipv4, struct addr *out)
{
	struct addr a = nat64_prefix(prefix, len);

	if (a.family == ADDR_NONE || ipv4->family != ADDR_IPV4)
		return false;
	for (size_t i = 0; i < 4; i++)
		a.ip[place(len, i)] = ipv4->ip[i];
	a.port = ipv4->port;
	*out = a;
	return true;
}

bool nat64_extract(const struct addr *ipv6, uint8_t len, struct addr *out)
{
	struct addr a = { .family = ADDR_IPV4, .port = ipv6->port };

	if (ipv6->family != ADDR_IPV6 || !nat64_is_length(len))
		return false;
	for (size_t i = 0; i < 4; i++)
		a.ip[i] = ipv6->ip[place(len, i)];
	*out = a;
	return true;
}

uint8_t nat64_find_length(const struct addr *ipv6, const struct addr *ipv4)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct addr made;

		if (nat64_embed(ipv6, lengths[i], ipv4, &made) &&
		    memcmp(made.ip, ipv6->ip, sizeof(made.ip)) == 0)
			return lengths[i];
	}
	return 0;
}

bool nat64_is_well_known(const struct addr *ipv6)
{
	static const uint8_t prefix[12] = { 0, 0x64, 0xff, 0x9b };

	return ipv6->family == ADDR_IPV6 && memcmp(ipv6->ip, prefix, sizeof(prefix)) == 0;
}

uint8_t nat64_discover(const struct addr *answers, size_t count, struct addr *prefix)
{
	for (size_t i = 0; i < count; i++) {
		/* The two addresses of the name (section 2.2). */
		for (uint8_t last = 170; last <= 171; last++) {
			struct addr known = addr_ipv4(192, 0, 0, last, 0);
			uint8_t len = nat64_find_length(&answers[i], &known);

			if (len == 0)
				continue;
			*prefix = nat64_prefix(&answers[i], len);
			return len;
		}
	}
	return 0;
}
