#include "worker.h"

#include <errno.h>
#include <event2/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "log.h"

struct worker_message {
	struct worker_message *next;
	void (*run)(struct worker *w, void *arg);
	void *arg;
};

struct worker {
	struct worker_pool *pool;
	size_t index;
	void *data;
	pthread_t thread;
	struct event_base *base;
	struct event *wake;
	pthread_mutex_t lock; /* guards what follows */
	struct worker_message *first, **end;
	bool stopping;
};

struct worker_pool {
	struct worker_hooks hooks;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	size_t pending; /* workers that have not reported yet: their start, or a run */
	int error;      /* of the first start that failed */
	size_t count;   /* workers[] that have a thread; fixed once the pool has started */
	struct worker workers[];
};

/* Else it would write lines of its own making to stderr, also among lines of JSON. */
static void on_libevent_log(int severity, const char *message)
{
	static const enum log_level levels[] = {
		[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
		[EVENT_LOG_MSG] = LOG_LEVEL_INFO,
		[EVENT_LOG_WARN] = LOG_LEVEL_WARN,
		[EVENT_LOG_ERR] = LOG_LEVEL_ERROR,
	};

	log_event(levels[severity], "libevent", "%s", message);
}

int worker_setup(void)
{
	event_set_log_callback(on_libevent_log);
	return evthread_use_pthreads() == 0 ? 0 : -ENOMEM;
}

static void report(struct worker_pool *pool, int error)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->error == 0)
		pool->error = error;
	pool->pending--;
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static void wait_for_reports(struct worker_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->pending > 0)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

static struct worker_message *take_messages(struct worker *w, bool *stopping)
{
	pthread_mutex_lock(&w->lock);
	struct worker_message *m = w->first;
	*stopping = w->stopping;
	w->first = NULL;
	w->end = &w->first;
	pthread_mutex_unlock(&w->lock);
	return m;
}

/* Runs what was posted, also meanwhile; returns whether the worker shall stop. */
static bool run_messages(struct worker *w)
{
	struct worker_message *m;
	bool stopping;

	while ((m = take_messages(w, &stopping)) != NULL) {
		while (m != NULL) {
			struct worker_message *next = m->next;

			m->run(w, m->arg);
			free(m);
			m = next;
		}
	}
	return stopping;
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
	struct worker *w = arg;

	if (run_messages(w))
		event_base_loopexit(w->base, NULL);
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	const struct worker_hooks *hooks = &w->pool->hooks;
	int rc = hooks->start(w, hooks->arg);

	report(w->pool, rc);
	if (rc != 0)
		return NULL;
	event_base_loop(w->base, EVLOOP_NO_EXIT_ON_EMPTY);
	run_messages(w); /* a message may own what it carries */
	if (hooks->stop != NULL)
		hooks->stop(w, hooks->arg);
	return NULL;
}

static void append(struct worker *w, struct worker_message *m)
{
	pthread_mutex_lock(&w->lock);
	*w->end = m;
	w->end = &m->next;
	pthread_mutex_unlock(&w->lock);
	event_active(w->wake, EV_READ, 0);
}

struct worker_message *worker_message_new(void (*run)(struct worker *w, void *arg), void *arg)
{
	struct worker_message *m = malloc(sizeof(*m));

	if (m != NULL)
		*m = (struct worker_message){ .run = run, .arg = arg };
	return m;
}

void worker_message_free(struct worker_message *m)
{
	free(m);
}

void worker_send(struct worker *w, struct worker_message *m)
{
	append(w, m);
}

bool worker_post(struct worker *w, void (*run)(struct worker *w, void *arg), void *arg)
{
	struct worker_message *m = worker_message_new(run, arg);

	if (m != NULL)
		append(w, m);
	return m != NULL;
}

/* What worker_pool_run sends around. */
struct errand {
	void (*run)(struct worker *w, void *arg);
	void *arg;
};

static void run_errand(struct worker *w, void *arg)
{
	struct errand *errand = arg;

	errand->run(w, errand->arg);
	report(w->pool, 0);
}

static void free_messages(struct worker_message *m)
{
	while (m != NULL) {
		struct worker_message *next = m->next;

		free(m);
		m = next;
	}
}

