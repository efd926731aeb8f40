/* natprobe - tells what NAT or firewall is in front of this host. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "natprobe/report/report.h"

static const struct command commands[] = {
	{ "check", cmd_check, "what NAT or firewall is in front of each interface (the default)" },
	{ "watch", cmd_watch, "repeat that, and tell what changes" },
	{ "map", cmd_map, "have the gateway open a port, and keep it open" },
	{ "reach", cmd_reach, "is a port open from outside, and what keeps it closed" },
	{ "relay", cmd_relay, "try a TURN server: does it relay, and how well" },
	{ "punch", cmd_punch, "make a path to another natprobe, or tell why there is none" },
	{ "connect", cmd_connect, "make such a path, and run a program on it" },
	{ "link", cmd_link, "make such a path, and keep it for other programs" },
	{ "pipe", cmd_pipe, "standard input to the other side's standard output, and back" },
	{ "forward", cmd_forward, "open ports here that lead to services over there" },
	{ "send", cmd_send, "send files and directories to the other side" },
	{ "receive", cmd_receive, "receive them there" },
	{ "address", cmd_address, "print one string by which others can invite this host" },
	{ "interfaces", cmd_interfaces, "what a peer would be told of this host" },
	{ "demo", cmd_demo, "a first path to somebody else, step by step" },
	{ "show", cmd_show, "print a report that was saved as JSON" },
	{ "diff", cmd_diff, "what differs between two such reports" },
	{ "plan", cmd_plan, "how two hosts would connect, by two such reports" },
	{ "matrix", cmd_matrix, "how often there was a path, by saved trials of punch" },
	{ 0 },
};

int main(int argc, char **argv)
{
	/* Without a command the options are those of check. */
	if (argc < 2 || argv[1][0] == '-')
		return cmd_check(argc, argv, commands);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->name, argv[1]) == 0)
			return c->run(argc - 1, argv + 1, commands);
	}
	fprintf(stderr, "natprobe: there is no command \"%s\"; natprobe --help lists them\n",
		argv[1]);
	return EXIT_USAGE;
}
