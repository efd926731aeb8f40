#include "stun_uri.h"

#include <stdio.h>

#define TEXT_MAX  1024 /* room for a host in which every byte is percent-encoded */
#define LABEL_MAX 63

static const struct {
	const char *text; /* with its colon, and lower case */
	uint8_t scheme;
} schemes[] = {
	{ "stun:", STUN_URI_STUN },
	{ "stuns:", STUN_URI_STUNS },
	{ "turn:", STUN_URI_TURN },
	{ "turns:", STUN_URI_TURNS },
};

/* Locale has no say in what is ASCII. */
static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

static uint8_t hex_value(uint8_t c)
{
	return is_digit(c) ? (uint8_t)(c - '0') : (uint8_t)(lower(c) - 'a' + 10);
}

static bool is_name_char(uint8_t c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_' ||
	       c == '.';
}

static bool has_char(struct bytes in, char c)
{
	return in.len > 0 && memchr(in.data, c, in.len) != NULL;
}

/* How many bytes stand before the first `c`: all, where there is none. */
static size_t until(struct bytes in, char c)
{
	const uint8_t *p = in.len > 0 ? memchr(in.data, c, in.len) : NULL;

	return p != NULL ? (size_t)(p - in.data) : in.len;
}

static struct bytes skip(struct bytes in, size_t n)
{
	return bytes_of(in.data + n, in.len - n);
}

/* Takes `word` (lower case) off the start, in whatever case it is written. */
static bool take_word(struct bytes *in, const char *word)
{
	size_t len = strlen(word);

	if (in->len < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (lower(in->data[i]) != (uint8_t)word[i])
			return false;
	}
	*in = skip(*in, len);
	return true;
}

static uint8_t take_scheme(struct bytes *in)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (take_word(in, schemes[i].text))
			return schemes[i].scheme;
	}
	return STUN_URI_PLAIN;
}

/* Cuts ?transport= off the end. Returns NULL, or why not. */
static const char *take_query(struct bytes *in, struct stun_uri *u)
{
	size_t at = until(*in, '?');
	struct bytes query = skip(*in, at);

	if (query.len == 0)
		return NULL;
	in->len = at;
	if (u->scheme != STUN_URI_TURN && u->scheme != STUN_URI_TURNS)
		return "only turn: and turns: take a ?transport=";
	if (!take_word(&query, "?transport="))
		return "only ?transport= may follow the host";
	if (take_word(&query, "udp"))
		u->transport = STUN_URI_UDP;
	else if (take_word(&query, "tcp"))
		u->transport = STUN_URI_TCP;
	if (u->transport == STUN_URI_ANY || query.len > 0)
		return "the transport is neither udp nor tcp";
	return NULL;
}

/* `in` as an address. Text that could not be one is refused before it is copied. */
static bool parse_ip(struct bytes in, struct addr *out)
{
	char text[ADDR_TEXT_MAX];

	if (in.len == 0 || in.len >= sizeof(text) || has_char(in, '\0') || has_char(in, '['))
		return false;
	memcpy(text, in.data, in.len);
	text[in.len] = '\0';
	return addr_parse_ip(text, 0, out);
}

static void set_ip(struct stun_uri *u, const struct addr *ip)
{
	char text[ADDR_TEXT_MAX];

	u->ip = *ip;
	snprintf(u->host, sizeof(u->host), "%s", addr_print_ip(ip, text));
}

/* What stands between brackets. */
static const char *set_literal(struct bytes in, struct stun_uri *u)
{
	char text[ADDR_TEXT_MAX];
	size_t scope = until(in, '%');
	struct bytes after = skip(in, scope);
	struct addr ip;

	if (u->scheme != STUN_URI_PLAIN && after.len > 0) {
		/* RFC 6874: the percent sign itself is percent-encoded. */
		if (in.len >= sizeof(text) || !take_word(&after, "%25"))
			return "the scope of an IPv6 address is written after %25";
		memcpy(text, in.data, scope + 1);
		memcpy(text + scope + 1, after.data, after.len);
		in = bytes_of(text, scope + 1 + after.len);
	}
	if (!parse_ip(in, &ip) || ip.family != ADDR_IPV6)
		return "no IPv6 address stands between the brackets";
	set_ip(u, &ip);
	return NULL;
}

/* Copies a name to u->host, in lower case, with %XX decoded where it is part of a URI. */
static const char *copy_name(struct bytes in, struct stun_uri *u)
{
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];

		if (c == '%' && u->scheme != STUN_URI_PLAIN) {
			if (in.len - i < 3 || !is_hex(in.data[i + 1]) || !is_hex(in.data[i + 2]))
				return "a percent sign needs two hexadecimal digits";
			c = (uint8_t)(hex_value(in.data[i + 1]) << 4 | hex_value(in.data[i + 2]));
			i += 2;
		}
		if (c >= 0x80)
			return "the host name is not ASCII: write it in its xn-- form";
		if (!is_name_char(c))
			return "the host name holds a character that none may have";
		if (len == STUN_URI_HOST_MAX)
			return "the host name is too long";
		u->host[len++] = (char)lower(c);
	}
	u->host[len] = '\0';
	return NULL;
}

/* Labels of 1 to 63 bytes; one final dot is fine. */
static const char *check_labels(struct bytes name)
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0)
		return "the host is missing";
	if (name.len > STUN_URI_HOST_MAX - 1)
		return "the host name is too long";
	for (;;) {
		size_t len = until(name, '.');

		if (len == 0)
			return "the host name has an empty part";
		if (len > LABEL_MAX)
			return "a part of the host name is longer than 63 bytes";
		if (len == name.len)
			return NULL;
		name = skip(name, len + 1);
	}
}

