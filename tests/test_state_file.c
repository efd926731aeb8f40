/* state_file: folders of natprobe's own are made below a home that is there, and no home is. */
#include "natprobe/state_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char dir[64];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/natprobe-state-XXXXXX");
	*state = p;
	unsetenv("XDG_STATE_HOME");
	return mkdtemp(p->dir) != NULL ? 0 : -1;
}

/* Fails where more than `below`'s folders was made. */
static int tear_down(void **state)
{
	static const char *const below[] = { "/.local/state/natprobe", "/.local/state", "/.local",
					     "/natprobe", "" };
	struct place *p = *state;
	char path[128];
	int rc = 0;

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", p->dir, below[i]);
		if (rmdir(path) != 0 && errno != ENOENT)
			rc = -1;
	}
	free(p);
	return rc;
}

static void lies_in(const char *path, const char *dir, const char *rest)
{
	char want[192];

	snprintf(want, sizeof(want), "%s%s", dir, rest);
	assert_string_equal(path, want);
	*strrchr(want, '/') = '\0';
	assert_int_equal(access(want, W_OK), 0);
}

static void folders_are_made_below_a_home(void **state)
{
	const struct place *p = *state;
	char path[160];

	setenv("HOME", p->dir, 1);
	assert_int_equal(state_file_path("key", path, sizeof(path)), 0);
	lies_in(path, p->dir, "/.local/state/natprobe/key");
	assert_int_equal(state_file_path("key", path, strlen(path)), -ENAMETOOLONG);
}

static void a_folder_for_state_comes_first(void **state)
{
	const struct place *p = *state;
	char path[160];

	setenv("HOME", "/", 1);
	setenv("XDG_STATE_HOME", p->dir, 1);
	assert_int_equal(state_file_path("key", path, sizeof(path)), 0);
	lies_in(path, p->dir, "/natprobe/key");
}

static void a_home_that_is_not_there_is_not_made(void **state)
{
	const struct place *p = *state;
	char home[96], path[160];

	snprintf(home, sizeof(home), "%s/nobody", p->dir);
	setenv("HOME", home, 1);
	assert_int_equal(state_file_path("key", path, sizeof(path)), -ENOENT);
	assert_int_equal(access(home, F_OK), -1);
	unsetenv("HOME");
	assert_int_equal(state_file_path("key", path, sizeof(path)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(folders_are_made_below_a_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_for_state_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_home_that_is_not_there_is_not_made, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
