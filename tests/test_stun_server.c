#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stun_server.h"

#include "stun_attr.h"
#include "stun_auth.h"

/* A1, A2 and P1, P2 as socket numbers have them. */
static const struct stun_site site4 = {
	.seen_as = {
		{ .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		{ .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } },
		{ .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 2 } },
		{ .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 2 } },
	},
	.has = { true, true, true, true },
};

static const struct stun_site site6 = {
	.seen_as = {
		{ .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		{ .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
		{ .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
	},
	.has = { true, true, true, true },
};

static const struct stun_site half_site = {
	.seen_as = { { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		     { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } } },
	.has = { true, true, false, false },
};

static const struct addr client4 = { .family = ADDR_IPV4,
				     .port = 40000,
				     .ip = { 198, 51, 100, 7 } };
static const struct addr client6 = { .family = ADDR_IPV6,
				     .port = 40000,
				     .ip = { 0x20, 0x01, 0x0d, 0xb8, [14] = 7, [15] = 7 } };

static const struct stun_server_policy open_policy = { .rfc3489 = true, .nat_discovery = true };

static const struct stun_tid modern = { { 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					  12 } };
static const struct stun_tid classic = { { 0, 12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					   12 } };

/* One question and what came of it. */
struct talk {
	uint8_t ask[2048], answer[2048];
	struct stun_builder b;
	struct stun_server_policy policy;
	struct stun_query q;
	size_t cap;
	struct stun_reply reply;
	struct stun_msg msg;
	enum stun_outcome outcome;
};

static void talk_class(struct talk *t, uint16_t method, enum stun_class class,
		       const struct stun_tid *tid)
{
	memset(t, 0, sizeof(*t));
	t->policy = open_policy;
	t->q.from = client4;
	t->q.site = &site4;
	t->cap = sizeof(t->answer);
	t->b = stun_build(t->ask, sizeof(t->ask), method, class, tid);
}

static void talk_start(struct talk *t, const struct stun_tid *tid)
{
	talk_class(t, STUN_BINDING, STUN_REQUEST, tid);
}

static enum stun_outcome talk_run(struct talk *t)
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

static void put_change(struct talk *t, unsigned int flags)
{
	struct stun_change change = { .address = (flags & 2) != 0, .port = (flags & 1) != 0 };

	assert_int_equal(stun_attr_put_change(&t->b, change), STUN_OK);
}

static void put_padding(struct talk *t, size_t len)
{
	uint8_t *value = stun_build_attr(&t->b, STUN_ATTR_PADDING, len);

	assert_non_null(value);
	memset(value, 'x', len);
}

static void put_raw(struct talk *t, uint16_t type, struct bytes value)
{
	uint8_t *p = stun_build_attr(&t->b, type, value.len);

	assert_non_null(p);
	if (value.len > 0)
		memcpy(p, value.data, value.len);
}

static void expect_addr(const struct talk *t, uint16_t type, const struct addr *want)
{
	struct bytes value;
	struct addr got;

	if (!stun_msg_find(&t->msg, type, &value))
		fail_msg("%s is missing", stun_attr_name(type));
	assert_int_equal(stun_attr_get_addr(value, &got), STUN_OK);
	if (!addr_equal(&got, want))
		fail_msg("%s has the wrong address", stun_attr_name(type));
}

static void expect_mapped(const struct talk *t, const struct addr *want)
{
	struct bytes value;
	struct addr got;

	assert_true(stun_msg_find(&t->msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &t->msg.tid, &got), STUN_OK);
	assert_true(addr_equal(&got, want));
}

static void expect_no(const struct talk *t, uint16_t type)
{
	if (stun_msg_has(&t->msg, type))
		fail_msg("%s should not be there", stun_attr_name(type));
}

static void expect_error(const struct talk *t, uint16_t code)
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

static void expect_unknown(const struct talk *t, const uint16_t *want, size_t count)
{
	struct bytes value;
	uint16_t got[64];
	size_t n;

	expect_error(t, 420);
	assert_true(stun_msg_find(&t->msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
	assert_int_equal(stun_attr_get_types(value, got, ARRAY_LEN(got), &n), STUN_OK);
	assert_int_equal(n, count);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], want[i]);
}

static void bare_request_gets_xor_mapped_and_no_more(void **state)
{
	static const struct {
		const char *why;
		const struct stun_site *site;
		bool nat_discovery;
	} cases[] = {
		{ "plain listener", NULL, true },
		{ "one address", &half_site, true },
		{ "RFC 5780 is off", &site4, false },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		talk_start(&t, &modern);
		t.q.site = cases[i].site;
		t.policy.nat_discovery = cases[i].nat_discovery;
		if (talk_run(&t) != STUN_REPLY)
			fail_msg("%s: no reply", cases[i].why);
		expect_mapped(&t, &client4);
		if (t.reply.msg.len != 32)
			fail_msg("%s: %zu bytes", cases[i].why, t.reply.msg.len);
		assert_true(addr_equal(&t.reply.to, &client4));
		assert_int_equal(t.reply.socket, 0);
	}
}

static void bare_request_over_ipv6(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	t.q.from = client6;
	t.q.site = NULL;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_mapped(&t, &client6);
	assert_int_equal(t.reply.msg.len, 44);
}

static void mapped_ipv4_is_told_as_ipv4(void **state)
{
	struct addr v4 = { .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } };
	struct talk t;

	talk_start(&t, &modern);
	t.q.from = (struct addr){ .family = ADDR_IPV6,
				  .port = 40000,
				  .ip = { [10] = 0xff, 0xff, 198, 51, 100, 7 } };
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_mapped(&t, &v4);
	assert_true(addr_equal(&t.reply.to, &t.q.from)); /* as the socket knows it */
}

/* RFC 5780, table 1, from every socket, in both families and both dialects. */
static void change_request_from_every_socket(void **state)
{
	struct talk t;

	for (unsigned int i = 0; i < 4 * 4 * 2; i++) {
		uint8_t socket = i & 3;
		unsigned int flags = i >> 2 & 3;
		const struct stun_site *site = i >> 4 ? &site6 : &site4;

		talk_start(&t, &modern);
		put_change(&t, flags);
		t.q.site = site;
		t.q.socket = socket;
		t.q.from = i >> 4 ? client6 : client4;
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_int_equal(t.reply.socket, socket ^ flags);
		assert_true(addr_equal(&t.reply.to, &t.q.from));
		expect_mapped(&t, &t.q.from);
		expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &t.q.from);
		expect_addr(&t, STUN_ATTR_RESPONSE_ORIGIN, &site->seen_as[socket ^ flags]);
		expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &site->seen_as[socket ^ 3]);
	}
}

