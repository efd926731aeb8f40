#include "renew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* What both threads hold; the last one frees it. */
struct job {
	pthread_mutex_t lock;
	struct event *done; /* NULL: nobody waits any more */
	unsigned holders;
	struct names names; /* of the thread until `done` is active */
};

struct renew {
	struct event_base *base;
	renew_fn on_names;
	void *arg;
	struct job *job; /* NULL: none is under way */
};

static void leave(struct job *j)
{
	unsigned left;

	pthread_mutex_lock(&j->lock);
	left = --j->holders;
	pthread_mutex_unlock(&j->lock);
	if (left > 0)
		return;
	pthread_mutex_destroy(&j->lock);
	free(j);
}

static void *look_up(void *arg)
{
	struct job *j = arg;

	for (size_t i = 0; i < j->names.count; i++)
		names_look_up(&j->names.list[i]);
	pthread_mutex_lock(&j->lock);
	if (j->done != NULL)
		event_active(j->done, EV_TIMEOUT, 0);
	pthread_mutex_unlock(&j->lock);
	leave(j);
	return NULL;
}

/* The event goes under the lock: afterwards the thread does not know it any more. */
static void give_up(struct renew *r)
{
	struct job *j = r->job;
	struct event *done;

	pthread_mutex_lock(&j->lock);
	done = j->done;
	j->done = NULL;
	pthread_mutex_unlock(&j->lock);
	r->job = NULL;
	event_free(done);
	leave(j);
}

static void on_done(evutil_socket_t fd, short events, void *arg)
{
	struct renew *r = arg;
	struct names fresh;

	pthread_mutex_lock(&r->job->lock);
	fresh = r->job->names;
	pthread_mutex_unlock(&r->job->lock);
	give_up(r);
	r->on_names(r->arg, &fresh);
}

struct renew *renew_new(struct event_base *base, renew_fn on_names, void *arg)
{
	struct renew *r = calloc(1, sizeof(*r));

	if (r != NULL)
		*r = (struct renew){ .base = base, .on_names = on_names, .arg = arg };
	return r;
}

void renew_free(struct renew *r)
{
	if (r == NULL)
		return;
	if (r->job != NULL)
		give_up(r);
	free(r);
}

/* Signals are the main thread's. */
static int start_thread(struct job *j)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, look_up, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_detach(thread);
	return rc;
}

void renew_start(struct renew *r, const struct names *names)
{
	struct job *j;

	if (r->job != NULL || names->count == 0)
		return;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return;
	j->names = *names;
	j->holders = 2;
	j->done = event_new(r->base, -1, 0, on_done, r);
	if (j->done == NULL || pthread_mutex_init(&j->lock, NULL) != 0) {
		if (j->done != NULL)
			event_free(j->done);
		free(j);
		return;
	}
	r->job = j;
	if (start_thread(j) != 0) {
		j->holders = 1;
		give_up(r);
	}
}
