/* command - the subcommands of natlab, one file each. */
#ifndef NATLAB_COMMAND_H
#define NATLAB_COMMAND_H

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit code */
	const char *help;
};

/* --help, --version; `all` are all commands, the last one has no name. */
int cmd_none(int argc, char **argv, const struct command *all);

int cmd_down(int argc, char **argv);
int cmd_event(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_pair(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_twin(int argc, char **argv);
int cmd_up(int argc, char **argv);

#endif
