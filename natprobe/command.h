/* command - the subcommands of natprobe, one file each. */
#ifndef NATPROBE_COMMAND_H
#define NATPROBE_COMMAND_H

#include <stdio.h>

#include "opt.h"

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
int cmd_show(int argc, char **argv, const struct command *all);
int cmd_map(int argc, char **argv, const struct command *all);
int cmd_reach(int argc, char **argv, const struct command *all);
int cmd_address(int argc, char **argv, const struct command *all);
int cmd_connect(int argc, char **argv, const struct command *all);
int cmd_demo(int argc, char **argv, const struct command *all);
int cmd_interfaces(int argc, char **argv, const struct command *all);
int cmd_link(int argc, char **argv, const struct command *all);
int cmd_pipe(int argc, char **argv, const struct command *all);
int cmd_forward(int argc, char **argv, const struct command *all);
int cmd_punch(int argc, char **argv, const struct command *all);
int cmd_receive(int argc, char **argv, const struct command *all);
int cmd_relay(int argc, char **argv, const struct command *all);
int cmd_send(int argc, char **argv, const struct command *all);
int cmd_watch(int argc, char **argv, const struct command *all);
int cmd_diff(int argc, char **argv, const struct command *all);
int cmd_plan(int argc, char **argv, const struct command *all);
int cmd_matrix(int argc, char **argv, const struct command *all);

/*
 * Reads options and up to `max` operands, in any order. Returns false, and says in *err what is
 * wrong, for a bad option or more operands than that.
 */
bool command_read_args(const struct opt_program *program, int argc, char **argv, void *options,
		       char **operands, size_t max, size_t *count, struct opt_error *err);

/* Standard output takes colours: a terminal, and nobody asked to have none. */
bool command_has_colour(void);

/* The locale is one of UTF-8: what we print may be more than ASCII. */
bool command_has_utf8(void);

/* What the commands do; the last one has no name. */
void command_print_all(const struct command *all, FILE *out);

#endif
