#include "peer_field.h"

#include <math.h>

struct peer_field peer_field_begin(struct wire_out *out, uint8_t tag, bool is_wide)
{
	struct peer_field f = { .out = out, .is_wide = is_wide };

	wire_put_u8(out, tag);
	f.at = wire_room(out, is_wide ? 2 : 1);
	f.start = out->len;
	return f;
}

void peer_field_end(const struct peer_field *f)
{
	size_t len = f->out->len - f->start;

	if (f->out->failed)
		return;
	if (f->is_wide)
		wire_store_u16(f->at, (uint16_t)len);
	else
		f->at[0] = (uint8_t)len;
}

void peer_put_double(struct wire_out *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	wire_put_u64(out, bits);
}

void peer_put_ip(struct wire_out *out, const struct addr *a)
{
	wire_put_u8(out, a->family);
	wire_put_mem(out, a->ip, addr_ip_len(a->family));
}

bool peer_field_get(struct wire *in, bool is_wide, uint8_t *tag, struct bytes *value)
{
	size_t len;

	*tag = wire_get_u8(in);
	len = is_wide ? wire_get_u16(in) : wire_get_u8(in);
	*value = wire_get_bytes(in, len);
	return !in->failed;
}

uint8_t peer_get_word(struct wire *in, unsigned count)
{
	uint8_t v = wire_get_u8(in);

	if (v < count)
		return v;
	in->failed = true;
	return 0;
}

double peer_get_double(struct wire *in, double low, double high)
{
	uint64_t bits = wire_get_u64(in);
	double v;

	memcpy(&v, &bits, sizeof(v));
	if (isfinite(v) && v >= low && v <= high)
		return v;
	in->failed = true;
	return 0;
}

/* Nobody's address: nothing is to be sent there, whatever a peer says. */
static bool is_nobody(const struct addr *a)
{
	struct addr plain = addr_unmap(a);

	if (plain.family != a->family || addr_is_any(a))
		return true;
	return a->family == ADDR_IPV4 ? a->ip[0] == 0 || a->ip[0] >= 224 : a->ip[0] == 0xff;
}

struct addr peer_get_ip(struct wire *in)
{
	struct addr a = { .family = wire_get_u8(in) };

	wire_get_mem(in, a.ip, addr_ip_len(a.family));
	if (is_nobody(&a))
		in->failed = true;
	return a;
}
