/* link_user: a command at a link that runs, which is this test, in the same loop. */
#include "natprobe/link/link_user.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "natprobe/link/attach_place.h"
#include "natprobe/report/report.h"

#define ENOUGH_S 20 /* for a machine that is busy; then it hangs */
#define MANY     100

/* What the link does about each program that has said its line. */
struct script {
	const char *line, *answer; /* answer NULL: none */
	bool hangs_up;
};

struct test {
	char runtime[64], path[80];
	struct attach_place place;
	struct event *acceptable;
	const struct script *scripts; /* the last one has no line */
	struct bufferevent *callers[MANY + 8];
	size_t caller_count;
	struct link_options options;
	struct link_user *user;
	void (*on_begin)(struct test *t);
	/* What the command was told. */
	char told[256];
	unsigned int refusals, streams, interrupts;
	bool was_up, is_up;
	char what[64];
};

/* --- the link --- */

static void on_line(struct bufferevent *bev, void *arg)
{
	const struct test *t = arg;
	char *line = evbuffer_readln(bufferevent_get_input(bev), NULL, EVBUFFER_EOL_LF);

	for (const struct script *s = t->scripts; line != NULL && s->line != NULL; s++) {
		if (strcmp(s->line, line) != 0)
			continue;
		if (s->answer != NULL)
			(void)send(bufferevent_getfd(bev), s->answer, strlen(s->answer), 0);
		if (s->hangs_up)
			(void)shutdown(bufferevent_getfd(bev), SHUT_RDWR);
		break;
	}
	free(line);
}

static void on_acceptable(evutil_socket_t listener, short events, void *arg)
{
	struct test *t = arg;
	int fd = accept(t->place.fd, NULL, NULL);
	struct bufferevent *bev;

	assert_true(fd >= 0 && t->caller_count < ARRAY_LEN(t->callers));
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	bev = bufferevent_socket_new(link_user_base(t->user), fd, BEV_OPT_CLOSE_ON_FREE);
	t->callers[t->caller_count++] = bev;
	bufferevent_setcb(bev, on_line, NULL, NULL, t);
	assert_int_equal(bufferevent_enable(bev, EV_READ), 0);
}

/* --- the command --- */

static void on_stream(void *arg, struct bufferevent *bev, bool datagrams)
{
	struct test *t = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	t->streams++;
	(void)snprintf(t->told, sizeof(t->told), "%s: %.*s", datagrams ? "datagrams" : "stream",
		       (int)evbuffer_get_length(in), (const char *)evbuffer_pullup(in, -1));
	bufferevent_free(bev);
	link_user_end(t->user, EXIT_REACHED);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	struct test *t = arg;

	t->refusals++;
	(void)snprintf(t->told, sizeof(t->told), "%s: %s", word, text);
	link_user_end(t->user, EXIT_INCONCLUSIVE);
}

static bool attach(struct test *t, const char *line)
{
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = t };

	return link_user_attach(t->user, line, &stream);
}

static void on_begin(void *arg, struct link_user *user)
{
	struct test *t = arg;

	t->user = user;
	t->acceptable = event_new(link_user_base(user), t->place.fd, EV_READ | EV_PERSIST,
				  on_acceptable, t);
	assert_int_equal(event_add(t->acceptable, NULL), 0);
	t->on_begin(t);
}

static void on_path(void *arg, bool is_up, const char *what)
{
	struct test *t = arg;

	t->was_up |= is_up;
	t->is_up = is_up;
	(void)snprintf(t->what, sizeof(t->what), "%s", what);
	if (strcmp(what, "enough") == 0)
		link_user_end(t->user, EXIT_REACHED);
}

static void on_interrupt(void *arg)
{
	struct test *t = arg;

	t->interrupts++;
}

/* Returns the command's exit code. */
static int run(struct test *t, void (*begin)(struct test *t), const struct script *scripts)
{
	const struct link_user_config config = {
		.command = "test",
		.options = &t->options,
		.on_begin = on_begin,
		.on_path = on_path,
		.on_interrupt = on_interrupt,
		.arg = t,
	};
	int rc;

	t->on_begin = begin;
	t->scripts = scripts;
	(void)alarm(ENOUGH_S);
	rc = link_user_run(&config);
	(void)alarm(0);
	for (size_t i = 0; i < t->caller_count; i++)
		bufferevent_free(t->callers[i]);
	if (t->acceptable != NULL)
		event_free(t->acceptable);
	t->acceptable = NULL;
	return rc;
}

