#include "cidr.h"

#include <stdio.h>
#include <string.h>

#define MAPPED_LEN 96 /* of ::ffff:0:0/96 */

static uint8_t full_length(uint8_t family)
{
	return (uint8_t)(addr_ip_len(family) * 8);
}

/* The first `len` bits alike? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned len)
{
	unsigned bytes = len / 8, rest = len % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	return a->family == c->family && same_bits(c->ip, a->ip, c->len);
}

/* A number of at most three digits, without a zero in front. */
static bool parse_length(const char *text, uint8_t max, uint8_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned v = 0;

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	if (v > max)
		return false;
	*out = (uint8_t)v;
	return true;
}

/* The part before the slash. */
static bool parse_address(const char *text, size_t len, struct addr *out)
{
	char copy[ADDR_TEXT_MAX];

	/* Brackets go with ports, and there are none here. */
	if (len >= sizeof(copy) || len == 0 || text[0] == '[')
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return addr_parse_ip(copy, 0, out);
}

static bool has_bits_behind(const struct cidr *c)
{
	static const uint8_t zeros[16];
	unsigned bytes = c->len / 8u, rest = c->len % 8u;

	if (rest != 0 && (uint8_t)(c->ip[bytes] << rest) != 0)
		return true;
	bytes += rest != 0;
	return memcmp(c->ip + bytes, zeros, sizeof(c->ip) - bytes) != 0;
}

static bool is_mapped(const struct cidr *c)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	return c->family == ADDR_IPV6 && c->len >= MAPPED_LEN &&
	       same_bits(c->ip, mapped, MAPPED_LEN);
}

/* What is wrong with it, NULL for nothing. */
static const char *parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	struct addr a;

	if (!parse_address(text, slash != NULL ? (size_t)(slash - text) : strlen(text), &a))
		return "is no address and no prefix such as 10.0.0.0/8 or 2001:db8::/32";
	if (a.scope != 0)
		return "has a zone: leave out what follows the percent sign";
	*out = (struct cidr){ .family = a.family, .len = full_length(a.family) };
	memcpy(out->ip, a.ip, sizeof(out->ip));
	if (slash != NULL && !parse_length(slash + 1, full_length(a.family), &out->len))
		return a.family == ADDR_IPV4 ? "has a length that is no number from 0 to 32"
					     : "has a length that is no number from 0 to 128";
	if (has_bits_behind(out))
		return "has bits behind its length: shorten the address or raise the length";
	if (is_mapped(out))
		return "is IPv4 in disguise: write it as an IPv4 prefix";
	return NULL;
}

bool cidr_parse(const char *text, struct cidr *out, const char **why)
{
	struct cidr c;
	const char *wrong = parse(text, &c);

	if (wrong != NULL) {
		*why = wrong;
		return false;
	}
	*out = c;
	return true;
}

const char *cidr_print(const struct cidr *c, char buf[static CIDR_TEXT_MAX])
{
	struct addr a = { .family = c->family };
	char ip[ADDR_TEXT_MAX];

	memcpy(a.ip, c->ip, sizeof(a.ip));
	(void)snprintf(buf, CIDR_TEXT_MAX, "%.48s/%u", addr_print_ip(&a, ip), (unsigned)c->len);
	return buf;
}