static void classic_change_request_from_every_socket(void **state)
{
	struct talk t;

	for (unsigned int i = 0; i < 4 * 4; i++) {
		uint8_t socket = i & 3;
		unsigned int flags = i >> 2 & 3;

		talk_start(&t, &classic);
		put_change(&t, flags);
		t.q.socket = socket;
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_int_equal(t.reply.socket, socket ^ flags);
		expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &client4);
		expect_addr(&t, STUN_ATTR_SOURCE_ADDRESS, &site4.seen_as[socket ^ flags]);
		expect_addr(&t, STUN_ATTR_CHANGED_ADDRESS, &site4.seen_as[socket ^ 3]);
		expect_no(&t, STUN_ATTR_XOR_MAPPED_ADDRESS);
		expect_no(&t, STUN_ATTR_OTHER_ADDRESS);
		expect_no(&t, STUN_ATTR_RESPONSE_ORIGIN);
	}
}

static void others_are_named_without_being_asked(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	t.q.socket = 3;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_addr(&t, STUN_ATTR_RESPONSE_ORIGIN, &site4.seen_as[3]);
	expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &site4.seen_as[0]);
	assert_int_equal(t.reply.msg.len, 68);
}

/* The mapping tests of RFC 5780 apply to streams too; a change of source does not. */
static void streams_name_others_and_refuse_change(void **state)
{
	static const enum stun_transport transports[] = { STUN_TCP, STUN_TLS, STUN_DTLS };
	static const uint16_t change = STUN_ATTR_CHANGE_REQUEST;
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		talk_start(&t, &modern);
		t.q.transport = transports[i];
		assert_int_equal(talk_run(&t), STUN_REPLY);
		expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &site4.seen_as[3]);

		talk_start(&t, &modern);
		put_change(&t, 3);
		t.q.transport = transports[i];
		talk_run(&t);
		expect_unknown(&t, &change, 1);

		talk_start(&t, &classic);
		t.q.transport = transports[i];
		assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);
	}
}

