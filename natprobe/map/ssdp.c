#include "ssdp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GATEWAY "urn:schemas-upnp-org:device:InternetGatewayDevice:"

struct addr ssdp_group(void)
{
	return addr_ipv4(239, 255, 255, 250, SSDP_PORT);
}

size_t ssdp_search(const struct addr *to, char buf[static SSDP_REQUEST_MAX])
{
	char host[ADDR_TEXT_MAX];
	int len = snprintf(buf, SSDP_REQUEST_MAX,
			   "M-SEARCH * HTTP/1.1\r\n"
			   "HOST: %s\r\n"
			   "MAN: \"ssdp:discover\"\r\n"
			   "MX: 1\r\n"
			   "ST: " GATEWAY "1\r\n"
			   "\r\n",
			   addr_print(to, host));

	return (size_t)len;
}

/* Takes the next line off `in`, without its end; false where none is left. */
static bool take_line(struct bytes *in, struct bytes *line)
{
	size_t len = 0;

	if (in->len == 0)
		return false;
	while (len < in->len && in->data[len] != '\n')
		len++;
	*line = bytes_of(in->data, len);
	if (len < in->len)
		len++;
	*in = bytes_of(in->data + len, in->len - len);
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool has_prefix(struct bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && strncasecmp((const char *)text.data, prefix, len) == 0;
}

/* The value of "NAME: VALUE", where the line has that name. */
static bool get_header(struct bytes line, const char *name, struct bytes *value)
{
	size_t at = strlen(name);

	if (!has_prefix(line, name))
		return false;
	while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
		at++;
	*value = bytes_of(line.data + at, line.len - at);
	while (value->len > 0 && value->data[value->len - 1] == ' ')
		value->len--;
	return true;
}

static bool is_url(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return has_prefix(text, "http://") && text.len < SSDP_URL_MAX;
}

bool ssdp_answer(struct bytes datagram, char url[static SSDP_URL_MAX])
{
	struct bytes line;
	struct bytes location = { 0 };
	struct bytes target = { 0 };

	if (!take_line(&datagram, &line) || !has_prefix(line, "HTTP/1.") || line.len < 12 ||
	    memcmp(line.data + 8, " 200", 4) != 0)
		return false;
	while (take_line(&datagram, &line) && line.len > 0) {
		if (!get_header(line, "LOCATION:", &location))
			get_header(line, "ST:", &target);
	}
	if (!has_prefix(target, GATEWAY) || !is_url(location))
		return false;
	memcpy(url, location.data, location.len);
	url[location.len] = '\0';
	return true;
}
