#include <config.h>

#include "servers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SERVERS     2
#define ARGS_MAX    24
#define SAID_MAX    1024
#define READY_WORD  " ready"
#define READY_MAX_S 30 /* until then both have said so */
#define BUILD_DIR   "/tests/natlab"

struct server {
	struct servers *all;
	int fd; /* of what it says */
	struct event *on_said;
	bool ready;
	char said[SAID_MAX]; /* until it is ready */
	size_t said_len;
};

struct servers {
	struct servers_config config;
	struct server servers[SERVERS];
	struct event *on_late;
	bool over; /* on_ready was called */
};

/* Arguments of one stund. */
struct args {
	char text[ARGS_MAX][ADDR_TEXT_MAX + 16];
	char *argv[ARGS_MAX + 2];
	size_t count;
};

static char stund[PATH_MAX] = "stund"; /* as servers_find has found it */

static void tell(struct servers *s, const char *why)
{
	if (s->over)
		return;
	s->over = true;
	event_del(s->on_late);
	s->config.on_ready(s->config.arg, why);
}

static void tell_if_all_are_ready(struct servers *s)
{
	for (size_t i = 0; i < SERVERS; i++) {
		if (!s->servers[i].ready)
			return;
	}
	tell(s, NULL);
}

/* Once it is ready nobody wants to know more, but it must be able to speak. */
static void on_said(evutil_socket_t fd, short events, void *arg)
{
	struct server *server = arg;
	char skipped[SAID_MAX];
	size_t room = sizeof(server->said) - 1 - server->said_len;
	bool listens = !server->ready && room > 0;
	ssize_t n = listens ? read(fd, server->said + server->said_len, room)
			    : read(fd, skipped, sizeof(skipped));

	if (n <= 0) {
		event_del(server->on_said);
		if (!server->ready)
			tell(server->all, server->said_len > 0 ? server->said : "it ended");
		return;
	}
	if (!listens)
		return;
	server->said_len += (size_t)n;
	server->said[server->said_len] = '\0';
	if (strstr(server->said, READY_WORD) == NULL)
		return;
	server->ready = true;
	tell_if_all_are_ready(server->all);
}

static void on_late(evutil_socket_t fd, short events, void *arg)
{
	tell(arg, "it does not say that it is ready");
}

/* In a build tree it is not where it will be installed. */
void servers_find(void)
{
	static const char *const relative[] = { "/../../stund/stund", "/../sbin/stund" };
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_LEN(relative); i++) {
		bool in_build = strlen(self) > strlen(BUILD_DIR) &&
				strcmp(self + strlen(self) - strlen(BUILD_DIR), BUILD_DIR) == 0;

		snprintf(stund, sizeof(stund), "%s%s", self, relative[i]);
		if ((i > 0 || in_build) && access(stund, X_OK) == 0)
			return;
	}
	snprintf(stund, sizeof(stund), "%s",
		 access(SBINDIR "/stund", X_OK) == 0 ? SBINDIR "/stund" : "stund");
}

static void add_arg(struct args *a, const char *text)
{
	snprintf(a->text[a->count], sizeof(a->text[0]), "%s", text);
	a->count++;
}

static void add_address_arg(struct args *a, const char *option, unsigned which, bool ipv6)
{
	char address[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 16];

	for (uint8_t family = ADDR_IPV4; family <= (ipv6 ? ADDR_IPV6 : ADDR_IPV4); family++) {
		struct addr server = nat_plan_server(family, which);

		snprintf(text, sizeof(text), "--%s=%s", option, addr_print_ip(&server, address));
		add_arg(a, text);
	}
}

static void make_args(struct args *a, bool full, bool ipv6)
{
	static const char *const common[] = { "--rate-limit=0", "--workers=1", "--no-self-check",
					      "--rfc3489", "--cooperate" };

	add_address_arg(a, "listen", 0, ipv6);
	add_address_arg(a, full ? "alternate" : "listen", 1, ipv6);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		add_arg(a, common[i]);
	if (full)
		add_address_arg(a, "rendezvous", 0, ipv6);
	if (!full) {
		add_arg(a, "--port=443");
		add_arg(a, "--no-tcp");
	}
}

static int start_one(struct servers *s, struct server *server, char *path, bool full)
{
	struct args args = { 0 };
	struct process p = { .space = s->config.space, .argv = args.argv, .background = true };
	int said[2], rc;

	make_args(&args, full, s->config.ipv6);
	args.argv[0] = path;
	for (size_t i = 0; i < args.count; i++)
		args.argv[i + 1] = args.text[i];
	if (pipe2(said, O_CLOEXEC) != 0)
		return -errno;
	p.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	p.output = said[1];
	rc = processes_start(s->config.processes, &p);
	close(said[1]);
	if (p.input >= 0)
		close(p.input);
	server->all = s;
	server->fd = said[0];
	if (rc < 0)
		return rc;
	server->on_said =
		event_new(s->config.base, server->fd, EV_READ | EV_PERSIST, on_said, server);
	if (server->on_said == NULL || event_add(server->on_said, NULL) != 0)
		return -ENOMEM;
	return 0;
}

static int start_all(struct servers *s, char *path)
{
	struct timeval patience = { .tv_sec = READY_MAX_S };
	int rc = 0;

	s->on_late = evtimer_new(s->config.base, on_late, s);
	if (s->on_late == NULL || event_add(s->on_late, &patience) != 0)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < SERVERS; i++)
		rc = start_one(s, &s->servers[i], path, i == 0);
	return rc;
}

struct servers *servers_start(const struct servers_config *config, struct lab_error *err)
{
	struct servers *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];
	int rc;

	if (s == NULL) {
		lab_fail(err, "out of memory");
		return NULL;
	}
	s->config = *config;
	for (size_t i = 0; i < SERVERS; i++)
		s->servers[i].fd = -1;
	if (config->stund != NULL)
		snprintf(path, sizeof(path), "%s", config->stund);
	else
		snprintf(path, sizeof(path), "%s", stund);
	rc = start_all(s, path);
	if (rc != 0) {
		lab_fail(err, "cannot start %.200s: %s", path, strerror(-rc));
		servers_free(s);
		return NULL;
	}
	return s;
}

void servers_free(struct servers *s)
{
	if (s == NULL)
		return;
	if (s->on_late != NULL)
		event_free(s->on_late);
	for (size_t i = 0; i < SERVERS; i++) {
		if (s->servers[i].on_said != NULL)
			event_free(s->servers[i].on_said);
		if (s->servers[i].fd >= 0)
			close(s->servers[i].fd);
	}
	free(s);
}
