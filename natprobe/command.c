#include "command.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void command_print_all(const struct command *all, FILE *out)
{
	fputs("\nCommands\n", out);
	for (const struct command *c = all; c->name != NULL; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->help);
	fputs("\nnatprobe COMMAND --help tells the options of each.\n", out);
}

bool command_read_args(const struct opt_program *program, int argc, char **argv, void *options,
		       char **operands, size_t max, size_t *count, struct opt_error *err)
{
	bool is_plain = false; /* behind "--" all are operands */
	int at = 0;

	*count = 0;
	while (at < argc) {
		int first = 1;

		if (!is_plain &&
		    !opt_read_args(program, argc - at, argv + at, options, &first, err))
			return false;
		is_plain = is_plain || (first > 1 && strcmp(argv[at + first - 1], "--") == 0);
		at += first;
		if (at >= argc)
			break;
		if (*count == max) {
			snprintf(err->text, sizeof(err->text), "\"%.60s\" is one argument too many",
				 argv[at]);
			return false;
		}
		operands[(*count)++] = argv[at];
	}
	return true;
}

bool command_has_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0');
}

bool command_has_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_utf8;

	if (locale == (locale_t)0)
		return false;
	is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return is_utf8;
}
