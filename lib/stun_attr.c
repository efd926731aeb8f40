#include "stun_attr.h"

#include "stun_attr_put.h"

enum stun_result stun_attr_get_flag(struct bytes value)
{
	return value.len == 0 ? STUN_OK : STUN_MALFORMED;
}

enum stun_result stun_attr_put_flag(struct stun_builder *b, uint16_t type)
{
	(void)stun_build_attr(b, type, 0);
	return stun_attr_result(b);
}

enum stun_result stun_attr_get_u8(struct bytes value, uint8_t *out)
{
	struct wire in = wire_read(value);
	uint8_t v = wire_get_u8(&in);

	wire_skip(&in, 3);
	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_u8(struct stun_builder *b, uint16_t type, uint8_t v)
{
	return stun_attr_put_u32(b, type, (uint32_t)v << 24);
}

enum stun_result stun_attr_get_u16(struct bytes value, uint16_t *out)
{
	struct wire in = wire_read(value);
	uint16_t v = wire_get_u16(&in);

	wire_skip(&in, 2);
	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_u16(struct stun_builder *b, uint16_t type, uint16_t v)
{
	return stun_attr_put_u32(b, type, (uint32_t)v << 16);
}

enum stun_result stun_attr_get_u32(struct bytes value, uint32_t *out)
{
	struct wire in = wire_read(value);
	uint32_t v = wire_get_u32(&in);

	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_u32(struct stun_builder *b, uint16_t type, uint32_t v)
{
	struct wire_out out = stun_attr_open(b, type, 4);

	wire_put_u32(&out, v);
	return stun_attr_result(b);
}

enum stun_result stun_attr_get_u64(struct bytes value, uint64_t *out)
{
	struct wire in = wire_read(value);
	uint64_t v = wire_get_u64(&in);

	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_u64(struct stun_builder *b, uint16_t type, uint64_t v)
{
	struct wire_out out = stun_attr_open(b, type, 8);

	wire_put_u64(&out, v);
	return stun_attr_result(b);
}

/* The mask of addresses that are sent as they are. */
static const struct stun_tid no_mask;

/* XOR of 4 or 16 bytes; fixed lengths, so that compilers use whole words. */
static void mask_ip(uint8_t *to, const uint8_t *ip, const struct stun_tid *mask, uint8_t family)
{
	size_t ip_len = family == ADDR_IPV4 ? 4 : 16;

	for (size_t i = 0; i < ip_len; i += 4) {
		uint32_t word;
		uint32_t bits;

		memcpy(&word, ip + i, 4);
		memcpy(&bits, mask->bytes + i, 4);
		word ^= bits;
		memcpy(to + i, &word, 4);
	}
}

static uint16_t mask_port(uint16_t port, const struct stun_tid *mask)
{
	return (uint16_t)(port ^ (mask->bytes[0] << 8 | mask->bytes[1]));
}

static enum stun_result get_addr(struct bytes value, const struct stun_tid *mask, struct addr *out)
{
	struct wire in = wire_read(value);
	const uint8_t *ip;
	uint8_t family;
	uint16_t port;

