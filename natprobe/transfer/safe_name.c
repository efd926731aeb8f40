#include "safe_name.h"

#include <ctype.h>
#include <stdio.h>

#include "utf8.h"

#define PART_EXTRA (sizeof(SAFE_PART_BEGIN SAFE_PART_END) - 1)
#define HASH_TEXT  17 /* "-" and 64 bits */

static bool begins_with(struct bytes s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

static bool is_part(struct bytes c)
{
	struct bytes end = bytes_of_str(SAFE_PART_END);

	return begins_with(c, SAFE_PART_BEGIN) && c.len > PART_EXTRA &&
	       memcmp(c.data + c.len - end.len, end.data, end.len) == 0;
}

static bool is_word(struct bytes c, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i >= c.len || toupper(c.data[i]) != word[i])
			return false;
	}
	return true;
}

/* What DOS took for a device in any directory. With an extension it is a file's name to most. */
static bool is_device(struct bytes c)
{
	static const char *const words[] = { "CON", "PRN", "AUX", "NUL" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (c.len == 3 && is_word(c, words[i], 3))
			return true;
	}
	return c.len == 4 && (is_word(c, "COM", 3) || is_word(c, "LPT", 3)) && c.data[3] >= '1' &&
	       c.data[3] <= '9';
}

static enum safe_name check(struct bytes c)
{
	if (c.len == 0)
		return SAFE_NAME_EMPTY;
	if (c.data[0] == '.' && (c.len == 1 || (c.len == 2 && c.data[1] == '.')))
		return SAFE_NAME_DOTS;
	if (c.len + (size_t)is_device(c) > SAFE_COMPONENT_MAX)
		return SAFE_NAME_LONG;
	if (memchr(c.data, '\0', c.len) != NULL)
		return SAFE_NAME_NUL;
	return is_part(c) ? SAFE_NAME_PART : SAFE_NAME_OK;
}

static bool put(struct wire_out *out, struct bytes c)
{
	bool is_changed = is_device(c);

	if (is_changed)
		wire_put_u8(out, '_');
	for (size_t i = 0; i < c.len; i++) {
		bool is_control = c.data[i] < ' ' || c.data[i] == 0x7f;

		wire_put_u8(out, is_control ? '_' : c.data[i]);
		is_changed = is_changed || is_control;
	}
	return is_changed;
}

static struct bytes component_at(struct bytes path, size_t at)
{
	const uint8_t *slash = memchr(path.data + at, '/', path.len - at);
	size_t end = slash != NULL ? (size_t)(slash - path.data) : path.len;

	return bytes_of(path.data + at, end - at);
}

enum safe_name safe_name(struct bytes path, uint8_t out[static SAFE_PATH_MAX], size_t *len)
{
	struct wire_out to = wire_write(out, SAFE_PATH_MAX);
	bool is_changed = false;
	size_t at = 0;

	if (path.len == 0)
		return SAFE_NAME_EMPTY;
	if (path.len > SAFE_PATH_MAX)
		return SAFE_NAME_LONG;
	if (path.data[0] == '/')
		return SAFE_NAME_ABSOLUTE;
	for (int depth = 0; at <= path.len; depth++) {
		struct bytes c = component_at(path, at);
		enum safe_name verdict = check(c);

		if (depth == SAFE_DEPTH_MAX)
			return SAFE_NAME_DEEP;
		if (verdict != SAFE_NAME_OK)
			return verdict;
		if (depth > 0)
			wire_put_u8(&to, '/');
		is_changed = put(&to, c) || is_changed;
		at += c.len + 1;
	}
	if (to.failed)
		return SAFE_NAME_LONG;
	*len = to.len;
	return is_changed ? SAFE_NAME_CHANGED : SAFE_NAME_OK;
}

bool safe_name_is_good(enum safe_name verdict)
{
	return verdict == SAFE_NAME_OK || verdict == SAFE_NAME_CHANGED;
}

