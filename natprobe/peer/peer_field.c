#include "peer_field.h"

#include <math.h>

/* Of a number: two bits. */
enum {
	SHAPE_NONE = 0, /* negative: not known */
	SHAPE_ZERO,
	SHAPE_FLOAT, /* where that loses nothing */
	SHAPE_DOUBLE,
};

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

void peer_field_end_words(const struct peer_field *f)
{
	struct wire_out *out = f->out;

	if (out->failed)
		return;
	while (out->len > f->start && out->start[out->len - 1] == 0)
		out->len--;
	if (out->len == f->start)
		out->len = f->start - (f->is_wide ? 3 : 2);
	else
		peer_field_end(f);
}

struct wire peer_field_words(struct bytes value, uint8_t buf[static PEER_FIELD_WORDS_MAX])
{
	size_t n = value.len < PEER_FIELD_WORDS_MAX ? value.len : PEER_FIELD_WORDS_MAX;

	memset(buf, 0, PEER_FIELD_WORDS_MAX);
	if (n > 0)
		memcpy(buf, value.data, n);
	return wire_read(bytes_of(buf, PEER_FIELD_WORDS_MAX));
}

static void put_double(struct wire_out *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	wire_put_u64(out, bits);
}

static void put_float(struct wire_out *out, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	wire_put_u32(out, bits);
}

static unsigned shape_of(double v)
{
	if (v < 0)
		return SHAPE_NONE;
	if (v == 0)
		return SHAPE_ZERO;
	return v == (double)(float)v ? SHAPE_FLOAT : SHAPE_DOUBLE;
}

void peer_put_numbers(struct wire_out *out, const double *v, size_t count)
{
	unsigned shapes = 0;

	for (size_t i = 0; i < count; i++)
		shapes |= shape_of(v[i]) << 2 * i;
	wire_put_u8(out, (uint8_t)shapes);
	for (size_t i = 0; i < count; i++) {
		if (shape_of(v[i]) == SHAPE_FLOAT)
			put_float(out, (float)v[i]);
		else if (shape_of(v[i]) == SHAPE_DOUBLE)
			put_double(out, v[i]);
	}
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

bool peer_fields_read(struct bytes in, bool (*take)(void *arg, uint8_t tag, struct bytes value),
		      void *arg)
{
	struct wire w = wire_read(in);
	struct bytes value;
	uint8_t tag;

	if (wire_get_u8(&w) != PEER_WIRE_VERSION)
		return false;
	while (w.left > 0) {
		if (!peer_field_get(&w, true, &tag, &value) || !take(arg, tag, value))
			return false;
	}
	return !w.failed;
}

uint8_t peer_get_word(struct wire *in, unsigned count)
{
	uint8_t v = wire_get_u8(in);

	if (v < count)
		return v;
	in->failed = true;
	return 0;
}

static double get_float(struct wire *in)
{
	uint32_t bits = wire_get_u32(in);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static double get_double(struct wire *in)
{
	uint64_t bits = wire_get_u64(in);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

void peer_get_numbers(struct wire *in, double *v, const double *highest, size_t count)
{
	unsigned shapes = wire_get_u8(in);

	for (size_t i = 0; i < count; i++) {
		unsigned shape = shapes >> 2 * i & 3;

		v[i] = shape == SHAPE_NONE ? -1 : 0;
		if (shape == SHAPE_FLOAT)
			v[i] = get_float(in);
		else if (shape == SHAPE_DOUBLE)
			v[i] = get_double(in);
		if (!isfinite(v[i]) || v[i] > highest[i] || (shape != SHAPE_NONE && v[i] < 0))
			in->failed = true;
	}
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
