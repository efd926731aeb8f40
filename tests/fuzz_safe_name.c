/* A name as a peer tells it: whatever it is, what is made of it stays below the directory and has no
 * control characters, and what is shown of it is printable. */
#include "natprobe/transfer/safe_name.h"

#include <string.h>

#include "fuzz_check.h"
#include "utf8.h"

static void check_component(const uint8_t *c, size_t len)
{
	char part[SAFE_COMPONENT_MAX + 1];

	FUZZ_CHECK(len > 0 && len <= SAFE_COMPONENT_MAX);
	FUZZ_CHECK(!(len == 1 && c[0] == '.') && !(len == 2 && c[0] == '.' && c[1] == '.'));
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(c[i] >= ' ' && c[i] != 0x7f);
	safe_name_part(bytes_of(c, len), part);
	FUZZ_CHECK(part[0] == '.' && strchr(part, '/') == NULL);
	FUZZ_CHECK(strlen(part) <= SAFE_COMPONENT_MAX);
	FUZZ_CHECK(safe_name(bytes_of_str(part), (uint8_t[SAFE_PATH_MAX]){ 0 }, &(size_t){ 0 }) ==
		   SAFE_NAME_PART);
}

static void check_text(struct bytes in)
{
	char text[SAFE_TEXT_MAX];
	struct bytes left;

	safe_text(in, text);
	FUZZ_CHECK(strlen(text) < sizeof(text));
	for (left = bytes_of_str(text); left.len > 0;) {
		size_t n = utf8_len(left);

		FUZZ_CHECK(n > 0 && left.data[0] >= ' ' && left.data[0] != 0x7f);
		left.data += n;
		left.len -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[SAFE_PATH_MAX], again[SAFE_PATH_MAX];
	size_t n = 0, m = 0, at = 0;

	check_text(bytes_of(data, len));
	if (!safe_name_is_good(safe_name(bytes_of(data, len), out, &n)))
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && out[i] != '/')
			continue;
		check_component(out + at, i - at);
		at = i + 1;
	}
	FUZZ_CHECK(safe_name(bytes_of(out, n), again, &m) == SAFE_NAME_OK);
	FUZZ_CHECK(m == n && memcmp(out, again, n) == 0);
	return 0;
}
