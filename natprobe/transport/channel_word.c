#include "channel_word.h"

#include "dcep.h"

#define GRANT      "grant "
#define ABORT      "abort "
#define DIGITS_MAX 10

static bool takes(struct bytes *in, const char *prefix)
{
	size_t len = strlen(prefix);

	if (in->len < len || memcmp(in->data, prefix, len) != 0)
		return false;
	in->data += len;
	in->len -= len;
	return true;
}

static bool number_read(struct bytes text, uint32_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	*out = (uint32_t)value;
	return value > 0 && value <= CHANNEL_GRANT_MAX;
}

void channel_word_read(struct bytes message, struct channel_word *out)
{
	*out = (struct channel_word){ 0 };
	if (takes(&message, GRANT)) {
		bool is_good = number_read(message, &out->grant);

		out->kind = is_good ? CHANNEL_WORD_GRANT : CHANNEL_WORD_BAD;
		return;
	}
	if (takes(&message, ABORT)) {
		out->kind = CHANNEL_WORD_ABORT;
		dcep_text_copy(message, out->text, sizeof(out->text));
		return;
	}
	if (bytes_equal(message, BYTES("end")))
		out->kind = CHANNEL_WORD_END;
}

static size_t number_write(uint32_t value, uint8_t *to)
{
	uint8_t digits[DIGITS_MAX];
	size_t n = 0;

	do {
		digits[n++] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < n; i++)
		to[i] = digits[n - 1 - i];
	return n;
}

size_t channel_word_write(const struct channel_word *word, uint8_t buf[static CHANNEL_WORD_MAX])
{
	size_t len = strnlen(word->text, CHANNEL_WORD_TEXT);

	switch (word->kind) {
	case CHANNEL_WORD_GRANT:
		memcpy(buf, GRANT, strlen(GRANT));
		return strlen(GRANT) + number_write(word->grant, buf + strlen(GRANT));
	case CHANNEL_WORD_END:
		memcpy(buf, "end", 3);
		return 3;
	case CHANNEL_WORD_ABORT:
		memcpy(buf, ABORT, strlen(ABORT));
		memcpy(buf + strlen(ABORT), word->text, len);
		return strlen(ABORT) + len;
	default:
		return 0;
	}
}
