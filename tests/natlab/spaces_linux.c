#include <config.h>

#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "name_server.h"

#define SPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)

static const struct {
	const char *path;
	int flag;
} kinds[SPACE_KINDS] = {
	[SPACE_USER] = { "/proc/self/ns/user", CLONE_NEWUSER },
	[SPACE_MOUNT] = { "/proc/self/ns/mnt", CLONE_NEWNS },
	[SPACE_IPC] = { "/proc/self/ns/ipc", CLONE_NEWIPC },
	[SPACE_PID] = { "/proc/self/ns/pid", CLONE_NEWPID },
	[SPACE_ROOT] = { "/", 0 },
	[SPACE_NET] = { "/proc/self/ns/net", CLONE_NEWNET },
};

static volatile sig_atomic_t init_pid;
static int ready_fd = -1; /* inside: whoever waits for us reads its other end */

/* --- why not --- */

static bool reads(const char *path, char wanted)
{
	char c = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '\0';
	close(fd);
	return c == wanted;
}

static const char *remedy(void)
{
	if (geteuid() != 0 && reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return "AppArmor keeps ordinary users from namespaces; as root: "
		       "sysctl kernel.apparmor_restrict_unprivileged_userns=0";
	if (geteuid() != 0 && reads("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return "as root: sysctl kernel.unprivileged_userns_clone=1";
	if (reads("/proc/sys/user/max_user_namespaces", '0'))
		return "as root: sysctl user.max_user_namespaces=10000";
	return "run natlab as root; a container needs more than that: docker run --cap-add "
	       "NET_ADMIN --cap-add SYS_ADMIN --device /dev/net/tun "
	       "--security-opt apparmor=unconfined --security-opt seccomp=unconfined";
}

bool spaces_explain(struct lab_error *err, int error, const char *what)
{
	if (error == EPERM || error == EACCES || error == ENOSPC || error == EUSERS)
		return lab_fail(err, "%s: %s; %s", what, strerror(error), remedy());
	return lab_fail(err, "%s: %s", what, strerror(error));
}

/* --- namespaces --- */

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
static bool map_ids(uid_t uid, gid_t gid)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", (unsigned int)uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", (unsigned int)gid);
	return put_file("/proc/self/setgroups", "deny") &&
	       put_file("/proc/self/uid_map", uid_map) && put_file("/proc/self/gid_map", gid_map);
}

static bool leave_home(struct lab_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(SPACES) == 0)
		return true;
	if (errno != EPERM)
		return spaces_explain(err, errno, "cannot make namespaces");
	if (unshare(SPACES | CLONE_NEWUSER) != 0)
		return spaces_explain(err, errno, "cannot make namespaces");
	return map_ids(uid, gid) ||
	       spaces_explain(err, errno, "cannot become root of a user namespace");
}

/* What is mounted at `path` from now on is not seen outside; a chroot may be no mount point. */
static bool keep_mounts_in(const char *path)
{
	unsigned long flags = MS_REC | MS_PRIVATE;

	return mount("none", "/", NULL, flags, NULL) == 0 ||
	       mount("none", path, NULL, flags, NULL) == 0;
}

/* A file system that shows what is in here, where that is allowed. */
static void mount_own(const char *type, const char *path, unsigned long flags)
{
	if (keep_mounts_in(path))
		(void)mount(type, path, type, MS_NOSUID | MS_NODEV | MS_NOEXEC | flags, NULL);
}

/* In place of the file that says whom to ask; where there is none, nobody is asked. */
static void mount_resolv_conf(void)
{
	static const char text[] = "nameserver " NAME_SERVER "\n";
	char path[] = "/tmp/natlab-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, sizeof(text) - 1) == sizeof(text) - 1 && fchmod(fd, 0444) == 0 &&
	    keep_mounts_in("/etc"))
		(void)mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL);
	close(fd);
	unlink(path); /* what is mounted stays */
}

static int loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) != 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

int space_open(enum space_kind kind)
{
	int fd = open(kinds[kind].path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int space_new(void)
{
	int rc = unshare(CLONE_NEWNET) != 0 ? -errno : loopback_up();

	return rc != 0 ? rc : space_open(SPACE_NET);
}

int space_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) != 0 ? -errno : 0;
}

