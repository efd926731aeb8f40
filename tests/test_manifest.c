/* manifest: what may stand in it, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "natprobe/transfer/manifest.h"

static const uint8_t key[MANIFEST_KEY_LEN];

static enum manifest_result add(struct manifest *m, uint8_t kind, const char *path, uint64_t size)
{
	const struct transfer_entry e = {
		.kind = kind, .mode = 04755, .size = size, .path = bytes_of_str(path)
	};

	return manifest_add(m, &e);
}

static void test_order_and_kinds(void **state)
{
	struct manifest *m = manifest_new(key);
	struct transfer_entry e;

	assert_int_equal(add(m, ENTRY_DIRECTORY, "d", 0), MANIFEST_OK);
	assert_int_equal(add(m, ENTRY_FILE, "d/f", 7), MANIFEST_OK);
	assert_int_equal(add(m, ENTRY_FILE, "g", TRANSFER_SIZE_MAX), MANIFEST_OK);
	assert_int_equal(add(m, ENTRY_FILE, "d/f", 7), MANIFEST_TWICE);
	assert_int_equal(add(m, ENTRY_DIRECTORY, "d/f", 0), MANIFEST_TWICE);
	assert_int_equal(add(m, ENTRY_FILE, "d/f/x", 7), MANIFEST_NO_PARENT);
	assert_int_equal(add(m, ENTRY_FILE, "later/x", 7), MANIFEST_NO_PARENT);
	assert_int_equal(add(m, ENTRY_FILE, "h", TRANSFER_SIZE_MAX + 1), MANIFEST_SIZE);
	assert_int_equal(add(m, ENTRY_DIRECTORY, "h", 1), MANIFEST_SIZE);
	assert_int_equal(add(m, 3, "link", 0), MANIFEST_KIND);
	assert_int_equal(manifest_count(m), 3);
	assert_int_equal(manifest_files(m), 2);
	assert_true(manifest_total(m) == TRANSFER_SIZE_MAX + 7);
	e = manifest_get(m, 1);
	assert_int_equal(e.mode, 0755);
	assert_true(bytes_equal(e.path, BYTES("d/f")));
	assert_int_equal(manifest_next_file(m, 0), 1);
	assert_int_equal(manifest_next_file(m, 2), 2);
	assert_int_equal(manifest_next_file(m, 3), 3);
	manifest_free(m);
	manifest_free(NULL);
}

static void test_many(void **state)
{
	struct manifest *m = manifest_new(key);
	char path[16];

	for (unsigned i = 0; i < TRANSFER_ENTRIES_MAX; i++) {
		snprintf(path, sizeof(path), "%u", i);
		if (add(m, ENTRY_FILE, path, 1) != MANIFEST_OK)
			fail_msg("%u", i);
	}
	assert_int_equal(add(m, ENTRY_FILE, "x", 1), MANIFEST_FULL);
	for (unsigned i = 0; i < TRANSFER_ENTRIES_MAX; i += 1000) {
		struct transfer_entry e = manifest_get(m, i);

		snprintf(path, sizeof(path), "%u", i);
		assert_true(bytes_equal(e.path, bytes_of_str(path)));
	}
	manifest_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_kinds),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
