/* transport: strangers on the path, and a peer that breaks the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "natprobe/transport/channel_word.h"
#include "natprobe/transport/transport_state.h"
#include "transport_ends.h"

#define KEPT_MAX 64

static void connect_pair(struct transport_pair *p, struct end *theirs)
{
	pair_begin(p, 10000, 0);
	assert_true(pair_connect(p));
	p->side[1].on_channel = end_accept;
	p->side[1].user = theirs;
}

/* A stream of some bytes comes through. */
static void assert_works(struct transport_pair *p)
{
	struct end ends[2] = { { .to_write = 100000, .ends = true }, { .ends = true } };

	p->side[1].on_channel = end_accept;
	p->side[1].user = &ends[1];
	end_open(&p->side[0], &ends[0], "service");
	assert_true(pair_run_until(p, ends_are_closed, ends, 20 * SECOND));
	assert_int_equal(ends[1].read, 100000);
	assert_false(ends[1].has_other || ends[1].has_why);
}

static void test_wrong_fingerprint(void **state)
{
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		for (int wronged = 0; wronged < 2; wronged++) {
			struct transport_pair p;
			uint8_t wrong[IDENTITY_FINGERPRINT_LEN];

			pair_begin(&p, 10000, 0);
			memcpy(wrong, p.side[1 - wronged].identity.fingerprint, sizeof(wrong));
			wrong[31] ^= 1;
			pair_introduce(&p);
			transport_expect(p.side[wronged].transport, wrong);
			pair_use_path(&p, is_tcp, 1472);
			(void)pair_run_until(&p, sides_have_failed, &p, 5 * SECOND);
			assert_true(p.side[wronged].has_failed);
			assert_int_equal(p.side[wronged].failure, TRANSPORT_FINGERPRINT);
			assert_false(p.side[0].is_ready || p.side[1].is_ready);
			pair_end(&p);
		}
	}
}

/* Nothing is believed before, and nothing lost that came before. */
static void test_nobody_is_expected(void **state)
{
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		for (int late = 0; late < 2; late++) {
			struct transport_pair p;
			const uint8_t *fingerprint;

			pair_begin(&p, 10000, 0);
			pair_use_path(&p, is_tcp, 1472);
			transport_expect(p.side[1 - late].transport,
					 p.side[late].identity.fingerprint);
			pair_run(&p, 3 * SECOND);
			assert_false(p.side[0].is_ready || p.side[1].is_ready);
			fingerprint = p.side[1 - late].identity.fingerprint;
			transport_expect(p.side[late].transport, fingerprint);
			assert_true(pair_run_until(&p, sides_are_ready, &p, 5 * SECOND));
			pair_end(&p);
		}
	}
}

/* Frames as they passed, to be sent again. */
struct kept {
	size_t count, len[KEPT_MAX];
	uint8_t data[KEPT_MAX][2048];
};

static void keep_frame(struct transport_pair *p, int from, uint8_t *data, size_t *len)
{
	struct kept *k = p->user;

	if (from != 0 || k->count == KEPT_MAX || *len > sizeof(k->data[0]))
		return;
	memcpy(k->data[k->count], data, *len);
	k->len[k->count++] = *len;
}

static void test_replay(void **state)
{
	struct transport_pair p;
	struct kept kept = { 0 };
	struct end ends[2] = { { .to_write = 20000 }, { 0 } };
	struct transport_counts before, after;

	pair_begin(&p, 10000, 0);
	p.on_frame = keep_frame;
	p.user = &kept;
	assert_true(pair_connect(&p));
	p.side[1].on_channel = end_accept;
	p.side[1].user = &ends[1];
	end_open(&p.side[0], &ends[0], "service");
	pair_run(&p, SECOND);
	p.on_frame = NULL;
	assert_int_equal(ends[1].read, 20000);
	transport_count(p.side[1].transport, &before);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < kept.count; i++)
			pair_inject(&p, 1, bytes_of(kept.data[i], kept.len[i]));
	}
	pair_run(&p, SECOND);
	transport_count(p.side[1].transport, &after);
	assert_int_equal(after.packets_in, before.packets_in);
	assert_int_equal(ends[1].read, 20000);
	assert_works(&p);
	pair_end(&p);
}

