/*
 * lab - a laboratory that runs: a namespace for each host, one for the servers, and this process
 * between them, which holds the other ends of all their interfaces.
 *
 * Called by the init of a PID namespace (spaces.h); when that ends, all of it is gone.
 */
#ifndef NATLAB_LAB_H
#define NATLAB_LAB_H

#include <stdio.h>

#include "processes.h"

#define LAB_ENV_MAX  4
#define LAB_ENV_TEXT 160

struct lab;

struct lab_config {
	const struct lab_plan *plan; /* copied */
	const char *stund;           /* path of the program; NULL: found */
	FILE *log;                   /* borrowed; NULL: none */
	const char *control;         /* path of the socket that takes orders; NULL or "": none */
	/* The servers are ready: time to start commands. */
	void (*on_ready)(void *arg, struct lab *lab);
	/*
	 * SIGTERM or SIGHUP has come after that; before, it ends the laboratory. NULL: it goes to
	 * the commands.
	 */
	void (*on_signal)(void *arg, struct lab *lab);
	void *arg;
};

/* What a user gave, or a random one where that is 0. */
uint64_t lab_seed(int64_t given);

/* Builds it. NULL, and *err: what is missing, and what to do about it. */
struct lab *lab_open(const struct lab_config *config, struct lab_error *err);
void lab_close(struct lab *lab); /* NULL is fine */

/* Runs until lab_stop; returns its status, or EXIT_OURS when the loop fails. */
int lab_run(struct lab *lab);
void lab_stop(struct lab *lab, int status);

/* Ends with EXIT_OURS, and says why. */
void lab_give_up(struct lab *lab, const char *why);

struct event_base *lab_base(struct lab *lab);
const struct lab_plan *lab_plan(const struct lab *lab);

/* The network namespace of a host, a kernel box or the servers; -1: no such node. Borrowed. */
int lab_space(const struct lab *lab, const char *node);

/* What commands on that node find in their environment: "NAME=VALUE". Returns how many. */
size_t lab_environment(const struct lab *lab, const char *node,
		       char env[static LAB_ENV_MAX][LAB_ENV_TEXT]);

/* Starts a command on a node; p->space and p->env are set here. Its pid, or -errno. */
pid_t lab_start(struct lab *lab, const char *node, struct process *p);

/* "reboot", "flush", "new-address". False, and *err, for another word or node. */
bool lab_event(struct lab *lab, const char *node, const char *what, struct lab_error *err);

#endif
