#include "log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "utf8.h"
#include "wire.h"

#define EVENT_MAX 64
#define TIME_MAX  32
#define TAIL_MAX  32 /* one more character, the dots, and the end of the line */

static const struct {
	const char *name;
	int priority;       /* of syslog, as the journal wants it */
	const char *colour; /* SGR parameter; NULL: as it is */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3, "31" },
	[LOG_LEVEL_WARN] = { "warn", 4, "33" },
	[LOG_LEVEL_INFO] = { "info", 6, NULL },
	[LOG_LEVEL_DEBUG] = { "debug", 7, "2" },
};

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

static void put_text(struct wire_out *out, const char *text)
{
	wire_put_mem(out, text, strlen(text));
}

/* U+2028 to U+202E and U+2066 to U+2069: they end a line, or turn the order of what follows. */
static bool is_line_or_bidi(const uint8_t *s)
{
	if (s[0] != 0xe2)
		return false;
	return s[1] == 0x80 ? s[2] >= 0xa8 && s[2] <= 0xae
			    : s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

/* C0, DEL, and C1, which a terminal obeys as well. s is a whole character. */
static bool is_control(const uint8_t *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) || is_line_or_bidi(s);
}

/* The number of one that is_control is true for. */
static unsigned code_of_control(const uint8_t *s)
{
	return s[0] < 0x80    ? s[0]
	       : s[0] == 0xc2 ? s[1]
			      : 0x2000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* What people see instead of a byte that must not be seen. */
static void put_text_escape(struct wire_out *out, uint8_t c)
{
	char escape[8];

	if (c == '\n')
		put_text(out, "\\n");
	else if (c == '\t')
		put_text(out, "\\t");
	else {
		snprintf(escape, sizeof(escape), "\\x%02x", c);
		put_text(out, escape);
	}
}

static bool is_full(const struct wire_out *out)
{
	return out->cap - out->len < TAIL_MAX;
}

/* Returns where it had to stop. */
static const uint8_t *put_text_value(struct wire_out *out, const uint8_t *s, const uint8_t *end)
{
	while (s < end && !is_full(out)) {
		size_t len = utf8_len(bytes_of(s, (size_t)(end - s)));

		if (len == 0 || is_control(s)) {
			put_text_escape(out, *s++);
			continue;
		}
		wire_put_mem(out, s, len);
		s += len;
	}
	return s;
}

static const uint8_t *put_json_value(struct wire_out *out, const uint8_t *s, const uint8_t *end)
{
	char escape[8];

	while (s < end && !is_full(out)) {
		size_t len = utf8_len(bytes_of(s, (size_t)(end - s)));

		if (len == 0) {
			put_text(out, "\\ufffd");
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\') {
			wire_put_u8(out, '\\');
			wire_put_u8(out, *s);
		} else if (is_control(s)) {
			snprintf(escape, sizeof(escape), "\\u%04x", code_of_control(s));
			put_text(out, escape);
		} else {
			wire_put_mem(out, s, len);
		}
		s += len;
	}
	return s;
}

/* At most `max` bytes, cut between characters where that is possible. */
static size_t cut_len(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	if (text[len] == '\0')
		return len;
	for (size_t back = 0; back < 4 && len > back; back++) {
		if (!utf8_is_continuation((uint8_t)text[len - back]))
			return len - back;
	}
	return len;
}

static void put_value(struct wire_out *out, enum log_format format, const char *text, size_t max)
{
	const uint8_t *s = (const uint8_t *)text;
	const uint8_t *end = s + cut_len(text, max);

	s = format == LOG_FORMAT_JSON ? put_json_value(out, s, end) : put_text_value(out, s, end);
	if (*s != '\0')
		put_text(out, "...");
}

/* RFC 3339 with milliseconds. */
static void print_time(uint64_t time_ms, char text[static TIME_MAX])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	size_t len = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, TIME_MAX - len, ".%03uZ", (unsigned)(time_ms % 1000));
}

static void put_text_head(struct wire_out *out, struct log_style style, const char *time,
			  enum log_level level)
{
	const char *colour = style.colour ? levels[level].colour : NULL;

	if (!style.journal) {
		put_text(out, time);
		put_text(out, " ");
	}
	if (colour != NULL) {
		put_text(out, "\033[");
		put_text(out, colour);
		put_text(out, "m");
	}
	put_text(out, levels[level].name);
	put_text(out, colour != NULL ? "\033[0m " : " ");
}

size_t log_line(struct log_style style, uint64_t time_ms, enum log_level level, const char *event,
		const char *message, char buf[static LOG_LINE_MAX])
{
	struct wire_out out = wire_write(buf, LOG_LINE_MAX);
	char time[TIME_MAX], priority[8];
	bool json = style.format == LOG_FORMAT_JSON;

	print_time(time_ms, time);
	if (style.journal) {
		snprintf(priority, sizeof(priority), "<%d>", levels[level].priority);
		put_text(&out, priority);
	}
	if (json) {
		put_text(&out, "{\"time\":\"");
		put_text(&out, time);
		put_text(&out, "\",\"level\":\"");
		put_text(&out, levels[level].name);
		put_text(&out, "\",\"event\":\"");
	} else {
		put_text_head(&out, style, time, level);
	}
	put_value(&out, style.format, event, EVENT_MAX);
	put_text(&out, json ? "\",\"message\":\"" : ": ");
	put_value(&out, style.format, message, LOG_MESSAGE_MAX);
	put_text(&out, json ? "\"}\n" : "\n");
	return wire_written(&out).len;
}