bool worker_pool_run(struct worker_pool *pool, void (*run)(struct worker *w, void *arg), void *arg)
{
	struct errand errand = { .run = run, .arg = arg };
	struct worker_message *ready = NULL;

	for (size_t i = 0; i < pool->count; i++) {
		struct worker_message *m = worker_message_new(run_errand, &errand);

		if (m == NULL) {
			free_messages(ready);
			return false;
		}
		m->next = ready;
		ready = m;
	}
	pthread_mutex_lock(&pool->lock);
	pool->pending = pool->count;
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->count; i++) {
		struct worker_message *m = ready;

		ready = m->next;
		m->next = NULL;
		append(&pool->workers[i], m);
	}
	wait_for_reports(pool);
	return true;
}

/* Copes with a half-open worker. */
static void worker_close(struct worker *w)
{
	free_messages(w->first); /* came when its thread had ended */
	if (w->wake != NULL)
		event_free(w->wake);
	if (w->base != NULL)
		event_base_free(w->base);
	pthread_mutex_destroy(&w->lock);
}

static int worker_open(struct worker_pool *pool, size_t index)
{
	struct worker *w = &pool->workers[index];

	*w = (struct worker){ .pool = pool, .index = index };
	w->end = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	w->base = event_base_new();
	if (w->base == NULL)
		goto fail;
	w->wake = event_new(w->base, -1, EV_PERSIST, on_wake, w);
	if (w->wake == NULL)
		goto fail;
	return 0;
fail:
	worker_close(w);
	return -ENOMEM;
}

static int worker_launch(struct worker_pool *pool, size_t index)
{
	struct worker *w = &pool->workers[index];
	int rc = worker_open(pool, index);

	if (rc != 0)
		return rc;
	pthread_mutex_lock(&pool->lock);
	pool->pending++;
	pthread_mutex_unlock(&pool->lock);
	rc = -pthread_create(&w->thread, NULL, thread_main, w);
	if (rc != 0) {
		report(pool, rc);
		worker_close(w);
		return rc;
	}
	pool->count++;
	return 0;
}

static void launch_all(struct worker_pool *pool, size_t count)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (rc == 0 && pool->count < count)
		rc = worker_launch(pool, pool->count);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	wait_for_reports(pool);
	if (pool->error == 0)
		pool->error = rc;
}

int worker_pool_start(size_t count, const struct worker_hooks *hooks, struct worker_pool **out)
{
	int rc = worker_setup();

	if (rc != 0)
		return rc;
	if (count > SIZE_MAX / (2 * sizeof(struct worker)))
		return -ENOMEM;
	struct worker_pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->workers[0]));
	if (pool == NULL)
		return -ENOMEM;
	pool->hooks = *hooks;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	launch_all(pool, count);
	rc = pool->error;
	if (rc != 0) {
		worker_pool_stop(pool);
		return rc;
	}
	*out = pool;
	return 0;
}

void worker_pool_stop(struct worker_pool *pool)
{
	if (pool == NULL)
		return;
	for (size_t i = 0; i < pool->count; i++) {
		struct worker *w = &pool->workers[i];

		pthread_mutex_lock(&w->lock);
		w->stopping = true;
		pthread_mutex_unlock(&w->lock);
		event_active(w->wake, EV_READ, 0);
	}
	for (size_t i = 0; i < pool->count; i++)
		pthread_join(pool->workers[i].thread, NULL);
	/* Not before all have ended: until then one may post to another. */
	for (size_t i = 0; i < pool->count; i++)
		worker_close(&pool->workers[i]);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

size_t worker_pool_count(const struct worker_pool *pool)
{
	return pool->count;
}

struct worker *worker_pool_at(struct worker_pool *pool, size_t i)
{
	return &pool->workers[i];
}

struct event_base *worker_base(struct worker *w)
{
	return w->base;
}

size_t worker_index(const struct worker *w)
{
	return w->index;
}

void worker_set_data(struct worker *w, void *data)
{
	w->data = data;
}

void *worker_data(const struct worker *w)
{
	return w->data;
}
