#include "stun_attr.h"

#define ERROR_FIXED_LEN 4 /* ERROR-CODE and ADDRESS-ERROR-CODE in front of the reason */

/* Well-formed UTF-8 (RFC 3629): the length of the character at the cursor, 0 if it is none. */
static size_t utf8_char_len(struct bytes s)
{
	uint8_t c = s.data[0];
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < 0x80)
		return c != 0;
	if (c < 0xc2 || c > 0xf4 || s.len < len)
		return 0;
	if (c == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (c == 0xed)
		high = 0x9f; /* surrogates */
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (s.data[1] < low || s.data[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static bool is_text(struct bytes s)
{
	while (s.len > 0) {
		size_t n = utf8_char_len(s);

		if (n == 0)
			return false;
		s = bytes_of(s.data + n, s.len - n);
	}
	return true;
}

/* RFC 3489 implementations count a terminator, or several, into their texts. */
static struct bytes without_trailing_nuls(struct bytes s)
{
	while (s.len > 0 && s.data[s.len - 1] == 0)
		s.len--;
	return s;
}

/* A value that its attribute cannot hold: the caller's mistake fails the build. */
static enum stun_result refuse(struct stun_builder *b)
{
	b->failed = true;
	return STUN_MALFORMED;
}

/* A cursor over the value of a new attribute; it has failed when there is no room. */
static struct wire_out open_attr(struct stun_builder *b, uint16_t type, size_t len)
{
	struct wire_out out = wire_write(stun_build_attr(b, type, len), len);

	out.failed = out.start == NULL;
	return out;
}

static enum stun_result put_result(const struct stun_builder *b)
{
	return b->failed ? STUN_NO_SPACE : STUN_OK;
}

enum stun_result stun_attr_get_flag(struct bytes value)
{
	return value.len == 0 ? STUN_OK : STUN_MALFORMED;
}

enum stun_result stun_attr_put_flag(struct stun_builder *b, uint16_t type)
{
	(void)stun_build_attr(b, type, 0);
	return put_result(b);
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
	struct wire_out out = open_attr(b, type, 4);

	wire_put_u32(&out, v);
	return put_result(b);
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
	struct wire_out out = open_attr(b, type, 8);

	wire_put_u64(&out, v);
	return put_result(b);
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
		return refuse(b);
	out = open_attr(b, type, 4 + ip_len);
	wire_put_u8(&out, 0);
	wire_put_u8(&out, a->family);
	wire_put_u16(&out, mask_port(a->port, mask));
	ip = wire_room(&out, ip_len);
	if (ip != NULL)
		mask_ip(ip, a->ip, mask, a->family);
	return put_result(b);
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

static bool is_length_allowed(const struct stun_attr_info *info, size_t len)
{
	if (info->type == STUN_ATTR_MESSAGE_INTEGRITY_SHA256 && len % 4 != 0)
		return false;
	return len >= info->min_len && len <= info->max_len;
}

enum stun_result stun_attr_get_bytes(uint16_t type, struct bytes value, struct bytes *out)
{
	const struct stun_attr_info *info = stun_attr_info(type);

	if (info != NULL && !is_length_allowed(info, value.len))
		return STUN_MALFORMED;
	if (type == STUN_ATTR_SOFTWARE)
		value = without_trailing_nuls(value);
	if (info != NULL && info->kind == STUN_KIND_TEXT && !is_text(value))
		return STUN_MALFORMED;
	*out = value;
	return STUN_OK;
}

enum stun_result stun_attr_put_bytes(struct stun_builder *b, uint16_t type, struct bytes v)
{
	const struct stun_attr_info *info = stun_attr_info(type);
	struct wire_out out;

	if (info != NULL && (!is_length_allowed(info, v.len) || v.len > info->put_max))
		return refuse(b);
	if (info != NULL && info->kind == STUN_KIND_TEXT && !is_text(v))
		return refuse(b);
	out = open_attr(b, type, v.len);
	wire_put_mem(&out, v.data, v.len);
	return put_result(b);
}

/* Reads what ERROR-CODE and ADDRESS-ERROR-CODE share; `first` is family or reserved. */
static enum stun_result get_error(uint16_t type, struct bytes value, uint8_t *first,
				  struct stun_error *out)
{
	struct wire in = wire_read(value);
	uint8_t head = wire_get_u8(&in);
	uint8_t hundreds;
	uint8_t number;
	struct bytes reason;

	wire_skip(&in, 1);
	hundreds = wire_get_u8(&in) & 7;
	number = wire_get_u8(&in);
	reason = without_trailing_nuls(wire_get_bytes(&in, in.left));
	if (in.failed || value.len > stun_attr_info(type)->max_len)
		return STUN_MALFORMED;
	if (hundreds < 3 || hundreds > 6 || number > 99)
		return STUN_MALFORMED;
	/* The reason is for people only: a bad one does not cost us the code. */
	if (!is_text(reason))
		reason = (struct bytes){ 0 };
	*first = head;
	*out = (struct stun_error){ (uint16_t)(hundreds * 100 + number), reason };
	return STUN_OK;
}

static enum stun_result put_error(struct stun_builder *b, uint16_t type, uint8_t first,
				  uint16_t code, struct bytes reason)
{
	size_t len = ERROR_FIXED_LEN + reason.len;
	struct wire_out out;

	if (code < 300 || code > 699 || len > stun_attr_info(type)->put_max || !is_text(reason))
		return refuse(b);
	out = open_attr(b, type, len);
	wire_put_u8(&out, first);
	wire_put_u8(&out, 0);
	wire_put_u8(&out, (uint8_t)(code / 100));
	wire_put_u8(&out, (uint8_t)(code % 100));
	wire_put_mem(&out, reason.data, reason.len);
	return put_result(b);
}

enum stun_result stun_attr_get_error(struct bytes value, struct stun_error *out)
{
	uint8_t reserved;

	return get_error(STUN_ATTR_ERROR_CODE, value, &reserved, out);
}

enum stun_result stun_attr_put_error(struct stun_builder *b, uint16_t code, struct bytes reason)
{
	return put_error(b, STUN_ATTR_ERROR_CODE, 0, code, reason);
}

enum stun_result stun_attr_get_addr_error(struct bytes value, uint8_t *family,
					  struct stun_error *out)
{
	struct stun_error e;
	uint8_t f;

	if (get_error(STUN_ATTR_ADDRESS_ERROR_CODE, value, &f, &e) != STUN_OK ||
	    addr_ip_len(f) == 0)
		return STUN_MALFORMED;
	*family = f;
	*out = e;
	return STUN_OK;
}

enum stun_result stun_attr_put_addr_error(struct stun_builder *b, uint8_t family, uint16_t code,
					  struct bytes reason)
{
	if (addr_ip_len(family) == 0)
		return refuse(b);
	return put_error(b, STUN_ATTR_ADDRESS_ERROR_CODE, family, code, reason);
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
		return refuse(b);
	out = open_attr(b, STUN_ATTR_UNKNOWN_ATTRIBUTES, 2 * count);
	for (size_t i = 0; i < count; i++)
		wire_put_u16(&out, types[i]);
	return put_result(b);
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
	struct wire_out out = open_attr(b, STUN_ATTR_EVEN_PORT, 1);

	wire_put_u8(&out, reserve ? 0x80 : 0);
	return put_result(b);
}

static size_t algorithm_len(const struct stun_algorithm *v)
{
	return 4 + ((v->params.len + 3) & ~(size_t)3);
}

/* One entry; the padding of the last may be missing, since an attribute pads as well. */
static struct stun_algorithm take_algorithm(struct wire *in)
{
	struct stun_algorithm v = { .number = wire_get_u16(in) };
	size_t len = wire_get_u16(in);
	size_t pad = (0 - len) % 4;

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
			return refuse(b);
		len += algorithm_len(&list[i]);
	}
	if (count == 0)
		return refuse(b);
	out = open_attr(b, type, len);
	for (size_t i = 0; i < count; i++) {
		size_t pad = (0 - list[i].params.len) % 4;

		wire_put_u16(&out, list[i].number);
		wire_put_u16(&out, (uint16_t)list[i].params.len);
		wire_put_mem(&out, list[i].params.data, list[i].params.len);
		wire_put_zeros(&out, pad);
	}
	return put_result(b);
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
	struct wire_out out = open_attr(b, STUN_ATTR_ICMP, 8);

	wire_put_u16(&out, 0);
	wire_put_u8(&out, v->type);
	wire_put_u8(&out, v->code);
	wire_put_u32(&out, v->data);
	return put_result(b);
}