const char *safe_name_why(enum safe_name verdict)
{
	switch (verdict) {
	case SAFE_NAME_OK:
		return "is good";
	case SAFE_NAME_CHANGED:
		return "has control characters, or is a device elsewhere";
	case SAFE_NAME_EMPTY:
		return "is empty, or a component of it is";
	case SAFE_NAME_ABSOLUTE:
		return "is absolute";
	case SAFE_NAME_DOTS:
		return "has a component \".\" or \"..\"";
	case SAFE_NAME_NUL:
		return "has a NUL";
	case SAFE_NAME_LONG:
		return "is too long";
	case SAFE_NAME_DEEP:
		return "is too deep";
	case SAFE_NAME_PART:
		return "looks like a file of natprobe's own that is not whole";
	}
	return "is not good";
}

/* FNV-1a: a long name and another one of the same beginning have parts of their own. */
static uint64_t hash(struct bytes s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.data[i]) * 0x100000001b3;
	return h;
}

void safe_name_part(struct bytes component, char out[static SAFE_COMPONENT_MAX + 1])
{
	const int most = (int)(SAFE_COMPONENT_MAX - PART_EXTRA);

	if (component.len <= (size_t)most) {
		snprintf(out, SAFE_COMPONENT_MAX + 1, SAFE_PART_BEGIN "%.*s" SAFE_PART_END,
			 (int)component.len, (const char *)component.data);
		return;
	}
	snprintf(out, SAFE_COMPONENT_MAX + 1, SAFE_PART_BEGIN "%.*s-%016llx" SAFE_PART_END,
		 most - HASH_TEXT, (const char *)component.data,
		 (unsigned long long)hash(component));
}

static uint32_t code_point(const uint8_t *s, size_t len)
{
	uint32_t c = len == 2 ? s[0] & 0x1fu : len == 3 ? s[0] & 0xfu : s[0] & 7u;

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3fu);
	return c;
}

/* Controls, and what is not seen but turns, joins or breaks the text around it. */
static bool is_odd(uint32_t c)
{
	return c < 0xa0 || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || c >= 0xe0000;
}

/* The next character as it is shown; *used: how much of `in` it was. */
static size_t show(struct bytes in, char out[static 5], size_t *used)
{
	size_t len = utf8_len(in);

	*used = 1;
	if (len == 1 && in.data[0] >= ' ' && in.data[0] != 0x7f) {
		out[0] = (char)in.data[0];
		return 1;
	}
	if (len > 1 && !is_odd(code_point(in.data, len))) {
		memcpy(out, in.data, len);
		*used = len;
		return len;
	}
	snprintf(out, 5, "\\x%02x", in.data[0]);
	return 4;
}

static const char *cut(struct bytes in, bool is_sentence, char *out, size_t cap)
{
	size_t n = 0;

	while (in.len > 0) {
		char c[5];
		size_t used, len = show(in, c, &used);

		if (c[0] == '\\' && len == 1 && !is_sentence)
			c[len++] = '\\';
		if (n + len + 4 > cap) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		memcpy(out + n, c, len);
		n += len;
		in.data += used;
		in.len -= used;
	}
	out[n] = '\0';
	return out;
}

const char *safe_text_cut(struct bytes in, char *out, size_t cap)
{
	return cut(in, false, out, cap);
}

const char *safe_text_sentence(struct bytes in, char *out, size_t cap)
{
	return cut(in, true, out, cap);
}

/* Where a character may begin. */
static size_t boundary(struct bytes in, size_t at)
{
	while (at < in.len && utf8_is_continuation(in.data[at]))
		at++;
	return at;
}

const char *safe_text(struct bytes in, char out[static SAFE_TEXT_MAX])
{
	const size_t half = SAFE_TEXT_MAX / 2;
	size_t end_at, n;

	safe_text_cut(in, out, SAFE_TEXT_MAX);
	if (in.len < half / 4 || strlen(out) < SAFE_TEXT_MAX - 8)
		return out;
	/* Its end tells more than its middle: at four bytes a character it fits. */
	safe_text_cut(in, out, half);
	n = strlen(out);
	end_at = boundary(in, in.len - half / 4 + 2);
	safe_text_cut(bytes_of(in.data + end_at, in.len - end_at), out + n, SAFE_TEXT_MAX - n);
	return out;
}