static void what_is_not_offered_is_unknown(void **state)
{
	static const uint16_t types[] = { STUN_ATTR_CHANGE_REQUEST, STUN_ATTR_RESPONSE_PORT,
					  STUN_ATTR_PADDING };
	static const struct {
		const char *why;
		const struct stun_site *site;
		bool nat_discovery;
	} cases[] = {
		{ "plain listener", NULL, true },
		{ "one address", &half_site, true },
		{ "RFC 5780 is off", &site4, false },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(types); i++) {
		size_t n = i / ARRAY_LEN(types);
		const uint16_t *type = &types[i % ARRAY_LEN(types)];

		talk_start(&t, &modern);
		t.q.site = cases[n].site;
		t.policy.nat_discovery = cases[n].nat_discovery;
		put_raw(&t, *type, BYTES("\0\0\0\6"));
		put_raw(&t, 0x8555, BYTES("twelve bytes")); /* room for an answer, see PADDING */
		if (talk_run(&t) != STUN_REPLY_ERROR)
			fail_msg("%s: %s is known", cases[n].why, stun_attr_name(*type));
		expect_unknown(&t, type, 1);
	}
}

/* Silence, since vovida's client and its kin take any answer for a success. */
static void classic_change_without_other_is_met_with_silence(void **state)
{
	struct talk t;

	for (unsigned int flags = 0; flags < 4; flags++) {
		talk_start(&t, &classic);
		t.q.site = &half_site;
		put_change(&t, flags);
		assert_int_equal(talk_run(&t), flags == 0 ? STUN_REPLY : STUN_DROP_CHANGE);
		if (flags != 0)
			continue;
		expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &client4);
		expect_no(&t, STUN_ATTR_CHANGED_ADDRESS);
	}
}

static void classic_source_address_on_a_plain_listener(void **state)
{
	struct addr local = { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 9 } };
	struct talk t;

	talk_start(&t, &classic);
	t.q.site = NULL;
	t.q.local = &local;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_addr(&t, STUN_ATTR_SOURCE_ADDRESS, &local);

	talk_start(&t, &classic);
	t.q.site = NULL;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_no(&t, STUN_ATTR_SOURCE_ADDRESS);
	assert_int_equal(t.reply.msg.len, 32);
}

static void classic_clients_only_where_wanted(void **state)
{
	struct talk t;

	talk_start(&t, &classic);
	t.policy.rfc3489 = false;
	assert_int_equal(talk_run(&t), STUN_DROP_CLASSIC);
}

static void response_address_is_never_honoured(void **state)
{
	static const uint16_t type = STUN_ATTR_RESPONSE_ADDRESS;
	struct addr victim = { .family = ADDR_IPV4, .port = 53, .ip = { 203, 0, 113, 5 } };
	struct talk t;

	talk_start(&t, &classic);
	assert_int_equal(stun_attr_put_addr(&t.b, type, &victim), STUN_OK);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_true(addr_equal(&t.reply.to, &client4));
	expect_no(&t, STUN_ATTR_REFLECTED_FROM);

	talk_start(&t, &modern);
	assert_int_equal(stun_attr_put_addr(&t.b, type, &victim), STUN_OK);
	talk_run(&t);
	expect_unknown(&t, &type, 1);
}

