#include "sctp_cut.h"

#define CHUNK_HEADER 4

/* How long the next chunk is with its padding; whatever is none is taken as it is. */
static size_t next_len(const uint8_t *at, size_t left)
{
	size_t len;

	if (left < CHUNK_HEADER)
		return left;
	len = (size_t)at[2] << 8 | at[3];
	len += wire_padding(len);
	return len >= CHUNK_HEADER && len < left ? len : left;
}

bool sctp_cut(struct wire *rest, size_t max, struct bytes *out)
{
	size_t len = 0;

	if (rest->failed || rest->left == 0)
		return false;
	while (len < rest->left) {
		size_t more = next_len(rest->at + len, rest->left - len);

		if (len > 0 && len + more > max)
			break;
		len += more;
	}
	*out = wire_get_bytes(rest, len);
	return true;
}
