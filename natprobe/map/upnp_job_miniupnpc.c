#include "upnp_job.h"

#include <pthread.h>
#include <stdlib.h>

#include "upnp_igd.h"
#include "upnp_search.h"

/* Owned by the thread and by who started it: the last one frees it. */
struct upnp_job {
	pthread_mutex_t lock;
	int owners;
	bool is_over;
	struct lease_upnp_result result;
	struct upnp_table table;
	/* The rest is set before the thread starts. */
	struct upnp_gateway gateway;
	struct lease_upnp what;
	bool tells;
};

bool upnp_job_is_built(void)
{
	return true;
}

void upnp_job_release(struct upnp_job *j)
{
	bool is_last;

	if (j == NULL)
		return;
	pthread_mutex_lock(&j->lock);
	is_last = --j->owners == 0;
	pthread_mutex_unlock(&j->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* What the thread works on, which nobody else sees before it is done. */
struct work {
	const struct upnp_job *job;
	struct lease_upnp_result result;
	struct upnp_table table;
};

static void use(void *arg, const struct UPNPUrls *urls, const struct IGDdatas *data)
{
	struct work *w = arg;

	if (w->job->tells)
		upnp_igd_tell(urls, data, &w->table);
	else
		upnp_igd_do(urls, data, &w->job->what, &w->result);
}

static uint8_t answer_of(const struct upnp_find *f, int rc)
{
	if (rc != 0)
		return LEASE_LOCAL_ERROR;
	return f->is_other ? LEASE_ABSENT : LEASE_SILENT;
}

static void *run(void *arg)
{
	struct upnp_job *j = arg;
	struct work *w = calloc(1, sizeof(*w));
	struct upnp_find find = { .use = use, .arg = w };
	uint8_t answer = LEASE_LOCAL_ERROR;

	if (w != NULL) {
		w->job = j;
		answer = answer_of(&find, upnp_search(&j->gateway, &find));
	}
	pthread_mutex_lock(&j->lock);
	if (w != NULL && find.is_there) {
		j->result = w->result;
		j->table = w->table;
	} else {
		j->result.answer = j->table.answer = answer;
	}
	j->is_over = true;
	pthread_mutex_unlock(&j->lock);
	free(w);
	upnp_job_release(j);
	return NULL;
}

struct upnp_job *upnp_job_start(const struct probe_source *source, const struct addr *gateway,
				const struct lease_upnp *what)
{
	struct upnp_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->owners = 2;
	j->tells = what == NULL;
	if (what != NULL)
		j->what = *what;
	upnp_gateway_fill(&j->gateway, source, gateway);
	if (pthread_mutex_init(&j->lock, NULL) != 0) {
		free(j);
		return NULL;
	}
	if (upnp_start_thread(run, j))
		return j;
	pthread_mutex_destroy(&j->lock);
	free(j);
	return NULL;
}

bool upnp_job_is_over(struct upnp_job *j, struct lease_upnp_result *result,
		      struct upnp_table *table)
{
	bool is_over;

	pthread_mutex_lock(&j->lock);
	is_over = j->is_over;
	if (is_over && result != NULL)
		*result = j->result;
	if (is_over && table != NULL)
		*table = j->table;
	pthread_mutex_unlock(&j->lock);
	return is_over;
}
