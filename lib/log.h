/*
 * log - one line per event, as text or as a JSON object, to stderr.
 *
 * The one choke point for log lines: a line stays one line whatever its values hold, and
 * secrets are never passed to it. Thread-safe. What a stranger can trigger is logged at
 * debug level only.
 */
#ifndef NATKIT_LOG_H
#define NATKIT_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

void log_setup(enum log_level level, enum log_format format);
bool log_wants(enum log_level level);

/* A stable event name ("listen", "reload"), then a sentence for people. */
void log_event(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
