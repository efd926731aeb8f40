#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "udp.h"
#include "worker.h"

struct server {
	struct listen_common common;
	struct policy *policy; /* borrowed while starting */
	struct worker_pool *pool;
	struct listen *listens[];
};

static size_t workers_of(const struct stund_conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (conf->workers > 0)
		return (size_t)conf->workers;
	if (cores < 1)
		return 1;
	return cores < STUND_WORKERS_MAX ? (size_t)cores : STUND_WORKERS_MAX;
}

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

/*
 * SO_REUSEPORT would let a second stund of the same user share our ports, each with half of the
 * clients; so every port is tried once without.
 */
static int check_unused(const struct layout *layout)
{
	static const struct udp_options options = { 0 };
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < layout->socket_count; i++) {
		const struct addr *local = &layout->sockets[i].local;
		int fd = udp_open(local, &options, NULL);

		if (fd == -EADDRINUSE) {
			log_event(LOG_LEVEL_ERROR, "listen",
				  "%s is in use; does another server run?",
				  addr_print(local, text));
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

/* Each connection takes a descriptor, and many a shell allows 1024. */
static void raise_descriptors(const struct stund_conf *conf, const struct layout *layout,
			      size_t workers)
{
	rlim_t need =
		(rlim_t)conf->max_connections + workers * (2u * layout->socket_count + 4) + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < need)
		log_event(LOG_LEVEL_WARN, "start",
			  "max-connections takes %llu descriptors, and %llu are allowed; raise "
			  "the limit (ulimit -n, LimitNOFILE), or lower max-connections",
			  (unsigned long long)need, (unsigned long long)limit.rlim_cur);
}

int server_start(const struct stund_conf *conf, const struct layout *layout, struct policy *policy,
		 struct server **out)
{
	size_t count = workers_of(conf);
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
	struct stats_source sources[STUND_WORKERS_MAX];

	for (size_t i = 0; i < s->common.workers; i++)
		sources[i] = (struct stats_source){ .own = listen_stats(s->listens[i]),
						    .streams = listen_stream_stats(s->listens[i]),
						    .dtls = listen_dtls_stats(s->listens[i]) };
	stats_report(m, sources, s->common.workers);
}
