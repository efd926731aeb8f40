/* No allocation in what programs do to messages all day. */
#include "codec_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "alloc_count.h"

static void every_step_does_its_work(void **state)
{
	size_t count;
	const struct codec_step *steps = codec_load_init(&count);

	for (size_t i = 0; i < count; i++) {
		if (!steps[i].run())
			fail_msg("%s: wrong result", steps[i].name);
	}
}

static void no_step_allocates(void **state)
{
	size_t count;
	const struct codec_step *steps = codec_load_init(&count);

	if (!alloc_count_works())
		skip();
	for (size_t i = 0; i < count; i++) {
		size_t before = alloc_count();

		/* The first time too: nothing is set up behind the caller's back. */
		for (int k = 0; k < 100; k++)
			(void)steps[i].run();
		if (alloc_count() != before)
			fail_msg("%s: %zu allocations", steps[i].name, alloc_count() - before);
	}
}

/* Without this the test above would pass if nothing were counted. */
static void allocations_are_counted_also_in_libcrypto(void **state)
{
	size_t before = alloc_count();
	void *volatile p;

	if (!alloc_count_works())
		skip();
	p = malloc(1);
	free(p);
	assert_int_equal(alloc_count(), before + 1);
	EVP_MD_CTX_free(EVP_MD_CTX_new());
	assert_true(alloc_count() > before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_step_allocates),
		cmocka_unit_test(every_step_does_its_work),
		cmocka_unit_test(allocations_are_counted_also_in_libcrypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
