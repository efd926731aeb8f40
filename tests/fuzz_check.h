/* What fuzz targets share: a promise of the code under test that input must not break. */
#ifndef NATKIT_FUZZ_CHECK_H
#define NATKIT_FUZZ_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the program, whatever NDEBUG says: libFuzzer then keeps the input. */
#define FUZZ_CHECK(promise)                                                              \
	do {                                                                             \
		if (!(promise)) {                                                        \
			(void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, \
				      #promise);                                         \
			abort();                                                         \
		}                                                                        \
	} while (0)

#endif
