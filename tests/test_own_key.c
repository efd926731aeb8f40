/* own_key: made once, the same ever after, for its owner's eyes only. */
#include "natprobe/meet/own_key.h"

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
	char dir[64], file[128];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/natprobe-key-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/key", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int rc;

	unlink(p->file);
	rc = rmdir(p->dir);
	free(p);
	return rc;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_it_stays_the_same(void **state)
{
	const struct place *p = *state;
	struct own_key one, other;
	struct stat st;

	assert_int_equal(own_key_read(&one, p->file), 0);
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(own_key_read(&other, p->file), 0);
	assert_memory_equal(&one, &other, sizeof(one));
	assert_int_equal(own_key_make(&other), 0);
	assert_memory_not_equal(one.public_key, other.public_key, OWN_KEY_LEN);
	own_key_clear(&one);
}

/* RFC 7748, section 6.1: Bob's. */
static void test_public_keys_are_those_of_x25519(void **state)
{
	static const uint8_t want[] = { 0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4 };
	const struct place *p = *state;
	struct own_key k;

	write_text(p->file, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb\n",
		   0600);
	assert_int_equal(own_key_read(&k, p->file), 0);
	assert_memory_equal(k.public_key, want, sizeof(want));
}

static void test_what_is_no_key_is_refused(void **state)
{
	const struct place *p = *state;
	struct own_key k;

	write_text(p->file, "", 0600);
	assert_int_equal(own_key_read(&k, p->file), -EBADMSG);
	write_text(p->file, "hello\n", 0600);
	assert_int_equal(own_key_read(&k, p->file), -EBADMSG);
	write_text(p->file, "77076d0a7318a57d3c16c17251b26645db0c4c5f2bc4a5c7d6b0b2f1a3e6d0f5\n",
		   0640);
	assert_int_equal(own_key_read(&k, p->file), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_stays_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_public_keys_are_those_of_x25519, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_key_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
