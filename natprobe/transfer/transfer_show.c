#include "transfer_show.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/check/progress.h"
#include "natprobe/report/report_json_put.h"
#include "transfer_offer.h"
#include "transfer_rate.h"

#define REPORT_EVERY_S 1

struct transfer_show {
	struct transfer_show_config config;
	struct progress *progress;
	struct event *timer;
	struct event_base *base;
	struct transfer_rate rate;
	uint64_t began_us; /* data flow since */
	bool is_down;      /* the path */
	bool is_asking;    /* somebody types */
};

static uint64_t now_us(void)
{
	return clock_ms() * 1000;
}

static const struct transfer_core *core(const struct transfer_show *s)
{
	return s->config.core(s->config.arg);
}

static const struct manifest *manifest(const struct transfer_show *s)
{
	return s->config.manifest(s->config.arg);
}

/* Of what is moved; what was here before is not. */
static uint64_t moved(const struct transfer_core *c)
{
	return c->progress.bytes_done - c->progress.bytes_kept;
}

static json_t *event_new_json(struct json *j, const char *word)
{
	json_t *o = json_object();

	json_put(j, o, "event", json_string(word));
	return o;
}

static void print_json(const struct json *j, json_t *o)
{
	(void)json_finish(j, o, JSON_ONE_LINE, stdout);
}

/* Bytes as the file is called; what is no text is shown as \xNN. */
static json_t *json_name(struct bytes path)
{
	char name[2 * SAFE_PATH_MAX];

	return json_string(safe_text_cut(path, name, sizeof(name)));
}

static json_t *json_number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static double seconds(const struct transfer_show *s)
{
	return s->began_us > 0 ? (double)(now_us() - s->began_us) / 1e6 : 0;
}

static void say_progress(void *arg, char text[static PROGRESS_TEXT_MAX])
{
	struct transfer_show *s = arg;
	const struct transfer_core *c = core(s);
	char done[TRANSFER_SIZE_TEXT], all[TRANSFER_SIZE_TEXT], rate[TRANSFER_SIZE_TEXT];
	char left[TRANSFER_TIME_TEXT];
	uint64_t now = now_us(), still, left_s;
	int n;

	if (c != NULL && c->progress.is_checking) {
		snprintf(text, PROGRESS_TEXT_MAX, "reading again what was sent before, %s so far",
			 transfer_size_text(c->progress.checked, done));
		return;
	}
	if (c == NULL || !c->progress.is_moving) {
		snprintf(text, PROGRESS_TEXT_MAX, s->is_down ? "no path now" : "waiting");
		return;
	}
	transfer_rate_add(&s->rate, moved(c), now);
	still = transfer_rate_still_us(&s->rate, now);
	left_s = transfer_rate_left_s(&s->rate, c->progress.bytes - c->progress.bytes_done, now);
	n = snprintf(text, PROGRESS_TEXT_MAX, "%s of %s (%u %%)",
		     transfer_size_text(c->progress.bytes_done, done),
		     transfer_size_text(c->progress.bytes, all),
		     (unsigned)(c->progress.bytes > 0 ? (double)c->progress.bytes_done * 100 /
								(double)c->progress.bytes
						      : 100));
	if (n < 0 || n >= PROGRESS_TEXT_MAX)
		return;
	if (s->is_down || still >= TRANSFER_STALL_US)
		snprintf(text + n, PROGRESS_TEXT_MAX - (size_t)n, ", nothing for %s%s",
			 transfer_time_text(still / 1000000, left),
			 s->is_down ? ": no path now" : "");
	else if (left_s != TRANSFER_UNKNOWN)
		snprintf(text + n, PROGRESS_TEXT_MAX - (size_t)n, ", %s/s, %s left",
			 transfer_size_text(transfer_rate_get(&s->rate, now), rate),
			 transfer_time_text(left_s, left));
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct transfer_show *s = arg;
	const struct transfer_core *c = core(s);
	struct json j = { 0 };
	json_t *o;

	if (c == NULL || !(c->progress.is_moving || c->progress.is_checking))
		return;
	transfer_rate_add(&s->rate, moved(c), now_us());
	o = event_new_json(&j, "progress");
	json_put(&j, o, "bytes", json_number(c->progress.bytes_done));
	json_put(&j, o, "total", json_number(c->progress.bytes));
	json_put(&j, o, "files", json_integer(c->progress.files_done));
	json_put(&j, o, "rate", json_number(transfer_rate_get(&s->rate, now_us())));
	json_put(&j, o, "checked", json_number(c->progress.checked));
	print_json(&j, o);
}

