/* natprobe receive: files from the other side. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "natprobe/link/link_code.h"
#include "natprobe/link/link_user.h"
#include "natprobe/report/report.h"
#include "natprobe/transfer/receive_run.h"

struct receive {
	struct link_options options;
	struct link_user *user;
	struct receive_run *run;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: receive: %s\n", what);
	return EXIT_USAGE;
}

static void on_over(void *arg, bool is_ok)
{
	struct receive *r = arg;

	link_user_end(r->user, is_ok ? EXIT_REACHED : EXIT_FAILED);
}

static void on_stream(void *arg, struct bufferevent *stream, bool datagrams)
{
	struct receive *r = arg;

	receive_run_stream(r->run, stream);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	const struct receive *r = arg;

	receive_run_refused(r->run, text);
}

static void on_begin(void *arg, struct link_user *user)
{
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = arg };
	struct receive *r = arg;

	r->user = user;
	receive_run_begin(r->run, link_user_base(user));
	if (!link_user_attach(user, "accept files", &stream))
		receive_run_refused(r->run, "out of memory");
}

static void on_code(void *arg, const char *code)
{
	const struct receive *r = arg;

	link_code_show(&r->options.punch, "send CODE FILE...", code, stdout);
}

static void on_interrupt(void *arg)
{
	const struct receive *r = arg;

	receive_run_interrupt(r->run);
}

static void on_path(void *arg, bool is_up, const char *what)
{
	const struct receive *r = arg;

	receive_run_path(r->run, is_up, what);
}

static int receive_over_link(struct receive *r, char *operand)
{
	const struct link_user_config link = { .command = "receive",
					       .options = &r->options,
					       .operand = operand,
					       .on_code = on_code,
					       .on_begin = on_begin,
					       .on_path = on_path,
					       .on_interrupt = on_interrupt,
					       .arg = r };
	const struct receive_run_config config = {
		.directory = r->options.output != NULL ? r->options.output : ".",
		.yes = r->options.yes,
		.force = r->options.force,
		.json = r->options.punch.json,
		.quiet = r->options.punch.quiet,
		.on_over = on_over,
		.arg = r,
	};
	int rc = receive_run_new(&config, &r->run);

	if (rc != 0) {
		fprintf(stderr,
			"natprobe: receive: %s: %s; name a directory that is there and may "
			"be written to by --output\n",
			config.directory, strerror(-rc));
		return EXIT_FAILED;
	}
	rc = link_user_run(&link);
	if (rc != EXIT_REACHED)
		receive_run_gone(r->run);
	receive_run_free(r->run);
	return rc;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct link_options *o, int argc, char **argv, char **operand)
{
	const char *conflict;
	struct opt_error err;
	size_t count;

	*operand = NULL;
	if (!opt_defaults(&receive_program, o, &err) ||
	    !command_read_args(&receive_program, argc, argv, o, operand, 1, &count, &err))
		return usage(err.text);
	if (o->punch.help) {
		opt_print_help(&receive_program, stdout);
		return EXIT_REACHED;
	}
	if (!o->yes && isatty(STDIN_FILENO) == 0)
		return usage(
			"standard input is no terminal, so that nobody can be asked whether to "
			"take what is offered; say --yes to take it unseen");
	conflict = punch_options_conflict(&o->punch);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_receive(int argc, char **argv, const struct command *all)
{
	struct receive r = { 0 };
	char *operand;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error as any other */
	rc = read_options(&r.options, argc, argv, &operand);
	if (rc < 0)
		rc = receive_over_link(&r, operand);
	opt_clear(&receive_program, &r.options);
	return rc;
}
