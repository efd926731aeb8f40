/* natlab without a command: --help and --version. */
#include <config.h>

#include <stdio.h>

#include "command.h"
#include "opt_rows.h"
#include "spaces.h"

struct none_options {
	bool help, version;
};

static const struct opt table[] = {
	OPT_ROW_HELP(struct none_options),
	OPT_ROW_VERSION(struct none_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natlab",
	.synopsis = "COMMAND [OPTION]...",
	.summary = "Runs commands behind any NAT, in a laboratory that leaves nothing behind.",
	.table = table,
	.size = sizeof(struct none_options),
};

static void print_help(const struct command *all)
{
	opt_print_help(&program, stdout);
	puts("\nCommands");
	for (const struct command *c = all; c->name != NULL; c++)
		printf("  %-6s %s\n", c->name, c->help);
	puts("\nnatlab COMMAND --help lists the options of a command.");
}

int cmd_none(int argc, char **argv, const struct command *all)
{
	struct none_options o;
	struct opt_error err;
	int first;

	if (!opt_defaults(&program, &o, &err) ||
	    !opt_read_args(&program, argc, argv, &o, &first, &err)) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return EXIT_OURS;
	}
	if (o.help) {
		print_help(all);
		return 0;
	}
	if (o.version) {
		puts("natlab " PACKAGE_VERSION);
		return 0;
	}
	fputs("natlab: which command? natlab --help lists them\n", stderr);
	return EXIT_OURS;
}
