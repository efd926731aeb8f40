/*
 * processes - the commands that run in a laboratory. We are the init of their PID namespace, so
 * their orphans are ours as well.
 */
#ifndef NATLAB_PROCESSES_H
#define NATLAB_PROCESSES_H

#include <event2/event.h>
#include <sys/types.h>

#include "plan.h"

#define PROCESS_ENV_MAX 8

struct process {
	int space;                        /* network namespace */
	char *const *argv;                /* NULL-terminated */
	const char *command;              /* for sh -c, instead of argv */
	const char *env[PROCESS_ENV_MAX]; /* "NAME=VALUE", NULL-terminated, on top of ours */
	int input, output; /* descriptors for stdin, and for stdout and stderr; -1: ours */
	bool background;   /* what a terminal sends does not reach it */
	/* Has ended; status as of a shell: 128 + signal. NULL: nobody asks. */
	void (*on_exit)(void *arg, pid_t pid, int status);
	void *arg;
};

struct processes;

/* NULL when memory runs out. Buries whatever ends from now on. */
struct processes *processes_new(struct event_base *base);
void processes_free(struct processes *s); /* NULL is fine; kills nobody */

/* Its pid, or -errno. A command that is not there ends with 127 and says so. */
pid_t processes_start(struct processes *s, const struct process *p);

/* Becomes that program, as a shell does: where that fails it says so, and ends with 126 or 127. */
__attribute__((noreturn)) void processes_become(char *const *argv);

/* Kills all that run in our PID namespace, and waits until they are gone. */
void processes_end(struct processes *s);

/* Sends a signal to all that are not in the background. */
void processes_signal(struct processes *s, int signal);

#endif
