/* attach: a link's name and its socket, whoever wants it too, and who calls there. */
#include "natprobe/link/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "natprobe/link/attach_place.h"

#define RIVALS 6
#define ROUNDS 20

/* Where the sockets of a test are: DIRECTORY/natprobe. */
struct room {
	char runtime[64], path[80], file[96], lock[96];
	struct event_base *base;
	struct attach *attach;
	int lines;
};

static void on_line(void *arg, const struct attach_line *line, struct bufferevent *bev)
{
	struct room *r = arg;

	r->lines++;
	bufferevent_free(bev);
}

static int set_up(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	const struct attach_hooks hooks = { .on_line = on_line, .arg = r };

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(r->runtime, sizeof(r->runtime), "/tmp/natkit-attach-XXXXXX");
	assert_non_null(mkdtemp(r->runtime));
	assert_int_equal(setenv("XDG_RUNTIME_DIR", r->runtime, 1), 0);
	(void)snprintf(r->path, sizeof(r->path), "%s/natprobe", r->runtime);
	(void)snprintf(r->file, sizeof(r->file), "%s/one", r->path);
	(void)snprintf(r->lock, sizeof(r->lock), "%s/.one.lock", r->path);
	assert_int_equal(attach_call("one"), -ENOENT); /* makes the directory */
	r->base = event_base_new();
	r->attach = attach_new(r->base, &hooks);
	*state = r;
	return 0;
}

/* Nothing is left behind. */
static int tear_down(void **state)
{
	struct room *r = *state;

	attach_free(r->attach);
	event_base_free(r->base);
	assert_int_equal(rmdir(r->path), 0);
	assert_int_equal(rmdir(r->runtime), 0);
	free(r);
	return 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* As a link that was killed leaves it: bound, and nobody has it any more. */
static void leave_stale(const struct room *r)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(attach_path("one", &address), 0);
	assert_string_equal(address.sun_path, r->file);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(attach_call("one"), -ECONNREFUSED);
}

