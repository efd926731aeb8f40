/*
 * spaces - namespaces without a name, which end with the processes in them (Linux).
 *
 * spaces_run is called once, by a process without threads. What it starts is the init of a PID
 * namespace of its own: when that ends, all that runs inside is killed, and when we end, however
 * that happens, so does it, unless it has said that it will go on. Nothing can be left behind.
 */
#ifndef NATLAB_SPACES_H
#define NATLAB_SPACES_H

#include "plan.h"

enum {
	EXIT_OURS = 125,       /* natlab itself failed */
	EXIT_NO_PROGRAM = 126, /* the command is there, and cannot be run */
	EXIT_NOT_FOUND = 127,  /* the command is not there */
	EXIT_BY_SIGNAL = 128,  /* and the number of the signal */
};

/* The kinds that a command inside must enter, in this order. */
enum space_kind {
	SPACE_USER,
	SPACE_MOUNT,
	SPACE_IPC,
	SPACE_PID,
	SPACE_ROOT, /* no namespace: its root directory, which is elsewhere in a chroot */
	SPACE_NET,
	SPACE_KINDS,
};

struct spaces_job {
	int (*inside)(void *arg); /* its result is the exit status */
	void *arg;
	/*
	 * Goes on when we end: spaces_run returns 0 as soon as `inside` has called
	 * spaces_ready, or what it ended with before that.
	 */
	bool stays;
};

/*
 * Runs the job in new namespaces: as root at once, otherwise by way of a user namespace.
 * SIGTERM and SIGHUP go through to it, and so does a SIGINT that no terminal sent.
 * Returns its exit status, 128 + signal, or EXIT_OURS and *err.
 */
int spaces_run(const struct spaces_job *job, struct lab_error *err);

/* Of the job: signals that it handles now have waited until here. */
void spaces_hear_signals(void);

/* Whoever started us wants that signal ignored (nohup). */
bool spaces_ignores(int sig);

/* Of the job: it will go on by itself. */
void spaces_ready(void);

/* A new network namespace with its loopback up; we are in it. A descriptor, or -errno. */
int space_new(void);

/* Enters a network namespace. 0 or -errno. */
int space_enter(int fd);

/* A descriptor of one of our own namespaces, or -errno. */
int space_open(enum space_kind kind);

/*
 * Enters the namespaces of another process, whose descriptors these are.
 * The caller forks then: only its children are in the PID namespace. 0 or -errno.
 */
int spaces_join(const int fds[SPACE_KINDS]);

/* For a new process inside: what /sys shows is its own network. May not be possible. */
void spaces_own_sys(void);

/* Fills *err: what is wrong, and what to do where it is not allowed. Always false. */
bool spaces_explain(struct lab_error *err, int error, const char *what);

#endif
