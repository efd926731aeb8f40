/* command - the subcommands of natprobe, one file each. */
#ifndef NATPROBE_COMMAND_H
#define NATPROBE_COMMAND_H

#include <stdio.h>

struct command {
	const char *name;
	/*
	 * argv[0] is the name of the command; `all` are all commands, for --help. Returns the
	 * exit code (report.h).
	 */
	int (*run)(int argc, char **argv, const struct command *all);
	const char *help;
};

int cmd_check(int argc, char **argv, const struct command *all);

/* What the commands do; the last one has no name. */
void command_print_all(const struct command *all, FILE *out);

#endif
