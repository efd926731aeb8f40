/*
 * link_host - a link while it runs: our identity, the transport and the path that it has at the time,
 * the programs that are attached. Paths come from a run that goes on (pair_run.h); the transport, and
 * all streams with it, go on over the next one as long as the other side is the same.
 */
#ifndef NATPROBE_LINK_HOST_H
#define NATPROBE_LINK_HOST_H

#include "natprobe/pair/pair_run.h"

struct link_host_config {
	struct pair_run *run; /* opened; its code, where it has one, is known */
	bool is_short; /* it is one command's: ^C ends it with a failure, and is no end in order */
	/* line: the same as JSON. */
	void (*on_path)(void *arg, bool is_up, const char *what, const char *line);
	void *arg;
};

struct link_host;

/* Sets what the run needs of it. NULL: no memory, or no transport in this build; that is printed. */
struct link_host *link_host_new(const struct link_host_config *config);
void link_host_free(struct link_host *h); /* NULL is fine; before pair_run_clear */

/* Lets programs attach by that name. 0, or an exit code: what is wrong is printed. */
int link_host_listen(struct link_host *h, const char *name);
/* A descriptor, as if its program had called. -1: there is none left, or no memory. */
int link_host_call(struct link_host *h);

/* What programs have written and ended is brought over first, within 10 s, and the run ends then. */
void link_host_end(struct link_host *h, int rc);

/* Whether it was its own decision that the run ends, and not that of a signal before a path. */
bool link_host_has_ended(const struct link_host *h);

struct event_base *link_host_base(const struct link_host *h);

#endif
