/* log: lines for people, machines and the journal; whole, clean, one write each. */
#include <config.h> /* _GNU_SOURCE */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "log_line.h"
#include "wire.h"

#define TIME_MS 1795211851123u /* 2026-11-20T21:57:31.123Z */

static const char *make(struct log_style style, enum log_level level, const char *message)
{
	static char text[LOG_LINE_MAX + 1];
	size_t len = log_line(style, TIME_MS, level, "event", message, text);

	text[len] = '\0';
	return text;
}

static void a_text_line_is_for_people(void **state)
{
	struct log_style style = { .format = LOG_FORMAT_TEXT };

	assert_string_equal(make(style, LOG_LEVEL_INFO, "UDP on 192.0.2.1:3478"),
			    "2026-11-20T21:57:31.123Z info event: UDP on 192.0.2.1:3478\n");
	assert_string_equal(make(style, LOG_LEVEL_ERROR, ""),
			    "2026-11-20T21:57:31.123Z error event: \n");
}

static void a_json_line_is_for_machines(void **state)
{
	struct log_style style = { .format = LOG_FORMAT_JSON, .colour = true };

	assert_string_equal(make(style, LOG_LEVEL_WARN, "say \"a\\b\""),
			    "{\"time\":\"2026-11-20T21:57:31.123Z\",\"level\":\"warn\","
			    "\"event\":\"event\",\"message\":\"say \\\"a\\\\b\\\"\"}\n");
}

static void the_journal_gets_a_priority(void **state)
{
	struct log_style style = { .format = LOG_FORMAT_TEXT, .journal = true };

	assert_string_equal(make(style, LOG_LEVEL_ERROR, "m"), "<3>error event: m\n");
	assert_string_equal(make(style, LOG_LEVEL_WARN, "m"), "<4>warn event: m\n");
	assert_string_equal(make(style, LOG_LEVEL_INFO, "m"), "<6>info event: m\n");
	assert_string_equal(make(style, LOG_LEVEL_DEBUG, "m"), "<7>debug event: m\n");
	style.format = LOG_FORMAT_JSON;
	assert_memory_equal(make(style, LOG_LEVEL_INFO, "m"), "<6>{\"time\":", 11);
}

static void colour_is_around_the_level_only(void **state)
{
	struct log_style style = { .format = LOG_FORMAT_TEXT, .colour = true };

	assert_string_equal(make(style, LOG_LEVEL_ERROR, "m"),
			    "2026-11-20T21:57:31.123Z \033[31merror\033[0m event: m\n");
	assert_string_equal(make(style, LOG_LEVEL_INFO, "m"),
			    "2026-11-20T21:57:31.123Z info event: m\n");
}

