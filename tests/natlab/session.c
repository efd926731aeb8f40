#include <config.h>

#include "session.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "event_log.h"
#include "servers.h"

struct session {
	const struct lab_plan *plan;
	const struct request *request;
	const struct session_command *commands;
	size_t count;
	FILE *log;
	char path[CONTROL_PATH_MAX]; /* "": takes no orders */
	struct control *control;
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

static bool open_control(struct session *s, struct lab *lab)
{
	struct lab_error err;

	if (s->path[0] == '\0')
		return true;
	s->control = control_open(lab, s->path, &err);
	if (s->control == NULL)
		lab_give_up(lab, err.text);
	return s->control != NULL;
}

static void on_ready(void *arg, struct lab *lab)
{
	struct session *s = arg;
	int nothing;

	s->lab = lab;
	if (!open_control(s, lab))
		return;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
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
				     .control = s->path,
				     .on_ready = on_ready,
				     .arg = s };
	struct lab_error err;
	struct lab *lab = lab_open(&config, &err);
	int status;

	if (lab == NULL)
		return failure(err.text);
	status = lab_run(lab);
	control_close(s->control);
	lab_close(lab);
	return event_log_check(s->log, &err) ? status : failure(err.text);
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

	if (request_dir(request) != NULL &&
	    (!control_path(request_dir(request), s.path, &err) || !control_claim(s.path, &err)))
		return failure(err.text);
	if (!event_log_open(request_log(request), &s.log, &err))
		return failure(err.text);
	servers_find();
	status = spaces_run(&job, &err);
	if (s.log != NULL && s.log != stderr)
		fclose(s.log);
	return err.text[0] != '\0' ? failure(err.text) : status;
}
