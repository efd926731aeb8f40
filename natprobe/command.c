#include "command.h"

void command_print_all(const struct command *all, FILE *out)
{
	fputs("\nCommands\n", out);
	for (const struct command *c = all; c->name != NULL; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->help);
}
