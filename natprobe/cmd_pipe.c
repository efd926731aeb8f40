/* natprobe pipe: standard input to the other side's standard output, and the other way round. */
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "natprobe/link/link_code.h"
#include "natprobe/link/link_user.h"
#include "natprobe/pipe/pipe_report.h"
#include "natprobe/pipe/pipe_wire.h"
#include "natprobe/report/report.h"

struct pipe_run {
	const struct punch_options *meeting;
	struct link_user *user;
	struct pipe_io *io;
	struct pipe_report report;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: pipe: %s\n", what);
	return EXIT_USAGE;
}

static void on_over(void *arg, const char *word, bool is_theirs, int error)
{
	struct pipe_run *p = arg;

	pipe_report_end(&p->report, word, is_theirs, error);
	link_user_end(p->user, word == NULL ? EXIT_REACHED : EXIT_FAILED);
}

static void on_stream(void *arg, struct bufferevent *bev, bool datagrams)
{
	struct pipe_run *p = arg;
	const struct pipe_io_config config = {
		.base = link_user_base(p->user),
		.stream = bev,
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		/* Nobody would think of ending what a terminal has to say to natprobe pipe | tar x. */
		.ends_with_theirs = isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO),
		.on_over = on_over,
		.arg = p,
	};

	p->io = pipe_io_new(&config);
	if (p->io != NULL) {
		pipe_report_begin(&p->report, config.base, p->io);
		return;
	}
	pipe_report_refused(&p->report, "memory", "out of memory");
	link_user_end(p->user, EXIT_FAILED);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	struct pipe_run *p = arg;

	pipe_report_refused(&p->report, word, text);
	link_user_end(p->user, EXIT_FAILED);
}

/* The link ends by itself; here the other side is told, and no more is carried. */
static void on_interrupt(void *arg)
{
	struct pipe_run *p = arg;

	if (p->io != NULL)
		pipe_io_abort(p->io, PIPE_INTERRUPTED);
}

static void clear(struct pipe_run *p)
{
	pipe_report_clear(&p->report);
	pipe_io_free(p->io);
}

static void on_begin(void *arg, struct link_user *user)
{
	struct pipe_run *p = arg;
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = p };

	p->user = user;
	if (!link_user_attach(user, "join pipe", &stream))
		on_refused(p, "memory", "the link cannot be used: out of memory or descriptors");
}

static void on_code(void *arg, const char *code)
{
	const struct pipe_run *p = arg;

	link_code_show(p->meeting, "pipe CODE", code, stderr);
}

static void on_path(void *arg, bool is_up, const char *what)
{
	struct pipe_run *p = arg;

	pipe_report_path(&p->report, is_up, what);
}

static int run(const struct link_options *o, char *operand)
{
	struct pipe_run p = {
		.meeting = &o->punch,
		.report = { .json = o->punch.json,
			    .quiet = o->punch.quiet,
			    .shows_progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) },
	};
	const struct link_user_config config = {
		.command = "pipe",
		.options = o,
		.operand = operand,
		.on_code = on_code,
		.on_begin = on_begin,
		.on_path = on_path,
		.on_interrupt = on_interrupt,
		.arg = &p,
	};
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error as any other */
	rc = link_user_run(&config);
	if (rc != EXIT_REACHED)
		pipe_report_gone(&p.report);
	clear(&p);
	return rc;
}

/* Else a socket of ours would be taken for standard input, or output. */
static void keep_open(int fd)
{
	while (fcntl(fd, F_GETFD) < 0) {
		/* What cannot be read, or written, tells so when it is wanted. */
		if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
	}
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct link_options *o, int argc, char **argv, char **operand,
			size_t *count)
{
	const char *conflict;
	struct opt_error err;

	*operand = NULL;
	if (!opt_defaults(&pipe_program, o, &err) ||
	    !command_read_args(&pipe_program, argc, argv, o, operand, 1, count, &err))
		return usage(err.text);
	if (o->punch.help) {
		opt_print_help(&pipe_program, stdout);
		return EXIT_REACHED;
	}
	if (*operand != NULL && strcmp(*operand, "-") == 0)
		return usage("standard input is what is carried: put the code into a file, and "
			     "name it by --code-file");
	if (o->punch.password_file != NULL && strcmp(o->punch.password_file, "-") == 0)
		return usage("standard input is what is carried: put the password into a file");
	conflict = punch_options_conflict(&o->punch);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_pipe(int argc, char **argv, const struct command *all)
{
	struct link_options o = { 0 };
	char *operand;
	size_t count;
	int rc;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		keep_open(fd);
	rc = read_options(&o, argc, argv, &operand, &count);
	if (rc < 0)
		rc = run(&o, operand);
	opt_clear(&pipe_program, &o);
	return rc;
}
