/* handover: programs are given what they ask for, and no secret where others could see it. */
#include "natprobe/pair/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natprobe/pair/no_core.h"
#include "wire.h"

static struct handover path(void)
{
	return (struct handover){ .inner = addr_ipv4(192, 168, 1, 2, 4242),
				  .outer = addr_ipv4(20, 0, 1, 1, 50000),
				  .peer = addr_ipv4(20, 0, 2, 1, 60000),
				  .is_a = true,
				  .lifetime_s = 120,
				  .key = { 0xab, 0xcd },
				  .fd = -1 };
}

static void expect_args(char *const *command, size_t count, const char *const *want)
{
	const struct handover h = path();
	const char *why;
	char **args = handover_args(&h, command, count, &why);
	size_t i;

	assert_non_null(args);
	for (i = 0; want[i] != NULL; i++)
		assert_string_equal(args[i], want[i]);
	assert_null(args[i]);
	handover_free_args(args);
}

static void test_wildcards_are_replaced(void **state)
{
	char *const command[] = {
		"prog", "%inner%", "--to=%peer%", "%outerip%,%outerport%", "%role%%%",
		"100%", "%other%", "%innerip",    "%peerip%%peerport%"
	};
	static const char *const want[] = { "prog",
					    "192.168.1.2:4242",
					    "--to=20.0.2.1:60000",
					    "20.0.1.1,50000",
					    "a%%",
					    "100%",
					    "%other%",
					    "%innerip",
					    "20.0.2.160000",
					    NULL };

	expect_args(command, ARRAY_LEN(command), want);
}

static void test_a_command_alone_gets_the_order_of_plexus(void **state)
{
	char *const command[] = { "prog" };
	static const char *const want[] = { "prog",  "192.168.1.2", "4242",  "20.0.1.1",
					    "50000", "20.0.2.1",    "60000", NULL };

	expect_args(command, 1, want);
}

static void test_ipv6_has_brackets_with_a_port_only(void **state)
{
	struct handover h = path();
	char *const command[] = { "prog", "%peer%", "%peerip%" };
	const char *why;
	char **args;

	assert_true(addr_parse("[2a10:20::1]:7", 0, &h.peer));
	args = handover_args(&h, command, ARRAY_LEN(command), &why);
	assert_non_null(args);
	assert_string_equal(args[1], "[2a10:20::1]:7");
	assert_string_equal(args[2], "2a10:20::1");
	handover_free_args(args);
}

static void test_secrets_do_not_become_arguments(void **state)
{
	char *const command[] = { "prog", "--key=%secret%" };
	char *const fine[] = { "prog", "%inner%" };
	char *long_one = calloc(1, 5001);
	char *const too_long[] = { "prog", long_one };

	assert_non_null(long_one);
	memset(long_one, 'a', 5000);
	assert_non_null(strstr(handover_check(command, 2), "NATPROBE_SECRET"));
	assert_null(handover_check(fine, 2));
	assert_non_null(handover_check(too_long, 2));
	assert_non_null(handover_check(fine, HANDOVER_ARGS_MAX + 1));
	free(long_one);
}

