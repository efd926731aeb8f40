#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "limit.h"
#include "listen.h"
#include "log.h"
#include "per_source.h"
#include "report.h"
#include "sessions.h"
#include "worker.h"

/* 512 KiB each: those who meet in a place share its budget, so there must be many. */
#define LIMIT_PLACES 65536

/* Of each worker; a token is searched among them. */
#define RESERVATIONS_MAX 256

/* Where no limit is set, the ports are one. */
#define ALLOCATIONS_MAX 1000000

/* How often messages may go back and forth between workers for one request, and once more. */
#define LAST_ROUNDS 5

struct server {
	struct listen_common common;
	struct settings *settings;    /* borrowed while it is handed over */
	struct turnd_budgets budgets; /* the same */
	struct worker_pool *pool;
	size_t count;
	struct listen *listens[];
};

static int on_start(struct worker *w, void *arg)
{
	struct server *s = arg;

	return listen_open(w, &s->common, s->settings, &s->listens[worker_index(w)]);
}

static void on_stop(struct worker *w, void *arg)
{
	struct server *s = arg;
	size_t i = worker_index(w);

	listen_close(s->listens[i]);
	s->listens[i] = NULL;
}

static int check_unused(const struct listen_common *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->listener_count && rc == 0; i++) {
		const struct turnd_listener *at = &c->listeners[i];

		rc = daemon_check_unused(&at->local, !at->udp && !at->dtls);
	}
	return rc;
}

/* As many as may ever be: total-quota may be another one after a reload. */
static size_t allocations_max(const struct server *s)
{
	uint16_t low, high;
	size_t ports;

	turnd_conf_relay_ports(s->common.conf, &low, &high);
	ports = ((size_t)high - low + 1) * s->settings->snapshot.relay_count;
	return ports < ALLOCATIONS_MAX ? ports : ALLOCATIONS_MAX;
}

static size_t allocations_of(const struct server *s)
{
	size_t most = allocations_max(s), allowed = s->settings->snapshot.total_allocations;

	return allowed != 0 && allowed < most ? allowed : most;
}

/* Those of allocations, and those of ports that are reserved; a port has one. */
static size_t relay_sockets_of(const struct server *s)
{
	size_t most = allocations_max(s);
	size_t reserved = s->settings->snapshot.relay_count * s->count * RESERVATIONS_MAX;

	return allocations_of(s) + reserved < most ? allocations_of(s) + reserved : most;
}

/* Each connection and each relay socket takes a descriptor. */
static void raise_descriptors(const struct server *s)
{
	const struct turnd_conf *conf = s->common.conf;

	daemon_raise_descriptors((uint64_t)conf->max_connections + relay_sockets_of(s) +
					 s->count * (2u * s->common.listener_count + 4) + 64,
				 "all connections and relay ports at once take",
				 "lower max-connections or the allocations allowed");
}

static void free_budgets(struct turnd_budgets *b)
{
	limit_free(b->sources);
	limit_free(b->names);
	*b = (struct turnd_budgets){ 0 };
}

static int make_budgets(const struct snapshot *snapshot, struct turnd_budgets *out)
{
	uint32_t rate = snapshot->error_rate, burst = snapshot->error_burst;
	uint8_t keys[2][16];

	*out = (struct turnd_budgets){ 0 };
	if (rate == 0)
		return 0;
	if (RAND_bytes((unsigned char *)keys, sizeof(keys)) != 1)
		return -EIO;
	out->sources = limit_new(rate, burst, LIMIT_PLACES, keys[0]);
	out->names = limit_new(rate, burst, LIMIT_PLACES, keys[1]);
	if (out->sources != NULL && out->names != NULL)
		return 0;
	free_budgets(out);
	return -ENOMEM;
}

