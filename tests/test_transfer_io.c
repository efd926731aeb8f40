/* send_run and receive_run with each other over a socket pair: real files, killed and run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natprobe/transfer/receive_run.h"
#include "natprobe/transfer/send_run.h"

#define TURNS_MAX 100000
#define LARGE     (1 << 20)

struct side {
	bool is_over, is_ok;
};

struct lab {
	char top[64];
	struct event_base *base;
	struct send_run *send;
	struct receive_run *receive;
	struct side here, there;
	bool force;
};

static struct lab lab;

static void path_to(const char *name, char out[static PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", lab.top, name);
}

static void make_directory(const char *name, mode_t mode)
{
	char path[PATH_MAX];

	path_to(name, path);
	assert_int_equal(mkdir(path, mode), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int make_file(const char *name, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	path_to(name, path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	return fd;
}

static void make_text(const char *name, const char *text)
{
	int fd = make_file(name, 0640);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void make_noise(const char *name, size_t len)
{
	uint8_t *buf = malloc(len);
	int fd = make_file(name, 0600);
	uint32_t x = 1;

	assert_non_null(buf);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		buf[i] = (uint8_t)(x >> 24);
	}
	assert_int_equal(write(fd, buf, len), len);
	assert_int_equal(close(fd), 0);
	free(buf);
}

static void set_time(const char *name, time_t s, long ns)
{
	const struct timespec times[2] = { { .tv_sec = s, .tv_nsec = ns },
					   { .tv_sec = s, .tv_nsec = ns } };
	char path[PATH_MAX];

	path_to(name, path);
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static bool is_there(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	path_to(name, path);
	return lstat(path, &st) == 0;
}

static void assert_text(const char *name, const char *text)
{
	char path[PATH_MAX], buf[64];
	int fd;
	ssize_t n;

	path_to(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, buf, sizeof(buf));
	assert_int_equal(close(fd), 0);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void remove_tree(const char *path)
{
	char below[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	(void)chmod(path, 0700);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (unlink(below) != 0)
			remove_tree(below);
	}
	if (dir != NULL)
		closedir(dir);
	(void)rmdir(path);
}

static int count_names(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
	return n;
}

static void assert_same_bytes(const char *a, const char *b, size_t size)
{
	static uint8_t x[LARGE], y[LARGE];
	int f = open(a, O_RDONLY | O_CLOEXEC), g = open(b, O_RDONLY | O_CLOEXEC);

	assert_true(f >= 0 && g >= 0 && size <= sizeof(x));
	assert_int_equal(read(f, x, size), size);
	assert_int_equal(read(g, y, size), size);
	assert_memory_equal(x, y, size);
	assert_int_equal(close(f), 0);
	assert_int_equal(close(g), 0);
}

static void assert_same_tree(const char *a, const char *b);

static void assert_same_directory(const char *a, const char *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	struct dirent *e;
	DIR *dir = opendir(a);

	assert_non_null(dir);
	assert_int_equal(count_names(a), count_names(b));
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(x, sizeof(x), "%s/%s", a, e->d_name);
		snprintf(y, sizeof(y), "%s/%s", b, e->d_name);
		assert_same_tree(x, y);
	}
	closedir(dir);
}

static void assert_same_tree(const char *a, const char *b)
{
	struct stat x, y;

	if (lstat(a, &x) != 0 || lstat(b, &y) != 0)
		fail_msg("%s or %s is not there", a, b);
	if (x.st_mode != y.st_mode || x.st_mtim.tv_sec != y.st_mtim.tv_sec ||
	    x.st_mtim.tv_nsec != y.st_mtim.tv_nsec)
		fail_msg("%s: mode %o, %o; time %ld, %ld", a, x.st_mode, y.st_mode,
			 (long)x.st_mtim.tv_sec, (long)y.st_mtim.tv_sec);
	if (S_ISDIR(x.st_mode)) {
		assert_same_directory(a, b);
		return;
	}
	assert_int_equal(x.st_size, y.st_size);
	assert_true(y.st_blocks <= x.st_blocks + 256);
	if (x.st_size <= LARGE)
		assert_same_bytes(a, b, (size_t)x.st_size);
}

static void assert_arrived(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	path_to(from, a);
	path_to(to, b);
	assert_same_tree(a, b);
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	memset(&lab, 0, sizeof(lab));
	snprintf(lab.top, sizeof(lab.top), "%.32s/natkit-transfer-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(lab.top));
	make_directory("from", 0700);
	make_directory("to", 0700);
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int end(void **state)
{
	remove_tree(lab.top);
	return 0;
}

static void on_over(void *arg, bool is_ok)
{
	struct side *s = arg;

	assert_false(s->is_over);
	s->is_over = true;
	s->is_ok = is_ok;
}

static struct bufferevent *stream_of(int fd)
{
	struct bufferevent *b;

	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	b = bufferevent_socket_new(lab.base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(b);
	return b;
}

static void begin_send(const char *const *names, int fd)
{
	const struct send_run_config config = { .quiet = true,
						.on_over = on_over,
						.arg = &lab.here };
	char path[PATH_MAX];

	lab.send = send_run_new(&config);
	assert_non_null(lab.send);
	for (; *names != NULL; names++) {
		path_to(*names, path);
		assert_true(send_run_add(lab.send, path));
	}
	send_run_begin(lab.send, lab.base);
	send_run_stream(lab.send, stream_of(fd));
}

static void begin_receive(int fd)
{
	char path[PATH_MAX];
	struct receive_run_config config = { .directory = path,
					     .yes = true,
					     .force = lab.force,
					     .quiet = true,
					     .on_over = on_over,
					     .arg = &lab.there };

	path_to("to", path);
	assert_int_equal(receive_run_new(&config, &lab.receive), 0);
	receive_run_begin(lab.receive, lab.base);
	receive_run_stream(lab.receive, stream_of(fd));
}

/* So many turns of the loop, then both are gone without a word. Returns how many there were. */
static int run(const char *const *names, int turns)
{
	int pair[2], i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab.here = lab.there = (struct side){ 0 };
	lab.base = event_base_new();
	begin_send(names, pair[0]);
	begin_receive(pair[1]);
	for (i = 0; i < turns && !(lab.here.is_over && lab.there.is_over); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	send_run_free(lab.send);
	receive_run_free(lab.receive);
	event_base_free(lab.base);
	return i;
}

static void run_well(const char *const *names)
{
	(void)run(names, TURNS_MAX);
	assert_true(lab.here.is_over && lab.there.is_over);
	assert_true(lab.here.is_ok && lab.there.is_ok);
}

static void run_badly(const char *const *names)
{
	(void)run(names, TURNS_MAX);
	assert_true(lab.here.is_over && lab.there.is_over);
	assert_false(lab.here.is_ok || lab.there.is_ok);
}

static const char *const all[] = { "from/d", "from/single", NULL };

static void make_sparse(const char *name)
{
	int fd = make_file(name, 0644);

	assert_int_equal(ftruncate(fd, (off_t)1 << 23), 0);
	assert_int_equal(pwrite(fd, "middle", 6, ((off_t)1 << 22) + 5), 6);
	assert_int_equal(close(fd), 0);
}

static void make_tree(void)
{
	make_directory("from/d", 0755);
	make_directory("from/d/sub dir", 0700);
	make_directory("from/d/empty dir", 0711);
	make_text("from/d/sub dir/a", "some text");
	make_text("from/d/empty", "");
	make_text("from/d/.hidden", "x");
	make_text("from/d/back\\slash \xff", "bytes");
	make_sparse("from/d/sparse");
	make_noise("from/d/noise", LARGE);
	make_text("from/single", "alone");
	set_time("from/single", 1000000000, 123456789);
	set_time("from/d/empty dir", 1100000000, 1);
	set_time("from/d/sub dir", 1200000000, 2);
	set_time("from/d", 1300000000, 999999999);
}

static void assert_all_arrived(void)
{
	char to[PATH_MAX];

	assert_arrived("from/d", "to/d");
	assert_arrived("from/single", "to/single");
	path_to("to", to);
	assert_int_equal(count_names(to), 4);
}

static void test_a_tree(void **state)
{
	make_tree();
	run_well(all);
	assert_all_arrived();
	run_well(all); /* all is there: nothing to do */
	assert_all_arrived();
}

/* Wherever both are killed, the next runs find all that they need. */
static void test_killed_and_run_again(void **state)
{
	int turns, step;

	make_tree();
	turns = run(all, TURNS_MAX);
	assert_true(lab.here.is_ok && lab.there.is_ok);
	step = turns / 15 + 1;
	for (int at = 1; at < turns; at += step) {
		char to[PATH_MAX];

		path_to("to", to);
		remove_tree(to);
		make_directory("to", 0700);
		(void)run(all, at);
		(void)run(all, at / 2 + 1);
		run_well(all);
		assert_all_arrived();
	}
}

static void test_what_is_left_out(void **state)
{
	static const char *const names[] = { "from/d", NULL };
	char path[PATH_MAX];

	make_directory("from/d", 0755);
	make_text("from/d/a", "a");
	make_text("from/d/.b.natprobe-part", "b");
	path_to("from/d/link", path);
	assert_int_equal(symlink("a", path), 0);
	path_to("from/d/fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	run_well(names);
	path_to("to/d", path);
	assert_int_equal(count_names(path), 3);
	assert_text("to/d/a", "a");
}

static void test_no_setuid(void **state)
{
	static const char *const names[] = { "from/tool", NULL };
	char path[PATH_MAX];
	struct stat st;

	make_text("from/tool", "run");
	path_to("from/tool", path);
	assert_int_equal(chmod(path, 06755), 0);
	run_well(names);
	path_to("to/tool", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_what_is_there_is_kept(void **state)
{
	make_tree();
	make_text("to/single", "mine");
	run_badly(all);
	assert_text("to/single", "mine");
	assert_false(is_there("to/d"));
	lab.force = true;
	run_well(all);
	assert_all_arrived();
}

/* An existing directory is somebody's: nothing is put into it, and its mode stays. */
static void test_existing_directory(void **state)
{
	make_tree();
	make_directory("to/d", 0750);
	make_text("to/d/mine", "mine");
	run_badly(all);
	assert_false(is_there("to/d/empty"));
	lab.force = true;
	run_well(all);
	assert_text("to/d/mine", "mine");
	assert_text("to/d/.hidden", "x");
}

static void test_planted_links(void **state)
{
	char link[PATH_MAX], victim[PATH_MAX], elsewhere[PATH_MAX];

	make_tree();
	make_text("victim", "untouched");
	make_directory("elsewhere", 0700);
	path_to("victim", victim);
	path_to("elsewhere", elsewhere);
	path_to("to/d", link);
	assert_int_equal(symlink(elsewhere, link), 0);
	lab.force = true;
	run_badly(all);
	assert_int_equal(count_names(elsewhere), 2);
	assert_int_equal(unlink(link), 0);

	path_to("to/.single.natprobe-part", link);
	assert_int_equal(symlink(victim, link), 0);
	path_to("to/single", link);
	assert_int_equal(symlink(victim, link), 0);
	run_well(all);
	assert_text("victim", "untouched");
	assert_all_arrived();

	assert_int_equal(unlink(link), 0);
	path_to("to/.single.natprobe-part", link);
	assert_int_equal(linkat(AT_FDCWD, victim, AT_FDCWD, link, 0), 0);
	run_well(all);
	assert_text("victim", "untouched");
}

static void test_unfinished_is_for_its_owner(void **state)
{
	static const char *const names[] = { "from/noise", NULL };
	char part[PATH_MAX];
	struct stat st = { 0 };
	int turns = 0;

	make_noise("from/noise", LARGE);
	path_to("to/.noise.natprobe-part", part);
	for (int at = 1; turns < TURNS_MAX && st.st_size == 0; at++) {
		turns = run(names, at);
		(void)stat(part, &st);
		assert_false(lab.there.is_ok);
	}
	assert_true(st.st_size > 0 && st.st_size <= LARGE);
	assert_int_equal(st.st_mode & 07777, 0600);
	run_well(names);
	assert_arrived("from/noise", "to/noise");
	assert_false(is_there("to/.noise.natprobe-part"));
}

/* A second receiver of the same file would write into what the first one has checked. */
static void test_one_at_a_time(void **state)
{
	static const char *const names[] = { "from/noise", NULL };
	char part[PATH_MAX];
	int fd;

	make_noise("from/noise", LARGE);
	for (int at = 0; at < 2; at++) {
		make_text("to/.noise.natprobe-part", at == 0 ? "" : "other");
		path_to("to/.noise.natprobe-part", part);
		fd = open(part, O_WRONLY | O_CLOEXEC);
		assert_int_equal(flock(fd, LOCK_EX), 0);
		run_badly(names);
		assert_true(is_there("to/.noise.natprobe-part"));
		assert_false(is_there("to/noise"));
		assert_int_equal(close(fd), 0);
	}
	run_well(names);
	assert_arrived("from/noise", "to/noise");
}

/* Of a run before, on a file system that keeps two seconds at best. */
static void test_coarse_times(void **state)
{
	static const char *const names[] = { "from/a", NULL };

	make_text("from/a", "text");
	make_text("to/a", "text");
	set_time("from/a", 1000000001, 900000000);
	set_time("to/a", 1000000000, 0);
	run_well(names);
	set_time("to/a", 999999999, 999999999);
	run_badly(names);
	set_time("to/a", 1000000002, 0);
	run_badly(names);
	make_text("to/a", "TEXT");
	set_time("to/a", 1000000000, 0);
	run_badly(names);
	assert_text("to/a", "TEXT");
}

static bool is_running(void)
{
	return !(lab.here.is_over && lab.there.is_over);
}

/* With `meddle` in the middle of from/noise, which fails for that. */
static void run_with(void (*meddle)(void))
{
	static const char *const names[] = { "from/noise", NULL };
	int pair[2];

	make_noise("from/noise", LARGE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab.here = lab.there = (struct side){ 0 };
	lab.base = event_base_new();
	begin_send(names, pair[0]);
	begin_receive(pair[1]);
	for (int i = 0; i < TURNS_MAX && !is_there("to/.noise.natprobe-part"); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	meddle();
	for (int i = 0; i < TURNS_MAX && is_running(); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	assert_false(is_running() || lab.here.is_ok || lab.there.is_ok);
	send_run_free(lab.send);
	receive_run_free(lab.receive);
	event_base_free(lab.base);
}

static void shrink(void)
{
	char path[PATH_MAX];

	path_to("from/noise", path);
	assert_int_equal(truncate(path, 100), 0);
}

static void test_a_file_that_shrinks(void **state)
{
	run_with(shrink);
	assert_false(is_there("to/noise"));
}

/* What is open is not what would get the name. */
static void move_away(void)
{
	char part[PATH_MAX], path[PATH_MAX];

	path_to("to/.noise.natprobe-part", part);
	path_to("to/moved", path);
	assert_int_equal(rename(part, path), 0);
	make_text("to/.noise.natprobe-part", "mine");
}

static void test_a_part_that_is_moved(void **state)
{
	run_with(move_away);
	assert_false(is_there("to/noise"));
	assert_text("to/.noise.natprobe-part", "mine");
}

/* Somebody who may write to what is sent has it lead elsewhere, once it was looked at. */
static void test_source_behind_a_link(void **state)
{
	static const char *const names[] = { "from/d", NULL };
	struct stat st;
	char path[PATH_MAX], other[PATH_MAX];
	int pair[2];

	make_directory("from/d", 0755);
	make_directory("from/d/e", 0755);
	make_directory("secret", 0755);
	make_text("from/d/e/a", "public");
	make_text("secret/a", "secret");
	path_to("from/d/e/a", path);
	assert_int_equal(stat(path, &st), 0);
	set_time("secret/a", st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab.here = lab.there = (struct side){ 0 };
	lab.base = event_base_new();
	begin_send(names, pair[0]);
	path_to("from/d/e", path);
	path_to("from/d/was", other);
	assert_int_equal(rename(path, other), 0);
	path_to("secret", other);
	assert_int_equal(symlink(other, path), 0);
	begin_receive(pair[1]);
	for (int i = 0; i < TURNS_MAX && !(lab.here.is_over && lab.there.is_over); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	assert_false(lab.here.is_ok || lab.there.is_ok);
	assert_false(is_there("to/d/e/a"));
	send_run_free(lab.send);
	receive_run_free(lab.receive);
	event_base_free(lab.base);
}

static void test_what_is_no_file(void **state)
{
	const struct send_run_config config = { .quiet = true };
	struct send_run *r = send_run_new(&config);
	char path[PATH_MAX];

	path_to("from/fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(send_run_add(r, path));
	assert_false(send_run_add(r, "/dev/null"));
	assert_false(send_run_add(r, "/"));
	assert_false(send_run_add(r, ""));
	send_run_free(r);
}

static void come_between(void)
{
	make_text("to/noise", "mine");
}

static void test_something_comes_there_meanwhile(void **state)
{
	run_with(come_between);
	assert_text("to/noise", "mine");
}

/* Somebody else at the other end of the stream. */
static void with_stranger(const char *says, bool is_to_send)
{
	static const char *const names[] = { "from/a", NULL };
	const struct side *side = is_to_send ? &lab.here : &lab.there;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab.here = lab.there = (struct side){ 0 };
	lab.base = event_base_new();
	if (is_to_send)
		begin_send(names, pair[0]);
	else
		begin_receive(pair[0]);
	assert_int_equal(write(pair[1], says, strlen(says)), strlen(says));
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	for (int i = 0; i < TURNS_MAX && !side->is_over; i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	assert_true(side->is_over);
	assert_false(side->is_ok);
	if (is_to_send)
		send_run_free(lab.send);
	else
		receive_run_free(lab.receive);
	event_base_free(lab.base);
	assert_int_equal(close(pair[1]), 0);
}

static void test_strangers(void **state)
{
	static const char *const words[] = { "", "\x01", "GET / HTTP/1.1\r\n\r\n",
					     "\x07\xff\xff\xff", "\x01\x01\x01\x01natkit" };

	make_text("from/a", "a");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		with_stranger(words[i], true);
		with_stranger(words[i], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_tree, begin, end),
		cmocka_unit_test_setup_teardown(test_killed_and_run_again, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_left_out, begin, end),
		cmocka_unit_test_setup_teardown(test_no_setuid, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_there_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(test_existing_directory, begin, end),
		cmocka_unit_test_setup_teardown(test_planted_links, begin, end),
		cmocka_unit_test_setup_teardown(test_unfinished_is_for_its_owner, begin, end),
		cmocka_unit_test_setup_teardown(test_a_file_that_shrinks, begin, end),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, begin, end),
		cmocka_unit_test_setup_teardown(test_coarse_times, begin, end),
		cmocka_unit_test_setup_teardown(test_a_part_that_is_moved, begin, end),
		cmocka_unit_test_setup_teardown(test_source_behind_a_link, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_no_file, begin, end),
		cmocka_unit_test_setup_teardown(test_something_comes_there_meanwhile, begin, end),
		cmocka_unit_test_setup_teardown(test_strangers, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
