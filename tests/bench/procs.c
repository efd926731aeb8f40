#include <config.h> /* _GNU_SOURCE */

#include "tests/bench/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static cpu_set_t server_cpus;
static bool is_split;

bool procs_split_cpus(void)
{
	cpu_set_t all, mine;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2)
		return false;
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&mine);
	CPU_SET(cpu, &mine);
	CPU_CLR(cpu, &all);
	if (sched_setaffinity(0, sizeof(mine), &mine) != 0)
		return false;
	server_cpus = all;
	is_split = true;
	return true;
}

/* In the child: does not outlive its parent, even where that is killed. */
static void set_up_child(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (is_split && sched_setaffinity(0, sizeof(server_cpus), &server_cpus) != 0)
		_exit(127);
	if (getppid() != parent)
		_exit(127);
}

pid_t procs_fork(int (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	set_up_child(parent);
	_exit(run(arg) == 0 ? 0 : 1);
}

struct program {
	char *const *argv;
	bool loud;
};

/* Comes back only where the program cannot be run. */
static int become(void *arg)
{
	const struct program *p = arg;

	if (!p->loud) {
		int null = open("/dev/null", O_RDWR);

		if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
	}
	execvp(p->argv[0], p->argv);
	_exit(127);
}

pid_t procs_start(char *const argv[], bool loud)
{
	struct program program = { .argv = argv, .loud = loud };

	return procs_fork(become, &program);
}

void procs_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool procs_is_alive(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

static uint64_t task_cpu_ns(pid_t pid, const char *task)
{
	char path[96];
	uint64_t ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.32s/schedstat", (int)pid, task);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

uint64_t procs_cpu_ns(pid_t pid)
{
	char path[64];
	uint64_t ns = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			ns += task_cpu_ns(pid, e->d_name);
	}
	closedir(d);
	return ns;
}

uint64_t procs_memory(pid_t pid)
{
	uint64_t pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
