#include "coop.h"

#include "stun_attr_put.h"

#define ATTR_HEADER_LEN 4

bool coop_token_is_none(const struct coop_token *t)
{
	uint8_t any = 0;

	for (size_t i = 0; i < COOP_TOKEN_LEN; i++)
		any |= t->bytes[i];
	return any == 0;
}

static bool is_sound_answer(const struct coop_order *o)
{
	if (o->count < 1 || o->count > COOP_COUNT_MAX || o->size > COOP_SIZE_MAX)
		return false;
	if ((o->flags & COOP_REVERSED) != 0 && (o->flags & COOP_FRAGMENTS) == 0)
		return false;
	if (o->wait_ms > 0 &&
	    (o->count > 1 || (o->flags & COOP_ANY_PORT) == 0 || (o->flags & COOP_FRAGMENTS) != 0))
		return false; /* one datagram from a port of its own can be watched */
	return (o->flags & COOP_FRAGMENTS) == 0 || (o->flags & COOP_DF) == 0;
}

bool coop_order_is_sound(const struct coop_order *o)
{
	const unsigned int fresh = COOP_ANY_PORT | COOP_CHANGE_PORT;

	if ((o->flags & ~COOP_FLAGS) != 0 || (o->flags & fresh) == fresh)
		return false;
	if (o->delay_ms > COOP_DELAY_MAX_MS || o->gap_ms > COOP_GAP_MAX_MS ||
	    o->wait_ms > COOP_WAIT_MAX_MS)
		return false;
	switch (o->kind) {
	case COOP_ANSWER:
		return is_sound_answer(o);
	case COOP_CONNECT:
		return true;
	case COOP_ICMP: /* about a datagram: from where it came to, to whom it came from */
		return o->port == 0 && (o->flags & ~COOP_QUIET) == 0;
	default:
		return false;
	}
}

const char *coop_outcome_name(uint8_t outcome)
{
	switch (outcome) {
	case COOP_ACCEPTED:
		return "accepted";
	case COOP_DONE:
		return "done";
	case COOP_CONNECTED:
		return "connected";
	case COOP_RESET:
		return "reset";
	case COOP_UNREACHABLE:
		return "unreachable";
	case COOP_TIMED_OUT:
		return "timed-out";
	case COOP_SENT:
		return "sent";
	case COOP_BAD_TOKEN:
		return "bad-token";
	case COOP_BUSY:
		return "busy";
	case COOP_UNABLE:
		return "unable";
	case COOP_MALFORMED:
		return "malformed";
	default:
		return "unknown";
	}
}

enum stun_result coop_get_token(struct bytes value, struct coop_token *out)
{
	if (value.len < COOP_TOKEN_LEN)
		return STUN_MALFORMED;
	memcpy(out->bytes, value.data, COOP_TOKEN_LEN);
	return STUN_OK;
}

static enum stun_result put_token(struct stun_builder *b, const struct coop_token *t, size_t len)
{
	struct wire_out out = stun_attr_open(b, COOP_ATTR_TOKEN, len);

	wire_put_mem(&out, t->bytes, COOP_TOKEN_LEN);
	wire_put_zeros(&out, len - COOP_TOKEN_LEN);
	return stun_attr_result(b);
}

enum stun_result coop_put_token(struct stun_builder *b, const struct coop_token *t)
{
	return put_token(b, t, COOP_TOKEN_LEN);
}

enum stun_result coop_get_order(struct bytes value, struct coop_order *out)
{
	struct wire in = wire_read(value);
	struct coop_order o = { .kind = wire_get_u8(&in) };

	o.count = wire_get_u8(&in);
	o.flags = wire_get_u16(&in);
	o.delay_ms = wire_get_u32(&in);
	o.gap_ms = wire_get_u16(&in);
	o.size = wire_get_u16(&in);
	o.port = wire_get_u16(&in);
	o.wait_ms = wire_get_u16(&in);
	o.id = wire_get_u16(&in);
	wire_skip(&in, 6); /* reserved */
	if (in.failed)
		return STUN_MALFORMED;
	*out = o;
	return STUN_OK;
}

enum stun_result coop_put_order(struct stun_builder *b, const struct coop_order *o)
{
	struct wire_out out = stun_attr_open(b, COOP_ATTR_ORDER, COOP_ORDER_LEN);

