/* stund - the STUN server: start, signals, reload, stop. */
#include <config.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "layout.h"
#include "log.h"
#include "policy.h"
#include "rendezvous_io.h"
#include "selfcheck.h"
#include "server.h"
#include "stund_conf.h"
#include "tally.h"

struct stund {
	int argc;
	char **argv;
	struct stund_conf conf; /* of the start; a reload leaves it alone */
	struct layout layout;
	struct policy *policy;
	struct event_base *base;
	struct event *on_term, *on_int, *on_hup;
	struct server *server;
	struct rendezvous_io *rendezvous; /* NULL: none is wanted */
	struct selfcheck *selfcheck;
	struct admin *admin;
	time_t started;
};

static void on_stop(evutil_socket_t sig, short events, void *arg)
{
	struct stund *s = arg;

	log_event(LOG_LEVEL_INFO, "stop", "on %s", (int)sig == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(s->base);
}

static void warn_of_fixed(const struct stund *s, const struct stund_conf *next)
{
	char names[512];

	if (opt_changed_fixed(&stund_program, &s->conf, next, names, sizeof(names)) > 0)
		log_event(LOG_LEVEL_WARN, "reload", "takes a restart, and stays as it was: %s",
			  names);
}

/* Takes over what may change; whatever is wrong, all stays as it is. */
static bool reload(struct stund *s, struct stund_conf *next, struct opt_error *err)
{
	struct policy *policy;

	if (!stund_conf_load(s->argc, s->argv, next, err))
		return false;
	if ((next->cert_file == NULL) != (s->conf.cert_file == NULL)) {
		snprintf(err->text, sizeof(err->text),
			 "cert-file: TLS is switched on and off by a restart only");
		return false;
	}
	policy = policy_new(next, err);
	if (policy == NULL)
		return false;
	if (!server_use_policy(s->server, policy) ||
	    !rendezvous_io_use_policy(s->rendezvous, policy)) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		policy_release(policy);
		return false;
	}
	policy_release(s->policy);
	s->policy = policy;
	return true;
}

static void on_reload(evutil_socket_t sig, short events, void *arg)
{
	struct stund *s = arg;
	struct stund_conf next;
	struct opt_error err;

	if (reload(s, &next, &err)) {
		log_setup((enum log_level)next.log_level, (enum log_format)next.log_format);
		warn_of_fixed(s, &next);
		log_event(LOG_LEVEL_INFO, "reload", "the new configuration is in effect");
	} else {
		log_event(LOG_LEVEL_ERROR, "reload", "all stays as it was: %s", err.text);
	}
	stund_conf_clear(&next);
}

static bool open_base(struct stund *s)
{
	s->base = daemon_base_new();
	return s->base != NULL && daemon_on_signal(s->base, SIGTERM, on_stop, s, &s->on_term) &&
	       daemon_on_signal(s->base, SIGINT, on_stop, s, &s->on_int) &&
	       daemon_on_signal(s->base, SIGHUP, on_reload, s, &s->on_hup);
}

/* Without a second address there is no NAT discovery: nobody shall wonder why. */
static void tell_discovery(const struct stund *s, enum addr_family family, const char *name)
{
	const char *what = "on";

	if (!layout_has_family(&s->layout, family))
		return;
	if (!s->conf.nat_discovery)
		what = "off, as configured";
	else if (layout_has_partner(&s->layout, family))
		what = "off, until the partner is there";
	else if (!layout_has_full_site(&s->layout, family))
		what = "off, since it takes two addresses; set listen and alternate, or partner";
	log_event(LOG_LEVEL_INFO, "nat-discovery", "%s: %s", name, what);
}

static void tell_metrics(struct metrics *m, void *arg)
{
	const struct stund *s = arg;

	tally_program(m, "stund", PACKAGE_VERSION, s->started, "answer",
		      server_worker_count(s->server));
	server_report(s->server, m);
	rendezvous_io_report(s->rendezvous, m);
}

/* One who can ask gets an answer: the workers have no state in which they would not. */
static bool is_healthy(void *arg)
{
	return true;
}

static bool open_admin(struct stund *s)
{
	struct admin_hooks hooks = { .metrics = tell_metrics, .is_healthy = is_healthy, .arg = s };

	return daemon_open_admin(s->base, s->conf.admin, &hooks, &s->admin);
}

static bool start(struct stund *s)
{
	int rc;

	if (!open_base(s)) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot set up the event loop");
		return false;
	}
	s->started = time(NULL);
	daemon_forbid_privileges(); /* threads inherit that, now or never */
	rc = server_start(&s->conf, &s->layout, s->policy, &s->server);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot start to listen: %s", strerror(-rc));
		return false;
	}
	rc = rendezvous_io_start(&s->conf, s->policy, &s->rendezvous);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "start", "cannot start the rendezvous: %s",
			  strerror(-rc));
		return false;
	}
	return open_admin(s) && daemon_drop_privileges(s->conf.user);
}

static void stop(struct stund *s)
{
	struct event *const events[] = { s->on_term, s->on_int, s->on_hup };

	selfcheck_stop(s->selfcheck);
	admin_close(s->admin);
	rendezvous_io_stop(s->rendezvous);
	server_stop(s->server);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	if (s->base != NULL)
		event_base_free(s->base);
}

static int run(struct stund *s)
{
	int rc = DAEMON_RUNTIME;

	if (start(s)) {
		tell_discovery(s, ADDR_IPV4, "IPv4");
		tell_discovery(s, ADDR_IPV6, "IPv6");
		if (s->conf.self_check)
			s->selfcheck = selfcheck_start(s->base, &s->layout, &s->conf);
		log_event(LOG_LEVEL_INFO, "start", "stund %s is ready, with %zu workers",
			  PACKAGE_VERSION, server_worker_count(s->server));
		rc = event_base_dispatch(s->base) < 0 ? DAEMON_RUNTIME : DAEMON_STOPPED;
	}
	stop(s);
	return rc;
}

/* Returns false where the command line asks for no text. */
static bool print(const struct stund_conf *conf)
{
	if (conf->help)
		opt_print_help(&stund_program, stdout);
	else if (conf->version)
		puts("stund (natkit) " PACKAGE_VERSION);
	else if (conf->print_config)
		opt_print_config(&stund_program, conf, stdout);
	else
		return false;
	return true;
}

/* All that can be wrong before a socket is opened, the certificate included. */
static bool prepare(struct stund *s, struct opt_error *err)
{
	if (!layout_make(&s->conf, &s->layout, err))
		return false;
	s->policy = policy_new(&s->conf, err);
	return s->policy != NULL;
}

static int dispatch(struct stund *s)
{
	struct opt_error err;

	if (!stund_conf_load(s->argc, s->argv, &s->conf, &err)) {
		(void)fprintf(stderr, "stund: %s\n", err.text);
		return DAEMON_CONFIG;
	}
	if (print(&s->conf))
		return fflush(stdout) == 0 ? DAEMON_STOPPED : DAEMON_RUNTIME;
	if (!prepare(s, &err)) {
		(void)fprintf(stderr, "stund: %s\n", err.text);
		return DAEMON_CONFIG;
	}
	if (s->conf.check_config)
		return DAEMON_STOPPED;
	log_setup((enum log_level)s->conf.log_level, (enum log_format)s->conf.log_format);
	return run(s);
}

int main(int argc, char **argv)
{
	struct stund s = { .argc = argc, .argv = argv };
	int rc = dispatch(&s);

	policy_release(s.policy);
	stund_conf_clear(&s.conf);
	return rc;
}
