#include "punch_wire.h"

#define VERSION 1

/* Later ones are nobody's monotonic clock, and their differences fit. */
#define TIME_MAX (UINT64_MAX / 64)

static struct wire_out begin(enum punch_told_kind kind, uint32_t trial, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u8(&out, VERSION);
	wire_put_u8(&out, (uint8_t)kind);
	wire_put_u32(&out, trial);
	return out;
}

static size_t end(const struct wire_out *out)
{
	return out->failed ? 0 : out->len;
}

bool punch_read_told(struct bytes in, struct punch_told *out)
{
	struct wire w = wire_read(in);
	uint8_t version = wire_get_u8(&w);

	out->kind = wire_get_u8(&w);
	out->trial = wire_get_u32(&w);
	out->body = wire_get_bytes(&w, w.left);
	return !w.failed && version == VERSION && in.len <= PUNCH_TELL_MAX &&
	       out->kind > PUNCH_TOLD_NOTHING && out->kind <= PUNCH_TOLD_BYE;
}

size_t punch_write_bye(uint32_t trial, uint8_t *buf, size_t cap)
{
	struct wire_out out = begin(PUNCH_TOLD_BYE, trial, buf, cap);

	return end(&out);
}

size_t punch_write_offer(uint32_t trial, const struct punch_told_offer *o, uint8_t *buf, size_t cap)
{
	struct wire_out out = begin(PUNCH_TOLD_OFFER, trial, buf, cap);

	wire_put_u64(&out, o->made_us);
	wire_put_u16(&out, o->sockets_max);
	wire_put_u32(&out, o->hold_s);
	wire_put_u16(&out, (uint16_t)o->offer.len);
	wire_put_mem(&out, o->offer.data, o->offer.len);
	return end(&out);
}

bool punch_read_offer(struct bytes body, struct punch_told_offer *out)
{
	struct wire in = wire_read(body);

	out->made_us = wire_get_u64(&in);
	out->sockets_max = wire_get_u16(&in);
	out->hold_s = wire_get_u32(&in);
	out->offer = wire_get_bytes(&in, wire_get_u16(&in));
	return wire_done(&in) && out->made_us <= TIME_MAX && out->hold_s <= PUNCH_HOLD_MAX_S;
}

size_t punch_write_start(uint32_t trial, const struct punch_told_start *s, uint8_t *buf, size_t cap)
{
	struct wire_out out = begin(PUNCH_TOLD_START, trial, buf, cap);

	wire_put_u64(&out, s->start_us);
	wire_put_u32(&out, s->delay_us);
	wire_put_u32(&out, s->hold_s);
	wire_put_u32(&out, s->options.only);
	wire_put_u32(&out, s->options.start_error_us);
	wire_put_u8(&out, s->options.has_relay);
	wire_put_u16(&out, s->options.sockets_max);
	return end(&out);
}

bool punch_read_start(struct bytes body, struct punch_told_start *out)
{
	struct wire in = wire_read(body);

	*out = (struct punch_told_start){ .start_us = wire_get_u64(&in) };
	out->delay_us = wire_get_u32(&in);
	out->hold_s = wire_get_u32(&in);
	out->options.only = wire_get_u32(&in);
	out->options.start_error_us = wire_get_u32(&in);
	out->options.has_relay = wire_get_u8(&in) != 0;
	out->options.sockets_max = wire_get_u16(&in);
	return wire_done(&in) && out->start_us <= TIME_MAX && out->hold_s <= PUNCH_HOLD_MAX_S;
}

static void put_addr(struct wire_out *out, const struct addr *a)
{
	wire_put_u8(out, a->family);
	if (addr_ip_len(a->family) == 0)
		return;
	wire_put_mem(out, a->ip, addr_ip_len(a->family));
	wire_put_u16(out, a->port);
}

static struct addr get_addr(struct wire *in)
{
	struct addr a = { .family = wire_get_u8(in) };

