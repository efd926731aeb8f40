/* What changes while turnd runs: files and names around it, keys that have served, a drain. */
#include <signal.h>
#include <stdio.h>

#include "log.h"
#include "main_parts.h"

#define DRAIN_LOOK_S 1
#define KEYS_LOOK_S  3600 /* for keys to be rotated, and addresses that have changed */

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
void upkeep_warn(const struct turnd_main *t)
{
	if (t->start.user != NULL)
		settings_tell_unreadable(&t->conf, t->start.user);
}

static void warn_of_fixed(const struct turnd_main *t)
{
	char names[512];

	if (opt_changed_fixed(&turnd_program, &t->start, &t->conf, names, sizeof(names)) > 0)
		log_event(LOG_LEVEL_WARN, "reload", "takes a restart, and stays as it was: %s",
			  names);
}

bool upkeep_load(const struct turnd_main *t, struct turnd_conf *conf, struct opt_error *err)
{
	return turnd_conf_load(t->argc, t->argv, conf, err) && settings_keep_keys(conf, err);
}

/* Takes over what may change; whatever is wrong, all stays as it is. */
static bool reload(struct turnd_main *t, struct opt_error *err)
{
	struct turnd_conf next, before = t->conf;

	if (!upkeep_load(t, &next, err)) {
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
		upkeep_warn(t);
		return;
	}
	log_setup((enum log_level)t->conf.log_level, (enum log_format)t->conf.log_format);
	warn_of_fixed(t);
	settings_tell(t->settings, &t->conf);
	upkeep_begin(t);
	log_event(LOG_LEVEL_INFO, "reload", "the new configuration is in effect");
}

bool upkeep_drain(struct turnd_main *t, bool on, struct opt_error *err)
{
	static const struct timeval pause = { .tv_sec = DRAIN_LOOK_S };
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

	tell_if_not(upkeep_drain(arg, true, &err), "drain", &err);
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

void upkeep_begin(struct turnd_main *t)
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

bool upkeep_open(struct turnd_main *t)
{
	return make_timers(t) && daemon_on_signal(t->base, SIGHUP, on_reload, t, &t->on_hup) &&
	       daemon_on_signal(t->base, SIGUSR1, on_drain, t, &t->on_usr1);
}

static void free_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

void upkeep_close(struct turnd_main *t)
{
	renew_free(t->renew);
	free_event(t->on_hup);
	free_event(t->on_usr1);
	for (size_t i = 0; i < TIMERS; i++)
		free_event(t->timers[i]);
}
