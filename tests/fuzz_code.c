/*
 * What somebody types as a code: where it counts, it counts as itself, is text of a bounded length,
 * and has a topic of the characters that topics have.
 *
 * Input: the text, up to a NUL.
 */
#include "natprobe/meet/code.h"
#include "fuzz_check.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char typed[512] = "", out[CODE_MAX], again[CODE_MAX], topic[32];
	static const uint8_t stretched[64] = { [48] = 0xff, [49] = 0xff };
	const char *why = NULL;

	memcpy(typed, data, len < sizeof(typed) ? len : sizeof(typed) - 1);
	if (!code_normalise(typed, out, &why)) {
		FUZZ_CHECK(why != NULL);
		return 0;
	}
	FUZZ_CHECK(strlen(out) >= CODE_OWN_MIN && strlen(out) < CODE_MAX);
	FUZZ_CHECK(code_normalise(out, again, &why) && strcmp(out, again) == 0);
	for (struct bytes s = bytes_of_str(out); s.len > 0;) {
		size_t n = utf8_len(s);

		FUZZ_CHECK(n > 0);
		s = bytes_of(s.data + n, s.len - n);
	}
	code_topic(out, stretched, topic, sizeof(topic));
	FUZZ_CHECK(topic[strspn(topic, "abcdefghijklmnopqrstuvwxyz0123456789/-")] == 0);
	FUZZ_CHECK(strncmp(topic, "natkit/", 7) == 0 && strlen(topic) > 9);
	return 0;
}
