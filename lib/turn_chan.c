#include "turn_chan.h"

enum stun_result turn_chan_parse(struct bytes in, struct turn_chan *out)
{
	struct wire w = wire_read(in);
	struct turn_chan c;

	if (in.len == 0 || in.data[0] >> 6 != 1)
		return STUN_FOREIGN;
	c.number = wire_get_u16(&w);
	c.data = wire_get_bytes(&w, wire_get_u16(&w));
	if (w.failed || !turn_chan_is_number_5766(c.number))
		return STUN_MALFORMED;
	*out = c;
	return STUN_OK;
}

void turn_chan_put_header(uint8_t *to, uint16_t number, uint16_t len)
{
	wire_store_u16(to, number);
	wire_store_u16(to + 2, len);
}

enum stun_result turn_chan_build(void *buf, size_t cap, const struct turn_chan *chan,
				 bool is_stream, struct bytes *out)
{
	struct wire_out w = wire_write(buf, cap);

	if (chan->data.len > UINT16_MAX)
		return STUN_NO_SPACE;
	wire_put_u16(&w, chan->number);
	wire_put_u16(&w, (uint16_t)chan->data.len);
	wire_put_mem(&w, chan->data.data, chan->data.len);
	if (is_stream)
		wire_put_zeros(&w, turn_chan_padding(w.len));
	if (w.failed)
		return STUN_NO_SPACE;
	*out = wire_written(&w);
	return STUN_OK;
}
