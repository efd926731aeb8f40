/* control: the operator's socket, and whoever else finds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "turnd/control.h"

#define SESSIONS 500 /* more than one write takes */

static char folder[] = "/tmp/natkit-control-XXXXXX";
static char path[64];
static struct event_base *base;
static struct control *control;
static struct opt_error err;
static int drains, kicked;

static long list(void *arg, struct server_session **out)
{
	*out = calloc(SESSIONS, sizeof(**out));
	assert_non_null(*out);
	for (size_t i = 0; i < SESSIONS; i++) {
		struct server_session *s = &(*out)[i];

		*s = (struct server_session){ .worker = 3, .number = i, .realm = 7, .age_s = 60 };
		s->tuple.client = addr_ipv4(192, 0, 2, 1, (uint16_t)i);
		s->tuple.server = addr_ipv4(192, 0, 2, 2, 3478);
		s->tuple.transport = STUN_TLS;
		s->relayed[0] = addr_ipv4(192, 0, 2, 2, 50000);
		s->to_peer_bytes = UINT64_C(5000000000);
		memcpy(s->country, "DE", 3);
	}
	return SESSIONS;
}

static bool kick(void *arg, uint16_t worker, uint64_t number)
{
	kicked++;
	return worker == 3 && number == 17;
}

static bool drain(void *arg, bool on, struct opt_error *why)
{
	drains = on ? 1 : 2;
	snprintf(why->text, sizeof(why->text), "no way back");
	return on;
}

static const char *realm_name(void *arg, uint64_t id)
{
	return id == 7 ? "a \"realm\"" : NULL;
}

static const struct control_hooks hooks = {
	.list = list, .kick = kick, .drain = drain, .realm_name = realm_name
};

struct asker {
	const char *line;
	char *text;
	size_t len;
	bool ok;
	atomic_bool done;
};

static void stop(evutil_socket_t fd, short events, void *arg)
{
	event_base_loopbreak(base);
}

static void *run_asker(void *arg)
{
	struct asker *a = arg;
	FILE *out = open_memstream(&a->text, &a->len);

	a->ok = control_ask(path, a->line, 5, out, &err);
	fclose(out);
	atomic_store(&a->done, true);
	return NULL;
}

/* Asks from another thread; the socket is served until it is done. */
static bool ask(const char *line, char **text)
{
	static const struct timeval tick = { .tv_usec = 2000 };
	struct asker a = { .line = line };
	struct event *timer = event_new(base, -1, EV_PERSIST, stop, NULL);
	pthread_t thread;

	event_add(timer, &tick);
	assert_int_equal(pthread_create(&thread, NULL, run_asker, &a), 0);
	while (!atomic_load(&a.done))
		event_base_dispatch(base);
	pthread_join(thread, NULL);
	event_free(timer);
	if (text != NULL)
		*text = a.text;
	else
		free(a.text);
	return a.ok;
}

static void it_is_for_its_owner_alone(void **state)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void sessions_are_json_lines(void **state)
{
	char *text, *save = NULL;
	size_t count = 0;

	assert_true(ask("sessions", &text));
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *json = json_loads(line, 0, NULL);
		char id[32];

		assert_non_null(json);
		snprintf(id, sizeof(id), "3.%zu", count++);
		assert_string_equal(json_string_value(json_object_get(json, "id")), id);
		assert_string_equal(json_string_value(json_object_get(json, "transport")), "tls");
		assert_string_equal(json_string_value(json_object_get(json, "realm")),
				    "a \"realm\"");
		assert_int_equal(json_array_size(json_object_get(json, "relayed")), 1);
		assert_int_equal(json_integer_value(json_object_get(json, "to_peer_bytes")),
				 5000000000);
		json_decref(json);
	}
	assert_int_equal(count, SESSIONS);
	free(text);
}

static void one_can_be_kicked(void **state)
{
	static const char *const bad[] = { "kick 3.18",  "kick 4.17",     "kick 3.",    "kick .17",
					   "kick -1.17", "kick 65539.17", "kick 3.17x", "kick" };

	kicked = 0;
	assert_true(ask("kick 3.17", NULL));
	assert_int_equal(kicked, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (ask(bad[i], NULL))
			fail_msg("%s: ok", bad[i]);
	}
	assert_int_equal(kicked, 3);
}

static void draining_says_when_it_does_not_work(void **state)
{
	assert_true(ask("drain", NULL));
	assert_int_equal(drains, 1);
	assert_false(ask("undrain", NULL));
	assert_int_equal(drains, 2);
	assert_non_null(strstr(err.text, "no way back"));
	assert_false(ask("stop", NULL));
	assert_non_null(strstr(err.text, "unknown command"));
	assert_false(ask("/etc/passwd", NULL));
	assert_false(ask("", NULL));
}

/* A connection; what it is sent is read from the descriptor. */
static int connect_to(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(where.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static void serve(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void long_lines_and_crowds_are_sent_away(void **state)
{
	int fds[CONTROL_CONNECTIONS_MAX + 2];
	char long_line[4096], text[256];

	memset(long_line, 'x', sizeof(long_line));
	fds[0] = connect_to();
	assert_true(send(fds[0], long_line, sizeof(long_line), MSG_NOSIGNAL) > 0);
	serve();
	assert_true(recv(fds[0], text, sizeof(text), 0) > 0);
	assert_int_equal(strncmp(text, "error: ", 7), 0);
	close(fds[0]);
	serve();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to();
		serve();
	}
	assert_int_equal(recv(fds[CONTROL_CONNECTIONS_MAX], text, 1, 0), 0);
	assert_int_equal(recv(fds[0], text, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	serve();
	assert_true(ask("drain", NULL));
}

static void a_dead_socket_is_replaced_and_nothing_else(void **state)
{
	struct control *second = NULL;
	char other[80];
	int fd;

	assert_int_equal(control_open(base, path, &hooks, &second), -EADDRINUSE);
	snprintf(other, sizeof(other), "%s/other", folder);
	fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(control_open(base, other, &hooks, &second), -EEXIST);
	unlink(other);
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	memcpy(where.sun_path, other, strlen(other) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	close(fd); /* and the file is still there */
	assert_int_equal(control_open(base, other, &hooks, &second), 0);
	control_close(second);
	assert_int_not_equal(access(other, F_OK), 0);
}

static void nobody_there_is_said(void **state)
{
	FILE *out = tmpfile();
	char other[80];

	snprintf(other, sizeof(other), "%s/none", folder);
	assert_false(control_ask(other, "sessions", 1, out, &err));
	assert_non_null(strstr(err.text, "No such file"));
	fclose(out);
}

static int set_up(void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	base = event_base_new();
	return base != NULL ? control_open(base, path, &hooks, &control) : -1;
}

static int tear_down(void **state)
{
	control_close(control);
	event_base_free(base);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_for_its_owner_alone),
		cmocka_unit_test(sessions_are_json_lines),
		cmocka_unit_test(one_can_be_kicked),
		cmocka_unit_test(draining_says_when_it_does_not_work),
		cmocka_unit_test(long_lines_and_crowds_are_sent_away),
		cmocka_unit_test(a_dead_socket_is_replaced_and_nothing_else),
		cmocka_unit_test(nobody_there_is_said),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
