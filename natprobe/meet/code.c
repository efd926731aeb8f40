#include "code.h"

#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"
#include "words.h"

#define NUMBERS      9999 /* 1 to 9999 */
#define CODE_WORDS   3
#define DIGITS_MAX   4
#define TOPIC_AT     48 /* what is before goes into the key */
#define TOPIC_BITS   14
#define FIRST_LETTER 0x21

static uint16_t random_below(void (*random)(void *arg, void *buf, size_t len), void *arg,
			     uint16_t limit)
{
	uint16_t even = (uint16_t)(UINT16_MAX - UINT16_MAX % limit), v;
	uint8_t raw[2];

	do { /* values above would make some results likelier */
		(*random)(arg, raw, sizeof(raw));
		v = (uint16_t)((uint32_t)raw[0] << 8 | raw[1]);
	} while (v >= even);
	return v % limit;
}

void code_make(void (*random)(void *arg, void *buf, size_t len), void *arg,
	       char out[static CODE_MAX])
{
	unsigned int number = 1u + random_below(random, arg, NUMBERS);
	const char *w[CODE_WORDS];

	for (int i = 0; i < CODE_WORDS; i++)
		w[i] = words[random_below(random, arg, WORDS)];
	(void)snprintf(out, CODE_MAX, "%u-%s-%s-%s", number, w[0], w[1], w[2]);
}

/* Length of a character that separates, in any script that pastes such; 0: it does not. */
static size_t separator_len(struct bytes s)
{
	static const struct {
		const char *bytes;
		uint8_t first, last; /* of the last byte */
	} more[] = {
		{ "\xc2", 0xa0, 0xa0 },     /* no-break space */
		{ "\xe2\x80", 0x80, 0x95 }, /* spaces, hyphens and dashes */
		{ "\xe2\x88", 0x92, 0x92 }, /* minus */
		{ "\xe3\x80", 0x80, 0x80 }, /* ideographic space */
	};

	if (s.data[0] == ' ' || s.data[0] == '-' || s.data[0] == '_' ||
	    (s.data[0] >= '\t' && s.data[0] <= '\r'))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		size_t n = strlen(more[i].bytes);

		if (s.len > n && memcmp(s.data, more[i].bytes, n) == 0 &&
		    s.data[n] >= more[i].first && s.data[n] <= more[i].last)
			return n + 1;
	}
	return 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Takes one character of s to `out`. False: it is none that a code has. */
static bool put_character(struct bytes *s, struct wire_out *out)
{
	size_t n = utf8_len(*s);

	if (n == 0 || s->data[0] < FIRST_LETTER || s->data[0] == 0x7f)
		return false;
	for (size_t i = 0; i < n; i++)
		wire_put_u8(out, lower(s->data[i]));
	*s = bytes_of(s->data + n, s->len - n);
	return true;
}

/* Characters, or 0 and *why. */
static size_t flatten(struct bytes s, struct wire_out *out, const char **why)
{
	size_t count = 0;
	bool gap = false;

	while (s.len > 0) {
		size_t n = separator_len(s);

		if (n > 0) {
			gap = out->len > 0;
			s = bytes_of(s.data + n, s.len - n);
			continue;
		}
		if (gap)
			wire_put_u8(out, '-');
		count += gap ? 2 : 1;
		gap = false;
		if (!put_character(&s, out)) {
			*why = "the code has characters that are no text (UTF-8)";
			return 0;
		}
	}
	wire_put_u8(out, 0);
	if (out->failed)
		*why = "the code is too long";
	else if (count == 0)
		*why = "the code is empty";
	return out->failed ? 0 : count;
}

static int compare_word(const void *key, const void *element)
{
	const struct bytes *w = key;
	const char *other = *(const char *const *)element;
	int order = strncmp((const char *)w->data, other, w->len);

	return order != 0 ? order : other[w->len] == 0 ? 0 : -1;
}

static bool is_ours(struct bytes word)
{
	return word.len <= WORD_MAX &&
	       bsearch(&word, words, WORDS, sizeof(words[0]), compare_word) != NULL;
}

/* The next part of a code that is made of letters, or empty. */
static struct bytes next_word(const char **at)
{
	const char *start = *at + 1;
	size_t n = 0;

	if (**at != '-')
		return (struct bytes){ 0 };
	while (start[n] >= 'a' && start[n] <= 'z')
		n++;
	*at = start + n;
	return bytes_of(start, n);
}

static size_t digits_of(const char *code)
{
	return strspn(code, "0123456789");
}

/* A number and three words: *known of them are ours. */
static bool has_our_shape(const char *code, int *known)
{
	size_t digits = digits_of(code);
	const char *at = code + digits;

	*known = 0;
	for (int i = 0; i < CODE_WORDS; i++) {
		struct bytes word = next_word(&at);

		if (word.len == 0)
			return false;
		*known += is_ours(word) ? 1 : 0;
	}
	return *at == 0 && digits >= 1 && digits <= DIGITS_MAX;
}

/* 0037 is 37, and 0000 is 0. */
static size_t leading_zeros(const char *code)
{
	size_t n = strspn(code, "0");

	return n > 0 && n == digits_of(code) ? n - 1 : n;
}

bool code_normalise(const char *typed, char out[static CODE_MAX], const char **why)
{
	char flat[CODE_MAX];
	struct wire_out w = wire_write(flat, sizeof(flat));
	size_t count = flatten(bytes_of_str(typed), &w, why), zeros;
	int known;

	if (count == 0)
		return false;
	if (has_our_shape(flat, &known) && known > 0 && known < CODE_WORDS) {
		*why = "one of the code's words is none of natprobe's: is it mistyped?";
		return false;
	}
	zeros = has_our_shape(flat, &known) ? leading_zeros(flat) : 0;
	if (count - zeros < CODE_OWN_MIN) {
		*why = "the code is too short: one of your own has at least 10 characters";
		return false;
	}
	memcpy(out, flat + zeros, w.len - zeros);
	return true;
}

void code_topic(const char *code, const uint8_t stretched[static 64], char *out, size_t cap)
{
	unsigned int bits = ((unsigned int)stretched[TOPIC_AT] << 8 | stretched[TOPIC_AT + 1]) >>
			    (16 - TOPIC_BITS);
	int known;

	if (has_our_shape(code, &known) && known == CODE_WORDS)
		(void)snprintf(out, cap, "natkit/c/%lu", strtoul(code, NULL, 10));
	else
		(void)snprintf(out, cap, "natkit/o/%u", bits);
}
