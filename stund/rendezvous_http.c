#include "rendezvous_http.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_DIGITS_MAX 20

/* What a head says, as far as it matters here. */
struct head {
	int status; /* 0: fine so far */
	struct bytes method, target;
	bool is_http_1_0, has_host, has_length, wants_close;
	uint64_t length;
};

static bool is_text(struct bytes in, const char *text)
{
	return bytes_equal(in, bytes_of_str(text));
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* text  in lower case */
static bool is_word(struct bytes in, const char *text)
{
	size_t len = strlen(text);

	if (in.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (lower(in.data[i]) != (uint8_t)text[i])
			return false;
	}
	return true;
}

/* What stands before `mark`, which is taken off as well; all where there is none. */
static struct bytes take_until(struct bytes *in, char mark)
{
	const uint8_t *at = in->len > 0 ? memchr(in->data, mark, in->len) : NULL;
	struct bytes part = *in;

	if (at == NULL) {
		*in = (struct bytes){ 0 };
		return part;
	}
	part.len = (size_t)(at - in->data);
	in->len -= part.len + 1;
	in->data += part.len + 1;
	return part;
}

static struct bytes trim(struct bytes in)
{
	while (in.len > 0 && (in.data[0] == ' ' || in.data[0] == '\t')) {
		in.data++;
		in.len--;
	}
	while (in.len > 0 && (in.data[in.len - 1] == ' ' || in.data[in.len - 1] == '\t'))
		in.len--;
	return in;
}

static bool read_number(struct bytes in, uint64_t *out)
{
	uint64_t value = 0;

	if (in.len == 0 || in.len > NUMBER_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		unsigned digit = in.data[i] - (unsigned)'0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

/* The first thing that is wrong counts. */
static void refuse(struct head *h, int status)
{
	if (h->status == 0)
		h->status = status;
}

static void read_length(struct head *h, struct bytes value)
{
	uint64_t length;

	if (!read_number(value, &length) || (h->has_length && h->length != length)) {
		refuse(h, 400);
		return;
	}
	h->has_length = true;
	h->length = length;
	if (length > RENDEZVOUS_MESSAGE_MAX)
		refuse(h, 413);
}

static void read_field(struct head *h, struct bytes line)
{
	struct bytes value = line, name = take_until(&value, ':');

	/* A space before the colon, or at the start, is how requests are smuggled. */
	if (name.len == 0 || name.len == line.len || trim(name).len != name.len) {
		refuse(h, 400);
		return;
	}
	value = trim(value);
	if (is_word(name, "content-length"))
		read_length(h, value);
	else if (is_word(name, "transfer-encoding"))
		refuse(h, 501);
	else if (is_word(name, "expect"))
		refuse(h, 417);
	else if (is_word(name, "origin"))
		refuse(h, 403); /* a page in somebody's browser: it speaks for nobody here */
	else if (is_word(name, "host"))
		h->has_host = true;
	else if (is_word(name, "connection") && is_word(value, "close"))
		h->wants_close = true;
}

static void read_request_line(struct head *h, struct bytes line)
{
	struct bytes rest = line;

	h->method = take_until(&rest, ' ');
	h->target = take_until(&rest, ' ');
	h->is_http_1_0 = is_text(rest, "HTTP/1.0");
	if (h->method.len == 0 || h->target.len == 0)
		refuse(h, 400);
	else if (!h->is_http_1_0 && !is_text(rest, "HTTP/1.1"))
		refuse(h, rest.len > 5 && memcmp(rest.data, "HTTP/", 5) == 0 ? 505 : 400);
}

/* A line without its end. False: it has none. */
static bool take_line(struct bytes *in, struct bytes *line)
{
	struct bytes rest = *in;

	*line = take_until(&rest, '\n');
	if (line->len == in->len || line->len == 0 || line->data[line->len - 1] != '\r')
		return false;
	line->len--;
	*in = rest;
	return memchr(line->data, '\r', line->len + 1) == line->data + line->len &&
	       memchr(line->data, '\0', line->len) == NULL;
}

static struct head read_head(struct bytes in)
{
	struct head h = { 0 };
	struct bytes line;

	if (!take_line(&in, &line))
		refuse(&h, 400);
	else
		read_request_line(&h, line);
	while (h.status != 400 && in.len > 0) {
		if (!take_line(&in, &line))
			refuse(&h, 400);
		else if (line.len > 0)
			read_field(&h, line);
	}
	if (!h.is_http_1_0 && !h.has_host)
		refuse(&h, 400);
	return h;
}

/* With the empty line; 0: it is not there yet. */
static size_t head_len(struct bytes in)
{
	for (size_t i = 3; i < in.len && i < RENDEZVOUS_HEAD_MAX; i++) {
		if (in.data[i] == '\n' && memcmp(in.data + i - 3, "\r\n\r", 3) == 0)
			return i + 1;
	}
	return 0;
}

enum stun_result rendezvous_cut(struct bytes in, size_t max, struct bytes *frame, size_t *used)
{
	size_t len;
	struct head h;

	if (in.len == 0)
		return STUN_SHORT;
	if (in.data[0] < 'A' || in.data[0] > 'Z')
		return STUN_FOREIGN;
	len = head_len(in);
	if (len == 0)
		return in.len < RENDEZVOUS_HEAD_MAX ? STUN_SHORT : STUN_MALFORMED;
	h = read_head(bytes_of(in.data, len));
	/* What is refused ends the connection: whatever follows is not read. */
	if (h.status == 0 && h.has_length)
		len += (size_t)h.length;
	if (len > max)
		return STUN_MALFORMED;
	if (len > in.len)
		return STUN_SHORT;
	*frame = bytes_of(in.data, len);
	*used = len;
	return STUN_OK;
}

/* "http://HOST/PATH" is "/PATH" (RFC 9112, section 3.2.2). */
static struct bytes path_of(struct bytes target)
{
	struct bytes rest = target;

	if (target.data[0] == '/')
		return target;
	(void)take_until(&rest, '/');
	(void)take_until(&rest, '/');
	(void)take_until(&rest, '/');
	return rest.len == 0 ? rest : bytes_of(rest.data - 1, rest.len + 1);
}

static bool read_query(struct bytes query, struct rendezvous_request *out)
{
	while (query.len > 0) {
		struct bytes value = take_until(&query, '&'), name = take_until(&value, '=');
		uint64_t number;

		if (!read_number(value, &number))
			return false;
		if (is_text(name, "after"))
			out->after = number;
		else if (is_text(name, "wait"))
			out->wait_s =
				(uint32_t)(number < RENDEZVOUS_WAIT_MAX_S ? number
									  : RENDEZVOUS_WAIT_MAX_S);
		else
			return false;
	}
	return true;
}

static int read_target(struct bytes target, struct rendezvous_request *out)
{
	static const struct bytes prefix = BYTES(RENDEZVOUS_PATH);
	struct bytes query = path_of(target), path = take_until(&query, '?');

	if (path.len < prefix.len || memcmp(path.data, prefix.data, prefix.len) != 0)
		return 404;
	path = bytes_of(path.data + prefix.len, path.len - prefix.len);
	if (!rendezvous_is_topic(path))
		return 400;
	memcpy(out->topic, path.data, path.len);
	out->topic[path.len] = '\0';
	return read_query(query, out) ? 0 : 400;
}

static int judge(const struct head *h, struct rendezvous_request *out)
{
	int status = read_target(h->target, out);

	if (status != 0)
		return status;
	out->is_post = is_text(h->method, "POST");
	if (!out->is_post && !is_text(h->method, "GET"))
		return 405;
	if (out->is_post && !h->has_length)
		return 411;
	return out->is_post == (out->body.len > 0) ? 0 : 400;
}

void rendezvous_parse(struct bytes frame, struct rendezvous_request *out)
{
	size_t len = head_len(frame);
	struct head h = read_head(bytes_of(frame.data, len));

	*out = (struct rendezvous_request){ .status = h.status, .close = true };
	if (h.status != 0)
		return;
	out->close = h.wants_close || h.is_http_1_0;
	out->body = bytes_of(frame.data + len, frame.len - len);
	out->status = judge(&h, out);
}

static const char *reason_of(int code)
{
	static const struct {
		int code;
		const char *text;
	} reasons[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 501, "Not Implemented" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].code == code)
			return reasons[i].text;
	}
	return "Internal Server Error";
}

static const char *extra_of(int code)
{
	if (code == 200)
		return "Content-Type: " RENDEZVOUS_TYPE "\r\nX-Content-Type-Options: nosniff\r\n";
	if (code == 405)
		return "Allow: GET, POST\r\n";
	return code == 429 ? "Retry-After: 1\r\n" : "";
}

size_t rendezvous_reply(int code, size_t len, bool close, const struct rendezvous_clock *clock,
			char buf[static RENDEZVOUS_REPLY_MAX])
{
	char times[RENDEZVOUS_CLOCK_MAX], length[48] = "";
	int n;

	rendezvous_print_clock(clock, times);
	if (code != 204) /* RFC 9110, section 8.6 */
		(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
			       code == 200 ? len : (size_t)0);
	n = snprintf(buf, RENDEZVOUS_REPLY_MAX,
		     "HTTP/1.1 %d %s\r\n" RENDEZVOUS_CLOCK_HEADER ": %s\r\n%s%s"
		     "Cache-Control: no-store\r\n%s\r\n",
		     code, reason_of(code), times, length, extra_of(code),
		     close ? "Connection: close\r\n" : "");
	return n > 0 && n < RENDEZVOUS_REPLY_MAX ? (size_t)n : 0;
}
