/* Text to URI and back: what was taken is safe, and prints as text that reads the same. */
#include "stun_uri.h"
#include "fuzz_check.h"

static bool is_safe(const char *host)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	return *host != '\0' && host[strspn(host, fine)] == '\0';
}

static void check(const struct stun_uri *u)
{
	char text[STUN_URI_TEXT_MAX];
	char second[STUN_URI_TEXT_MAX];
	struct stun_uri again;
	const char *why;

	FUZZ_CHECK(u->ip.family != ADDR_NONE || is_safe(u->host));
	FUZZ_CHECK(u->ip.family == ADDR_NONE || u->ip.port == u->port);
	FUZZ_CHECK(stun_uri_port(u) != 0);
	stun_uri_print(u, text);
	FUZZ_CHECK(strlen(text) < STUN_URI_TEXT_MAX - 1);
	FUZZ_CHECK(stun_uri_parse(bytes_of_str(text), &again, &why));
	FUZZ_CHECK(u->scheme == again.scheme && u->transport == again.transport);
	FUZZ_CHECK(u->port == again.port && addr_equal(&u->ip, &again.ip));
	FUZZ_CHECK(strcmp(u->host, again.host) == 0);
	FUZZ_CHECK(strcmp(stun_uri_print(&again, second), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stun_uri u;
	const char *why = "never set";

	if (stun_uri_parse(bytes_of(data, len), &u, &why))
		check(&u);
	else
		FUZZ_CHECK(why != NULL && *why != '\0');
	return 0;
}