static void response_port_changes_the_port_alone(void **state)
{
	struct talk t;

	for (uint8_t socket = 0; socket < 4; socket++) {
		talk_start(&t, &modern);
		t.q.socket = socket;
		assert_int_equal(stun_attr_put_u16(&t.b, STUN_ATTR_RESPONSE_PORT, 41000), STUN_OK);
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_true(addr_equal_ip(&t.reply.to, &client4));
		assert_int_equal(t.reply.to.port, 41000);
		assert_int_equal(t.reply.socket, socket);
		expect_mapped(&t, &client4);
	}
}

static void bad_requests_get_400(void **state)
{
	static const struct {
		const char *why;
		uint16_t type;
		struct bytes value;
	} cases[] = {
		{ "CHANGE-REQUEST, empty", STUN_ATTR_CHANGE_REQUEST, { 0 } },
		{ "CHANGE-REQUEST, a byte less", STUN_ATTR_CHANGE_REQUEST, BYTES("\0\0\0") },
		{ "CHANGE-REQUEST, a byte more", STUN_ATTR_CHANGE_REQUEST, BYTES("\0\0\0\2\0") },
		{ "RESPONSE-PORT 0", STUN_ATTR_RESPONSE_PORT, BYTES("\0\0\0\0") },
		{ "RESPONSE-PORT, a byte less", STUN_ATTR_RESPONSE_PORT, BYTES("\x10\0\0") },
		{ "RESPONSE-PORT, a byte more", STUN_ATTR_RESPONSE_PORT, BYTES("\x10\0\0\0\0") },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		talk_start(&t, &modern);
		put_raw(&t, cases[i].type, cases[i].value);
		if (talk_run(&t) != STUN_REPLY_ERROR)
			fail_msg("%s: outcome %s", cases[i].why, stun_outcome_name(t.outcome));
		expect_error(&t, 400);
		assert_int_equal(t.reply.msg.len, 28);
	}
}

static void padding_with_response_port_is_400(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	put_padding(&t, 1200);
	assert_int_equal(stun_attr_put_u16(&t.b, STUN_ATTR_RESPONSE_PORT, 41000), STUN_OK);
	talk_run(&t);
	expect_error(&t, 400);
	assert_true(t.reply.msg.len <= t.q.datagram.len);
}

/* For every length: never longer than what was asked, PADDING where there is room. */
static void padding_never_amplifies(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		bool fingerprint = (i & 1) != 0, v6 = (i & 2) != 0, full = (i & 4) != 0;
		size_t addr_len = v6 ? 24 : 12;
		size_t least = 24 + addr_len + (fingerprint ? 8u : 0u);

		/* Not offered, it is an unknown attribute: 420, and still not longer. */
		least = full ? least + 3 * addr_len : SIZE_MAX;
		for (size_t len = 0; len <= 1500; len += len < 200 ? 1 : 97) {
			struct talk t;

			talk_start(&t, &modern);
			t.q.site = !full ? NULL : v6 ? &site6 : &site4;
			t.q.from = v6 ? client6 : client4;
			put_padding(&t, len);
			if (fingerprint)
				assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
			talk_run(&t);
			size_t asked = t.q.datagram.len;

			if (asked >= least) {
				assert_int_equal(t.outcome, STUN_REPLY);
				assert_true(stun_msg_has(&t.msg, STUN_ATTR_PADDING));
				assert_int_equal(t.reply.msg.len, asked);
			} else if (asked >= (full ? 28u : 36u) + (fingerprint ? 8u : 0u)) {
				expect_error(&t, full ? 400 : 420);
				assert_true(t.reply.msg.len <= asked);
			} else {
				assert_int_equal(t.outcome, STUN_DROP_NO_ROOM);
			}
		}
	}
}

