/* turnd - the TURN server: start, signals, reload, drain, stop. */
#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "log.h"
#include "renew.h"
#include "server.h"
#include "tools.h"

#define CONTROL_TIMEOUT_S 10
#define DRAIN_LOOK_S      1
#define KEYS_LOOK_S       3600 /* for keys to be rotated, and addresses that have changed */

enum turnd_timer {
	TIMER_DATABASE,
	TIMER_NAMES,
	TIMER_KEYS,
	TIMER_DRAIN,
	TIMERS,
};

struct turnd_main {
	int argc;
	char **argv;
	struct turnd_conf start; /* of the start: the server holds it */
	struct turnd_conf conf;  /* in effect */
	struct settings *settings;
	struct event_base *base;
	struct event *on_term, *on_int, *on_hup, *on_usr1;
	struct event *timers[TIMERS];
	struct server *server;
	struct admin *admin;
	struct control *control;
	struct renew *renew;
	bool drains; /* by signal or control socket: ends when nobody is left */
	time_t started;
};

/* Puts other settings into effect; `settings` is taken over. */
static bool use(struct turnd_main *t, struct settings *settings, struct opt_error *err)
{
	if (settings == NULL)
		return false;
	if (!server_use_settings(t->server, settings)) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		settings_release(settings);
		return false;
	}
	settings_release(t->settings);
	t->settings = settings;
	return true;
}

static uint64_t wall_clock_s(void)
{
	return (uint64_t)time(NULL);
}

/* The same configuration again, with what has changed around it; no file is read. */
static bool renew(struct turnd_main *t, const struct names *fresh, struct opt_error *err)
{
	return use(t, settings_renew(&t->conf, t->settings, fresh, wall_clock_s(), err), err);
}

static void tell_if_not(bool ok, const char *event, const struct opt_error *err)
{
	if (!ok)
		log_event(LOG_LEVEL_ERROR, event, "all stays as it was: %s", err->text);
}

/* Privileges that are gone are the usual reason for files that have become unreadable. */
static void warn_of_unreadable(const struct turnd_main *t)
{
	if (t->start.user != NULL)
		settings_tell_unreadable(&t->conf, t->start.user);
}

static void on_stop(evutil_socket_t sig, short events, void *arg)
{
	struct turnd_main *t = arg;

	log_event(LOG_LEVEL_INFO, "stop", "on %s", (int)sig == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(t->base);
}

static void warn_of_fixed(const struct turnd_main *t)
{
	char names[512];

	if (opt_changed_fixed(&turnd_program, &t->start, &t->conf, names, sizeof(names)) > 0)
		log_event(LOG_LEVEL_WARN, "reload", "takes a restart, and stays as it was: %s",
			  names);
}

static void set_timers(struct turnd_main *t);

/* Without the passwords that stand in it. */
static bool load(const struct turnd_main *t, struct turnd_conf *conf, struct opt_error *err)
{
	return turnd_conf_load(t->argc, t->argv, conf, err) && settings_keep_keys(conf, err);
}

/* Takes over what may change; whatever is wrong, all stays as it is. */
static bool reload(struct turnd_main *t, struct opt_error *err)
{
	struct turnd_conf next, before = t->conf;

	if (!load(t, &next, err)) {
		turnd_conf_clear(&next);
		return false;
	}
	if (turnd_conf_has_tls(&next) != turnd_conf_has_tls(&t->start)) {
		snprintf(err->text, sizeof(err->text),
			 "cert-file: TLS is switched on and off by a restart only");
		turnd_conf_clear(&next);
		return false;
	}
	if (!use(t, settings_new(&next, t->settings, err), err)) {
		turnd_conf_clear(&next);
		return false;
	}
	t->conf = next;
	turnd_conf_clear(&before);
	return true;
}

static void on_reload(evutil_socket_t sig, short events, void *arg)
{
	struct turnd_main *t = arg;
	struct opt_error err;

	if (!reload(t, &err)) {
		tell_if_not(false, "reload", &err);
		warn_of_unreadable(t);
		return;
	}
	log_setup((enum log_level)t->conf.log_level, (enum log_format)t->conf.log_format);
	warn_of_fixed(t);
	settings_tell(t->settings, &t->conf);
	set_timers(t);
	log_event(LOG_LEVEL_INFO, "reload", "the new configuration is in effect");
}

static bool drain(void *arg, bool on, struct opt_error *err)
{
	static const struct timeval pause = { .tv_sec = DRAIN_LOOK_S };
	struct turnd_main *t = arg;
	bool before = t->conf.draining;

	t->conf.draining = before && on;
	if (before && !on && !renew(t, NULL, err)) {
		t->conf.draining = before;
		return false;
	}
	if (!server_drain(t->server, on)) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return false;
	}
	t->drains = on;
	if (on)
		event_add(t->timers[TIMER_DRAIN], &pause);
	else
		event_del(t->timers[TIMER_DRAIN]);
	log_event(LOG_LEVEL_INFO, "drain",
		  on ? "no new allocations; ends when the %zu that are left have ended"
		     : "over: there are new allocations again beside the %zu that are left",
		  server_allocation_count(t->server));
	return true;
}