	wire_put_u8(&out, o->kind);
	wire_put_u8(&out, o->count);
	wire_put_u16(&out, o->flags);
	wire_put_u32(&out, o->delay_ms);
	wire_put_u16(&out, o->gap_ms);
	wire_put_u16(&out, o->size);
	wire_put_u16(&out, o->port);
	wire_put_u16(&out, o->wait_ms);
	wire_put_u16(&out, o->id);
	wire_put_zeros(&out, 6);
	return stun_attr_result(b);
}

enum stun_result coop_get_report(struct bytes value, struct coop_report *out)
{
	struct wire in = wire_read(value);
	struct coop_report r = { .outcome = wire_get_u8(&in) };

	r.kind = wire_get_u8(&in);
	r.id = wire_get_u16(&in);
	r.index = wire_get_u8(&in);
	r.icmp_type = wire_get_u8(&in);
	r.icmp_code = wire_get_u8(&in);
	wire_skip(&in, 1); /* reserved */
	r.elapsed_ms = wire_get_u32(&in);
	r.clock_us = wire_get_u64(&in);
	r.received = wire_get_u16(&in);
	wire_skip(&in, 2); /* reserved */
	if (in.failed)
		return STUN_MALFORMED;
	*out = r;
	return STUN_OK;
}

enum stun_result coop_put_report(struct stun_builder *b, const struct coop_report *r)
{
	struct wire_out out = stun_attr_open(b, COOP_ATTR_REPORT, COOP_REPORT_LEN);

	wire_put_u8(&out, r->outcome);
	wire_put_u8(&out, r->kind);
	wire_put_u16(&out, r->id);
	wire_put_u8(&out, r->index);
	wire_put_u8(&out, r->icmp_type);
	wire_put_u8(&out, r->icmp_code);
	wire_put_u8(&out, 0);
	wire_put_u32(&out, r->elapsed_ms);
	wire_put_u64(&out, r->clock_us);
	wire_put_u16(&out, r->received);
	wire_put_u16(&out, 0);
	return stun_attr_result(b);
}

/* Brings the message to `size` bytes, or as near below as a multiple of 4 is. */
static void pad(struct stun_builder *b, size_t size)
{
	uint8_t *value;
	size_t len;

	if (size < b->len + ATTR_HEADER_LEN)
		return;
	len = (size - b->len - ATTR_HEADER_LEN) & ~(size_t)3;
	value = stun_build_attr(b, STUN_ATTR_PADDING, len);
	if (value != NULL && len > 0)
		memset(value, 0, len);
}

struct bytes coop_request(const struct stun_tid *tid, const struct coop_token *token,
			  const struct coop_order *order, size_t size, uint8_t *buf, size_t cap)
{
	static const struct coop_token none;
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, tid);
	struct bytes out = { 0 };

	if (token == NULL)
		token = &none;
	(void)put_token(&b, token, coop_token_is_none(token) ? COOP_ASK_LEN : COOP_TOKEN_LEN);
	if (order != NULL)
		(void)coop_put_order(&b, order);
	pad(&b, size);
	return stun_build_finish(&b, &out) == STUN_OK ? out : (struct bytes){ 0 };
}

bool coop_read_answer(const struct stun_msg *m, struct coop_answer *out)
{
	struct bytes v;

	*out = (struct coop_answer){ .size = m->raw.len };
	if (m->method != STUN_BINDING || m->class != STUN_SUCCESS)
		return false;
	if (stun_msg_find(m, COOP_ATTR_TOKEN, &v))
		out->has_token = coop_get_token(v, &out->token) == STUN_OK;
	if (stun_msg_find(m, COOP_ATTR_REPORT, &v))
		out->has_report = coop_get_report(v, &out->report) == STUN_OK;
	if (stun_msg_find(m, STUN_ATTR_XOR_MAPPED_ADDRESS, &v))
		(void)stun_attr_get_xor_addr(v, &m->tid, &out->mapped);
	if (stun_msg_find(m, STUN_ATTR_MAPPED_ADDRESS, &v))
		(void)stun_attr_get_addr(v, &out->plain);
	if (stun_msg_find(m, STUN_ATTR_OTHER_ADDRESS, &v))
		(void)stun_attr_get_addr(v, &out->other);
	return true;
}