static void padding_is_zeroed_and_stays_in_the_buffer(void **state)
{
	struct talk t;
	struct bytes value;

	talk_start(&t, &modern);
	put_padding(&t, 1800);
	t.cap = 1500;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.msg.len, 1500);
	assert_int_equal(t.answer[1500], 0xEE);
	assert_true(stun_msg_find(&t.msg, STUN_ATTR_PADDING, &value));
	for (size_t i = 0; i < value.len; i++)
		assert_int_equal(value.data[i], 0);
}

static void padding_with_unknown_attribute_does_not_amplify(void **state)
{
	static const uint16_t unknown = 0x7000;
	struct talk t;

	talk_start(&t, &modern);
	put_raw(&t, unknown, (struct bytes){ 0 });
	put_padding(&t, 0);
	assert_int_equal(talk_run(&t), STUN_DROP_NO_ROOM);

	talk_start(&t, &modern);
	put_raw(&t, unknown, (struct bytes){ 0 });
	put_padding(&t, 8);
	talk_run(&t);
	expect_unknown(&t, &unknown, 1);
	assert_int_equal(t.reply.msg.len, t.q.datagram.len);
}

static void unknown_attributes_are_listed_once(void **state)
{
	static const uint16_t want[] = { 0x7001, STUN_ATTR_LIFETIME, 0x7002 };
	struct talk t;

	talk_start(&t, &modern);
	put_raw(&t, 0x7001, BYTES("abc"));
	put_raw(&t, STUN_ATTR_LIFETIME, BYTES("\0\0\0\1"));
	put_raw(&t, 0x7001, BYTES(""));
	put_raw(&t, 0xC001, BYTES("optional"));
	put_raw(&t, 0x7002, BYTES(""));
	talk_run(&t);
	expect_unknown(&t, want, ARRAY_LEN(want));
}

/* RFC 3489, section 11.2.10: the list has no padding, so an odd one repeats a member. */
static void classic_unknown_list_is_even(void **state)
{
	static const uint16_t want[] = { 0x0020, 0x0020 };
	struct talk t;

	talk_start(&t, &classic);
	put_raw(&t, 0x0020, BYTES("abcd"));
	talk_run(&t);
	expect_unknown(&t, want, ARRAY_LEN(want));
}

static void a_long_unknown_list_is_cut(void **state)
{
	struct bytes value;
	struct talk t;

	for (int dialect = 0; dialect < 2; dialect++) {
		talk_start(&t, dialect ? &classic : &modern);
		for (uint16_t i = 0; i < 333; i++)
			put_raw(&t, (uint16_t)(0x6000 + i), (struct bytes){ 0 });
		talk_run(&t);
		expect_error(&t, 420);
		assert_true(stun_msg_find(&t.msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
		assert_int_equal(value.len, 64);
	}
}

static void unknown_attribute_replies_stay_small(void **state)
{
	for (uint16_t count = 1; count < 60; count++) {
		struct talk t;

		talk_start(&t, &modern);
		for (uint16_t i = 0; i < count; i++)
			put_raw(&t, (uint16_t)(0x6000 + i), (struct bytes){ 0 });
		talk_run(&t);
		expect_error(&t, 420);
		assert_true(t.reply.msg.len * 10 <= t.q.datagram.len * 16);
	}
}

static void stun_attributes_that_we_do_not_need_are_ignored(void **state)
{
	static const uint16_t types[] = {
		STUN_ATTR_USERNAME,
		STUN_ATTR_REALM,
		STUN_ATTR_NONCE,
		STUN_ATTR_USERHASH,
		STUN_ATTR_MAPPED_ADDRESS,
		STUN_ATTR_PASSWORD_ALGORITHM,
		STUN_ATTR_SOFTWARE,
		STUN_ATTR_OTHER_ADDRESS,
		STUN_ATTR_RESPONSE_ORIGIN,
		STUN_ATTR_CACHE_TIMEOUT,
		0x8555,
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		talk_start(&t, &modern);
		put_raw(&t, types[i], BYTES("whatever"));
		if (talk_run(&t) != STUN_REPLY)
			fail_msg("%s was not ignored", stun_attr_name(types[i]));
	}
	talk_start(&t, &modern);
	put_raw(&t, STUN_ATTR_MESSAGE_INTEGRITY, BYTES("01234567890123456789"));
	put_change(&t, 3); /* behind the integrity: not there */
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.socket, 0);
	expect_no(&t, STUN_ATTR_MESSAGE_INTEGRITY);
}

static void first_of_duplicates_counts(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	put_change(&t, 1);
	put_raw(&t, STUN_ATTR_CHANGE_REQUEST, BYTES("bad"));
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.socket, 1);
}

