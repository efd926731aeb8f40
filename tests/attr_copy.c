#include "attr_copy.h"

#define MANY 64 /* more types or algorithms in one attribute are cut */

/* Each returns STUN_MALFORMED, the builder untouched, when the getter refuses. */
static enum stun_result copy_flag(struct stun_builder *b, const struct stun_tid *tid,
				  const struct stun_attr *a)
{
	if (stun_attr_get_flag(a->value) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_flag(b, a->type);
}

static enum stun_result copy_u8(struct stun_builder *b, const struct stun_tid *tid,
				const struct stun_attr *a)
{
	uint8_t v;

	if (stun_attr_get_u8(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_u8(b, a->type, v);
}

static enum stun_result copy_u16(struct stun_builder *b, const struct stun_tid *tid,
				 const struct stun_attr *a)
{
	uint16_t v;

	if (stun_attr_get_u16(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_u16(b, a->type, v);
}

static enum stun_result copy_u32(struct stun_builder *b, const struct stun_tid *tid,
				 const struct stun_attr *a)
{
	uint32_t v;

	if (stun_attr_get_u32(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_u32(b, a->type, v);
}

static enum stun_result copy_u64(struct stun_builder *b, const struct stun_tid *tid,
				 const struct stun_attr *a)
{
	uint64_t v;

	if (stun_attr_get_u64(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_u64(b, a->type, v);
}

static enum stun_result copy_addr(struct stun_builder *b, const struct stun_tid *tid,
				  const struct stun_attr *a)
{
	struct addr v;

	if (stun_attr_get_addr(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_addr(b, a->type, &v);
}

static enum stun_result copy_xor_addr(struct stun_builder *b, const struct stun_tid *tid,
				      const struct stun_attr *a)
{
	struct addr v;

	if (stun_attr_get_xor_addr(a->value, tid, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_xor_addr(b, a->type, &v);
}

static enum stun_result copy_bytes(struct stun_builder *b, const struct stun_tid *tid,
				   const struct stun_attr *a)
{
	struct bytes v;

	if (stun_attr_get_bytes(a->type, a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_bytes(b, a->type, v);
}

static enum stun_result copy_error(struct stun_builder *b, const struct stun_tid *tid,
				   const struct stun_attr *a)
{
	struct stun_error v;

	if (stun_attr_get_error(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_error(b, v.code, v.reason);
}

static enum stun_result copy_addr_error(struct stun_builder *b, const struct stun_tid *tid,
					const struct stun_attr *a)
{
	struct stun_error v;
	uint8_t family;

	if (stun_attr_get_addr_error(a->value, &family, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_addr_error(b, family, v.code, v.reason);
}

static enum stun_result copy_types(struct stun_builder *b, const struct stun_tid *tid,
				   const struct stun_attr *a)
{
	uint16_t types[MANY];
	size_t count;

	if (stun_attr_get_types(a->value, types, MANY, &count) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_types(b, types, count);
}

static enum stun_result copy_change(struct stun_builder *b, const struct stun_tid *tid,
				    const struct stun_attr *a)
{
	struct stun_change v;

	if (stun_attr_get_change(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_change(b, v);
}

static enum stun_result copy_even_port(struct stun_builder *b, const struct stun_tid *tid,
				       const struct stun_attr *a)
{
	bool v;

	if (stun_attr_get_even_port(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_even_port(b, v);
}

static enum stun_result copy_algorithm(struct stun_builder *b, const struct stun_tid *tid,
				       const struct stun_attr *a)
{
	struct stun_algorithm v;

	if (stun_attr_get_algorithm(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_algorithm(b, &v);
}

static enum stun_result copy_algorithms(struct stun_builder *b, const struct stun_tid *tid,
					const struct stun_attr *a)
{
	struct stun_algorithm list[MANY];
	size_t count;

	if (stun_attr_get_algorithms(a->value, list, MANY, &count) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_algorithms(b, list, count);
}

static enum stun_result copy_icmp(struct stun_builder *b, const struct stun_tid *tid,
				  const struct stun_attr *a)
{
	struct stun_icmp v;

	if (stun_attr_get_icmp(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_icmp(b, &v);
}

static enum stun_result copy_token(struct stun_builder *b, const struct stun_tid *tid,
				   const struct stun_attr *a)
{
	struct stun_token v;

	if (stun_attr_get_token(a->value, &v) != STUN_OK)
		return STUN_MALFORMED;
	return stun_attr_put_token(b, &v);
}

enum attr_copy attr_copy(struct stun_builder *b, const struct stun_tid *tid,
			 const struct stun_attr *attr)
{
	static enum stun_result (*const by_kind[STUN_KINDS])(
		struct stun_builder *, const struct stun_tid *, const struct stun_attr *) = {
		[STUN_KIND_FLAG] = copy_flag,
		[STUN_KIND_U8] = copy_u8,
		[STUN_KIND_U16] = copy_u16,
		[STUN_KIND_U32] = copy_u32,
		[STUN_KIND_U64] = copy_u64,
		[STUN_KIND_ADDR] = copy_addr,
		[STUN_KIND_XOR_ADDR] = copy_xor_addr,
		[STUN_KIND_BYTES] = copy_bytes,
		[STUN_KIND_TEXT] = copy_bytes,
		[STUN_KIND_ERROR] = copy_error,
		[STUN_KIND_ADDR_ERROR] = copy_addr_error,
		[STUN_KIND_TYPES] = copy_types,
		[STUN_KIND_CHANGE] = copy_change,
		[STUN_KIND_EVEN_PORT] = copy_even_port,
		[STUN_KIND_ALGORITHM] = copy_algorithm,
		[STUN_KIND_ALGORITHMS] = copy_algorithms,
		[STUN_KIND_ICMP] = copy_icmp,
		[STUN_KIND_TOKEN] = copy_token,
	};
	const struct stun_attr_info *info = stun_attr_info(attr->type);
	enum stun_attr_kind kind = info != NULL ? info->kind : STUN_KIND_BYTES;

	if (by_kind[kind](b, tid, attr) == STUN_OK)
		return ATTR_COPIED;
	return b->failed ? ATTR_UNWRITABLE : ATTR_UNREADABLE;
}
