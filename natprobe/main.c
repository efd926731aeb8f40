/* natprobe - tells what NAT or firewall is in front of this host. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "report.h"
#include "wire.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check", cmd_check, "what NAT or firewall is in front of each interface (the default)" },
};

void commands_print(FILE *out)
{
	fputs("\nCommands\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
}

int main(int argc, char **argv)
{
	/* Without a command the options are those of check. */
	if (argc < 2 || argv[1][0] == '-')
		return cmd_check(argc, argv);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "natprobe: there is no command \"%s\"; natprobe --help lists them\n",
		argv[1]);
	return EXIT_USAGE;
}
