/* siphash: the vector of its paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "siphash.h"

static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* Appendix A of the paper: SipHash-2-4 of the bytes 00 to 0e. */
static void the_vector_of_the_paper(void **state)
{
	struct siphash s = siphash_start(key);

	siphash_word(&s, 0x0706050403020100u, 2);
	siphash_word(&s, 0x0f0e0d0c0b0a0908u, 2);
	assert_true(siphash_end(&s, 4) == 0xa129ca6149be45e5u);
}

static void every_round_counts(void **state)
{
	struct siphash a = siphash_start(key), b = siphash_start(key);

	siphash_word(&a, 1, 1);
	siphash_word(&b, 1, 2);
	assert_true(siphash_end(&a, 3) != siphash_end(&b, 3));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_of_the_paper),
		cmocka_unit_test(every_round_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
