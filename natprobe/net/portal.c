#include "portal.h"

#include <stdio.h>
#include <string.h>

#define STATUS_LINE_MIN 12 /* "HTTP/1.1 204" */

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What may stand in a request line: nothing that ends it, and no more than printable ASCII. */
static bool is_path(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || *c == '#')
			return false;
	}
	return strlen(text) <= PORTAL_PATH_MAX;
}

bool portal_url_parse(const char *text, struct portal_url *out, const char **why)
{
	struct portal_url url = { .path = "/" };
	const char *host;
	size_t host_len;

	*why = "not an http:// URL";
	if (!has_prefix(text, "http://"))
		return false;
	host = text + strlen("http://");
	host_len = strcspn(host, "/?");
	if (!stun_uri_parse(bytes_of(host, host_len), &url.at, why))
		return false;
	*why = "not an http:// URL";
	if (url.at.scheme != STUN_URI_PLAIN || !is_path(host + host_len))
		return false;
	*why = "its path does not start with a /";
	if (host[host_len] == '?')
		return false;
	if (host[host_len] == '/')
		memcpy(url.path, host + host_len, strlen(host + host_len) + 1);
	if (url.at.port == 0)
		url.at.port = 80;
	if (url.at.ip.family != ADDR_NONE)
		url.at.ip.port = url.at.port;
	*out = url;
	return true;
}

size_t portal_request(const struct portal_url *url, char buf[static PORTAL_REQUEST_MAX])
{
	char host[STUN_URI_TEXT_MAX];
	struct stun_uri at = url->at;
	int len;

	if (at.port == 80)
		at.port = at.ip.port = 0;
	len = snprintf(buf, PORTAL_REQUEST_MAX,
		       "GET %s HTTP/1.1\r\n"
		       "Host: %s\r\n"
		       "User-Agent: natprobe\r\n"
		       "Accept: */*\r\n"
		       "Connection: close\r\n"
		       "\r\n",
		       url->path, stun_uri_print(&at, host));
	return (size_t)len;
}

/* The status code of "HTTP/1.x NNN"; 0: it is not that. */
static unsigned int status_of(struct bytes line)
{
	const uint8_t *d = line.data;
	unsigned int code = 0;

	if (memcmp(d, "HTTP/1.", 7) != 0 || d[8] != ' ')
		return 0;
	for (size_t i = 9; i < STATUS_LINE_MIN; i++) {
		if (d[i] < '0' || d[i] > '9')
			return 0;
		code = code * 10 + (unsigned int)(d[i] - '0');
	}
	return code;
}

bool portal_judge(struct bytes answer, bool is_whole, struct verdict_yes_no *out)
{
	unsigned int status;

	if (answer.len < STATUS_LINE_MIN) {
		if (is_whole)
			*out = (struct verdict_yes_no){ VERDICT_UNKNOWN, CAUSE_SERVER_ERROR };
		return is_whole;
	}
	status = status_of(answer);
	if (status == 204)
		*out = (struct verdict_yes_no){ .value = VERDICT_NO };
	else if ((status >= 200 && status < 400) || status == 511)
		*out = (struct verdict_yes_no){ .value = VERDICT_YES };
	else
		*out = (struct verdict_yes_no){ VERDICT_UNKNOWN, CAUSE_SERVER_ERROR };
	return true;
}
