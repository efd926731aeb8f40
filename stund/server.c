#include "server.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon.h"
#include "worker.h"

struct server {
	struct listen_common common;
	struct policy *policy; /* borrowed while starting */
	struct worker_pool *pool;
	struct listen *listens[];
};

static int on_start(struct worker *w, void *arg)
{
	struct server *s = arg;
	size_t i = worker_index(w);

	return listen_open(worker_base(w), &s->common, s->policy, i, &s->listens[i]);
}

static void on_stop(struct worker *w, void *arg)
{
	struct server *s = arg;

	listen_close(s->listens[worker_index(w)]);
}

static int check_unused(const struct layout *layout)
{
	int rc = 0;

	for (size_t i = 0; i < layout->socket_count && rc == 0; i++)
		rc = daemon_check_unused(&layout->sockets[i].local, false);
	return rc;
}

/* Each connection takes a descriptor. */
static void raise_descriptors(const struct stund_conf *conf, const struct layout *layout,
			      size_t workers)
{
	daemon_raise_descriptors(
		(uint64_t)conf->max_connections + workers * (2u * layout->socket_count + 4) +
			(conf->cooperate ? 320 : 64) +
			(conf->rendezvous.count > 0 ? (uint64_t)conf->max_connections : 0),
		"max-connections takes", "lower max-connections");
}

int server_start(const struct stund_conf *conf, const struct layout *layout, struct policy *policy,
		 struct server **out)
{
	size_t count = daemon_workers(conf->workers, STUND_WORKERS_MAX);
	struct server *s = calloc(1, sizeof(*s) + count * sizeof(struct listen *));
	struct worker_hooks hooks = { .start = on_start, .stop = on_stop, .arg = s };
	int rc = check_unused(layout);

	if (s == NULL)
		return -ENOMEM;
	s->policy = policy;
	raise_descriptors(conf, layout, count);
	if (rc == 0)
		rc = listen_common_open(&s->common, conf, layout, count);
	if (rc == 0)
		rc = worker_pool_start(count, &hooks, &s->pool);
	if (rc == 0)
		*out = s;
	else
		server_stop(s);
	return rc;
}

void server_stop(struct server *s)
{
	if (s == NULL)
		return;
	worker_pool_stop(s->pool);
	listen_common_close(&s->common);
	free(s);
}

static void take_policy(struct worker *w, void *arg)
{
	struct server *s = arg;

	listen_use_policy(s->listens[worker_index(w)], s->policy);
}

bool server_use_policy(struct server *s, struct policy *policy)
{
	s->policy = policy;
	return worker_pool_run(s->pool, take_policy, s);
}

size_t server_worker_count(const struct server *s)
{
	return s->common.workers;
}

void server_report(const struct server *s, struct metrics *m)
{
	struct tally_source sources[STUND_WORKERS_MAX];
	const struct tally t = { sources, s->common.workers };

	for (size_t i = 0; i < t.count; i++)
		sources[i] = (struct tally_source){ {
			[TALLY_STREAMS] = listen_stream_stats(s->listens[i]),
			[TALLY_DTLS] = listen_dtls_stats(s->listens[i]),
			[STATS_PART] = listen_stats(s->listens[i]),
			[STATS_COOP] = listen_coop_stats(s->listens[i]),
		} };
	stats_report(m, &t);
}
