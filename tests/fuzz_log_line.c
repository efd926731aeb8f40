/* Any message: one line of UTF-8 without control characters comes of it. */
#include "log_line.h"
#include "fuzz_check.h"

#include <string.h>

#include "utf8.h"

static void is_one_line(const char *line, size_t len)
{
	const uint8_t *s = (const uint8_t *)line;

	FUZZ_CHECK(len > 0 && len < LOG_LINE_MAX && line[len - 1] == '\n');
	for (const uint8_t *end = s + len - 1; s < end;) {
		size_t n = utf8_len(bytes_of(s, (size_t)(end - s)));

		FUZZ_CHECK(n > 0);
		FUZZ_CHECK(s[0] >= 0x20 && s[0] != 0x7f && !(s[0] == 0xc2 && s[1] < 0xa0));
		s += n;
	}
}

/* Quotes of a JSON string are escaped: an even number of bare ones is left. */
static void has_paired_quotes(const char *line, size_t len)
{
	size_t quotes = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else if (line[i] == '"')
			quotes++;
	}
	FUZZ_CHECK(quotes == 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct log_style style = { .format = LOG_FORMAT_TEXT };
	char line[LOG_LINE_MAX + 1] = { 0 };
	char *message = malloc(len + 1);
	size_t line_len;

	if (message == NULL)
		return 0;
	if (len > 0)
		memcpy(message, data, len);
	message[len] = '\0';
	line_len = log_line(style, 0, LOG_LEVEL_INFO, message, message, line);
	is_one_line(line, line_len);
	style.format = LOG_FORMAT_JSON;
	line_len = log_line(style, UINT64_MAX / 2, LOG_LEVEL_ERROR, message, message, line);
	is_one_line(line, line_len);
	has_paired_quotes(line, line_len);
	free(message);
	return 0;
}
