#include "sctp_chunk.h"

bool sctp_chunk_next(struct wire *in, struct sctp_chunk *out)
{
	uint16_t len;

	if (in->failed || in->left < SCTP_CHUNK_HEADER)
		return false;
	out->type = wire_get_u8(in);
	wire_skip(in, 1);
	len = wire_get_u16(in);
	if (len < SCTP_CHUNK_HEADER)
		return false;
	out->value = wire_get_bytes(in, (size_t)len - SCTP_CHUNK_HEADER);
	if (in->failed)
		return false;
	if (in->left >= wire_padding(len))
		wire_skip(in, wire_padding(len));
	return true;
}
