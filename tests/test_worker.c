/* worker: threads, messages between them, timers, and signals left to main. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "worker.h"

#define WORKERS 4

struct own {
	int messages; /* of its own thread: no atomic */
	int last;
	int snapshot;
	pthread_t thread;
};

struct world {
	atomic_int started, stopped, seen;
	int fail_at; /* index of the worker whose start fails; -1: none */
	const int *snapshot;
	struct own owns[WORKERS];
};

static int start(struct worker *w, void *arg)
{
	struct world *world = arg;
	struct own *own = &world->owns[worker_index(w)];

	if ((int)worker_index(w) == world->fail_at)
		return -EADDRINUSE;
	own->thread = pthread_self();
	worker_set_data(w, own);
	atomic_fetch_add(&world->started, 1);
	return 0;
}

static void stop(struct worker *w, void *arg)
{
	struct world *world = arg;

	assert(worker_data(w) == &world->owns[worker_index(w)]);
	atomic_fetch_add(&world->stopped, 1);
}

static struct worker_pool *start_pool(struct world *world)
{
	struct worker_hooks hooks = { .start = start, .stop = stop, .arg = world };
	struct worker_pool *pool = NULL;

	world->fail_at = -1;
	assert_int_equal(worker_pool_start(WORKERS, &hooks, &pool), 0);
	return pool;
}

static void a_pool_starts_and_stops(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);

	assert_int_equal(world.started, WORKERS);
	assert_int_equal(worker_pool_count(pool), WORKERS);
	assert_int_equal(worker_index(worker_pool_at(pool, 2)), 2);
	worker_pool_stop(pool);
	assert_int_equal(world.stopped, WORKERS);
	worker_pool_stop(NULL);
}

static void a_start_that_fails_stops_the_others(void **state)
{
	struct world world = { .fail_at = 2 };
	struct worker_hooks hooks = { .start = start, .stop = stop, .arg = &world };
	struct worker_pool *pool = NULL;

	assert_int_equal(worker_pool_start(WORKERS, &hooks, &pool), -EADDRINUSE);
	assert_null(pool);
	assert_int_equal(world.started, WORKERS - 1);
	assert_int_equal(world.stopped, WORKERS - 1);
	assert_int_equal(worker_pool_start(SIZE_MAX, &hooks, &pool), -ENOMEM);
}

/* arg: the message's number, in its own memory */
static void count_message(struct worker *w, void *arg)
{
	struct own *own = worker_data(w);
	int *number = arg;

	assert(pthread_equal(own->thread, pthread_self()));
	assert(*number == own->last + 1);
	own->last = *number;
	own->messages++;
	free(number);
}

static void messages_run_in_order_and_none_is_lost(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);

	for (int i = 1; i <= 1000; i++) {
		for (size_t w = 0; w < WORKERS; w++) {
			int *number = malloc(sizeof(*number));

			assert_non_null(number);
			*number = i;
			assert_true(worker_post(worker_pool_at(pool, w), count_message, number));
		}
	}
	worker_pool_stop(pool);
	for (size_t w = 0; w < WORKERS; w++)
		assert_int_equal(world.owns[w].messages, 1000);
}

static void a_message_made_before_takes_its_turn(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);
	struct worker *w = worker_pool_at(pool, 0);

	for (int i = 1; i <= 100; i += 2) {
		int *first = malloc(sizeof(*first)), *second = malloc(sizeof(*second));
		struct worker_message *m = worker_message_new(count_message, first);

		assert_true(first != NULL && second != NULL && m != NULL);
		*first = i;
		*second = i + 1;
		worker_send(w, m);
		assert_true(worker_post(w, count_message, second));
	}
	worker_message_free(worker_message_new(count_message, NULL)); /* it is not sent */
	worker_message_free(NULL);
	worker_pool_stop(pool);
	assert_int_equal(world.owns[0].messages, 100);
}

