#include "paste.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "crc32.h"

#define CRC_LEN 4

/* "+", "/" and "=" do not survive in links and mails. */
static size_t to_url(char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	return len;
}

size_t paste_print(const char *scheme, struct bytes data, char *buf, size_t cap)
{
	uint8_t bytes[PASTE_BYTES_MAX + CRC_LEN];
	char text[BASE64_LEN(sizeof(bytes))];
	struct wire_out out = wire_write(bytes, sizeof(bytes));
	size_t len, scheme_len = strlen(scheme);

	wire_put_mem(&out, data.data, data.len);
	wire_put_u32(&out, crc32_update(0, data));
	if (out.failed || data.len == 0)
		return 0;
	base64_put(wire_written(&out), text);
	len = to_url(text, BASE64_LEN(out.len));
	if (scheme_len + len >= cap)
		return 0;
	(void)snprintf(buf, cap, "%s%.*s", scheme, (int)len, text);
	return scheme_len + len;
}

/* After the scheme, which may be broken by white space as well; NULL: there is none. */
static const char *after_scheme(const char *scheme, const char *text)
{
	for (; *scheme != '\0'; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (tolower((unsigned char)*text) != *scheme)
			return NULL;
		scheme++;
	}
	return text;
}

bool paste_begins(const char *scheme, const char *text)
{
	return after_scheme(scheme, text) != NULL;
}

/* Without white space, in the other alphabet, padded. 0: too long, or not in the alphabet. */
static size_t from_url(const char *text, char *out, size_t cap)
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (len + 4 >= cap || strchr("+/=", *text) != NULL)
			return 0;
		out[len++] = (char)(*text == '-' ? '+' : *text == '_' ? '/' : *text);
	}
	while (len % 4 != 0)
		out[len++] = '=';
	return len;
}

size_t paste_parse(const char *scheme, const char *text, uint8_t *buf, size_t cap)
{
	char plain[PASTE_TEXT_MAX];
	uint8_t bytes[PASTE_TEXT_MAX / 4 * 3];
	const char *rest = after_scheme(scheme, text);
	size_t len = rest != NULL ? from_url(rest, plain, sizeof(plain)) : 0;
	struct wire crc;

	if (len == 0 || !base64_get(bytes_of(plain, len), bytes, sizeof(bytes), &len) ||
	    len <= CRC_LEN || len - CRC_LEN > cap)
		return 0;
	len -= CRC_LEN;
	crc = wire_read(bytes_of(bytes + len, CRC_LEN));
	if (wire_get_u32(&crc) != crc32_update(0, bytes_of(bytes, len)))
		return 0;
	memcpy(buf, bytes, len);
	return len;
}
