/* Orders to a laboratory: who may give them, where the socket is, what happens to the silent. */
#include <config.h>

#include "tests/natlab/control.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

/* --- a laboratory that does nothing --- */

struct lab {
	struct event_base *base;
	bool stopped;
	char event[64];
};

struct event_base *lab_base(struct lab *lab)
{
	return lab->base;
}

void lab_stop(struct lab *lab, int status)
{
	lab->stopped = status == 0;
}

int lab_space(const struct lab *lab, const char *node)
{
	return strcmp(node, "host") == 0 ? STDIN_FILENO : -1;
}

int space_open(enum space_kind kind)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

size_t lab_environment(const struct lab *lab, const char *node,
		       char env[static LAB_ENV_MAX][LAB_ENV_TEXT])
{
	snprintf(env[0], LAB_ENV_TEXT, "NATLAB_NODE=%s", node);
	return 1;
}

bool lab_event(struct lab *lab, const char *node, const char *what, struct lab_error *err)
{
	snprintf(lab->event, sizeof(lab->event), "%s %s", node, what);
	return strcmp(what, "flush") == 0 || lab_fail(err, "no");
}

/* --- its surroundings --- */

struct world {
	char dir[64];
	char path[CONTROL_PATH_MAX];
	struct lab lab;
	struct control *control;
	struct lab_error err;
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/natlab-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->lab.base = event_base_new();
	assert_non_null(w->lab.base);
	assert_true(control_path(w->dir, w->path, &w->err));
	return w;
}

static struct world *world_that_listens(void)
{
	struct world *w = world_new();

	w->control = control_open(&w->lab, w->path, &w->err);
	assert_non_null(w->control);
	return w;
}

static void world_free(struct world *w)
{
	control_close(w->control);
	event_base_free(w->lab.base);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
}