static void one_link_of_a_name_runs(void **state)
{
	const struct room *r = *state;
	struct attach_place first, second, other;
	struct stat st;
	int fd;

	assert_int_equal(attach_place_take(&first, "one"), 0);
	assert_int_equal(stat(r->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(attach_place_take(&second, "one"), -EADDRINUSE);
	assert_int_equal(attach_place_take(&other, "two"), 0);
	fd = attach_call("one");
	assert_true(fd >= 0);
	close(fd);
	attach_place_leave(&second);
	assert_true(exists(r->file));
	attach_place_leave(&first);
	attach_place_leave(&first);
	attach_place_leave(&other);
}

static void what_a_killed_link_left_is_replaced(void **state)
{
	struct attach_place place;
	int fd;

	leave_stale(*state);
	assert_int_equal(attach_place_take(&place, "one"), 0);
	fd = attach_call("one");
	assert_true(fd >= 0);
	close(fd);
	attach_place_leave(&place);
}

/* It may have bound, and not listen yet: then nobody answers, but the lock is held. */
static void one_that_only_begins_is_left_alone(void **state)
{
	struct room *r = *state;
	struct attach_place first, second;

	assert_int_equal(attach_place_take(&first, "one"), 0);
	assert_int_equal(unlink(r->file), 0);
	leave_stale(r);
	assert_int_equal(attach_place_take(&second, "one"), -EADDRINUSE);
	assert_true(exists(r->file));
	attach_place_leave(&first);
}

/* Cleans up as little as one that is killed. */
static void want_it(int go, int said, int end)
{
	struct attach_place place;
	char c;

	(void)!read(go, &c, 1);
	c = attach_place_take(&place, "one") == 0 ? 'y' : 'n';
	(void)!write(said, &c, 1);
	(void)!read(end, &c, 1);
	_exit(0);
}

/* Returns how many of those that want a name at once have got it. */
static int compete(void)
{
	enum { GO, SAID, END, PIPES };
	int pipes[PIPES][2], winners = 0;
	char answer;

	for (int i = 0; i < PIPES; i++)
		assert_int_equal(pipe(pipes[i]), 0);
	for (int i = 0; i < RIVALS; i++) {
		if (fork() != 0)
			continue;
		close(pipes[GO][1]);
		close(pipes[END][1]);
		want_it(pipes[GO][0], pipes[SAID][1], pipes[END][0]);
	}
	close(pipes[GO][1]); /* all of them go */
	for (int i = 0; i < RIVALS; i++) {
		assert_int_equal(read(pipes[SAID][0], &answer, 1), 1);
		winners += answer == 'y';
	}
	close(pipes[END][1]);
	for (int i = 0; i < RIVALS; i++)
		assert_true(wait(NULL) > 0);
	close(pipes[GO][0]);
	close(pipes[SAID][0]);
	close(pipes[SAID][1]);
	close(pipes[END][0]);
	return winners;
}

/* After the first round each time behind one that was killed. */
static void of_many_at_once_one_gets_it(void **state)
{
	const struct room *r = *state;

	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(compete(), 1);
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(unlink(r->lock), 0);
}

/* In the place of a socket or of a lock. */
static void what_is_planted_is_not_touched(void **state)
{
	const struct room *r = *state;
	struct attach_place place;
	int fd = open(r->file, O_CREAT | O_WRONLY, 0600);
	char mine[80];

	(void)snprintf(mine, sizeof(mine), "%s/mine", r->runtime);
	close(fd);
	assert_int_equal(attach_place_take(&place, "one"), -EEXIST);
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(symlink(mine, r->file), 0);
	assert_int_equal(attach_place_take(&place, "one"), -EEXIST);
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(mkdir(r->file, 0700), 0);
	assert_int_equal(attach_place_take(&place, "one"), -EEXIST);
	assert_int_equal(rmdir(r->file), 0);
	assert_int_equal(symlink(mine, r->lock), 0);
	assert_int_equal(attach_place_take(&place, "one"), -ELOOP);
	assert_int_equal(unlink(r->lock), 0);
	assert_false(exists(mine));
}

static void a_directory_that_others_may_enter_is_refused(void **state)
{
	const struct room *r = *state;
	struct attach_place place;
	char path[ATTACH_DIRECTORY_MAX];

	assert_int_equal(chmod(r->path, 0755), 0);
	assert_int_equal(attach_call("one"), -EPERM);
	assert_int_equal(attach_place_take(&place, "one"), -EPERM);
	assert_int_equal(attach_directory(path, sizeof(path)), -EPERM);
	assert_string_equal(path, r->path);
}

/* Somebody has cleaned up below it, and another link has come. */
static void another_ones_socket_is_not_removed(void **state)
{
	const struct room *r = *state;
	struct attach_place first, second;

	assert_int_equal(attach_place_take(&first, "one"), 0);
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(unlink(r->lock), 0);
	assert_int_equal(attach_place_take(&second, "one"), 0);
	attach_place_leave(&first);
	assert_true(exists(r->file) && exists(r->lock));
	attach_place_leave(&second);
}

/* --- callers --- */

static void run(const struct room *r)
{
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(r->base, EVLOOP_NONBLOCK);
}

/* What it was told before it was hung up on. */
static void assert_told(int fd, const char *expected)
{
	char got[128] = "";

	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(expected));
	assert_string_equal(got, expected);
	assert_int_equal(read(fd, got, sizeof(got)), 0);
	close(fd);
}

static void who_is_one_too_many_is_told_so(void **state)
{
	struct room *r = *state;
	int silent[ATTACH_CALLS_MAX], fd;

	assert_int_equal(attach_listen(r->attach, "one"), 0);
	for (int i = 0; i < ATTACH_CALLS_MAX; i++) {
		silent[i] = attach_call("one");
		run(r);
	}
	fd = attach_call("one");
	run(r);
	assert_told(fd, "error busy too many programs have not yet said their line\n");
	assert_int_equal(write(silent[0], "status\n", 7), 7);
	run(r);
	assert_int_equal(r->lines, 1);
	fd = attach_call("one"); /* there is room again */
	assert_int_equal(write(fd, "status\n", 7), 7);
	run(r);
	assert_int_equal(r->lines, 2);
	close(fd);
	for (int i = 0; i < ATTACH_CALLS_MAX; i++)
		close(silent[i]);
	run(r);
}

static void a_line_without_an_end_is_refused(void **state)
{
	struct room *r = *state;
	int fd;

	assert_int_equal(attach_listen(r->attach, "one"), 0);
	fd = attach_call("one");
	assert_int_equal(write(fd, "status", 6), 6);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	run(r);
	assert_told(fd, "error usage the line has no newline at its end\n");
	assert_int_equal(r->lines, 0);
}

/* A caller waits; the loop does not spin on it. */
static void without_descriptors_it_rests(void **state)
{
	struct room *r = *state;
	struct rlimit before, none;
	int fd;

	assert_int_equal(attach_listen(r->attach, "one"), 0);
	fd = attach_call("one");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	run(r);
	assert_int_equal(event_base_get_num_events(r->base, EVENT_BASE_COUNT_ACTIVE), 0);
	assert_int_equal(event_base_get_num_events(r->base, EVENT_BASE_COUNT_ADDED), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(write(fd, "status\n", 7), 7);
	assert_int_equal(event_base_loop(r->base, EVLOOP_ONCE), 0);
	run(r);
	assert_int_equal(r->lines, 1);
	close(fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(one_link_of_a_name_runs),
		CASE(what_a_killed_link_left_is_replaced),
		CASE(one_that_only_begins_is_left_alone),
		CASE(of_many_at_once_one_gets_it),
		CASE(what_is_planted_is_not_touched),
		CASE(a_directory_that_others_may_enter_is_refused),
		CASE(another_ones_socket_is_not_removed),
		CASE(who_is_one_too_many_is_told_so),
		CASE(a_line_without_an_end_is_refused),
		CASE(without_descriptors_it_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
