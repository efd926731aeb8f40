/*
 * What is read as an address, or an answer by hand, is the same once it was printed again. Input that begins with no
 * "natkit:" is taken for bytes, with a right checksum.
 */
#include "natprobe/meet/address.h"
#include "natprobe/meet/hand_token.h"

#include "base64.h"
#include "crc32.h"
#include "fuzz_check.h"
#include "wire.h"

#define LEN_MAX 1400

static void check(const char *text)
{
	char first[ADDRESS_TEXT_MAX], second[ADDRESS_TEXT_MAX];
	struct address a;
	const char *why;
	size_t n;

	if (!address_parse(text, &a, &why)) {
		FUZZ_CHECK(why != NULL);
		return;
	}
	n = address_print(&a, first, sizeof(first));
	FUZZ_CHECK(n > 0 && n < sizeof(first));
	FUZZ_CHECK(address_parse(first, &a, &why));
	FUZZ_CHECK(address_print(&a, second, sizeof(second)) == n);
	FUZZ_CHECK(memcmp(first, second, n) == 0);
}

static void check_answer(const char *text)
{
	static uint8_t first[HAND_TOKEN_BYTES_MAX], second[HAND_TOKEN_BYTES_MAX];
	static char again[HAND_TOKEN_TEXT_MAX];
	size_t len = hand_token_parse(text, first, sizeof(first));

	if (len == 0)
		return;
	FUZZ_CHECK(hand_token_print(bytes_of(first, len), again, sizeof(again)) > 0);
	FUZZ_CHECK(hand_token_parse(again, second, sizeof(second)) == len);
	FUZZ_CHECK(memcmp(first, second, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[2 * ADDRESS_TEXT_MAX + 16];
	uint8_t bytes[LEN_MAX + 4];
	size_t n;

	if (len > LEN_MAX)
		return 0;
	if (len > 7 && memcmp(data, "natkit", 6) == 0) {
		memcpy(text, data, len);
		text[len] = '\0';
		check(text);
		check_answer(text);
		return 0;
	}
	if (len > 0)
		memcpy(bytes, data, len);
	wire_store_u32(bytes + len, crc32_update(0, bytes_of(bytes, len)));
	memcpy(text, "natkit:", 7);
	base64_put(bytes_of(bytes, len + 4), text + 7);
	n = 7 + BASE64_LEN(len + 4);
	while (n > 7 && text[n - 1] == '=')
		n--;
	text[n] = '\0';
	for (size_t i = 7; i < n; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	check(text);
	return 0;
}