static void fingerprint_is_mirrored(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	t.q.site = NULL;
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_not_equal(t.msg.fingerprint, 0);
	assert_int_equal(stun_auth_check_fingerprint(&t.msg), STUN_AUTH_OK);
	assert_int_equal(t.reply.msg.len, 40);

	talk_start(&t, &modern);
	put_raw(&t, 0x7000, BYTES(""));
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	talk_run(&t);
	expect_error(&t, 420);
	assert_int_equal(stun_auth_check_fingerprint(&t.msg), STUN_AUTH_OK);

	talk_start(&t, &modern);
	talk_run(&t);
	expect_no(&t, STUN_ATTR_FINGERPRINT);
}

static void wrong_fingerprint_is_dropped(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	t.ask[t.b.len - 1] ^= 1;
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);

	/* An RFC 3489 client knows none: its number is an optional attribute there. */
	talk_start(&t, &classic);
	put_raw(&t, STUN_ATTR_FINGERPRINT, BYTES("abcd"));
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_no(&t, STUN_ATTR_FINGERPRINT);
}

static void only_requests_for_binding_are_answered(void **state)
{
	static const struct {
		uint16_t method;
		enum stun_class class;
		enum stun_outcome want;
	} cases[] = {
		{ STUN_BINDING, STUN_INDICATION, STUN_DROP_UNASKED },
		{ STUN_BINDING, STUN_SUCCESS, STUN_DROP_UNASKED },
		{ STUN_BINDING, STUN_ERROR, STUN_DROP_UNASKED },
		{ TURN_ALLOCATE, STUN_REQUEST, STUN_DROP_METHOD },
		{ TURN_SEND, STUN_INDICATION, STUN_DROP_UNASKED },
		{ STUN_SHARED_SECRET, STUN_REQUEST, STUN_DROP_METHOD },
		{ 0x000, STUN_REQUEST, STUN_DROP_METHOD },
		{ 0xFFF, STUN_REQUEST, STUN_DROP_METHOD },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		talk_class(&t, cases[i].method, cases[i].class, &modern);
		assert_int_equal(talk_run(&t), cases[i].want);
		talk_class(&t, cases[i].method, cases[i].class, &classic);
		assert_int_equal(talk_run(&t), cases[i].want);
	}
}

static void foreign_and_broken_messages_are_dropped(void **state)
{
	struct talk t;

	talk_start(&t, &modern);
	t.q.from.port = 0;
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);

	for (size_t len = 0; len < 28; len++) {
		talk_start(&t, &modern);
		put_change(&t, 0);
		assert_int_equal(talk_run(&t), STUN_REPLY);
		t.q.datagram.len = len;
		assert_int_equal(stun_server_answer(&t.policy, &t.q, t.answer, t.cap, &t.reply),
				 STUN_DROP_FOREIGN);
	}
	talk_start(&t, &modern);
	t.ask[0] |= 0x40; /* ChannelData */
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);
}

