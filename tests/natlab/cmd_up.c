/* natlab up: a laboratory that a file describes, until natlab down. */
#include <config.h>

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "event_log.h"
#include "servers.h"
#include "topology.h"

struct up {
	struct topology topology;
	struct lab_plan plan;
	char path[CONTROL_PATH_MAX];
	FILE *log;
	struct control *control;
};

static int failure(const char *text)
{
	fprintf(stderr, "natlab: %s\n", text);
	return EXIT_OURS;
}

/* Nobody waits for us any more, and no pipe stays open since we have it. */
static void leave_terminal(void)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(nothing, fd);
	if (nothing > STDERR_FILENO)
		close(nothing);
	if (chdir("/") != 0)
		_exit(EXIT_OURS);
}

static void on_ready(void *arg, struct lab *lab)
{
	struct up *up = arg;
	struct lab_error err;

	up->control = control_open(lab, up->path, &err);
	if (up->control == NULL) {
		lab_give_up(lab, err.text);
		return;
	}
	leave_terminal();
	spaces_ready();
}

static void on_signal(void *arg, struct lab *lab)
{
	lab_stop(lab, 0);
}

static int inside(void *arg)
{
	struct up *up = arg;
	struct lab_config config = { .plan = &up->plan,
				     .stund = up->topology.stund,
				     .log = up->log,
				     .control = up->path,
				     .on_ready = on_ready,
				     .on_signal = on_signal,
				     .arg = up };
	struct lab_error err;
	struct lab *lab = lab_open(&config, &err);
	int status;

	if (lab == NULL)
		return failure(err.text);
	status = lab_run(lab);
	control_close(up->control);
	lab_close(lab);
	return status;
}

/* Returns -1 to go on. */
static int read_line(struct up *up, int argc, char **argv)
{
	const struct opt_program *program = topology_program();
	struct opt_error why;
	struct lab_error err;
	int first;

	/* The command line has the last word; but it says first which file. */
	if (!opt_read_args(program, argc, argv, &up->topology, &first, &why))
		return failure(why.text);
	if (up->topology.help) {
		opt_print_help(program, stdout);
		return 0;
	}
	if (argc - first != 1)
		return failure("up: one file is needed");
	if (!opt_read_file(program, argv[first], &up->topology, &why) ||
	    !opt_read_args(program, argc, argv, &up->topology, &first, &why))
		return failure(why.text);
	if (!topology_plan(&up->topology, &up->plan, &err)) {
		fprintf(stderr, "natlab: %s: %s\n", argv[first], err.text);
		return EXIT_OURS;
	}
	return -1;
}

static int run(struct up *up)
{
	struct spaces_job job = { .inside = inside, .arg = up, .stays = true };
	struct lab_error err = { 0 };
	int status;

	up->plan.seed = lab_seed(up->topology.seed);
	/* First: the log may be that of the laboratory which is there already. */
	if (!control_path(up->topology.dir, up->path, &err) || !control_claim(up->path, &err) ||
	    !event_log_open(up->topology.log, &up->log, &err))
		return failure(err.text);
	servers_find();
	status = spaces_run(&job, &err);
	return err.text[0] != '\0' ? failure(err.text) : status;
}

int cmd_up(int argc, char **argv)
{
	struct up *up = calloc(1, sizeof(*up));
	struct opt_error err;
	int status;

	if (up == NULL || !opt_defaults(topology_program(), &up->topology, &err))
		return failure(up == NULL ? "out of memory" : err.text);
	status = read_line(up, argc, argv);
	if (status < 0)
		status = run(up);
	opt_clear(topology_program(), &up->topology);
	free(up);
	return status;
}
