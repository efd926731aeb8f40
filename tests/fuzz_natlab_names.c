/*
 * Any bytes as a question to natlab's DNS; the first one says how long the prefix is. An answer has
 * the question in it, and is none itself.
 */
#include "tests/natlab/names.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct addr prefix = { .family = ADDR_IPV6, .ip = { 0, 0x64, 0xff, 0x9b } };
	uint8_t buf[NAMES_MAX], again[NAMES_MAX];
	size_t n;

	if (len == 0)
		return 0;
	n = names_answer(bytes_of(data + 1, len - 1), &prefix, data[0], buf);
	if (n == 0)
		return 0;
	FUZZ_CHECK(n >= 12 && memcmp(buf, data + 1, 2) == 0 && (buf[2] & 0x80) != 0);
	FUZZ_CHECK(names_answer(bytes_of(buf, n), &prefix, data[0], again) == 0);
	return 0;
}