static int connect_to(const struct world *w)
{
	struct sockaddr_un a = control_address(w->path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Let it take who connects, and then what they say. */
static void turn(struct world *w)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(w->lab.base, EVLOOP_NONBLOCK);
}

/* What is said to an order; "": nothing, and the connection is open; NULL: it is closed. */
static const char *answer(struct world *w, int fd)
{
	static char text[CONTROL_TEXT_MAX];
	ssize_t n;

	turn(w);
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return NULL;
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *say(struct world *w, int fd, const char *order)
{
	assert_int_equal(send(fd, order, strlen(order), MSG_NOSIGNAL), (ssize_t)strlen(order));
	return answer(w, fd);
}

static void assert_complains(const struct world *w, const char *what)
{
	if (strstr(w->err.text, what) == NULL)
		fail_msg("no \"%s\" in \"%s\"", what, w->err.text);
}

/* --- orders --- */

static void test_orders(void **state)
{
	static const struct {
		const char *order, *answer;
	} cases[] = {
		{ "enter host", "+NATLAB_NODE=host\n" },
		{ "enter nowhere", "-commands run on hosts" },
		{ "enter", "-commands run on hosts" },
		{ "event box flush", "+" },
		{ "event box explode", "-no" },
		{ "event", "-no" },
		{ "dance", "-no such order" },
		{ "  ", "-no such order" },
	};
	struct world *w = world_that_listens();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = connect_to(w);
		const char *got = say(w, fd, cases[i].order);

		assert_non_null(got);
		assert_int_equal(strncmp(got, cases[i].answer, strlen(cases[i].answer)), 0);
		assert_null(answer(w, fd));
		close(fd);
	}
	assert_false(w->lab.stopped);
	world_free(w);
}

static void test_down_is_answered_by_the_end(void **state)
{
	struct world *w = world_that_listens();
	int fd = connect_to(w);

	assert_string_equal(say(w, fd, "down"), "");
	assert_true(w->lab.stopped);
	control_close(w->control);
	w->control = NULL;
	assert_null(answer(w, fd));
	close(fd);
	world_free(w);
}

static void test_the_silent_hold_nobody_up(void **state)
{
	struct world *w = world_that_listens();
	int silent[8], fd;

	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		silent[i] = connect_to(w);
	turn(w);
	fd = connect_to(w);
	assert_string_equal(say(w, fd, "event box flush"), "+");
	assert_string_equal(w->lab.event, "box flush");
	close(fd);
	assert_string_equal(say(w, silent[3], "event box flush"), "+");
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		close(silent[i]);
	world_free(w);
}

static void test_not_more_than_it_can_bear(void **state)
{
	struct world *w = world_that_listens();
	int fds[40], open_ones = 0;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(w);
		turn(w);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		open_ones += answer(w, fds[i]) != NULL;
	assert_in_range(open_ones, 8, 20);
	close(fds[0]);
	turn(w);
	fds[0] = connect_to(w);
	assert_string_equal(say(w, fds[0], "event box flush"), "+");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	world_free(w);
}

/* Another user, whom file permissions let through. */
static void test_orders_of_somebody_else(void **state)
{
	struct world *w;
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();
	w = world_that_listens();
	assert_int_equal(chmod(w->dir, 0755), 0);
	assert_int_equal(chmod(w->path, 0777), 0);
	pid = fork();
	if (pid == 0) {
		struct sockaddr_un a = control_address(w->path);
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		_exit(setuid(NOBODY) == 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
				      send(fd, "down", 4, MSG_NOSIGNAL) == 4
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	turn(w);
	assert_false(w->lab.stopped);
	world_free(w);
}

/* --- its place --- */

static void test_others_cannot_use_the_socket(void **state)
{
	struct world *w;
	struct stat st;
	mode_t mask = umask(0);

	w = world_that_listens();
	assert_int_equal(umask(mask), 0);
	assert_int_equal(lstat(w->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	world_free(w);
}

static void test_other_files_stay(void **state)
{
	struct world *w = world_new();
	int fd = open(w->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(fd >= 0);
	close(fd);
	assert_null(control_open(&w->lab, w->path, &w->err));
	assert_complains(w, "is there already");
	assert_int_equal(lstat(w->path, &st), 0);
	assert_int_equal(unlink(w->path), 0);
	world_free(w);
}

static void test_a_socket_left_behind_goes(void **state)
{
	struct world *w = world_new();
	struct sockaddr_un a = control_address(w->path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	w->control = control_open(&w->lab, w->path, &w->err);
	assert_non_null(w->control);
	world_free(w);
}

static void test_one_laboratory_in_a_directory(void **state)
{
	struct world *w = world_new();
	pid_t pid;
	int status;

	pid = fork(); /* the claim lasts as long as a process */
	if (pid == 0)
		_exit(control_claim(w->path, &w->err) && !control_claim(w->path, &w->err) &&
				      strstr(w->err.text, "already") != NULL
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(control_claim(w->path, &w->err));
	world_free(w);
}

/* What was put there by somebody else would lead us, and what we remove, anywhere. */
static void test_only_a_chosen_directory_may_be_a_link(void **state)
{
	struct world *w = world_new();
	char link[80], path[CONTROL_PATH_MAX];

	snprintf(link, sizeof(link), "%s/natlab", w->dir);
	assert_int_equal(symlink(w->dir, link), 0);
	unsetenv("NATLAB_DIR");
	setenv("XDG_RUNTIME_DIR", w->dir, 1);
	assert_false(control_path(NULL, path, &w->err));
	assert_complains(w, "is no directory");
	assert_true(control_path(link, path, &w->err));
	assert_string_equal(path, w->path);
	setenv("NATLAB_DIR", link, 1);
	assert_true(control_path(NULL, path, &w->err));
	assert_string_equal(path, w->path);
	assert_int_equal(unlink(link), 0);
	world_free(w);
}

static void test_bad_directories(void **state)
{
	struct world *w = world_new();
	char bad[240], path[CONTROL_PATH_MAX];

	snprintf(bad, sizeof(bad), "%s/a\nLD_PRELOAD=b", w->dir);
	assert_false(control_path(bad, path, &w->err));
	assert_complains(w, "line break");
	assert_int_equal(rmdir(bad), 0);
	snprintf(bad, sizeof(bad), "%s/%0100d", w->dir, 0);
	assert_false(control_path(bad, path, &w->err));
	assert_complains(w, "too long");
	assert_int_equal(rmdir(bad), 0);
	assert_false(control_path("/dev/null", path, &w->err));
	assert_complains(w, "no directory");
	assert_false(control_path("/nowhere/at/all", path, &w->err));
	assert_complains(w, "cannot make");
	if (geteuid() == 0) {
		assert_int_equal(chown(w->dir, NOBODY, NOBODY), 0);
		assert_false(control_path(w->dir, path, &w->err));
		assert_complains(w, "belongs to somebody else");
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_down_is_answered_by_the_end),
		cmocka_unit_test(test_the_silent_hold_nobody_up),
		cmocka_unit_test(test_not_more_than_it_can_bear),
		cmocka_unit_test(test_orders_of_somebody_else),
		cmocka_unit_test(test_others_cannot_use_the_socket),
		cmocka_unit_test(test_other_files_stay),
		cmocka_unit_test(test_a_socket_left_behind_goes),
		cmocka_unit_test(test_one_laboratory_in_a_directory),
		cmocka_unit_test(test_only_a_chosen_directory_may_be_a_link),
		cmocka_unit_test(test_bad_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
