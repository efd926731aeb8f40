/*
 * Any text as a URL: what is taken makes one request and nothing behind it. Any bytes as an
 * answer: once judged, more bytes change nothing.
 */
#include "natprobe/net/portal.h"
#include "fuzz_check.h"

#include <stdlib.h>

static void check_request(const struct portal_url *url)
{
	char request[PORTAL_REQUEST_MAX];
	size_t len = portal_request(url, request);
	size_t lines = 0;

	FUZZ_CHECK(len < PORTAL_REQUEST_MAX && len == strlen(request));
	for (size_t i = 0; i < len; i++) {
		FUZZ_CHECK((request[i] >= ' ' && request[i] <= '~') || request[i] == '\r' ||
			   request[i] == '\n');
		lines += request[i] == '\n';
	}
	FUZZ_CHECK(lines == 6 && strstr(request, "\r\n\r\n") == request + len - 4);
}

static void check_answer(struct bytes all)
{
	struct verdict_yes_no first = { 0 };
	struct verdict_yes_no last = { 0 };
	size_t len = 0;

	while (len < all.len && !portal_judge(bytes_of(all.data, len), false, &first))
		len++;
	FUZZ_CHECK(portal_judge(all, true, &last));
	if (len < all.len)
		FUZZ_CHECK(first.value == last.value && first.cause == last.cause);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct portal_url url;
	const char *why;

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	if (portal_url_parse(text, &url, &why))
		check_request(&url);
	free(text);
	check_answer(bytes_of(data, len));
	return 0;
}
