/* What the operator of a running turnd can ask for: metrics by HTTP, orders by the control socket. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "log.h"
#include "main_parts.h"
#include "tally.h"

static bool is_draining(const struct turnd_main *t)
{
	return t->conf.draining || t->drains;
}

static void tell_metrics(struct metrics *m, void *arg)
{
	const struct turnd_main *t = arg;

	tally_program(m, "turnd", PACKAGE_VERSION, t->started, "serve",
		      server_worker_count(t->server));
	metrics_family(m, "turnd_draining", METRICS_GAUGE, "1: there are no new allocations.");
	metrics_gauge(m, METRICS_LABELS(NULL), is_draining(t) ? 1 : 0);
	server_report(t->server, m);
}

static bool is_healthy(void *arg)
{
	return true;
}

/* Takes new allocations: balancers leave out who does not. */
static bool is_ready(void *arg)
{
	const struct turnd_main *t = arg;

	return !is_draining(t) && settings_has_users(t->settings);
}

bool operator_open_admin(struct turnd_main *t)
{
	struct admin_hooks hooks = {
		.metrics = tell_metrics, .is_healthy = is_healthy, .is_ready = is_ready, .arg = t
	};

	return daemon_open_admin(t->base, t->start.admin, &hooks, &t->admin);
}

static long list(void *arg, struct server_session **out)
{
	struct turnd_main *t = arg;

	return server_list(t->server, out);
}

static bool kick(void *arg, uint16_t worker, uint64_t number)
{
	struct turnd_main *t = arg;

	if (worker >= server_worker_count(t->server) || !server_kick(t->server, worker, number))
		return false;
	log_event(LOG_LEVEL_INFO, "kick", "session %u.%llu has ended", worker,
		  (unsigned long long)number);
	return true;
}

static bool drain(void *arg, bool on, struct opt_error *why)
{
	return upkeep_drain(arg, on, why);
}

static const char *realm_name(void *arg, uint64_t id)
{
	const struct turnd_main *t = arg;

	for (size_t i = 0; i < t->settings->snapshot.realm_count; i++) {
		if (t->settings->snapshot.realms[i].id == id)
			return turnd_conf_realm_at(&t->conf, i).name;
	}
	return NULL;
}

bool operator_open_control(struct turnd_main *t)
{
	const struct control_hooks hooks = {
		.list = list, .kick = kick, .drain = drain, .realm_name = realm_name, .arg = t
	};
	const char *path = t->start.control;
	int rc;

	if (path == NULL)
		return true;
	rc = control_open(t->base, path, &hooks, &t->control);
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "control", "%s", path);
	else
		log_event(LOG_LEVEL_ERROR, "control", "cannot listen on %s: %s", path,
			  rc == -EADDRINUSE ? "another turnd does" : strerror(-rc));
	return rc == 0;
}