static int run(struct handover *h, const char *script)
{
	char *const args[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	int status;
	pid_t pid;

	assert_int_equal(handover_start(h, args, &pid), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_the_environment_has_it_all(void **state)
{
	struct handover h = path();

	assert_int_equal(run(&h, "test \"$NATPROBE_INNER\" = 192.168.1.2:4242 -a "
				 "\"$NATPROBE_OUTER\" = 20.0.1.1:50000 -a "
				 "\"$NATPROBE_PEER\" = 20.0.2.1:60000 -a \"$NATPROBE_ROLE\" = a -a "
				 "\"$NATPROBE_LIFETIME\" = 120 -a \"$NATPROBE_TRANSPORT\" = udp -a "
				 "\"${NATPROBE_FD-none}\" = none -a ${#NATPROBE_SECRET} = 64 -a "
				 "\"${NATPROBE_SECRET%%00*}\" = abcd"),
			 0);
	assert_null(getenv("NATPROBE_SECRET"));
}

static void test_our_passwords_are_not_its_own(void **state)
{
	struct handover h = path();

	assert_int_equal(setenv("NATPROBE_CODE", "37-copper-violin-harbor", 1), 0);
	assert_int_equal(setenv("NATPROBE_TURN_PASSWORD", "secret", 1), 0);
	assert_int_equal(setenv("NATPROBE_RENDEZVOUS", "https://h/,mqtts://me:secret@host", 1), 0);
	assert_int_equal(setenv("NATPROBE_FD", "7", 1), 0); /* of another natprobe */
	assert_int_equal(run(&h, "test \"${NATPROBE_CODE-no}${NATPROBE_TURN_PASSWORD-no}"
				 "${NATPROBE_RENDEZVOUS-no}${NATPROBE_FD-no}\" = nononono"),
			 0);
	assert_int_equal(setenv("NATPROBE_RENDEZVOUS", "https://host/", 1), 0);
	assert_int_equal(run(&h, "test \"$NATPROBE_RENDEZVOUS\" = https://host/"), 0);
	assert_int_equal(unsetenv("NATPROBE_RENDEZVOUS"), 0);
}

static void test_a_descriptor_is_passed_or_closed(void **state)
{
	struct handover h = path();
	int pipes[2];
	char byte = 0;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fcntl(pipes[0], F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(fcntl(pipes[1], F_SETFD, FD_CLOEXEC), 0);
	h.is_tcp = true;
	h.fd = pipes[1];
	h.pass_as = 9;
	assert_int_equal(run(&h, "test $NATPROBE_FD = 9 && printf x >&9"), 0);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(read(pipes[0], &byte, 1), 0); /* ours is closed as well */
	assert_int_equal(h.fd, -1);
	close(pipes[0]);
	(void)unsetenv("NATPROBE_FD");
}

/* Libraries open some that would be inherited. */
static void test_our_descriptors_stay_ours(void **state)
{
	int given = dup(STDOUT_FILENO), ours;
	struct handover h = path();
	char script[64];

	handover_begin();
	ours = dup(STDOUT_FILENO);
	snprintf(script, sizeof(script), "(: >&%d) && ! (: >&%d) 2> /dev/null", given, ours);
	assert_int_equal(run(&h, script), 0);
	close(given);
	close(ours);
}

static void test_we_leave_no_core_but_others_may(void **state)
{
	struct handover h = path();
	struct rlimit limit;

	no_core_end(); /* of the tests before */
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	if (limit.rlim_max < 8192)
		skip();
	limit.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_CORE, &limit), 0);
	no_core_begin();
	assert_int_equal(run(&h, "test $(ulimit -c) = 16"), 0); /* blocks of 512 bytes */
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
}

static void test_a_program_that_is_not_there(void **state)
{
	struct handover h = path();
	char *const args[] = { (char *)"/no/such/program", NULL };
	pid_t pid;

	assert_int_equal(handover_start(&h, args, &pid), -ENOENT);
	assert_false(handover_finds("/no/such/program"));
	assert_false(handover_finds("no-such-program"));
	assert_false(handover_finds("/")); /* a folder */
	assert_false(handover_finds(""));
	assert_true(handover_finds("/bin/sh"));
	assert_true(handover_finds("sh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcards_are_replaced),
		cmocka_unit_test(test_a_command_alone_gets_the_order_of_plexus),
		cmocka_unit_test(test_ipv6_has_brackets_with_a_port_only),
		cmocka_unit_test(test_secrets_do_not_become_arguments),
		cmocka_unit_test(test_the_environment_has_it_all),
		cmocka_unit_test(test_our_passwords_are_not_its_own),
		cmocka_unit_test(test_a_descriptor_is_passed_or_closed),
		cmocka_unit_test(test_our_descriptors_stay_ours),
		cmocka_unit_test(test_we_leave_no_core_but_others_may),
		cmocka_unit_test(test_a_program_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
