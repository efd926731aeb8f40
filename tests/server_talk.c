#include "server_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stun_attr.h"

const struct stun_site talk_site4 = {
	.seen_as = {
		{ .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		{ .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } },
		{ .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 2 } },
		{ .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 2 } },
	},
	.has = { true, true, true, true },
};

const struct stun_site talk_site6 = {
	.seen_as = {
		{ .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
		{ .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
	},
	.has = { true, true, true, true },
};

const struct stun_site talk_half_site = {
	.seen_as = { { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		     { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } } },
	.has = { true, true, false, false },
};

const struct addr talk_client4 = { .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } };
const struct addr talk_client6 = { .family = ADDR_IPV6,
				   .port = 40000,
				   .ip = { 0x20, 0x01, 0x0d, 0xb8, [14] = 7, [15] = 7 } };

static const struct stun_server_policy open_policy = { .rfc3489 = true, .nat_discovery = true };

const struct stun_tid talk_modern = { { 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					12 } };
const struct stun_tid talk_classic = { { 0, 12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					 12 } };

void talk_class(struct talk *t, uint16_t method, enum stun_class class, const struct stun_tid *tid)
{
	memset(t, 0, sizeof(*t));
	t->policy = open_policy;
	t->q.from = talk_client4;
	t->q.site = &talk_site4;
	t->cap = sizeof(t->answer);
	t->b = stun_build(t->ask, sizeof(t->ask), method, class, tid);
}

void talk_start(struct talk *t, const struct stun_tid *tid)
{
	talk_class(t, STUN_BINDING, STUN_REQUEST, tid);
}

static const struct {
	const char *why;
	const struct stun_site *site;
	bool nat_discovery;
} plain_cases[TALK_PLAIN_CASES] = {
	{ "plain listener", NULL, true },
	{ "one address", &talk_half_site, true },
	{ "RFC 5780 is off", &talk_site4, false },
};

void talk_be_plain(struct talk *t, size_t which)
{
	t->q.site = plain_cases[which].site;
	t->policy.nat_discovery = plain_cases[which].nat_discovery;
}

const char *talk_plain_case(size_t which)
{
	return plain_cases[which].why;
}

enum stun_outcome talk_run(struct talk *t)
{
	assert_int_equal(stun_build_finish(&t->b, &t->q.datagram), STUN_OK);
	memset(t->answer, 0xEE, sizeof(t->answer));
	t->outcome = stun_server_answer(&t->policy, &t->q, t->answer, t->cap, &t->reply);
	if (t->outcome == STUN_REPLY || t->outcome == STUN_REPLY_ERROR) {
		assert_ptr_equal(t->reply.msg.data, t->answer);
		assert_true(t->reply.msg.len <= t->cap);
		assert_int_equal(stun_msg_parse(t->reply.msg, &t->msg), STUN_OK);
		assert_true(stun_tid_equal(&t->msg.tid, &t->b.tid));
		assert_int_equal(t->msg.method, STUN_BINDING);
		assert_int_equal(t->msg.class,
				 t->outcome == STUN_REPLY ? STUN_SUCCESS : STUN_ERROR);
	}
	return t->outcome;
}

void talk_put_change(struct talk *t, unsigned int flags)
{
	struct stun_change change = { .address = (flags & 2) != 0, .port = (flags & 1) != 0 };

	assert_int_equal(stun_attr_put_change(&t->b, change), STUN_OK);
}

void talk_put_padding(struct talk *t, size_t len)
{
	uint8_t *value = stun_build_attr(&t->b, STUN_ATTR_PADDING, len);

	assert_non_null(value);
	memset(value, 'x', len);
}

void talk_put_raw(struct talk *t, uint16_t type, struct bytes value)
{
	uint8_t *p = stun_build_attr(&t->b, type, value.len);

	assert_non_null(p);
	if (value.len > 0)
		memcpy(p, value.data, value.len);
}

void talk_expect_addr(const struct talk *t, uint16_t type, const struct addr *want)
{
	struct bytes value;
	struct addr got;

	if (!stun_msg_find(&t->msg, type, &value))
		fail_msg("%s is missing", stun_attr_name(type));
	assert_int_equal(stun_attr_get_addr(value, &got), STUN_OK);
	if (!addr_equal(&got, want))
		fail_msg("%s has the wrong address", stun_attr_name(type));
}

void talk_expect_mapped(const struct talk *t, const struct addr *want)
{
	struct bytes value;
	struct addr got;

	assert_true(stun_msg_find(&t->msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &t->msg.tid, &got), STUN_OK);
	assert_true(addr_equal(&got, want));
}

void talk_expect_no(const struct talk *t, uint16_t type)
{
	if (stun_msg_has(&t->msg, type))
		fail_msg("%s should not be there", stun_attr_name(type));
}

void talk_expect_error(const struct talk *t, uint16_t code)
{
	struct bytes value;
	struct stun_error error;

	assert_int_equal(t->outcome, STUN_REPLY_ERROR);
	assert_true(stun_msg_find(&t->msg, STUN_ATTR_ERROR_CODE, &value));
	assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
	assert_int_equal(error.code, code);
	assert_true(addr_equal(&t->reply.to, &t->q.from));
	assert_int_equal(t->reply.socket, t->q.socket);
}

void talk_expect_unknown(const struct talk *t, const uint16_t *want, size_t count)
{
	struct bytes value;
	uint16_t got[64];
	size_t n;

	talk_expect_error(t, 420);
	assert_true(stun_msg_find(&t->msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
	assert_int_equal(stun_attr_get_types(value, got, ARRAY_LEN(got), &n), STUN_OK);
	assert_int_equal(n, count);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], want[i]);
}
