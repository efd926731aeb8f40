#include "forward_spec.h"

#include <stdio.h>

#define FIELDS_MAX 4
#define ADDR_LEN   (ADDR_TEXT_MAX - 1)

static const char bad_host[] =
	"a host is a name, an IPv4 address, or an IPv6 address in brackets; there are no patterns";
static const char bad_port[] = "a port is a number, 1 to 65535";
static const char bad_target[] = "write HOST:PORT, or HOST:PORT/udp";
static const char bad_spec[] = "write [ADDRESS:]PORT:HOST:PORT, with /udp behind it for UDP";

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '-' || c == '_';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* 127.1 and 0x7f000001 are addresses to some resolvers, and names to nobody. */
static bool is_number_like(const char *name, size_t len)
{
	size_t at = len;

	while (at > 0 && name[at - 1] != '.')
		at--;
	return at == len || is_digit((uint8_t)name[at]);
}

static bool read_name(struct bytes text, char out[static FORWARD_HOST_MAX + 1])
{
	uint8_t before = '.';

	if (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	if (text.len == 0 || text.len > FORWARD_HOST_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = lower(text.data[i]);

		if (!is_name_char(c) || (c == '.' && before == '.'))
			return false;
		out[i] = (char)c;
		before = c;
	}
	out[text.len] = '\0';
	return !is_number_like(out, text.len);
}

static bool read_ip(struct bytes text, struct addr *out)
{
	char copy[ADDR_LEN + 1];

	if (text.len == 0 || text.len > ADDR_LEN || text.data[0] == '[' ||
	    memchr(text.data, 0, text.len) != NULL)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (!addr_parse_ip(copy, 0, out))
		return false;
	*out = addr_unmap(out);
	return true;
}

bool forward_host_read(struct bytes text, char out[static FORWARD_HOST_MAX + 1])
{
	char ip_text[ADDR_TEXT_MAX];
	struct addr ip;

	if (!read_ip(text, &ip))
		return read_name(text, out);
	(void)snprintf(out, FORWARD_HOST_MAX + 1, "%s", addr_print_ip(&ip, ip_text));
	return true;
}

/* --- fields with colons between them --- */

/* Returns how many there are; more than there is room for: 0. */
static size_t split(struct bytes text, struct bytes fields[static FIELDS_MAX])
{
	size_t count = 0, begin = 0;
	bool is_inside = false;

	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && (text.data[i] == '[' || text.data[i] == ']'))
			is_inside = text.data[i] == '[';
		if (i < text.len && (text.data[i] != ':' || is_inside))
			continue;
		if (count == FIELDS_MAX)
			return 0;
		fields[count++] = bytes_of(text.data + begin, i - begin);
		begin = i + 1;
	}
	return count;
}

static bool ends_with(struct bytes text, struct bytes end)
{
	return text.len >= end.len &&
	       memcmp(text.data + text.len - end.len, end.data, end.len) == 0;
}

static void take_protocol(struct bytes *text, bool *is_udp)
{
	*is_udp = ends_with(*text, BYTES("/udp"));
	if (*is_udp || ends_with(*text, BYTES("/tcp")))
		text->len -= 4;
}

static bool read_port(struct bytes text, uint16_t *out)
{
	uint32_t port = 0;

	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.data[i]))
			return false;
		port = port * 10 + (uint32_t)(text.data[i] - '0');
	}
	*out = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

/* True: they stood around an address of IPv6. */
static bool take_brackets(struct bytes *text)
{
	if (text->len < 2 || text->data[0] != '[' || text->data[text->len - 1] != ']' ||
	    memchr(text->data, ':', text->len) == NULL)
		return false;
	text->data++;
	text->len -= 2;
	return true;
}

static const char *read_target(struct bytes host, struct bytes port, bool is_udp,
			       struct forward_target *out)
{
	struct forward_target t = { .is_udp = is_udp };
	const bool has_brackets = take_brackets(&host);
	struct addr ip;

	if (has_brackets ? !read_ip(host, &ip) : memchr(host.data, ':', host.len) != NULL)
		return bad_host;
	if (!forward_host_read(host, t.host))
		return bad_host;
	if (!read_port(port, &t.port))
		return bad_port;
	*out = t;
	return NULL;
}

const char *forward_target_read(struct bytes text, struct forward_target *out)
{
	struct bytes fields[FIELDS_MAX];
	bool is_udp;

	take_protocol(&text, &is_udp);
	if (split(text, fields) != 2)
		return bad_target;
	return read_target(fields[0], fields[1], is_udp, out);
}

static bool read_listen(struct bytes address, uint16_t port, struct addr *out)
{
	if (bytes_equal(address, BYTES("localhost")))
		address = BYTES("127.0.0.1");
	(void)take_brackets(&address);
	if (!read_ip(address, out))
		return false;
	out->port = port;
	return true;
}

const char *forward_spec_read(struct bytes text, struct forward_spec *out)
{
	struct bytes fields[FIELDS_MAX], address = BYTES("127.0.0.1");
	struct forward_spec spec = { 0 };
	size_t count, at = 0;
	uint16_t port;
	const char *why;
	bool is_udp;

	take_protocol(&text, &is_udp);
	count = split(text, fields);
	if (count < 3)
		return bad_spec;
	if (count == 4)
		address = fields[at++];
	if (!read_port(fields[at], &port))
		return bad_port;
	if (!read_listen(address, port, &spec.listen))
		return "the address to listen at is one of this host: 127.0.0.1, 0.0.0.0, [::1]";
	why = read_target(fields[at + 1], fields[at + 2], is_udp, &spec.target);
	if (why == NULL)
		*out = spec;
	return why;
}

/* --- targets --- */

const char *forward_target_print(const struct forward_target *t,
				 char buf[static FORWARD_TARGET_MAX])
{
	const bool is_ipv6 = strchr(t->host, ':') != NULL;

	(void)snprintf(buf, FORWARD_TARGET_MAX, "%s%s%s:%u%s", is_ipv6 ? "[" : "", t->host,
		       is_ipv6 ? "]" : "", t->port, t->is_udp ? "/udp" : "");
	return buf;
}

bool forward_target_equal(const struct forward_target *a, const struct forward_target *b)
{
	return a->port == b->port && a->is_udp == b->is_udp && strcmp(a->host, b->host) == 0;
}
