/* What goes over channels, byte by byte; and what is read off packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "natprobe/transport/byte_queue.h"
#include "natprobe/transport/channel_word.h"
#include "natprobe/transport/dcep.h"
#include "natprobe/transport/sctp_cut.h"
#include "natprobe/transport/sctp_watch.h"
#include "natprobe/transport/window_gauge.h"

#define OPEN BYTES("\x03\x81\x01\x02\x00\x00\x00\x05\x00\x02\x00\x03hiabc")

static void test_dcep(void **state)
{
	struct dcep_open open = { 0 };
	uint8_t buf[64];

	assert_int_equal(dcep_read(OPEN, &open), DCEP_OPEN);
	assert_int_equal(open.type, DCEP_REXMIT | DCEP_UNORDERED);
	assert_int_equal(open.priority, 0x102);
	assert_int_equal(open.reliability, 5);
	assert_true(bytes_equal(open.label, BYTES("hi")));
	assert_true(bytes_equal(open.protocol, BYTES("abc")));
	assert_int_equal(dcep_open_write(&open, buf, sizeof(buf)), OPEN.len);
	assert_memory_equal(buf, OPEN.data, OPEN.len);
	assert_int_equal(dcep_open_write(&open, buf, OPEN.len - 1), 0);
	assert_int_equal(dcep_read(BYTES("\2"), &open), DCEP_ACK);
	assert_int_equal(dcep_ack_write(buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], 2);
}

static void test_dcep_wants_an_exact_length(void **state)
{
	static const struct {
		const char *why;
		struct bytes message;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "an acknowledgement and more", BYTES("\2\0") },
		{ "of no type", BYTES("\4") },
		{ "a kind that nobody knows", BYTES("\3\7\0\0\0\0\0\0\0\0\0\0") },
		{ "no lengths", BYTES("\3\0\0\0\0\0\0\0\0\0\0") },
		{ "a label that is not there", BYTES("\3\0\0\0\0\0\0\0\0\1\0\0") },
		{ "more than was told", BYTES("\3\0\0\0\0\0\0\0\0\0\0\0x") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dcep_open open = { .priority = 7 };

		if (dcep_read(cases[i].message, &open) != DCEP_NONE)
			fail_msg("%s: accepted", cases[i].why);
		assert_int_equal(open.priority, 7);
	}
}

static void test_words(void **state)
{
	static const struct {
		struct bytes message;
		uint8_t kind;
		uint32_t grant;
		const char *text;
	} cases[] = {
		{ BYTES("grant 1"), CHANNEL_WORD_GRANT, 1, "" },
		{ BYTES("grant 2147483647"), CHANNEL_WORD_GRANT, 2147483647, "" },
		{ BYTES("grant 2147483648"), CHANNEL_WORD_BAD, 0, "" },
		{ BYTES("grant 99999999999"), CHANNEL_WORD_BAD, 0, "" },
		{ BYTES("grant 0"), CHANNEL_WORD_BAD, 0, "" },
		{ BYTES("grant "), CHANNEL_WORD_BAD, 0, "" },
		{ BYTES("grant 1 "), CHANNEL_WORD_BAD, 0, "" },
		{ BYTES("grant"), CHANNEL_WORD_NONE, 0, "" },
		{ BYTES("end"), CHANNEL_WORD_END, 0, "" },
		{ BYTES("end "), CHANNEL_WORD_NONE, 0, "" },
		{ BYTES("abort "), CHANNEL_WORD_ABORT, 0, "" },
		{ BYTES("abort it \1 is"), CHANNEL_WORD_ABORT, 0, "it ? is" },
		{ BYTES(""), CHANNEL_WORD_NONE, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct channel_word word;

		channel_word_read(cases[i].message, &word);
		if (word.kind != cases[i].kind)
			fail_msg("%.*s: read as %u", (int)cases[i].message.len,
				 (const char *)cases[i].message.data, word.kind);
		if (word.kind == CHANNEL_WORD_GRANT)
			assert_int_equal(word.grant, cases[i].grant);
		assert_string_equal(word.text, cases[i].text);
	}
}

static void test_byte_queue(void **state)
{
	struct byte_queue q = { 0 };
	uint8_t block[3000];
	uint32_t in = 0, out = 0;

	for (int round = 0; round < 50; round++) {
		size_t n = (size_t)(round * 97 % 3000);

		for (size_t i = 0; i < n; i++)
			block[i] = (uint8_t)(in++ * 7);
		assert_true(byte_queue_add(&q, bytes_of(block, n)));
		while (q.len > 0 && (round % 3 == 0 || q.len > 5000)) {
			struct bytes first = byte_queue_first(&q, 700);

			for (size_t i = 0; i < first.len; i++)
				assert_int_equal(first.data[i], (uint8_t)(out++ * 7));
			byte_queue_drop(&q, first.len);
		}
	}
	assert_int_equal(q.len, in - out);
	byte_queue_clear(&q);
	assert_null(q.data);
}

static void test_cut(void **state)
{
	/* Chunks of 8, 12 (with padding) and 4 bytes. */
	struct bytes chunks = BYTES("\0\0\0\10aaaa\0\0\0\11bbbbb\0\0\0\1\1\0\4");
	static const struct {
		size_t max, parts[4];
	} cases[] = {
		{ 100, { 24 } },      { 20, { 20, 4 } },   { 16, { 8, 16 } },
		{ 12, { 8, 12, 4 } }, { 4, { 8, 12, 4 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wire rest = wire_read(chunks);
		struct bytes part;

		for (size_t k = 0; k < 4 && cases[i].parts[k] != 0; k++) {
			assert_true(sctp_cut(&rest, cases[i].max, &part));
			assert_int_equal(part.len, cases[i].parts[k]);
		}
		assert_false(sctp_cut(&rest, cases[i].max, &part));
	}
}

static void on_sent(void *arg, uint16_t stream, uint32_t tsn, size_t len)
{
	*(size_t *)arg += len;
}

static void send_chunk(struct sctp_watch *w, uint32_t tsn)
{
	uint8_t packet[12 + 16 + 100] = { [15] = 116 };

	wire_store_u32(packet + 16, tsn);
	sctp_watch_output(w, bytes_of(packet, sizeof(packet)));
}

/* Up to `tsn`, and behind it from `from` to `to`, where there is such a gap. */
static void acknowledge(struct sctp_watch *w, uint32_t tsn, uint16_t from, uint16_t to)
{
	uint8_t packet[12 + 20] = { [12] = 3, [15] = 20 };

	wire_store_u32(packet + 16, tsn);
	wire_store_u16(packet + 24, from != 0 ? 1 : 0);
	wire_store_u16(packet + 28, from);
	wire_store_u16(packet + 30, to);
	sctp_watch_input(w, bytes_of(packet, sizeof(packet)));
}

static void test_watch(void **state)
{
	static struct sctp_watch w;
	size_t sent = 0;
	uint32_t first = 0xfffffffe; /* over the edge of numbers */

	w = (struct sctp_watch){ .on_sent = on_sent, .arg = &sent };
	acknowledge(&w, 17, 0, 0);
	assert_false(w.has_ack);
	for (uint32_t i = 0; i < 10; i++)
		send_chunk(&w, first + i);
	assert_int_equal(sent, 1000);
	send_chunk(&w, first + 3);
	assert_int_equal(w.sent, 1000);
	assert_int_equal(w.retransmitted, 1);
	acknowledge(&w, first + 2, 3, 4);
	assert_int_equal(w.delivered, 500);
	assert_true(sctp_watch_is_acked(&w, first + 2));
	assert_false(sctp_watch_is_acked(&w, first + 3));
	assert_int_equal(w.tsn_seen, first + 6);
	acknowledge(&w, first + 1, 0, 0);
	assert_int_equal(w.delivered, 500);
	acknowledge(&w, first + 10, 0, 0);
	assert_false(sctp_watch_is_acked(&w, first + 9));
	acknowledge(&w, first + 9, 0, 0);
	assert_int_equal(w.delivered, 1000);
	assert_true(sctp_watch_is_acked(&w, first + 9));
}

/* A path of so many bytes a second, of which all is used. */
static void run_rounds(struct window_gauge *g, struct window_view *v, int count, uint64_t rate,
		       uint64_t rtt_us, uint64_t again)
{
	for (int i = 0; i < count; i++) {
		window_gauge_sent(g, ++v->tsn_last, v->now_us);
		(void)window_gauge_update(g, v);
		v->tsn_last += 100;
		v->sent += rate * rtt_us / 1000000;
		v->now_us += rtt_us;
		v->tsn_seen = v->tsn_last;
		v->delivered = v->sent;
		v->again += again;
		(void)window_gauge_update(g, v);
	}
}

static void test_gauge(void **state)
{
	struct window_gauge g = { 0 };
	struct window_view v = { .now_us = 1 };
	size_t most;

	assert_int_equal(window_gauge_most(&g), 0);
	/* It may double while that makes it quicker. */
	run_rounds(&g, &v, 1, 5000000, 20000, 0);
	run_rounds(&g, &v, 1, 10000000, 20000, 0);
	assert_in_range(window_gauge_least(&g), 390000, 410000);
	run_rounds(&g, &v, 20, 10000000, 20000, 0);
	assert_in_range(window_gauge_least(&g), 240000, 260000);
	assert_in_range(window_gauge_most(&g), 390000, 430000);
	/* Some loss is the air, much of it is a queue that is full. */
	most = window_gauge_most(&g);
	run_rounds(&g, &v, 20, 10000000, 20000, 1);
	assert_in_range(window_gauge_most(&g), most, most + 1000);
	run_rounds(&g, &v, 20, 10000000, 20000, 5);
	assert_in_range(window_gauge_most(&g), most, most + 1000);
	run_rounds(&g, &v, 20, 10000000, 20000, 30);
	assert_in_range(window_gauge_most(&g), 200000, 250000);
	assert_in_range(window_gauge_least(&g), 170000, 190000);
	/* Slower for long: forgotten. */
	run_rounds(&g, &v, 20, 1000000, 20000, 0);
	assert_in_range(window_gauge_least(&g), 17000, 20000);
}

/* A round that ends at once was begun late: it does not tell of a rate beyond measure. */
static void test_gauge_of_a_short_round(void **state)
{
	struct window_gauge g = { 0 };
	struct window_view v = { .now_us = 1 };

	run_rounds(&g, &v, 5, 1000000, 20000, 0);
	v.tsn_last++;
	v.sent += 20000;
	(void)window_gauge_update(&g, &v);
	v.now_us += 10;
	v.tsn_seen = v.tsn_last;
	v.delivered = v.sent;
	assert_true(window_gauge_update(&g, &v));
	assert_in_range(window_gauge_most(&g), 40000, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dcep),  cmocka_unit_test(test_dcep_wants_an_exact_length),
		cmocka_unit_test(test_words), cmocka_unit_test(test_byte_queue),
		cmocka_unit_test(test_cut),   cmocka_unit_test(test_watch),
		cmocka_unit_test(test_gauge), cmocka_unit_test(test_gauge_of_a_short_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
