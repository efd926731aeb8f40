/* Any text as a list of carriers: what is taken prints, and reads back to the same server. */
#include "natprobe/meet/carrier_uri.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes list = bytes_of(data, len), text;

	while (carrier_uri_next(&list, &text)) {
		char name[CARRIER_URI_NAME_MAX];
		struct carrier_uri u, again;
		const char *why = NULL;

		if (!carrier_uri_parse(text, &u, &why)) {
			FUZZ_CHECK(why != NULL);
			continue;
		}
		FUZZ_CHECK(u.at.port != 0 && u.at.host[0] != '\0');
		FUZZ_CHECK(strlen(u.user) < sizeof(u.user));
		FUZZ_CHECK(strlen(u.password) < sizeof(u.password));
		carrier_uri_print(&u, name);
		FUZZ_CHECK(carrier_uri_parse(bytes_of_str(name), &again, &why));
		FUZZ_CHECK(again.kind == u.kind && again.is_secure == u.is_secure);
		FUZZ_CHECK(again.at.port == u.at.port && strcmp(again.at.host, u.at.host) == 0);
	}
	return 0;
}
