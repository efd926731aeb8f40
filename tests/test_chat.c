/* chat: lines arrive once and in order over a path that loses and repeats, and nobody can forge one. */
#include "natprobe/pair/chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define START 1000000

struct pair {
	struct chat a, b;
	uint64_t now_us;
};

static struct pair start(void)
{
	static const uint8_t key[CHAT_KEY_LEN] = { 1, 2, 3 };
	struct pair p = { .now_us = START };

	assert_true(chat_start(&p.a, key, true, START));
	assert_true(chat_start(&p.b, key, false, START));
	return p;
}

/* What `from` sends now arrives at `to`, `copies` times. Returns the length of a line that is new. */
static size_t carry(struct pair *p, struct chat *from, struct chat *to, int copies, char *line)
{
	uint8_t sent[CHAT_BYTES_MAX], got[CHAT_BYTES_MAX];
	uint64_t deadline_us;
	struct bytes data = chat_next(from, p->now_us, sent, &deadline_us);
	size_t len = 0;

	for (int i = 0; i < copies && data.len > 0; i++) {
		struct bytes new = chat_hear(to, data, p->now_us, got);

		if (new.len == 0)
			continue;
		assert_int_equal(len, 0);
		len = new.len;
		memcpy(line, new.data, len);
		line[len] = '\0';
	}
	return len;
}

static void test_lines_arrive_once(void **state)
{
	struct pair p = start();
	char line[CHAT_LINE_MAX + 1];

	assert_true(chat_say(&p.a, bytes_of_str("hello"), p.now_us));
	assert_false(chat_say(&p.a, bytes_of_str("too early"), p.now_us));
	assert_int_equal(carry(&p, &p.a, &p.b, 0, line), 0); /* lost */
	p.now_us += CHAT_AGAIN_US;
	assert_int_equal(carry(&p, &p.a, &p.b, 3, line), 5); /* thrice */
	assert_string_equal(line, "hello");
	assert_int_equal(carry(&p, &p.b, &p.a, 0, line), 0); /* the answer is lost */
	p.now_us += CHAT_AGAIN_US;
	assert_int_equal(carry(&p, &p.a, &p.b, 1, line), 0);
	assert_int_equal(carry(&p, &p.b, &p.a, 1, line), 0);
	assert_true(chat_say(&p.a, bytes_of_str("second"), p.now_us));
	assert_int_equal(carry(&p, &p.a, &p.b, 1, line), 6);
	assert_string_equal(line, "second");
	assert_false(chat_is_over(&p.a, p.now_us));
}

static void test_forgeries_are_not_believed(void **state)
{
	struct pair p = start();
	uint8_t sent[CHAT_BYTES_MAX], got[CHAT_BYTES_MAX];
	uint64_t deadline_us;
	struct bytes data;

	assert_true(chat_say(&p.a, bytes_of_str("hello"), p.now_us));
	data = chat_next(&p.a, p.now_us, sent, &deadline_us);
	assert_true(data.len > 0);
	assert_int_equal(chat_hear(&p.a, data, p.now_us, got).len, 0); /* our own comes back */
	for (size_t i = 0; i < data.len; i++) {
		sent[i] ^= 1;
		assert_int_equal(chat_hear(&p.b, data, p.now_us, got).len, 0);
		sent[i] ^= 1;
	}
	for (size_t cut = 0; cut < data.len; cut++)
		assert_int_equal(chat_hear(&p.b, bytes_of(sent, cut), p.now_us, got).len, 0);
	assert_int_equal(chat_hear(&p.b, data, p.now_us, got).len, 5);
}

static void test_it_ends(void **state)
{
	struct pair p = start();
	char line[CHAT_LINE_MAX + 1];

	chat_leave(&p.a, p.now_us);
	(void)carry(&p, &p.a, &p.b, 1, line);
	assert_true(chat_is_over(&p.b, p.now_us));
	p = start();
	assert_false(chat_is_over(&p.b, p.now_us + CHAT_GONE_US));
	assert_true(chat_is_over(&p.b, p.now_us + CHAT_GONE_US + 1));
}

static void test_long_lines(void **state)
{
	struct pair p = start();
	char line[CHAT_LINE_MAX + 1], text[CHAT_LINE_MAX + 1];

	memset(text, 'x', sizeof(text));
	assert_false(chat_say(&p.a, bytes_of(text, sizeof(text)), p.now_us));
	assert_false(chat_say(&p.a, bytes_of(text, 0), p.now_us));
	assert_true(chat_say(&p.a, bytes_of(text, CHAT_LINE_MAX), p.now_us));
	assert_int_equal(carry(&p, &p.a, &p.b, 1, line), CHAT_LINE_MAX);
}

static void expect_clean(const char *line, const char *want)
{
	uint8_t text[CHAT_LINE_MAX];
	size_t len = strlen(line);

	memcpy(text, line, len);
	len = chat_clean(text, len);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(text, want, len);
}

static void test_words_are_shown_and_orders_are_not(void **state)
{
	expect_clean("", "");
	expect_clean("\xc3\x84 \xe2\x82\xac \xf0\x9f\x99\x82",
		     "\xc3\x84 \xe2\x82\xac \xf0\x9f\x99\x82");
	expect_clean("\x1b[2J\x07\x7f", "?[2J??");
	expect_clean("\xc2\x9b"
		     "2J",
		     "?2J"); /* CSI of 8 bits */
	expect_clean("\x9b"
		     "2J\xc3",
		     "?2J?");
	expect_clean("\xc0\x9b", "??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_arrive_once),
		cmocka_unit_test(test_forgeries_are_not_believed),
		cmocka_unit_test(test_it_ends),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_words_are_shown_and_orders_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