	wire_skip(&in, 1); /* reserved, ignored on receipt */
	family = wire_get_u8(&in);
	port = wire_get_u16(&in);
	ip = wire_take(&in, addr_ip_len(family));
	if (addr_ip_len(family) == 0 || !wire_done(&in))
		return STUN_MALFORMED;
	*out = (struct addr){ .family = family, .port = mask_port(port, mask) };
	mask_ip(out->ip, ip, mask, family);
	return STUN_OK;
}

static enum stun_result put_addr(struct stun_builder *b, uint16_t type, const struct stun_tid *mask,
				 const struct addr *a)
{
	size_t ip_len = addr_ip_len(a->family);
	struct wire_out out;
	uint8_t *ip;

	if (ip_len == 0)
		return stun_attr_refuse(b);
	out = stun_attr_open(b, type, 4 + ip_len);
	wire_put_u8(&out, 0);
	wire_put_u8(&out, a->family);
	wire_put_u16(&out, mask_port(a->port, mask));
	ip = wire_room(&out, ip_len);
	if (ip != NULL)
		mask_ip(ip, a->ip, mask, a->family);
	return stun_attr_result(b);
}

enum stun_result stun_attr_get_addr(struct bytes value, struct addr *out)
{
	return get_addr(value, &no_mask, out);
}

enum stun_result stun_attr_put_addr(struct stun_builder *b, uint16_t type, const struct addr *a)
{
	return put_addr(b, type, &no_mask, a);
}

enum stun_result stun_attr_get_xor_addr(struct bytes value, const struct stun_tid *tid,
					struct addr *out)
{
	return get_addr(value, tid, out);
}

enum stun_result stun_attr_put_xor_addr(struct stun_builder *b, uint16_t type, const struct addr *a)
{
	return put_addr(b, type, &b->tid, a);
}

enum stun_result stun_attr_get_types(struct bytes value, uint16_t *types, size_t cap, size_t *count)
{
	struct wire in = wire_read(value);
	size_t n = 0;

	if (value.len == 0 || value.len % 2 != 0)
		return STUN_MALFORMED;
	while (n < cap && in.left > 0)
		types[n++] = wire_get_u16(&in);
	*count = n;
	return STUN_OK;
}

enum stun_result stun_attr_put_types(struct stun_builder *b, const uint16_t *types, size_t count)
{
	struct wire_out out;

	if (count == 0 || count > STUN_VALUE_MAX / 2)
		return stun_attr_refuse(b);
	out = stun_attr_open(b, STUN_ATTR_UNKNOWN_ATTRIBUTES, 2 * count);
	for (size_t i = 0; i < count; i++)
		wire_put_u16(&out, types[i]);
	return stun_attr_result(b);
}

#define CHANGE_ADDRESS 0x4u
#define CHANGE_PORT    0x2u

enum stun_result stun_attr_get_change(struct bytes value, struct stun_change *out)
{
	uint32_t flags;

	if (stun_attr_get_u32(value, &flags) != STUN_OK)
		return STUN_MALFORMED;
	out->address = (flags & CHANGE_ADDRESS) != 0;
	out->port = (flags & CHANGE_PORT) != 0;
	return STUN_OK;
}

enum stun_result stun_attr_put_change(struct stun_builder *b, struct stun_change v)
{
	uint32_t flags = (v.address ? CHANGE_ADDRESS : 0) | (v.port ? CHANGE_PORT : 0);

	return stun_attr_put_u32(b, STUN_ATTR_CHANGE_REQUEST, flags);
}

enum stun_result stun_attr_get_even_port(struct bytes value, bool *reserve)
{
	if (value.len != 1)
		return STUN_MALFORMED;
	*reserve = (value.data[0] & 0x80) != 0;
	return STUN_OK;
}

enum stun_result stun_attr_put_even_port(struct stun_builder *b, bool reserve)
{
	struct wire_out out = stun_attr_open(b, STUN_ATTR_EVEN_PORT, 1);

	wire_put_u8(&out, reserve ? 0x80 : 0);
	return stun_attr_result(b);
}

static size_t algorithm_len(const struct stun_algorithm *v)
{
	return 4 + v->params.len + wire_padding(v->params.len);
}

/* One entry; the padding of the last may be missing, since an attribute pads as well. */
static struct stun_algorithm take_algorithm(struct wire *in)
{
	struct stun_algorithm v = { .number = wire_get_u16(in) };
	size_t len = wire_get_u16(in);
	size_t pad = wire_padding(len);

