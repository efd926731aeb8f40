/* Text to prefix and back: what is printed reads as the same prefix, and its address is in it. */
#include "cidr.h"
#include "fuzz_check.h"

#include <string.h>

static void check(const char *text)
{
	char printed[CIDR_TEXT_MAX];
	struct cidr c = { .len = 200 }, again;
	const char *why = NULL;
	struct addr a = { 0 };

	if (!cidr_parse(text, &c, &why)) {
		FUZZ_CHECK(why != NULL && c.len == 200);
		return;
	}
	FUZZ_CHECK(c.len <= addr_ip_len(c.family) * 8);
	FUZZ_CHECK(cidr_parse(cidr_print(&c, printed), &again, &why));
	FUZZ_CHECK(memcmp(&c, &again, sizeof(c)) == 0);
	a.family = c.family;
	memcpy(a.ip, c.ip, sizeof(a.ip));
	FUZZ_CHECK(cidr_contains(&c, &a));
	/* The bit before the end belongs to it, so the other value of it does not. */
	if (c.len > 0) {
		a.ip[(c.len - 1) / 8] ^= (uint8_t)(0x80u >> (c.len - 1) % 8);
		FUZZ_CHECK(!cidr_contains(&c, &a));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	check(text);
	free(text);
	return 0;
}
