#include "expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "expect_value.h"

static bool fail(struct expect_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(struct expect_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* What is being read. */
struct reader {
	struct expect *out;
	size_t room;
	struct expect_line section; /* interface and family of the lines to come */
	struct expect_error *error;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Drops a comment, and the blanks at both ends. */
static char *trim(char *text)
{
	char *end;

	while (is_blank(*text))
		text++;
	for (char *p = text; *p != '\0'; p++) {
		if (*p == '#' && (p == text || is_blank(p[-1]))) {
			*p = '\0';
			break;
		}
	}
	end = text + strlen(text);
	while (end > text && is_blank(end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Takes a word off *at. */
static char *take_word(char **at)
{
	char *word = *at;
	char *end = word + strcspn(word, " \t\r");

	*at = end;
	if (*end != '\0') {
		*end = '\0';
		*at = end + 1;
		while (is_blank(**at))
			(*at)++;
	}
	return word;
}

static uint8_t family_of(const char *word)
{
	if (strcmp(word, "ipv4") == 0)
		return ADDR_IPV4;
	return strcmp(word, "ipv6") == 0 ? ADDR_IPV6 : ADDR_NONE;
}

/* [eth0 ipv4], [eth0], [ipv6] */
static bool read_section(struct reader *r, char *text)
{
	size_t len = strlen(text);
	struct expect_line s = { 0 };

	if (text[len - 1] != ']')
		return fail(r->error, "a section ends with ]: [eth0 ipv4], [eth0] or [ipv6]");
	text[len - 1] = '\0';
	text = trim(text + 1);
	if (*text == '\0')
		return fail(r->error, "a section names an interface, a family (ipv4, ipv6) or "
				      "both: [eth0 ipv4]");
	while (*text != '\0') {
		char *word = take_word(&text);
		uint8_t family = family_of(word);

		if (family != ADDR_NONE && s.family == ADDR_NONE) {
			s.family = family;
		} else if (s.interface[0] == '\0' && strlen(word) < sizeof(s.interface)) {
			snprintf(s.interface, sizeof(s.interface), "%s", word);
		} else {
			return fail(r->error, "a section names one interface and one family at "
					      "most: [eth0 ipv4]");
		}
	}
	r->section = s;
	return true;
}

static const char *const operators[] = {
	[EXPECT_EQUAL] = "=", [EXPECT_NOT_EQUAL] = "!=", [EXPECT_IN] = "in",
	[EXPECT_LESS] = "<",  [EXPECT_MORE] = ">",
};

const char *expect_operator_word(enum expect_operator operator)
{
	return operator<ARRAY_LEN(operators) ? operators[operator] : "?";
}

/* Takes the operator off *at, with or without blanks around it. */
static bool take_operator(char **at, uint8_t *out)
{
	char *text = *at;

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		size_t len = strlen(operators[i]);

		if (strncmp(text, operators[i], len) != 0 ||
		    (i == EXPECT_IN && !is_blank(text[len])))
			continue;
		for (text += len; is_blank(*text); text++)
			;
		*at = text;
		*out = (uint8_t)i;
		return true;
	}
	return false;
}

/* Does it make sense to ask a property of this kind so? */
static bool suits(const struct property *p, uint8_t operator)
{
	switch (operator) {
	case EXPECT_LESS:
	case EXPECT_MORE:
		return p->kind == PROPERTY_INTEGER || p->kind == PROPERTY_MEASURE;
	case EXPECT_EQUAL:
		return true;
	default:
		return p->kind != PROPERTY_MEASURE;
	}
}

static const char *suitable(const struct property *p)
{
	switch (p->kind) {
	case PROPERTY_MEASURE:
		return "<, > or =";
	case PROPERTY_INTEGER:
		return "=, !=, in, < or >";
	default:
		return "=, != or in";
	}
}

/* What may stand behind the operator, for people. */
static void allowed(const struct property *p, char *buf, size_t cap)
{
	size_t len = 0;

	if (p->kind != PROPERTY_WORD) {
		snprintf(buf, cap, "%s", expect_value_example(p));
		return;
	}
	for (size_t i = 0; p->words[i] != NULL && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s, ", p->words[i]);
	if (len < cap)
		snprintf(buf + len, cap - len, "unknown");
}

static bool bad_value(struct reader *r, const struct property *p, const char *item)
{
	char list[200];

	allowed(p, list, sizeof(list));
	return fail(r->error, "%s cannot be \"%.40s\"; allowed: %s", p->name, item, list);
}

static bool read_value(struct reader *r, struct expect_line *line)
{
	const struct property *p = line->property;
	bool compares = line->operator== EXPECT_LESS || line->operator== EXPECT_MORE;
	const char *at = line->wanted;
	struct expect_value value;
	char item[sizeof(line->wanted)];

	if (*at == '\0')
		return bad_value(r, p, "");
	while (expect_item(&at, line->operator== EXPECT_IN, item, sizeof(item))) {
		if (!expect_value_parse(p, item, &value) || (compares && !value.is_number))
			return bad_value(r, p, item);
		line->number = value.number;
	}
	return true;
}

static bool read_expectation(struct reader *r, char *text)
{
	struct expect_line line = r->section;
	size_t len = strcspn(text, " \t\r=!<>");
	char name[PROPERTY_TEXT_MAX];
	char *rest = text + len;

	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1),
		 text);
	line.property = property_find(name);
	if (line.property == NULL)
		return fail(
			r->error,
			"there is no property \"%.40s\"; did you mean %s? natprobe(1) lists all",
			name, property_nearest(name)->name);
	while (is_blank(*rest))
		rest++;
	if (!take_operator(&rest, &line.operator))
		return fail(r->error, "behind %s stands one of %s, and then a value", name,
			    suitable(line.property));
	if (!suits(line.property, line.operator))
		return fail(r->error, "%s cannot be asked with %s; use %s", name,
			    expect_operator_word((enum expect_operator)line.operator),
			    suitable(line.property));
	if (strlen(rest) >= sizeof(line.wanted))
		return fail(r->error, "the value is longer than %zu letters; split the line",
			    sizeof(line.wanted) - 1);
	snprintf(line.wanted, sizeof(line.wanted), "%s", rest);
	line.line = r->error->line;
	if (!read_value(r, &line))
		return false;
	r->out->lines[r->out->count++] = line;
	return true;
}

static bool make_room(struct reader *r)
{
	struct expect_line *bigger;
	size_t room = r->room > 0 ? 2 * r->room : 32;

	if (r->out->count >= EXPECT_LINES_MAX)
		return fail(r->error, "more than %d expectations; split the file",
			    EXPECT_LINES_MAX);
	if (r->out->count < r->room)
		return true;
	bigger = realloc(r->out->lines, room * sizeof(*bigger));
	if (bigger == NULL)
		return fail(r->error, "out of memory");
	r->out->lines = bigger;
	r->room = room;
	return true;
}

/* What a message would show as well: printable ASCII; a comment may hold anything. */
static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '#' && (i == 0 || is_blank(text[i - 1])))
			return true;
		if ((c < ' ' && !is_blank((char)c)) || c > '~')
			return false;
	}
	return true;
}

static bool read_line(struct reader *r, const char *at, size_t len)
{
	char buf[512];
	char *text;

	if (!is_plain(at, len))
		return fail(r->error, "there are bytes that are not plain text; save the file as "
				      "ASCII, and other letters in comments only");
	snprintf(buf, sizeof(buf), "%.*s", (int)(len < sizeof(buf) ? len : sizeof(buf) - 1), at);
	text = trim(buf);
	if (len >= sizeof(buf) && *text != '\0')
		return fail(r->error, "the line is longer than %zu letters; split it",
			    sizeof(buf) - 1);
	if (*text == '\0')
		return true;
	if (*text == '[')
		return read_section(r, text);
	return make_room(r) && read_expectation(r, text);
}

bool expect_parse(struct bytes text, struct expect *out, struct expect_error *error)
{
	struct reader r = { .out = out, .error = error };
	const char *at = (const char *)text.data;
	size_t left = text.len;

	*out = (struct expect){ 0 };
	*error = (struct expect_error){ 0 };
	while (left > 0) {
		const char *end = memchr(at, '\n', left);
		size_t len = end != NULL ? (size_t)(end - at) : left;

		error->line++;
		if (!read_line(&r, at, len)) {
			expect_free(out);
			return false;
		}
		len += end != NULL;
		at += len;
		left -= len;
	}
	return true;
}

void expect_free(struct expect *e)
{
	free(e->lines);
	*e = (struct expect){ 0 };
}
