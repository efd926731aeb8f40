/* attach_wire: the first line on a link's socket. */
#include "natprobe/link/attach_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void lines_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		struct attach_line line;
	} cases[] = {
		{ "connect echo", { ATTACH_CONNECT, false, "echo" } },
		{ "connect dns.53_u-dp datagrams", { ATTACH_CONNECT, true, "dns.53_u-dp" } },
		{ "accept echo", { ATTACH_ACCEPT, false, "echo" } },
		{ "join datagrams", { ATTACH_JOIN, false, "datagrams" } },
		{ "status", { ATTACH_STATUS, false, "" } },
		{ "watch", { ATTACH_WATCH, false, "" } },
	};
	struct attach_line got;
	char buf[ATTACH_LINE_MAX];
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = cases[i].text;
		size_t len = strlen(text);

		assert_true(attach_line_read(bytes_of_str(text), &got, &why));
		assert_int_equal(got.verb, cases[i].line.verb);
		assert_int_equal(got.datagrams, cases[i].line.datagrams);
		assert_string_equal(got.service, cases[i].line.service);
		assert_int_equal(attach_line_write(&got, buf, len), 0);
		assert_int_equal(attach_line_write(&got, buf, len + 1), len + 1);
		assert_memory_equal(buf, text, len);
		assert_int_equal(buf[len], '\n');
	}
}

static void other_lines_are_refused_with_a_reason(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"connect",
		"connect ",
		"connect  echo",
		"connect echo ",
		"connect a/b",
		"connect echo datagram",
		"accept",
		"accept echo datagrams",
		"join a b",
		"status ",
		"status echo",
		"CONNECT echo",
		"connect echo\r",
		"listen echo",
		"connect \xc3\xa4",
	};
	struct attach_line got;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		why = NULL;
		if (attach_line_read(bytes_of_str(cases[i]), &got, &why))
			fail_msg("'%s' was believed", cases[i]);
		assert_non_null(why);
		assert_int_equal(got.verb, ATTACH_NONE);
	}
}

static void a_service_has_a_longest_name(void **state)
{
	char text[ATTACH_LINE_MAX + 16] = "connect ";
	struct attach_line got;
	const char *why;

	memset(text + 8, 'x', ATTACH_SERVICE_MAX);
	assert_true(attach_line_read(bytes_of(text, 8 + ATTACH_SERVICE_MAX), &got, &why));
	text[8 + ATTACH_SERVICE_MAX] = 'x';
	assert_false(attach_line_read(bytes_of(text, 9 + ATTACH_SERVICE_MAX), &got, &why));
	memset(text + 8, 'x', sizeof(text) - 8);
	assert_false(attach_line_read(bytes_of(text, sizeof(text)), &got, &why));
}

static void lines_that_are_none_are_not_written(void **state)
{
	const struct attach_line none = { 0 }, unknown = { .verb = 77 },
				 nameless = { .verb = ATTACH_ACCEPT },
				 odd = { .verb = ATTACH_JOIN, .service = "a b" };
	char buf[ATTACH_LINE_MAX];

	assert_int_equal(attach_line_write(&none, buf, sizeof(buf)), 0);
	assert_int_equal(attach_line_write(&unknown, buf, sizeof(buf)), 0);
	assert_int_equal(attach_line_write(&nameless, buf, sizeof(buf)), 0);
	assert_int_equal(attach_line_write(&odd, buf, sizeof(buf)), 0);
}

static void answers_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		struct attach_answer answer;
	} cases[] = {
		{ "ok", { true, false, "", "" } },
		{ "ok datagrams", { true, true, "", "" } },
		{ "error busy", { false, false, "busy", "" } },
		{ "error gone the other side left",
		  { false, false, "gone", "the other side left" } },
	};
	struct attach_answer got;
	char buf[ATTACH_LINE_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);

		assert_true(attach_answer_read(bytes_of_str(cases[i].text), &got));
		assert_int_equal(got.is_ok, cases[i].answer.is_ok);
		assert_int_equal(got.datagrams, cases[i].answer.datagrams);
		assert_string_equal(got.word, cases[i].answer.word);
		assert_string_equal(got.text, cases[i].answer.text);
		assert_int_equal(attach_answer_write(&got, buf, sizeof(buf)), len + 1);
		assert_memory_equal(buf, cases[i].text, len);
	}
}

static void other_answers_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"OK",
		"ok ",
		"ok yes",
		"error",
		"error ",
		"error  text",
		"error busy ",
		"error busy a\x1b[2J",
		"error 0123456789012345678901234567890123456789 x",
	};
	struct attach_answer got;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (attach_answer_read(bytes_of_str(cases[i]), &got))
			fail_msg("'%s' was believed", cases[i]);
	}
}

static void a_long_text_is_cut_and_stays_a_line(void **state)
{
	struct attach_answer answer = { .word = "long" }, got;
	char buf[ATTACH_LINE_MAX];
	size_t len;

	memset(answer.text, '\n', sizeof(answer.text) - 1);
	len = attach_answer_write(&answer, buf, sizeof(buf));
	assert_int_equal(len, ATTACH_LINE_MAX);
	assert_int_equal(buf[len - 1], '\n');
	assert_null(memchr(buf, '\n', len - 1));
	assert_true(attach_answer_read(bytes_of(buf, len - 1), &got));
	assert_int_equal(got.text[0], '?');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_and_written),
		cmocka_unit_test(other_lines_are_refused_with_a_reason),
		cmocka_unit_test(a_service_has_a_longest_name),
		cmocka_unit_test(lines_that_are_none_are_not_written),
		cmocka_unit_test(answers_are_read_and_written),
		cmocka_unit_test(other_answers_are_refused),
		cmocka_unit_test(a_long_text_is_cut_and_stays_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
