/*
 * main_parts - what the main thread of turnd holds. For main.c, upkeep.c and operator.c alone.
 */
#ifndef NATKIT_TURND_MAIN_PARTS_H
#define NATKIT_TURND_MAIN_PARTS_H

#include <event2/event.h>
#include <time.h>

#include "control.h"
#include "daemon.h"
#include "renew.h"
#include "server.h"

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

/*
 * upkeep.c: what changes while it runs.
 */

/* Reads the command line and its file again; without the passwords that stand there. */
bool upkeep_load(const struct turnd_main *t, struct turnd_conf *conf, struct opt_error *err);

/* Makes SIGHUP, SIGUSR1 and timers do their work. False: upkeep_close is due nevertheless. */
bool upkeep_open(struct turnd_main *t);
void upkeep_close(struct turnd_main *t);

/* Times run from now on. */
void upkeep_begin(struct turnd_main *t);

/* No new allocations, and an end when none is left; or new ones again. */
bool upkeep_drain(struct turnd_main *t, bool on, struct opt_error *err);

/* Warns of files that a reload will not get at. */
void upkeep_warn(const struct turnd_main *t);

/*
 * operator.c: what the operator can ask for. False: the log says why it cannot be opened.
 */

bool operator_open_control(struct turnd_main *t);
bool operator_open_admin(struct turnd_main *t);

#endif