static int make_ports(struct server *s)
{
	size_t relays = s->settings->snapshot.relay_count;
	struct ports_share share = { .workers = (uint8_t)s->count,
				     .reservations_max = RESERVATIONS_MAX };

	turnd_conf_relay_ports(s->common.conf, &share.low, &share.high);
	s->common.shared.ports = calloc(relays * s->count + 1, sizeof(struct ports *));
	if (s->common.shared.ports == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < relays * s->count; i++) {
		share.worker = (uint8_t)(i % s->count);
		s->common.shared.ports[i] = ports_new(&share);
		if (s->common.shared.ports[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int make_sources(struct server *s)
{
	const struct turnd_conf *conf = s->common.conf;
	size_t most = (size_t)conf->max_connections;
	uint32_t most_of_one = (uint32_t)conf->max_connections_per_source;
	uint8_t keys[3][16];

	if (RAND_bytes((unsigned char *)keys, sizeof(keys)) != 1)
		return -EIO;
	s->common.connections = per_source_new(most, most_of_one, keys[0]);
	s->common.sessions = per_source_new(most + s->count, most_of_one, keys[1]);
	s->common.shared.quota = quota_new(allocations_max(s), keys[2]);
	if (s->common.connections == NULL || s->common.sessions == NULL ||
	    s->common.shared.quota == NULL)
		return -ENOMEM;
	return 0;
}

static int make_common(struct server *s, const struct turnd_conf *conf)
{
	struct listen_common *c = &s->common;
	struct opt_error err;
	int count, rc;

	c->conf = conf;
	c->workers = (uint16_t)s->count;
	c->shared.workers = c->workers;
	count = turnd_conf_listeners(conf, c->listeners, &err);
	if (count < 0) {
		log_event(LOG_LEVEL_ERROR, "listen", "%s", err.text);
		return -EINVAL;
	}
	c->listener_count = (size_t)count;
	rc = check_unused(c);
	if (rc == 0)
		rc = make_ports(s);
	if (rc == 0)
		rc = make_sources(s);
	if (rc == 0)
		rc = make_budgets(&s->settings->snapshot, &c->shared.budgets);
	return rc;
}

int server_start(const struct turnd_conf *conf, struct settings *settings, struct server **out)
{
	size_t count = daemon_workers(conf->workers, TURND_WORKERS_MAX);
	struct server *s = calloc(1, sizeof(*s) + count * sizeof(struct listen *));
	struct worker_hooks hooks = { .start = on_start, .stop = on_stop, .arg = s };
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->count = count;
	s->settings = settings;
	rc = make_common(s, conf);
	if (rc == 0) {
		raise_descriptors(s);
		rc = worker_pool_start(count, &hooks, &s->pool);
	}
	if (rc == 0)
		*out = s;
	else
		server_stop(s);
	return rc;
}

static void quiesce(struct worker *w, void *arg)
{
	listen_quiesce(worker_data(w));
}

static void pass(struct worker *w, void *arg)
{
}

/* No new requests; then what workers have sent each other arrives, while all of them are there. */
static void wind_down(struct worker_pool *pool)
{
	(void)worker_pool_run(pool, quiesce, NULL);
	for (int i = 0; i < LAST_ROUNDS; i++)
		(void)worker_pool_run(pool, pass, NULL);
}

static void free_ports(struct server *s)
{
	size_t count = s->settings->snapshot.relay_count * s->count;

	for (size_t i = 0; s->common.shared.ports != NULL && i < count; i++)
		ports_free(s->common.shared.ports[i]);
	free(s->common.shared.ports);
}

void server_stop(struct server *s)
{
	if (s == NULL)
		return;
	if (s->pool != NULL) {
		wind_down(s->pool);
		worker_pool_stop(s->pool);
	}
	free_ports(s);
	quota_free(s->common.shared.quota);
	free_budgets(&s->common.shared.budgets);
	per_source_free(s->common.connections);
	per_source_free(s->common.sessions);
	free(s);
}

static void take_settings(struct worker *w, void *arg)
{
	struct server *s = arg;

	listen_use_settings(worker_data(w), s->settings, &s->budgets);
}

bool server_use_settings(struct server *s, struct settings *settings)
{
	struct settings *before = s->settings;

	if (make_budgets(&settings->snapshot, &s->budgets) != 0)
		return false;
	s->settings = settings;
	if (!worker_pool_run(s->pool, take_settings, s)) {
		s->settings = before;
		free_budgets(&s->budgets);
		return false;
	}
	free_budgets(&s->common.shared.budgets);
	s->common.shared.budgets = s->budgets;
	return true;
}

struct drain {
	bool on;
};

static void drain_one(struct worker *w, void *arg)
{
	const struct drain *d = arg;

	listen_drain(worker_data(w), d->on);
}

bool server_drain(struct server *s, bool on)
{
	return worker_pool_run(s->pool, drain_one, &(struct drain){ on });
}

size_t server_worker_count(const struct server *s)
{
	return s->count;
}

size_t server_allocation_count(const struct server *s)
{
	return quota_alive(s->common.shared.quota);
}

/* What sessions.c needs of each worker. */
static void list_one(struct worker *w, void *arg)
{
	struct sessions *sessions = arg;

	sessions_gather(&sessions[worker_index(w)], listen_turnd(worker_data(w)),
			(uint16_t)worker_index(w));
}

long server_list(struct server *s, struct server_session **out)
{
	struct sessions *sessions = calloc(s->count, sizeof(*sessions));
	long rc = -ENOMEM;

	if (sessions == NULL)
		return -ENOMEM;
	if (worker_pool_run(s->pool, list_one, sessions))
		rc = sessions_join(sessions, s->count, out);
	for (size_t i = 0; i < s->count; i++)
		free(sessions[i].all);
	free(sessions);
	return rc;
}

struct kick {
	uint16_t worker;
	uint64_t number;
	bool done;
};

static void kick_one(struct worker *w, void *arg)
{
	struct kick *k = arg;

	if (worker_index(w) == k->worker)
		k->done = turnd_kick(listen_turnd(worker_data(w)), k->number);
}

bool server_kick(struct server *s, uint16_t worker, uint64_t number)
{
	struct kick k = { .worker = worker, .number = number };

	return worker_pool_run(s->pool, kick_one, &k) && k.done;
}

void server_report(const struct server *s, struct metrics *m)
{
	struct tally_source sources[TURND_WORKERS_MAX];
	const struct tally t = { sources, s->count };

	for (size_t i = 0; i < s->count; i++) {
		struct listen *l = s->listens[i];

		sources[i] = (struct tally_source){ {
			[TALLY_STREAMS] = listen_stream_stats(l),
			[TALLY_DTLS] = listen_dtls_stats(l),
			[REPORT_TURND] = turnd_stats(listen_turnd(l)),
			[REPORT_LISTEN] = listen_stats(l),
		} };
	}
	report(m, &t);
}
