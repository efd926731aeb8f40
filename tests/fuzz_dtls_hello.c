/*
 * A datagram from a stranger: whatever is read lies inside it, whatever is cut off is refused,
 * and the answer is never longer than the question.
 */
#include "dtls_hello.h"
#include "fuzz_check.h"

#define COOKIE_LEN 16 /* as dtls_cookie.h */

static bool lies_in(struct bytes part, struct bytes whole)
{
	return part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
				 (size_t)(part.data - whole.data) <= whole.len - part.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	uint8_t buf[DTLS_VERIFY_MAX], cookie[COOKIE_LEN] = { 1 };
	struct dtls_hello h, again;
	struct bytes answer;

	(void)dtls_has_short_record(in, 24);
	if (dtls_hello_parse(in, &h) != DTLS_HELLO_OK)
		return 0;
	FUZZ_CHECK(h.record.data == data && h.record.len <= len);
	FUZZ_CHECK(h.random.len == 32 && lies_in(h.random, h.record));
	FUZZ_CHECK(h.cookie.len <= 255 && lies_in(h.cookie, h.record));
	FUZZ_CHECK(h.record_seq >> 48 == 0);
	FUZZ_CHECK(dtls_hello_parse(h.record, &again) == DTLS_HELLO_OK);
	FUZZ_CHECK(dtls_hello_parse(bytes_of(data, h.record.len - 1), &again) != DTLS_HELLO_OK);

	answer = dtls_hello_verify_request(&h, bytes_of(cookie, sizeof(cookie)), buf);
	FUZZ_CHECK(answer.len < h.record.len);
	return 0;
}
