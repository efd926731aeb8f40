/* Version, and fields as peer_field has them. */
#include "address.h"

#include <ctype.h>
#include <string.h>

#include "natprobe/peer/peer_field.h"
#include "natprobe/peer/peer_wire.h"
#include "paste.h"

#define SCHEME  "natkit:"
#define VERSION 1

#define BYTES_MAX (ADDRESS_TEXT_MAX / 4 * 3)

enum {
	TAG_KEY = 1,
	TAG_PROFILE,
	TAG_PORT,
	TAG_RENDEZVOUS,
	TAG_ONCE,
	TAG_OFFER,
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
	if (a->offer_len > 0)
		put_field(&out, TAG_OFFER, a->offer, a->offer_len);
	return out.failed ? 0 : out.len;
}

size_t address_print(const struct address *a, char *buf, size_t cap)
{
	uint8_t bytes[BYTES_MAX];
	size_t len = put_all(a, bytes, sizeof(bytes));

	if (len == 0)
		return 0;
	return paste_print(SCHEME, bytes_of(bytes, len), buf,
			   cap < ADDRESS_TEXT_MAX ? cap : ADDRESS_TEXT_MAX);
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
	case TAG_OFFER:
		if (value.len > sizeof(out->offer))
			return false;
		memcpy(out->offer, value.data, value.len);
		out->offer_len = (uint16_t)value.len;
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
	size_t len = paste_parse(SCHEME, text, bytes, sizeof(bytes));
	struct wire in = wire_read(bytes_of(bytes, len));

	*why = !paste_begins(SCHEME, text) ? "an address begins with \"" SCHEME "\""
					   : "a part of the address is missing or mistyped";
	if (len == 0)
		return false;
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
