#include "base64.h"

/* 0xff where a <= c <= b, else 0; for numbers below 256 and without a branch. */
static unsigned is_within(unsigned c, unsigned a, unsigned b)
{
	return ((a - 1 - c) & (c - b - 1)) >> 8 & 0xff;
}

static char letter(unsigned sextet)
{
	unsigned c = 0;

	c |= is_within(sextet, 0, 25) & (sextet + 'A');
	c |= is_within(sextet, 26, 51) & (sextet - 26 + 'a');
	c |= is_within(sextet, 52, 61) & (sextet - 52 + '0');
	c |= is_within(sextet, 62, 62) & '+';
	c |= is_within(sextet, 63, 63) & '/';
	return (char)c;
}

/* Sets *bad for what is not of the alphabet. */
static unsigned sextet(unsigned c, unsigned *bad)
{
	unsigned upper = is_within(c, 'A', 'Z');
	unsigned lower = is_within(c, 'a', 'z');
	unsigned digit = is_within(c, '0', '9');
	unsigned plus = is_within(c, '+', '+');
	unsigned slash = is_within(c, '/', '/');

	*bad |= ~(upper | lower | digit | plus | slash) & 0xff;
	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) |
	       (plus & 62) | (slash & 63);
}

void base64_put(struct bytes in, char *out)
{
	for (size_t i = 0; i < in.len; i += 3, out += 4) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		unsigned bits = (unsigned)in.data[i] << 16;

		bits |= n > 1 ? (unsigned)in.data[i + 1] << 8 : 0;
		bits |= n > 2 ? in.data[i + 2] : 0u;
		out[0] = letter(bits >> 18);
		out[1] = letter(bits >> 12 & 63);
		out[2] = '=';
		out[3] = '=';
		if (n > 1)
			out[2] = letter(bits >> 6 & 63);
		if (n > 2)
			out[3] = letter(bits & 63);
	}
}

static size_t padding_of(struct bytes text)
{
	if (text.len == 0 || text.data[text.len - 1] != '=')
		return 0;
	return text.data[text.len - 2] == '=' ? 2 : 1;
}

bool base64_get(struct bytes text, uint8_t *out, size_t cap, size_t *len)
{
	unsigned bad = 0;
	size_t padding, n;

	if (text.len % 4 != 0)
		return false;
	padding = padding_of(text);
	n = text.len / 4 * 3 - padding;
	if (n > cap)
		return false;
	for (size_t i = 0, at = 0; i < text.len; i += 4) {
		unsigned bits = 0;

		for (size_t k = 0; k < 4; k++) {
			bool pad = i + k >= text.len - padding;
			bits = bits << 6 | (pad ? 0 : sextet(text.data[i + k], &bad));
		}
		for (unsigned k = 0; k < 3; k++) {
			unsigned byte = bits >> (16 - 8 * k) & 0xff;

			if (at < n)
				out[at++] = (uint8_t)byte;
			else
				bad |= byte; /* bits beside the last byte */
		}
	}
	if (bad != 0)
		return false;
	*len = n;
	return true;
}
