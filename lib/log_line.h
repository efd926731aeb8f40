/*
 * log_line - the bytes of one log line. Pure: the shell is log.c.
 *
 * Whatever the values hold, the result is one line of valid UTF-8 without control
 * characters (but for the colour that was asked for).
 */
#ifndef NATKIT_LOG_LINE_H
#define NATKIT_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "log.h"

#define LOG_MESSAGE_MAX 2000
#define LOG_LINE_MAX    4096 /* PIPE_BUF of Linux: a pipe takes the line whole, or not at all */

struct log_style {
	enum log_format format;
	bool journal; /* starts with "<6>", as sd-daemon(3) wants; text has no time then */
	bool colour;
};

/*
 * Writes a line, its newline included, to buf.
 * time_ms  since 1970, UTC
 * event    at most 64 bytes are taken
 * message  at most LOG_MESSAGE_MAX bytes are taken, fewer where escapes make them long; "..."
 *          says that there was more
 * Returns its length; buf is not terminated.
 */
size_t log_line(struct log_style style, uint64_t time_ms, enum log_level level, const char *event,
		const char *message, char buf[static LOG_LINE_MAX]);

#endif
