#include "pipe_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "natprobe/report/report_json_put.h"
#include "pipe_wire.h"

#define TICK_US     500000
#define PATIENCE_US 2000000 /* what is over sooner needs no progress */

static const struct {
	const char *word, *ours, *theirs;
} texts[] = {
	{ PIPE_INPUT, "standard input cannot be read",
	  "standard input of the other side cannot be read; what came is not all" },
	{ PIPE_OUTPUT, "standard output cannot be written",
	  "the other side cannot write its standard output; is there room on its disk?" },
	{ PIPE_CLOSED, "nobody reads standard output any more; what came is not all of it",
	  "nobody reads standard output on the other side; did the program behind its pipe end?" },
	{ PIPE_MEMORY, "out of memory", "the other side is out of memory" },
	{ PIPE_INTERRUPTED, "it was interrupted", "it was interrupted on the other side" },
	{ PIPE_PROTOCOL,
	  "the other side says what means nothing here; is it natprobe pipe, as new as this one?",
	  "the other side does not understand us; is it natprobe pipe, as new as this one?" },
	{ PIPE_LOST,
	  "natprobe on the other side ended before all was there, or the link did; try again", "" },
};

const char *pipe_word_text(const char *word, bool is_theirs)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].word, word) == 0)
			return is_theirs ? texts[i].theirs : texts[i].ours;
	}
	return "it was broken off on the other side";
}

const char *pipe_amount(uint64_t bytes, char buf[static 16])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	size_t at = 0;

	if (bytes < 1000) {
		(void)snprintf(buf, 16, "%u B", (unsigned)bytes);
		return buf;
	}
	while (value >= 999.95 && at + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		at++;
	}
	(void)snprintf(buf, 16, "%.1f %s", value, units[at]);
	return buf;
}

/* --- JSON --- */

static void put_event(json_t *o, struct json *j)
{
	(void)json_finish(j, o, JSON_ONE_LINE, stderr);
	(void)fflush(stderr);
}

static void put_counts(struct json *j, json_t *o, const struct pipe_report *r)
{
	uint64_t sent = 0, received = 0;

	if (r->io != NULL)
		pipe_io_count(r->io, &sent, &received);
	json_put(j, o, "sent", json_integer((json_int_t)sent));
	json_put(j, o, "received", json_integer((json_int_t)received));
}

static json_t *event_of(struct json *j, const char *name)
{
	json_t *o = json_object();

	json_put(j, o, "event", json_text(name));
	return o;
}

static void json_event(const struct pipe_report *r, const char *name)
{
	struct json j = { 0 };
	json_t *o = event_of(&j, name);

	put_counts(&j, o, r);
	put_event(o, &j);
}

/* --- progress --- */

static void show(struct pipe_report *r, uint64_t spent_us)
{
	char sent_text[16], received_text[16], rate[16];
	uint64_t sent, received;

	pipe_io_count(r->io, &sent, &received);
	fprintf(stderr, "\r%s sent, %s received, %s/s\033[K", pipe_amount(sent, sent_text),
		pipe_amount(received, received_text),
		pipe_amount((uint64_t)((double)(sent + received) * 1e6 / (double)spent_us), rate));
	(void)fflush(stderr);
	r->is_shown = true;
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct pipe_report *r = arg;
	uint64_t spent_us = clock_us() - r->begin_us;

	if (r->json)
		json_event(r, "progress");
	else if (spent_us >= PATIENCE_US)
		show(r, spent_us);
}

static void end_line(struct pipe_report *r)
{
	if (r->is_shown)
		fputc('\n', stderr);
	r->is_shown = false;
}

/* --- what happens --- */

void pipe_report_path(struct pipe_report *r, bool is_up, const char *what)
{
	struct json j = { 0 };
	json_t *o;

	if (r->json) {
		o = event_of(&j, "path");
		json_put(&j, o, "up", json_boolean(is_up));
		json_put(&j, o, "what", json_text(what));
		put_event(o, &j);
		return;
	}
	if (r->quiet)
		return;
	end_line(r);
	fprintf(stderr, "natprobe: pipe: the path is %s: %s\n", is_up ? "there" : "away", what);
}

void pipe_report_begin(struct pipe_report *r, struct event_base *base, const struct pipe_io *io)
{
	static const struct timeval tick = { .tv_usec = TICK_US };

	r->io = io;
	r->begin_us = clock_us();
	if (r->json)
		json_event(r, "begin");
	if (!r->json && (r->quiet || !r->shows_progress))
		return;
	r->tick = event_new(base, -1, EV_PERSIST, on_tick, r);
	if (r->tick != NULL)
		(void)event_add(r->tick, &tick);
}

void pipe_report_refused(struct pipe_report *r, const char *word, const char *text)
{
	struct json j = { 0 };
	json_t *o;

	r->has_ended = true;
	if (!r->json) {
		end_line(r);
		fprintf(stderr, "natprobe: pipe: %s\n", text);
		return;
	}
	o = event_of(&j, "end");
	json_put(&j, o, "word", json_text(word));
	json_put(&j, o, "text", json_text(text));
	put_counts(&j, o, r);
	put_event(o, &j);
}

void pipe_report_end(struct pipe_report *r, const char *word, bool is_theirs, int error)
{
	char text[256];

	r->has_ended = true;
	if (word == NULL && r->json) {
		json_event(r, "end");
		return;
	}
	end_line(r);
	if (word == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%s%s%s", pipe_word_text(word, is_theirs),
		       error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	pipe_report_refused(r, word, text);
}

void pipe_report_gone(struct pipe_report *r)
{
	if (r->has_ended)
		return;
	if (r->io != NULL)
		pipe_report_end(r, PIPE_INTERRUPTED, false, 0);
	else if (r->json) /* people were told already, by the link */
		pipe_report_refused(r, "no-path",
				    "there was no path to the other side, and what was printed "
				    "before says why");
}

void pipe_report_clear(struct pipe_report *r)
{
	end_line(r);
	if (r->tick != NULL)
		event_free(r->tick);
	r->tick = NULL;
	r->io = NULL;
}