static void a_small_buffer_yields_nothing(void **state)
{
	struct talk t;

	for (size_t cap = 0; cap <= 68; cap++) {
		talk_start(&t, &modern);
		t.cap = cap;
		assert_int_equal(talk_run(&t), cap < 68 ? STUN_DROP_NO_ROOM : STUN_REPLY);
		assert_int_equal(t.answer[cap], 0xEE);
	}
}

static void software_is_told_where_wanted(void **state)
{
	struct bytes value;
	struct talk t;

	talk_start(&t, &modern);
	t.policy.software = "natkit";
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_true(stun_msg_find(&t.msg, STUN_ATTR_SOFTWARE, &value));
	assert_true(bytes_equal(value, BYTES("natkit")));

	talk_start(&t, &modern);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	expect_no(&t, STUN_ATTR_SOFTWARE);
}

static void reasons_are_told_where_the_source_is_proven(void **state)
{
	static const enum stun_transport transports[] = { STUN_UDP, STUN_TCP, STUN_TLS, STUN_DTLS };
	struct bytes value;
	struct stun_error error;
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		talk_start(&t, &modern);
		t.q.transport = transports[i];
		put_raw(&t, 0x7000, BYTES(""));
		talk_run(&t);
		expect_error(&t, 420);
		assert_true(stun_msg_find(&t.msg, STUN_ATTR_ERROR_CODE, &value));
		assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
		assert_int_equal(error.reason.len > 0, transports[i] != STUN_UDP);
	}
}

static void outcomes_have_names(void **state)
{
	for (int i = 0; i < STUN_OUTCOMES; i++)
		assert_string_not_equal(stun_outcome_name((enum stun_outcome)i), "unknown");
	assert_string_equal(stun_outcome_name(STUN_OUTCOMES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_request_gets_xor_mapped_and_no_more),
		cmocka_unit_test(bare_request_over_ipv6),
		cmocka_unit_test(mapped_ipv4_is_told_as_ipv4),
		cmocka_unit_test(change_request_from_every_socket),
		cmocka_unit_test(classic_change_request_from_every_socket),
		cmocka_unit_test(others_are_named_without_being_asked),
		cmocka_unit_test(streams_name_others_and_refuse_change),
		cmocka_unit_test(what_is_not_offered_is_unknown),
		cmocka_unit_test(classic_change_without_other_is_met_with_silence),
		cmocka_unit_test(classic_source_address_on_a_plain_listener),
		cmocka_unit_test(classic_clients_only_where_wanted),
		cmocka_unit_test(response_address_is_never_honoured),
		cmocka_unit_test(response_port_changes_the_port_alone),
		cmocka_unit_test(bad_requests_get_400),
		cmocka_unit_test(padding_with_response_port_is_400),
		cmocka_unit_test(padding_never_amplifies),
		cmocka_unit_test(padding_is_zeroed_and_stays_in_the_buffer),
		cmocka_unit_test(padding_with_unknown_attribute_does_not_amplify),
		cmocka_unit_test(unknown_attributes_are_listed_once),
		cmocka_unit_test(classic_unknown_list_is_even),
		cmocka_unit_test(a_long_unknown_list_is_cut),
		cmocka_unit_test(unknown_attribute_replies_stay_small),
		cmocka_unit_test(stun_attributes_that_we_do_not_need_are_ignored),
		cmocka_unit_test(first_of_duplicates_counts),
		cmocka_unit_test(fingerprint_is_mirrored),
		cmocka_unit_test(wrong_fingerprint_is_dropped),
		cmocka_unit_test(only_requests_for_binding_are_answered),
		cmocka_unit_test(foreign_and_broken_messages_are_dropped),
		cmocka_unit_test(a_small_buffer_yields_nothing),
		cmocka_unit_test(software_is_told_where_wanted),
		cmocka_unit_test(reasons_are_told_where_the_source_is_proven),
		cmocka_unit_test(outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
