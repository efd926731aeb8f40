#include <config.h>

#include "control.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME "control"
#define BACKLOG     16
#define WORDS       3

#define GOING_MAX_MS 2000

struct control {
	struct lab *lab;
	char path[CONTROL_PATH_MAX];
	int fd;
	struct event *on_readable;
	int leaver; /* who told us to go down; -1: nobody */
};

/* --- the path --- */

static bool make_dir(const char *dir, struct lab_error *err)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return lab_fail(err, "cannot make %.200s: %s", dir, strerror(errno));
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return lab_fail(err, "%.200s is no directory", dir);
	/* /tmp is everybody's: somebody else may have made it, to see our orders. */
	if (st.st_uid != geteuid())
		return lab_fail(err, "%.200s belongs to somebody else; name another one with --dir",
				dir);
	return true;
}

static void default_dir(char *dir, size_t cap)
{
	const char *named = getenv("NATLAB_DIR"), *runtime = getenv("XDG_RUNTIME_DIR");

	if (named != NULL && named[0] != '\0')
		snprintf(dir, cap, "%s", named);
	else if (runtime != NULL && runtime[0] != '\0')
		snprintf(dir, cap, "%s/natlab", runtime);
	else
		snprintf(dir, cap, "/tmp/natlab-%u", (unsigned int)geteuid());
}

bool control_path(const char *dir, char path[static CONTROL_PATH_MAX], struct lab_error *err)
{
	char chosen[PATH_MAX], whole[PATH_MAX];

	if (dir != NULL)
		snprintf(chosen, sizeof(chosen), "%s", dir);
	else
		default_dir(chosen, sizeof(chosen));
	if (!make_dir(chosen, err))
		return false;
	if (realpath(chosen, whole) == NULL)
		return lab_fail(err, "%.200s: %s", chosen, strerror(errno));
	if (snprintf(path, CONTROL_PATH_MAX, "%s/" SOCKET_NAME, whole) >= CONTROL_PATH_MAX)
		return lab_fail(err,
				"%.200s: too long a path for a socket; name another one with "
				"--dir",
				whole);
	return true;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = address_of(path);
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

/* --- messages with descriptors --- */

union fd_buffer {
	char bytes[CMSG_SPACE(sizeof(int) * SPACE_KINDS)];
	struct cmsghdr aligned;
};

static bool send_answer(int fd, const char *text, const int fds[SPACE_KINDS])
{
	struct iovec io = { .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
	union fd_buffer buffer = { 0 };

	if (fds != NULL) {
		msg.msg_control = buffer.bytes;
		msg.msg_controllen = sizeof(buffer.bytes);
		struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * SPACE_KINDS);
		memcpy(CMSG_DATA(head), fds, sizeof(int) * SPACE_KINDS);
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0;
}

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

/* --- orders --- */

static bool refuse(int fd, const char *why)
{
	char text[CONTROL_TEXT_MAX];

	snprintf(text, sizeof(text), "-%s", why);
	return send_answer(fd, text, NULL);
}

static size_t environment_text(const struct lab *lab, const char *node,
			       char text[static CONTROL_TEXT_MAX])
{
	char env[LAB_ENV_MAX][LAB_ENV_TEXT];
	size_t count = lab_environment(lab, node, env), len = 1;

	text[0] = '+';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, CONTROL_TEXT_MAX - len, "%s\n", env[i]);
	return len;
}

static void enter(struct control *c, int fd, const char *node)
{
	char text[CONTROL_TEXT_MAX];
	int fds[SPACE_KINDS];
	size_t opened = 0;

	if (lab_space(c->lab, node) < 0) {
		snprintf(text, sizeof(text),
			 "commands run on hosts, on Linux boxes and on " LAB_SERVERS
			 "; \"%.40s\" is none of these",
			 node);
		refuse(fd, text);
		return;
	}
	for (; opened < SPACE_NET; opened++) {
		fds[opened] = space_open((enum space_kind)opened);
		if (fds[opened] < 0)
			break;
	}
	fds[SPACE_NET] = lab_space(c->lab, node);
	if (opened < SPACE_NET) {
		refuse(fd, strerror(-fds[opened]));
	} else {
		environment_text(c->lab, node, text);
		send_answer(fd, text, fds);
	}
	while (opened > 0)
		close(fds[--opened]);
}

static void happen(struct control *c, int fd, const char *node, const char *what)
{
	struct lab_error err;

	if (lab_event(c->lab, node, what, &err))
		send_answer(fd, "+", NULL);
	else
		refuse(fd, err.text);
}

/* Cuts "event NODE WHAT" into words; those that are missing are "". */
static void cut(char *text, const char *words[WORDS])
{
	char *rest = NULL;

	words[0] = strtok_r(text, " ", &rest);
	for (size_t i = 1; i < WORDS; i++)
		words[i] = strtok_r(NULL, " ", &rest);
	for (size_t i = 0; i < WORDS; i++)
		words[i] = words[i] != NULL ? words[i] : "";
}

static void obey(struct control *c, int fd, char *order)
{
	const char *words[WORDS];

	cut(order, words);
	if (strcmp(words[0], CONTROL_ENTER) == 0) {
		enter(c, fd, words[1]);
	} else if (strcmp(words[0], CONTROL_EVENT) == 0) {
		happen(c, fd, words[1], words[2]);
	} else if (strcmp(words[0], CONTROL_DOWN) == 0) {
		/* The answer is that we are gone: the socket stays open until then. */
		c->leaver = fd;
		lab_stop(c->lab, 0);
	} else {
		refuse(fd, "no such order");
	}
}

/* Whoever connects says at once what it wants. */
static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct control *c = arg;
	char order[CONTROL_TEXT_MAX];
	struct timeval patience = { .tv_sec = 1 };
	int peer = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC);

	if (peer < 0)
		return;
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t n = recv(peer, order, sizeof(order) - 1, 0);
	if (n > 0) {
		order[n] = '\0';
		obey(c, peer, order);
	}
	if (peer != c->leaver)
		close(peer);
}

