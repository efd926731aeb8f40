/*
 * A peer that is who it shall be, and says what it likes: chunks of SCTP, messages on any stream with any
 * identifier, and silence. The input is a run of acts: what (1 byte), how long (1), and so many bytes.
 */
#include "natprobe/transport/transport_state.h"
#include "tests/transport_pair.h"

#include "fuzz_check.h"

#define HEADER_LEN 12
#define ACTS_MAX   64

/* What the acts are done with. */
struct stage {
	struct transport_pair pair;
	uint8_t header[HEADER_LEN]; /* of packets to the second side */
	bool has_header;
};

static void on_data(void *arg, struct bytes data, bool is_text)
{
	struct channel *c = arg;

	if (data.len > 0 && data.data[0] == 'x') {
		channel_close(c, "x");
		return;
	}
	channel_consumed(c, data.len);
	if (strcmp(channel_protocol(c), CHANNEL_STREAM) == 0)
		FUZZ_CHECK(channel_write(c, data) <= data.len);
	else
		(void)channel_send(c, data, is_text);
}

static void on_end(void *arg)
{
	channel_end(arg);
}

static bool on_channel(struct pair_side *side, struct channel *c)
{
	const struct channel_events events = { .on_data = on_data, .on_end = on_end, .arg = c };

	channel_set_events(c, &events);
	return channel_label(c)[0] != 'r';
}

/* Mutated packets want the tag of the association: that of a true one, from below the DTLS. */
static void keep_header(struct stage *s, struct transport *from)
{
	const struct sctp_watch *w = from->assoc != NULL ? assoc_watch(from->assoc) : NULL;

	s->has_header = w != NULL;
	if (s->has_header)
		assoc_copy_header(from->assoc, s->header);
}

static void say_chunks(struct stage *s, struct bytes in)
{
	uint8_t packet[HEADER_LEN + 256];
	struct transport *t = s->pair.side[1].transport;

	if (!s->has_header || s->pair.side[1].has_failed || t->assoc == NULL)
		return;
	memcpy(packet, s->header, HEADER_LEN);
	memcpy(packet + HEADER_LEN, in.data, in.len);
	assoc_input(t->assoc, bytes_of(packet, HEADER_LEN + in.len), s->pair.now_us);
	transport_on_time(t, s->pair.now_us);
}

static void say_message(struct stage *s, uint8_t what, struct bytes in)
{
	static const uint32_t ppids[] = { PPID_DCEP, PPID_STRING, PPID_BINARY, PPID_BINARY_EMPTY };
	struct transport *t = s->pair.side[0].transport;
	const struct assoc_message m = { .stream = (uint16_t)(what >> 4),
					 .ppid = ppids[what % 4],
					 .data = in };

	if (!s->pair.side[0].has_failed && t->assoc != NULL && in.len > 0)
		(void)assoc_send(t->assoc, &m);
}

static void act(struct stage *s, uint8_t what, struct bytes in)
{
	if (what == 0xff)
		say_chunks(s, in);
	else if (what == 0xfe)
		pair_run(&s->pair, in.len * 1000);
	else
		say_message(s, what, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stage s = { 0 };
	struct wire in = wire_read(bytes_of(data, len));

	if (!transport_is_built())
		return 0;
	pair_begin(&s.pair, 1000, 0);
	s.pair.side[1].on_channel = on_channel;
	FUZZ_CHECK(pair_connect(&s.pair));
	keep_header(&s, s.pair.side[0].transport);
	for (int i = 0; i < ACTS_MAX && in.left >= 2; i++) {
		uint8_t what = wire_get_u8(&in), n = wire_get_u8(&in);

		act(&s, what, wire_get_bytes(&in, n < in.left ? n : in.left));
	}
	pair_run(&s.pair, 100000);
	pair_end(&s.pair);
	return 0;
}
