#include <config.h>

#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "spaces.h"

struct session {
	const struct lab_plan *plan;
	const struct request *request;
	const struct session_command *commands;
	size_t count;
	FILE *log;
	struct lab *lab;
	size_t running;
	int status;
};

static int failure(const char *text)
{
	fprintf(stderr, "natlab: %s\n", text);
	return EXIT_OURS;
}

static void on_exit_of_command(void *arg, pid_t pid, int status)
{
	struct session *s = arg;

	if (s->status == 0)
		s->status = status;
	if (--s->running == 0)
		lab_stop(s->lab, s->status);
}

static void on_ready(void *arg, struct lab *lab)
{
	struct session *s = arg;
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	s->lab = lab;
	for (size_t i = 0; i < s->count; i++) {
		struct process p = { .argv = s->commands[i].argv,
				     .command = s->commands[i].command,
				     .input = i > 0 ? nothing : -1,
				     .output = -1,
				     .on_exit = on_exit_of_command,
				     .arg = s };
		pid_t pid = lab_start(lab, s->commands[i].node, &p);

		if (pid < 0) {
			lab_give_up(lab, strerror(-pid));
			break;
		}
		s->running++;
	}
	if (nothing >= 0)
		close(nothing);
}

static int inside(void *arg)
{
	struct session *s = arg;
	struct lab_config config = { .plan = s->plan,
				     .stund = request_stund(s->request),
				     .log = s->log,
				     .on_ready = on_ready,
				     .arg = s };
	struct lab_error err;
	struct lab *lab = lab_open(&config, &err);
	int status;

	if (lab == NULL)
		return failure(err.text);
	status = lab_run(lab);
	lab_close(lab);
	if (s->log != NULL)
		fflush(s->log);
	return status;
}

static bool open_log(struct session *s)
{
	const char *path = request_log(s->request);

	if (path == NULL)
		return true;
	s->log = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
	if (s->log == NULL) {
		fprintf(stderr, "natlab: cannot write %s: %s\n", path, strerror(errno));
		return false;
	}
	setvbuf(s->log, NULL, _IOLBF, 0);
	return true;
}

int session_run(const struct lab_plan *plan, const struct request *request,
		const struct session_command *commands, size_t count)
{
	struct session s = {
		.plan = plan, .request = request, .commands = commands, .count = count
	};
	struct spaces_job job = { .inside = inside, .arg = &s };
	struct lab_error err = { 0 };
	int status;

	if (!open_log(&s))
		return EXIT_OURS;
	status = spaces_run(&job, &err);
	if (s.log != NULL && s.log != stderr)
		fclose(s.log);
	return err.text[0] != '\0' ? failure(err.text) : status;
}