static int set_up(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	(void)unsetenv("NATPROBE_CODE");
	(void)snprintf(t->runtime, sizeof(t->runtime), "/tmp/natkit-user-XXXXXX");
	assert_non_null(mkdtemp(t->runtime));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", t->runtime, 1), 0);
	(void)snprintf(t->path, sizeof(t->path), "%s/natprobe", t->runtime);
	assert_int_equal(attach_place_take(&t->place, "default"), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct test *t = *state;

	attach_place_leave(&t->place);
	assert_int_equal(rmdir(t->path), 0);
	assert_int_equal(rmdir(t->runtime), 0);
	free(t);
	return 0;
}

/* --- streams --- */

static void want_one(struct test *t)
{
	assert_true(attach(t, "join x"));
}

static void a_stream_stands(void **state)
{
	static const struct script scripts[] = { { .line = "join x", .answer = "ok\nearly" },
						 { 0 } };
	struct test *t = *state;

	assert_int_equal(run(t, want_one, scripts), EXIT_REACHED);
	assert_string_equal(t->told, "stream: early");
}

static void datagrams_are_told_as_such(void **state)
{
	static const struct script scripts[] = { { .line = "join x", .answer = "ok datagrams\n" },
						 { 0 } };
	struct test *t = *state;

	assert_int_equal(run(t, want_one, scripts), EXIT_REACHED);
	assert_string_equal(t->told, "datagrams: ");
}

/* And hangs up at once: the answer counts. */
static void a_refusal_is_told(void **state)
{
	static const struct script scripts[] = {
		{ .line = "join x", .answer = "error busy not now\n", .hangs_up = true }, { 0 }
	};
	struct test *t = *state;

	assert_int_equal(run(t, want_one, scripts), EXIT_INCONCLUSIVE);
	assert_string_equal(t->told, "busy: not now");
	assert_int_equal(t->refusals, 1);
}

static void answers_that_mean_nothing_are_refusals(void **state)
{
	static char endless[300];
	const struct script scripts[][2] = {
		{ { .line = "join x", .answer = "hello\n" } },
		{ { .line = "join x", .answer = "ok maybe\n" } },
		{ { .line = "join x", .answer = "\n" } },
		{ { .line = "join x", .answer = endless } },
	};
	struct test *t = *state;

	memset(endless, 'o', sizeof(endless) - 1);
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		t->caller_count = 0;
		assert_int_equal(run(t, want_one, scripts[i]), EXIT_INCONCLUSIVE);
		assert_string_equal(t->told,
				    "protocol: the link answers in words that mean nothing here");
		assert_int_equal(t->refusals, i + 1);
	}
}

static void a_link_that_hangs_up_is_a_refusal(void **state)
{
	static const struct script scripts[] = { { .line = "join x", .hangs_up = true }, { 0 } };
	struct test *t = *state;

	assert_int_equal(run(t, want_one, scripts), EXIT_INCONCLUSIVE);
	assert_string_equal(t->told, "closed: the link has ended");
}

static void want_many(struct test *t)
{
	unsigned int count = 0;

	while (count < MANY && attach(t, "join x"))
		count++;
	assert_int_equal(count, 64);
	link_user_end(t->user, EXIT_REACHED);
}

/* Those that have no answer at the end are told nothing. */
static void what_is_asked_for_is_bounded(void **state)
{
	static const struct script scripts[] = { { 0 } };
	struct test *t = *state;

	assert_int_equal(run(t, want_many, scripts), EXIT_REACHED);
	assert_int_equal(t->refusals + t->streams, 0);
}

/* --- the link's own events --- */

static void want_none(struct test *t)
{
}

static void events_of_the_path_are_told(void **state)
{
	static const struct script scripts[] = {
		{ .line = "watch",
		  .answer = "{\"event\":\"path\",\"up\":true,\"what\":\"direct\"}\n"
			    "no JSON\n[]\n{\"up\":7,\"what\":\"enough\"}\n{\"what\":\"enough\"}\n"
			    "{\"event\":\"path\",\"up\":false,\"what\":\"enough\"}\n" },
		{ 0 }
	};
	struct test *t = *state;

	assert_int_equal(run(t, want_none, scripts), EXIT_REACHED);
	assert_true(t->was_up && !t->is_up);
	assert_string_equal(t->what, "enough");
}

static void the_end_of_the_link_ends_the_command(void **state)
{
	static const struct script scripts[] = { { .line = "watch", .hangs_up = true }, { 0 } };

	assert_int_equal(run(*state, want_none, scripts), EXIT_FAILED);
}

static void want_to_be_interrupted(struct test *t)
{
	assert_int_equal(raise(SIGTERM), 0);
}

static void a_signal_ends_the_command(void **state)
{
	static const struct script scripts[] = { { 0 } };
	struct test *t = *state;

	assert_int_equal(run(t, want_to_be_interrupted, scripts), EXIT_FAILED);
	assert_int_equal(t->interrupts, 1);
}

static void a_name_that_no_link_has_is_a_mistake(void **state)
{
	static const struct script scripts[] = { { 0 } };
	struct test *t = *state;

	t->options.name = (char *)(uintptr_t)"other";
	assert_int_equal(run(t, want_none, scripts), EXIT_USAGE);
	assert_null(t->user);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_stream_stands),
		CASE(datagrams_are_told_as_such),
		CASE(a_refusal_is_told),
		CASE(answers_that_mean_nothing_are_refusals),
		CASE(a_link_that_hangs_up_is_a_refusal),
		CASE(what_is_asked_for_is_bounded),
		CASE(events_of_the_path_are_told),
		CASE(the_end_of_the_link_ends_the_command),
		CASE(a_signal_ends_the_command),
		CASE(a_name_that_no_link_has_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