static void on_drain(evutil_socket_t sig, short events, void *arg)
{
	struct opt_error err;

	tell_if_not(drain(arg, true, &err), "drain", &err);
}

static void on_drain_timer(evutil_socket_t fd, short events, void *arg)
{
	struct turnd_main *t = arg;

	if (server_allocation_count(t->server) > 0)
		return;
	log_event(LOG_LEVEL_INFO, "stop", "drained: nobody is left");
	event_base_loopbreak(t->base);
}

static void on_database_timer(evutil_socket_t fd, short events, void *arg)
{
	struct turnd_main *t = arg;

	struct settings *next;
	struct opt_error err;

	if (!settings_is_outdated(t->settings, &t->conf))
		return;
	next = settings_renew_users(&t->conf, t->settings, wall_clock_s(), &err);
	tell_if_not(use(t, next, &err), "user-database", &err);
}

static void on_keys_timer(evutil_socket_t fd, short events, void *arg)
{
	struct opt_error err;

	tell_if_not(renew(arg, NULL, &err), "refresh", &err);
}

static void on_names_timer(evutil_socket_t fd, short events, void *arg)
{
	struct turnd_main *t = arg;

	renew_start(t->renew, settings_looked_up(t->settings));
}

/* Names that DNS did not find keep the address they had. */
static void on_names(void *arg, const struct names *fresh)
{
	struct turnd_main *t = arg;
	struct names before = *settings_looked_up(t->settings);
	struct opt_error err;

	if (names_equal(fresh, &before))
		return;
	tell_if_not(renew(t, fresh, &err), "relay-address", &err);
	if (!names_equal(settings_looked_up(t->settings), &before))
		settings_tell(t->settings, &t->conf);
}

static void set_timer(struct turnd_main *t, enum turnd_timer which, uint64_t ms)
{
	struct timeval pause = { .tv_sec = (time_t)(ms / 1000),
				 .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(t->timers[which], &pause);
}

static void set_timers(struct turnd_main *t)
{
	set_timer(t, TIMER_DATABASE, t->conf.refresh_every_ms);
	set_timer(t, TIMER_NAMES, t->conf.resolve_every_ms);
	set_timer(t, TIMER_KEYS, KEYS_LOOK_S * UINT64_C(1000));
}

static bool make_timers(struct turnd_main *t)
{
	static const event_callback_fn calls[TIMERS] = {
		[TIMER_DATABASE] = on_database_timer,
		[TIMER_NAMES] = on_names_timer,
		[TIMER_KEYS] = on_keys_timer,
		[TIMER_DRAIN] = on_drain_timer,
	};

	for (size_t i = 0; i < TIMERS; i++) {
		t->timers[i] = event_new(t->base, -1, EV_PERSIST, calls[i], t);
		if (t->timers[i] == NULL)
			return false;
	}
	t->renew = renew_new(t->base, on_names, t);
	return t->renew != NULL;
}

static bool open_base(struct turnd_main *t)
{
	t->base = daemon_base_new();
	return t->base != NULL && make_timers(t) &&
	       daemon_on_signal(t->base, SIGTERM, on_stop, t, &t->on_term) &&
	       daemon_on_signal(t->base, SIGINT, on_stop, t, &t->on_int) &&
	       daemon_on_signal(t->base, SIGHUP, on_reload, t, &t->on_hup) &&
	       daemon_on_signal(t->base, SIGUSR1, on_drain, t, &t->on_usr1);
}

static bool is_draining(const struct turnd_main *t)
{
	return t->conf.draining || t->drains;
}

static void tell_metrics(struct metrics *m, void *arg)
{
	const struct turnd_main *t = arg;

	metrics_family(m, "turnd_info", METRICS_GAUGE, "Always 1; the version is a label.");
	metrics_gauge(m, METRICS_LABELS("version", PACKAGE_VERSION), 1);
	metrics_family(m, "turnd_start_time_seconds", METRICS_GAUGE,
		       "When it was started, in seconds since 1970.");
	metrics_gauge(m, METRICS_LABELS(NULL), (double)t->started);
	metrics_family(m, "turnd_workers", METRICS_GAUGE, "Threads that serve.");
	metrics_gauge(m, METRICS_LABELS(NULL), (double)server_worker_count(t->server));
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

static bool open_admin(struct turnd_main *t)
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

static const char *realm_name(void *arg, uint64_t id)
{
	const struct turnd_main *t = arg;

	for (size_t i = 0; i < t->settings->snapshot.realm_count; i++) {
		if (t->settings->snapshot.realms[i].id == id)
			return turnd_conf_realm_at(&t->conf, i).name;
	}
	return NULL;
}

static bool open_control(struct turnd_main *t)
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

static bool start(struct turnd_main *t)
{
	int rc;

	if (!open_base(t)) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot set up the event loop");
		return false;
	}
	t->started = time(NULL);
	daemon_forbid_privileges(); /* threads inherit that, now or never */
	settings_tell(t->settings, &t->conf);
	/* The mask of new files is that of all threads: before there are others. */
	if (!open_control(t))
		return false;
	rc = server_start(&t->start, t->settings, &t->server);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot start to listen: %s", strerror(-rc));
		return false;
	}
	if (!open_admin(t) || !daemon_drop_privileges(t->start.user))
		return false;
	warn_of_unreadable(t);
	return true;
}