static void take_snapshot(struct worker *w, void *arg)
{
	struct world *world = arg;
	struct own *own = worker_data(w);

	own->snapshot = *world->snapshot;
	atomic_fetch_add(&world->seen, 1);
}

static void after_a_run_nobody_uses_the_old(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);

	for (int i = 1; i <= 100; i++) {
		int *snapshot = malloc(sizeof(*snapshot));

		assert_non_null(snapshot);
		*snapshot = i;
		world.snapshot = snapshot;
		assert_true(worker_pool_run(pool, take_snapshot, &world));
		assert_int_equal(world.seen, WORKERS * i);
		free(snapshot);
	}
	worker_pool_stop(pool);
	assert_int_equal(world.owns[WORKERS - 1].snapshot, 100);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void fire_timer(struct worker *w, void *arg)
{
	struct world *world = arg;
	struct timeval now = { 0 };

	event_base_once(worker_base(w), -1, EV_TIMEOUT, on_timer, &world->seen, &now);
}

/* Posts from one worker to the next, all the way round. */
static void pass_on(struct worker *w, void *arg)
{
	struct worker_pool *pool = arg;
	struct own *own = worker_data(w);

	if (++own->messages < 100)
		worker_post(worker_pool_at(pool, (worker_index(w) + 1) % WORKERS), pass_on, pool);
}

static void do_nothing(struct worker *w, void *arg)
{
}

static void workers_post_to_each_other_and_have_timers(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);

	assert_true(worker_pool_run(pool, fire_timer, &world));
	assert_true(worker_post(worker_pool_at(pool, 0), pass_on, pool));
	while (world.seen < WORKERS)
		assert_true(worker_pool_run(pool, do_nothing, NULL));
	worker_pool_stop(pool);
	assert_true(world.owns[0].messages >= 1);
}

static void note_signals(struct worker *w, void *arg)
{
	struct world *world = arg;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP))
		atomic_fetch_add(&world->seen, 1);
}

static void signals_are_left_to_the_main_thread(void **state)
{
	struct world world = { 0 };
	struct worker_pool *pool = start_pool(&world);
	sigset_t blocked;

	assert_true(worker_pool_run(pool, note_signals, &world));
	assert_int_equal(world.seen, WORKERS);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	assert_false(sigismember(&blocked, SIGTERM));
	worker_pool_stop(pool);
}

static void call_loop_in_loop(evutil_socket_t fd, short events, void *arg)
{
	event_base_loop(arg, EVLOOP_NONBLOCK);
}

static void libevent_logs_as_we_do(void **state)
{
	char text[1000] = "";
	int real = dup(STDERR_FILENO);
	int fds[2];

	assert_int_equal(worker_setup(), 0);
	assert_int_equal(pipe(fds), 0);
	struct event_base *base = event_base_new();
	assert_non_null(base);
	assert_int_equal(event_base_once(base, -1, EV_TIMEOUT, call_loop_in_loop, base, NULL), 0);
	dup2(fds[1], STDERR_FILENO);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	event_base_loop(base, EVLOOP_NONBLOCK); /* which warns */
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	dup2(real, STDERR_FILENO);
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	event_base_free(base);
	close(real);
	close(fds[0]);
	close(fds[1]);

	assert_true(n > 0);
	assert_memory_equal(text, "{\"time\"", 7);
	assert_non_null(strstr(text, "\"level\":\"warn\",\"event\":\"libevent\""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_starts_and_stops),
		cmocka_unit_test(a_start_that_fails_stops_the_others),
		cmocka_unit_test(messages_run_in_order_and_none_is_lost),
		cmocka_unit_test(a_message_made_before_takes_its_turn),
		cmocka_unit_test(after_a_run_nobody_uses_the_old),
		cmocka_unit_test(workers_post_to_each_other_and_have_timers),
		cmocka_unit_test(signals_are_left_to_the_main_thread),
		cmocka_unit_test(libevent_logs_as_we_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
