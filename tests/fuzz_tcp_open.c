/*
 * What a stranger says on a connection: frames stay within their bound, however the stream is cut,
 * and who has proven nothing hears nothing. And what a server says to tcp_gather.
 */
#include "fuzz_check.h"
#include "natprobe/punch/tcp_frame.h"
#include "natprobe/punch/tcp_open.h"
#include "rng.h"

#define ROUNDS_MAX 64

static struct rng rng;

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(&rng, buf, len);
}

/* The next piece, of a length that the input says. */
static struct bytes piece(struct bytes *in)
{
	size_t len = in->len > 0 ? in->data[0] % 9u : 0;
	struct bytes out;

	len = len == 8 ? in->len : len + 1;
	len = len < in->len ? len : in->len;
	out = bytes_of(in->data, len);
	*in = bytes_of(in->data + len, in->len - len);
	return out;
}

/* How many frames there are before the stream breaks, and what they sum up to. */
static uint64_t frames(struct bytes in, bool is_cut)
{
	struct tcp_frame f = { 0 };
	uint64_t sum = 0;

	while (in.len > 0) {
		struct bytes part = is_cut ? piece(&in) : in, frame;

		if (!is_cut)
			in.len = 0;
		while (part.len > 0) {
			enum tcp_frame_result r = tcp_frame_take(&f, &part, &frame);

			if (r == TCP_FRAME_BROKEN)
				return sum;
			if (r == TCP_FRAME_SHORT)
				FUZZ_CHECK(part.len == 0);
			else
				FUZZ_CHECK(frame.len > 0 && frame.len <= CHECK_BYTES_MAX);
			for (size_t i = 0; r == TCP_FRAME_WHOLE && i < frame.len; i++)
				sum = sum * 31 + frame.data[i] + frame.len;
		}
	}
	return sum;
}

static void as_a_stranger(struct bytes in)
{
	static const uint8_t key[32] = "nobody knows it";
	static const struct peer_profile profile = {
		.path_count = 1,
		.paths = { { .family = ADDR_IPV4,
			     .local = { .family = ADDR_IPV4, .ip = { 10, 0, 0, 2 } } } },
	};
	static const struct peer_offer offer = {
		.endpoint_count = 1,
		.endpoints = { { .kind = PEER_MAPPED,
				 .is_tcp = true,
				 .local_port = 50000,
				 .addr = { .family = ADDR_IPV4,
					   .ip = { 20, 0, 0, 9 },
					   .port = 7 } } },
	};
	static const struct punch_step step = { .strategy = PUNCH_TCP, .family = ADDR_IPV4 };
	struct addr from = addr_ipv4(20, 1, 2, 3, 4);
	struct check_keys keys;
	struct tcp_open_config config = { .step = &step,
					  .ours = &profile,
					  .theirs = &profile,
					  .our_offer = &offer,
					  .their_offer = &offer,
					  .keys = &keys,
					  .slot_count = 8,
					  .start_us = 1000000,
					  .end_us = 2000000,
					  .random = fill_random };
	struct tcp_open *t;
	struct punch_action a;

	check_keys_make(&keys, key, false);
	t = tcp_open_new(&config);
	FUZZ_CHECK(t != NULL);
	while (tcp_open_next(t, 0, &a) != PUNCH_WAIT)
		FUZZ_CHECK(a.kind == PUNCH_LISTEN);
	tcp_open_on_accepted(t, 0, PUNCH_ACCEPTED_FIRST, &from, 0);
	for (int i = 0; i < ROUNDS_MAX && in.len > 0; i++) {
		tcp_open_on_stream(t, PUNCH_ACCEPTED_FIRST, PUNCH_STREAM_DATA, piece(&in), 0);
		while (tcp_open_next(t, 0, &a) != PUNCH_WAIT)
			FUZZ_CHECK(a.kind == PUNCH_DISCONNECT);
	}
	FUZZ_CHECK(!tcp_open_is_valid(t));
	tcp_open_free(t);
}

static void as_a_server(struct bytes in)
{
	static const struct peer_profile profile = {
		.path_count = 1,
		.paths = { { .family = ADDR_IPV4,
			     .local = { .family = ADDR_IPV4, .ip = { 10, 0, 0, 2 } } } },
	};
	static const struct addr server = { .family = ADDR_IPV4, .ip = { 20, 0, 0, 9 }, .port = 7 };
	struct tcp_gather_config config = { .ours = &profile,
					    .servers = &server,
					    .server_count = 1,
					    .sets = 1,
					    .slot_count = 1,
					    .deadline_us = 1000,
					    .random = fill_random };
	struct tcp_gather *g = tcp_gather_new(&config);
	struct peer_offer offer = { 0 };
	struct punch_action a;

	FUZZ_CHECK(g != NULL);
	FUZZ_CHECK(tcp_gather_next(g, 0, &a) == PUNCH_CONNECT);
	tcp_gather_on_connected(g, 0, &profile.paths[0].local, 0);
	FUZZ_CHECK(tcp_gather_next(g, 0, &a) == PUNCH_WRITE);
	while (in.len > 0)
		tcp_gather_on_stream(g, 0, PUNCH_STREAM_DATA, piece(&in), 0);
	(void)tcp_gather_next(g, 1000, &a);
	tcp_gather_add(g, &offer, 1000);
	FUZZ_CHECK(offer.endpoint_count <= 2);
	tcp_gather_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);

	rng = rng_seed(1);
	FUZZ_CHECK(frames(in, true) == frames(in, false));
	as_a_stranger(in);
	as_a_server(in);
	return 0;
}
