#include "proxy_header.h"

#define V1_START "PROXY "
#define V2_START "\r\n\r\n\0\r\nQUIT\n"
#define V2_FIXED 16 /* signature, version and command, family, length */

#define V2_LOCAL 0x20
#define V2_PROXY 0x21

#define V2_UNSPEC 0x00
#define V2_TCP4   0x11
#define V2_TCP6   0x21
#define V2_UNIX   0x31

static bool starts_like(struct bytes in, struct bytes start)
{
	size_t len = in.len < start.len ? in.len : start.len;

	return bytes_equal(bytes_of(in.data, len), bytes_of(start.data, len));
}

/*
 * Takes the word before the next space, or the last one. False: empty, too long for `cap`, or not
 * of visible ASCII.
 */
static bool take_word(struct bytes *line, char *out, size_t cap)
{
	size_t len = 0;

	while (len < line->len && line->data[len] > ' ' && line->data[len] <= '~')
		len++;
	if (len < line->len && line->data[len] != ' ')
		return false;
	if (len == 0 || len >= cap)
		return false;
	memcpy(out, line->data, len);
	out[len] = '\0';
	line->data += len;
	line->len -= len;
	if (line->len == 0)
		return true;
	line->data++;
	line->len--;
	return line->len > 0; /* a space has a word behind it */
}

static bool take_ip(struct bytes *line, uint8_t family, struct addr *out)
{
	char word[ADDR_TEXT_MAX];

	return take_word(line, word, sizeof(word)) && word[0] != '[' &&
	       addr_parse_ip(word, 0, out) && out->family == family && out->scope == 0;
}

static bool take_port(struct bytes *line, uint16_t *out)
{
	uint32_t port = 0;
	char word[6];

	if (!take_word(line, word, sizeof(word)) || (word[0] == '0' && word[1] != '\0'))
		return false;
	for (const char *c = word; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		port = port * 10 + (uint32_t)(*c - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* What stands behind "PROXY ", without the end of the line. */
static enum proxy_result read_line(struct bytes line, struct proxy_header *out)
{
	struct addr from, to;
	char protocol[8];
	uint8_t family;

	if (!take_word(&line, protocol, sizeof(protocol)))
		return PROXY_MALFORMED;
	if (strcmp(protocol, "UNKNOWN") == 0)
		return PROXY_LOCAL; /* whatever follows is to be ignored */
	if (strcmp(protocol, "TCP4") != 0 && strcmp(protocol, "TCP6") != 0)
		return PROXY_MALFORMED;
	family = protocol[3] == '4' ? ADDR_IPV4 : ADDR_IPV6;
	if (!take_ip(&line, family, &from) || !take_ip(&line, family, &to) ||
	    !take_port(&line, &from.port) || !take_port(&line, &to.port) || line.len > 0)
		return PROXY_MALFORMED;
	out->from = addr_unmap(&from);
	out->to = addr_unmap(&to);
	return PROXY_OK;
}

static enum proxy_result read_v1(struct bytes in, struct proxy_header *out)
{
	size_t start = sizeof(V1_START) - 1;
	size_t most = in.len < PROXY_HEADER_V1_MAX ? in.len : PROXY_HEADER_V1_MAX;
	struct proxy_header found = { 0 };
	enum proxy_result result;
	const uint8_t *end = in.len > start ? memchr(in.data, '\n', most) : NULL;

	if (end == NULL)
		return in.len < PROXY_HEADER_V1_MAX ? PROXY_SHORT : PROXY_MALFORMED;
	found.len = (size_t)(end - in.data) + 1;
	if (found.len < start + 2 || end[-1] != '\r')
		return PROXY_MALFORMED;
	result = read_line(bytes_of(in.data + start, found.len - 2 - start), &found);
	if (result != PROXY_MALFORMED)
		*out = found;
	return result;
}

static void take_addrs(struct wire *w, uint8_t family, struct proxy_header *out)
{
	struct addr from = { .family = family }, to = { .family = family };

	wire_get_mem(w, from.ip, addr_ip_len(family));
	wire_get_mem(w, to.ip, addr_ip_len(family));
	from.port = wire_get_u16(w);
	to.port = wire_get_u16(w);
	out->from = addr_unmap(&from);
	out->to = addr_unmap(&to);
}

/* What stands behind the length; attributes behind the addresses are skipped. */
static enum proxy_result read_body(uint8_t command, uint8_t family, struct bytes body,
				   struct proxy_header *out)
{
	struct wire w = wire_read(body);

	if (command == V2_LOCAL)
		return PROXY_LOCAL;
	if (family == V2_UNSPEC || family == V2_UNIX)
		return PROXY_LOCAL; /* nothing that could be used */
	if (family == V2_TCP4)
		take_addrs(&w, ADDR_IPV4, out);
	else if (family == V2_TCP6)
		take_addrs(&w, ADDR_IPV6, out);
	else
		return PROXY_MALFORMED;
	return w.failed ? PROXY_MALFORMED : PROXY_OK;
}

static enum proxy_result read_v2(struct bytes in, struct proxy_header *out)
{
	struct proxy_header found = { 0 };
	struct wire w = wire_read(in);
	enum proxy_result result;
	uint8_t command, family;
	struct bytes body;

	wire_skip(&w, sizeof(V2_START) - 1);
	command = wire_get_u8(&w);
	if (w.failed)
		return PROXY_SHORT;
	if (command != V2_LOCAL && command != V2_PROXY)
		return PROXY_MALFORMED;
	family = wire_get_u8(&w);
	found.len = V2_FIXED + (size_t)wire_get_u16(&w);
	if (w.failed)
		return PROXY_SHORT;
	if (found.len > PROXY_HEADER_MAX)
		return PROXY_MALFORMED;
	body = wire_get_bytes(&w, found.len - V2_FIXED);
	if (w.failed)
		return PROXY_SHORT;
	result = read_body(command, family, body, &found);
	if (result != PROXY_MALFORMED)
		*out = found;
	return result;
}

enum proxy_result proxy_header_read(struct bytes in, struct proxy_header *out)
{
	if (in.len == 0)
		return PROXY_SHORT;
	if (starts_like(in, BYTES(V1_START)))
		return read_v1(in, out);
	if (starts_like(in, BYTES(V2_START)))
		return read_v2(in, out);
	return PROXY_MALFORMED;
}
