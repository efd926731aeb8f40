/* turnd - the TURN server: start and stop. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "main_parts.h"
#include "tools.h"

static void on_stop(evutil_socket_t sig, short events, void *arg)
{
	struct turnd_main *t = arg;

	log_event(LOG_LEVEL_INFO, "stop", "on %s", (int)sig == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(t->base);
}

static bool open_base(struct turnd_main *t)
{
	t->base = daemon_base_new();
	return t->base != NULL && upkeep_open(t) &&
	       daemon_on_signal(t->base, SIGTERM, on_stop, t, &t->on_term) &&
	       daemon_on_signal(t->base, SIGINT, on_stop, t, &t->on_int);
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
	if (!operator_open_control(t))
		return false;
	rc = server_start(&t->start, t->settings, &t->server);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot start to listen: %s", strerror(-rc));
		return false;
	}
	if (!operator_open_admin(t) || !daemon_drop_privileges(t->start.user))
		return false;
	upkeep_warn(t);
	return true;
}

static void stop(struct turnd_main *t)
{
	control_close(t->control);
	admin_close(t->admin);
	server_stop(t->server);
	upkeep_close(t);
	if (t->on_term != NULL)
		event_free(t->on_term);
	if (t->on_int != NULL)
		event_free(t->on_int);
	if (t->base != NULL)
		event_base_free(t->base);
}

static int run(struct turnd_main *t)
{
	int rc = DAEMON_RUNTIME;

	if (start(t)) {
		upkeep_begin(t);
		log_event(LOG_LEVEL_INFO, "start", "turnd %s is ready, with %zu workers",
			  PACKAGE_VERSION, server_worker_count(t->server));
		rc = event_base_dispatch(t->base) < 0 ? DAEMON_RUNTIME : DAEMON_STOPPED;
	}
	stop(t);
	return rc;
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
	if (tools_run(&t->start, &rc))
		return rc;
	/* Twice: one is held by the server, the other one changes with each reload. */
	if (!settings_keep_keys(&t->start, &err) || !upkeep_load(t, &t->conf, &err))
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
