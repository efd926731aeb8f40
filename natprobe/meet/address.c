/* Version, fields as peer_field has them, and the CRC-32 of both. */
#include "address.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base64.h"
#include "crc32.h"
#include "natprobe/peer/peer_field.h"
#include "natprobe/peer/peer_wire.h"

#define SCHEME  "natkit:"
#define VERSION 1
#define CRC_LEN 4

#define BYTES_MAX (ADDRESS_TEXT_MAX / 4 * 3)

enum {
	TAG_KEY = 1,
	TAG_PROFILE,
	TAG_PORT,
	TAG_RENDEZVOUS,
	TAG_ONCE,
};

static void put_field(struct wire_out *out, uint8_t tag, const void *value, size_t len)
{
	struct peer_field f = peer_field_begin(out, tag, true);

	wire_put_mem(out, value, len);
	peer_field_end(&f);
}

static void put_port(struct wire_out *out, uint16_t port)
{
	struct peer_field f = peer_field_begin(out, TAG_PORT, true);

	wire_put_u16(out, port);
	peer_field_end(&f);
}

static size_t put_all(const struct address *a, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	uint8_t profile[PEER_PROFILE_BYTES_MAX];
	size_t len = peer_profile_write(&a->profile, profile, sizeof(profile));

	if (len == 0)
		return 0;
	wire_put_u8(&out, VERSION);
	put_field(&out, TAG_KEY, a->public_key, sizeof(a->public_key));
	put_field(&out, TAG_PROFILE, profile, len);
	if (a->port != 0)
		put_port(&out, a->port);
	if (a->rendezvous[0] != '\0')
		put_field(&out, TAG_RENDEZVOUS, a->rendezvous, strlen(a->rendezvous));
	if (a->is_once)
		put_field(&out, TAG_ONCE, NULL, 0);
	wire_put_u32(&out, crc32_update(0, wire_written(&out)));
	return out.failed ? 0 : out.len;
}

/* "+", "/" and "=" do not survive in links and mails. */
static size_t to_url(char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	return len;
}

size_t address_print(const struct address *a, char *buf, size_t cap)
{
	uint8_t bytes[BYTES_MAX];
	char text[BASE64_LEN(BYTES_MAX)];
	size_t len = put_all(a, bytes, sizeof(bytes));

	if (len == 0)
		return 0;
	base64_put(bytes_of(bytes, len), text);
	len = to_url(text, BASE64_LEN(len));
	if (sizeof(SCHEME) + len > cap || sizeof(SCHEME) + len > ADDRESS_TEXT_MAX)
		return 0;
	(void)snprintf(buf, cap, SCHEME "%.*s", (int)len, text);
	return sizeof(SCHEME) - 1 + len;
}

/* Without white space, in the other alphabet, padded. 0: too long, or not in the alphabet. */
static size_t from_url(const char *text, char out[static ADDRESS_TEXT_MAX])
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (len + 4 >= ADDRESS_TEXT_MAX || strchr("+/=", *text) != NULL)
			return 0;
		out[len++] = (char)(*text == '-' ? '+' : *text == '_' ? '/' : *text);
	}
	while (len % 4 != 0)
		out[len++] = '=';
	return len;
}

/* After the scheme, which may be broken by white space as well; NULL: there is none. */
static const char *after_scheme(const char *text)
{
	for (const char *want = SCHEME; *want != '\0'; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (tolower((unsigned char)*text) != *want)
			return NULL;
		want++;
	}
	return text;
}

static bool get_rendezvous(struct bytes value, struct address *out)
{
	if (value.len >= sizeof(out->rendezvous))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!isgraph(value.data[i]) || value.data[i] > '~')
			return false;
	}
	memcpy(out->rendezvous, value.data, value.len);
	out->rendezvous[value.len] = '\0';
	return true;
}

static bool get_field(uint8_t tag, struct bytes value, struct address *out)
{
	struct wire in = wire_read(value);

	switch (tag) {
	case TAG_KEY:
		wire_get_mem(&in, out->public_key, sizeof(out->public_key));
		return !in.failed;
	case TAG_PROFILE:
		return peer_profile_read(value, &out->profile);
	case TAG_PORT:
		out->port = wire_get_u16(&in);
		return !in.failed;
	case TAG_RENDEZVOUS:
		return get_rendezvous(value, out);
	case TAG_ONCE:
		out->is_once = true;
		return true;
	default:
		return true;
	}
}

static bool get_all(struct wire *in, struct address *out)
{
	uint32_t seen = 0;
	struct bytes value;
	uint8_t tag;

	while (in->left > 0) {
		if (!peer_field_get(in, true, &tag, &value) || !get_field(tag, value, out))
			return false;
		seen |= tag < 32 ? 1u << tag : 0;
	}
	return (seen & 1u << TAG_KEY) != 0 && (seen & 1u << TAG_PROFILE) != 0;
}

bool address_parse(const char *text, struct address *out, const char **why)
{
	uint8_t bytes[BYTES_MAX];
	char plain[ADDRESS_TEXT_MAX];
	const char *rest = after_scheme(text);
	size_t len = rest != NULL ? from_url(rest, plain) : 0;
	struct wire in, crc;

	*why = rest == NULL ? "an address begins with \"" SCHEME "\""
			    : "a part of the address is missing or mistyped";
	if (len == 0 || !base64_get(bytes_of(plain, len), bytes, sizeof(bytes), &len) ||
	    len < 1 + CRC_LEN)
		return false;
	len -= CRC_LEN;
	crc = wire_read(bytes_of(bytes + len, CRC_LEN));
	if (wire_get_u32(&crc) != crc32_update(0, bytes_of(bytes, len)))
		return false;
	in = wire_read(bytes_of(bytes, len));
	*why = "the address is of another version of natprobe";
	if (wire_get_u8(&in) != VERSION)
		return false;
	*out = (struct address){ 0 };
	*why = "the address says what cannot be";
	if (!get_all(&in, out))
		return false;
	*why = NULL;
	return true;
}
