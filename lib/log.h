/*
 * log - one line per event, as text or as a JSON object, to stderr.
 *
 * The one choke point for log lines: a line stays one line whatever its values hold, and
 * secrets are never passed to it. Thread-safe: a line is one write(2). What a stranger can
 * trigger is logged at debug level only.
 *
 *	2026-11-20T21:57:31.123Z info listen: UDP on 192.0.2.1:3478
 *	{"time":"2026-11-20T21:57:31.123Z","level":"info","event":"listen","message":"..."}
 *
 * Under systemd (JOURNAL_STREAM is set) text lines carry the journal's priority prefix
 * instead of the time. On a terminal the level is coloured, unless NO_COLOR is set.
 */
#ifndef NATKIT_LOG_H
#define NATKIT_LOG_H

#include <stdbool.h>

/* The order is the one of "error|warn|info|debug", as in an OPT_ENUM. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
#define LOG_LEVEL_CHOICES "error|warn|info|debug"

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
#define LOG_FORMAT_CHOICES "text|json"

/* Before that, text at level info. May be called again, from any thread. */
void log_setup(enum log_level level, enum log_format format);

/* Lines of that level are written: asks before preparing an expensive one. */
bool log_wants(enum log_level level);

/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);

/*
 * A stable event name ("listen", "reload"), then a sentence for people. A message longer
 * than 2000 bytes is cut.
 */
void log_event(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
