#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log_line.h"

/* The one piece of global state: where lines go belongs to the process, not to a caller. */
static atomic_int wanted_level = LOG_LEVEL_INFO;
static atomic_int wanted_format = LOG_FORMAT_TEXT;
static atomic_bool to_journal;
static atomic_bool in_colour;

/* stderr is the stream that JOURNAL_STREAM names as DEVICE:INODE (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_colour != NULL && no_colour[0] != '\0')
		return false;
	return isatty(STDERR_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
}

void log_setup(enum log_level level, enum log_format format)
{
	atomic_store(&wanted_level, (int)level);
	atomic_store(&wanted_format, (int)format);
	atomic_store(&to_journal, is_journal());
	atomic_store(&in_colour, wants_colour());
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	char message[LOG_MESSAGE_MAX + 2]; /* one more tells that it was longer */
	char line[LOG_LINE_MAX];
	int saved_errno = errno;
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	struct log_style style = {
		.format = (enum log_format)atomic_load(&wanted_format),
		.journal = atomic_load(&to_journal),
		.colour = atomic_load(&in_colour),
	};
	size_t len = log_line(style, now_ms(), level, event, message, line);
	/* A line that stderr does not take is lost: there is nobody to tell. */
	while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}
