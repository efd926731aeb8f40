/* natlab - runs commands behind any NAT, in a laboratory of namespaces. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "spaces.h"

static const struct command commands[] = {
	{ "run", cmd_run, "run a command behind a NAT" },
	{ "pair", cmd_pair, "run two commands, each behind a NAT of its own" },
	{ "twin", cmd_twin, "rebuild a NAT that natprobe measured, and run a command behind it" },
	{ "up", cmd_up, "build a laboratory that a file describes" },
	{ "exec", cmd_exec, "run a command on a node of it" },
	{ "event", cmd_event, "reboot a box of it, flush it, or give it another address" },
	{ "down", cmd_down, "end it" },
	{ "list", cmd_list, "the NATs that there are" },
	{ "show", cmd_show, "the behaviour of one, and what is true of it" },
	{ 0 },
};

static int run(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-')
		return cmd_none(argc, argv, commands);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->name, argv[1]) == 0)
			return c->run(argc - 1, argv + 1);
	}
	fprintf(stderr, "natlab: there is no command \"%s\"; natlab --help lists them\n", argv[1]);
	return EXIT_OURS;
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	/* Not by exit: a leak checker wants a thread, which nobody gets after unshare. */
	if (fflush(NULL) != 0 && status == 0)
		status = EXIT_OURS;
	_exit(status);
}