static void a_line_stays_one_line_of_utf8(void **state)
{
	static const struct {
		const char *message, *text, *json;
	} cases[] = {
		{ "a\nb\tc\rd", "a\\nb\\tc\\x0dd", "a\\u000ab\\u0009c\\u000dd" },
		{ "\x1b[31m\x7f", "\\x1b[31m\\x7f", "\\u001b[31m\\u007f" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xc2\x9b", "\\xc2\\x9b", "\\u009b" }, /* CSI of C1 */
		{ "\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf",
		  "\xe2\x80\xa7\xe2\x80\xaf" },
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028" }, /* line separator */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae", "\\u202e" }, /* right to left */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\\u2066" }, /* the same, isolated */
		{ "\xff", "\\xff", "\\ufffd" },                   /* never */
		{ "\x80", "\\x80", "\\ufffd" },                   /* no start */
		{ "\xc3", "\\xc3", "\\ufffd" },                   /* cut */
		{ "\xc3x", "\\xc3x", "\\ufffdx" },                /* cut */
		{ "\xe2\x82", "\\xe2\\x82", "\\ufffd\\ufffd" },   /* cut */
		{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98", "\\ufffd\\ufffd\\ufffd" },
		{ "\xc0\x80", "\\xc0\\x80", "\\ufffd\\ufffd" }, /* overlong */
		{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", "\\ufffd\\ufffd\\ufffd" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char want[200];

		snprintf(want, sizeof(want), "2026-11-20T21:57:31.123Z info event: %s\n",
			 cases[i].text);
		assert_string_equal(make((struct log_style){ 0 }, LOG_LEVEL_INFO, cases[i].message),
				    want);
		snprintf(want, sizeof(want),
			 "{\"time\":\"2026-11-20T21:57:31.123Z\",\"level\":\"info\","
			 "\"event\":\"event\",\"message\":\"%s\"}\n",
			 cases[i].json);
		assert_string_equal(make((struct log_style){ .format = LOG_FORMAT_JSON },
					 LOG_LEVEL_INFO, cases[i].message),
				    want);
	}
}

static void a_long_message_is_cut_between_characters(void **state)
{
	char message[LOG_MESSAGE_MAX + 10];
	const char *line;

	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	memcpy(message + LOG_MESSAGE_MAX - 2, "\xe2\x82\xac", 3);
	line = make((struct log_style){ 0 }, LOG_LEVEL_INFO, message);
	assert_string_equal(line + strlen(line) - 6, "xx...\n");

	memset(message, '\x01', LOG_MESSAGE_MAX);
	line = make((struct log_style){ .format = LOG_FORMAT_JSON, .journal = true },
		    LOG_LEVEL_INFO, message);
	assert_string_equal(line + strlen(line) - 12, "\\u0001...\"}\n");
}

/* A pipe takes that many bytes in one piece; of more, others may come between. */
static void a_line_is_one_write_for_a_pipe(void **state)
{
	static const enum log_format formats[] = { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
	char message[LOG_MESSAGE_MAX + 1] = { 0 };

	memset(message, '\x01', LOG_MESSAGE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct log_style style = { .format = formats[i], .journal = true };
		char line[LOG_LINE_MAX];
		size_t len = log_line(style, TIME_MS, LOG_LEVEL_INFO, message, message, line);

		assert_true(len <= 4096);
		assert_int_equal(line[len - 1], '\n');
	}
}

/* stderr of this process, led into a pipe. */
struct capture {
	int real, from;
};

static struct capture capture_start(void)
{
	struct capture c;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	c.real = dup(STDERR_FILENO);
	c.from = fds[0];
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	return c;
}

/* Puts stderr back, and returns what was written meanwhile. */
static const char *capture_end(struct capture c)
{
	static char text[65536]; /* as much as a pipe holds */
	size_t len = 0;
	ssize_t n;

	dup2(c.real, STDERR_FILENO);
	close(c.real);
	while ((n = read(c.from, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(c.from);
	text[len] = '\0';
	return text;
}

static void lines_go_to_stderr(void **state)
{
	struct capture c = capture_start();

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	errno = EBADF;
	log_event(LOG_LEVEL_INFO, "listen", "on %s, %d", "port\n", 3478);
	int kept_errno = errno;
	log_event(LOG_LEVEL_DEBUG, "noise", "not wanted");
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_event(LOG_LEVEL_DEBUG, "noise", "wanted");
	const char *text = capture_end(c);

	assert_int_equal(kept_errno, EBADF);
	assert_non_null(strstr(text, "Z info listen: on port\\n, 3478\n{\"time\":\""));
	assert_non_null(
		strstr(text, "\"level\":\"debug\",\"event\":\"noise\",\"message\":\"wanted\"}\n"));
	assert_null(strstr(text, "not wanted"));
	assert_null(strchr(text, '\033')); /* a pipe is no terminal */
}

#define WRITERS 4
#define LINES   100

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_event(LOG_LEVEL_INFO, "thread", "%s %s", (const char *)arg, (const char *)arg);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static const char *const words[WRITERS] = { "aaaa", "bbbb", "cccc", "dddd" };
	struct capture c = capture_start();
	pthread_t threads[WRITERS];
	int lines = 0;

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)words[i]);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	for (const char *line = capture_end(c); *line != '\0'; line += strcspn(line, "\n") + 1) {
		const char *message = strstr(line, ": ");

		assert_non_null(message);
		assert_int_equal(strcspn(message, "\n"), 11);
		assert_memory_equal(message + 2, message + 7, 4);
		lines++;
	}
	assert_int_equal(lines, WRITERS * LINES);
}

static void the_journal_is_known_by_its_stream(void **state)
{
	struct capture c = capture_start();
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", "8:1", 1); /* of another process */
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_event(LOG_LEVEL_INFO, "a", "b");
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_event(LOG_LEVEL_INFO, "c", "d");
	unsetenv("JOURNAL_STREAM");
	const char *text = capture_end(c);

	assert_non_null(strstr(text, "Z info a: b\n<6>info c: d\n"));
}

/* One line to a terminal, as that terminal gets it. */
static const char *line_on_terminal(void)
{
	static char text[400];
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int real = dup(STDERR_FILENO);
	int slave;

	if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
		skip();
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	dup2(slave, STDERR_FILENO);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_event(LOG_LEVEL_ERROR, "a", "b");
	dup2(real, STDERR_FILENO);
	close(real);
	ssize_t n = read(terminal, text, sizeof(text) - 1);
	close(slave);
	close(terminal);
	assert_true(n > 0);
	text[n] = '\0';
	return text;
}

static void a_terminal_has_colours_unless_it_says_no(void **state)
{
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_non_null(strstr(line_on_terminal(), "Z \033[31merror\033[0m a: b"));
	setenv("NO_COLOR", "1", 1);
	assert_non_null(strstr(line_on_terminal(), "Z error a: b"));
	setenv("NO_COLOR", "", 1); /* empty counts as not set (no-color.org) */
	assert_non_null(strstr(line_on_terminal(), "\033[31m"));
	setenv("TERM", "dumb", 1);
	assert_non_null(strstr(line_on_terminal(), "Z error a: b"));
	unsetenv("NO_COLOR");
}

static void levels_are_in_order_and_have_names(void **state)
{
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	assert_true(log_wants(LOG_LEVEL_ERROR));
	assert_true(log_wants(LOG_LEVEL_WARN));
	assert_false(log_wants(LOG_LEVEL_INFO));
	assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "debug");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_line_is_for_people),
		cmocka_unit_test(a_json_line_is_for_machines),
		cmocka_unit_test(the_journal_gets_a_priority),
		cmocka_unit_test(colour_is_around_the_level_only),
		cmocka_unit_test(a_line_stays_one_line_of_utf8),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(a_line_is_one_write_for_a_pipe),
		cmocka_unit_test(lines_go_to_stderr),
		cmocka_unit_test(lines_of_threads_do_not_mix),
		cmocka_unit_test(the_journal_is_known_by_its_stream),
		cmocka_unit_test(a_terminal_has_colours_unless_it_says_no),
		cmocka_unit_test(levels_are_in_order_and_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