struct transfer_show *transfer_show_new(const struct transfer_show_config *config)
{
	struct transfer_show *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->config = *config;
	return s;
}

void transfer_show_free(struct transfer_show *s)
{
	if (s == NULL)
		return;
	progress_free(s->progress);
	if (s->timer != NULL)
		event_free(s->timer);
	free(s);
}

static void show_progress(struct transfer_show *s)
{
	if (s->base == NULL || s->is_asking || s->progress != NULL || s->config.json ||
	    s->config.quiet || !isatty(STDERR_FILENO))
		return;
	s->progress = progress_new(s->base);
	progress_say(s->progress, say_progress, s);
}

static void hide_progress(struct transfer_show *s)
{
	progress_free(s->progress);
	s->progress = NULL;
}

void transfer_show_begin(struct transfer_show *s, struct event_base *base)
{
	const struct timeval tv = { .tv_sec = REPORT_EVERY_S };

	s->base = base;
	if (s->config.json) {
		s->timer = event_new(base, -1, EV_PERSIST, on_timer, s);
		if (s->timer != NULL)
			event_add(s->timer, &tv);
	}
	show_progress(s);
}

void transfer_show_path(struct transfer_show *s, bool is_up, const char *what)
{
	struct json j = { 0 };
	json_t *o;

	s->is_down = !is_up;
	if (s->config.json) {
		o = event_new_json(&j, "path");
		json_put(&j, o, "up", json_boolean(is_up));
		json_put(&j, o, "what", json_text(what));
		print_json(&j, o);
		return;
	}
	if (s->config.quiet)
		return;
	hide_progress(s);
	fprintf(stderr, "natprobe: %s: the path is %s: %s\n", s->config.command,
		is_up ? "there" : "away", what);
	show_progress(s);
}

void transfer_show_skipped(struct transfer_show *s, const char *path, const char *what)
{
	struct json j = { 0 };
	char name[SAFE_TEXT_MAX];
	json_t *o;

	if (s->config.json) {
		o = event_new_json(&j, "skipped");
		json_put(&j, o, "name", json_name(bytes_of_str(path)));
		json_put(&j, o, "reason", json_string(what));
		print_json(&j, o);
	} else if (!s->config.quiet) {
		fprintf(stderr, "natprobe: %s: left out: %s is %s\n", s->config.command,
			safe_text(bytes_of_str(path), name), what);
	}
}

static void report_error(const char *text)
{
	struct json j = { 0 };
	json_t *o = event_new_json(&j, "error");

	json_put(&j, o, "text", json_text(text));
	json_put(&j, o, "told", json_false());
	print_json(&j, o);
}

void transfer_show_error(struct transfer_show *s, const char *text)
{
	hide_progress(s);
	fprintf(stderr, "natprobe: %s: %s\n", s->config.command, text);
	if (s->config.json)
		report_error(text);
}

void transfer_show_gone(struct transfer_show *s, bool has_begun)
{
	hide_progress(s);
	if (has_begun)
		transfer_show_error(s, "it was interrupted; run both sides again: it goes on where "
				       "it was");
	else if (s->config.json) /* people were told already, by the link */
		report_error("there was no path to the other side; standard error says why");
}

void transfer_show_offer(struct transfer_show *s, const char *directory)
{
	hide_progress(s);
	s->is_asking = true;
	transfer_offer_print(manifest(s), directory);
}

void transfer_show_go(struct transfer_show *s)
{
	s->is_asking = false;
	show_progress(s);
}

static void report_offer(struct transfer_show *s)
{
	const struct manifest *m = manifest(s);
	struct json j = { 0 };
	json_t *o = event_new_json(&j, "offer"), *names = json_array();

	for (uint32_t i = 0; i < manifest_count(m); i++) {
		struct transfer_entry e = manifest_get(m, i);

		if (transfer_offer_is_top(e.path))
			json_add(&j, names, json_name(e.path));
	}
	json_put(&j, o, "files", json_integer(manifest_files(m)));
	json_put(&j, o, "directories", json_integer(manifest_count(m) - manifest_files(m)));
	json_put(&j, o, "bytes", json_number(manifest_total(m)));
	json_put(&j, o, "names", names);
	print_json(&j, o);
}

