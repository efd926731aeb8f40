#include "link_user.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach_place.h"
#include "link_find.h"
#include "link_run.h"
#include "link_user_state.h"
#include "natprobe/pair/pair_ways.h"

#define ADDRESS_SCHEME "natkit:"
#define NAME_USUAL     "default"
#define LINK_HANGS \
	"the link of that name does not answer; was it stopped? End it, and start it again"
#define EVENT_MAX 4096 /* of a line that a link says of itself */

/*
 * What a command has on it may be freed after link_user_run has returned, so it lives as long as the
 * process does, which runs one command.
 */
static struct event_base *base_of_process;

static int complain(const struct link_user *u, int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", u->config->command, what, why);
	return rc;
}

static void end_running(struct link_user *u, int rc)
{
	u->is_over = true;
	u->rc = rc;
	event_base_loopbreak(u->base);
}

/* --- signals --- */

/* What the command has to say comes before whatever ends because of it. */
static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct link_user *u = arg;

	if (u->config->on_interrupt != NULL)
		u->config->on_interrupt(u->config->arg);
	if (!u->is_over && u->host == NULL)
		end_running(u, EXIT_FAILED);
}

static bool watch_signals(struct link_user *u)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && u->signals[i] == NULL; i++) {
		u->signals[i] = evsignal_new(u->base, numbers[i], on_signal, u);
		if (u->signals[i] == NULL || event_add(u->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

static void forget_signals(struct link_user *u)
{
	for (size_t i = 0; i < sizeof(u->signals) / sizeof(u->signals[0]); i++) {
		if (u->signals[i] != NULL)
			event_free(u->signals[i]);
	}
}

/* --- a link that runs --- */

static void on_status(struct link_user *u, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const json_t *up = json_object_get(event, "up");
	const char *what = json_string_value(json_object_get(event, "what"));

	if (json_is_boolean(up) && u->config->on_path != NULL)
		u->config->on_path(u->config->arg, json_is_true(up), what != NULL ? what : "");
	json_decref(event);
}

static void on_watch_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct link_user *u = arg;
	char *line;
	size_t len;

	while (!u->is_over && (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF)) != NULL) {
		on_status(u, line, len);
		free(line);
	}
	if (evbuffer_get_length(in) > EVENT_MAX)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_watch_event(struct bufferevent *bev, short events, void *arg)
{
	struct link_user *u = arg;

	if (!u->is_over)
		end_running(u, complain(u, EXIT_FAILED, u->name,
					"the link has ended; start natprobe link again, and this"));
}

static bool prepare_running(struct link_user *u)
{
	if (!watch_signals(u))
		return false;
	u->watch = link_user_call(u, "watch");
	if (u->watch == NULL)
		return false;
	bufferevent_setcb(u->watch, on_watch_read, NULL, on_watch_event, u);
	return bufferevent_enable(u->watch, EV_READ | EV_WRITE) == 0;
}

static int run_running(struct link_user *u)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (!prepare_running(u)) {
		u->rc = complain(u, EXIT_FAILED, u->name, LINK_HANGS);
	} else {
		u->config->on_begin(u->config->arg, u);
		while (!u->is_over)
			event_base_dispatch(u->base);
	}
	link_user_drop(u);
	if (u->watch != NULL)
		bufferevent_free(u->watch);
	return u->rc;
}

/* --- one of our own --- */

static void on_own_begin(void *arg, struct link_host *host)
{
	struct link_user *u = arg;

	u->host = host;
	(void)watch_signals(u);
	u->config->on_begin(u->config->arg, u);
}

static void on_own_over(void *arg)
{
	link_user_drop(arg);
}

static void on_own_path(void *arg, bool is_up, const char *what, const char *line)
{
	struct link_user *u = arg;

	if (!u->is_over && u->config->on_path != NULL)
		u->config->on_path(u->config->arg, is_up, what);
}

static int run_own(struct link_user *u, char *operand)
{
	const struct link_run_config config = {
		.command = u->config->command,
		.options = u->config->options,
		.operand = operand,
		.is_short = true,
		.base = u->base,
		.on_begin = on_own_begin,
		.on_over = on_own_over,
		.on_path = on_own_path,
		.arg = u,
	};

	return link_run(&config);
}

static int run_with_code(struct link_user *u)
{
	const struct link_user_config *c = u->config;
	struct link_options options = *c->options;
	struct link_user_config own = *c;
	struct punch_code code = { 0 };
	int rc = punch_code_find(c->command, c->operand, options.punch.code_file, &code);

	if (rc != 0)
		return rc;
	if (!code.is_new && link_find_by_code(code.text, options.name, u->name)) {
		rc = run_running(u);
	} else if (!link_run_is_built(c->command)) {
		rc = EXIT_FAILED; /* before a code is shown */
	} else {
		if (code.is_new && options.punch.code_file == NULL)
			c->on_code(c->arg, code.text);
		options.punch.code_file = NULL; /* it was read */
		own.options = &options;
		u->config = &own;
		rc = run_own(u, code.text);
		u->config = c;
	}
	punch_code_clear(&code);
	return rc;
}

/* There is none to be used, for -rc. */
static int complain_of_call(const struct link_user *u, int rc)
{
	char directory[ATTACH_DIRECTORY_MAX] = "";

	if (rc == -EAGAIN)
		return complain(u, EXIT_FAILED, u->name, LINK_HANGS);
	(void)attach_directory(directory, sizeof(directory));
	if (rc == -EPERM)
		return complain(u, EXIT_FAILED, directory, LINK_DIRECTORY_REMEDY);
	if (rc != -ENOENT && rc != -ECONNREFUSED)
		return complain(u, EXIT_FAILED, directory, strerror(-rc));
	if (!link_run_is_built(u->config->command))
		return EXIT_FAILED;
	fprintf(stderr,
		"natprobe: %s: no link \"%s\" runs here; start it with natprobe link --name %s, or "
		"leave --name out\n",
		u->config->command, u->name, u->name);
	return EXIT_USAGE;
}

/* Where no link runs, and none was named, there is one of our own with a new code. */
static int run_by_name(struct link_user *u)
{
	const char *name = u->config->options->name;
	int fd;

	(void)snprintf(u->name, sizeof(u->name), "%s", name != NULL ? name : NAME_USUAL);
	fd = attach_call(u->name);
	if (name == NULL && (fd == -ENOENT || fd == -ECONNREFUSED))
		return run_with_code(u);
	if (fd < 0)
		return complain_of_call(u, fd);
	close(fd);
	return run_running(u);
}

static bool is_address(const char *operand)
{
	return operand != NULL && strncmp(operand, ADDRESS_SCHEME, strlen(ADDRESS_SCHEME)) == 0;
}

static int run(struct link_user *u)
{
	const struct punch_options *o = &u->config->options->punch;
	char *operand = u->config->operand;

	if (o->accept || is_address(operand))
		return run_own(u, operand);
	if (operand != NULL || o->code_file != NULL || getenv("NATPROBE_CODE") != NULL)
		return run_with_code(u);
	return run_by_name(u);
}

int link_user_run(const struct link_user_config *config)
{
	struct link_user u = { .config = config };
	int rc;

	list_init(&u.asks);
	if (base_of_process == NULL)
		base_of_process = event_base_new();
	u.base = base_of_process;
	if (u.base == NULL)
		return complain(&u, EXIT_FAILED, "start", "out of memory");
	rc = run(&u);
	forget_signals(&u);
	return rc;
}

struct event_base *link_user_base(const struct link_user *u)
{
	return u->base;
}

void link_user_end(struct link_user *u, int rc)
{
	if (u->is_over)
		return;
	if (u->host == NULL) {
		end_running(u, rc);
		return;
	}
	u->is_over = true;
	link_host_end(u->host, rc);
}
