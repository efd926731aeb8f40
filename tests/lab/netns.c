/*
 * netns - run a command in namespaces of its own, which end when it ends.
 *
 *	netns COMMAND [ARG...]
 *
 * The command gets a PID, a mount and a network namespace (loopback is up, nothing else is there)
 * and may do inside what root may: as root at once, otherwise by way of a user namespace.
 *
 * Nothing can be left behind. No namespace has a name in the file system; all processes inside
 * hang on the init of the PID namespace, and that one on this process, also when it is killed
 * with SIGKILL. When this process ends by itself, all of them are gone already.
 *
 * Exit status: the command's, 128 + signal when a signal ended it, 77 with a reason on stderr
 * where namespaces cannot be had (the word for "skipped" in `make check`), 125 for anything else.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EXIT_SKIP = 77,
	EXIT_OURS = 125,
	EXIT_NO_COMMAND = 127,
	EXIT_BY_SIGNAL = 128,
};

#define SPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)

static volatile sig_atomic_t init_pid, ended_by;

__attribute__((noreturn, format(printf, 2, 3))) static void die(int status, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fputs(status == EXIT_SKIP ? "SKIP: " : "netns: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	_exit(status);
}

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* We become root of the new user namespace, and stay who we are outside. */
static void map_ids(uid_t uid, gid_t gid)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", (unsigned int)uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", (unsigned int)gid);
	if (!put_file("/proc/self/setgroups", "deny") || !put_file("/proc/self/uid_map", uid_map) ||
	    !put_file("/proc/self/gid_map", gid_map))
		die(EXIT_SKIP, "cannot map ids into a user namespace");
}

static void leave_home(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(SPACES) == 0)
		return;
	if (errno != EPERM)
		die(EXIT_SKIP, "cannot make namespaces");
	if (unshare(SPACES | CLONE_NEWUSER) != 0)
		die(EXIT_SKIP, "not root, and cannot make a user namespace");
	map_ids(uid, gid);
}

/* Mounts stay in here, and /proc shows the processes in here. In a chroot / is no mount point. */
static void mount_proc(void)
{
	unsigned long flags = MS_REC | MS_PRIVATE;

	if (mount("none", "/", NULL, flags, NULL) != 0 && errno != EINVAL)
		die(EXIT_SKIP, "cannot make mounts private");
	if (mount("none", "/proc", NULL, flags, NULL) != 0)
		die(EXIT_SKIP, "cannot make /proc private");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		die(EXIT_SKIP, "cannot mount /proc");
}

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) != 0)
		die(EXIT_SKIP, "cannot bring loopback up");
	close(fd);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? EXIT_BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Dies with the parent, even if the parent died before we could ask for it. */
static void hang_on_parent(int life_fd)
{
	struct pollfd life = { .fd = life_fd, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		die(EXIT_OURS, "prctl");
	if (poll(&life, 1, 0) != 0)
		_exit(EXIT_OURS);
	close(life_fd);
}

__attribute__((noreturn)) static void run_command(char **argv)
{
	execvp(argv[0], argv);
	die(EXIT_NO_COMMAND, "%s", argv[0]);
}

/* PID 1 in there: starts the command and buries orphans until it ends. The kernel kills the rest. */
__attribute__((noreturn)) static void init_main(int life_fd, char **argv)
{
	int status;
	pid_t pid, command;

	hang_on_parent(life_fd);
	mount_proc();
	loopback_up();
	command = fork();
	if (command < 0)
		die(EXIT_OURS, "fork");
	if (command == 0)
		run_command(argv);
	do {
		pid = wait(&status);
	} while (pid != command && (pid > 0 || errno == EINTR));
	_exit(pid == command ? exit_status(status) : EXIT_OURS);
}

static void on_signal(int sig)
{
	ended_by = sig;
	kill((pid_t)init_pid, SIGKILL);
}

/* Ctrl-C and friends end everything inside first, then us, by the same signal. */
static int wait_for_init(pid_t pid, const sigset_t *ends)
{
	struct sigaction act = { .sa_handler = on_signal };
	int status;

	sigemptyset(&act.sa_mask);
	init_pid = pid;
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(ends, sig) == 1)
			sigaction(sig, &act, NULL);
	sigprocmask(SIG_UNBLOCK, ends, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die(EXIT_OURS, "waitpid");
	if (ended_by != 0) {
		signal((int)ended_by, SIG_DFL);
		raise((int)ended_by);
	}
	return exit_status(status);
}

int main(int argc, char **argv)
{
	sigset_t ends;
	int life[2];
	pid_t pid;

	if (argc < 2) {
		fputs("usage: netns COMMAND [ARG...]\n", stderr);
		return EXIT_OURS;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	leave_home();
	if (pipe2(life, O_CLOEXEC) != 0)
		die(EXIT_OURS, "pipe");
	pid = fork();
	if (pid < 0)
		die(EXIT_OURS, "fork");
	if (pid == 0) {
		close(life[1]);
		sigprocmask(SIG_UNBLOCK, &ends, NULL);
		init_main(life[0], argv + 1);
	}
	close(life[0]);
	/* Not by exit: a leak checker wants a thread, which nobody gets after unshare. */
	_exit(wait_for_init(pid, &ends));
}