static void hex(const uint8_t digest[static TRANSFER_DIGEST_LEN],
		char out[static 2 * TRANSFER_DIGEST_LEN + 1])
{
	for (int i = 0; i < TRANSFER_DIGEST_LEN; i++)
		snprintf(out + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
}

static void report_file(struct transfer_show *s, const struct transfer_event *e)
{
	struct transfer_entry entry = manifest_get(manifest(s), e->index);
	char digest[2 * TRANSFER_DIGEST_LEN + 1];
	struct json j = { 0 };
	bool is_end = e->kind == TRANSFER_ON_FILE_END;
	json_t *o = event_new_json(&j, e->kind == TRANSFER_ON_CLASH ? "clash"
				       : is_end                     ? "file-end"
								    : "file");

	json_put(&j, o, "name", json_name(entry.path));
	if (e->kind != TRANSFER_ON_CLASH)
		json_put(&j, o, "bytes", json_number(entry.size));
	if (e->kind == TRANSFER_ON_FILE)
		json_put(&j, o, "from", json_number(e->at));
	if (is_end) {
		hex(e->digest, digest);
		json_put(&j, o, "sha256", json_string(digest));
	}
	print_json(&j, o);
}

static void report_over(struct transfer_show *s, const struct transfer_core *c)
{
	struct json j = { 0 };
	json_t *o = event_new_json(&j, c->is_ok ? "done" : "error");

	if (c->is_ok) {
		double took = seconds(s);

		json_put(&j, o, "files", json_integer(c->progress.files_done));
		json_put(&j, o, "bytes", json_number(c->progress.bytes_done));
		json_put(&j, o, "kept", json_number(c->progress.bytes_kept));
		json_put(&j, o, "seconds", json_real(took));
		json_put(&j, o, "rate",
			 json_number(took > 0 ? (uint64_t)((double)moved(c) / took) : 0));
		json_put(&j, o, "checksums", json_true());
	} else {
		json_put(&j, o, "text", json_text(c->why));
		json_put(&j, o, "told", json_boolean(c->is_told));
	}
	print_json(&j, o);
}

static void print_done(const struct transfer_show *s, const struct transfer_core *c)
{
	char size[TRANSFER_SIZE_TEXT], kept[TRANSFER_SIZE_TEXT], rate[TRANSFER_SIZE_TEXT];
	double took = seconds(s);

	printf("%u file%s, %s", (unsigned)c->progress.files_done,
	       c->progress.files_done == 1 ? "" : "s",
	       transfer_size_text(c->progress.bytes_done, size));
	if (c->progress.bytes_kept > 0)
		printf(" (%s of them from an earlier run)",
		       transfer_size_text(c->progress.bytes_kept, kept));
	printf(" in %.1f s", took);
	if (took >= 0.1 && moved(c) > 0)
		printf(", %s/s", transfer_size_text((uint64_t)((double)moved(c) / took), rate));
	printf("; SHA-256 of each is right\n");
	fflush(stdout);
}

static void print_over(struct transfer_show *s, const struct transfer_core *c)
{
	hide_progress(s);
	if (!c->is_ok)
		fprintf(stderr, "natprobe: %s: %s%s\n", s->config.command,
			c->is_told ? "the other side says: " : "", c->why);
	else if (!s->config.quiet && !s->config.json)
		print_done(s, c);
}

static void print_clash(const struct transfer_show *s, uint32_t index)
{
	char name[SAFE_TEXT_MAX];

	fprintf(stderr, "natprobe: %s: %s exists\n", s->config.command,
		safe_text(manifest_get(manifest(s), index).path, name));
}

void transfer_show_event(struct transfer_show *s, const struct transfer_event *e)
{
	const struct transfer_core *c = core(s);

	if (e->kind == TRANSFER_ON_ACCEPT) {
		s->began_us = now_us();
		transfer_rate_add(&s->rate, 0, s->began_us);
	}
	if (e->kind == TRANSFER_ON_OVER)
		print_over(s, c);
	if (!s->config.json) {
		if (e->kind == TRANSFER_ON_CLASH)
			print_clash(s, e->index);
		return;
	}
	if (e->kind == TRANSFER_ON_OFFER)
		report_offer(s);
	else if (e->kind == TRANSFER_ON_OVER)
		report_over(s, c);
	else if (e->kind != TRANSFER_ON_ACCEPT)
		report_file(s, e);
}