	v.params = wire_get_bytes(in, len);
	wire_skip(in, pad < in->left ? pad : in->left);
	return v;
}

enum stun_result stun_attr_get_algorithm(struct bytes value, struct stun_algorithm *out)
{
	struct wire in = wire_read(value);
	struct stun_algorithm v = take_algorithm(&in);

	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

static bool are_algorithms(struct bytes value)
{
	struct wire in = wire_read(value);

	while (in.left > 0 && !in.failed)
		(void)take_algorithm(&in);
	return value.len > 0 && wire_done(&in);
}

enum stun_result stun_attr_get_algorithms(struct bytes value, struct stun_algorithm *list,
					  size_t cap, size_t *count)
{
	struct wire in = wire_read(value);
	size_t n = 0;

	if (!are_algorithms(value))
		return STUN_MALFORMED;
	while (n < cap && in.left > 0)
		list[n++] = take_algorithm(&in);
	*count = n;
	return STUN_OK;
}

static enum stun_result put_algorithms(struct stun_builder *b, uint16_t type,
				       const struct stun_algorithm *list, size_t count)
{
	struct wire_out out;
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		if (list[i].params.len > STUN_VALUE_MAX)
			return stun_attr_refuse(b);
		len += algorithm_len(&list[i]);
	}
	if (count == 0)
		return stun_attr_refuse(b);
	out = stun_attr_open(b, type, len);
	for (size_t i = 0; i < count; i++) {
		wire_put_u16(&out, list[i].number);
		wire_put_u16(&out, (uint16_t)list[i].params.len);
		wire_put_mem(&out, list[i].params.data, list[i].params.len);
		wire_put_zeros(&out, wire_padding(list[i].params.len));
	}
	return stun_attr_result(b);
}

enum stun_result stun_attr_put_algorithm(struct stun_builder *b, const struct stun_algorithm *v)
{
	return put_algorithms(b, STUN_ATTR_PASSWORD_ALGORITHM, v, 1);
}

enum stun_result stun_attr_put_algorithms(struct stun_builder *b, const struct stun_algorithm *list,
					  size_t count)
{
	return put_algorithms(b, STUN_ATTR_PASSWORD_ALGORITHMS, list, count);
}

enum stun_result stun_attr_get_icmp(struct bytes value, struct stun_icmp *out)
{
	struct wire in = wire_read(value);
	struct stun_icmp v = { 0 };

	wire_skip(&in, 2);
	v.type = wire_get_u8(&in);
	v.code = wire_get_u8(&in);
	v.data = wire_get_u32(&in);
	if (!wire_done(&in))
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_icmp(struct stun_builder *b, const struct stun_icmp *v)
{
	struct wire_out out = stun_attr_open(b, STUN_ATTR_ICMP, 8);

	wire_put_u16(&out, 0);
	wire_put_u8(&out, v->type);
	wire_put_u8(&out, v->code);
	wire_put_u32(&out, v->data);
	return stun_attr_result(b);
}

enum stun_result stun_attr_get_token(struct bytes value, struct stun_token *out)
{
	struct wire in = wire_read(value);
	struct stun_token v;

	v.nonce = wire_get_bytes(&in, wire_get_u16(&in));
	v.block = wire_get_bytes(&in, in.left);
	if (in.failed)
		return STUN_MALFORMED;
	*out = v;
	return STUN_OK;
}

enum stun_result stun_attr_put_token(struct stun_builder *b, const struct stun_token *v)
{
	struct wire_out out;

	if (v->nonce.len > STUN_VALUE_MAX - 2 || v->block.len > STUN_VALUE_MAX - 2 - v->nonce.len)
		return stun_attr_refuse(b);
	out = stun_attr_open(b, STUN_ATTR_ACCESS_TOKEN, 2 + v->nonce.len + v->block.len);
	wire_put_u16(&out, (uint16_t)v->nonce.len);
	wire_put_mem(&out, v->nonce.data, v->nonce.len);
	wire_put_mem(&out, v->block.data, v->block.len);
	return stun_attr_result(b);
}
