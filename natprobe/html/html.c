#include "html.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <unistr.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Letters that are read as others than they are: they turn the direction of writing. */
static bool turns_text(ucs4_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* XML has no way to write some of them, HTML advises against the others. */
static bool is_text(ucs4_t c)
{
	if (c == '\n')
		return true;
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
		return false;
	if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
		return false;
	return !turns_text(c);
}

void html_text(FILE *out, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t left = strlen(text);

	while (left > 0) {
		ucs4_t c;
		int used = u8_mbtoucr(&c, at, left);
		size_t len = used > 0 ? (size_t)used : 1;

		if (used <= 0 || !is_text(c))
			fputs(REPLACEMENT, out);
		else if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(out, "&#%u;", (unsigned)c);
		else
			fwrite(at, 1, len, out);
		at += len;
		left -= len;
	}
}

/* Prints one argument by the conversion that begins behind its %. Returns what follows it. */
static const char *put_one(FILE *out, const char *spec, va_list *args)
{
	if (spec[0] == '%') {
		fputc('%', out);
		return spec + 1;
	}
	if (spec[0] == 's') {
		html_text(out, va_arg(*args, const char *));
		return spec + 1;
	}
	if (spec[0] == 'd') {
		fprintf(out, "%d", va_arg(*args, int));
		return spec + 1;
	}
	if (spec[0] == 'u') {
		fprintf(out, "%u", va_arg(*args, unsigned));
		return spec + 1;
	}
	if (spec[0] == '+' && spec[1] == 'd') {
		fprintf(out, "%+d", va_arg(*args, int));
		return spec + 2;
	}
	if (spec[0] == 'z' && spec[1] == 'u') {
		fprintf(out, "%zu", va_arg(*args, size_t));
		return spec + 2;
	}
	assert(spec[0] == '.' && spec[1] >= '0' && spec[1] <= '9' && spec[2] == 'f');
	fprintf(out, "%.*f", spec[1] - '0', va_arg(*args, double));
	return spec + 3;
}

void html_put(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format != '\0') {
		size_t plain = strcspn(format, "%");

		fwrite(format, 1, plain, out);
		format += plain;
		if (*format == '%')
			format = put_one(out, format + 1, &args);
	}
	va_end(args);
}
