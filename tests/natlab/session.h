/* session - a laboratory for as long as some commands run in it: of run and pair. */
#ifndef NATLAB_SESSION_H
#define NATLAB_SESSION_H

#include "options.h"

#define SESSION_COMMANDS_MAX 2

struct session_command {
	const char *node;
	char *const *argv;   /* NULL-terminated */
	const char *command; /* instead, for sh -c */
};

/*
 * Runs the commands until all have ended. Only the first one has our stdin.
 * Returns the first status that is not 0, or EXIT_OURS after a message on stderr.
 */
int session_run(const struct lab_plan *plan, const struct request *request,
		const struct session_command *commands, size_t count);

#endif