	if (a.family == ADDR_NONE)
		return a;
	if (addr_ip_len(a.family) == 0) {
		in->failed = true;
		return (struct addr){ 0 };
	}
	wire_get_mem(in, a.ip, addr_ip_len(a.family));
	a.port = wire_get_u16(in);
	return a;
}

/* The counters of evidence, in the order in which they are told. */
#define COUNTERS(X)       \
	X(sockets)        \
	X(open_failed)    \
	X(sent)           \
	X(send_errors)    \
	X(received)       \
	X(answers)        \
	X(stray)          \
	X(alive_asked)    \
	X(alive_answered) \
	X(tried_low)      \
	X(tried_high)     \
	X(next_port)      \
	X(tcp_connects)   \
	X(tcp_refused)    \
	X(tcp_icmp)       \
	X(tcp_timeouts)   \
	X(tcp_accepted)   \
	X(tcp_connected)  \
	X(relay_code)

static void put_seen(struct wire_out *out, const struct punch_evidence *e)
{
	wire_put_u8(out, e->strategy);
	wire_put_u32(out, (uint32_t)e->began_us);
#define PUT(field) wire_put_u16(out, e->field);
	COUNTERS(PUT)
#undef PUT
	for (int i = 0; i < PUNCH_ICMP_KINDS; i++)
		wire_put_u16(out, e->icmp[i]);
	wire_put_u8(out, (uint8_t)(e->has_portmap | e->has_relay << 1 | e->is_unseen << 2));
	put_addr(out, &e->local);
	put_addr(out, &e->announced);
	put_addr(out, &e->seen);
	put_addr(out, &e->mapped_after);
}

static void get_seen(struct wire *in, struct punch_evidence *e)
{
	uint8_t flags;

	*e = (struct punch_evidence){ .strategy = wire_get_u8(in) };
	e->began_us = (int32_t)wire_get_u32(in);
#define GET(field) e->field = wire_get_u16(in);
	COUNTERS(GET)
#undef GET
	for (int i = 0; i < PUNCH_ICMP_KINDS; i++)
		e->icmp[i] = wire_get_u16(in);
	flags = wire_get_u8(in);
	e->has_portmap = (flags & 1) != 0;
	e->has_relay = (flags & 2) != 0;
	e->is_unseen = (flags & 4) != 0;
	e->local = get_addr(in);
	e->announced = get_addr(in);
	e->seen = get_addr(in);
	e->mapped_after = get_addr(in);
	if (e->strategy >= PUNCH_STRATEGIES)
		in->failed = true;
}

size_t punch_write_evidence(uint32_t trial, const struct punch_told_evidence *e, uint8_t *buf,
			    size_t cap)
{
	struct wire_out out = begin(PUNCH_TOLD_EVIDENCE, trial, buf, cap);

	wire_put_u64(&out, e->ran_us);
	wire_put_u8(&out, e->has_path);
	wire_put_u8(&out, e->strategy);
	wire_put_u8(&out, e->step);
	put_addr(&out, &e->outer);
	wire_put_u8(&out, e->count);
	for (uint8_t i = 0; i < e->count; i++)
		put_seen(&out, &e->seen[i]);
	return end(&out);
}

bool punch_read_evidence(struct bytes body, struct punch_told_evidence *out)
{
	struct wire in = wire_read(body);

	*out = (struct punch_told_evidence){ .ran_us = wire_get_u64(&in) };
	out->has_path = wire_get_u8(&in) != 0;
	out->strategy = wire_get_u8(&in);
	out->step = wire_get_u8(&in);
	out->outer = get_addr(&in);
	out->count = wire_get_u8(&in);
	if (in.failed || out->count > PUNCH_STEPS_MAX || out->strategy >= PUNCH_STRATEGIES ||
	    out->step >= PUNCH_STEPS_MAX || out->ran_us > TIME_MAX)
		return false;
	for (uint8_t i = 0; i < out->count; i++)
		get_seen(&in, &out->seen[i]);
	return wire_done(&in);
}
