#include "attach_wire.h"

#define DATAGRAMS "datagrams"

static const char *const verbs[] = {
	[ATTACH_CONNECT] = "connect", [ATTACH_ACCEPT] = "accept", [ATTACH_JOIN] = "join",
	[ATTACH_STATUS] = "status",   [ATTACH_WATCH] = "watch",
};

static bool has_service(uint8_t verb)
{
	return verb == ATTACH_CONNECT || verb == ATTACH_ACCEPT || verb == ATTACH_JOIN;
}

/* Takes a word, and the one space behind it, off the front. Empty: there is none. */
static struct bytes take_word(struct bytes *in)
{
	struct bytes word = { .data = in->data };

	while (word.len < in->len && in->data[word.len] != ' ')
		word.len++;
	if (word.len > 0) {
		size_t taken = word.len < in->len ? word.len + 1 : word.len;

		/* A space with nothing behind it is left, and nobody takes it. */
		if (taken == in->len && taken > word.len)
			taken = word.len;
		in->data += taken;
		in->len -= taken;
	}
	return word;
}

static bool is_printable(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] < ' ' || in.data[i] > '~')
			return false;
	}
	return true;
}

static bool is_service_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool attach_is_service(struct bytes name)
{
	if (name.len == 0 || name.len > ATTACH_SERVICE_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_service_char(name.data[i]))
			return false;
	}
	return true;
}

static uint8_t find_verb(struct bytes word)
{
	for (uint8_t i = ATTACH_CONNECT; i < ARRAY_LEN(verbs); i++) {
		if (bytes_equal(word, bytes_of_str(verbs[i])))
			return i;
	}
	return ATTACH_NONE;
}

/* Returns what is wrong with it, NULL: nothing. */
static const char *read_line(struct bytes line, struct attach_line *out)
{
	struct bytes name;

	if (line.len >= ATTACH_LINE_MAX)
		return "the line is too long";
	out->verb = find_verb(take_word(&line));
	if (out->verb == ATTACH_NONE)
		return "the line begins with none of connect, accept, join, status, watch";
	if (has_service(out->verb)) {
		name = take_word(&line);
		if (!attach_is_service(name))
			return "a service is 1 to 64 letters, digits, and . _ -";
		memcpy(out->service, name.data, name.len);
	}
	if (out->verb == ATTACH_CONNECT && line.len > 0) {
		out->datagrams = bytes_equal(line, BYTES(DATAGRAMS));
		if (out->datagrams)
			line.len = 0;
	}
	return line.len > 0 ? "there is something behind the line's end" : NULL;
}

bool attach_line_read(struct bytes line, struct attach_line *out, const char **why)
{
	*out = (struct attach_line){ 0 };
	*why = read_line(line, out);
	if (*why != NULL)
		*out = (struct attach_line){ 0 };
	return *why == NULL;
}

static bool read_error(struct bytes in, struct attach_answer *out)
{
	size_t all = in.len;
	struct bytes word = take_word(&in);

	if (word.len == 0 || all == word.len + 1 || word.len >= sizeof(out->word) ||
	    !is_printable(word) || !is_printable(in))
		return false;
	memcpy(out->word, word.data, word.len);
	if (in.len > 0)
		memcpy(out->text, in.data, in.len);
	return true;
}

bool attach_answer_read(struct bytes line, struct attach_answer *out)
{
	struct bytes rest = line, word;

	*out = (struct attach_answer){ 0 };
	if (line.len >= ATTACH_LINE_MAX)
		return false;
	word = take_word(&rest);
	if (bytes_equal(word, BYTES("error")))
		return read_error(rest, out);
	if (!bytes_equal(word, BYTES("ok")))
		return false;
	out->datagrams = bytes_equal(rest, BYTES(DATAGRAMS));
	out->is_ok = out->datagrams || rest.len == 0;
	return out->is_ok;
}

static void put_str(struct wire_out *out, const char *s)
{
	wire_put_mem(out, s, strlen(s));
}

static size_t end_line(struct wire_out *out)
{
	put_str(out, "\n");
	return out->failed ? 0 : out->len;
}

size_t attach_line_write(const struct attach_line *line, char *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	if (line->verb == ATTACH_NONE || line->verb >= ARRAY_LEN(verbs))
		return 0;
	put_str(&out, verbs[line->verb]);
	if (has_service(line->verb)) {
		if (!attach_is_service(bytes_of_str(line->service)))
			return 0;
		put_str(&out, " ");
		put_str(&out, line->service);
	}
	if (line->verb == ATTACH_CONNECT && line->datagrams)
		put_str(&out, " " DATAGRAMS);
	return end_line(&out);
}

/* The text is for people, and stays a line whatever is in it. */
static void put_text(struct wire_out *out, const char *text)
{
	for (const char *c = text; *c != '\0' && out->len < ATTACH_LINE_MAX - 1; c++)
		wire_put_u8(out, *c < ' ' || *c > '~' ? '?' : (uint8_t)*c);
}

size_t attach_answer_write(const struct attach_answer *answer, char *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	if (answer->is_ok) {
		put_str(&out, answer->datagrams ? "ok " DATAGRAMS : "ok");
		return end_line(&out);
	}
	put_str(&out, "error ");
	put_str(&out, answer->word[0] != '\0' ? answer->word : "unknown");
	if (answer->text[0] != '\0') {
		put_str(&out, " ");
		put_text(&out, answer->text);
	}
	return end_line(&out);
}
