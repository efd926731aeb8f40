#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "wire.h"

size_t addr_ip_len(uint8_t family)
{
	switch (family) {
	case ADDR_IPV4:
		return 4;
	case ADDR_IPV6:
		return 16;
	default:
		return 0;
	}
}

struct addr addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct addr){ .family = ADDR_IPV4, .port = port, .ip = { a, b, c, d } };
}

bool addr_equal_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->ip, b->ip, addr_ip_len(a->family)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_equal_ip(a, b);
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zeros[16];

	return memcmp(a->ip, zeros, addr_ip_len(a->family)) == 0;
}

struct addr addr_unmap(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct addr v4 = { .family = ADDR_IPV4, .port = a->port };

	if (a->family != ADDR_IPV6 || memcmp(a->ip, mapped, sizeof(mapped)) != 0)
		return *a;
	memcpy(v4.ip, a->ip + sizeof(mapped), 4);
	return v4;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };
	struct addr u = addr_unmap(a);

	if (u.family == ADDR_IPV4)
		return u.ip[0] == 127;
	return u.family == ADDR_IPV6 && memcmp(u.ip, one, sizeof(one)) == 0;
}

bool addr_is_link_local(const struct addr *a)
{
	struct addr u = addr_unmap(a);

	if (u.family == ADDR_IPV4)
		return u.ip[0] == 169 && u.ip[1] == 254;
	return u.family == ADDR_IPV6 && u.ip[0] == 0xfe && (u.ip[1] & 0xc0) == 0x80;
}

static bool is_private_ipv4(const uint8_t ip[static 4])
{
	return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	       (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64);
}

bool addr_is_private(const struct addr *a)
{
	struct addr u = addr_unmap(a);

	if (u.family == ADDR_IPV4)
		return is_private_ipv4(u.ip);
	return u.family == ADDR_IPV6 && (u.ip[0] & 0xfe) == 0xfc;
}

struct addr addr_with_port(const struct addr *a, uint16_t port)
{
	struct addr b = *a;

	b.port = port;
	return b;
}

/* SipHash-2-4 of 24 bytes: the address, then family, zero, port and scope, big-endian. */
uint64_t addr_hash(const struct addr *a, const uint8_t key[16])
{
	struct siphash s = siphash_start(key);
	uint8_t tail[8] = { a->family };

	wire_store_u16(tail + 2, a->port);
	wire_store_u32(tail + 4, a->scope);
	siphash_word(&s, siphash_load_le64(a->ip), 2);
	siphash_word(&s, siphash_load_le64(a->ip + 8), 2);
	siphash_word(&s, siphash_load_le64(tail), 2);
	siphash_word(&s, (uint64_t)24 << 56, 2);
	return siphash_end(&s, 4);
}

/* A decimal number and nothing else: no sign, no space. */
static bool parse_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool parse_ipv4(const char *text, struct addr *out)
{
	struct addr a = { .family = ADDR_IPV4 };

	if (inet_pton(AF_INET, text, a.ip) != 1)
		return false;
	*out = a;
	return true;
}

/* Cuts `text` at '%'. */
static bool parse_ipv6(char *text, struct addr *out)
{
	struct addr a = { .family = ADDR_IPV6 };
	char *scope = strchr(text, '%');

	if (scope != NULL)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, a.ip) != 1)
		return false;
	if (scope != NULL &&
	    (!addr_is_link_local(&a) || !parse_number(scope, UINT32_MAX, &a.scope) || a.scope == 0))
		return false;
	*out = a;
	return true;
}

/* Copies `len` bytes as a string; false when they are too many for any address. */
static bool copy_text(char to[static ADDR_TEXT_MAX], const char *text, size_t len)
{
	if (len >= ADDR_TEXT_MAX)
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool parse_bracketed(const char *text, const char *end, struct addr *out)
{
	char copy[ADDR_TEXT_MAX];

	return copy_text(copy, text + 1, (size_t)(end - text - 1)) && parse_ipv6(copy, out);
}

bool addr_parse_ip(const char *text, uint16_t port, struct addr *out)
{
	char copy[ADDR_TEXT_MAX];
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	struct addr a;
	bool ok;

	if (end != NULL)
		ok = end[1] == '\0' && parse_bracketed(text, end, &a);
	else
		ok = copy_text(copy, text, strlen(text)) &&
		     (parse_ipv4(copy, &a) || parse_ipv6(copy, &a));
	if (ok)
		*out = addr_with_port(&a, port);
	return ok;
}

static bool parse_host(const char *text, const char *colon, struct addr *out)
{
	char copy[ADDR_TEXT_MAX];

	if (text[0] == '[')
		return colon[-1] == ']' && parse_bracketed(text, colon - 1, out);
	return copy_text(copy, text, (size_t)(colon - text)) && parse_ipv4(copy, out);
}

bool addr_parse(const char *text, uint16_t default_port, struct addr *out)
{
	const char *colon = strrchr(text, ':');
	struct addr a;
	uint32_t port;

	if (addr_parse_ip(text, default_port, out))
		return true;
	if (colon == NULL || colon == text || !parse_number(colon + 1, UINT16_MAX, &port))
		return false;
	if (!parse_host(text, colon, &a))
		return false;
	*out = addr_with_port(&a, (uint16_t)port);
	return true;
}

bool addr_parse_loopback(const char *text, struct addr *out)
{
	struct addr a;
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
		if (port == 0 || port > UINT16_MAX)
			return false;
		*out = addr_ipv4(127, 0, 0, 1, (uint16_t)port);
		return true;
	}
	if (!addr_parse(text, 0, &a) || a.port == 0)
		return false;
	*out = a;
	return true;
}

const char *addr_print_ip(const struct addr *a, char buf[static ADDR_TEXT_MAX])
{
	int family = a->family == ADDR_IPV4 ? AF_INET : AF_INET6;
	size_t len;

	if (addr_ip_len(a->family) == 0 || inet_ntop(family, a->ip, buf, ADDR_TEXT_MAX) == NULL) {
		(void)snprintf(buf, ADDR_TEXT_MAX, "none");
		return buf;
	}
	len = strlen(buf);
	if (a->scope != 0)
		(void)snprintf(buf + len, ADDR_TEXT_MAX - len, "%%%u", (unsigned)a->scope);
	return buf;
}

const char *addr_print(const struct addr *a, char buf[static ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_print_ip(a, ip);
	if (a->family == ADDR_IPV6)
		(void)snprintf(buf, ADDR_TEXT_MAX, "[%.64s]:%u", ip, (unsigned)a->port);
	else if (a->family == ADDR_IPV4)
		(void)snprintf(buf, ADDR_TEXT_MAX, "%.64s:%u", ip, (unsigned)a->port);
	else
		(void)snprintf(buf, ADDR_TEXT_MAX, "none");
	return buf;
}