static bool all(struct bytes in, bool (*is)(uint8_t))
{
	for (size_t i = 0; i < in.len; i++) {
		if (!is(in.data[i]))
			return false;
	}
	return true;
}

/*
 * The last part is a number, decimal or 0x: some resolvers would take 127.1 or 0x7f000001
 * for an address, others would ask DNS for it.
 */
static bool ends_in_number(struct bytes name)
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	while (has_char(name, '.'))
		name = skip(name, until(name, '.') + 1);
	if (take_word(&name, "0x"))
		return all(name, is_hex);
	return all(name, is_digit);
}

static const char *set_name(struct bytes in, struct stun_uri *u)
{
	const char *why = copy_name(in, u);
	struct bytes name = bytes_of_str(u->host);
	struct addr ip;

	if (why != NULL)
		return why;
	if (parse_ip(name, &ip)) {
		set_ip(u, &ip);
		return NULL;
	}
	why = check_labels(name);
	if (why == NULL && ends_in_number(name))
		why = "neither an IPv4 address nor a host name";
	return why;
}

/* Takes the host off the start; what is left is empty or begins behind it. */
static const char *take_host(struct bytes *in, struct stun_uri *u)
{
	struct bytes host;

	if (in->len == 0 || in->data[0] != '[') {
		host = bytes_of(in->data, until(*in, ':'));
		*in = skip(*in, host.len);
		return set_name(host, u);
	}
	*in = skip(*in, 1);
	host = bytes_of(in->data, until(*in, ']'));
	if (host.len == in->len)
		return "a bracket is not closed";
	*in = skip(*in, host.len + 1);
	return set_literal(host, u);
}

/* What is left behind the host: nothing, or a colon and a port. */
static const char *set_port(struct bytes in, struct stun_uri *u)
{
	uint32_t port = 0;

	if (in.len == 0)
		return NULL;
	if (in.data[0] != ':')
		return "only a colon and a port may follow the host";
	in = skip(in, 1);
	/* RFC 3986 lets a URI end in the colon. */
	if (in.len == 0)
		return u->scheme == STUN_URI_PLAIN ? "the port is missing" : NULL;
	if (!all(in, is_digit))
		return "the port is not a number";
	for (size_t i = 0; i < in.len && port <= UINT16_MAX; i++)
		port = port * 10 + hex_value(in.data[i]);
	if (port == 0 || port > UINT16_MAX)
		return "the port is not within 1 to 65535";
	u->port = (uint16_t)port;
	u->ip.port = u->ip.family != ADDR_NONE ? u->port : 0;
	return NULL;
}

static const char *parse(struct bytes text, struct stun_uri *u)
{
	const char *why;
	struct addr ip;

	if (text.len == 0)
		return "the host is missing";
	if (text.len > TEXT_MAX)
		return "too long";
	u->scheme = take_scheme(&text);
	if (u->scheme == STUN_URI_PLAIN && parse_ip(text, &ip)) {
		set_ip(u, &ip);
		return NULL;
	}
	why = take_query(&text, u);
	if (why != NULL)
		return why;
	if (has_char(text, '@'))
		return "a user name has no place in it";
	if (has_char(text, '/'))
		return "slashes have no place in it: stun:HOST:PORT";
	why = take_host(&text, u);
	return why != NULL ? why : set_port(text, u);
}

bool stun_uri_parse(struct bytes text, struct stun_uri *out, const char **why)
{
	struct stun_uri u = { 0 };

	*why = parse(text, &u);
	if (*why != NULL)
		return false;
	*out = u;
	return true;
}

static const char *scheme_text(uint8_t scheme)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (schemes[i].scheme == scheme)
			return schemes[i].text;
	}
	return "";
}

/* The host, in brackets where it is an IPv6 address. */
static void print_host(const struct stun_uri *u, char *buf, size_t cap)
{
	const char *sign = u->scheme == STUN_URI_PLAIN ? "%" : "%25";
	int before_scope = (int)strcspn(u->host, "%");
	const char *scope = u->host + before_scope;

	if (u->ip.family != ADDR_IPV6)
		snprintf(buf, cap, "%s", u->host);
	else if (*scope == '\0')
		snprintf(buf, cap, "[%s]", u->host);
	else
		snprintf(buf, cap, "[%.*s%s%s]", before_scope, u->host, sign, scope + 1);
}

const char *stun_uri_print(const struct stun_uri *u, char buf[static STUN_URI_TEXT_MAX])
{
	static const char *const queries[] = { "", "?transport=udp", "?transport=tcp" };
	const char *query = u->transport < ARRAY_LEN(queries) ? queries[u->transport] : "";
	char host[STUN_URI_HOST_MAX + 8];
	char port[8] = "";

	print_host(u, host, sizeof(host));
	if (u->port != 0)
		snprintf(port, sizeof(port), ":%u", u->port);
	snprintf(buf, STUN_URI_TEXT_MAX, "%s%s%s%s", scheme_text(u->scheme), host, port, query);
	return buf;
}

bool stun_uri_is_secure(const struct stun_uri *u)
{
	return u->scheme == STUN_URI_STUNS || u->scheme == STUN_URI_TURNS;
}

uint16_t stun_uri_port(const struct stun_uri *u)
{
	if (u->port != 0)
		return u->port;
	return stun_uri_is_secure(u) ? STUN_TLS_PORT : STUN_PORT;
}
