/* send_run - natprobe send, but for its link: files that were named go over a stream. */
#ifndef NATPROBE_SEND_RUN_H
#define NATPROBE_SEND_RUN_H

#include <stdbool.h>

#include <event2/bufferevent.h>

struct send_run_config {
	bool json, quiet;
	void (*on_over)(void *arg, bool is_ok); /* once; what went wrong was printed */
	void *arg;
};

struct send_run;

struct send_run *send_run_new(const struct send_run_config *config); /* NULL: out of memory */
void send_run_free(struct send_run *r); /* NULL is fine. From on_over as well. */

/* A file or directory to send. False: why not was printed. */
bool send_run_add(struct send_run *r, const char *path);
void send_run_begin(struct send_run *r, struct event_base *base);
void send_run_path(struct send_run *r, bool is_up, const char *what);
void send_run_refused(struct send_run *r, const char *text);
/* The link ended, whoever ended it: tells so where nothing of an end was told yet. */
void send_run_gone(struct send_run *r);
/* The stream is taken over. on_over follows, perhaps at once. */
void send_run_stream(struct send_run *r, struct bufferevent *stream);
/* It ends now, unless it is over: both sides hear why. */
void send_run_interrupt(struct send_run *r);

#endif