/* It is the one we are in: entering that again may be forbidden. */
static bool is_ours(int fd, enum space_kind kind)
{
	struct stat theirs, ours;

	return fstat(fd, &theirs) == 0 && stat(kinds[kind].path, &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* Another mount namespace puts us at its root, out of the chroot that the laboratory is in. */
static int enter(int fd, enum space_kind kind)
{
	if (kind == SPACE_ROOT)
		return fchdir(fd) != 0 ? -1 : chroot(".");
	return setns(fd, kinds[kind].flag);
}

int spaces_join(const int fds[SPACE_KINDS])
{
	for (size_t i = 0; i < SPACE_KINDS; i++) {
		enum space_kind kind = (enum space_kind)i;

		if (!is_ours(fds[i], kind) && enter(fds[i], kind) != 0)
			return -errno;
	}
	return 0;
}

void spaces_own_sys(void)
{
	if (unshare(CLONE_NEWNS) == 0)
		mount_own("sysfs", "/sys", MS_RDONLY);
}

/* --- the init inside --- */

/* Dies with the parent, even if the parent died before we could ask for it. */
static void hang_on_parent(int life_fd)
{
	struct pollfd life = { .fd = life_fd, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || poll(&life, 1, 0) != 0)
		_exit(EXIT_OURS);
}

void spaces_ready(void)
{
	if (ready_fd >= 0) {
		if (prctl(PR_SET_PDEATHSIG, 0) != 0 || write(ready_fd, "", 1) != 1)
			_exit(EXIT_OURS);
		close(ready_fd);
		setsid();
	}
	ready_fd = -1;
}

static void passed_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void spaces_hear_signals(void)
{
	sigset_t passed;

	passed_signals(&passed);
	sigprocmask(SIG_UNBLOCK, &passed, NULL);
}

__attribute__((noreturn)) static void init_main(const struct spaces_job *job, int life_fd)
{
	hang_on_parent(life_fd);
	mount_own("proc", "/proc", 0);
	mount_resolv_conf();
	loopback_up();
	/* Not by exit: what the other process has buffered is not ours to write. */
	_exit(job->inside(job->arg));
}

/* --- outside --- */

bool spaces_ignores(int sig)
{
	struct sigaction act;

	return sigaction(sig, NULL, &act) == 0 && act.sa_handler == SIG_IGN;
}

/* What a terminal sends goes to all of its foreground processes, the command among them. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (sig != SIGINT || info->si_code <= 0)
		kill((pid_t)init_pid, sig == SIGINT ? SIGTERM : sig);
}

static void pass_signals_on(const sigset_t *passed)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigemptyset(&act.sa_mask);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(passed, sig) == 1 && !spaces_ignores(sig))
			sigaction(sig, &act, NULL);
	}
	sigprocmask(SIG_UNBLOCK, passed, NULL);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_OURS;
	}
	return WIFSIGNALED(status) ? EXIT_BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Either it is ready, or it has ended. */
static int wait_until_ready(pid_t pid, int fd)
{
	char c;
	ssize_t n;

	do {
		n = read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : wait_for(pid);
}

int spaces_run(const struct spaces_job *job, struct lab_error *err)
{
	sigset_t passed;
	int life[2];
	pid_t pid;

	passed_signals(&passed);
	sigprocmask(SIG_BLOCK, &passed, NULL);
	if (!leave_home(err))
		return EXIT_OURS;
	if (pipe2(life, O_CLOEXEC) != 0 || fflush(NULL) != 0 || (pid = fork()) < 0) {
		spaces_explain(err, errno, "cannot start a process");
		return EXIT_OURS;
	}
	if (pid == 0) {
		/* While we live the other end is open: the reader knows by that that we do. */
		int end = job->stays ? 0 : 1;

		close(life[end]);
		ready_fd = job->stays ? life[1] : -1;
		init_main(job, life[1 - end]);
	}
	init_pid = pid;
	close(life[job->stays ? 1 : 0]);
	pass_signals_on(&passed);
	return job->stays ? wait_until_ready(pid, life[0]) : wait_for(pid);
}
