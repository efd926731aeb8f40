/* Any datagram as an answer to a search: a URL that is taken is fit to be fetched. */
#include "natprobe/map/ssdp.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char url[SSDP_URL_MAX];

	if (!ssdp_answer(bytes_of(data, len), url))
		return 0;
	FUZZ_CHECK(strlen(url) < SSDP_URL_MAX && strlen(url) >= strlen("http://"));
	for (const char *c = url; *c != '\0'; c++)
		FUZZ_CHECK(*c > ' ' && *c <= '~');
	return 0;
}
