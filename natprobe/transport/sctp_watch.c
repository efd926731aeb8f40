#include "sctp_watch.h"

#include "sctp_chunk.h"

#define DATA_REST  6  /* of a DATA chunk between stream and data: number, identifier ... */
#define IDATA_REST 10 /* ... and of an I-DATA chunk */

static void data_left(struct sctp_watch *w, struct bytes value, size_t rest)
{
	struct wire in = wire_read(value);
	uint32_t tsn = wire_get_u32(&in);
	uint16_t stream = wire_get_u16(&in);

	wire_skip(&in, rest);
	if (in.failed)
		return;
	if (w->has_tsn && (int32_t)(tsn - w->tsn_last) <= 0) {
		w->retransmitted++;
		return;
	}
	w->has_tsn = true;
	w->tsn_last = tsn;
	w->sent += in.left;
	w->sent_at[tsn % SCTP_WATCH_SPAN] = w->sent;
	w->on_sent(w->arg, stream, tsn, in.left);
}

void sctp_watch_output(struct sctp_watch *w, struct bytes packet)
{
	struct wire in = wire_read(packet);
	struct sctp_chunk chunk;

	wire_skip(&in, SCTP_HEADER_LEN);
	while (sctp_chunk_next(&in, &chunk)) {
		if (chunk.type == SCTP_CHUNK_DATA)
			data_left(w, chunk.value, DATA_REST);
		else if (chunk.type == SCTP_CHUNK_IDATA)
			data_left(w, chunk.value, IDATA_REST);
	}
}

/* What had left up to a chunk that is on its way. */
static uint64_t sent_up_to(const struct sctp_watch *w, uint32_t tsn)
{
	return w->tsn_last - tsn < SCTP_WATCH_SPAN ? w->sent_at[tsn % SCTP_WATCH_SPAN] : 0;
}

/* What has arrived beyond holes: from and to are counted from the TSN up to which all has. */
static uint64_t gaps_read(struct sctp_watch *w, struct wire *in, uint32_t tsn, uint16_t count)
{
	uint64_t bytes = 0;
	uint32_t last = tsn + 1; /* which is missing, else there would be no gap */

	for (uint16_t i = 0; i < count; i++) {
		uint32_t from = tsn + wire_get_u16(in), to = tsn + wire_get_u16(in);

		if (in->failed || (int32_t)(from - last) <= 0 || (int32_t)(to - from) < 0 ||
		    (int32_t)(w->tsn_last - to) < 0)
			break;
		last = to;
		if (sent_up_to(w, from - 1) > 0)
			bytes += sent_up_to(w, to) - sent_up_to(w, from - 1);
		if ((int32_t)(to - w->tsn_seen) > 0)
			w->tsn_seen = to;
	}
	return bytes;
}

static void sack_came(struct sctp_watch *w, struct bytes value)
{
	struct wire in = wire_read(value);
	uint32_t tsn = wire_get_u32(&in);
	uint64_t bytes;
	uint16_t gaps;

	wire_skip(&in, 4); /* the window of the other side */
	gaps = wire_get_u16(&in);
	wire_skip(&in, 2); /* how many duplicates */
	if (in.failed || !w->has_tsn || (int32_t)(tsn - w->tsn_last) > 0)
		return;
	if (w->has_ack && (int32_t)(tsn - w->tsn_acked) < 0)
		return;
	if (!w->has_ack || (int32_t)(tsn - w->tsn_seen) > 0)
		w->tsn_seen = tsn;
	w->has_ack = true;
	w->tsn_acked = tsn;
	bytes = sent_up_to(w, tsn) + gaps_read(w, &in, tsn, gaps);
	if (bytes > w->delivered)
		w->delivered = bytes;
}

void sctp_watch_input(struct sctp_watch *w, struct bytes packet)
{
	struct wire in = wire_read(packet);
	struct sctp_chunk chunk;

	wire_skip(&in, SCTP_HEADER_LEN);
	while (sctp_chunk_next(&in, &chunk)) {
		if (chunk.type == SCTP_CHUNK_SACK)
			sack_came(w, chunk.value);
	}
}

bool sctp_watch_is_acked(const struct sctp_watch *w, uint32_t tsn)
{
	return w->has_ack && (int32_t)(w->tsn_acked - tsn) >= 0;
}
