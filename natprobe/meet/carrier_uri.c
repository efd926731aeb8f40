#include "carrier_uri.h"

#include <stdio.h>

static const struct {
	const char *text;
	uint8_t kind;
	bool is_secure;
	uint16_t port;
} schemes[] = {
	{ "https://", CARRIER_HTTP, true, 443 },
	{ "http://", CARRIER_HTTP, false, 80 },
	{ "mqtts://", CARRIER_MQTT, true, 8883 },
	{ "mqtt://", CARRIER_MQTT, false, 1883 },
};

static struct bytes skip(struct bytes in, size_t n)
{
	return bytes_of(in.data + n, in.len - n);
}

/* How many bytes stand before the first `c`: all, where there is none. */
static size_t until(struct bytes in, char c)
{
	const uint8_t *p = in.len > 0 ? memchr(in.data, c, in.len) : NULL;

	return p != NULL ? (size_t)(p - in.data) : in.len;
}

static bool refuse(const char **why, const char *text)
{
	*why = text;
	return false;
}

static bool has_scheme(struct bytes in, const char *scheme)
{
	for (size_t i = 0; scheme[i] != '\0'; i++) {
		uint8_t c = i < in.len ? in.data[i] : 0;

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c != (uint8_t)scheme[i])
			return false;
	}
	return true;
}

static bool take_scheme(struct bytes *in, struct carrier_uri *out, uint16_t *port)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (!has_scheme(*in, schemes[i].text))
			continue;
		out->kind = schemes[i].kind;
		out->is_secure = schemes[i].is_secure;
		*port = schemes[i].port;
		*in = skip(*in, strlen(schemes[i].text));
		return true;
	}
	return false;
}

static unsigned hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

/* Percent-decoded text without NUL. */
static bool decode(struct bytes in, char *out, size_t cap)
{
	size_t len = 0;

	while (in.len > 0) {
		unsigned c = in.data[0];
		size_t used = 1;

		if (c == '%') {
			if (in.len < 3 || hex_of(in.data[1]) > 15 || hex_of(in.data[2]) > 15)
				return false;
			c = hex_of(in.data[1]) << 4 | hex_of(in.data[2]);
			used = 3;
		}
		if (c == 0 || len + 1 >= cap)
			return false;
		out[len++] = (char)c;
		in = skip(in, used);
	}
	out[len] = '\0';
	return true;
}

static bool take_user(struct bytes *in, struct carrier_uri *out, const char **why)
{
	size_t len = until(*in, '@'), name;
	struct bytes user = bytes_of(in->data, len);

	if (len == in->len)
		return true;
	if (out->kind != CARRIER_MQTT)
		return refuse(why, "a rendezvous over HTTP knows no users; leave USER@ out");
	name = until(user, ':');
	if (!decode(bytes_of(user.data, name), out->user, sizeof(out->user)) ||
	    (name < len && !decode(skip(user, name + 1), out->password, sizeof(out->password))))
		return refuse(why, "user or password are too long, or not percent-encoded");
	*in = skip(*in, len + 1);
	return true;
}

bool carrier_uri_parse(struct bytes text, struct carrier_uri *out, const char **why)
{
	struct carrier_uri u = { 0 };
	uint16_t port;

	if (!take_scheme(&text, &u, &port))
		return refuse(why, "begins with none of https://, http://, mqtts://, mqtt://");
	if (!take_user(&text, &u, why))
		return false;
	if (text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	if (until(text, '/') != text.len)
		return refuse(why, "goes on behind HOST[:PORT]/; leave that out");
	if (!stun_uri_parse(text, &u.at, why))
		return false;
	if (u.at.scheme != STUN_URI_PLAIN)
		return refuse(why, "has two schemes");
	if (u.at.port == 0)
		u.at.port = port;
	if (u.at.ip.family != ADDR_NONE)
		u.at.ip.port = u.at.port;
	*out = u;
	return true;
}

static uint16_t usual_port(const struct carrier_uri *u, const char **scheme)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		*scheme = schemes[i].text;
		if (schemes[i].kind == u->kind && schemes[i].is_secure == u->is_secure)
			return schemes[i].port;
	}
	return 0;
}

const char *carrier_uri_authority(const struct carrier_uri *u,
				  char buf[static CARRIER_URI_NAME_MAX])
{
	const char *scheme;
	bool brackets = u->at.ip.family == ADDR_IPV6;
	char port[8] = "";

	if (u->at.port != usual_port(u, &scheme))
		(void)snprintf(port, sizeof(port), ":%u", u->at.port);
	(void)snprintf(buf, CARRIER_URI_NAME_MAX, "%s%s%s%s", brackets ? "[" : "", u->at.host,
		       brackets ? "]" : "", port);
	return buf;
}

const char *carrier_uri_print(const struct carrier_uri *u, char buf[static CARRIER_URI_NAME_MAX])
{
	char authority[CARRIER_URI_NAME_MAX];
	const char *scheme;

	(void)usual_port(u, &scheme);
	(void)snprintf(buf, CARRIER_URI_NAME_MAX, "%s%.290s%s", scheme,
		       carrier_uri_authority(u, authority), u->kind == CARRIER_HTTP ? "/" : "");
	return buf;
}

static bool is_separator(uint8_t c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool carrier_uri_next(struct bytes *list, struct bytes *uri)
{
	size_t len = 0;

	while (list->len > 0 && is_separator(list->data[0]))
		*list = skip(*list, 1);
	while (len < list->len && !is_separator(list->data[len]))
		len++;
	if (len == 0)
		return false;
	*uri = bytes_of(list->data, len);
	*list = skip(*list, len);
	return true;
}