/* Random bytes behind each first byte there is, and the last frames of the other side, spoilt. */
static void inject_garbage(struct transport_pair *p, struct kept *kept)
{
	uint8_t junk[200];

	for (int i = 0; i < 2000; i++) {
		size_t len = pair_random(p) % sizeof(junk);

		for (size_t k = 0; k < len; k++)
			junk[k] = (uint8_t)pair_random(p);
		junk[0] = (uint8_t)(20 + i % 8);
		if (i % 2 == 0) {
			junk[1] = 0xfe;
			junk[2] = 0xfd;
		}
		pair_inject(p, i % 2, bytes_of(junk, len));
	}
	for (size_t i = 0; i < kept->count; i++) {
		for (int k = 0; k < 8; k++) {
			uint32_t at = pair_random(p) % (uint32_t)kept->len[i];

			kept->data[i][at] ^= (uint8_t)(1U << k);
			pair_inject(p, 1, bytes_of(kept->data[i], kept->len[i]));
			pair_inject(p, 1, bytes_of(kept->data[i], at));
		}
	}
}

static void test_garbage(void **state)
{
	struct transport_pair p;
	struct kept kept = { 0 };

	pair_begin(&p, 10000, 0);
	p.on_frame = keep_frame;
	p.user = &kept;
	assert_true(pair_connect(&p));
	inject_garbage(&p, &kept);
	assert_works(&p);
	inject_garbage(&p, &kept);
	assert_works(&p);
	pair_end(&p);
}

/* Who can send to us while we shake hands can delay that, and no more. */
static void test_spoilt_handshake(void **state)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
	struct transport_pair p;
	struct kept kept = { 0 };

	/* The ClientHello of somebody else. */
	pair_begin(&p, 10000, 0);
	p.on_frame = keep_frame;
	p.user = &kept;
	assert_true(pair_connect(&p));
	pair_end(&p);
	pair_begin(&p, 10000, 0);
	pair_introduce(&p);
	pair_use_path(&p, false, 1472);
	pair_inject(&p, 1, bytes_of(kept.data[0], kept.len[0]));
	for (int i = 0; i < 7; i++) {
		pair_run(&p, 4000);
		pair_inject(&p, 0, bytes_of(alert, sizeof(alert)));
		pair_inject(&p, 1, bytes_of(kept.data[i % 3], kept.len[i % 3]));
	}
	assert_true(pair_run_until(&p, sides_are_ready, &p, 60 * SECOND));
	assert_works(&p);
	pair_end(&p);
}

/* As a peer would that has other rules. */
static void send_raw(struct transport *t, uint16_t stream, uint32_t ppid, struct bytes data)
{
	const struct assoc_message m = { .stream = stream, .ppid = ppid, .data = data };

	assert_int_equal(assoc_send(t->assoc, &m), ASSOC_SEND_OK);
}

static void send_open(struct transport *t, uint16_t stream, struct bytes label,
		      const char *protocol)
{
	uint8_t buf[2048];
	const struct dcep_open open = { .label = label, .protocol = bytes_of_str(protocol) };

	send_raw(t, stream, PPID_DCEP, bytes_of(buf, dcep_open_write(&open, buf, sizeof(buf))));
}

static bool accept_none(struct pair_side *side, struct channel *c)
{
	const struct channel_events events = { 0 };

	*(int *)side->user += 1;
	channel_set_events(c, &events);
	return true;
}

static void test_flood_of_channels(void **state)
{
	struct transport_pair p;
	int count = 0;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_none;
	p.side[1].user = &count;
	for (uint16_t i = 0; i < 2 * CHANNEL_MAX; i++) {
		send_open(p.side[0].transport, (uint16_t)(2 * i), BYTES("x"), CHANNEL_STREAM);
		if (i % 32 == 31)
			pair_run(&p, 50000);
		if (i == CHANNEL_MAX + 10)
			assert_false(p.side[1].has_failed);
	}
	send_open(p.side[0].transport, 1, BYTES("x"), CHANNEL_STREAM);
	pair_run(&p, SECOND);
	assert_int_equal(count, CHANNEL_MAX);
	assert_true(p.side[1].has_failed);
	assert_int_equal(p.side[1].failure, TRANSPORT_PROTOCOL);
	pair_end(&p);
}

static void test_own_limit(void **state)
{
	struct transport_pair p;
	const struct channel_events events = { 0 };
	int count = 0;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_none;
	p.side[1].user = &count;
	for (int i = 0; i < CHANNEL_MAX; i++)
		assert_non_null(transport_open(p.side[0].transport, "x", CHANNEL_STREAM, &events));
	assert_null(transport_open(p.side[0].transport, "x", CHANNEL_STREAM, &events));
	pair_run(&p, SECOND);
	assert_int_equal(count, CHANNEL_MAX);
	assert_false(p.side[1].has_failed);
	pair_end(&p);
}

static bool accept_odd(struct pair_side *side, struct channel *c)
{
	int *count = side->user;

	if (*count == 0)
		assert_string_equal(channel_label(c), "a?b?~ ??");
	else
		assert_int_equal(strlen(channel_label(c)), CHANNEL_LABEL_MAX);
	return accept_none(side, c);
}

