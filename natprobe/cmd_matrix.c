/* natprobe matrix: merges many trials of punching into one table. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "natprobe/file.h"
#include "natprobe/html/html_file.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_matrix_print.h"
#include "option_rows.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION
#define FILES_MAX    512

struct matrix_options {
	bool json;
	char *html;
	bool help;
};

static const struct opt table[] = {
	ROW_JSON(struct matrix_options),
	ROW_HTML(struct matrix_options),
	OPT_ROW_HELP(struct matrix_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natprobe",
	.synopsis = "matrix [OPTION]... FILE...",
	.summary =
		"Prints how often there was a path between which kinds of network, by files that "
		"natprobe punch --json wrote. No address is in what it prints.",
	.table = table,
	.size = sizeof(struct matrix_options),
};

static int usage(const char *why)
{
	fprintf(stderr, "natprobe: matrix: %s\n", why);
	return EXIT_USAGE;
}

static int about(const char *path, const char *why)
{
	fprintf(stderr, "natprobe: matrix: %s: %s\n", path, why);
	return EXIT_USAGE;
}

static int add(struct trial_matrix *m, const char *path)
{
	struct report_read_error error;
	struct trial_run run;
	const char *why;
	char *text;
	size_t len;
	bool is_read;
	int rc = file_read(path, TRIAL_READ_BYTES_MAX, &text, &len);

	if (rc != 0)
		return about(path, strerror(-rc));
	is_read = trial_read(bytes_of(text, len), &run, &error);
	free(text);
	if (!is_read)
		return about(path, error.text);
	why = trial_matrix_add(m, &run);
	trial_run_clear(&run);
	return why != NULL ? about(path, why) : 0;
}

static bool put_page(const void *arg, FILE *out)
{
	return trial_matrix_html(arg, VERSION_TEXT, out);
}

static int print(const struct matrix_options *o, const struct trial_matrix *m)
{
	struct report_style style = { .colour = command_has_colour() };
	bool ok = true;

	if (o->json)
		ok = trial_matrix_json(m, VERSION_TEXT, stdout);
	else
		trial_matrix_text(m, &style, stdout);
	if (!ok || fflush(stdout) != 0 || ferror(stdout)) {
		fputs("natprobe: matrix: cannot write the table\n", stderr);
		return EXIT_FAILED;
	}
	return o->html != NULL ? html_file_put(put_page, m, o->html) : EXIT_REACHED;
}

static int matrix(const struct matrix_options *o, char **paths, size_t count)
{
	struct trial_matrix *m = trial_matrix_new();
	int rc = 0;

	if (m == NULL) {
		fputs("natprobe: matrix: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add(m, paths[i]);
	if (rc == 0)
		rc = print(o, m);
	trial_matrix_free(m);
	return rc;
}

static int run(struct matrix_options *o, int argc, char **argv)
{
	static char *paths[FILES_MAX];
	struct opt_error err;
	size_t count, inputs = 0;

	if (!opt_defaults(&program, o, &err) ||
	    !command_read_args(&program, argc, argv, o, paths, FILES_MAX, &count, &err))
		return usage(err.text);
	if (o->help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	if (count == 0)
		return usage("name files that natprobe punch --json wrote");
	for (size_t i = 0; i < count; i++)
		inputs += strcmp(paths[i], "-") == 0;
	if (inputs > 1)
		return usage("only one file can be standard input");
	if (o->html != NULL && strcmp(o->html, "-") == 0)
		return usage("standard output has the table; name a file for --html");
	return matrix(o, paths, count);
}

int cmd_matrix(int argc, char **argv, const struct command *all)
{
	struct matrix_options o = { 0 };
	int rc = run(&o, argc, argv);

	opt_clear(&program, &o);
	return rc;
}
