/* natprobe send: files to the other side. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "natprobe/link/link_code.h"
#include "natprobe/link/link_user.h"
#include "natprobe/meet/address.h"
#include "natprobe/meet/code.h"
#include "natprobe/report/report.h"
#include "natprobe/transfer/send_run.h"

struct send {
	struct link_options options;
	struct link_user *user;
	struct send_run *run;
	char **operands;
	size_t count;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: send: %s\n", what);
	return EXIT_USAGE;
}

static void on_over(void *arg, bool is_ok)
{
	struct send *s = arg;

	link_user_end(s->user, is_ok ? EXIT_REACHED : EXIT_FAILED);
}

static void on_stream(void *arg, struct bufferevent *stream, bool datagrams)
{
	struct send *s = arg;

	send_run_stream(s->run, stream);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	const struct send *s = arg;

	send_run_refused(s->run, text);
}

static void on_begin(void *arg, struct link_user *user)
{
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = arg };
	struct send *s = arg;

	s->user = user;
	send_run_begin(s->run, link_user_base(user));
	if (!link_user_attach(user, "connect files", &stream))
		send_run_refused(s->run, "out of memory");
}

static void on_code(void *arg, const char *code)
{
	const struct send *s = arg;

	link_code_show(&s->options.punch, "receive CODE", code, stdout);
}

static void on_interrupt(void *arg)
{
	const struct send *s = arg;

	send_run_interrupt(s->run);
}

static void on_path(void *arg, bool is_up, const char *what)
{
	const struct send *s = arg;

	send_run_path(s->run, is_up, what);
}

/* A name that was mistyped is none: those of files have a dot, most of them. */
static bool is_code(const char *text)
{
	char code[CODE_MAX];
	struct address address;
	const char *why;

	if (address_parse(text, &address, &why))
		return true;
	return strpbrk(text, "./") == NULL && code_normalise(text, code, &why);
}

/* The first operand, where it is no file, and others follow. */
static bool has_code(const struct send *s)
{
	const char *first = s->operands[0];
	struct stat st;

	if (s->count < 2 || s->options.punch.code_file != NULL)
		return false;
	return strcmp(first, "-") == 0 || (lstat(first, &st) != 0 && is_code(first));
}

static int send_over_link(struct send *s)
{
	bool is_given = has_code(s);
	const struct link_user_config config = { .command = "send",
						 .options = &s->options,
						 .operand = is_given ? s->operands[0] : NULL,
						 .on_code = on_code,
						 .on_begin = on_begin,
						 .on_path = on_path,
						 .on_interrupt = on_interrupt,
						 .arg = s };

	for (size_t i = is_given ? 1 : 0; i < s->count; i++) {
		if (!send_run_add(s->run, s->operands[i]))
			return EXIT_FAILED;
	}
	return link_user_run(&config);
}

static int run(struct send *s)
{
	const struct send_run_config config = { .json = s->options.punch.json,
						.quiet = s->options.punch.quiet,
						.on_over = on_over,
						.arg = s };
	int rc;

	s->run = send_run_new(&config);
	if (s->run == NULL) {
		fprintf(stderr, "natprobe: send: out of memory\n");
		return EXIT_FAILED;
	}
	rc = send_over_link(s);
	if (rc != EXIT_REACHED)
		send_run_gone(s->run);
	send_run_free(s->run);
	return rc;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct send *s, int argc, char **argv)
{
	const char *conflict;
	struct opt_error err;

	if (!opt_defaults(&send_program, &s->options, &err) ||
	    !command_read_args(&send_program, argc, argv, &s->options, s->operands, (size_t)argc,
			       &s->count, &err))
		return usage(err.text);
	if (s->options.punch.help) {
		opt_print_help(&send_program, stdout);
		return EXIT_REACHED;
	}
	if (s->count == 0)
		return usage("which files? name them behind the code");
	conflict = punch_options_conflict(&s->options.punch);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_send(int argc, char **argv, const struct command *all)
{
	struct send s = { .operands = calloc((size_t)argc + 1, sizeof(char *)) };
	int rc;

	if (s.operands == NULL) {
		fprintf(stderr, "natprobe: send: out of memory\n");
		return EXIT_FAILED;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	rc = read_options(&s, argc, argv);
	if (rc < 0)
		rc = run(&s);
	opt_clear(&send_program, &s.options);
	free(s.operands);
	return rc;
}
