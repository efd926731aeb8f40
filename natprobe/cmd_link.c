/* natprobe link: makes a path to another natprobe, and keeps it for those that attach to it. */
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "natprobe/link/link_listen.h"
#include "natprobe/link/link_code.h"
#include "natprobe/link/link_run.h"
#include "natprobe/report/report.h"

#define NAME_USUAL "default"
#define TURNED_MS  1000 /* between two lines about programs that were turned away */

struct link {
	const struct link_options *options;
	struct link_host *host;
	struct link_listen *ports; /* NULL: none */
	uint64_t turned_ms;        /* when that was said last */
	bool was_up;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: link: %s\n", what);
	return EXIT_USAGE;
}

static void show_code(const struct punch_options *o, const char *code)
{
	link_code_show(o, "link CODE", code, stdout);
}

static void print_path(const struct link *l, bool is_up, const char *what)
{
	if (!is_up)
		printf("The path is away: %s.\n", what);
	else if (l->was_up)
		printf("The path is there again: %s.\n", what);
	else
		printf("The path is there: %s.\n", what);
}

static void on_path(void *arg, bool is_up, const char *what, const char *line)
{
	struct link *l = arg;

	if (l->options->punch.json)
		printf("%s\n", line);
	else if (!l->options->punch.quiet)
		print_path(l, is_up, what);
	(void)fflush(stdout);
	l->was_up = l->was_up || is_up;
}

static int attach(void *arg)
{
	const struct link *l = arg;

	return link_host_call(l->host);
}

/* Any program of this host may come, and as often as it likes. */
static void on_refused(void *arg, const char *word, const char *text)
{
	const uint64_t now_ms = clock_ms();
	struct link *l = arg;

	if (l->turned_ms != 0 && now_ms - l->turned_ms < TURNED_MS)
		return;
	l->turned_ms = now_ms;
	fprintf(stderr, "natprobe: link: a program at a loopback port was turned away: %s\n", text);
}

static void open_ports(struct link *l)
{
	const struct link_listen_config config = {
		.base = link_host_base(l->host),
		.write_port = (uint16_t)l->options->listen_write,
		.read_port = (uint16_t)l->options->listen_read,
		.attach = attach,
		.on_refused = on_refused,
		.arg = l,
	};
	uint16_t port;
	int rc;

	if (config.write_port == 0 && config.read_port == 0)
		return;
	rc = link_listen_open(&l->ports, &config, &port);
	if (rc == 0)
		return;
	fprintf(stderr, "natprobe: link: port %u of 127.0.0.1: %s; choose another one\n", port,
		strerror(-rc));
	link_host_end(l->host, EXIT_FAILED);
}

static void on_begin(void *arg, struct link_host *host)
{
	struct link *l = arg;

	l->host = host;
	open_ports(l);
}

static void on_over(void *arg)
{
	struct link *l = arg;

	link_listen_close(l->ports);
}

static int run(const struct link_options *o, char *operand)
{
	struct link l = { .options = o };
	const struct link_run_config config = {
		.command = "link",
		.options = o,
		.operand = operand,
		.name = o->name != NULL ? o->name : NAME_USUAL,
		.show_code = show_code,
		.on_begin = on_begin,
		.on_over = on_over,
		.on_path = on_path,
		.arg = &l,
	};

	return link_run(&config);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct link_options *o, int argc, char **argv, char **operand)
{
	const char *conflict;
	struct opt_error err;
	size_t count;

	*operand = NULL;
	if (!opt_defaults(&link_program, o, &err) ||
	    !command_read_args(&link_program, argc, argv, o, operand, 1, &count, &err))
		return usage(err.text);
	if (o->punch.help) {
		opt_print_help(&link_program, stdout);
		return EXIT_REACHED;
	}
	conflict = punch_options_conflict(&o->punch);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_link(int argc, char **argv, const struct command *all)
{
	struct link_options o = { 0 };
	char *operand;
	int rc = read_options(&o, argc, argv, &operand);

	if (rc < 0)
		rc = run(&o, operand);
	opt_clear(&link_program, &o);
	return rc;
}