static bool listen_at(struct control *c, struct lab_error *err)
{
	struct sockaddr_un a = address_of(c->path);
	int other = connect_to(c->path);

	if (other >= 0) {
		close(other);
		return lab_fail(err,
				"there is a laboratory at %s already: natlab down ends it, "
				"--dir makes room for another one",
				c->path);
	}
	unlink(c->path);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(c->fd, BACKLOG) != 0)
		return lab_fail(err, "cannot listen at %s: %s", c->path, strerror(errno));
	return true;
}

struct control *control_open(struct lab *lab, const char *path, struct lab_error *err)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		lab_fail(err, "out of memory");
		return NULL;
	}
	c->lab = lab;
	c->fd = c->leaver = -1;
	snprintf(c->path, sizeof(c->path), "%s", path);
	if (!listen_at(c, err)) {
		c->path[0] = '\0'; /* it is not ours */
		goto fail;
	}
	c->on_readable = event_new(lab_base(lab), c->fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->on_readable != NULL && event_add(c->on_readable, NULL) == 0)
		return c;
	lab_fail(err, "out of memory");
fail:
	control_close(c);
	return NULL;
}

void control_close(struct control *c)
{
	if (c == NULL)
		return;
	if (c->on_readable != NULL)
		event_free(c->on_readable);
	if (c->fd >= 0)
		close(c->fd);
	if (c->path[0] != '\0')
		unlink(c->path);
	free(c);
}

/* Its sockets close a moment before the process is gone. */
static void wait_for_end(int fd)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	struct ucred listener;
	socklen_t len = sizeof(listener);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &len) != 0 || listener.pid <= 0)
		return;
	for (int i = 0; i < GOING_MAX_MS && kill(listener.pid, 0) == 0; i++)
		nanosleep(&moment, NULL);
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
	if (send(fd, order, strlen(order), MSG_NOSIGNAL) < 0 || !receive_answer(fd, answer)) {
		/* It went away: the answer to CONTROL_DOWN. */
		answer->ok = strcmp(order, CONTROL_DOWN) == 0;
		snprintf(answer->text, sizeof(answer->text), "the laboratory has gone away");
	}
	if (strcmp(order, CONTROL_DOWN) == 0)
		wait_for_end(fd);
	close(fd);
	return true;
}
