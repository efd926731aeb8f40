/* sctp_hold: a request to reset streams waits for what was sent before it, and nothing else does. */
#include "natprobe/transport/sctp_hold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "natprobe/transport/sctp_chunk.h"

#define TSN (UINT32_MAX - 1) /* they begin with the next one */

struct packet {
	uint8_t data[128];
	size_t len;
};

static struct packet begin(void)
{
	struct packet p = { .data = { 0x13, 0x88, 0x13, 0x88 }, .len = SCTP_HEADER_LEN };

	return p;
}

/* A chunk of zeros; returns where its value is. */
static uint8_t *add(struct packet *p, uint8_t type, uint16_t len)
{
	uint8_t *at = p->data + p->len;

	at[0] = type;
	wire_store_u16(at + 2, (uint16_t)(SCTP_CHUNK_HEADER + len));
	p->len += SCTP_CHUNK_HEADER + len + wire_padding(len);
	return at + SCTP_CHUNK_HEADER;
}

static void add_request(struct packet *p, uint32_t tsn)
{
	uint8_t *value = add(p, SCTP_CHUNK_RE_CONFIG, 18); /* of one stream, 7 */

	wire_store_u16(value, 13);
	wire_store_u16(value + 2, 18);
	wire_store_u32(value + 12, tsn);
	wire_store_u16(value + 16, 7);
}

static void add_answer(struct packet *p)
{
	uint8_t *value = add(p, SCTP_CHUNK_RE_CONFIG, 12);

	wire_store_u16(value, 16);
	wire_store_u16(value + 2, 12);
	wire_store_u32(value + 8, TSN + 9);
}

static void say_read(struct sctp_hold *h, uint32_t tsn)
{
	struct packet p = begin();

	wire_store_u32(add(&p, SCTP_CHUNK_SACK, 12), tsn);
	sctp_hold_output(h, bytes_of(p.data, p.len));
}

static struct sctp_hold introduced(void)
{
	struct sctp_hold h = { 0 };
	struct packet p = begin();
	uint8_t room[sizeof(p.data)];

	wire_store_u32(add(&p, SCTP_CHUNK_INIT_ACK, 16) + 12, TSN + 1);
	assert_ptr_equal(sctp_hold_input(&h, bytes_of(p.data, p.len), room).data, p.data);
	return h;
}

static bool passes(struct sctp_hold *h, const struct packet *p)
{
	uint8_t room[sizeof(p->data)];

	return sctp_hold_input(h, bytes_of(p->data, p->len), room).data == p->data;
}

static void test_nothing_is_missing(void **state)
{
	struct sctp_hold h = introduced();
	struct packet p = begin();

	add_request(&p, TSN);
	assert_true(passes(&h, &p));
	p = begin();
	add_answer(&p);
	assert_true(passes(&h, &p));
	say_read(&h, TSN + 4);
	p = begin();
	add_request(&p, TSN + 4);
	assert_true(passes(&h, &p));
}

static void test_waits(void **state)
{
	struct sctp_hold h = introduced();
	struct packet p = begin(), request = begin();
	uint8_t room[sizeof(p.data)];
	struct bytes now;

	memset(add(&p, SCTP_CHUNK_DATA, 17), 0xaa, 17);
	add_request(&p, TSN + 3);
	add_request(&request, TSN + 3);
	now = sctp_hold_input(&h, bytes_of(p.data, p.len), room);
	assert_ptr_equal(now.data, room);
	assert_int_equal(now.len, p.len);
	assert_int_equal(room[SCTP_HEADER_LEN + 24], SCTP_CHUNK_PAD);
	room[SCTP_HEADER_LEN + 24] = SCTP_CHUNK_RE_CONFIG;
	assert_memory_equal(room, p.data, p.len);

	assert_false(sctp_hold_release(&h, &now));
	say_read(&h, TSN + 2);
	assert_false(sctp_hold_release(&h, &now));
	say_read(&h, TSN + 3);
	assert_true(sctp_hold_release(&h, &now));
	assert_int_equal(now.len, request.len);
	assert_memory_equal(now.data, request.data, request.len);
	assert_false(sctp_hold_release(&h, &now));
}

/* No length that it names leads beyond the packet. */
static void test_broken(void **state)
{
	struct packet whole = begin();

	add_request(&whole, TSN + 3);
	for (size_t at = SCTP_HEADER_LEN; at < whole.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct sctp_hold h = introduced();
			struct packet p = whole;

			p.data[at] ^= (uint8_t)(1 << bit);
			(void)passes(&h, &p);
			assert_true(h.len == 0 || h.len == whole.len);
		}
	}
	for (size_t len = 0; len < whole.len; len++) {
		struct sctp_hold h = introduced();
		struct packet p = whole;

		p.len = len;
		(void)passes(&h, &p);
		assert_true(h.len == 0 || h.len == whole.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_missing),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
