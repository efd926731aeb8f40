#include "sctp_hold.h"

#include <string.h>

#include "sctp_chunk.h"

#define PARAMETER_HEADER  4
#define PARAMETER_OUT_SSN 13 /* Outgoing SSN Reset Request (RFC 6525, section 4.1) */
#define INIT_TSN_AT       12
#define OUT_SSN_TSN_AT    8

static uint32_t number_at(struct bytes value, size_t at, bool *is_there)
{
	struct wire in = wire_read(value);
	uint32_t number;

	wire_skip(&in, at);
	number = wire_get_u32(&in);
	*is_there = !in.failed;
	return number;
}

static void has_come(struct sctp_hold *h, uint32_t tsn)
{
	h->tsn_read = tsn;
	h->has_read = true;
}

void sctp_hold_output(struct sctp_hold *h, struct bytes packet)
{
	struct wire in = wire_read(packet);
	struct sctp_chunk chunk;

	wire_skip(&in, SCTP_HEADER_LEN);
	while (sctp_chunk_next(&in, &chunk)) {
		bool is_there = false;
		uint32_t tsn = number_at(chunk.value, 0, &is_there);

		if (chunk.type == SCTP_CHUNK_SACK && is_there)
			has_come(h, tsn);
	}
}

/* False: it asks for nothing that would have to wait. */
static bool asks_for_more(const struct sctp_hold *h, struct bytes value, uint32_t *tsn)
{
	struct wire in = wire_read(value);

	while (in.left >= PARAMETER_HEADER) {
		uint16_t type = wire_get_u16(&in), len = wire_get_u16(&in);
		bool is_there;

		if (len < PARAMETER_HEADER)
			return false;
		struct bytes body = wire_get_bytes(&in, (size_t)len - PARAMETER_HEADER);

		if (in.failed)
			return false;
		*tsn = number_at(body, OUT_SSN_TSN_AT, &is_there);
		if (type == PARAMETER_OUT_SSN && is_there)
			return !h->has_read || (int32_t)(*tsn - h->tsn_read) > 0;
		if (in.left >= wire_padding(len))
			wire_skip(&in, wire_padding(len));
	}
	return false;
}

static void keep(struct sctp_hold *h, struct bytes packet, struct bytes value, uint32_t tsn)
{
	const size_t len = SCTP_CHUNK_HEADER + value.len;

	h->tsn_due = tsn;
	memcpy(h->packet, packet.data, SCTP_HEADER_LEN);
	memcpy(h->packet + SCTP_HEADER_LEN, value.data - SCTP_CHUNK_HEADER, len);
	memset(h->packet + SCTP_HEADER_LEN + len, 0, wire_padding(len));
	h->len = SCTP_HEADER_LEN + len + wire_padding(len);
}

struct bytes sctp_hold_input(struct sctp_hold *h, struct bytes packet, uint8_t *room)
{
	struct wire in = wire_read(packet);
	struct sctp_chunk chunk;
	struct bytes rest = packet;
	uint32_t tsn;
	bool is_there;

	wire_skip(&in, SCTP_HEADER_LEN);
	while (sctp_chunk_next(&in, &chunk)) {
		if (chunk.type == SCTP_CHUNK_INIT || chunk.type == SCTP_CHUNK_INIT_ACK) {
			tsn = number_at(chunk.value, INIT_TSN_AT, &is_there);
			if (is_there && !h->has_read)
				has_come(h, tsn - 1);
		}
		if (chunk.type != SCTP_CHUNK_RE_CONFIG || !asks_for_more(h, chunk.value, &tsn) ||
		    SCTP_HEADER_LEN + chunk.value.len + 2 * SCTP_CHUNK_HEADER > SCTP_HOLD_MAX)
			continue;
		if (rest.data == packet.data)
			memcpy(room, packet.data, packet.len);
		rest = bytes_of(room, packet.len);
		room[chunk.value.data - SCTP_CHUNK_HEADER - packet.data] = SCTP_CHUNK_PAD;
		keep(h, packet, chunk.value, tsn);
	}
	return rest;
}

bool sctp_hold_release(struct sctp_hold *h, struct bytes *packet)
{
	if (h->len == 0 || !h->has_read || (int32_t)(h->tsn_due - h->tsn_read) > 0)
		return false;
	*packet = bytes_of(h->packet, h->len);
	h->len = 0;
	return true;
}
