#include <config.h>

#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spaces.h"

struct running {
	struct running *next;
	pid_t pid;
	bool background;
	void (*on_exit)(void *arg, pid_t pid, int status);
	void *arg;
};

struct processes {
	struct running *first;
	struct event *on_child;
};

static void end_one(struct processes *s, pid_t pid, int status)
{
	for (struct running **at = &s->first; *at != NULL; at = &(*at)->next) {
		struct running *r = *at;

		if (r->pid != pid)
			continue;
		*at = r->next;
		if (r->on_exit != NULL)
			r->on_exit(r->arg, pid, status);
		free(r);
		return;
	}
}

static void on_child(evutil_socket_t sig, short events, void *arg)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		end_one(arg, pid,
			WIFSIGNALED(status) ? EXIT_BY_SIGNAL + WTERMSIG(status)
					    : WEXITSTATUS(status));
}

struct processes *processes_new(struct event_base *base)
{
	struct processes *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->on_child = evsignal_new(base, SIGCHLD, on_child, s);
	if (s->on_child == NULL || event_add(s->on_child, NULL) != 0) {
		processes_free(s);
		return NULL;
	}
	return s;
}

void processes_free(struct processes *s)
{
	if (s == NULL)
		return;
	if (s->on_child != NULL)
		event_free(s->on_child);
	for (struct running *r; (r = s->first) != NULL;) {
		s->first = r->next;
		free(r);
	}
	free(s);
}

/* What we handle is not for the command; what was ignored for us is for it as well (nohup). */
static void reset_signals(void)
{
	struct sigaction act;
	sigset_t none;

	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &act) == 0 && act.sa_handler != SIG_IGN)
			signal(sig, SIG_DFL);
	}
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool redirect(const struct process *p)
{
	if (p->input >= 0 && dup2(p->input, STDIN_FILENO) < 0)
		return false;
	return p->output < 0 ||
	       (dup2(p->output, STDOUT_FILENO) >= 0 && dup2(p->output, STDERR_FILENO) >= 0);
}

static bool set_environment(const struct process *p)
{
	for (size_t i = 0; i < PROCESS_ENV_MAX && p->env[i] != NULL; i++) {
		const char *value = strchr(p->env[i], '=');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(value - p->env[i]), p->env[i]);
		if (setenv(name, value + 1, 1) != 0)
			return false;
	}
	return true;
}

void processes_become(char *const *argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	fprintf(stderr, "natlab: %s: %s\n", argv[0], strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_PROGRAM);
}

__attribute__((noreturn)) static void child_main(const struct process *p)
{
	char *shell[] = { "/bin/sh", "-c", (char *)(uintptr_t)p->command, NULL };
	char *const *argv = p->command != NULL ? shell : p->argv;
	int rc = space_enter(p->space);

	if (rc == 0 && p->background)
		setpgid(0, 0);
	if (rc == 0 && (!redirect(p) || !set_environment(p)))
		rc = -errno;
	if (rc != 0) {
		fprintf(stderr, "natlab: cannot start %s: %s\n", argv[0], strerror(-rc));
		_exit(EXIT_OURS);
	}
	spaces_own_sys();
	reset_signals();
	processes_become(argv);
}

pid_t processes_start(struct processes *s, const struct process *p)
{
	struct running *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	*r = (struct running){
		.next = s->first, .background = p->background, .on_exit = p->on_exit, .arg = p->arg
	};
	r->pid = fork();
	if (r->pid == 0)
		child_main(p);
	if (r->pid < 0) {
		int rc = -errno;

		free(r);
		return rc;
	}
	s->first = r;
	return r->pid;
}

void processes_end(struct processes *s)
{
	/* All that there are, as the init of their namespace; never elsewhere. */
	if (getpid() != 1)
		return;
	event_del(s->on_child);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

void processes_signal(struct processes *s, int signal)
{
	for (const struct running *r = s->first; r != NULL; r = r->next) {
		if (!r->background)
			kill(r->pid, signal);
	}
}
