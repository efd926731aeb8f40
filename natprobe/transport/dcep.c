#include "dcep.h"

#define TYPE_ACK  2
#define TYPE_OPEN 3

static bool is_known_type(uint8_t type)
{
	return (type & (uint8_t)~DCEP_UNORDERED) <= DCEP_TIMED;
}

enum dcep_kind dcep_read(struct bytes message, struct dcep_open *out)
{
	struct wire in = wire_read(message);
	uint8_t type = wire_get_u8(&in);
	struct dcep_open open = { 0 };
	uint16_t label_len, protocol_len;

	if (type == TYPE_ACK && wire_done(&in))
		return DCEP_ACK;
	if (type != TYPE_OPEN)
		return DCEP_NONE;
	open.type = wire_get_u8(&in);
	open.priority = wire_get_u16(&in);
	open.reliability = wire_get_u32(&in);
	label_len = wire_get_u16(&in);
	protocol_len = wire_get_u16(&in);
	open.label = wire_get_bytes(&in, label_len);
	open.protocol = wire_get_bytes(&in, protocol_len);
	if (!wire_done(&in) || !is_known_type(open.type))
		return DCEP_NONE;
	*out = open;
	return DCEP_OPEN;
}

size_t dcep_open_write(const struct dcep_open *open, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	if (open->label.len > UINT16_MAX || open->protocol.len > UINT16_MAX)
		return 0;
	wire_put_u8(&out, TYPE_OPEN);
	wire_put_u8(&out, open->type);
	wire_put_u16(&out, open->priority);
	wire_put_u32(&out, open->reliability);
	wire_put_u16(&out, (uint16_t)open->label.len);
	wire_put_u16(&out, (uint16_t)open->protocol.len);
	wire_put_mem(&out, open->label.data, open->label.len);
	wire_put_mem(&out, open->protocol.data, open->protocol.len);
	return out.failed ? 0 : out.len;
}

size_t dcep_ack_write(uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u8(&out, TYPE_ACK);
	return out.failed ? 0 : out.len;
}

void dcep_text_copy(struct bytes text, char *buf, size_t cap)
{
	size_t n = text.len < cap - 1 ? text.len : cap - 1;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = text.data[i];

		buf[i] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
	}
	buf[n] = '\0';
}
