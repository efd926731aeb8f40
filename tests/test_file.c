/* file: what is written replaces the old file as a whole, or not at all. */
#include "natprobe/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD "what was there\n"

struct place {
	char dir[64], file[96], other[96];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/natprobe-file-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/file", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

/* Fails where something stays behind in the folder. */
static int tear_down(void **state)
{
	struct place *p = *state;
	int rc;

	unlink(p->file);
	unlink(p->other);
	rc = rmdir(p->dir);
	free(p);
	return rc;
}

static void holds(const char *path, const char *want)
{
	char *text;
	size_t len;

	assert_int_equal(file_read(path, 4096, &text, &len), 0);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(text, want, len);
	free(text);
}

static void write_new(const char *path, const char *text)
{
	assert_int_equal(file_write(path, text, strlen(text)), 0);
	holds(path, text);
}

static void a_file_is_written_over(void **state)
{
	const struct place *p = *state;
	struct stat st;

	write_new(p->file, OLD);
	assert_int_equal(chmod(p->file, 0640), 0);
	write_new(p->file, "shorter");
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_link_stays_one(void **state)
{
	const struct place *p = *state;
	struct stat st;

	write_new(p->other, OLD);
	assert_int_equal(symlink(p->other, p->file), 0);
	write_new(p->file, "new");
	holds(p->other, "new");
	assert_int_equal(lstat(p->file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void what_cannot_be_written_leaves_the_old_file(void **state)
{
	const struct place *p = *state;
	const struct rlimit few = { .rlim_cur = 8, .rlim_max = RLIM_INFINITY };
	struct rlimit before;
	int rc;

	write_new(p->file, OLD);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	rc = file_write(p->file, "more than eight bytes", 21);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(rc, -EFBIG);
	holds(p->file, OLD);
}

static void where_there_is_no_folder_it_says_so(void **state)
{
	const struct place *p = *state;
	char below[128];

	snprintf(below, sizeof(below), "%s/none/file", p->dir);
	assert_int_equal(file_write(below, "x", 1), -ENOENT);
}

static void a_device_is_written_to(void **state)
{
	assert_int_equal(file_write("/dev/null", "x", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_written_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_stays_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_the_old_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(where_there_is_no_folder_it_says_so, set_up,
						tear_down),
		cmocka_unit_test(a_device_is_written_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
