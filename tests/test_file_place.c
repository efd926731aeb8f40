/* file_place where the system cannot rename without replacing: by a second name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natprobe/transfer/file_place.h"

static char top[64];
static int dir;

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%.32s/natkit-place-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return 0;
}

static int end(void **state)
{
	(void)unlinkat(dir, "a", 0);
	(void)unlinkat(dir, "b", 0);
	assert_int_equal(close(dir), 0);
	assert_int_equal(rmdir(top), 0);
	return 0;
}

static ino_t make(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(close(fd), 0);
	return st.st_ino;
}

static ino_t find(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static void test_a_new_name(void **state)
{
	ino_t a = make("a");

	assert_int_equal(file_place(dir, "a", "b", false), 0);
	assert_int_equal(find("a"), 0);
	assert_int_equal(find("b"), a);
}

static void test_what_is_there_stays(void **state)
{
	ino_t a = make("a"), b = make("b");

	assert_int_equal(file_place(dir, "a", "b", false), -EEXIST);
	assert_int_equal(find("a"), a);
	assert_int_equal(find("b"), b);
	assert_int_equal(file_place(dir, "a", "b", true), 0);
	assert_int_equal(find("b"), a);
}

static void test_links_count_as_there(void **state)
{
	ino_t a = make("a");

	assert_int_equal(symlinkat("nowhere", dir, "b"), 0);
	assert_int_equal(file_place(dir, "a", "b", false), -EEXIST);
	assert_int_equal(find("a"), a);
}

static void test_nothing_to_place(void **state)
{
	assert_int_equal(file_place(dir, "a", "b", false), -ENOENT);
	assert_int_equal(file_place(dir, "a", "b", true), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_new_name, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_there_stays, begin, end),
		cmocka_unit_test_setup_teardown(test_links_count_as_there, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_to_place, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
