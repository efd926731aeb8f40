/* OpaqueString: what is prepared is UTF-8, within its limits, and stays as it is. */
#include "opaque.h"
#include "fuzz_check.h"

#include <unistr.h>

static void check(struct bytes once)
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes twice;

	FUZZ_CHECK(once.len > 0 && once.len <= OPAQUE_MAX);
	FUZZ_CHECK(u8_check(once.data, once.len) == NULL);
	FUZZ_CHECK(memchr(once.data, '\0', once.len) == NULL);
	FUZZ_CHECK(opaque_prepare(once, buf, once.len, &twice) == OPAQUE_OK);
	FUZZ_CHECK(bytes_equal(once, twice));
	FUZZ_CHECK(opaque_prepare(once, buf, once.len - 1, &twice) == OPAQUE_TOO_LONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes out;
	enum opaque_result result = opaque_prepare(bytes_of(data, len), buf, sizeof(buf), &out);

	FUZZ_CHECK(*opaque_why(result) != '\0');
	if (result == OPAQUE_OK)
		check(out);
	return 0;
}
