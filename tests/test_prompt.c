/* Passwords as they are typed, and as they come by a pipe. */
#include <config.h>

#include "prompt.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire.h"

/* A stream that says this, and ends. */
static FILE *pipe_of(const char *text)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	return fdopen(fds[0], "r");
}

static void lines_of_a_pipe(void **state)
{
	static const struct {
		const char *text;
		enum prompt_result result;
		const char *line;
	} cases[] = {
		{ "secret\n", PROMPT_OK, "secret" },
		{ "secret\r\n", PROMPT_OK, "secret" },
		{ "secret", PROMPT_OK, "secret" },
		{ "", PROMPT_NOTHING, NULL },
		{ "\n", PROMPT_OK, "" },
		{ "12345678\n", PROMPT_OK, "12345678" },
		{ "123456789\n", PROMPT_LONG, NULL },
		{ "123456789", PROMPT_LONG, NULL },
		{ "1234\nnext\n", PROMPT_OK, "1234" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		FILE *in = pipe_of(cases[i].text);
		char line[10];

		assert_false(prompt_is_person(in));
		if (prompt_line(in, "", line, sizeof(line)) != cases[i].result)
			fail_msg("%s", cases[i].text);
		if (cases[i].line != NULL)
			assert_string_equal(line, cases[i].line);
		fclose(in);
	}
}

static bool has_echo(int fd)
{
	struct termios now;

	assert_int_equal(tcgetattr(fd, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

/* Types when nothing of it is shown any more; what was typed before is thrown away. */
static void type(int keyboard, const char *text)
{
	while (has_echo(keyboard))
		usleep(1000);
	(void)!write(keyboard, text, strlen(text));
	_exit(0);
}

static void what_is_typed_is_not_shown(void **state)
{
	int keyboard = posix_openpt(O_RDWR | O_NOCTTY);
	char line[64], shown[64] = "";
	FILE *in;
	pid_t pid;

	if (keyboard < 0 || grantpt(keyboard) != 0 || unlockpt(keyboard) != 0)
		skip();
	in = fopen(ptsname(keyboard), "r");
	assert_non_null(in);
	assert_true(prompt_is_person(in));
	assert_true(has_echo(keyboard));
	pid = fork();
	if (pid == 0)
		type(keyboard, "open sesame\n");
	assert_int_equal(prompt_line(in, "", line, sizeof(line)), PROMPT_OK);
	assert_string_equal(line, "open sesame");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(has_echo(keyboard));
	assert_int_equal(fcntl(keyboard, F_SETFL, O_NONBLOCK), 0);
	(void)!read(keyboard, shown, sizeof(shown) - 1);
	assert_null(strstr(shown, "sesame"));
	fclose(in);
	close(keyboard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_a_pipe),
		cmocka_unit_test(what_is_typed_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
