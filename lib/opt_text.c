#include "opt_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

bool opt_fail(struct opt_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

/* Of a long place (a path) its end is shown, and never so much that the mistake is lost. */
bool opt_fail_in(struct opt_error *err, const char *place_format, ...)
{
	struct opt_error was = *err;
	char place[4200]; /* a path and a line */
	size_t used = strlen(was.text) + sizeof(": ");
	size_t room =
		used < sizeof(err->text) / 2 ? sizeof(err->text) - used : sizeof(err->text) / 2;
	va_list args;

	va_start(args, place_format);
	vsnprintf(place, sizeof(place), place_format, args);
	va_end(args);

	size_t len = strlen(place);
	return opt_fail(err, "%s: %s", place + (len > room ? len - room : 0), was.text);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

struct opt_shown opt_show(const char *text)
{
	struct opt_shown shown;
	size_t room = sizeof(shown.text) - 4; /* for the dots, and the end */
	size_t len = strnlen(text, room);

	for (size_t i = 0; i < len; i++)
		shown.text[i] = is_control(text[i]) ? '?' : text[i];
	memcpy(shown.text + len, text[len] != '\0' ? "..." : "", text[len] != '\0' ? 4 : 1);
	return shown;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads what stands behind a backslash; *at moves behind it. NUL for anything unknown. */
static char take_escape(const char **at)
{
	const char *s = *at;

	if (*s == '\0')
		return '\0';
	*at = s + 1;
	switch (*s) {
	case '"':
	case '\\':
		return *s;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'x':
		break;
	default:
		return '\0';
	}
	if (hex_digit(s[1]) < 0 || hex_digit(s[2]) < 0)
		return '\0';
	*at = s + 3;
	return (char)(hex_digit(s[1]) << 4 | hex_digit(s[2]));
}

/* *at stands behind the opening quote, then behind the closing one. */
static bool take_quoted(const char **at, char *item, struct opt_error *err)
{
	const char *s = *at;

	while (*s != '"') {
		char c = *s;

		if (c == '\0')
			return opt_fail(err, "the closing quote is missing");
		s++;
		if (c == '\\') {
			c = take_escape(&s);
			if (c == '\0')
				return opt_fail(err, "unknown escape in quotes; known are \\\" "
						     "\\\\ \\n \\t and \\xHH");
		} else if (is_control(c) && c != '\t') {
			return opt_fail(err, "a control character; write it as \\xHH in quotes");
		}
		*item++ = c;
	}
	*item = '\0';
	*at = s + 1;
	return true;
}

static const char *skip_blanks(const char *s)
{
	while (opt_is_blank(*s))
		s++;
	return s;
}

static bool ends_item(char c, enum opt_dialect dialect, bool is_list)
{
	return c == '\0' || (c == '#' && dialect == OPT_IN_FILE) || (c == ',' && is_list);
}

static bool take_plain(const char **at, enum opt_dialect dialect, bool is_list, char *item,
		       struct opt_error *err)
{
	const char *s = *at;
	char *end = item; /* behind the last character that is not blank */

	while (!ends_item(*s, dialect, is_list)) {
		if (is_control(*s) && *s != '\t' && dialect == OPT_IN_FILE)
			return opt_fail(err, "a control character; write it as \\xHH in quotes");
		*item++ = *s;
		if (!opt_is_blank(*s))
			end = item;
		s++;
	}
	*end = '\0';
	*at = s;
	return true;
}

bool opt_take_item(const char **at, enum opt_dialect dialect, bool is_list, char *item,
		   bool *quoted, bool *more, struct opt_error *err)
{
	const char *s = skip_blanks(*at);

	*quoted = *s == '"';
	if (*quoted) {
		s++;
		if (!take_quoted(&s, item, err))
			return false;
		s = skip_blanks(s);
		if (!ends_item(*s, dialect, is_list))
			return opt_fail(err, "text behind the closing quote");
	} else if (!take_plain(&s, dialect, is_list, item, err)) {
		return false;
	}
	*more = *s == ',';
	*at = *more ? s + 1 : s;
	return true;
}

static bool needs_quotes(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || opt_is_blank(text[0]) || opt_is_blank(text[len - 1]))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (is_control(text[i]) || strchr("#,\"", text[i]) != NULL)
			return true;
	}
	return false;
}

void opt_print_quoted(const char *text, FILE *out)
{
	if (!needs_quotes(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const char *s = text; *s != '\0'; s++) {
		if (is_control(*s))
			fprintf(out, "\\x%02x", (unsigned)(unsigned char)*s);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

/* Longer words are no near miss of any key. */
#define WORD_MAX 48

size_t opt_text_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1] = { 0 };
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}
