#include "control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IDLE_MAX_S 10

struct control {
	struct control_hooks hooks;
	struct evconnlistener *listener;
	struct bufferevent *connections[CONTROL_CONNECTIONS_MAX];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void hang_up(struct control *c, struct bufferevent *stream)
{
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		if (c->connections[i] == stream)
			c->connections[i] = NULL;
	}
	bufferevent_free(stream);
}

static const char *transport_word(uint8_t transport)
{
	static const char *const words[] = { "udp", "tcp", "tls", "dtls" };

	return transport < ARRAY_LEN(words) ? words[transport] : "unknown";
}

static json_t *relayed(const struct server_session *s)
{
	json_t *list = json_array();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < 2; i++) {
		if (s->relayed[i].family != ADDR_NONE)
			json_array_append_new(list, json_string(addr_print(&s->relayed[i], text)));
	}
	return list;
}

/* NULL when memory runs out. */
static json_t *describe(const struct control *c, const struct server_session *s)
{
	char id[40], user[24], client[ADDR_TEXT_MAX], server[ADDR_TEXT_MAX];
	const char *realm = c->hooks.realm_name(c->hooks.arg, s->realm);

	snprintf(id, sizeof(id), "%u.%" PRIu64, s->worker, s->number);
	snprintf(user, sizeof(user), "%016" PRIx64, s->user);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I}",
			 "id", id, "transport", transport_word(s->tuple.transport), "client",
			 addr_print(&s->tuple.client, client), "server",
			 addr_print(&s->tuple.server, server), "relayed", relayed(s), "realm",
			 realm != NULL ? realm : "", "user", user, "country", s->country, "age_s",
			 (json_int_t)s->age_s, "left_s", (json_int_t)s->left_s, "permissions",
			 (json_int_t)s->permissions, "channels", (json_int_t)s->channels,
			 "to_peer_packets", (json_int_t)s->to_peer_packets, "to_peer_bytes",
			 (json_int_t)s->to_peer_bytes, "to_client_packets",
			 (json_int_t)s->to_client_packets, "to_client_bytes",
			 (json_int_t)s->to_client_bytes);
}

static void say(struct evbuffer *out, const char *text)
{
	evbuffer_add(out, text, strlen(text));
}

static void say_sessions(const struct control *c, struct evbuffer *out)
{
	struct server_session *list = NULL;
	long count = c->hooks.list(c->hooks.arg, &list);

	say(out, count >= 0 ? "ok\n" : "error: out of memory\n");
	for (long i = 0; i < count; i++) {
		json_t *json = describe(c, &list[i]);
		char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

		if (text != NULL) {
			say(out, text);
			say(out, "\n");
		}
		free(text);
		json_decref(json);
	}
	free(list);
}

static void say_kicked(const struct control *c, const char *id, struct evbuffer *out)
{
	char *end;
	unsigned long worker = strtoul(id, &end, 10);
	uint64_t number;

	if (id[0] < '0' || id[0] > '9' || *end != '.' || end[1] < '0' || end[1] > '9') {
		say(out, "error: kick takes an id as `sessions` lists them, like 0.17\n");
		return;
	}
	number = strtoull(end + 1, &end, 10);
	if (*end != '\0' || worker > UINT16_MAX ||
	    !c->hooks.kick(c->hooks.arg, (uint16_t)worker, number))
		say(out, "error: there is no session of that id\n");
	else
		say(out, "ok\n");
}

static void say_drained(const struct control *c, bool on, struct evbuffer *out)
{
	struct opt_error why = { "" };

	if (c->hooks.drain(c->hooks.arg, on, &why))
		say(out, "ok\n");
	else
		evbuffer_add_printf(out, "error: %s\n", why.text);
}

static void answer(const struct control *c, const char *line, struct evbuffer *out)
{
	if (strcmp(line, "sessions") == 0)
		say_sessions(c, out);
	else if (strncmp(line, "kick ", 5) == 0)
		say_kicked(c, line + 5, out);
	else if (strcmp(line, "drain") == 0 || strcmp(line, "undrain") == 0)
		say_drained(c, line[0] == 'd', out);
	else
		say(out,
		    "error: unknown command; there are sessions, kick ID, drain and undrain\n");
}

static void on_sent(struct bufferevent *stream, void *arg)
{
	if (evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		hang_up(arg, stream);
}

static void on_ended(struct bufferevent *stream, short events, void *arg)
{
	hang_up(arg, stream);
}

static void on_line(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	struct evbuffer *out = bufferevent_get_output(stream);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

	if (line == NULL && evbuffer_get_length(in) < CONTROL_LINE_MAX)
		return;
	bufferevent_disable(stream, EV_READ);
	bufferevent_setcb(stream, NULL, on_sent, on_ended, arg);
	if (line != NULL && strlen(line) < CONTROL_LINE_MAX)
		answer(arg, line, out);
	else
		say(out, "error: the line is too long\n");
	free(line);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int len, void *arg)
{
	static const struct timeval idle = { .tv_sec = IDLE_MAX_S };
	struct control *c = arg;
	struct bufferevent *stream = NULL;
	size_t i = 0;

	while (i < CONTROL_CONNECTIONS_MAX && c->connections[i] != NULL)
		i++;
	if (i < CONTROL_CONNECTIONS_MAX)
		stream = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
						BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		close(fd);
		return;
	}
	c->connections[i] = stream;
	bufferevent_setcb(stream, on_line, NULL, on_ended, c);
	bufferevent_setwatermark(stream, EV_READ, 0, CONTROL_LINE_MAX);
	bufferevent_set_timeouts(stream, &idle, &idle);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

/* Whether somebody accepts there. A socket file outlives who made it. */
static bool is_served(const struct sockaddr_un *where)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0;

	if (fd >= 0)
		close(fd);
	return served;
}

/* Nothing but a socket is removed. */
static int make_place(const struct sockaddr_un *where)
{
	struct stat st;

	if (lstat(where->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (is_served(where))
		return -EADDRINUSE;
	return unlink(where->sun_path) == 0 ? 0 : -errno;
}

/* Before anybody can connect, so that nobody slips in. */
static int bind_private(int fd, const struct sockaddr_un *where)
{
	mode_t before = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)where, sizeof(*where)) == 0 ? 0 : -errno;

	(void)umask(before);
	if (rc == 0 && listen(fd, CONTROL_CONNECTIONS_MAX) != 0)
		rc = -errno;
	return rc;
}

int control_open(struct event_base *base, const char *path, const struct control_hooks *hooks,
		 struct control **out)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct control *c;
	int fd, rc;

	if (strlen(path) >= sizeof(where.sun_path))
		return -ENAMETOOLONG;
	memcpy(where.sun_path, path, strlen(path) + 1);
	rc = make_place(&where);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = bind_private(fd, &where);
	c = rc == 0 ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		close(fd);
		return rc != 0 ? rc : -ENOMEM;
	}
	c->hooks = *hooks;
	memcpy(c->path, where.sun_path, sizeof(c->path));
	c->listener = evconnlistener_new(base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (c->listener == NULL) {
		close(fd);
		control_close(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	if (c == NULL)
		return;
	if (c->listener != NULL)
		evconnlistener_free(c->listener);
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		if (c->connections[i] != NULL)
			bufferevent_free(c->connections[i]);
	}
	(void)unlink(c->path);
	free(c);
}
