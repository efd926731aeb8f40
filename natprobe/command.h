/* command - the subcommands of natprobe, one file each. */
#ifndef NATPROBE_COMMAND_H
#define NATPROBE_COMMAND_H

#include <stdio.h>

/* argv[0] is the name of the command. Each returns the exit code (report.h). */
int cmd_check(int argc, char **argv);

/* The commands and what they do, for --help. */
void commands_print(FILE *out);

#endif
