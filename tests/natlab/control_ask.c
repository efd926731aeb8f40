#include <config.h>

#include "control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define GOING_MAX_MS 2000

static int connect_to(const char *path)
{
	struct sockaddr_un a = control_address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

union fd_buffer {
	char bytes[CMSG_SPACE(sizeof(int) * SPACE_KINDS)];
	struct cmsghdr aligned;
};

static bool receive_answer(int fd, struct control_answer *answer)
{
	struct iovec io = { .iov_base = answer->text, .iov_len = sizeof(answer->text) - 1 };
	union fd_buffer buffer;
	struct msghdr msg = { .msg_iov = &io,
			      .msg_iovlen = 1,
			      .msg_control = buffer.bytes,
			      .msg_controllen = sizeof(buffer.bytes) };
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	answer->text[n] = '\0';
	answer->ok = answer->text[0] == '+';
	memmove(answer->text, answer->text + 1, (size_t)n);
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	if (head != NULL && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(answer->fds)))
		memcpy(answer->fds, CMSG_DATA(head), sizeof(answer->fds));
	return true;
}

/* Where the kernel has no pidfd: until somebody has buried it, too. */
static void wait_for_pid(pid_t pid)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < GOING_MAX_MS && kill(pid, 0) == 0; i++)
		nanosleep(&moment, NULL);
}

/* Its sockets close a moment before the process is gone. */
static void wait_for_end(int fd)
{
	struct ucred listener;
	socklen_t len = sizeof(listener);
	struct pollfd process;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &len) != 0 || listener.pid <= 0)
		return;
	process = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, listener.pid, 0),
				   .events = POLLIN };
	if (process.fd >= 0) {
		(void)poll(&process, 1, GOING_MAX_MS);
		close(process.fd);
	} else if (errno != ESRCH) {
		wait_for_pid(listener.pid);
	}
}

bool control_ask(const char *path, const char *order, struct control_answer *answer,
		 struct lab_error *err)
{
	int fd = connect_to(path);

	*answer = (struct control_answer){ 0 };
	for (size_t i = 0; i < SPACE_KINDS; i++)
		answer->fds[i] = -1;
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return lab_fail(err, "no laboratory is running at %s: natlab up starts one", path);
	if (fd < 0)
		return lab_fail(err, "%s: %s", path, strerror(-fd));
	/* What it answers tells us where to run commands. */
	if (!control_is_ours(fd)) {
		close(fd);
		return lab_fail(err, "%s belongs to somebody else; name another one with --dir",
				path);
	}
	if (send(fd, order, strlen(order), MSG_NOSIGNAL) < 0 || !receive_answer(fd, answer)) {
		/* It went away: the answer to CONTROL_DOWN. */
		answer->ok = strcmp(order, CONTROL_DOWN) == 0;
		snprintf(answer->text, sizeof(answer->text),
			 "the laboratory has gone away, or is too busy");
	}
	if (strcmp(order, CONTROL_DOWN) == 0)
		wait_for_end(fd);
	close(fd);
	return true;
}
