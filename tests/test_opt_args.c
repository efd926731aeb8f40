/* opt: the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "opt.h"
#include "opt_fixture.h"
#include "wire.h"

static const struct opt_program *const p = &kitchen_program;

#define ARGS_MAX 12

/* args ends with NULL. */
static bool read_args(const char *const *args, struct kitchen *k, int *first, struct opt_error *err)
{
	char *argv[ARGS_MAX + 2] = { (char *)"kitchen" };
	int argc = 1;

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)args[argc - 1];
	return opt_defaults(p, k, err) && opt_read_args(p, argc, argv, k, first, err);
}

static void every_way_of_writing_is_read(void **state)
{
	static const char *const args[] = { "-qw3",      "--title=a # b",    "--timeout",
					    "2s",        "--no-lamp",        "-L",
					    "192.0.2.1", "--listen=[::1]:5", "--check=on",
					    "--tag",     "a,\"b,c\"",        NULL };
	struct opt_error err;
	struct kitchen k;
	int first;

	if (!read_args(args, &k, &first, &err))
		fail_msg("%s", err.text);
	assert_int_equal(first, 12);
	assert_true(k.quiet);
	assert_false(k.lamp);
	assert_true(k.check);
	assert_int_equal(k.workers, 3);
	assert_int_equal(k.timeout_ms, 2000);
	assert_string_equal(k.title, "a # b");
	assert_int_equal(k.listen.count, 2);
	assert_int_equal(((struct addr *)k.listen.items)[0].port, 3478);
	assert_int_equal(k.tags.count, 2);
	assert_string_equal(((char **)k.tags.items)[1], "b,c");
	opt_clear(p, &k);
}

static void the_command_line_wins_over_the_file(void **state)
{
	static const char text[] = "workers = 9\nlisten = 192.0.2.1, 192.0.2.2\ntag = x\n";
	char *argv[] = { (char *)"kitchen", (char *)"-w4", (char *)"-w5", (char *)"-L192.0.2.3",
			 NULL };
	struct opt_error err;
	struct kitchen k;
	int first;

	assert_true(opt_defaults(p, &k, &err));
	assert_true(opt_read_text(p, "f", text, strlen(text), &k, &err));
	assert_true(opt_read_args(p, 4, argv, &k, &first, &err));
	assert_int_equal(k.workers, 5);
	assert_int_equal(k.listen.count, 1);
	assert_int_equal(((struct addr *)k.listen.items)[0].ip[3], 3);
	assert_int_equal(k.tags.count, 1);
	opt_clear(p, &k);
}

static void operands_are_left_to_the_caller(void **state)
{
	static const struct {
		const char *args[5];
		int first;
		bool quiet;
	} cases[] = {
		{ { NULL }, 1, false },           { { "a", "-q" }, 1, false },
		{ { "-q", "a", "-x" }, 2, true }, { { "-q", "--", "-x" }, 3, true },
		{ { "-", "-q" }, 1, false },      { { "--title", "--", "-q" }, 4, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_error err;
		struct kitchen k;
		int first;

		if (!read_args(cases[i].args, &k, &first, &err))
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(k.quiet, cases[i].quiet);
		opt_clear(p, &k);
	}
}

static void the_help_of_a_command_lists_its_options(void **state)
{
	static const struct opt table[] = { { 0 } };
	static const struct opt_program program = {
		.name = "kitchen", .synopsis = "cook [OPTION]... DISH", .table = table, .size = 1
	};
	char *long_one[] = { "kitchen", "--elephant", NULL }, *letter[] = { "kitchen", "-x", NULL };
	struct opt_error err;
	uint8_t nothing[1];
	int first;

	(void)state;
	assert_false(opt_read_args(&program, 2, long_one, nothing, &first, &err));
	assert_string_equal(err.text, "unknown option --elephant; kitchen cook --help lists them");
	assert_false(opt_read_args(&program, 2, letter, nothing, &first, &err));
	assert_string_equal(err.text, "unknown option -x; kitchen cook --help lists them");
}

static void mistakes_name_the_option_and_a_remedy(void **state)
{
	static const struct {
		const char *args[4];
		const char *message;
	} cases[] = {
		{ { "--wokers=1" }, "unknown option --wokers; did you mean --workers?" },
		{ { "--configg=1" }, "unknown option --configg; did you mean --config?" },
		{ { "--elephant" }, "unknown option --elephant; kitchen --help lists them" },
		{ { "--label=x" }, "unknown option --label; kitchen --help lists them" },
		{ { "-x" }, "unknown option -x; kitchen --help lists them" },
		{ { "-qx" }, "unknown option -x; kitchen --help lists them" },
		{ { "--secret=hunter2" },
		  "--secret is a secret; put it into a file and name that with "
		  "--secret-file=PATH" },
		{ { "--workers" }, "--workers: a value is missing behind it" },
		{ { "-w" }, "-w: a value is missing behind it" },
		{ { "--workers=99" }, "--workers: 99 is out of range; from 1 to 64 it may be" },
		{ { "-w", "x" }, "-w: `x` is no whole number" },
		{ { "--workers=" }, "--workers: a value is missing" },
		{ { "--quiet=2" }, "--quiet: `2` is neither on nor off" },
		{ { "--no-quiet=on" }, "--no-quiet takes no value" },
		{ { "--no-workers" }, "unknown option --no-workers; did you mean --workers?" },
		{ { "--=x" }, "unknown option --; kitchen --help lists them" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_error err;
		struct kitchen k;
		int first;

		if (read_args(cases[i].args, &k, &first, &err))
			fail_msg("accepted: %s", cases[i].args[0]);
		assert_string_equal(err.text, cases[i].message);
		opt_clear(p, &k);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_of_writing_is_read),
		cmocka_unit_test(the_command_line_wins_over_the_file),
		cmocka_unit_test(operands_are_left_to_the_caller),
		cmocka_unit_test(the_help_of_a_command_lists_its_options),
		cmocka_unit_test(mistakes_name_the_option_and_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
