#include "forward_report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "forward_wire.h"
#include "natprobe/report/report_json_put.h"

#define AGAIN_MS 10000 /* the same failure is told to people so often at most */
#define TOLD_MAX 8     /* others in that time */

/* --- JSON --- */

static const char *const names[] = {
	[FORWARD_LISTENS] = "listen",
	[FORWARD_OPENED] = "open",
	[FORWARD_FAILED] = "fail",
	[FORWARD_CLOSED] = "close",
};

static void put_line(struct json *j, json_t *o)
{
	(void)json_finish(j, o, JSON_ONE_LINE, stdout);
	(void)fflush(stdout);
}

static void put_target(struct json *j, json_t *o, const struct forward_target *t)
{
	char text[FORWARD_TARGET_MAX];

	json_put(j, o, "target", json_text(forward_target_print(t, text)));
}

static void json_event(const struct forward_event *e)
{
	struct json j = { 0 };
	json_t *o = json_object();

	json_put(&j, o, "event", json_text(names[e->kind]));
	json_put(&j, o, "asked_by", json_text(e->is_served ? "other side" : "us"));
	put_target(&j, o, e->target);
	if (e->from != NULL)
		json_put(&j, o, e->kind == FORWARD_LISTENS ? "at" : "from", json_addr(e->from));
	if (e->kind == FORWARD_FAILED || e->kind == FORWARD_CLOSED)
		json_put(&j, o, "word", json_text(e->word));
	if (e->kind == FORWARD_FAILED)
		json_put(&j, o, "text", json_text(forward_word_text(e->word)));
	if (e->kind == FORWARD_CLOSED) {
		json_put(&j, o, "sent", json_integer((json_int_t)e->out));
		json_put(&j, o, "received", json_integer((json_int_t)e->in));
	}
	put_line(&j, o);
}

/* --- text --- */

static bool is_same(const struct forward_report *r, const struct forward_event *e, uint64_t now_ms)
{
	return now_ms - r->last_ms < AGAIN_MS && forward_target_equal(&r->last_target, e->target) &&
	       strcmp(r->last_word, e->word) == 0;
}

static bool is_one_too_many(struct forward_report *r, uint64_t now_ms)
{
	if (now_ms - r->begin_ms >= AGAIN_MS) {
		if (r->untold > 0)
			fprintf(stderr, "natprobe: forward: %u failures more were not shown\n",
				r->untold);
		r->begin_ms = now_ms;
		r->told = r->untold = 0;
	}
	if (r->told >= TOLD_MAX) {
		r->untold++;
		return true;
	}
	r->told++;
	return false;
}

static bool is_told(struct forward_report *r, const struct forward_event *e)
{
	const uint64_t now_ms = clock_ms();

	if (is_same(r, e, now_ms) || is_one_too_many(r, now_ms))
		return true;
	r->last_target = *e->target;
	r->last_ms = now_ms;
	(void)snprintf(r->last_word, sizeof(r->last_word), "%s", e->word);
	return false;
}

static void text_failed(struct forward_report *r, const struct forward_event *e)
{
	char target[FORWARD_TARGET_MAX];

	if (is_told(r, e))
		return;
	(void)forward_target_print(e->target, target);
	if (!e->is_served)
		fprintf(stderr, "natprobe: forward: %s: %s\n", target, forward_word_text(e->word));
	else if (strcmp(e->word, FORWARD_NOT_ALLOWED) == 0)
		fprintf(stderr,
			"natprobe: forward: the other side asked for %s, which is not allowed; "
			"--allow %s would\n",
			target, target);
	else
		fprintf(stderr, "natprobe: forward: the other side asked for %s: %s\n", target,
			e->word);
}

static void text_listens(const struct forward_event *e)
{
	char at[ADDR_TEXT_MAX], target[FORWARD_TARGET_MAX];

	printf("%s%s leads to %s on the other side.\n", addr_print(e->from, at),
	       e->target->is_udp ? " (UDP)" : "", forward_target_print(e->target, target));
	(void)fflush(stdout);
}

void forward_report_event(struct forward_report *r, const struct forward_event *e)
{
	if (r->json)
		json_event(e);
	else if (e->kind == FORWARD_FAILED)
		text_failed(r, e);
	else if (e->kind == FORWARD_LISTENS && !r->quiet)
		text_listens(e);
}

void forward_report_allow(struct forward_report *r, const struct forward_target *target)
{
	char text[FORWARD_TARGET_MAX];
	struct json j = { 0 };
	json_t *o;

	if (r->json) {
		o = json_object();
		json_put(&j, o, "event", json_text("allow"));
		put_target(&j, o, target);
		put_line(&j, o);
	} else if (!r->quiet) {
		printf("The other side may reach %s from here.\n",
		       forward_target_print(target, text));
		(void)fflush(stdout);
	}
}

void forward_report_path(struct forward_report *r, bool is_up, const char *what)
{
	struct json j = { 0 };
	json_t *o;

	if (r->json) {
		o = json_object();
		json_put(&j, o, "event", json_text("path"));
		json_put(&j, o, "up", json_boolean(is_up));
		json_put(&j, o, "what", json_text(what));
		put_line(&j, o);
	} else if (!r->quiet) {
		printf("The path is %s: %s.\n", is_up ? "there" : "away", what);
		(void)fflush(stdout);
	}
}
