/*
 * A server that answers a trial of reachability with anything: each step is a byte of time, one of
 * length, and an attribute area put behind the header that belongs to what was asked. It must end, and
 * claim no success that nobody saw.
 */
#include "natprobe/reach/reach_trial.h"
#include "fuzz_check.h"

#define STEPS_MAX 200

static struct stun_tid asked;

static void draw(void *arg, void *buf, size_t len)
{
	memset(buf, ++*(uint8_t *)arg, len);
}

static void ask(struct reach_trial *r, uint64_t now_us)
{
	uint8_t buf[REACH_REQUEST_MAX];
	struct stun_msg m;
	size_t len;

	for (unsigned i = 0; (len = reach_next(r, now_us, buf)) > 0; i++) {
		FUZZ_CHECK(i < 8);
		FUZZ_CHECK(stun_msg_parse(bytes_of(buf, len), &m) == STUN_OK);
		asked = m.tid;
	}
	FUZZ_CHECK(r->is_over || reach_deadline_us(r) > now_us);
}

static void hear(struct reach_trial *r, struct bytes attrs, uint64_t now_us)
{
	uint8_t buf[20 + 256];
	struct wire_out w = wire_write(buf, sizeof(buf));

	wire_put_u16(&w, 0x0101);
	wire_put_u16(&w, (uint16_t)attrs.len);
	wire_put_mem(&w, asked.bytes, sizeof(asked.bytes));
	wire_put_mem(&w, attrs.data, attrs.len);
	reach_on_datagram(r, &r->config.server, wire_written(&w), now_us);
	(void)reach_is_ordered(r, wire_written(&w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));
	uint8_t drawn = 0;
	const struct reach_config config = {
		.transport = (wire_get_u8(&in) & 1) != 0 ? PORTMAP_TCP : PORTMAP_UDP,
		.server = addr_ipv4(91, 80, 1, 11, 3478),
		.port = 4900,
		.random = draw,
		.random_arg = &drawn,
	};
	uint64_t now_us = 1000000;
	struct reach_facts f = { .local = addr_ipv4(192, 168, 1, 2, 4900) };
	struct reach_verdict v;
	struct reach_trial r;

	reach_start(&r, &config, now_us);
	for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
		ask(&r, now_us);
		now_us += wire_get_u8(&in) * 10000ULL;
		size_t n = wire_get_u8(&in) & 0xfc;

		hear(&r, wire_get_bytes(&in, n < in.left ? n : in.left & ~(size_t)3), now_us);
	}
	for (unsigned i = 0; i < 64 && !r.is_over; i++) {
		ask(&r, now_us);
		now_us += 1000000;
	}
	FUZZ_CHECK(r.is_over && !r.is_heard);
	f.transport = config.transport;
	f.server = r.server;
	f.outcome = r.outcome;
	f.mapped = r.mapped;
	reach_judge(&f, &v);
	FUZZ_CHECK(v.cause < REACH_CAUSES && v.cause != REACH_OPEN);
	return 0;
}
