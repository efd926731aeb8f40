#include <config.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "layout.h"
#include "listen.h"
#include "log.h"
#include "policy.h"
#include "stund_conf.h"

/* Exit codes of daemons (doc/architecture.md). */
#define EXIT_STOPPED 0
#define EXIT_RUNTIME 1
#define EXIT_CONFIG  2

struct stund {
	struct stund_conf conf;
	struct layout layout;
	struct event_base *base;
	struct event *term, *interrupt;
	struct policy *policy;
	struct listen *listen;
};

static void on_stop(evutil_socket_t sig, short events, void *arg)
{
	struct stund *s = arg;

	log_event(LOG_LEVEL_INFO, "stop", "on signal %d", (int)sig);
	event_base_loopbreak(s->base);
}

static bool open_all(struct stund *s, struct opt_error *err)
{
	snprintf(err->text, sizeof(err->text), "out of memory");
	s->base = event_base_new();
	if (s->base == NULL)
		return false;
	s->term = evsignal_new(s->base, SIGTERM, on_stop, s);
	s->interrupt = evsignal_new(s->base, SIGINT, on_stop, s);
	if (s->term == NULL || s->interrupt == NULL || event_add(s->term, NULL) != 0 ||
	    event_add(s->interrupt, NULL) != 0)
		return false;
	s->policy = policy_new(&s->conf, err);
	if (s->policy == NULL)
		return false;
	snprintf(err->text, sizeof(err->text), "not all addresses could be opened");
	s->listen = listen_open(s->base, &s->conf, &s->layout, s->policy, 0);
	return s->listen != NULL;
}

static void close_all(struct stund *s)
{
	listen_close(s->listen);
	policy_release(s->policy);
	if (s->term != NULL)
		event_free(s->term);
	if (s->interrupt != NULL)
		event_free(s->interrupt);
	if (s->base != NULL)
		event_base_free(s->base);
}

static int run(struct stund *s)
{
	struct opt_error err;
	int rc = EXIT_RUNTIME;

	if (open_all(s, &err)) {
		log_event(LOG_LEVEL_INFO, "start", "stund %s is ready", PACKAGE_VERSION);
		rc = event_base_dispatch(s->base) < 0 ? EXIT_RUNTIME : EXIT_STOPPED;
	} else {
		log_event(LOG_LEVEL_ERROR, "start", "%s", err.text);
	}
	close_all(s);
	return rc;
}

/* What is done without starting: --help and its like. Returns false to go on. */
static bool inform(const struct stund_conf *conf)
{
	if (conf->help)
		opt_print_help(&stund_program, stdout);
	else if (conf->version)
		puts("stund (natkit) " PACKAGE_VERSION);
	else if (conf->print_config)
		opt_print_config(&stund_program, conf, stdout);
	else
		return conf->check_config;
	return true;
}

int main(int argc, char **argv)
{
	struct stund s = { 0 };
	struct opt_error err;
	int rc = EXIT_CONFIG;

	if (!stund_conf_load(argc, argv, &s.conf, &err) || !layout_make(&s.conf, &s.layout, &err)) {
		fprintf(stderr, "stund: %s\n", err.text);
	} else if (inform(&s.conf)) {
		rc = fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_RUNTIME;
	} else {
		log_setup((enum log_level)s.conf.log_level, (enum log_format)s.conf.log_format);
		rc = run(&s);
	}
	stund_conf_clear(&s.conf);
	return rc;
}
