/* link_run - a link from its options to its end: what natprobe link and a link of a command's own share. */
#ifndef NATPROBE_LINK_RUN_H
#define NATPROBE_LINK_RUN_H

#include "link_host.h"
#include "link_options.h"

struct link_run_config {
	const char *command; /* "link", for messages */
	const struct link_options *options;
	char *operand;           /* CODE, ADDRESS, "-" or NULL; overwritten where it is a secret */
	const char *name;        /* programs may attach by it; NULL: none may */
	bool is_short;           /* as link_host has it */
	struct event_base *base; /* NULL: it makes one of its own */
	/* A code that the other side does not know yet. */
	void (*show_code)(const struct punch_options *o, const char *code);
	void (*on_begin)(void *arg, struct link_host *h); /* the loop does not run yet */
	void (*on_over)(void *arg); /* ... any more, and the host is about to go */
	void (*on_path)(void *arg, bool is_up, const char *what, const char *line);
	void *arg;
};

/* Whether this build has links at all; if not, that was printed, with what helps. */
bool link_run_is_built(const char *command);

/* Returns an exit code; what is wrong was printed. */
int link_run(const struct link_run_config *config);

#endif
