#include "addr_special.h"

#include <string.h>

#include "nat64.h"
#include "wire.h"

#define V4(a, b, c, d, bits)       \
	{                          \
		ADDR_IPV4, bits,   \
		{                  \
			a, b, c, d \
		}                  \
	}
#define V6(bits, ...)               \
	{                           \
		ADDR_IPV6, bits,    \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

static const struct addr_special table[] = {
	/* IPv4 */
	{ "this-network", V4(0, 0, 0, 0, 8), 791 },
	{ "unspecified", V4(0, 0, 0, 0, 32), 1122 },
	{ "private", V4(10, 0, 0, 0, 8), 1918 },
	{ "shared", V4(100, 64, 0, 0, 10), 6598 },
	{ "cloud-metadata", V4(100, 100, 100, 200, 32), 0 },
	{ "loopback", V4(127, 0, 0, 0, 8), 1122 },
	{ "cloud-metadata", V4(168, 63, 129, 16, 32), 0 },
	{ "link-local", V4(169, 254, 0, 0, 16), 3927 },
	{ "cloud-metadata", V4(169, 254, 169, 254, 32), 0 },
	{ "private", V4(172, 16, 0, 0, 12), 1918 },
	{ "ietf-protocol", V4(192, 0, 0, 0, 24), 6890 },
	{ "ds-lite", V4(192, 0, 0, 0, 29), 7335 },
	{ "dummy", V4(192, 0, 0, 8, 32), 7600 },
	{ "pcp-anycast", V4(192, 0, 0, 9, 32), 7723 },
	{ "turn-anycast", V4(192, 0, 0, 10, 32), 8155 },
	{ "nat64-discovery", V4(192, 0, 0, 170, 31), 7050 },
	{ "cloud-metadata", V4(192, 0, 0, 192, 32), 0 },
	{ "documentation", V4(192, 0, 2, 0, 24), 5737 },
	{ "as112", V4(192, 31, 196, 0, 24), 7535 },
	{ "amt", V4(192, 52, 193, 0, 24), 7450 },
	{ "6to4-relay", V4(192, 88, 99, 0, 24), 7526 },
	{ "6a44-relay", V4(192, 88, 99, 2, 32), 6751 },
	{ "private", V4(192, 168, 0, 0, 16), 1918 },
	{ "as112", V4(192, 175, 48, 0, 24), 7534 },
	{ "benchmarking", V4(198, 18, 0, 0, 15), 2544 },
	{ "documentation", V4(198, 51, 100, 0, 24), 5737 },
	{ "documentation", V4(203, 0, 113, 0, 24), 5737 },
	{ "multicast", V4(224, 0, 0, 0, 4), 5771 },
	{ "documentation", V4(233, 252, 0, 0, 24), 6676 },
	{ "reserved", V4(240, 0, 0, 0, 4), 1112 },
	{ "broadcast", V4(255, 255, 255, 255, 32), 919 },

	/* IPv6: what is not 2000::/3, and then what has a name */
	{ "reserved", V6(3, 0), 4291 },
	{ "reserved", V6(2, 0x40), 4291 },
	{ "reserved", V6(1, 0x80), 4291 },
	{ "ipv4-compatible", V6(96, 0), 4291 },
	{ "unspecified", V6(128, 0), 4291 },
	{ "loopback", V6(128, [15] = 1), 4291 },
	{ "ipv4-mapped", V6(96, [10] = 0xff, 0xff), 4291 },
	{ "ipv4-translated", V6(96, [8] = 0xff, 0xff), 2765 },
	{ "nat64", V6(96, 0, 0x64, 0xff, 0x9b), 6052 },
	{ "nat64-local", V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), 8215 },
	{ "discard-only", V6(64, 1), 6666 },
	{ "dummy", V6(64, 1, [7] = 1), 9780 },
	{ "ietf-protocol", V6(23, 0x20, 1), 2928 },
	{ "teredo", V6(32, 0x20, 1), 4380 },
	{ "pcp-anycast", V6(128, 0x20, 1, 0, 1, [15] = 1), 7723 },
	{ "turn-anycast", V6(128, 0x20, 1, 0, 1, [15] = 2), 8155 },
	{ "srp-anycast", V6(128, 0x20, 1, 0, 1, [15] = 3), 9665 },
	{ "benchmarking", V6(48, 0x20, 1, 0, 2), 5180 },
	{ "amt", V6(32, 0x20, 1, 0, 3), 7450 },
	{ "as112", V6(48, 0x20, 1, 0, 4, 1, 0x12), 7535 },
	{ "orchid", V6(28, 0x20, 1, 0, 0x10), 4843 },
	{ "orchid-v2", V6(28, 0x20, 1, 0, 0x20), 7343 },
	{ "drone-id", V6(28, 0x20, 1, 0, 0x30), 9374 },
	{ "documentation", V6(32, 0x20, 1, 0x0d, 0xb8), 3849 },
	{ "6to4", V6(16, 0x20, 2), 3056 },
	{ "as112", V6(48, 0x26, 0x20, 0, 0x4f, 0x80), 7534 },
	{ "documentation", V6(20, 0x3f, 0xff), 9637 },
	{ "srv6-sid", V6(16, 0x5f), 9602 },
	{ "unique-local", V6(7, 0xfc), 4193 },
	{ "cloud-metadata", V6(128, 0xfd, 0, 0x0e, 0xc2, [14] = 2, 0x54), 0 },
	{ "cloud-metadata", V6(128, 0xfd, 0x20, 0, 0xce, [14] = 2, 0x54), 0 },
	{ "link-local", V6(10, 0xfe, 0x80), 4291 },
	{ "site-local", V6(10, 0xfe, 0xc0), 3879 },
	{ "multicast", V6(8, 0xff), 4291 },
};

