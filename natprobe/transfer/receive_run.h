/* receive_run - natprobe receive, but for its link: what comes over a stream is written below a
 * directory, after a question. */
#ifndef NATPROBE_RECEIVE_RUN_H
#define NATPROBE_RECEIVE_RUN_H

#include <stdbool.h>

#include <event2/bufferevent.h>

struct receive_run_config {
	const char *directory;
	bool yes, force, json, quiet;
	void (*on_over)(void *arg, bool is_ok); /* once; what went wrong was printed */
	void *arg;
};

struct receive_run;

/* Returns 0 and *out, or -errno: of the directory, or -ENOMEM. */
int receive_run_new(const struct receive_run_config *config, struct receive_run **out);
void receive_run_free(struct receive_run *r); /* NULL is fine. From on_over as well. */

void receive_run_begin(struct receive_run *r, struct event_base *base);
void receive_run_path(struct receive_run *r, bool is_up, const char *what);
void receive_run_refused(struct receive_run *r, const char *text);
/* The link ended, whoever ended it: tells so where nothing of an end was told yet. */
void receive_run_gone(struct receive_run *r);
/* The stream is taken over. on_over follows, perhaps at once. */
void receive_run_stream(struct receive_run *r, struct bufferevent *stream);
/* It ends now, unless it is over: both sides hear why. */
void receive_run_interrupt(struct receive_run *r);

#endif
