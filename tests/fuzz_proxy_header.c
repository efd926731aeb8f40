/*
 * PROXY headers: bounded, and the same whatever follows; each beginning of one is the beginning of
 * one, and of what is none, no more is asked for once it is known.
 */
#include "proxy_header.h"
#include "fuzz_check.h"

static void check_names(const struct proxy_header *h)
{
	FUZZ_CHECK(addr_ip_len(h->from.family) > 0 && addr_ip_len(h->to.family) > 0);
	FUZZ_CHECK(h->from.scope == 0 && h->to.scope == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proxy_header h = { 0 }, again;
	enum proxy_result result = proxy_header_read(bytes_of(data, len), &h);
	bool done = result == PROXY_OK || result == PROXY_LOCAL;

	if (result == PROXY_OK)
		check_names(&h);
	FUZZ_CHECK(!done || (h.len <= len && h.len <= PROXY_HEADER_MAX));
	FUZZ_CHECK(result != PROXY_SHORT || len < PROXY_HEADER_MAX);
	for (size_t cut = 0; cut < len; cut++) {
		enum proxy_result part = proxy_header_read(bytes_of(data, cut), &again);

		if (done && cut >= h.len)
			FUZZ_CHECK(part == result && again.len == h.len);
		else if (result != PROXY_MALFORMED)
			FUZZ_CHECK(part == PROXY_SHORT);
		else
			FUZZ_CHECK(part == PROXY_SHORT || part == PROXY_MALFORMED);
	}
	return 0;
}
