/* pipe_report - what natprobe pipe says of itself: on standard error, since standard output is data. */
#ifndef NATPROBE_PIPE_REPORT_H
#define NATPROBE_PIPE_REPORT_H

#include <event2/event.h>
#include <stdbool.h>

#include "pipe_io.h"

struct pipe_report {
	bool json, quiet, shows_progress;
	struct event *tick;
	const struct pipe_io *io;
	uint64_t begin_us;
	bool is_shown; /* a line of progress stands on the terminal */
	bool has_ended;
};

/* shows_progress: on a terminal that nothing else is written to. */
void pipe_report_path(struct pipe_report *r, bool is_up, const char *what);
/* The stream stands. */
void pipe_report_begin(struct pipe_report *r, struct event_base *base, const struct pipe_io *io);
/* What came of it, as pipe_io_config.on_over tells. */
void pipe_report_end(struct pipe_report *r, const char *word, bool is_theirs, int error);
/* There was no stream at all. */
void pipe_report_refused(struct pipe_report *r, const char *word, const char *text);
/* The link ended: tells so where nothing of an end was told yet. */
void pipe_report_gone(struct pipe_report *r);
void pipe_report_clear(struct pipe_report *r);

/* For people: why it broke, and what helps. */
const char *pipe_word_text(const char *word, bool is_theirs);
/* "1.5 MB" in buf. Returns buf. */
const char *pipe_amount(uint64_t bytes, char buf[static 16]);

#endif
