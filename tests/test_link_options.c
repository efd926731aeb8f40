/* link_options: what link, pipe, send, receive and forward take, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "natprobe/link/link_options.h"

#define ARGS_MAX 8

struct line {
	const struct opt_program *program;
	const char *args[ARGS_MAX];
};

static bool read_line(const struct line *line, struct link_options *o)
{
	char copies[ARGS_MAX + 1][80] = { "natprobe" }, *argv[ARGS_MAX + 2] = { copies[0] };
	struct opt_error err;
	int argc = 1, first;

	for (; argc <= ARGS_MAX && line->args[argc - 1] != NULL; argc++) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", line->args[argc - 1]);
		argv[argc] = copies[argc];
	}
	assert_true(opt_defaults(line->program, o, &err));
	return opt_read_args(line->program, argc, argv, o, &first, &err);
}

static void every_command_takes_what_two_need_to_meet(void **state)
{
	static const struct opt_program *const programs[] = {
		&link_program, &pipe_program, &send_program, &receive_program, &forward_program,
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const struct line line = { programs[i],
					   { "--rendezvous=https://a.example/", "--wait=1m",
					     "--strategy=relay", "--turn=turn:b.example",
					     "--name=two", "-j", NULL } };
		struct link_options o;

		assert_true(read_line(&line, &o));
		assert_int_equal(o.punch.rendezvous.count, 1);
		assert_int_equal(o.punch.wait_ms, 60000);
		assert_string_equal(o.punch.turn, "turn:b.example");
		assert_string_equal(o.name, "two");
		assert_true(o.punch.json && o.punch.upnp);
		opt_clear(programs[i], &o);
	}
}

static void each_has_its_own(void **state)
{
	static const struct line lines[] = {
		{ &link_program, { "--listen-write=10100", "--listen-read=10200", NULL } },
		{ &receive_program, { "-y", "-f", "-o", "dir", NULL } },
		{ &forward_program,
		  { "--allow=localhost:80", "--allow=[::1]:53/udp", "-a", "10.0.0.1:1/tcp",
		    NULL } },
	};
	struct link_options o;

	assert_true(read_line(&lines[0], &o));
	assert_int_equal(o.listen_write, 10100);
	assert_int_equal(o.listen_read, 10200);
	opt_clear(lines[0].program, &o);
	assert_true(read_line(&lines[1], &o));
	assert_true(o.yes && o.force);
	assert_string_equal(o.output, "dir");
	opt_clear(lines[1].program, &o);
	assert_true(read_line(&lines[2], &o));
	assert_int_equal(o.allow.count, 3);
	opt_clear(lines[2].program, &o);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct line lines[] = {
		{ &link_program, { "--name=../escape", NULL } },
		{ &link_program, { "--name=.hidden", NULL } },
		{ &link_program, { "--name=two words", NULL } },
		{ &link_program, { "--listen-read=65536", NULL } },
		{ &link_program, { "--rendezvous=ftp://a.example/", NULL } },
		{ &pipe_program, { "--allow=a.example:1", NULL } },
		{ &forward_program, { "--allow=a.example", NULL } },
		{ &forward_program, { "--allow=:80", NULL } },
		{ &forward_program, { "--allow=a.example:0", NULL } },
		{ &forward_program, { "--allow=a.example:65536", NULL } },
		{ &forward_program, { "--allow=a.example:99999999999999999999", NULL } },
		{ &forward_program, { "--allow=a.example:80/sctp", NULL } },
		{ &forward_program, { "--allow=a.example:/udp", NULL } },
		{ &forward_program, { "--allow=*.example:80", NULL } },
		{ &forward_program, { "--allow=::1:80", NULL } },
		{ &forward_program, { "--allow=127.1:80", NULL } },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct link_options o;

		if (read_line(&lines[i], &o))
			fail_msg("%s was taken", lines[i].args[0]);
		opt_clear(lines[i].program, &o);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_takes_what_two_need_to_meet),
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