static void test_odd_labels(void **state)
{
	struct transport_pair p;
	uint8_t label[1000];
	int count = 0;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_odd;
	p.side[1].user = &count;
	memset(label, 'x', sizeof(label));
	send_open(p.side[0].transport, 0, BYTES("a\0b\n~ \x7f\xff"), "chat");
	send_open(p.side[0].transport, 2, bytes_of(label, sizeof(label)), "chat");
	pair_run(&p, SECOND);
	assert_int_equal(count, 2);
	pair_end(&p);
}

/* What a peer may not say of a stream that it has opened. */
static void test_broken_rules(void **state)
{
	static const uint8_t much[60000];
	static const struct {
		const char *why;
		uint32_t ppid;
		struct bytes data;
		int times;
	} cases[] = {
		{ "a grant of nothing", PPID_STRING, BYTES("grant 0"), 1 },
		{ "a grant of no number", PPID_STRING, BYTES("grant -1"), 1 },
		{ "too many grants", PPID_STRING, BYTES("grant 2000000000"), 2 },
		{ "two ends", PPID_STRING, BYTES("end"), 2 },
		{ "more than was granted", PPID_BINARY, { much, sizeof(much) }, 100 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct transport_pair p;
		int count = 0;

		connect_pair(&p, NULL);
		p.side[1].on_channel = accept_none;
		p.side[1].user = &count;
		send_open(p.side[0].transport, 0, BYTES("x"), CHANNEL_STREAM);
		for (int k = 0; k < cases[i].times && !p.side[1].has_failed; k++) {
			send_raw(p.side[0].transport, 0, cases[i].ppid, cases[i].data);
			pair_run(&p, 30000);
		}
		pair_run(&p, 5 * SECOND);
		if (!p.side[1].has_failed)
			fail_msg("%s: nothing happened", cases[i].why);
		assert_int_equal(p.side[1].failure, TRANSPORT_PROTOCOL);
		assert_int_equal(count, 1);
		pair_end(&p);
	}
}

/* Of another version, or of no meaning: passed over. */
static void test_unknown_words(void **state)
{
	struct transport_pair p;
	int count = 0;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_none;
	p.side[1].user = &count;
	send_raw(p.side[0].transport, 8, PPID_BINARY, BYTES("nobody knows this stream"));
	send_raw(p.side[0].transport, 8, PPID_DCEP, BYTES("\3\0"));
	send_raw(p.side[0].transport, 1000, PPID_DCEP, BYTES("\2"));
	send_open(p.side[0].transport, 100, BYTES("x"), CHANNEL_STREAM);
	send_raw(p.side[0].transport, 100, PPID_STRING, BYTES("sing"));
	send_raw(p.side[0].transport, 100, 12345, BYTES("what"));
	send_raw(p.side[0].transport, 100, PPID_DCEP, BYTES("\2"));
	pair_run(&p, SECOND);
	assert_int_equal(count, 1);
	assert_works(&p);
	pair_end(&p);
}

static bool accept_messages(struct pair_side *side, struct channel *c)
{
	const struct channel_events events = { 0 };

	*(struct channel **)side->user = c;
	channel_set_events(c, &events);
	return true;
}

/* What a peer wants to have for a moment only may never leave: nobody else waits for that. */
static void test_timed_messages(void **state)
{
	static const uint8_t message[1000];
	uint8_t buf[64];
	const struct dcep_open open = { .type = DCEP_TIMED, .reliability = 1 };
	struct transport_pair p;
	struct channel *c = NULL;

	connect_pair(&p, NULL);
	p.side[1].on_channel = accept_messages;
	p.side[1].user = &c;
	p.side[1].path.rate = 20000;
	send_raw(p.side[0].transport, 100, PPID_DCEP,
		 bytes_of(buf, dcep_open_write(&open, buf, sizeof(buf))));
	pair_run(&p, SECOND);
	assert_non_null(c);
	for (int i = 0; i < 200; i++) {
		(void)channel_send(c, bytes_of(message, sizeof(message)), false);
		pair_run(&p, 10000);
	}
	pair_run(&p, 20 * SECOND);
	assert_true(channel_is_flushed(c));
	assert_works(&p);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_fingerprint),
		cmocka_unit_test(test_nobody_is_expected),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_spoilt_handshake),
		cmocka_unit_test(test_flood_of_channels),
		cmocka_unit_test(test_own_limit),
		cmocka_unit_test(test_odd_labels),
		cmocka_unit_test(test_broken_rules),
		cmocka_unit_test(test_unknown_words),
		cmocka_unit_test(test_timed_messages),
	};

	if (!transport_is_built())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
