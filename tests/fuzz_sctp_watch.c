/* Packets of the other side, mutated acknowledgements above all: what is counted and kept stays within bounds. */
#include "natprobe/transport/sctp_cut.h"
#include "natprobe/transport/sctp_hold.h"
#include "natprobe/transport/sctp_watch.h"
#include "natprobe/transport/window_gauge.h"

#include "fuzz_check.h"

#define HEADER_LEN 12
#define CHUNKS     40
#define DATA_LEN   100

static void on_sent(void *arg, uint16_t stream, uint32_t tsn, size_t len)
{
	*(uint64_t *)arg += len;
}

/* So many chunks left, from that number on. */
static void send_chunks(struct sctp_watch *w, uint32_t tsn)
{
	uint8_t packet[HEADER_LEN + 16 + DATA_LEN] = { 0 };

	wire_store_u16(packet + HEADER_LEN + 2, 16 + DATA_LEN);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		wire_store_u32(packet + HEADER_LEN + 4, tsn + i);
		sctp_watch_output(w, bytes_of(packet, sizeof(packet)));
	}
}

static void check_cut(struct bytes in)
{
	struct wire rest = wire_read(in);
	struct bytes part;
	size_t sum = 0;

	while (sctp_cut(&rest, 200, &part)) {
		FUZZ_CHECK(part.len > 0);
		sum += part.len;
	}
	FUZZ_CHECK(sum == in.len);
}

static void check_hold(struct bytes in)
{
	static uint8_t room[512];
	struct sctp_hold h = { 0 };
	struct bytes now = in;

	if (in.len > sizeof(room))
		return;
	FUZZ_CHECK(sctp_hold_input(&h, in, room).len == in.len);
	sctp_hold_output(&h, in);
	FUZZ_CHECK(h.len <= SCTP_HOLD_MAX);
	FUZZ_CHECK(!sctp_hold_release(&h, &now) || now.data == h.packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sctp_watch w;
	struct window_gauge gauge = { 0 };
	uint64_t sent = 0, now_us = 1;
	struct bytes in = bytes_of(data, len);

	memset(&w, 0, sizeof(w));
	w.on_sent = on_sent;
	w.arg = &sent;
	send_chunks(&w, UINT32_MAX - CHUNKS / 2);
	FUZZ_CHECK(sent == CHUNKS * DATA_LEN && w.sent == sent);
	while (in.len > 0) {
		size_t n = in.len < 40 ? in.len : 40;
		struct window_view v;

		sctp_watch_input(&w, bytes_of(in.data, n));
		FUZZ_CHECK(w.delivered <= w.sent);
		now_us += 1 + in.data[0];
		v = (struct window_view){ .now_us = now_us,
					  .tsn_last = w.tsn_last,
					  .tsn_seen = w.tsn_seen,
					  .delivered = w.delivered,
					  .sent = w.sent };
		window_gauge_sent(&gauge, w.tsn_last, now_us);
		if (w.has_ack && window_gauge_update(&gauge, &v) && window_gauge_most(&gauge) != 0)
			FUZZ_CHECK(window_gauge_most(&gauge) >= window_gauge_least(&gauge));
		in = bytes_of(in.data + n, in.len - n);
	}
	check_cut(bytes_of(data, len));
	check_hold(bytes_of(data, len));
	return 0;
}
