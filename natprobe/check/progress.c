#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define FIRST_AFTER_MS 2000
#define EVERY_MS       200

struct progress {
	struct event *timer;
	uint64_t started_ms;
	size_t done;
	size_t total;
	bool is_shown;
	void (*say)(void *arg, char text[static PROGRESS_TEXT_MAX]);
	void *arg;
};

static void wait_ms(struct progress *p, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct progress *p = arg;
	double seconds = (double)(clock_ms() - p->started_ms) / 1000;
	char text[PROGRESS_TEXT_MAX] = "";

	if (p->say != NULL)
		p->say(p->arg, text);
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "%zu of %zu probes have ended", p->done, p->total);
	fprintf(stderr, "\r\033[Knatprobe: %s, %.1f s", text, seconds);
	fflush(stderr);
	p->is_shown = true;
	wait_ms(p, EVERY_MS);
}

struct progress *progress_new(struct event_base *base)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->started_ms = clock_ms();
	p->timer = evtimer_new(base, on_timer, p);
	if (p->timer == NULL) {
		free(p);
		return NULL;
	}
	wait_ms(p, FIRST_AFTER_MS);
	return p;
}

void progress_free(struct progress *p)
{
	if (p == NULL)
		return;
	if (p->is_shown)
		fputs("\r\033[K", stderr);
	event_free(p->timer);
	free(p);
}

void progress_set(struct progress *p, size_t done, size_t total)
{
	if (p == NULL)
		return;
	p->done = done;
	p->total = total;
}

void progress_say(struct progress *p, void (*say)(void *arg, char text[static PROGRESS_TEXT_MAX]),
		  void *arg)
{
	if (p == NULL)
		return;
	p->say = say;
	p->arg = arg;
}
