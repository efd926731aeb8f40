/*
 * Any bytes as a stream of requests, as a list of messages, as the clock of a server; and as what
 * many sources do to a small rendezvous, which stays within its limits and tells what it was told.
 */
#include "stund/rendezvous.h"
#include "stund/rendezvous_http.h"
#include "fuzz_check.h"

#include <stdlib.h>

static void check_requests(struct bytes in)
{
	struct rendezvous_request r;
	struct bytes frame;
	size_t used;

	while (rendezvous_cut(in, RENDEZVOUS_REQUEST_MAX, &frame, &used) == STUN_OK) {
		FUZZ_CHECK(used > 0 && used <= in.len && frame.len == used);
		rendezvous_parse(frame, &r);
		if (r.status == 0) {
			FUZZ_CHECK(rendezvous_is_topic(bytes_of_str(r.topic)));
			FUZZ_CHECK(r.wait_s <= RENDEZVOUS_WAIT_MAX_S);
			FUZZ_CHECK(r.body.len <= RENDEZVOUS_MESSAGE_MAX);
			FUZZ_CHECK(r.is_post == (r.body.len > 0));
		}
		in = bytes_of(in.data + used, in.len - used);
	}
}

static void check_list(struct bytes in)
{
	struct rendezvous_message m;
	struct wire at = wire_read(in);

	if (!rendezvous_get_list(&at))
		return;
	while (rendezvous_get_message(&at, &m))
		FUZZ_CHECK(m.data.len > 0 && m.data.data + m.data.len <= in.data + in.len);
}

static void check_clock(struct bytes in)
{
	char text[RENDEZVOUS_CLOCK_MAX], again[RENDEZVOUS_CLOCK_MAX];
	struct rendezvous_clock a, b;
	size_t len = in.len < sizeof(text) ? in.len : sizeof(text) - 1;

	if (len > 0)
		memcpy(text, in.data, len);
	text[len] = '\0';
	if (!rendezvous_parse_clock(text, &a))
		return;
	rendezvous_print_clock(&a, again);
	FUZZ_CHECK(rendezvous_parse_clock(again, &b));
	FUZZ_CHECK(a.server == b.server && a.received_us == b.received_us &&
		   a.sent_us == b.sent_us);
}

static void check_limits(struct rendezvous *r)
{
	const struct rendezvous_stats *s = rendezvous_stats(r);

	FUZZ_CHECK(s->topics <= 4 && s->sources <= 4 && s->bytes <= 16384);
	FUZZ_CHECK(s->messages >= s->topics && s->messages >= s->sources);
	FUZZ_CHECK(s->bytes >= s->messages * RENDEZVOUS_BLOCK);
	FUZZ_CHECK((s->messages == 0) == (s->topics == 0));
}

static void leave(struct rendezvous *r, const char *topic, uint8_t who, struct bytes data,
		  uint64_t now_us)
{
	static uint8_t list[RENDEZVOUS_LIST_MAX];
	struct addr from = addr_ipv4(192, 0, 2, who, 1);
	struct rendezvous_message m = { 0 };
	struct wire in;

	rendezvous_publish(r, topic, &from, data, now_us);
	in = wire_read(bytes_of(list, rendezvous_read(r, topic, 0, now_us, list, sizeof(list))));
	FUZZ_CHECK(rendezvous_get_list(&in));
	while (rendezvous_get_message(&in, &m))
		;
	FUZZ_CHECK(wire_done(&in) || in.failed);
	FUZZ_CHECK(bytes_equal(m.data, data) && m.at_us == now_us);
}

/* Four bytes a step: topic, source, length, and how much later. */
static void check_store(struct bytes in)
{
	static const uint8_t data[RENDEZVOUS_MESSAGE_MAX] = { 1, 2, 3 };
	static const struct rendezvous_config config = { .topics = 4,
							 .bytes = 16384,
							 .topics_per_source = 3,
							 .bytes_per_source = 10000,
							 .expiry_us = 50 };
	struct rendezvous *r = rendezvous_new(&config);
	struct wire at = wire_read(in);
	uint64_t now_us = 0;

	if (r == NULL)
		return;
	while (at.left >= 4) {
		char topic[2] = { (char)('a' + wire_get_u8(&at) % 8), '\0' };
		uint8_t who = wire_get_u8(&at) % 8;
		size_t len = 1 + wire_get_u8(&at) * (size_t)32;

		now_us += wire_get_u8(&at) % 16;
		leave(r, topic, who, bytes_of(data, len), now_us);
		check_limits(r);
	}
	FUZZ_CHECK(rendezvous_expire(r, now_us + 50) == UINT64_MAX);
	FUZZ_CHECK(rendezvous_stats(r)->bytes == 0);
	rendezvous_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);

	check_requests(in);
	check_list(in);
	check_clock(in);
	if (len <= 512)
		check_store(in);
	return 0;
}
