/* The part of stun_attr.h that is bytes and text: limits, UTF-8, reasons of errors. */
#include "stun_attr.h"

#include "stun_attr_put.h"
#include "utf8.h"

#define ERROR_FIXED_LEN 4 /* ERROR-CODE and ADDRESS-ERROR-CODE in front of the reason */

/* UTF-8 without NUL. */
static bool is_text(struct bytes s)
{
	while (s.len > 0) {
		size_t n = utf8_len(s);

		if (n == 0 || s.data[0] == 0)
			return false;
		s = bytes_of(s.data + n, s.len - n);
	}
	return true;
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
		value = bytes_without_nuls(value);
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
		return stun_attr_refuse(b);
	if (info != NULL && info->kind == STUN_KIND_TEXT && !is_text(v))
		return stun_attr_refuse(b);
	out = stun_attr_open(b, type, v.len);
	wire_put_mem(&out, v.data, v.len);
	return stun_attr_result(b);
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
	reason = bytes_without_nuls(wire_get_bytes(&in, in.left));
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
		return stun_attr_refuse(b);
	out = stun_attr_open(b, type, len);
	wire_put_u8(&out, first);
	wire_put_u8(&out, 0);
	wire_put_u8(&out, (uint8_t)(code / 100));
	wire_put_u8(&out, (uint8_t)(code % 100));
	wire_put_mem(&out, reason.data, reason.len);
	return stun_attr_result(b);
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
		return stun_attr_refuse(b);
	return put_error(b, STUN_ATTR_ADDRESS_ERROR_CODE, family, code, reason);
}