static void free_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

static void stop(struct turnd_main *t)
{
	control_close(t->control);
	admin_close(t->admin);
	server_stop(t->server);
	renew_free(t->renew);
	free_event(t->on_term);
	free_event(t->on_int);
	free_event(t->on_hup);
	free_event(t->on_usr1);
	for (size_t i = 0; i < TIMERS; i++)
		free_event(t->timers[i]);
	if (t->base != NULL)
		event_base_free(t->base);
}

static int run(struct turnd_main *t)
{
	int rc = DAEMON_RUNTIME;

	if (start(t)) {
		set_timers(t);
		log_event(LOG_LEVEL_INFO, "start", "turnd %s is ready, with %zu workers",
			  PACKAGE_VERSION, server_worker_count(t->server));
		rc = event_base_dispatch(t->base) < 0 ? DAEMON_RUNTIME : DAEMON_STOPPED;
	}
	stop(t);
	return rc;
}

/* Returns false where the command line asks for no text. */
static bool print(const struct turnd_conf *conf)
{
	if (conf->help)
		opt_print_help(&turnd_program, stdout);
	else if (conf->version)
		puts("turnd (natkit) " PACKAGE_VERSION);
	else if (conf->print_config)
		opt_print_config(&turnd_program, conf, stdout);
	else
		return false;
	return true;
}

/* The line for the control socket; NULL: nothing is asked of it. */
static const char *control_line(const struct turnd_conf *conf, char buf[static CONTROL_LINE_MAX])
{
	const char *word = conf->sessions  ? "sessions"
			   : conf->drain   ? "drain"
			   : conf->undrain ? "undrain"
					   : NULL;

	if (conf->kick == NULL)
		return word;
	snprintf(buf, CONTROL_LINE_MAX, "kick %s", conf->kick);
	return buf;
}

/* What runs instead of the server. Returns false where nothing does. */
static bool run_tool(const struct turnd_conf *conf, int *rc)
{
	char buf[CONTROL_LINE_MAX];
	const char *line = control_line(conf, buf);
	struct opt_error err;
	bool ok;

	if (conf->add_user != NULL)
		ok = tools_add_user(conf, stdin, &err);
	else if (conf->make_credential != NULL)
		ok = tools_make_credential(conf, (uint64_t)time(NULL), stdout, &err);
	else if (line != NULL)
		ok = control_ask(conf->control, line, CONTROL_TIMEOUT_S, stdout, &err);
	else
		return false;
	if (!ok)
		(void)fprintf(stderr, "turnd: %s\n", err.text);
	*rc = ok && fflush(stdout) == 0 ? DAEMON_STOPPED : DAEMON_RUNTIME;
	return true;
}

static int refuse(const struct opt_error *err)
{
	(void)fprintf(stderr, "turnd: %s\n", err->text);
	return DAEMON_CONFIG;
}

static int dispatch(struct turnd_main *t)
{
	struct opt_error err;
	int rc;

	if (!turnd_conf_load(t->argc, t->argv, &t->start, &err))
		return refuse(&err);
	if (print(&t->start))
		return fflush(stdout) == 0 ? DAEMON_STOPPED : DAEMON_RUNTIME;
	if (run_tool(&t->start, &rc))
		return rc;
	/* Twice: one is held by the server, the other one changes with each reload. */
	if (!settings_keep_keys(&t->start, &err) || !load(t, &t->conf, &err))
		return refuse(&err);
	t->settings = settings_new(&t->conf, NULL, &err);
	if (t->settings == NULL)
		return refuse(&err);
	if (t->start.check_config)
		return DAEMON_STOPPED;
	log_setup((enum log_level)t->conf.log_level, (enum log_format)t->conf.log_format);
	return run(t);
}

int main(int argc, char **argv)
{
	struct turnd_main t = { .argc = argc, .argv = argv };
	int rc = dispatch(&t);

	settings_release(t.settings);
	turnd_conf_clear(&t.start);
	turnd_conf_clear(&t.conf);
	return rc;
}
