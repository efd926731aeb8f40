/* Each case runs in a child: what is dropped stays dropped. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "priv.h"

/* Exit codes of a child: no outcome, and what cmocka's skip needs. */
#define CHILD_FAILED  100
#define CHILD_SKIPPED 101

/* Runs `child` in a process of its own. Returns its exit code. */
static int in_child(int (*child)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CHILD_SKIPPED)
		skip();
	return WEXITSTATUS(status);
}

static int drop_to_nobody(void)
{
	const struct passwd *nobody = getpwnam("nobody");

	if (geteuid() != 0 || nobody == NULL)
		return CHILD_SKIPPED;
	uid_t uid = nobody->pw_uid;
	gid_t gid = nobody->pw_gid;
	gid_t own_groups[] = { 0, 4, 5 };
	if (setgroups(3, own_groups) != 0)
		return CHILD_SKIPPED;
	struct priv_result r = priv_drop("nobody");
	if (r.outcome == PRIV_REFUSED)
		return CHILD_SKIPPED; /* this container does not let us */

	gid_t groups[32];
	int count = getgroups(32, groups);
	for (int i = 0; i < count; i++) {
		if (groups[i] != gid)
			return CHILD_FAILED;
	}
	if (getuid() != uid || geteuid() != uid || getgid() != gid || setuid(0) == 0)
		return CHILD_FAILED;
	return (int)r.outcome;
}

static void root_becomes_the_user_for_good(void **state)
{
	assert_int_equal(in_child(drop_to_nobody), PRIV_DROPPED);
}

static int foresee(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	uint32_t uid = 7;

	if (priv_will_be(NULL, &uid) || priv_will_be("no such user", &uid) || uid != 7)
		return CHILD_FAILED;
	if (geteuid() != 0 || nobody == NULL)
		return priv_will_be("nobody", &uid) ? CHILD_FAILED : 0;
	if (priv_will_be("root", &uid) || !priv_will_be("nobody", &uid) || uid != nobody->pw_uid)
		return CHILD_FAILED;
	if (priv_drop("nobody").outcome != PRIV_DROPPED)
		return CHILD_SKIPPED;
	return priv_will_be("nobody", &uid) ? CHILD_FAILED : 0;
}

static void it_is_known_before_who_it_will_be(void **state)
{
	assert_int_equal(in_child(foresee), 0);
}

static int drop_to_number(void)
{
	if (geteuid() != 0)
		return CHILD_SKIPPED;
	struct priv_result r = priv_drop("54321");
	if (r.outcome == PRIV_REFUSED)
		return CHILD_SKIPPED;
	if (getuid() != 54321 || getgid() != 54321 || getgroups(0, NULL) != 0)
		return CHILD_FAILED;
	return (int)r.outcome;
}

static void a_number_needs_no_name(void **state)
{
	assert_int_equal(in_child(drop_to_number), PRIV_DROPPED);
}

static int drop_to_group(void)
{
	if (geteuid() != 0)
		return CHILD_SKIPPED;
	struct priv_result r = priv_drop("54321:4321");
	if (r.outcome == PRIV_REFUSED)
		return CHILD_SKIPPED;
	if (getuid() != 54321 || getgid() != 4321 || getegid() != 4321)
		return CHILD_FAILED;
	return (int)r.outcome;
}

static void a_group_may_be_named(void **state)
{
	assert_int_equal(in_child(drop_to_group), PRIV_DROPPED);
}

static int drop_to_nonsense(void)
{
	static const char *const names[] = { "no such user", "",    "-1",
					     "4294967295",   "12x", "12:no such group",
					     "12:",          ":12", "12:4294967295" };

	if (geteuid() != 0)
		return CHILD_SKIPPED;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (priv_drop(names[i]).outcome != PRIV_NO_USER)
			return CHILD_FAILED;
	}
	return 0;
}

static void a_user_that_is_not_there_is_told(void **state)
{
	assert_int_equal(in_child(drop_to_nonsense), 0);
}

static int drop_twice(void)
{
	int first = drop_to_nobody();

	return first == PRIV_DROPPED ? (int)priv_drop("nobody").outcome : first;
}

static void without_root_there_is_nothing_to_drop(void **state)
{
	assert_int_equal(in_child(drop_twice), PRIV_NOT_ROOT);
}

static int drop_to_root(void)
{
	if (geteuid() != 0)
		return CHILD_SKIPPED;
	return priv_drop(NULL).outcome == PRIV_ROOT && priv_drop("root").outcome == PRIV_ROOT
		       ? 0
		       : CHILD_FAILED;
}

static void to_stay_root_is_told(void **state)
{
	assert_int_equal(in_child(drop_to_root), 0);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A container whose only user is root, as rootless ones often are. */
static int drop_in_container(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER) != 0 || !write_text("/proc/self/uid_map", map))
		return CHILD_SKIPPED;
	struct priv_result r = priv_drop("nobody");
	if (r.error == 0 || geteuid() != 0)
		return CHILD_FAILED;
	return (int)r.outcome;
}

static void a_container_that_has_no_users_refuses(void **state)
{
	assert_int_equal(in_child(drop_in_container), PRIV_REFUSED);
}

static int count_no_new_privs(void)
{
	struct priv_result r = priv_drop(NULL);
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int value = -1;

	if (status == NULL)
		return CHILD_SKIPPED;
	while (fgets(line, sizeof(line), status) != NULL) {
		if (strncmp(line, "NoNewPrivs:", 11) == 0)
			value = (int)strtol(line + 11, NULL, 10);
	}
	fclose(status);
	if (!r.no_new_privs)
		return value == 0 ? CHILD_SKIPPED : CHILD_FAILED; /* the portable file */
	return value == 1 ? 0 : CHILD_FAILED;
}

static void new_privileges_are_forbidden_for_anybody(void **state)
{
	assert_int_equal(in_child(count_no_new_privs), 0);
}

static void never_silently_root_where_a_user_was_asked_for(void **state)
{
	static const enum priv_outcome all[] = { PRIV_DROPPED, PRIV_NOT_ROOT, PRIV_ROOT,
						 PRIV_NO_USER, PRIV_REFUSED,  PRIV_REVERSIBLE };
	static const char asked[] = "yyynnn", by_default[] = "yyyyyn";

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(priv_may_go_on(all[i], true), asked[i] == 'y');
		assert_int_equal(priv_may_go_on(all[i], false), by_default[i] == 'y');
		assert_true(strlen(priv_outcome_text(all[i])) > 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_becomes_the_user_for_good),
		cmocka_unit_test(it_is_known_before_who_it_will_be),
		cmocka_unit_test(a_number_needs_no_name),
		cmocka_unit_test(a_group_may_be_named),
		cmocka_unit_test(a_user_that_is_not_there_is_told),
		cmocka_unit_test(without_root_there_is_nothing_to_drop),
		cmocka_unit_test(to_stay_root_is_told),
		cmocka_unit_test(a_container_that_has_no_users_refuses),
		cmocka_unit_test(new_privileges_are_forbidden_for_anybody),
		cmocka_unit_test(never_silently_root_where_a_user_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
