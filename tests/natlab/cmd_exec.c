/* natlab exec, event and down: orders to a laboratory that runs. */
#include <config.h>

#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "opt_rows.h"

struct order_options {
	char *dir;
	bool help;
};

static const struct opt table[] = {
	{ .name = "dir",
	  .letter = 'd',
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct order_options, dir),
	  .flags = OPT_CLI_ONLY,
	  .value = "DIR",
	  .help = "where the laboratory has its socket; default: $NATLAB_DIR, natlab in "
		  "$XDG_RUNTIME_DIR, or /tmp/natlab-UID" },
	OPT_ROW_HELP(struct order_options),
	{ 0 },
};

static const struct opt_program exec_program = {
	.name = "natlab exec",
	.synopsis = "[OPTION]... NODE -- COMMAND [ARGUMENT]...",
	.summary = "Runs COMMAND on a host of a laboratory, or on its node " LAB_SERVERS
		   ". Ends with its status, or 125 for a failure of natlab.",
	.table = table,
	.size = sizeof(struct order_options),
};

static const struct opt_program event_program = {
	.name = "natlab event",
	.synopsis = "[OPTION]... BOX reboot|flush|new-address",
	.summary = "Makes something happen to a box: it forgets its mappings and is away for a "
		   "second, it forgets them, or it gets another address outside.",
	.table = table,
	.size = sizeof(struct order_options),
};

static const struct opt_program down_program = {
	.name = "natlab down",
	.synopsis = "[OPTION]...",
	.summary = "Ends a laboratory and all that runs in it.",
	.table = table,
	.size = sizeof(struct order_options),
};

static int failure(const char *text)
{
	fprintf(stderr, "natlab: %s\n", text);
	return EXIT_OURS;
}

/* Returns -1 to go on, or an exit status. */
static int read_options(const struct opt_program *program, int argc, char **argv,
			char path[static CONTROL_PATH_MAX], int *first)
{
	struct order_options o;
	struct opt_error why;
	struct lab_error err;
	int status = -1;

	if (!opt_defaults(program, &o, &why) ||
	    !opt_read_args(program, argc, argv, &o, first, &why)) {
		status = failure(why.text);
	} else if (o.help) {
		opt_print_help(program, stdout);
		status = 0;
	} else if (!control_path(o.dir, path, &err)) {
		status = failure(err.text);
	}
	opt_clear(program, &o);
	return status;
}

/* An order that has no other answer than yes or no. */
static int give(const char *path, const char *order)
{
	struct control_answer answer;
	struct lab_error err;

	if (!control_ask(path, order, &answer, &err))
		return failure(err.text);
	return answer.ok ? 0 : failure(answer.text);
}

int cmd_event(int argc, char **argv)
{
	char path[CONTROL_PATH_MAX], order[CONTROL_TEXT_MAX];
	int first, status = read_options(&event_program, argc, argv, path, &first);

	if (status >= 0)
		return status;
	if (argc - first != 2)
		return failure("event: a box and what happens to it are needed: reboot, flush or "
			       "new-address");
	snprintf(order, sizeof(order), CONTROL_EVENT " %s %s", argv[first], argv[first + 1]);
	return give(path, order);
}

int cmd_down(int argc, char **argv)
{
	char path[CONTROL_PATH_MAX];
	int first, status = read_options(&down_program, argc, argv, path, &first);

	if (status >= 0)
		return status;
	if (first < argc)
		return failure("down takes options only");
	return give(path, CONTROL_DOWN);
}

/* --- exec --- */

static volatile sig_atomic_t command_pid;

/* What a terminal sends reaches the command as well, so we do not pass that on. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (info->si_code <= 0)
		kill((pid_t)command_pid, sig);
}

static void set_environment(char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, '=');

		if (value == NULL)
			continue;
		*value = '\0';
		setenv(line, value + 1, 1);
	}
}

__attribute__((noreturn)) static void command_main(const char *home, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The other mount namespace has put us at its root. */
	if (chdir(home) != 0)
		fprintf(stderr, "natlab: cannot go back to %s: %s\n", home, strerror(errno));
	spaces_own_sys();
	processes_become(argv);
}

static int wait_for_command(pid_t pid)
{
	static const int passed[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	int status;

	command_pid = pid;
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		if (!spaces_ignores(passed[i]))
			sigaction(passed[i], &act, NULL);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_OURS;
	}
	return WIFSIGNALED(status) ? EXIT_BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(struct control_answer *node, char **argv)
{
	char *home = getcwd(NULL, 0);
	struct lab_error err;
	int rc = spaces_join(node->fds);
	pid_t pid;

	if (rc != 0) {
		spaces_explain(&err, -rc, "cannot enter the laboratory");
		free(home);
		return failure(err.text);
	}
	set_environment(node->text);
	pid = fork();
	if (pid == 0)
		command_main(home != NULL ? home : "/", argv);
	free(home);
	return pid > 0 ? wait_for_command(pid) : failure(strerror(errno));
}

int cmd_exec(int argc, char **argv)
{
	char path[CONTROL_PATH_MAX], order[CONTROL_TEXT_MAX];
	struct control_answer node;
	struct lab_error err;
	int at, status = read_options(&exec_program, argc, argv, path, &at);

	if (status >= 0)
		return status;
	if (argc - at < 3 || strcmp(argv[at + 1], "--") != 0)
		return failure("exec: a node, -- and a command are needed");
	snprintf(order, sizeof(order), CONTROL_ENTER " %s", argv[at]);
	if (!control_ask(path, order, &node, &err))
		return failure(err.text);
	return node.ok ? run(&node, argv + at + 2) : failure(node.text);
}
