/* natlab run: one host behind one profile, and one command on it. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "options.h"
#include "spaces.h"

#define HOST_NAME "host"
#define BOX_NAME  "nat"

struct run {
	struct lab_options options;
	const struct nat_profile *profile;
	char **command;
	struct lab_plan plan;
	FILE *log;
};

static int failure(const char *text)
{
	fprintf(stderr, "natlab: %s\n", text);
	return EXIT_OURS;
}

static void on_exit_of_command(void *arg, pid_t pid, int status)
{
	lab_stop(arg, status);
}

static void on_ready(void *arg, struct lab *lab)
{
	struct run *run = arg;
	struct process p = { .argv = run->command,
			     .input = -1,
			     .output = -1,
			     .on_exit = on_exit_of_command,
			     .arg = lab };
	pid_t pid = lab_start(lab, HOST_NAME, &p);

	if (pid < 0)
		lab_give_up(lab, "cannot start a process");
}

static int inside(void *arg)
{
	struct run *run = arg;
	struct lab_config config = { .plan = &run->plan,
				     .stund = run->options.stund,
				     .log = run->log,
				     .on_ready = on_ready,
				     .arg = run };
	struct lab_error err;
	struct lab *lab = lab_open(&config, &err);
	int status;

	if (lab == NULL)
		return failure(err.text);
	status = lab_run(lab);
	lab_close(lab);
	return status;
}

static bool read_options(struct run *run, int argc, char **argv, int *at)
{
	struct opt_error err;
	int first = 0;

	if (!opt_read_args(&run_program, argc - *at, argv + *at, &run->options, &first, &err)) {
		failure(err.text);
		return false;
	}
	*at += first;
	return true;
}

/* Options stand before the profile and behind it. */
static bool read_line(struct run *run, int argc, char **argv)
{
	int at = 0;

	if (!read_options(run, argc, argv, &at))
		return false;
	if (run->options.help)
		return true;
	if (at >= argc || strcmp(argv[at - 1], "--") == 0) {
		failure("run: which profile? natlab list shows them");
		return false;
	}
	run->profile = nat_profile_find(argv[at]);
	if (run->profile == NULL) {
		fprintf(stderr, "natlab: there is no profile \"%s\"; natlab list shows them\n",
			argv[at]);
		return false;
	}
	if (!read_options(run, argc, argv, &at))
		return false;
	if (run->options.help)
		return true;
	if (at >= argc || strcmp(argv[at - 1], "--") != 0) {
		failure("run: the command is missing, behind --");
		return false;
	}
	run->command = argv + at;
	return true;
}

static int run_lab(struct run *run)
{
	struct spaces_job job = { .inside = inside, .arg = run };
	struct lab_error err = { 0 };
	int status;

	run->plan.seed = options_seed(&run->options);
	if (!lab_add_profile(&run->plan, run->profile, BOX_NAME, HOST_NAME, &err))
		return failure(err.text);
	if (!options_open_log(&run->options, &run->log))
		return EXIT_OURS;
	status = spaces_run(&job, &err);
	return err.text[0] != '\0' ? failure(err.text) : status;
}

int cmd_run(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	struct opt_error err;
	int status;

	if (run == NULL || !opt_defaults(&run_program, &run->options, &err))
		return failure(run == NULL ? "out of memory" : err.text);
	if (!read_line(run, argc, argv)) {
		status = EXIT_OURS;
	} else if (run->options.help) {
		opt_print_help(&run_program, stdout);
		status = 0;
	} else {
		status = run_lab(run);
	}
	opt_clear(&run_program, &run->options);
	free(run);
	return status;
}
