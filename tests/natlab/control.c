#include <config.h>

#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG     16
#define CLIENTS_MAX 16
#define PATIENCE_S  5 /* with somebody who has connected, and gives no order */
#define WORDS       3

/* Somebody who has connected. */
struct client {
	struct client *next;
	struct control *control;
	int fd;
	struct event *on_order;
};

struct control {
	struct lab *lab;
	char path[CONTROL_PATH_MAX]; /* "": it is not ours yet */
	int fd;
	struct event *on_readable;
	struct client *clients;
	size_t client_count;
};

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

/* Whether that was all: who orders us down waits until we are gone. */
static bool obey(struct control *c, int fd, char *order)
{
	const char *words[WORDS];

	cut(order, words);
	if (strcmp(words[0], CONTROL_ENTER) == 0) {
		enter(c, fd, words[1]);
	} else if (strcmp(words[0], CONTROL_EVENT) == 0) {
		happen(c, fd, words[1], words[2]);
	} else if (strcmp(words[0], CONTROL_DOWN) == 0) {
		lab_stop(c->lab, 0);
		return false;
	} else {
		refuse(fd, "no such order");
	}
	return true;
}

/* --- those who connect --- */

static void client_free(struct client *client)
{
	struct client **at = &client->control->clients;

	while (*at != NULL && *at != client)
		at = &(*at)->next;
	if (*at != NULL) {
		*at = client->next;
		client->control->client_count--;
	}
	if (client->on_order != NULL)
		event_free(client->on_order);
	close(client->fd);
	free(client);
}

static void on_order(evutil_socket_t fd, short events, void *arg)
{
	struct client *client = arg;
	char order[CONTROL_TEXT_MAX];
	ssize_t n = (events & EV_READ) != 0 ? recv(fd, order, sizeof(order) - 1, 0) : 0;

	if (n > 0) {
		order[n] = '\0';
		if (!obey(client->control, fd, order))
			return;
	}
	client_free(client);
}

static bool listen_to(struct control *c, int fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return false;
	*client = (struct client){ .control = c, .fd = fd, .next = c->clients };
	client->on_order = event_new(lab_base(c->lab), fd, EV_READ, on_order, client);
	if (client->on_order == NULL || event_add(client->on_order, &patience) != 0) {
		if (client->on_order != NULL)
			event_free(client->on_order);
		free(client);
		return false;
	}
	c->clients = client;
	c->client_count++;
	return true;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct control *c = arg;
	int peer = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer < 0)
		return;
	if (control_is_ours(peer) && c->client_count < CLIENTS_MAX && listen_to(c, peer))
		return;
	close(peer);
}

/* --- life --- */

/* What a laboratory that was killed has left there goes; nothing else does. */
static bool make_room(const char *path, struct lab_error *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return lab_fail(err, "%s is there already; name another directory with --dir",
				path);
	return unlink(path) == 0 || lab_fail(err, "cannot remove %s: %s", path, strerror(errno));
}

static bool listen_at(struct control *c, const char *path, struct lab_error *err)
{
	struct sockaddr_un a = control_address(path);
	mode_t mask;
	int rc;

	if (!make_room(path, err))
		return false;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	rc = c->fd < 0 ? -1 : bind(c->fd, (struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (rc != 0 || listen(c->fd, BACKLOG) != 0)
		return lab_fail(err, "cannot listen at %s: %s", path, strerror(errno));
	snprintf(c->path, sizeof(c->path), "%s", path);
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
	c->fd = -1;
	if (!listen_at(c, path, err))
		goto fail;
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
	while (c->clients != NULL)
		client_free(c->clients);
	if (c->on_readable != NULL)
		event_free(c->on_readable);
	if (c->fd >= 0)
		close(c->fd);
	if (c->path[0] != '\0')
		unlink(c->path);
	free(c);
}