/* Prefixes that are a disguise whole: the IPv4 address stands at `at`, perhaps inverted. */
static const struct {
	enum addr_disguise disguise;
	uint8_t at, mask;
	struct cidr prefix;
} disguises[] = {
	{ ADDR_MAPPED, 12, 0, V6(96, [10] = 0xff, 0xff) },
	{ ADDR_COMPATIBLE, 12, 0, V6(96, 0) },
	{ ADDR_TRANSLATED, 12, 0, V6(96, [8] = 0xff, 0xff) },
	{ ADDR_6TO4, 2, 0, V6(16, 0x20, 2) },
	{ ADDR_TEREDO_SERVER, 4, 0, V6(32, 0x20, 1) },
	{ ADDR_TEREDO_CLIENT, 12, 0xff, V6(32, 0x20, 1) },
	{ ADDR_NAT64, 12, 0, V6(96, 0, 0x64, 0xff, 0x9b) },
};

static const struct cidr nat64_local = V6(48, 0, 0x64, 0xff, 0x9b, 0, 1);
static const uint8_t nat64_local_lengths[] = { 48, 56, 64, 96 };

const struct addr_special *addr_special_table(size_t *count)
{
	*count = ARRAY_LEN(table);
	return table;
}

const struct addr_special *addr_special_find(const struct addr *a)
{
	const struct addr_special *best = NULL;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct addr_special *s = &table[i];

		if (cidr_contains(&s->prefix, a) &&
		    (best == NULL || s->prefix.len > best->prefix.len))
			best = s;
	}
	return best;
}

static struct addr ipv4_at(const struct addr *a, size_t at, uint8_t mask)
{
	struct addr v4 = { .family = ADDR_IPV4, .port = a->port };

	for (size_t i = 0; i < 4; i++)
		v4.ip[i] = a->ip[at + i] ^ mask;
	return v4;
}

/* :: and ::1 have a meaning of their own. */
static bool is_any_or_loopback(const struct addr *a)
{
	return addr_is_any(a) || addr_is_loopback(a);
}

/* Bits "universal" and "group" of the interface identifier may be either. */
static bool is_isatap(const struct addr *a)
{
	static const uint8_t behind[3] = { 0x00, 0x5e, 0xfe };

	return (a->ip[8] & 0xfc) == 0 && memcmp(a->ip + 9, behind, sizeof(behind)) == 0;
}

static size_t find_nat64_local(const struct addr *a, struct addr_embedded *out)
{
	size_t n = 0;

	for (; n < ARRAY_LEN(nat64_local_lengths); n++) {
		out[n].disguise = ADDR_NAT64_LOCAL;
		(void)nat64_extract(a, nat64_local_lengths[n], &out[n].ipv4);
	}
	return n;
}

size_t addr_find_embedded(const struct addr *a, struct addr_embedded out[static ADDR_EMBEDDED_MAX])
{
	size_t n = 0;

	if (a->family != ADDR_IPV6)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(disguises); i++) {
		if (!cidr_contains(&disguises[i].prefix, a))
			continue;
		if (disguises[i].disguise == ADDR_COMPATIBLE && is_any_or_loopback(a))
			continue;
		out[n].disguise = disguises[i].disguise;
		out[n++].ipv4 = ipv4_at(a, disguises[i].at, disguises[i].mask);
	}
	if (cidr_contains(&nat64_local, a))
		n += find_nat64_local(a, out + n);
	if (is_isatap(a)) {
		out[n].disguise = ADDR_ISATAP;
		out[n++].ipv4 = ipv4_at(a, 12, 0);
	}
	return n;
}

bool addr_special_judge(const struct addr *a, struct addr_special_hit *hit)
{
	struct addr_embedded inner[ADDR_EMBEDDED_MAX];
	size_t n = addr_find_embedded(a, inner);
	const struct addr_special *entry;

	for (size_t i = 0; i < n; i++) {
		entry = addr_special_find(&inner[i].ipv4);
		if (entry == NULL)
			continue;
		*hit = (struct addr_special_hit){ entry, inner[i].disguise, inner[i].ipv4 };
		return true;
	}
	entry = addr_special_find(a);
	if (entry == NULL)
		return false;
	*hit = (struct addr_special_hit){ entry, ADDR_PLAIN, *a };
	return true;
}

const char *addr_disguise_word(enum addr_disguise d)
{
	static const char *const words[ADDR_DISGUISES] = {
		[ADDR_PLAIN] = "plain",
		[ADDR_MAPPED] = "ipv4-mapped",
		[ADDR_COMPATIBLE] = "ipv4-compatible",
		[ADDR_TRANSLATED] = "ipv4-translated",
		[ADDR_6TO4] = "6to4",
		[ADDR_TEREDO_SERVER] = "teredo-server",
		[ADDR_TEREDO_CLIENT] = "teredo-client",
		[ADDR_NAT64] = "nat64",
		[ADDR_NAT64_LOCAL] = "nat64-local",
		[ADDR_ISATAP] = "isatap",
	};

	return words[d];
}
